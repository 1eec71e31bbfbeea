"""The kinds of things the catalogue holds, as frozen, strict types that scenarios may also fill in themselves."""

from __future__ import annotations

import datetime as dt
import math
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from sim.catalogue.failing import Congestion, FailureTable, Flaps
from sim.catalogue.strict import Duration, Inline, Lots, Strict
from sim.units import (
    Bytes,
    BytesPerSecond,
    Dollars,
    DollarsPerSecond,
    FlopPerSecond,
    Number,
    PerSecond,
    Positive,
    Quantity,
    Seconds,
    Share,
    Watts,
)


class Chip(Inline):
    """An accelerator as its maker or a measurement describes it (dense rates, one direction of a link)."""

    name: str = "chip"
    title: str = ""
    vendor: Literal["nvidia", "amd", "huawei", "other"] = "other"
    bf16: FlopPerSecond
    fp8: FlopPerSecond | None = None
    memory: Bytes
    memory_bandwidth: BytesPerSecond
    scale_up: BytesPerSecond
    """Bandwidth of a chip to its neighbours in the node, one direction."""
    scale_up_domain: int = Field(8, ge=1)
    """Chips that reach each other at `scale_up`."""
    nic: BytesPerSecond
    """Network line rate per chip, one direction."""
    node_size: int = Field(8, ge=1)
    power: Watts
    kernel_efficiency: Positive
    """Share of the dense peak that a large matrix product reaches in training."""
    price: Dollars | None = None
    price_of: Literal["chip", "server", "system"] = "chip"
    """What the price buys: a bare chip, one with its share of a server, or with its share of the network too."""
    rental: DollarsPerSecond | None = None
    released: dt.date | None = None


class Experts(Strict):
    """The routed experts of a mixture-of-experts model."""

    parameters: Positive
    """Parameters of all routed experts together."""
    count: int | None = Field(default=None, ge=1)
    """Routed experts of a layer: the most ranks they can be spread over."""
    per_token: int = Field(ge=1)
    """Routed experts a token visits."""
    groups_per_token: int | None = Field(None, ge=1)
    """Most groups of experts a token is sent to, each on a node, or on a chip if the experts share a node."""
    dense_layers: int = Field(0, ge=0)
    """Layers at the front without routed experts."""


class Model(Inline):
    """A transformer: enough of its shape to count its work, its memory and its messages."""

    name: str = "model"
    title: str = ""
    parameters: Positive
    active_parameters: Positive
    """Parameters that take part in a token's matrix products: routed experts as visited, no input embedding."""
    layers: int = Field(ge=1)
    hidden: int = Field(ge=1)
    heads: int = Field(ge=1)
    sequence: int = Field(ge=1)
    vocabulary: int = Field(ge=1)
    attention: Literal["full", "causal", "latent"] = "causal"
    attention_width: int | None = Field(None, ge=1)
    """Heads × (query-key + value dimension of a head); twice `hidden` unless given."""
    key_value_width: int | None = Field(None, ge=1)
    """Elements of keys and values a token keeps per layer; twice `hidden` unless given."""
    experts: Experts | None = None
    prediction_modules: int = Field(0, ge=0)
    """Extra layers with an output head each that predict tokens further ahead: executed, not counted as useful work."""
    precision: Literal["bf16", "fp8"] = "bf16"
    """Arithmetic of the layers' matrix products; attention and output head stay in BF16, as does a chip without FP8."""

    @model_validator(mode="after")
    def _parts_within_whole(self) -> Model:
        if self.active_parameters > self.parameters:
            raise ValueError("active_parameters must not exceed parameters")
        if self.experts and self.experts.parameters >= self.parameters:
            raise ValueError("experts.parameters must be below parameters")
        return self


class Stack(Inline):
    """A training software stack: what it hides, what it costs, how mature it is."""

    name: str = "stack"
    title: str = ""
    overlap: Share
    """Hidden share of communication (φ)."""
    tensor_overlap: Share | None = None
    """Hidden share of tensor-parallel messages, which wait inside a layer; as `overlap` unless given."""
    schedule: Literal["1f1b", "interleaved", "zero-bubble", "dualpipe"] = "interleaved"
    """The pipeline schedule it runs unless the layout names another."""
    data_efficiency: Share | None = None
    """Achieved share of the network's line rate in the exchange of gradients; as of any message unless given."""
    fixed: Seconds = 0.0
    """Seconds a step spends on neither compute nor communication."""
    kernels: Positive = 1.0
    """Compute rate relative to the plain kernels on which the chip's efficiency rests."""
    experts: Positive = 1.0
    """Rate of the matrix products of layers with routed experts, relative to dense layers (κ)."""
    communication_cores: Annotated[float, Quantity(most=0.9)] = 0.0
    """Share of a chip's cores given to communication under DualPipe (σ)."""
    maturity: Positive = 1.0
    """Compute rate relative to a mature stack."""


class StepTime(Inline):
    """Constants of the step-time model that belong to no chip, model or stack."""

    network_efficiency: Share
    """Achieved share of the network's line rate."""
    scale_up_efficiency: Share
    """Achieved share of the scale-up bandwidth in one direction."""
    latency: Seconds
    """Of one message (α)."""
    memory_efficiency: Share
    """Achieved share of the memory bandwidth."""
    optimizer_traffic: Bytes
    """Memory traffic of the optimizer per parameter."""
    element: Bytes
    gradient: Bytes
    optimizer: Bytes
    """Bytes of a BF16 number, a gradient, an optimizer state; the last are spread over data-parallel ranks (ZeRO-1)."""
    low_precision_activations: Share
    """Activation memory under FP8 relative to BF16."""
    activations: Positive
    selective_activations: Positive
    """Bytes a layer of 12·h² parameters keeps per token and hidden element, without and with selective recompute."""
    memory_share: Share
    """Share of a chip's memory that the model may fill; the rest is context, buffers and fragments."""
    model_error: Positive
    """Factor on the step time: what the model does not know, from its validation residuals."""


class Measurement(Strict):
    """A published number, and what of ours it is compared with."""

    id: str
    title: str
    role: Literal["input", "fitted", "interpolation", "validation"]
    quantity: str
    """What is measured; see `sim.validation.published`."""
    unit: str = ""
    measured: float
    cause_of_miss: str = ""


class MeasuredRun(Strict):
    """A published run: the case, in the keys of a scenario, and the numbers measured on it."""

    case: dict[str, Any]
    without: tuple[str, ...] = ()
    """Pools left out of the run that a speed-up is relative to."""
    mature: bool = True
    """Run on a production stack; first-year and research ones are shown apart."""
    rows: tuple[Measurement, ...]


class PeerCase(Strict):
    """A case of another simulator: a scenario of ours that makes its assumptions, and what came out there."""

    title: str
    scenario: str
    changes: dict[str, Any] = Field(default_factory=dict)
    days: float
    """Days of computing that the job asks for."""
    seeds: int = 0
    means: dict[str, float] = Field(default_factory=dict)
    """Means over so many seeds of an independent re-implementation of its model."""
    peer: dict[str, float] = Field(default_factory=dict)
    """Means of the simulator itself."""


class MeasuredJob(Strict):
    """What a whole job is reported to have lost, and a scenario of ours to hold against it."""

    title: str
    role: Literal["input", "fitted", "interpolation", "validation"]
    quantity: Literal["ettr", "longer"]
    """Productive share of the time, or how much longer it took than on a network that never slows."""
    measured: Share
    bound: bool = False
    """Whether the report says *more than*."""
    chips: int
    scenario: str
    changes: dict[str, Any] = Field(default_factory=dict)
    """What is changed in the scenario, by path."""
    cause_of_miss: str = ""


class TraceStatistic(Strict):
    """A statistic of a recorded trace, as `sim.validation.trace` calls it, and between which values ours must lie."""

    id: str
    title: str
    role: Literal["input", "fitted"]
    unit: str = ""
    measured: Positive
    least: Number
    most: float = math.inf


class MeasuredTrace(Strict):
    """A cluster whose outages were recorded, and a scenario of ours with the failure table made from them."""

    title: str
    scenario: str
    changes: dict[str, Any]
    """What makes a pool of all its nodes, each of them active, watched for as long as the cluster was."""
    independent: dict[str, Any]
    """What makes of that the usual model: failures that have nothing to do with each other."""
    rows: tuple[TraceStatistic, ...]


class PolicyEvent(Strict):
    """A dated act of a government or vendor that changes what can be bought or mended."""

    title: str = ""
    date: dt.date
    blocks: tuple[str, ...] = ()
    """Chips that can no longer be bought from their maker."""
    opens: tuple[str, ...] = ()
    licensed: Share = 1.0
    """Share of the open flow that the opened chips then have."""
    ends_support: tuple[str, ...] = ()
    """Chips that their maker no longer replaces."""
    trickle: Number = 1.0
    price: Positive = 1.0
    """Factors from then on upon the grey market's flow and its prices."""

    def acts(self) -> list[tuple[dt.date, str, str]]:
        """What it does, one by one."""
        changes = {"blocks": self.blocks, "opens": self.opens, "ends_support": self.ends_support}
        single = [(self.date, key, chip) for key, chips in changes.items() for chip in chips]
        factors = {"trickle": self.trickle, "price": self.price}
        return single + [(self.date, key, str(float(x))) for key, x in factors.items() if x != 1.0]


class Flow(Inline):
    """Chips that come to a fleet over the years, and what they heed: licences, nothing, or enforcement."""

    title: str = ""
    chip: str
    """A chip of the fleet, or a pool's name."""
    origin: Literal["licensed", "domestic", "grey"]
    """Policy blocks and opens licensed flows; it changes the trickle and the price of grey ones."""
    chips: tuple[tuple[dt.date, Number], ...] = Field(min_length=1)
    """Chips that come evenly from each date to the next, and from the last to `until`."""
    until: dt.date
    then: PerSecond = 0.0
    """The flow after that."""
    scale: Positive = 1.0
    """Factor on all of it: what is not known."""
    share: Positive = 1.0
    """This fleet's share of it, and of every lot."""
    lots: Lots | None = None
    """Chips of one lot; lots come at random (compound Poisson). Monthly amounts unless given."""
    premium: Positive = 1.0
    """Price over the chip's own."""

    @model_validator(mode="after")
    def _in_order(self) -> Flow:
        dates = [*(date for date, _ in self.chips), self.until]
        if dates != sorted(set(dates)):
            raise ValueError("the dates of chips and until must rise")
        return self


class RepairShop(Inline):
    """A shop that mends dead chips."""

    title: str = ""
    capacity: Annotated[float, Quantity("1/s", positive=True)]
    """Chips it can take on; ``capacity × mean turnaround`` benches."""
    turnaround: Duration
    success: Share = 1.0
    cost: Dollars = 0.0
    """Per chip taken on."""


class CostMethod(Inline):
    """How purchase and energy are charged to a run."""

    title: str = ""
    decline: Positive
    """Loss of value of training hardware, orders of magnitude a year."""
    server_multiplier: Annotated[float, Quantity(least=1.0)]
    """Price of a server over the price of its bare chips."""
    interconnect_share: Share
    """Share of the network in server and network together."""
    power_multiplier: Positive
    """Power of the server over the rated power of its chips."""
    load: Share
    """Average over rated power."""
    pue: Annotated[float, Quantity(least=1.0)]
    electricity: Annotated[float, Quantity("USD/J")]


KINDS: dict[str, type[Strict]] = {
    "chips": Chip,
    "models": Model,
    "stacks": Stack,
    "constants": StepTime,
    "runs": MeasuredRun,
    "jobs": MeasuredJob,
    "traces": MeasuredTrace,
    "peers": PeerCase,
    "failures": FailureTable,
    "fabrics": Congestion,
    "flaps": Flaps,
    "policy": PolicyEvent,
    "supply": Flow,
    "repair": RepairShop,
    "costs": CostMethod,
}
