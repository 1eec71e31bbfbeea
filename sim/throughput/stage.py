"""What one micro-batch costs on a pipeline stage, and what its parameters cost once a step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from sim.catalogue.hardware import Model, StepTime
from sim.scenario.parts import Pool
from sim.throughput.batch_split import Pace, whole_split
from sim.throughput.collectives import all_to_all, hierarchical, ring
from sim.throughput.domain import error_factor, taken_rate
from sim.throughput.flops import executed, fp8_rate, peak_rate
from sim.throughput.kernels import inverse_expert_width, inverse_width
from sim.throughput.layouts import Placement, Shape
from sim.throughput.memory import parameters_per_chip, stage_bytes
from sim.throughput.pipeline import Message, Pipeline, Stage, bubble_share


class ComputeSeconds(NamedTuple):
    """Compute of one micro-batch: on a layer, and on what only the first and last stage hold."""

    layer: float
    first: float
    last: float


def compute_seconds(
    model: Model, pool: Pool, shape: Shape, constants: StepTime
) -> ComputeSeconds:
    """Seconds from the chip's peak and efficiency, or as measured.

    The layers' matrix products run at the chip's FP8 rate if the model is trained in FP8 and the
    chip has it; attention and the output head stay in BF16 (DeepSeek-V3, §3.3). Layers with routed
    experts reach a share of the dense rate. Full recomputation is a third more work (Korthikanti et
    al., 2022). Of the memory traffic of matrices arithmetic hides less where they are narrow.
    """
    measured = pool.layer_seconds
    if measured:
        return ComputeSeconds(measured.layer, measured.first, measured.last)
    stack = pool.stack
    chip = pool.chip
    work = executed(model)
    traffic = constants.matrix_traffic / chip.memory_bandwidth
    efficiency = chip.kernel_efficiency * stack.kernels * stack.maturity
    if shape.schedule == "dualpipe":
        efficiency *= 1 - stack.communication_cores
    tokens = shape.micro * model.sequence / (shape.tensor * shape.context)
    rate = efficiency * peak_rate(model, chip)
    dense = traffic * inverse_width(model, shape)
    routed = traffic * inverse_expert_width(model, shape)
    layer = tokens * work.products * (1 / (rate * stack.experts) + routed)
    if not model.experts:
        layer = tokens * work.products * (1 / rate + dense)
    attention = tokens * work.attention / (efficiency * chip.bf16)
    # Without fused kernels the score matrix goes through memory, whole even where it is masked.
    scores = model.heads * model.sequence * constants.element
    attention += tokens * stack.score_passes * scores / chip.memory_bandwidth
    again = 4 / 3 if shape.recompute == "full" else 1.0
    head = 1 / (efficiency * chip.bf16) + dense
    dense_layer = tokens * work.products * (1 / rate + dense) + attention
    return ComputeSeconds(
        layer=again * (layer + attention),
        first=again * work.dense_layers * dense_layer,
        last=work.heads * tokens * work.head * head,
    )


# Which layouts are open to a fleet changes little with its losses: the same stages come back.
@lru_cache(maxsize=4096)
def fullest_stage(
    layers: int,
    stages: int,
    seconds: ComputeSeconds,
    paired: bool = False,
) -> float:
    """Compute seconds of the slowest stage when whole layers are dealt out as evenly as they go.

    Parameters
    ----------
    layers, stages : int
    seconds : ComputeSeconds
        Of a layer, and of what the first and the last stage hold besides.
    paired : bool
        DualPipe runs micro-batches from both ends, so a chip holds one stage of each half, the
        first with the last.

    Examples
    --------
    >>> fullest_stage(105, 35, ComputeSeconds(1.0, 0.0, 0.2))  # three layers each, and the head
    3.2
    >>> fullest_stage(126, 16, ComputeSeconds(1.0, 0.0, 0.7))  # eight, seven where the head is
    8.0
    """
    ends = [seconds.first, seconds.last]
    folds = 1
    if paired and stages % 2 == 0:
        ends = [sum(ends)]
        folds = 2
    chips = stages // folds
    if chips == 1:
        return (layers * seconds.layer + seconds.first + seconds.last) / folds
    # Layers are to stages what micro-batches are to ranks, and the ends of the model a late start.
    paces = [Pace(1, seconds.layer, end) for end in ends]
    paces.append(Pace(chips - len(ends), seconds.layer, 0.0))
    dealt = whole_split(paces, layers)
    return max(p.ramp + count * p.beat for p, count in zip(paces, dealt, strict=True)) / folds


def messages(
    placed: Placement,
    inner: int = 2,
    outer: int = 0,
    across: float = math.inf,
) -> tuple[Message, ...]:
    """Communication of one micro-batch on a stage.

    Tensor and sequence parallelism: eight reduce-scatters or all-gathers of ``2·b·s·h`` bytes a
    layer, twelve under full recomputation (Korthikanti et al., 2022). Pipeline: activations in and
    out, forward and backward, for each virtual stage (Narayanan et al., 2021). Context: three
    all-gathers of keys and values a layer (Llama 3, arXiv 2407.21783, §3.3.2). Experts: dispatch,
    in FP8 if the layers are, and combine, forward and backward (DeepSeek-V3, §3.2.2).

    Parameters
    ----------
    placed : Placement
    inner, outer : int
        Neighbours in the pipeline on the same chip type, and beyond the link `across`.
    across : float
        Bytes/s per chip.
    """
    model = placed.model
    shape = placed.shape
    layers = placed.layers
    chip = placed.pool.chip
    overlap = placed.pool.stack.overlap
    fast = placed.constants.scale_up_efficiency * chip.scale_up
    slow = placed.constants.network_efficiency * chip.nic
    latency = placed.constants.latency
    tokens = shape.micro * model.sequence / shape.context
    activations = placed.constants.element * tokens * model.hidden
    sent = activations / shape.tensor
    found = []
    # Measured layer times have the messages of tensor parallelism in them.
    if shape.tensor > 1 and not placed.pool.layer_seconds:
        far = shape.tensor > chip.scale_up_domain
        number = 12 if shape.recompute == "full" else 8
        once = ring(activations, shape.tensor, slow if far else fast, latency)
        own = placed.pool.stack.tensor_overlap
        hidden = overlap if own is None else own
        found.append(Message("tensor", number * layers * once, hidden, far))
    if shape.pipeline > 1:
        far = shape.replica_chips > chip.scale_up_domain
        near = sent / (slow if far else fast) + latency
        once = inner * near + outer * (sent / across + latency)
        found.append(Message("pipeline", 2 * shape.virtual * once, overlap, far or outer > 0))
    if shape.context > 1:
        far = shape.tensor * shape.context > chip.scale_up_domain
        width = model.key_value_width or 2 * model.hidden
        kept = placed.constants.element * shape.micro * model.sequence * width / shape.tensor
        once = ring(kept, shape.context, slow if far else fast, latency)
        # A ring passes keys and values on while attention works on those at hand.
        hidden = 1.0 if shape.context_exchange == "ring" else overlap
        found.append(Message("context", 3 * layers * once, hidden, far))
    if shape.expert > 1 and model.experts:
        experts = model.experts
        local = max(chip.scale_up_domain // (shape.expert_split * shape.context), 1)
        route = (experts.per_token, experts.groups_per_token, shape.expert, local, fast, slow)
        dispatch = all_to_all(sent / 2 if fp8_rate(model, chip) else sent, *route, latency)
        once = dispatch + all_to_all(sent, *route, latency)
        routed = layers * (1 - experts.dense_layers / model.layers)
        found.append(Message("expert", 2 * routed * once, overlap, shape.expert > local))
    if shape.zero > 1:
        found.append(_sharding(placed))
    return tuple(found)


def _sharding(placed: Placement) -> Message:
    """What ranks exchange in every micro-batch because they share out more than the optimizer.

    ZeRO-2 scatters the gradients of each layer, ZeRO-3 also gathers its weights before the forward
    and again before the backward pass (Rajbhandari et al., 2020).
    """
    constants = placed.constants
    size = constants.gradient
    if placed.shape.zero == 3:
        size += 2 * constants.element
    seconds = exchange(placed, size, max(placed.layers, 1.0))
    far = placed.ranks * placed.shape.context > placed.local
    return Message("sharding", seconds, placed.pool.stack.overlap, far)


def synchronisation(placed: Placement) -> float:
    """Seconds in which data-parallel ranks exchange gradients and weights, once a step.

    A reduce-scatter of gradients (FP32) and an all-gather of weights (BF16), as ZeRO-1 needs them
    (Rajbhandari et al., 2020); what ZeRO-2 and ZeRO-3 exchange in every micro-batch is no part.
    """
    constants = placed.constants
    if placed.shape.zero == 3:
        return 0.0
    scattered = constants.gradient if placed.shape.zero == 1 else 0.0
    return exchange(placed, scattered + constants.element)


def exchange(placed: Placement, size: float, pieces: float = 1.0) -> float:
    """Seconds in which ranks reduce-scatter or all-gather `size` bytes of each parameter.

    Parameters
    ----------
    placed : Placement
    size : float
        Bytes.
    pieces : float
        Collectives that do it, one after another.
    """
    constants = placed.constants
    chip = placed.pool.chip
    latency = constants.latency
    local = placed.local
    shared, routed = parameters_per_chip(placed)
    size /= pieces
    fast = constants.scale_up_efficiency * chip.scale_up
    slow = (placed.pool.stack.data_efficiency or constants.network_efficiency) * chip.nic
    ranks = placed.ranks * placed.shape.context
    seconds = hierarchical(size * shared, ranks, local, fast, slow, latency)
    if routed:
        spread = placed.shape.expert_ranks
        copies = -(-ranks // spread)
        near = max(local // spread, 1)
        seconds += hierarchical(size * routed, copies, near, fast, slow, latency)
    return pieces * seconds


def optimizer(placed: Placement) -> float:
    """Seconds of the sharded optimizer: a lower bound, its memory traffic over the bandwidth."""
    constants = placed.constants
    shared, routed = parameters_per_chip(placed)
    # An expert is on one rank of each expert group, so fewer ranks share its optimizer.
    owned = shared + routed * placed.shape.expert_ranks
    owned /= placed.ranks * placed.shape.context
    bandwidth = constants.memory_efficiency * placed.pool.chip.memory_bandwidth
    return owned * constants.optimizer_traffic / bandwidth


@dataclass(frozen=True, slots=True)
class Group:
    """Data-parallel ranks of one shape on one chip type, or of one pipeline across several."""

    shapes: dict[str, Shape]
    """Per pool; in a pipeline across pools each counts its own stages."""
    memory: dict[str, float]
    """Peak bytes per chip, per pool."""
    ranks: int
    microbatches: int
    """Of a step, on each rank."""
    pipeline: Pipeline
    overlap: float = 1.0
    """Largest share of the exchange that compute can hide."""
    cover: float = 0.0
    """Micro-batches behind which the exchange can hide."""
    sync: float = 0.0
    """Seconds of gradient and weight exchange once a step."""
    optimizer: float = 0.0
    fixed: float = 0.0

    @property
    def pace(self) -> Pace:
        beat, ramp = self.pipeline.beat_and_ramp()
        return Pace(self.ranks, beat, ramp + self.once())

    def chips(self, name: str) -> int:
        """Chips of a pool that it uses."""
        return self.shapes[name].rank_chips * self.ranks

    @property
    def batch(self) -> int:
        """Micro-batches of a step that all ranks run together."""
        return self.ranks * self.microbatches

    @property
    def expert(self) -> int:
        """Ranks that come and go together."""
        return max(shape.expert_ranks for shape in self.shapes.values())

    def exposed_sync(self, slowdown: float = 1.0) -> float:
        """Seconds of the exchange that no compute hides."""
        seconds = slowdown * self.sync
        hides = self.cover * min(stage.hides(slowdown) for stage in self.pipeline.stages)
        return max((1 - self.overlap) * seconds, seconds - hides)

    def once(self, slowdown: float = 1.0) -> float:
        """Seconds of a step that do not depend on the number of micro-batches."""
        return self.exposed_sync(slowdown) + self.optimizer + self.fixed

    def seconds(self, slowdown: float = 1.0) -> float:
        """Seconds of a step."""
        beat, ramp = self.pipeline.beat_and_ramp(slowdown)
        return self.microbatches * beat + ramp + self.once(slowdown)

    def times(self, factors: Mapping[str, float]) -> Group:
        """The same with every pool taking as many times as long."""
        slowest = max(factors.values())
        if min(factors.values()) == slowest == 1.0:
            return self
        stages = tuple(stage.times(factors[stage.pool]) for stage in self.pipeline.stages)
        return replace(
            self,
            pipeline=replace(self.pipeline, stages=stages),
            sync=slowest * self.sync,
            optimizer=slowest * self.optimizer,
            fixed=slowest * self.fixed,
        )

    def rerouted(self, lost: int) -> Group | None:
        """The same ranks while `lost` peers of one stage are gone and the others do their work.

        With n peers of which j are lost, the step lies between ``m·n/(n−j) + β`` beats, where
        nothing fills the bubble β, and ``max(m + β, m·n/(n−j))``, where all of it is filled
        (ReCycle, SOSP 2024); this is the middle.
        """
        peers = self.ranks // self.expert
        if lost >= peers:
            return None
        stretch = peers / (peers - lost)
        bubble = self.pipeline.bubble
        beat, ramp = self.pipeline.beat_and_ramp()
        # In the middle half of the bubble is left if the extra work could fill it, and half of the
        # extra work shows if it could not.
        if (stretch - 1) * self.microbatches * beat >= ramp:
            bubble /= 2
        else:
            stretch = (1 + stretch) / 2
        return replace(self, pipeline=replace(self.pipeline, bubble=bubble, stretch=stretch))


def group_of(
    places: Sequence[Placement],
    shapes: dict[str, Shape],
    pipeline: Pipeline,
    cover: float,
) -> Group:
    """The ranks that run a pipeline through these stages, with what a step costs them once.

    All wait for the slowest exchange and the slowest optimizer.
    """
    memory = dict.fromkeys(shapes, 0.0)
    for placed in places:
        memory[placed.name] = max(memory[placed.name], stage_bytes(placed))
    stacks = [placed.pool.stack for placed in places]
    # The more layers a stage has, the longer it takes: one stage speaks for a pool.
    fullest = {p.name: p for p in sorted(places, key=lambda p: p.layers)}.values()
    group = Group(
        shapes=shapes,
        memory=memory,
        ranks=places[0].ranks,
        microbatches=places[0].microbatches,
        pipeline=pipeline,
        overlap=min(stack.overlap for stack in stacks),
        cover=cover,
        sync=max(map(synchronisation, fullest)),
        optimizer=max(map(optimizer, fullest)),
        fixed=max(stack.fixed for stack in stacks),
    )
    return group.times({placed.name: error_factor(placed) for placed in fullest})


def pool_group(placed: Placement) -> Group:
    """Whole pipelines on one chip type, of stages like this one.

    A measured rate stands for the whole step: bubble, exchange and optimizer are in it.
    """
    name = placed.name
    shape = placed.shape
    if measured := taken_rate(placed.pool):
        rate = measured * shape.rank_chips
        beat = shape.micro * placed.model.sequence / rate
        pipeline = Pipeline((Stage(name, 1, beat, beat),), bubble=0.0)
        memory = {name: stage_bytes(placed)}
        return Group({name: shape}, memory, placed.ranks, placed.microbatches, pipeline)
    stage = replace(alone(placed), messages=messages(placed))
    pipeline = Pipeline((stage,), bubble_share(shape.schedule, shape.virtual))
    # Some gradients are final, and some weights not needed yet, during the last micro-batch; where
    # stages are virtual, during its last round on all but one of them.
    last_round = shape.pipeline * (1 - 1 / shape.virtual)
    cover = min(max(1.0, last_round), placed.microbatches)
    return group_of([placed], {name: shape}, pipeline, cover)


def alone(placed: Placement) -> Stage:
    """A stage that need not talk to any other."""
    shape = placed.shape
    seconds = compute_seconds(placed.model, placed.pool, shape, placed.constants)
    layers = executed(placed.model).layers
    compute = (layers * seconds.layer + seconds.first + seconds.last) / shape.pipeline
    slowest = fullest_stage(layers, shape.pipeline, seconds, shape.schedule == "dualpipe")
    return Stage(placed.name, shape.pipeline, compute, slowest)
