"""Like data-parallel ranks, and all that is known of their speed and memory."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sim.catalogue.hardware import StepTime
from sim.scenario.parts import Pool, Run
from sim.throughput.layouts import Shape
from sim.throughput.memory import stage_bytes
from sim.throughput.mixture import Share
from sim.throughput.pipeline import Pipeline, Stage, bubble_share
from sim.throughput.stage import optimizer, stages_of, synchronisation


@dataclass(frozen=True, slots=True)
class Group:
    """`ranks` data-parallel ranks of one shape on one chip type, or of one pipeline across several."""

    pools: tuple[int, ...]
    shapes: tuple[Shape, ...]
    """Per pool; in a pipeline across pools each counts its own stages."""
    ranks: int
    pipeline: Pipeline
    sync: float
    """Seconds of gradient and weight exchange once a step."""
    overlap: float
    beside: float
    """Seconds of compute the exchange can run beside, `compute_beside`."""
    optimizer: float
    fixed: float
    memory: tuple[float, ...]
    """Peak bytes per chip, per pool."""

    @property
    def share(self) -> Share:
        return Share(self.ranks, self.pipeline.beat(), self.seconds(0))

    @property
    def chips(self) -> tuple[int, ...]:
        """Chips used, per pool."""
        return tuple(shape.rank_chips * self.ranks for shape in self.shapes)

    @property
    def expert(self) -> int:
        """Ranks that come and go together."""
        return max(shape.expert for shape in self.shapes)

    def exposed_sync(self, slowdown: float = 1.0) -> float:
        """Seconds of the exchange that no compute hides."""
        seconds = slowdown * self.sync
        return max((1 - self.overlap) * seconds, seconds - self.beside)

    def seconds(self, microbatches: int, slowdown: float = 1.0) -> float:
        """Seconds of a step with `microbatches` per rank."""
        once = self.exposed_sync(slowdown) + self.optimizer + self.fixed
        return microbatches * self.pipeline.beat(slowdown) + self.pipeline.ramp(slowdown) + once

    def rerouted(self, lost: int, microbatches: int) -> Group | None:
        """The same ranks while one stage has lost `lost` of its peers and the others run their micro-batches (ReCycle).

        The step lies between ``m·n/(n−j) + β`` beats, where nothing fills the bubble, and ``max(m + β, m·n/(n−j))``,
        where all of it is filled; this is the middle.
        """
        peers = self.ranks // self.expert
        if lost >= peers:
            return None
        stretch = peers / (peers - lost)
        filled = (stretch - 1) * microbatches * self.pipeline.beat() >= self.pipeline.ramp()
        bubble = self.pipeline.bubble / 2 if filled else self.pipeline.bubble
        return replace(
            self, pipeline=replace(self.pipeline, bubble=bubble, stretch=stretch if filled else (1 + stretch) / 2)
        )


def compute_beside(compute: float, stages: int, virtual: int, microbatches: int) -> float:
    """Compute of a stage that comes after some gradient is final, or before some weight is used.

    The last micro-batch's; where a stage is cut into virtual ones, that of the last round of micro-batches on all but
    one of them.
    """
    return compute * min(max(1.0, stages * (1 - 1 / virtual)), microbatches)


def pool_group(
    index: int, run: Run, pool: Pool, shape: Shape, ranks: int, microbatches: int, constants: StepTime
) -> Group:
    """Whole pipelines on one chip type.

    A measured rate stands for the whole step: bubble, exchange and optimizer are in it.
    """
    model, chip, stack = run.model, pool.chip, pool.stack
    layers = model.layers / shape.pipeline
    memory = stage_bytes(model, shape, chip, layers, ranks, -(-microbatches // ranks), 0, constants)
    if pool.throughput:
        rate = pool.throughput.tokens_per_second_per_chip * shape.rank_chips
        seconds = shape.micro * model.sequence / rate
        pipeline = Pipeline((Stage(index, 1, seconds, seconds),), 0.0)
        return Group((index,), (shape,), ranks, pipeline, 0.0, 1.0, 0.0, 0.0, 0.0, (memory,))
    stage, each = stages_of(index, model, pool, shape, constants), -(-microbatches // ranks)
    link = (stack.data_efficiency or constants.network_efficiency) * chip.nic
    return Group(
        pools=(index,),
        shapes=(shape,),
        ranks=ranks,
        pipeline=Pipeline((stage,), bubble_share(shape.schedule, shape.virtual)),
        sync=synchronisation(model, chip, shape, layers, ranks, link, constants),
        overlap=stack.overlap,
        beside=compute_beside(stage.compute, shape.pipeline, shape.virtual, each),
        optimizer=optimizer(model, chip, shape, layers, ranks, constants),
        fixed=stack.fixed,
        memory=(memory,),
    )
