"""What one micro-batch costs on one pipeline stage of one chip type, and what its parameters cost
once a step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from sim.catalogue.hardware import Chip, Model, StepTime
from sim.scenario.parts import Pool, Run
from sim.throughput.batch_split import Share
from sim.throughput.collectives import all_to_all, hierarchical, ring
from sim.throughput.flops import executed
from sim.throughput.layouts import Shape
from sim.throughput.memory import parameters_per_chip, stage_bytes
from sim.throughput.pipeline import Message, Pipeline, Stage, bubble_share


@dataclass(frozen=True, slots=True)
class Seconds:
    """Compute seconds of one micro-batch: on a layer, and on what the first and the last stage hold
    besides.
    """

    layer: float
    first: float
    last: float


def compute_seconds(model: Model, pool: Pool, shape: Shape) -> Seconds:
    """From the chip's peak and efficiency, or as measured.

    The layers' matrix products run at the chip's FP8 rate if the model is trained in FP8 and the
    chip has it; attention and the output head stay in BF16 (DeepSeek-V3, §3.3). Layers with routed
    experts reach a share of the dense rate.
    """
    if pool.layer_seconds:
        return Seconds(pool.layer_seconds.layer, pool.layer_seconds.first, pool.layer_seconds.last)
    chip, stack, work = pool.chip, pool.stack, executed(model)
    efficiency = chip.kernel_efficiency * stack.kernels * stack.maturity
    if shape.schedule == "dualpipe":
        efficiency *= 1 - stack.communication_cores
    tokens = shape.micro * model.sequence / (shape.tensor * shape.context) / efficiency
    products = (
        tokens * work.products / (chip.fp8 if model.precision == "fp8" and chip.fp8 else chip.bf16)
    )
    attention = tokens * work.attention / chip.bf16
    again = 4 / 3 if shape.recompute == "full" else 1.0
    return Seconds(
        layer=again * (products / (stack.experts if model.experts else 1.0) + attention),
        first=again * work.dense_layers * (products + attention),
        last=work.heads * tokens * work.head / chip.bf16,
    )


def fullest_stage(layers: int, stages: int, seconds: Seconds, paired: bool = False) -> float:
    """Compute seconds of the slowest stage when whole layers are dealt out as evenly as they go.

    Parameters
    ----------
    layers, stages : int
    seconds : Seconds
        Of a layer, and of what the first and the last stage hold besides.
    paired : bool
        DualPipe runs micro-batches from both ends, so a chip holds one stage of each half, the
        first with the last.

    Examples
    --------
    >>> fullest_stage(105, 35, Seconds(1.0, 0.0, 0.2))  # three layers each, and the head on top
    3.2
    >>> fullest_stage(126, 16, Seconds(1.0, 0.0, 0.7))  # seven beside the head, eight elsewhere
    8.0
    """
    total = layers * seconds.layer + seconds.first + seconds.last
    if stages == 1:
        return total
    if paired and stages % 2 == 0:
        bins, loads = stages // 2, (seconds.first + seconds.last,)
        if bins == 1:
            return total / 2
    else:
        bins, loads = stages, (seconds.first, seconds.last)
    mean = total / bins
    for roof in sorted(
        load + seconds.layer * max(math.ceil((mean - load) / seconds.layer - 1e-9) + k, 0)
        for load in (*loads, 0.0)
        for k in (0, 1)
    ):
        fit = sum(math.floor((roof - load) / seconds.layer + 1e-9) for load in loads)
        fit += (bins - len(loads)) * math.floor(roof / seconds.layer + 1e-9)
        if fit >= layers and roof >= max(loads):
            return roof / 2 if bins < stages else roof
    return mean + seconds.layer


def messages(
    model: Model,
    pool: Pool,
    shape: Shape,
    layers: float,
    constants: StepTime,
    inner: int = 2,
    outer: int = 0,
    across: float = math.inf,
) -> tuple[Message, ...]:
    """Communication of one micro-batch on a stage with `layers` layers.

    `inner` neighbours are on the same chip type, `outer` ones beyond the link `across` (bytes/s per
    chip).

    Tensor and sequence parallelism: eight reduce-scatters or all-gathers of ``2·b·s·h`` bytes a
    layer, twelve under full recomputation. Pipeline: activations in and out, forward and backward,
    for each virtual stage. Context: three all-gathers of keys and values a layer. Experts: dispatch
    and combine, forward and backward.
    """
    chip, overlap = pool.chip, pool.stack.overlap
    fast, slow = (
        constants.scale_up_efficiency * chip.scale_up,
        constants.network_efficiency * chip.nic,
    )
    latency, element = constants.latency, constants.element
    tokens = shape.micro * model.sequence / shape.context
    activations = element * tokens * model.hidden
    close = shape.tensor * shape.context
    found = []
    if shape.tensor > 1 and not pool.layer_seconds:  # measured layer times have it in them
        far = shape.tensor > chip.scale_up_domain
        number = 12 if shape.recompute == "full" else 8
        hidden = overlap if pool.stack.tensor_overlap is None else pool.stack.tensor_overlap
        seconds = number * layers * ring(activations, shape.tensor, slow if far else fast, latency)
        found.append(Message("tensor", seconds, hidden, far))
    if shape.pipeline > 1:
        far = shape.replica_chips > chip.scale_up_domain
        sent = activations / shape.tensor
        passing = inner * (sent / (slow if far else fast) + latency) + outer * (
            sent / across + latency
        )
        found.append(Message("pipeline", 2 * shape.virtual * passing, overlap, far or outer > 0))
    if shape.context > 1:
        far = close > chip.scale_up_domain
        kept = (
            element
            * shape.micro
            * model.sequence
            * (model.key_value_width or 2 * model.hidden)
            / shape.tensor
        )
        seconds = 3 * layers * ring(kept, shape.context, slow if far else fast, latency)
        found.append(Message("context", seconds, overlap, far))
    if shape.expert > 1 and model.experts:
        local = max(chip.scale_up_domain // close, 1)
        low = model.precision == "fp8" and chip.fp8 is not None
        sent = activations / shape.tensor
        routing = (
            model.experts.per_token,
            model.experts.groups_per_token,
            shape.expert,
            local,
            fast,
            slow,
            latency,
        )
        dispatch = all_to_all(sent / 2 if low else sent, *routing)
        routed = layers * (1 - model.experts.dense_layers / model.layers)
        seconds = 2 * routed * (dispatch + all_to_all(sent, *routing))
        found.append(Message("expert", seconds, overlap, far=shape.expert > local))
    return tuple(found)


def stages_of(name: str, model: Model, pool: Pool, shape: Shape, constants: StepTime) -> Stage:
    """All stages of a pipeline on one chip type."""
    seconds, layers = compute_seconds(model, pool, shape), executed(model).layers
    return Stage(
        pool=name,
        count=shape.pipeline,
        compute=(layers * seconds.layer + seconds.first + seconds.last) / shape.pipeline,
        slowest=fullest_stage(layers, shape.pipeline, seconds, shape.schedule == "dualpipe"),
        messages=messages(model, pool, shape, model.layers / shape.pipeline, constants),
    )


def synchronisation(
    model: Model,
    chip: Chip,
    shape: Shape,
    layers: float,
    data: int,
    link: float,
    constants: StepTime,
) -> float:
    """Seconds of the gradients' reduce-scatter (FP32) and the weights' all-gather (BF16) over
    `data` ranks.
    """
    shared, routed = parameters_per_chip(model, shape, layers)
    fast = constants.scale_up_efficiency * chip.scale_up
    size = constants.gradient + constants.element
    local = max(chip.scale_up_domain // (shape.tensor * shape.context), 1)
    ranks = data * shape.context
    seconds = hierarchical(size * shared, ranks, local, fast, link, constants.latency)
    if routed:
        copies, near = -(-ranks // shape.expert), max(local // shape.expert, 1)
        seconds += hierarchical(size * routed, copies, near, fast, link, constants.latency)
    return seconds


def optimizer(
    model: Model, chip: Chip, shape: Shape, layers: float, data: int, constants: StepTime
) -> float:
    """Seconds of the sharded optimizer: a lower bound, its memory traffic."""
    shared, routed = parameters_per_chip(model, shape, layers)
    owned = (shared + routed * shape.expert) / (data * shape.context)
    return (
        owned * constants.optimizer_traffic / (constants.memory_efficiency * chip.memory_bandwidth)
    )


@dataclass(frozen=True, slots=True)
class Group:
    """`ranks` data-parallel ranks of one shape on one chip type, or of one pipeline across several."""

    pools: tuple[str, ...]
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
        """The same ranks while one stage has lost `lost` of its peers and the others run their
        micro-batches (ReCycle).

        The step lies between ``m·n/(n−j) + β`` beats, where nothing fills the bubble, and ``max(m +
        β, m·n/(n−j))``, where all of it is filled; this is the middle.
        """
        peers = self.ranks // self.expert
        if lost >= peers:
            return None
        stretch = peers / (peers - lost)
        filled = (stretch - 1) * microbatches * self.pipeline.beat() >= self.pipeline.ramp()
        bubble = self.pipeline.bubble / 2 if filled else self.pipeline.bubble
        return replace(
            self,
            pipeline=replace(
                self.pipeline, bubble=bubble, stretch=stretch if filled else (1 + stretch) / 2
            ),
        )


def compute_beside(compute: float, stages: int, virtual: int, microbatches: int) -> float:
    """Compute of a stage that comes after some gradient is final, or before some weight is used.

    The last micro-batch's; where a stage is cut into virtual ones, that of the last round of
    micro-batches on all but one of them.
    """
    return compute * min(max(1.0, stages * (1 - 1 / virtual)), microbatches)


def pool_group(
    name: str,
    run: Run,
    pool: Pool,
    shape: Shape,
    ranks: int,
    microbatches: int,
    constants: StepTime,
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
        pipeline = Pipeline((Stage(name, 1, seconds, seconds),), 0.0)
        return Group((name,), (shape,), ranks, pipeline, 0.0, 1.0, 0.0, 0.0, 0.0, (memory,))
    stage, each = stages_of(name, model, pool, shape, constants), -(-microbatches // ranks)
    link = (stack.data_efficiency or constants.network_efficiency) * chip.nic
    return Group(
        pools=(name,),
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
