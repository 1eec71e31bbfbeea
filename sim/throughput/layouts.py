"""The shapes a model can take on the chips of a pool."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import product
from operator import attrgetter
from typing import Any, NamedTuple

from sim.catalogue.hardware import Model, StepTime
from sim.errors import InputError
from sim.scenario.parts import Layout, Pool

Pools = Mapping[str, Pool]
Chips = Mapping[str, int]
DEGREES = attrgetter("tensor", "pipeline", "context", "expert")
CHOSEN = attrgetter("tensor", "pipeline", "expert", "virtual", "recompute")
POWERS = tuple(2**k for k in range(20))
USUAL_DEPTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


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
    zero: int = 1
    expert_tensor: int | None = None
    """Chips that share one expert; as many as `tensor` if None."""
    context_exchange: str = "gather"

    @property
    def expert_split(self) -> int:
        """Chips that share one expert."""
        return self.expert_tensor or self.tensor

    @property
    def expert_ranks(self) -> int:
        """Data-parallel ranks that the experts of a layer are spread over.

        Experts that are split less than the layers also spread over tensor-parallel ranks.
        """
        return self.expert * self.expert_split // self.tensor

    @property
    def rank_chips(self) -> int:
        """Chips of one data-parallel rank."""
        return self.tensor * self.pipeline * self.context

    @property
    def replica_chips(self) -> int:
        """Chips of the smallest set that holds one whole copy of the model."""
        return self.rank_chips * self.expert_ranks

    def __str__(self) -> str:
        words = (
            f"tensor {self.tensor}, pipeline {self.pipeline}, context {self.context}, "
            f"expert {self.expert}, virtual {self.virtual}, {self.schedule}, "
            f"recompute {self.recompute}"
        )
        if self.zero > 1:
            words += f", zero {self.zero}"
        if self.expert_split != self.tensor:
            words += f", expert_tensor {self.expert_split}"
        return words


class Placement(NamedTuple):
    """A stage of a model on the chips of a pool: what its memory and seconds follow from.

    Attributes
    ----------
    name : str
        Of the pool.
    pool : Pool
    model : Model
    shape : Shape
        Its `pipeline` counts the stages of the whole pipeline, across all pools.
    ranks : int
        Data-parallel ranks.
    microbatches : int
        Of a step, on each rank.
    constants : StepTime
    layers : float
        On the stage.
    stage : int
        Position in the pipeline.
    batch : int
        Micro-batches of a step on all ranks of all pools.
    """

    name: str
    pool: Pool
    model: Model
    shape: Shape
    ranks: int
    microbatches: int
    constants: StepTime
    layers: float
    stage: int = 0
    batch: int = 0

    def on(self, ranks: int) -> Placement:
        """From one rank to several, which share the micro-batches."""
        return self._replace(ranks=ranks, microbatches=-(-self.microbatches // ranks))

    @property
    def roof(self) -> float:
        """Bytes of a chip's memory that the model may fill."""
        return self.constants.memory_share * self.pool.chip.memory

    @property
    def local(self) -> int:
        """Ranks of the stage that share a node, each with its part of the batch or a sequence."""
        return max(self.pool.chip.scale_up_domain // self.shape.tensor, 1)


def candidates(bare: Placement, fixed: Layout, chips: int) -> Iterator[Placement]:
    """A placement on one rank, in every shape that keeps to what is fixed.

    Unless fixed, tensor parallelism stays in the node and divides the heads, experts spread over up
    to 64 ranks, and context parallelism is left to those who ask for it, as is recomputing nothing.

    Parameters
    ----------
    bare : Placement
        Of its shape only the size of a micro-batch counts, and its pool's layout does not.
    fixed : Layout
    chips : int
        Those that a replica may take at most.
    """
    model = bare.model
    schedule = fixed.schedule or bare.pool.stack.schedule
    context = fixed.context or 1
    most = bare.pool.chip.node_size
    tensors = [t for t in POWERS if t <= most and model.heads % t == 0]
    if fixed.tensor:
        tensors = [fixed.tensor]
    depths = [fixed.pipeline] if fixed.pipeline else _depths(model.layers)
    routed = model.experts.count or 64 if model.experts else 1
    experts = [fixed.expert] if fixed.expert else [e for e in POWERS if e <= min(routed, 64)]
    # Of equally fast shapes the first is taken, so the one that recomputes less comes first.
    recomputes = [fixed.recompute] if fixed.recompute else ["selective", "full"]
    for tensor, depth, expert in product(tensors, depths, experts):
        spread = expert * (fixed.expert_tensor or tensor)
        if depth * context * max(spread, tensor) > chips or spread % tensor:
            continue
        virtuals = (
            [fixed.virtual] if fixed.virtual else _virtuals(model.layers, depth, schedule)
        )
        for virtual, recompute in product(virtuals, recomputes):
            shape = Shape(
                tensor,
                depth,
                context,
                expert,
                virtual,
                schedule,
                recompute,
                micro=bare.shape.micro,
                zero=fixed.zero,
                expert_tensor=fixed.expert_tensor,
                context_exchange=fixed.context_exchange,
            )
            yield bare._replace(shape=shape, layers=model.layers / depth)


def traits(pool: Pool) -> tuple[Any, ...]:
    """All of a pool on which the speed of its chips depends."""
    measured = pool.throughput, pool.layer_seconds
    return pool.chip, pool.stack, pool.layout, pool.residual, measured


def complete(shape: Shape) -> Layout:
    """The shape as a layout that leaves nothing but the number of ranks open."""
    degrees = asdict(shape)
    del degrees["micro"]
    return Layout(**degrees)


def settled(layout: Layout) -> bool:
    """Whether the planner has nothing left to choose."""
    return None not in CHOSEN(layout)


def check(model: Model, fixed: Layout, name: str) -> None:
    """Refuse a layout that no number of chips could make work.

    Raises
    ------
    InputError
        With what was given and the nearest value that works.
    """
    where = f"{name}: layout:"
    stages = fixed.pipeline or 1
    virtual = fixed.virtual or 1
    expert = fixed.expert or 1
    # Virtual stages are dealt out in rounds, and only the last round may be short of layers.
    if stages * (virtual - 1) >= model.layers or stages > model.layers:
        title = model.title or "the model"
        raise InputError(
            f"{where} pipeline {stages} with virtual {virtual} needs more than {model.layers} "
            f"layers, which is what {title} has; nearest: pipeline {min(stages, model.layers)}, "
            f"virtual {max(model.layers // stages, 1)}"
        )
    if fixed.tensor and model.heads % fixed.tensor:
        nearest = _divisor(model.heads, fixed.tensor)
        raise InputError(
            f"{where} tensor {fixed.tensor} does not divide {model.heads} attention heads; "
            f"nearest: {nearest}"
        )
    if expert > 1 and not model.experts:
        raise InputError(
            f"{where} expert {expert} needs a model with experts; this one is dense"
        )
    if model.experts and model.experts.count and expert > model.experts.count:
        most = model.experts.count
        raise InputError(
            f"{where} expert {expert} is more ranks than the {most} experts of a layer; "
            f"nearest: {most}"
        )
    if (fixed.context or 1) > model.sequence:
        raise InputError(
            f"{where} context {fixed.context} is more ranks than the {model.sequence} tokens of a "
            f"sequence; nearest: {model.sequence}"
        )
    ranks = _check_expert_tensor(fixed, where) or expert
    if fixed.data and fixed.data % ranks:
        nearest = max(round(fixed.data / ranks), 1) * ranks
        apart = f"expert {expert}"
        if ranks != expert:
            apart = f"the {ranks} ranks that experts are spread over"
        raise InputError(
            f"{where} data {fixed.data} is no multiple of {apart}; nearest: {nearest}"
        )


def _check_expert_tensor(fixed: Layout, where: str) -> int | None:
    """The data-parallel ranks of an expert group, where experts are split in their own way."""
    split = fixed.expert_tensor
    if split is None:
        return None
    if not fixed.tensor or not fixed.expert:
        raise InputError(f"{where} expert_tensor {split} needs tensor and expert as well")
    if fixed.tensor % split:
        nearest = _divisor(fixed.tensor, split)
        raise InputError(
            f"{where} expert_tensor {split} does not divide tensor {fixed.tensor}; "
            f"nearest: {nearest}"
        )
    # Else some ranks of a tensor-parallel group would hold no expert.
    each = fixed.tensor // split
    if fixed.expert % each:
        raise InputError(
            f"{where} expert {fixed.expert} with expert_tensor {split} does not fill the "
            f"tensor-parallel groups of {fixed.tensor}; nearest: expert "
            f"{-(-fixed.expert // each) * each}"
        )
    return fixed.expert // each


def _divisor(number: int, most: int) -> int:
    """The largest divisor of a number that is not above another."""
    return next(t for t in range(min(number, most), 0, -1) if number % t == 0)


def distance(a: Shape, b: Shape) -> float:
    """How far apart two shapes are: the factors between their degrees, in doublings."""
    doublings = [abs(math.log2(x / y)) for x, y in zip(DEGREES(a), DEGREES(b), strict=True)]
    # Neither of these asks for other chips, so they count as a doubling or less.
    if a.recompute != b.recompute:
        doublings.append(1.0)
    if a.virtual != b.virtual:
        doublings.append(0.5)
    return math.fsum(doublings)


@lru_cache(maxsize=64)
def _depths(layers: int) -> tuple[int, ...]:
    depths = range(1, min(layers, USUAL_DEPTHS[-1]) + 1)
    return tuple(depth for depth in depths if layers % depth == 0 or depth in USUAL_DEPTHS)


@lru_cache(maxsize=1024)
def _virtuals(layers: int, pipeline: int, schedule: str) -> tuple[int, ...]:
    most = layers // pipeline
    if schedule != "interleaved" or pipeline == 1:
        return (1,)
    # More virtual stages shorten the bubble and lengthen the messages: the extremes and a middle.
    return tuple(sorted({1, -(-most // 2), most}))
