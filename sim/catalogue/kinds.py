"""The kinds of things the catalogue holds, as frozen, strict types that scenarios may also fill in themselves."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from sim.distributions import READERS, Constant, Distribution, distribution_from
from sim.errors import nearest
from sim.units import (
    Bytes,
    BytesPerSecond,
    Dollars,
    DollarsPerSecond,
    FlopPerSecond,
    Number,
    Positive,
    Quantity,
    Seconds,
    Share,
    Watts,
)


class Strict(BaseModel):
    """Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    hint = nearest(str(key), cls.model_fields)
                    allowed = ", ".join(cls.model_fields)
                    message = "is unknown{hint}; allowed: {allowed}"
                    raise PydanticCustomError("unknown_key", message, {"key": key, "hint": hint, "allowed": allowed})
        return data


def _distribution(value: Any) -> Distribution:
    return value if isinstance(value, Distribution) else distribution_from(value, Quantity("s").read)


_DISTRIBUTION = [{"type": "string", "examples": ["30 min"]}, *({"type": "object", "required": [r]} for r in READERS)]

Duration = Annotated[Distribution, BeforeValidator(_distribution), WithJsonSchema({"anyOf": _DISTRIBUTION})]
"""A distribution of times, drawn per event."""


class Chip(Strict):
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
    rental: DollarsPerSecond | None = None
    released: dt.date | None = None


class Experts(Strict):
    """The routed experts of a mixture-of-experts model."""

    parameters: Positive
    """Parameters of all routed experts together."""
    per_token: int = Field(ge=1)
    """Routed experts a token visits."""
    groups_per_token: int | None = Field(None, ge=1)
    """Most groups of experts a token is sent to, each on a node, or on a chip if the experts share a node."""
    dense_layers: int = Field(0, ge=0)
    """Layers at the front without routed experts."""


class Model(Strict):
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
    """Arithmetic of the layers' matrix products (attention and output head stay in BF16); a chip without FP8 runs all in BF16."""

    @model_validator(mode="after")
    def _parts_within_whole(self) -> Model:
        if self.active_parameters > self.parameters:
            raise ValueError("active_parameters must not exceed parameters")
        if self.experts and self.experts.parameters >= self.parameters:
            raise ValueError("experts.parameters must be below parameters")
        return self


class Stack(Strict):
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
    """Achieved share of the network's line rate when gradients and weights are exchanged; as any message unless given."""
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


class StepTime(Strict):
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
    """Bytes of a BF16 number, of a gradient and of an optimizer state; the last are spread over the data-parallel ranks (ZeRO-1)."""
    low_precision_activations: Share
    """Activation memory under FP8 relative to BF16."""
    activations: Positive
    selective_activations: Positive
    """Bytes a layer of 12·h² parameters keeps per token and hidden element, without and with selective recomputation."""
    memory_share: Share
    """Share of a chip's memory that the model may fill; the rest is context, buffers and fragments."""
    model_error: Positive
    """Factor on the step time: what the model does not know, from its validation residuals."""


class Cause(Strict):
    """A cause of failure."""

    cause: str
    scope: Literal["chip", "node", "switch", "job"] = "node"
    per_1000_node_days: Number | None = None
    lifetime: Duration | None = None
    clock: Literal["powered", "computing"] = "powered"
    hardware: bool = True
    """Hardware causes send the node to repair; the others reboot it."""
    permanent: Share = 0.0
    detect: Duration = Constant(0.0)
    restart: Duration | None = None
    repair: Duration | None = None

    @model_validator(mode="after")
    def _one_rate(self) -> Cause:
        if (self.per_1000_node_days is None) == (self.lifetime is None):
            raise ValueError("give either per_1000_node_days or lifetime")
        return self


class FailureTable(Strict):
    """The causes that interrupt a fleet."""

    title: str = ""
    causes: tuple[Cause, ...]


class Congestion(Strict):
    """Two-state bandwidth of a job's network: good, or slowed for a while."""

    title: str = ""
    share: Share
    """Long-run share of wall time that is bad (π)."""
    slowdown: Annotated[float, Quantity(least=1.0)]
    """Factor on the communication time while bad (s)."""
    bad: Duration
    """Length of a bad period."""

    @model_validator(mode="after")
    def _sometimes_good(self) -> Congestion:
        if self.share >= 1:
            raise ValueError("share must be below 1")
        return self


class PolicyEvent(Strict):
    """A dated act of a government or vendor that changes what can be bought or mended."""

    title: str
    date: dt.date
    blocks: tuple[str, ...] = ()
    """Chips that can no longer be bought from their maker."""
    opens: tuple[str, ...] = ()


class CostMethod(Strict):
    """How purchase and energy are charged to a run."""

    title: str = ""
    decline: Positive
    """Loss of value of training hardware, orders of magnitude a year."""
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
    "failures": FailureTable,
    "fabrics": Congestion,
    "policy": PolicyEvent,
    "costs": CostMethod,
}
