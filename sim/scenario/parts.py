"""The parts of a scenario: typed, frozen, strict; every number may be an unknown constant."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from sim import catalogue
from sim.catalogue.kinds import Chip, Congestion, CostMethod, Duration, FailureTable, Model, Stack, StepTime, Strict
from sim.distributions import Constant
from sim.documents import merge
from sim.errors import InputError, nearest
from sim.units import BytesPerSecond, Number, PerSecond, Positive, PositiveSeconds, Quantity, Seconds, Share

MOST_CHIPS = 10_000_000
Count = Annotated[float, Quantity(most=MOST_CHIPS, whole=True)]


def _from_catalogue(kind: str, type_: type[Strict]) -> BeforeValidator:
    """A validator: a catalogue name, the same keys inline, or ``{like: NAME, KEY: VALUE…}``."""

    def look_up(value: Any) -> Any:
        try:
            if isinstance(value, str):
                return catalogue.entry(kind, value).item
            if isinstance(value, dict) and "like" in value:
                base = catalogue.entry(kind, str(value["like"])).values
                return merge(base, {key: v for key, v in value.items() if key != "like"})
        except InputError as error:
            raise ValueError(str(error)) from None
        if not isinstance(value, (dict, type_)):
            raise ValueError(f"expected a name from the catalogue's {kind}, or its keys inline")
        return value

    return BeforeValidator(look_up, json_schema_input_type=str | type_)


ChipRef = Annotated[Chip, _from_catalogue("chips", Chip)]
ModelRef = Annotated[Model, _from_catalogue("models", Model)]
StackRef = Annotated[Stack, _from_catalogue("stacks", Stack)]
FailuresRef = Annotated[FailureTable, _from_catalogue("failures", FailureTable)]
ConstantsRef = Annotated[StepTime, _from_catalogue("constants", StepTime)]
CostsRef = Annotated[CostMethod, _from_catalogue("costs", CostMethod)]
CongestionRef = Annotated[Congestion, _from_catalogue("fabrics", Congestion)]


def _zero_layout(value: Any) -> Any:
    return Layout() if value == "auto" else value


class Batch(Strict):
    """Sequences of a step, and of a micro-batch."""

    sequences: int = Field(ge=1)
    micro: int = Field(1, ge=1)


class Run(Strict):
    """One training run."""

    model: ModelRef
    tokens: Positive
    batch: Batch


class Layout(Strict):
    """How a model is spread over a replica; what is left out is chosen by the planner (Megatron's convention)."""

    tensor: int | None = Field(default=None, ge=1)
    pipeline: int | None = Field(default=None, ge=1)
    context: int | None = Field(default=None, ge=1)
    data: int | None = Field(default=None, ge=1)
    expert: int | None = Field(default=None, ge=1)
    virtual: int | None = Field(default=None, ge=1)
    schedule: Literal["1f1b", "interleaved", "zero-bubble", "dualpipe"] | None = None
    recompute: Literal["none", "selective", "full"] | None = None


class MeasuredRate(Strict):
    """A measured rate in place of the analytic step-time model."""

    tokens_per_second_per_chip: Positive


class LayerSeconds(Strict):
    """Measured seconds, forward and backward, of one micro-batch on a layer of one tensor-parallel group."""

    first: Seconds = 0.0
    """Of the embedding."""
    layer: PositiveSeconds
    last: Seconds = 0.0
    """Of the output head."""


class Pool(Strict):
    """Nodes of one chip type and stack: active ones, with hot and cold spare nodes beside."""

    chip: ChipRef
    chips: Count | None = None
    nodes: Count | None = None
    hot_spares: Count = 0.0
    cold_spares: Count = 0.0
    stack: StackRef
    failures: FailuresRef = FailureTable(causes=())
    layout: Annotated[Layout, BeforeValidator(_zero_layout, json_schema_input_type=Literal["auto"] | Layout)] = Layout()
    throughput: MeasuredRate | None = None
    layer_seconds: LayerSeconds | None = None
    """Measured layer times in place of the chip's peak and efficiency."""

    @model_validator(mode="after")
    def _sized_once(self) -> Pool:
        if (self.chips is None) == (self.nodes is None):
            raise ValueError("give either chips or nodes")
        if not (self.chips or self.nodes):
            raise ValueError("a pool needs at least one node; remove the pool if it has none")
        size = self.chip.node_size
        if self.chips is not None and self.chips == int(self.chips) and self.chips % size:
            raise ValueError(
                f"{self.chips:g} chips are not whole nodes of {size}; nearest: {round(self.chips / size) * size}"
            )
        return self

    @property
    def active_nodes(self) -> int:
        """Nodes the job uses; an uncertain number of chips is rounded to whole nodes."""
        return round(self.nodes if self.nodes is not None else (self.chips or 0.0) / self.chip.node_size)

    @property
    def active_chips(self) -> int:
        return self.active_nodes * self.chip.node_size


class Mixing(Strict):
    """Where chip types meet, and what meeting costs."""

    boundary: Literal["data", "pipeline"] = "data"
    efficiency: Annotated[float, Quantity(positive=True, most=1.5)] = 1.0
    link: BytesPerSecond | None = None
    """Bandwidth between types per chip; the slower of their networks unless given."""


class Checkpoint(Strict):
    """When the state is saved and what that costs."""

    interval: PositiveSeconds = 1800.0
    """Computing time between marks."""
    blocking: Seconds = 0.0
    flush: Seconds = 0.0
    """From the end of blocking until the checkpoint is durable."""
    load: Seconds = 0.0
    final: bool = False

    @model_validator(mode="after")
    def _flushed_in_time(self) -> Checkpoint:
        if self.blocking + self.flush > self.interval:
            raise ValueError(
                f"blocking + flush ({self.blocking + self.flush:g} s) exceed the interval ({self.interval:g} s): "
                "a checkpoint must be durable before the next one starts"
            )
        return self


class Recovery(Strict):
    """What happens after an interruption."""

    policy: Literal["wait"] = "wait"
    restart: Duration = Constant(0.0)


class Fabric(Strict):
    """The network between nodes."""

    congestion: CongestionRef | None = None
    step_noise: Number = 0.0
    """Coefficient of variation of a node's step time."""


def _chip_name(value: Any) -> Any:
    known = catalogue.table("chips")
    if value not in known:
        raise ValueError(f"no chip '{value}' in the catalogue{nearest(str(value), known)}")
    return value


ChipName = Annotated[str, BeforeValidator(_chip_name)]


class Repair(Strict):
    """A shop that mends dead chips."""

    capacity: PerSecond
    turnaround: Duration
    success: Share = 1.0


class Delivery(Strict):
    """Chips that arrive on a date."""

    date: dt.date
    chip: ChipName
    chips: Count


class Depot(Strict):
    """Loose chips and what becomes of broken ones."""

    stock: dict[ChipName, Count] = Field(default_factory=dict)
    repair: Repair | None = None
    deliveries: tuple[Delivery, ...] = ()
    cannibalise: bool = False


class PolicyChange(Strict):
    """A dated event of the catalogue, as it stands or moved to another date."""

    date: dt.date | None = None


def _event_name(value: Any) -> Any:
    known = catalogue.table("policy")
    if value not in known:
        raise ValueError(f"no policy event '{value}' in the catalogue{nearest(str(value), known)}")
    return value


EventName = Annotated[str, BeforeValidator(_event_name)]
