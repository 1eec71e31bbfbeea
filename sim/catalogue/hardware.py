"""Chips, models, software stacks and the constants of the step-time model."""

import datetime as dt
import math
from typing import Annotated, Literal

from pydantic import Field

from sim.catalogue.strict import Inline, Strict
from sim.errors import InputError
from sim.quantities.notation import (
    Bytes,
    BytesPerSecond,
    Dollars,
    DollarsPerSecond,
    Efficiency,
    FlopPerSecond,
    Number,
    Positive,
    Quantity,
    Seconds,
    Share,
    Watts,
)
from sim.quantities.uncertain import highest, lowest

Schedule = Literal["1f1b", "interleaved", "zero-bubble", "dualpipe"]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
"""Layers, heads and their like: no model has more, and what is looked through stays short."""
Many = Annotated[int, Field(ge=1, le=1_000_000_000)]
"""Tokens and sequences."""


class Chip(Inline):
    """An accelerator as its maker or a measurement describes it.

    Rates are dense, those of links in one direction.
    """

    name: str = "chip"
    """Its name."""
    title: str = ""
    """The maker's full name of it."""
    vendor: Literal["nvidia", "amd", "huawei", "other"] = "other"
    """Its maker, which decides what mixes well."""
    bf16: FlopPerSecond
    """Dense peak in BF16."""
    fp8: FlopPerSecond | None = None
    """Dense peak in FP8; without it the chip computes in BF16."""
    memory: Bytes
    """Memory of one chip."""
    memory_bandwidth: BytesPerSecond
    """Bandwidth of that memory."""
    scale_up: BytesPerSecond
    """Bandwidth of a chip to its neighbours in the node."""
    scale_up_domain: Count = 8
    """Chips that reach each other at `scale_up`."""
    nic: BytesPerSecond
    """Network line rate per chip."""
    node_size: Count = 8
    """Chips of one node."""
    power: Watts
    """Rated power of one chip."""
    kernel_efficiency: Efficiency
    """Share of the dense peak that a large matrix product reaches in training."""
    price: Dollars | None = None
    """Price in US dollars."""
    price_of: Literal["chip", "server", "system"] = "chip"
    """What the price buys: a bare chip, also its share of a server, or of the network as well."""
    rental: DollarsPerSecond | None = None
    """Price of renting one chip."""
    released: dt.date | None = None
    """When it could first be bought."""

    def check(self) -> None:
        if self.fp8 is not None and highest(self.fp8) < lowest(self.bf16):
            raise InputError(
                "must not be below bf16; leave it out if the chip has none", key="fp8"
            )


class Experts(Strict):
    """The routed experts of a mixture-of-experts model."""

    parameters: Positive
    """Parameters of all routed experts together."""
    count: Count | None = None
    """Routed experts of a layer: the most ranks they can be spread over."""
    per_token: Count
    """Routed experts a token visits."""
    groups_per_token: Count | None = None
    """Most groups of experts a token is sent to.

    Each is on a node, or on a chip if the experts share a node.
    """
    dense_layers: int = Field(0, ge=0)
    """Layers at the front without routed experts."""

    def check(self) -> None:
        visited = self.per_token
        if self.count is not None and visited > self.count:
            self.refuse(
                "per_token", f"a token cannot visit {visited} of {self.count} experts"
            )
        groups = self.groups_per_token
        if groups is not None and groups > visited:
            problem = f"{visited} experts a token cannot be in {groups} groups"
            self.refuse("groups_per_token", problem)


class Model(Inline):
    """A transformer: enough of its shape to count its work, its memory and its messages."""

    name: str = "model"
    """Its name."""
    title: str = ""
    """One line that says what it is."""
    parameters: Positive
    """All parameters."""
    active_parameters: Positive
    """Parameters in a token's matrix products: routed experts as visited, no input embedding."""
    layers: int = Field(ge=1, le=2_000)
    """Transformer layers."""
    hidden: Count
    """Width of the hidden state."""
    heads: Count
    """Attention heads."""
    sequence: Many
    """Tokens of one sequence."""
    vocabulary: Many
    """Different tokens."""
    attention: Literal["full", "causal", "latent"] = "causal"
    """Kind of attention, which decides its work."""
    window: Count | None = None
    """Tokens that a token attends to at most (sliding window); all before it unless given."""
    attention_width: Count | None = None
    """Heads × (query-key + value dimension of a head); twice `hidden` unless given."""
    key_value_width: Count | None = None
    """Elements of keys and values a token keeps per layer; twice `hidden` unless given."""
    experts: Experts | None = None
    """Routed experts; the model is dense unless given."""
    prediction_modules: int = Field(0, ge=0, le=1000)
    """Extra layers, each with an output head, that predict tokens further ahead.

    They are executed but not counted as useful work.
    """
    precision: Literal["bf16", "fp8"] = "bf16"
    """Arithmetic of the layers' matrix products.

    Attention and output head stay in BF16, as does a chip without FP8.
    """

    def check(self) -> None:
        active = lowest(self.active_parameters)
        if self.active_parameters > self.parameters:
            raise InputError("active_parameters must not exceed parameters")
        # What is left of them is spread over the layers.
        head = self.vocabulary * self.hidden
        if active <= head:
            problem = f"must exceed those of the output head, vocabulary × hidden = {head:,}"
            self.refuse("active_parameters", problem)
        if self.experts:
            self._check_experts(self.experts, active)

    def _check_experts(self, experts: Experts, active: float) -> None:
        # Attention and embeddings are part of no expert.
        if experts.parameters >= self.parameters:
            raise InputError("experts.parameters must be below parameters")
        if experts.dense_layers >= self.layers:
            problem = f"must be below layers, {self.layers}, or no layer has routed experts"
            self.refuse("experts.dense_layers", problem)
        visited = experts.per_token / (experts.count or math.inf) * lowest(experts.parameters)
        if highest(self.active_parameters) < visited:
            problem = f"must not be below those of the experts visited, {visited:,.12g}"
            self.refuse("active_parameters", problem)


class Stack(Inline):
    """A training software stack: what it hides, what it costs, how mature it is."""

    name: str = "stack"
    """Its name."""
    title: str = ""
    """One line that says what it is."""
    overlap: Share
    """Hidden share of communication (φ)."""
    tensor_overlap: Share | None = None
    """Hidden share of tensor-parallel messages, which wait inside a layer; `overlap` if None."""
    schedule: Schedule = "interleaved"
    """The pipeline schedule it runs unless the layout names another."""
    data_efficiency: Efficiency | None = None
    """Achieved share of the network's line rate in exchanging gradients; as elsewhere if None."""
    fixed: Seconds = 0.0
    """Seconds a step spends on neither compute nor communication."""
    kernels: Positive = 1.0
    """Compute rate relative to the plain kernels on which the chip's efficiency rests."""
    experts: Positive = 1.0
    """Rate of the matrix products of layers with routed experts, relative to dense layers (κ)."""
    score_passes: Number = 0.0
    """Times that a step writes or reads each attention score in memory; none in fused kernels."""
    communication_cores: Annotated[float, Quantity(most=0.9)] = 0.0
    """Share of a chip's cores given to communication under DualPipe (σ)."""
    maturity: Positive = 1.0
    """Compute rate relative to a mature stack."""


class StepTime(Inline):
    """Constants of the step-time model that belong to no chip, model or stack."""

    network_efficiency: Efficiency
    """Achieved share of the network's line rate."""
    scale_up_efficiency: Efficiency
    """Achieved share of the scale-up bandwidth in one direction."""
    latency: Seconds
    """Of one message (α)."""
    matrix_traffic: Positive
    """Memory traffic that arithmetic does not hide, relative to that of the matrices themselves."""
    memory_efficiency: Efficiency
    """Achieved share of the memory bandwidth."""
    optimizer_traffic: Bytes
    """Memory traffic of the optimizer per parameter."""
    element: Bytes
    """A BF16 number."""
    gradient: Bytes
    """The gradient of a parameter."""
    optimizer: Bytes
    """The optimizer's state of a parameter, spread over data-parallel ranks (ZeRO-1)."""
    low_precision_activations: Share
    """Activation memory under FP8 relative to BF16."""
    activations: Positive
    """Bytes that a layer of 12·h² parameters keeps per token and hidden element."""
    selective_activations: Positive
    """Bytes that it keeps under selective recompute."""
    memory_share: Share
    """Share of a chip's memory that the model may fill; the rest is context and buffers."""
    model_error: Positive
    """Factor on the step time: what the model does not know, from its validation residuals."""
