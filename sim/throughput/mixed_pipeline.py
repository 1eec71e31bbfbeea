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
from sim.throughput.pipeline import Pipeline, Stage, bubble_share
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
        # Bubbles of other schedules than 1F1B are known for like stages, so 1F1B is the default.
        virtual = fixed.virtual or 1
        one = fixed.but(pipeline=1, virtual=virtual, schedule=fixed.schedule or "1f1b")
        options.append(list(candidates(bare, one, held[bare.name])))
    slowest = min(bare.pool.chip.nic for bare in parts)
    across = link or parts[0].constants.network_efficiency * slowest
    wanted = executed(parts[0].model).layers
    roomiest = 0
    groups = []
    for places in _choices(options, held):
        chain = _Chain(places, across)
        layers = chain.dealt(wanted)
        roomiest = max(roomiest, sum(layers))
        if sum(layers) == wanted:
            groups.append(chain.group(layers))
    if not groups:
        raise InputError(
            f"{' + '.join(held)}: no pipeline across these pools works; "
            f"at best their memory has room for {roomiest} of {wanted} layers"
        )
    return min(groups, key=Group.seconds)


def _choices(
    options: Sequence[Sequence[Placement]], held: Chips
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
        given = {placed.pool.layout.data for placed in chosen if placed.pool.layout.data}
        # Nodes hold powers of two, so ranks in powers of two leave few chips idle.
        for ranks in sorted(given) or [experts * power for power in POWERS]:
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
    one = (a.shape.schedule, a.shape.virtual, a.shape.recompute)
    other = (b.shape.schedule, b.shape.virtual, b.shape.recompute)
    # Where experts are spread freely, all pools do it alike: else the choices would multiply.
    free = not (a.pool.layout.expert or b.pool.layout.expert)
    return one == other and (a.shape.expert == b.shape.expert or not free)


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
        self.across = across
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

    def dealt(self, layers: int) -> list[int]:
        """Layers per stage: each goes where it is finished first, as long as memory lasts.

        A pool whose layout says how many layers it has gets just those. The stages hold fewer
        layers than asked for where memory does not suffice.
        """
        wanted = {
            placed.name: placed.pool.layout.layers or math.inf for placed in self.places
        }
        room = [int(placed.roof / stage_bytes(placed)) for placed in self.stages]
        # No other deal has a faster slowest stage: to relieve that one, another would have to take
        # a layer, and this layer came here because it would have finished later there.
        known: dict[Any, float] = {}

        def finish(k: int, layers: int) -> float:
            # Stages of a pool are alike but for their neighbours and the ends of the model.
            like = self.stages[k].name, self._neighbours(k), self.ends[k], layers
            if like not in known:
                stage = self._stage(k, layers)
                known[like] = stage.slowest + stage.exposed()
            return known[like]

        ready = [(finish(k, 1), k) for k in range(len(room))]
        heapq.heapify(ready)
        found = [0] * len(room)
        while layers and ready:
            _, k = heapq.heappop(ready)
            name = self.stages[k].name
            # A stage without room, or of a pool that has its layers, takes no further part.
            if found[k] < room[k] and wanted[name]:
                found[k] += 1
                wanted[name] -= 1
                layers -= 1
                heapq.heappush(ready, (finish(k, found[k] + 1), k))
        return found

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

    def _neighbours(self, k: int) -> tuple[int, int]:
        """Neighbours of a stage in its own pool, and in others."""
        near = [other.name for other in self.stages[max(k - 1, 0) : k + 2]]
        inner = near.count(self.stages[k].name) - 1
        return inner, len(near) - 1 - inner

    def _stage(self, k: int, layers: int) -> Stage:
        """A stage with these layers."""
        placed = self.stages[k]._replace(layers=layers)
        compute = layers * self.layer[k] + self.ends[k]
        passed = messages(placed, *self._neighbours(k), self.across)
        return Stage(placed.name, 1, compute, compute, passed)
