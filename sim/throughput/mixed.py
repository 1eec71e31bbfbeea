"""One pipeline across chip types: stages of each, layers dealt out by speed under their memory."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from sim.catalogue.kinds import StepTime
from sim.errors import InputError
from sim.scenario.parts import Pool, Run
from sim.throughput.flops import executed
from sim.throughput.group import Group
from sim.throughput.layouts import Shape, candidates, check
from sim.throughput.memory import stage_bytes
from sim.throughput.pipeline import Pipeline, Stage, bubble_share
from sim.throughput.stage import compute_seconds, messages, optimizer, synchronisation


def best_mixed(
    run: Run,
    pools: Sequence[Pool],
    names: Sequence[str],
    chips: Sequence[int],
    microbatches: int,
    link: float | None,
    constants: StepTime,
) -> Group:
    """The fastest pipeline through all pools, in their order.

    Each pool chooses its own tensor parallelism and number of stages; the data-parallel ranks are common.

    Raises
    ------
    InputError
        When a pool has too few chips or the layers do not fit in memory.
    """
    for pool, name in zip(pools, names, strict=True):
        check(run.model, pool.layout, name)
    winner, quickest, roomiest = None, math.inf, 0
    for shapes, ranks in _choices(run, pools, chips):
        dealt = _deal(run, pools, shapes, ranks, -(-microbatches // ranks), constants)
        placed = sum(map(sum, dealt))
        roomiest = max(roomiest, placed)
        if placed < executed(run.model).layers:
            continue
        group = _group(run, pools, shapes, ranks, dealt, microbatches, link, constants)
        seconds = group.seconds(-(-microbatches // ranks))
        if seconds < quickest:
            winner, quickest = group, seconds
    if winner is None:
        room = f"their memory has room for {roomiest} of {executed(run.model).layers} layers"
        raise InputError(f"{' + '.join(names)}: no pipeline across these pools works; at best {room}")
    return winner


def _choices(run: Run, pools: Sequence[Pool], chips: Sequence[int]) -> list[tuple[tuple[Shape, ...], int]]:
    """Shapes of every pool and ranks common to all, stages filled up with the chips there are."""
    found = {}
    options = []
    for pool, count in zip(pools, chips, strict=True):
        simple = {"virtual": pool.layout.virtual or 1, "schedule": pool.layout.schedule or "1f1b", "pipeline": 1}
        shapes = candidates(run.model, pool, pool.layout, run.batch.micro, count)
        options.append({replace(s, **simple) for s in shapes})
    for shapes in product(*options):
        if len({(s.expert * (not p.layout.expert), s.recompute) for p, s in zip(pools, shapes, strict=True)}) > 1:
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
                n and n * s.tensor * s.context * ranks <= c for n, s, c in zip(stages, shapes, chips, strict=True)
            )
            if fits and sum(stages) <= run.model.layers and len({(s.schedule, s.virtual) for s in shapes}) == 1:
                whole = tuple(replace(s, pipeline=n) for s, n in zip(shapes, stages, strict=True))
                found[whole, ranks] = None
    return list(found)


def _deal(
    run: Run, pools: Sequence[Pool], shapes: Sequence[Shape], ranks: int, microbatches: int, constants: StepTime
) -> list[list[int]]:
    """Layers per stage: each layer to the stage that would finish first with it, as long as memory lasts.

    A pool whose layout says how many layers it has gets just those.
    """
    depth = sum(s.pipeline for s in shapes)
    ready: list[tuple[float, int, int]] = []
    loads, room, seconds, wanted = [], [], [], []
    before = 0
    for k, (pool, shape) in enumerate(zip(pools, shapes, strict=True)):
        second, whole = compute_seconds(run.model, pool, shape), replace(shape, pipeline=depth)
        seconds.append(second)
        loads.append([0] * shape.pipeline)
        wanted.append(pool.layout.layers or math.inf)
        room.append([])
        for stage in range(shape.pipeline):
            position = before + stage
            layer = stage_bytes(run.model, whole, pool.chip, 1.0, ranks, microbatches, position, constants)
            room[k].append(int(constants.memory_share * pool.chip.memory / layer))
            load = second.first * (position == 0) + second.last * (position == depth - 1)
            heapq.heappush(ready, (load + second.layer, k, stage))
        before += shape.pipeline
    left = executed(run.model).layers
    while left and ready:
        finish, k, stage = heapq.heappop(ready)
        if loads[k][stage] < room[k][stage] and sum(loads[k]) < wanted[k]:
            loads[k][stage] += 1
            left -= 1
            heapq.heappush(ready, (finish + seconds[k].layer, k, stage))
    return loads


def _group(
    run: Run,
    pools: Sequence[Pool],
    shapes: tuple[Shape, ...],
    ranks: int,
    dealt: list[list[int]],
    microbatches: int,
    link: float | None,
    constants: StepTime,
) -> Group:
    model, depth = run.model, sum(s.pipeline for s in shapes)
    stages: list[Stage] = []
    memory, sync, update = [], [], []
    before = 0
    for k, (pool, shape, layers) in enumerate(zip(pools, shapes, dealt, strict=True)):
        whole, second = replace(shape, pipeline=depth), compute_seconds(model, pool, shape)
        across = link or constants.network_efficiency * min(p.chip.nic for p in pools)
        for stage, count in enumerate(layers):
            position = before + stage
            outer = (stage == 0 and k > 0) + (stage == shape.pipeline - 1 and k < len(pools) - 1)
            inner = (position > 0) + (position < depth - 1) - outer
            load = count * second.layer + second.first * (position == 0) + second.last * (position == depth - 1)
            passed = messages(model, pool, whole, count, constants, inner, outer, across)
            stages.append(Stage(k, 1, load, load, passed))
        most = max(layers)
        memory.append(
            max(
                stage_bytes(model, whole, pool.chip, count, ranks, -(-microbatches // ranks), before + s, constants)
                for s, count in enumerate(layers)
            )
        )
        own = (pool.stack.data_efficiency or constants.network_efficiency) * pool.chip.nic
        sync.append(synchronisation(model, pool.chip, whole, most, ranks, own, constants))
        update.append(optimizer(model, pool.chip, whole, most, ranks, constants))
        before += shape.pipeline
    schedule = shapes[0].schedule
    return Group(
        pools=tuple(range(len(pools))),
        shapes=shapes,
        ranks=ranks,
        pipeline=Pipeline(tuple(stages), bubble_share(schedule, shapes[0].virtual)),
        sync=max(sync),
        overlap=min(p.stack.overlap for p in pools),
        beside=min(stage.compute for stage in stages),
        optimizer=max(update),
        fixed=max(p.stack.fixed for p in pools),
        memory=tuple(memory),
    )
