"""Choosing a layout: a short enumeration of those that fit in memory; the fastest wins."""

import math
from collections.abc import Callable, Iterator

from sim.errors import InputError
from sim.scenario.parts import Layout
from sim.throughput.domain import error_factor, taken_rate
from sim.throughput.layouts import POWERS, Placement, candidates, check, distance
from sim.throughput.memory import stage_bytes
from sim.throughput.pipeline import Pipeline, bubble_share
from sim.throughput.stage import Group, alone, pool_group

ROUNDING = 1e-9
PLENTY = 10**40
"""Chips without end, to find out how many a replica would need."""


def best(
    name: str,
    bare: Placement,
    chips: int,
) -> Group:
    """The group of a pool that runs its part of the batch fastest.

    Parameters
    ----------
    name : str
        Of the pools that are alike and give their chips to it, as errors call them.
    bare : Placement
        Their part of a step on one rank, not laid out yet.
    chips : int
        At hand.

    Raises
    ------
    InputError
        When no layout allowed fits on the chips and in their memory, with the numbers and the
        nearest that does.
    """
    pool = bare.pool
    check(bare.model, pool.layout, name)

    def places(layout: Layout, limit: int) -> Iterator[Placement]:
        """Shapes on up to that many chips, with the ranks given or all in whole expert groups."""
        for placed in candidates(bare, layout, limit):
            shape = placed.shape
            most = max(chips // shape.replica_chips, 1) * shape.expert_ranks
            ranks = layout.data or most
            if ranks <= most and ranks % shape.expert_ranks == 0:
                yield placed.on(ranks)

    fastest = None
    least = math.inf
    for placed in filter(_fits, places(pool.layout, chips)):
        # Nine in ten lose by their compute and bubble alone; rounding must not decide it.
        if floor(placed) > least * (1 + ROUNDING):
            continue
        group = pool_group(placed)
        seconds = group.seconds()
        if fastest is None or seconds < least:
            fastest = group
            least = seconds
    if fastest is None and pool.throughput and chips >= (pool.throughput.at_chips or 0):
        # What was measured did run, whatever the memory model says of it, and so it does on more.
        nearest = min(places(pool.layout, chips), key=stage_bytes, default=None)
        fastest = pool_group(nearest) if nearest else None
    if fastest is None:
        raise InputError(f"{name}: {_why_not(places, pool.layout, chips)}")
    return fastest


def floor(placed: Placement) -> float:
    """Seconds that a step of whole pipelines of such stages takes at least: no communication."""
    if taken_rate(placed.pool):
        return 0.0
    shape = placed.shape
    pipeline = Pipeline((alone(placed),), bubble_share(shape.schedule, shape.virtual))
    beat, ramp = pipeline.beat_and_ramp()
    return error_factor(placed) * (placed.microbatches * beat + ramp)


def _fits(placed: Placement) -> bool:
    return stage_bytes(placed) <= placed.roof


def _why_not(
    places: Callable[[Layout, int], Iterator[Placement]], fixed: Layout, chips: int
) -> str:
    """The reason in numbers, and the nearest layout that works."""
    # The hint keeps what is never chosen freely.
    kept = ("context", "schedule", "zero", "context_exchange")
    free = Layout(**{key: getattr(fixed, key) for key in kept})
    possible = list(filter(_fits, places(free, chips)))
    # Ranks are judged last: their number says nothing of the shape that was meant.
    meant = places(fixed.but(data=None), PLENTY)
    given = min(meant, key=lambda p: (p.shape.replica_chips > chips, stage_bytes(p)))
    if not possible:
        title = given.model.title or "the model"
        least = "no number would do"
        # Where no chips suffice for a sequence, they may for a part of it each.
        for split in POWERS[:6]:
            parted = free.but(context=split * (fixed.context or 1))
            # On just the chips it needs, a replica shares its state with no other.
            shapes = [
                placed.shape
                for placed in places(parted, PLENTY)
                if _fits(placed._replace(ranks=placed.shape.expert_ranks))
            ]
            if shapes:
                fewest = min(shapes, key=lambda shape: shape.replica_chips)
                least = f"the smallest needs {fewest.replica_chips} ({fewest})"
                break
        held = f"{chips} chips of {given.roof / 1e9:.0f} GB"
        return f"{held} cannot hold one replica of {title}; {least}"
    near = min(possible, key=lambda placed: distance(placed.shape, given.shape))
    return (
        f"layout: {_conflict(given, fixed.data or 0, chips)}; "
        f"nearest layout that works: {near.shape} ({stage_bytes(near) / 1e9:.1f} GB a chip)"
    )


def _conflict(given: Placement, data: int, chips: int) -> str:
    """What a layout has too little of: chips for its ranks, chips for one replica, or memory."""
    shape = given.shape
    wanted = data * shape.rank_chips
    if wanted > chips:
        return f"{data} ranks of {shape.rank_chips} chips need {wanted}, available {chips}"
    if shape.replica_chips <= chips:
        return (
            f"needed {stage_bytes(given) / 1e9:.1f} GB a chip, "
            f"available {given.roof / 1e9:.1f} GB ({shape})"
        )
    short = f"one replica needs {shape.replica_chips} chips, available {chips} ({shape})"
    ranks = chips // shape.rank_chips
    if shape.expert_ranks <= ranks:
        return short
    return (
        f"{short}; expert {shape.expert} needs {shape.expert_ranks} data-parallel ranks and "
        f"there are {ranks}; "
        "experts cannot be spread across chip types"
    )
