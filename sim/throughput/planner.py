"""Choosing a layout: a short enumeration of those that fit in memory; the fastest wins."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

from sim.catalogue.kinds import Chip, Model, StepTime
from sim.errors import InputError
from sim.scenario.parts import Layout, Pool, Run
from sim.throughput.group import Group, pool_group
from sim.throughput.layouts import Shape
from sim.throughput.memory import stage_bytes


def candidates(run: Run, pool: Pool, chips: int) -> Iterator[Shape]:
    """Layouts that keep to what the pool's layout fixes and divide the model and the chips."""
    model, chip, fixed = run.model, pool.chip, pool.layout
    schedule = fixed.schedule or pool.stack.schedule
    tensors = [fixed.tensor] if fixed.tensor else [t for t in _powers(chip.node_size) if model.heads % t == 0]
    contexts = [fixed.context] if fixed.context else [1]
    experts = [fixed.expert] if fixed.expert else (list(_powers(64)) if model.experts else [1])
    recomputes = [fixed.recompute] if fixed.recompute else ["selective", "full"]
    for tensor in tensors:
        for context in contexts:
            for pipeline in [fixed.pipeline] if fixed.pipeline else _depths(model.layers):
                rank = tensor * context * pipeline
                for expert in experts:
                    if rank * expert > chips:
                        break
                    for virtual in [fixed.virtual] if fixed.virtual else _virtuals(model, pipeline, schedule):
                        for recompute in recomputes:
                            yield Shape(
                                tensor, pipeline, context, expert, virtual, schedule, recompute, run.batch.micro
                            )


def _powers(most: int) -> tuple[int, ...]:
    return tuple(2**k for k in range(int(math.log2(most)) + 1))


@lru_cache(maxsize=64)
def _depths(layers: int) -> tuple[int, ...]:
    usual = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64}
    return tuple(
        sorted({d for d in range(1, min(layers, 64) + 1) if layers % d == 0} | {d for d in usual if d <= layers})
    )


def _virtuals(model: Model, pipeline: int, schedule: str) -> tuple[int, ...]:
    most = model.layers // pipeline
    if schedule != "interleaved" or pipeline == 1 or most < 2:
        return (1,)
    return (1, most) if most < 4 else (1, most // 2, most)


def ranks_of(shape: Shape, fixed: Layout, chips: int) -> int:
    """Data-parallel ranks on `chips` chips: as given, or all that fit in whole expert groups."""
    return fixed.data or chips // shape.replica_chips * shape.expert


def best(index: int, run: Run, pool: Pool, chips: int, microbatches: int, constants: StepTime) -> Group:
    """The fastest group of a pool on its own for its part of the batch.

    Raises
    ------
    InputError
        When no layout the pool allows fits in memory or on its chips.
    """
    winner, quickest, tightest = None, math.inf, None
    roof = constants.memory_share * pool.chip.memory
    for shape in candidates(run, pool, chips):
        ranks = ranks_of(shape, pool.layout, chips)
        if ranks < 1 or ranks * shape.rank_chips > chips or ranks % shape.expert:
            continue
        each = -(-microbatches // ranks)
        need = stage_bytes(run.model, shape, pool.chip, run.model.layers / shape.pipeline, ranks, each, 0, constants)
        if need > roof:
            tightest = min(tightest, (need, shape), key=lambda x: x[0]) if tightest else (need, shape)
            continue
        group = pool_group(index, run, pool, shape, ranks, microbatches, constants)
        seconds = group.pipeline.seconds(each) + group.exposed_sync() + group.optimizer + group.fixed
        rate = seconds * max(each * ranks / microbatches, 1.0)
        if rate < quickest:
            winner, quickest = group, rate
    if winner is None:
        raise InputError(_why_not(run, pool, chips, tightest, roof))
    return winner


def _why_not(run: Run, pool: Pool, chips: int, tightest: tuple[float, Shape] | None, roof: float) -> str:
    name, model = pool.chip.title, run.model.title or "the model"
    if tightest is None:
        return f"{name}: {chips} chips cannot hold one replica of {model} under the layout given"
    need, shape = tightest
    return (
        f"{name}: {model} does not fit in memory; needed {need / 1e9:.1f} GB a chip, available {roof / 1e9:.1f} GB, with "
        f"tensor {shape.tensor}, pipeline {shape.pipeline}, expert {shape.expert}, recompute {shape.recompute}"
    )
