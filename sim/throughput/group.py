"""Like data-parallel ranks, and all that is known of their speed and memory."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sim.catalogue.kinds import StepTime
from sim.scenario.parts import Pool, Run
from sim.throughput.layouts import Shape
from sim.throughput.memory import stage_bytes
from sim.throughput.mixture import Share
from sim.throughput.pipeline import Pipeline, Stage, bubble_share
from sim.throughput.stage import optimizer, stages_of, synchronisation


@dataclass(frozen=True, slots=True)
class Group:
    """`ranks` data-parallel ranks of one shape on one pool (or, in a mixed pipeline, across pools)."""

    pools: tuple[int, ...]
    shapes: tuple[Shape, ...]
    ranks: int
    pipeline: Pipeline
    sync: float
    """Seconds of gradient and weight exchange once a step."""
    overlap: float
    optimizer: float
    fixed: float
    memory: tuple[float, ...]
    """Peak bytes per chip, per pool."""

    @property
    def share(self) -> Share:
        return Share(self.ranks, self.pipeline.beat(), self.pipeline.ramp())

    def exposed_sync(self, slowdown: float = 1.0) -> float:
        """The exchange runs at best beside the compute that comes after a gradient is final and before its weight is used.

        That is the last micro-batch's, or of the last ones of all virtual stages but one, where a stage has several.
        """
        shape, seconds = self.shapes[0], slowdown * self.sync
        beside = max(1.0, shape.pipeline * (1 - 1 / shape.virtual)) * self.pipeline.stages[0].compute
        return max((1 - self.overlap) * seconds, seconds - beside)

    def chips(self, which: int) -> int:
        return self.shapes[which].rank_chips * self.ranks


def pool_group(
    index: int, run: Run, pool: Pool, shape: Shape, ranks: int, microbatches: int, constants: StepTime
) -> Group:
    """A group of whole pipelines on one pool.

    A measured rate stands for the whole step: bubble, exchange and optimizer are in it.
    """
    model, chip, stack = run.model, pool.chip, pool.stack
    layers = model.layers / shape.pipeline
    memory = stage_bytes(model, shape, chip, layers, ranks, -(-microbatches // ranks), 0, constants)
    if pool.throughput:
        tokens = shape.micro * model.sequence
        seconds = tokens / (pool.throughput.tokens_per_second_per_chip * shape.rank_chips)
        pipeline = Pipeline((Stage(index, 1, seconds, seconds),), 0.0)
        return Group((index,), (shape,), ranks, pipeline, 0.0, 1.0, 0.0, 0.0, (memory,))
    stage = stages_of(index, model, pool, shape, constants)
    pipeline = Pipeline((stage,), bubble_share(shape.schedule, shape.virtual))
    link = (stack.data_efficiency or constants.network_efficiency) * chip.nic
    return Group(
        (index,),
        (shape,),
        ranks,
        pipeline,
        synchronisation(model, chip, shape, layers, ranks, link, constants),
        stack.overlap,
        optimizer(model, chip, shape, layers, ranks, constants),
        stack.fixed,
        (memory,),
    )


def resized(group: Group, ranks: int) -> Group:
    """The group with other ranks; their exchange and memory change too little to matter while a node is away."""
    return replace(group, ranks=ranks)
