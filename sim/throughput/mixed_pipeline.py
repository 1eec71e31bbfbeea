"""One pipeline across chip types: stages of each, layers dealt out by speed under their memory."""

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, starmap
from typing import Any

from sim.errors import InputError
from sim.throughput.flops import executed
from sim.throughput.layouts import POWERS, Chips, Placement, candidates, check
from sim.throughput.memory import stage_bytes
from sim.throughput.pipeline import Message, Pipeline, Stage, bubble_share
from sim.throughput.stage import Group, compute_seconds, group_of, messages

MOST_TRIED = 1_000
"""Combinations of the pools' layouts that are looked through."""


def best_mixed(
    parts: Sequence[Placement],
    held: Chips,
    link: float | None,
) -> Group:
    """The fastest pipeline through all pools, in their order.

    Each pool chooses its own tensor parallelism and number of stages; the data-parallel ranks are
    common.

    Parameters
    ----------
    parts : sequence of Placement
        A step on one rank of each pool, not laid out yet.
    held : mapping of str to int
        Chips at hand.
    link : float, optional
        Bytes/s per chip between pools; the slowest of their networks unless given.

    Raises
    ------
    InputError
        When a pool has too few chips or the layers do not fit in memory.
    """
    # Bubbles of other schedules than 1F1B are known for like stages, so 1F1B is the default.
    usual = {"schedule": "1f1b", "virtual": 1, "recompute": None, "data": None}
    layout = {key: _common(parts, key) or value for key, value in usual.items()}
    options = []
    for bare in parts:
        fixed = bare.pool.layout
        check(bare.model, fixed, bare.name)
        if bare.pool.throughput:
            raise InputError(
                f"{bare.name}: a measured rate is of whole replicas, and here the pool has only "
                "some of their stages; give layer_seconds in place of throughput, or "
                "mixing.boundary=data"
            )
        one = fixed.but(pipeline=1, **layout)
        options.append(list(candidates(bare, one, held[bare.name])))
    slowest = min(bare.pool.chip.nic for bare in parts)
    across = link or parts[0].constants.network_efficiency * slowest
    wanted = executed(parts[0].model).layers
    roomiest = 0
    groups = []
    for places in _choices(options, held, layout["data"]):
        chain = _Chain(places, across)
        layers = chain.dealt(wanted)
        roomiest = max(roomiest, sum(layers))
        if sum(layers) == wanted:
            groups.append(chain.group(layers))
    if not groups:
        raise InputError(
            f"{' + '.join(held)}: no pipeline across these pools works; at best their chips, "
            f"memory and layouts have room for {roomiest} of {wanted} layers"
        )
    return min(groups, key=Group.seconds)


def _common(parts: Sequence[Placement], key: str) -> Any:
    """What all pools of one pipeline have alike, as some of them say it."""
    said = {getattr(part.pool.layout, key) for part in parts} - {None}
    if len(said) > 1:
        given = " and ".join(map(str, sorted(said)))
        raise InputError(f"layout: {key}: one pipeline has one, and its pools say {given}")
    return said.pop() if said else None


def _choices(
    options: Sequence[Sequence[Placement]], held: Chips, data: int | None
) -> Iterator[list[Placement]]:
    """One placement of each pool, on common ranks and with all the stages the chips suffice for."""
    tried = list(islice(_alike(options), MOST_TRIED + 1))
    if len(tried) > MOST_TRIED:
        raise InputError(
            f"{' + '.join(held)}: {len(options)} pools leave more than {MOST_TRIED:,} combinations "
            "of layouts open for one pipeline; give tensor, expert or recompute in their layouts"
        )
    for chosen in tried:
        shapes = [placed.shape for placed in chosen]
        experts = math.lcm(*(shape.expert_ranks for shape in shapes))
        if data and data % experts:
            continue
        # Nodes hold powers of two, so ranks in powers of two leave few chips idle.
        for ranks in [data] if data else [experts * power for power in POWERS]:
            places = [_spread(placed, ranks, held[placed.name]) for placed in chosen]
            depths = [placed.shape.pipeline for placed in places]
            # More ranks take more chips, so none of those that follow fit either.
            if not all(depths):
                break
            if sum(depths) <= chosen[0].model.layers:
                yield places


def _alike(
    options: Sequence[Sequence[Placement]], chosen: tuple[Placement, ...] = ()
) -> Iterator[tuple[Placement, ...]]:
    """One option of each pool, such that all agree in what a pipeline has in common."""
    if len(chosen) == len(options):
        yield chosen
        return
    for placed in options[len(chosen)]:
        if all(_agree(placed, other) for other in chosen):
            yield from _alike(options, (*chosen, placed))


def _agree(a: Placement, b: Placement) -> bool:
    # Where experts are spread freely, all pools do it alike: else the choices would multiply.
    free = not (a.pool.layout.expert or b.pool.layout.expert)
    alike = a.shape.expert == b.shape.expert or not free
    return alike and a.shape.recompute == b.shape.recompute


def _spread(placed: Placement, ranks: int, chips: int) -> Placement:
    """On more ranks, with the stages given or all that the chips suffice for; none if too few."""
    most = chips // (placed.shape.rank_chips * ranks)
    stages = placed.pool.layout.pipeline or most
    shape = replace(placed.shape, pipeline=stages if stages <= most else 0)
    return placed.on(ranks)._replace(shape=shape)


class _Chain:
    """The stages of a pipeline in their order, each on the chips of one of the pools."""

    def __init__(self, places: Sequence[Placement], across: float) -> None:
        self.places = places
        self.stages: list[Placement] = []
        self.layer: list[float] = []
        seconds = []
        depth = sum(placed.shape.pipeline for placed in places)
        for placed in places:
            whole = placed._replace(shape=replace(placed.shape, pipeline=depth), layers=1.0)
            seconds.append(
                compute_seconds(placed.model, placed.pool, placed.shape, placed.constants)
            )
            for _ in range(placed.shape.pipeline):
                self.stages.append(whole._replace(stage=len(self.stages)))
                self.layer.append(seconds[-1].layer)
        self.ends = [0.0] * depth
        self.ends[0] = seconds[0].first
        self.ends[-1] = seconds[-1].last
        names = [stage.name for stage in self.stages]
        self.passed: list[tuple[Message, ...]] = []
        """Of each stage, had it one layer."""
        for k, stage in enumerate(self.stages):
            near = names[max(k - 1, 0) : k + 2]
            own = near.count(stage.name)
            self.passed.append(messages(stage, own - 1, len(near) - own, across))

    def dealt(self, layers: int) -> list[int]:
        """Layers per stage: each goes where it is finished first, as long as memory lasts.

        A pool whose layout says how many layers it has gets just those. The stages hold fewer
        layers than asked for where memory does not suffice.
        """
        found = [0] * len(self.stages)
        free: list[int] = []
        for placed in self.places:
            own = [k for k, stage in enumerate(self.stages) if stage.name == placed.name]
            if given := placed.pool.layout.layers:
                self._deal(own, given, found)
                layers -= given
            else:
                free += own
        self._deal(free, layers, found)
        return found

    def _deal(self, stages: Sequence[int], layers: int, found: list[int]) -> None:
        """Deal layers out to some stages."""
        # No other deal has a faster slowest stage: to relieve that one, another would have to take
        # a layer, and this layer came here because it would have finished later there.
        ready = [(self._stage(k, 1).beat(), k) for k in stages]
        heapq.heapify(ready)
        while layers > 0 and ready:
            _, k = heapq.heappop(ready)
            # A stage without room takes no further part.
            if found[k] < int(self.stages[k].roof / stage_bytes(self.stages[k])):
                found[k] += 1
                layers -= 1
                heapq.heappush(ready, (self._stage(k, found[k] + 1).beat(), k))

    def group(self, layers: Sequence[int]) -> Group:
        """All ranks of this pipeline, with these layers on its stages."""
        filled = [
            p._replace(layers=count) for p, count in zip(self.stages, layers, strict=True)
        ]
        shape = filled[0].shape
        stages = tuple(starmap(self._stage, enumerate(layers)))
        pipeline = Pipeline(stages, bubble_share(shape.schedule, shape.virtual))
        shapes = {placed.name: placed.shape for placed in self.places}
        return group_of(filled, shapes, pipeline, cover=1.0)

    def _stage(self, k: int, layers: int) -> Stage:
        """A stage with these layers."""
        compute = layers * self.layer[k] + self.ends[k]
        # All is passed on in each layer, but for what goes from stage to stage.
        passed = (m if m.kind == "pipeline" else m.times(layers) for m in self.passed[k])
        return Stage(self.stages[k].name, 1, compute, compute, tuple(passed))
