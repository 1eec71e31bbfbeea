"""The parts of a scenario: typed, frozen, strict; every number may be an unknown constant."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from sim import catalogue
from sim.catalogue.failures import Congestion, FailureTable, Flaps
from sim.catalogue.hardware import Chip, Model, Stack, StepTime
from sim.catalogue.market import CostMethod
from sim.catalogue.strict import Duration, Strict, misplaced
from sim.errors import InputError
from sim.quantities.distributions import Constant, Uncertain, highest, lowest
from sim.quantities.notation import (
    BytesPerSecond,
    Number,
    Positive,
    PositiveSeconds,
    Quantity,
    Seconds,
    Tokens,
)
from sim.scenario.reading import merge

MOST_CHIPS = 10_000_000
Chips = Annotated[float, Quantity("chip", most=MOST_CHIPS, whole=True)]
Nodes = Annotated[float, Quantity("node", most=MOST_CHIPS, whole=True)]


def _from_catalogue(kind: str, type_: type[Strict], default: str | None = None) -> BeforeValidator:
    """A validator: a catalogue name, its keys inline, or ``{like: NAME, KEY: VALUE…}``; NAME can
    have a default.
    """

    def look_up(value: Any) -> Any:
        try:
            if isinstance(value, str):
                return catalogue.entry(kind, value).item
            if isinstance(value, dict) and (name := value.get("like", default)):
                base = catalogue.entry(kind, str(name)).values
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
ConstantsRef = Annotated[StepTime, _from_catalogue("constants", StepTime, "step-time")]
CostsRef = Annotated[CostMethod, _from_catalogue("costs", CostMethod, "epoch")]
CongestionRef = Annotated[Congestion, _from_catalogue("fabrics", Congestion)]
FlapsRef = Annotated[Flaps, _from_catalogue("flaps", Flaps)]


def _zero_layout(value: Any) -> Any:
    return Layout() if value == "auto" else value


class Batch(Strict):
    """Sequences of a step, and of a micro-batch."""

    sequences: int = Field(ge=1)
    micro: int = Field(1, ge=1)


class Run(Strict):
    """One training run."""

    model: ModelRef
    tokens: Tokens
    batch: Batch


class Layout(Strict):
    """How a model is spread over a replica; what is left out is chosen by the planner (Megatron's
    convention).
    """

    tensor: int | None = Field(default=None, ge=1)
    pipeline: int | None = Field(default=None, ge=1)
    context: int | None = Field(default=None, ge=1)
    data: int | None = Field(default=None, ge=1)
    expert: int | None = Field(default=None, ge=1)
    virtual: int | None = Field(default=None, ge=1)
    schedule: Literal["1f1b", "interleaved", "zero-bubble", "dualpipe"] | None = None
    recompute: Literal["none", "selective", "full"] | None = None
    layers: int | None = Field(default=None, ge=1)
    """Layers on this pool when a pipeline runs across pools."""


class MeasuredRate(Strict):
    """A measured rate in place of the analytic step-time model."""

    tokens_per_second_per_chip: Positive


class LayerSeconds(Strict):
    """Measured seconds, forward and backward, of one micro-batch on a layer of one tensor-parallel
    group.
    """

    first: Seconds = 0.0
    """Of the embedding."""
    layer: PositiveSeconds
    last: Seconds = 0.0
    """Of the output head."""


class Pool(Strict):
    """Nodes of one chip type and stack: active ones, with hot and cold spare nodes beside."""

    chip: ChipRef
    chips: Chips | None = None
    nodes: Nodes | None = None
    hot_spares: Nodes = 0.0
    cold_spares: Nodes = 0.0
    stack: StackRef
    failures: FailuresRef = FailureTable(causes=())
    layout: Annotated[
        Layout, BeforeValidator(_zero_layout, json_schema_input_type=Literal["auto"] | Layout)
    ] = Layout()
    throughput: MeasuredRate | None = None
    layer_seconds: LayerSeconds | None = None
    """Measured layer times in place of the chip's peak and efficiency."""

    @model_validator(mode="after")
    def _sized_once(self) -> Pool:
        if self.chips is None and self.nodes is None:
            raise ValueError("the pool has no chips; give chips or nodes")
        if self.chips is not None and self.nodes is not None:
            raise ValueError("give chips or nodes, not both; null takes one away")
        key, given = ("nodes", self.nodes) if self.chips is None else ("chips", self.chips)
        size = self.chip.node_size if key == "chips" else 1
        given = given or 0.0
        if not isinstance(given, Uncertain) and given % size:
            nearest = max(round(given / size), 1) * size
            raise misplaced(
                key, f"{given:,.12g} chips are not whole nodes of {size}; nearest: {nearest}"
            )
        if self.active_nodes and round(lowest(given) / size) < 1:
            raise misplaced(
                key,
                f"{lowest(given):,.12g} {key} are less than one node; remove the pool if it has none",
            )
        return self

    @property
    def active_nodes(self) -> int:
        """Nodes the job uses; an uncertain number of chips is rounded to whole nodes."""
        return round(
            self.nodes if self.nodes is not None else (self.chips or 0.0) / self.chip.node_size
        )

    @property
    def active_chips(self) -> int:
        return self.active_nodes * self.chip.node_size


class Mixing(Strict):
    """Where chip types meet, and what meeting costs."""

    boundary: Literal["data", "pipeline"] = "data"
    efficiency: Annotated[float, Quantity(positive=True, most=1.5)] = 1.0
    link: BytesPerSecond | None = None
    """Bandwidth between types per chip; the slower of their networks unless given."""


class Steps(float):
    """A number of steps, as an interval between checkpoints."""


def _interval(value: Any) -> Any:
    if value == "optimal" or isinstance(value, Steps):
        return value
    if isinstance(value, str) and "step" in value:
        return Steps(Quantity("step", positive=True).read(value))
    return Quantity("s", positive=True).read(value)


Interval = Annotated[Any, BeforeValidator(_interval, json_schema_input_type=PositiveSeconds | str)]


class MemoryTier(Strict):
    """Checkpoints in host memory, each copied to a peer node; lost if a node and its peer fail
    together.
    """

    per_interval: Annotated[float, Quantity(least=1, whole=True)]
    """Marks in an interval; the last of them is the storage tier's."""
    blocking: Seconds = 0.0
    load: Seconds = 0.0


class Checkpoint(Strict):
    """When the state is saved and what that costs."""

    interval: Interval = 1800.0
    """Computing time between marks, a number of steps (``100 steps``), or ``optimal`` (Daly's)."""
    blocking: Seconds = 0.0
    bandwidth: BytesPerSecond | None = None
    """Of the storage: gives flush and load their times, from the size of the state, where they are
    not given.
    """
    flush: Seconds | None = None
    """From the end of blocking until the checkpoint is durable."""
    load: Seconds | None = None
    final: bool = False
    """Whether the end of the run is a checkpoint too."""
    memory: MemoryTier | None = None

    @model_validator(mode="after")
    def _flushed_in_time(self) -> Checkpoint:
        if isinstance(self.interval, float) and not isinstance(self.interval, Steps):
            longest, shortest = (
                highest(self.blocking) + highest(self.flush or 0.0),
                lowest(self.interval),
            )
            if longest > shortest > 0 and math.isfinite(longest):
                raise ValueError(
                    f"blocking + flush can take {longest:,.12g} s and the interval be {shortest:,.12g} s: "
                    "a checkpoint must be durable before the next one starts"
                )
        return self


class Scaling(Strict):
    """A time that grows with the fleet: times ``(chips / reference)^exponent``."""

    chips: Positive
    exponent: Number


class Recovery(Strict):
    """What happens after an interruption."""

    policy: Literal["wait", "drop-replica", "re-route", "re-plan"] = "wait"
    keep_batch: bool = True
    """Under drop-replica: give the batch to the replicas that are left, or train with a smaller
    one.
    """
    restart: Duration = Constant(0.0)
    restart_scaling: Scaling | None = None
    standby: Nodes | None = None
    """Hot spares inside the job that need no re-scheduling; all of them unless given.

    Nodes that come back take the empty places of these before they become cold spares.
    """
    reschedule: Duration = Constant(0.0)
    """Choosing nodes anew, at the start and whenever the standby nodes do not suffice."""
    provision: Duration = Constant(0.0)
    """For each boxed cold spare that is installed, one after another, for a gap or for an empty
    place on standby.
    """
    reconfigure: Duration = Constant(0.0)
    """For nodes that re-join a degraded job: a planned stop, after a checkpoint."""
    crew: Annotated[float, Quantity(least=1, whole=True)] | None = None
    """Nodes under repair at a time; no limit unless given."""
    evict_after: Annotated[float, Quantity(least=1, whole=True)] | None = None
    """Failures after which a node is taken out of service."""


class Fabric(Strict):
    """The network between nodes."""

    congestion: CongestionRef | None = None
    pods: Annotated[float, Quantity(least=1, whole=True)] = 1.0
    """Parts of the network congested independently; the job is as slow as its slowest."""
    pod: Annotated[float, Quantity(least=1, whole=True)] = 1.0
    """Nodes that a failing switch takes with it."""
    flaps: FlapsRef | None = None
    step_noise: Number = 0.0
    """Coefficient of variation of a node's step time."""
