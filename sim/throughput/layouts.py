"""The shapes a model can take on the chips of a pool."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache

from sim.catalogue.hardware import Model
from sim.errors import InputError
from sim.scenario.parts import Layout, Pool


@dataclass(frozen=True, slots=True)
class Shape:
    """A complete layout: every degree of parallelism, the schedule and the micro-batch."""

    tensor: int = 1
    pipeline: int = 1
    context: int = 1
    expert: int = 1
    virtual: int = 1
    schedule: str = "1f1b"
    recompute: str = "selective"
    micro: int = 1

    @property
    def rank_chips(self) -> int:
        """Chips of one data-parallel rank."""
        return self.tensor * self.pipeline * self.context

    @property
    def replica_chips(self) -> int:
        """Chips of the smallest set that holds one whole copy of the model."""
        return self.rank_chips * self.expert

    def __str__(self) -> str:
        degrees = f"tensor {self.tensor}, pipeline {self.pipeline}, context {self.context}, expert {self.expert}"
        return f"{degrees}, virtual {self.virtual}, {self.schedule}, recompute {self.recompute}"


def candidates(model: Model, pool: Pool, fixed: Layout, micro: int, chips: int) -> Iterator[Shape]:
    """Layouts on at most `chips` chips that keep to what is fixed; selective recomputation before
    full.

    Unless fixed, tensor parallelism stays in the node and divides the heads, experts spread over up
    to 64 ranks, and context parallelism is left to those who ask for it.
    """
    schedule = fixed.schedule or pool.stack.schedule
    tensors = (
        [fixed.tensor]
        if fixed.tensor
        else [t for t in _powers(pool.chip.node_size) if model.heads % t == 0]
    )
    experts = (
        [fixed.expert]
        if fixed.expert
        else _powers(min(model.experts.count or 64, 64) if model.experts else 1)
    )
    recomputes = [fixed.recompute] if fixed.recompute else ["selective", "full"]
    context = fixed.context or 1
    for tensor in tensors:
        for pipeline in [fixed.pipeline] if fixed.pipeline else _depths(model.layers):
            virtuals = (
                [fixed.virtual] if fixed.virtual else _virtuals(model.layers, pipeline, schedule)
            )
            for expert in experts:
                if tensor * context * pipeline * expert > chips:
                    break
                for virtual in virtuals:
                    for recompute in recomputes:
                        yield Shape(
                            tensor, pipeline, context, expert, virtual, schedule, recompute, micro
                        )


def complete(shape: Shape) -> Layout:
    """The shape as a layout that leaves nothing but the number of ranks open."""
    degrees = asdict(shape)
    del degrees["micro"]
    return Layout(**degrees)


def check(model: Model, fixed: Layout, name: str) -> None:
    """Refuse a layout that no number of chips could make work.

    Raises
    ------
    InputError
    """
    stages, virtual = fixed.pipeline or 1, fixed.virtual or 1
    if stages * (virtual - 1) >= model.layers or stages > model.layers:
        raise InputError(
            f"{name}: layout: pipeline {stages} with virtual {virtual} needs more than {model.layers} layers, which is "
            f"what {model.title or 'the model'} has; nearest: pipeline {min(stages, model.layers)}, virtual "
            f"{max(model.layers // stages, 1)}"
        )
    if fixed.tensor and model.heads % fixed.tensor:
        nearest = max(t for t in range(1, fixed.tensor) if model.heads % t == 0)
        raise InputError(
            f"{name}: layout: tensor {fixed.tensor} does not divide {model.heads} attention heads; nearest: {nearest}"
        )
    if (fixed.expert or 1) > 1 and not model.experts:
        raise InputError(
            f"{name}: layout: expert {fixed.expert} needs a model with experts; this one is dense"
        )
    if model.experts and model.experts.count and (fixed.expert or 1) > model.experts.count:
        raise InputError(
            f"{name}: layout: expert {fixed.expert} is more ranks than the {model.experts.count} experts of a layer; "
            f"nearest: {model.experts.count}"
        )
    if fixed.data and fixed.data % (fixed.expert or 1):
        raise InputError(
            f"{name}: layout: data {fixed.data} is no multiple of expert {fixed.expert}; nearest: "
            f"{max(round(fixed.data / fixed.expert), 1) * fixed.expert}"  # type: ignore[operator]
        )


def distance(a: Shape, b: Shape) -> float:
    """How far apart two layouts are: the factors between their degrees, in doublings."""
    pairs = (
        (a.tensor, b.tensor),
        (a.pipeline, b.pipeline),
        (a.context, b.context),
        (a.expert, b.expert),
    )
    other = (a.recompute != b.recompute) + (a.virtual != b.virtual) * 0.5
    return math.fsum(abs(math.log2(x / y)) for x, y in pairs) + other


@lru_cache(maxsize=64)
def _powers(most: int) -> tuple[int, ...]:
    return tuple(2**k for k in range(int(math.log2(most)) + 1))


@lru_cache(maxsize=64)
def _depths(layers: int) -> tuple[int, ...]:
    usual = {d for d in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64) if d <= layers}
    return tuple(sorted(usual | {d for d in range(1, min(layers, 64) + 1) if layers % d == 0}))


@lru_cache(maxsize=1024)
def _virtuals(layers: int, pipeline: int, schedule: str) -> tuple[int, ...]:
    most = layers // pipeline
    if schedule != "interleaved" or pipeline == 1 or most < 2:
        return (1,)
    return tuple(sorted({1, -(-most // 2), most}))
