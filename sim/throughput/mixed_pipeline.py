"""One pipeline across chip types: stages of each, layers dealt out by speed under their memory."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

from sim.catalogue.hardware import StepTime
from sim.errors import InputError
from sim.scenario.parts import Pool, Run
from sim.throughput.flops import executed
from sim.throughput.layouts import Shape, candidates, check
from sim.throughput.memory import stage_bytes
from sim.throughput.pipeline import Pipeline, Stage, bubble_share
from sim.throughput.stage import Group, compute_seconds, messages, optimizer, synchronisation


def best_mixed(
    run: Run,
    fleet: Mapping[str, Pool],
    held: Mapping[str, int],
    microbatches: int,
    link: float | None,
    constants: StepTime,
) -> Group:
    """The fastest pipeline through all pools, in their order.

    Each pool chooses its own tensor parallelism and number of stages; the data-parallel ranks are
    common.

    Raises
    ------
    InputError
        When a pool has too few chips or the layers do not fit in memory.
    """
    names, pools = list(fleet), list(fleet.values())
    chips = [held[name] for name in names]
    for name, pool in fleet.items():
        check(run.model, pool.layout, name)
    wanted = executed(run.model).layers
    winner, quickest, roomiest = None, math.inf, 0
    for shapes, ranks in _choices(run, pools, chips):
        chain = _Chain(run, names, pools, shapes, ranks, -(-microbatches // ranks), constants)
        layers = chain.dealt(wanted)
        roomiest = max(roomiest, sum(layers))
        if sum(layers) < wanted:
            continue
        group = chain.group(layers, link)
        seconds = group.seconds(chain.microbatches)
        if seconds < quickest:
            winner, quickest = group, seconds
    if winner is None:
        room = f"their memory has room for {roomiest} of {wanted} layers"
        raise InputError(
            f"{' + '.join(names)}: no pipeline across these pools works; at best {room}"
        )
    return winner


def _choices(
    run: Run, pools: Sequence[Pool], chips: Sequence[int]
) -> list[tuple[tuple[Shape, ...], int]]:
    """Shapes of every pool and ranks common to all, stages filled up with the chips there are."""
    found = {}
    options = []
    for pool, count in zip(pools, chips, strict=True):
        simple = {
            "virtual": pool.layout.virtual or 1,
            "schedule": pool.layout.schedule or "1f1b",
            "pipeline": 1,
        }
        shapes = candidates(run.model, pool, pool.layout, run.batch.micro, count)
        options.append({replace(s, **simple) for s in shapes})
    for shapes in product(*options):
        if (
            len(
                {
                    (s.expert * (not p.layout.expert), s.recompute)
                    for p, s in zip(pools, shapes, strict=True)
                }
            )
            > 1
        ):
            continue  # where both are free they are chosen alike
        groups = math.lcm(*(s.expert for s in shapes))
        most = min(c // s.tensor // s.context for s, c in zip(shapes, chips, strict=True))
        given = {p.layout.data for p in pools} - {None}
        for ranks in given or {2**k * groups for k in range(20) if 2**k * groups <= most}:
            stages = [
                p.layout.pipeline or c // (s.tensor * s.context * ranks)
                for p, s, c in zip(pools, shapes, chips, strict=True)
            ]
            fits = all(
                n and n * s.tensor * s.context * ranks <= c
                for n, s, c in zip(stages, shapes, chips, strict=True)
            )
            if (
                fits
                and sum(stages) <= run.model.layers
                and len({(s.schedule, s.virtual) for s in shapes}) == 1
            ):
                whole = tuple(replace(s, pipeline=n) for s, n in zip(shapes, stages, strict=True))
                found[whole, ranks] = None
    return list(found)


class _Chain:
    """The stages of a pipeline in their order, each on a chip of one of the pools."""

    def __init__(
        self,
        run: Run,
        names: Sequence[str],
        pools: Sequence[Pool],
        shapes: tuple[Shape, ...],
        ranks: int,
        microbatches: int,
        constants: StepTime,
    ) -> None:
        self.names = tuple(names)
        self.model, self.pools, self.shapes, self.ranks = run.model, pools, shapes, ranks
        self.microbatches, self.constants = microbatches, constants
        self.owners = [k for k, shape in enumerate(shapes) for _ in range(shape.pipeline)]
        self.whole = [replace(shape, pipeline=len(self.owners)) for shape in shapes]
        self.seconds = [
            compute_seconds(run.model, pool, shape)
            for pool, shape in zip(pools, shapes, strict=True)
        ]

    def _compute(self, stage: int, layers: int) -> float:
        own = self.seconds[self.owners[stage]]
        return (
            layers * own.layer
            + own.first * (stage == 0)
            + own.last * (stage == len(self.owners) - 1)
        )

    def _bytes(self, stage: int, layers: float) -> float:
        k, ranks = self.owners[stage], self.ranks
        shape, chip = self.whole[k], self.pools[k].chip
        return stage_bytes(
            self.model, shape, chip, layers, ranks, self.microbatches, stage, self.constants
        )

    def dealt(self, layers: int) -> list[int]:
        """Layers per stage: each layer to the stage that would finish first with it, as long as
        memory lasts.

        A pool whose layout says how many layers it has gets just those.
        """
        memory = [self.constants.memory_share * pool.chip.memory for pool in self.pools]
        wanted = [pool.layout.layers or math.inf for pool in self.pools]
        room = [int(memory[k] / self._bytes(stage, 1.0)) for stage, k in enumerate(self.owners)]
        ready = [(self._compute(stage, 1), stage) for stage in range(len(self.owners))]
        heapq.heapify(ready)
        found = [0] * len(self.owners)
        while layers and ready:
            finish, stage = heapq.heappop(ready)
            k = self.owners[stage]
            if found[stage] < room[stage] and wanted[k]:
                found[stage] += 1
                wanted[k] -= 1
                layers -= 1
                heapq.heappush(ready, (finish + self.seconds[k].layer, stage))
        return found

    def group(self, layers: list[int], link: float | None) -> Group:
        """All ranks of this pipeline, with so many layers on each stage."""
        model, pools, constants, last = self.model, self.pools, self.constants, len(self.owners) - 1
        across = link or constants.network_efficiency * min(p.chip.nic for p in pools)
        stages = []
        for stage, (k, count) in enumerate(zip(self.owners, layers, strict=True)):
            beside = [self.owners[other] for other in (stage - 1, stage + 1) if 0 <= other <= last]
            inner = beside.count(k)
            passed = messages(
                model, pools[k], self.whole[k], count, constants, inner, len(beside) - inner, across
            )
            compute = self._compute(stage, count)
            stages.append(Stage(self.names[k], 1, compute, compute, passed))
        memory, sync, update = [], [], []
        for k, (pool, shape) in enumerate(zip(pools, self.whole, strict=True)):
            own = [(stage, count) for stage, count in enumerate(layers) if self.owners[stage] == k]
            memory.append(max(self._bytes(stage, count) for stage, count in own))
            most = max(count for _, count in own)
            line = (pool.stack.data_efficiency or constants.network_efficiency) * pool.chip.nic
            sync.append(synchronisation(model, pool.chip, shape, most, self.ranks, line, constants))
            update.append(optimizer(model, pool.chip, shape, most, self.ranks, constants))
        return Group(
            pools=self.names,
            shapes=self.shapes,
            ranks=self.ranks,
            pipeline=Pipeline(
                tuple(stages), bubble_share(self.shapes[0].schedule, self.shapes[0].virtual)
            ),
            sync=max(sync),
            overlap=min(p.stack.overlap for p in pools),
            beside=min(stage.compute for stage in stages),
            optimizer=max(update),
            fixed=max(p.stack.fixed for p in pools),
            memory=tuple(memory),
        )
