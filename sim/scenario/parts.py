"""The parts of a scenario: typed, frozen, strict; every number may be an unknown constant."""

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from sim.catalogue.failures import FailureTable
from sim.catalogue.hardware import Many
from sim.catalogue.strict import Duration, Strict
from sim.errors import InputError
from sim.quantities.distributions import Constant
from sim.quantities.notation import (
    BytesPerSecond,
    Number,
    Positive,
    PositiveSeconds,
    Quantity,
    Seconds,
)
from sim.quantities.uncertain import Uncertain, highest, lowest
from sim.scenario.layout import MOST_CHIPS, LayerSeconds, Layout, MeasuredRate
from sim.scenario.operators import BadSpares, FailedRestarts, Response, Window
from sim.scenario.references import (
    ChipRef,
    CongestionRef,
    FailuresRef,
    FlapsRef,
    StackRef,
)

Chips = Annotated[float, Quantity("chip", most=MOST_CHIPS, whole=True)]
SomeChips = Annotated[float, Quantity("chip", positive=True, most=MOST_CHIPS, whole=True)]
Nodes = Annotated[float, Quantity("node", most=MOST_CHIPS, whole=True)]
AtLeastOne = Annotated[float, Quantity(least=1, whole=True)]


class Batch(Strict):
    """Sequences of a step, and of a micro-batch."""

    sequences: Many
    """Sequences of one optimiser step, over all chips."""
    micro: Many = 1
    """Sequences that a replica works through at a time."""

    def check(self) -> None:
        if self.micro > self.sequences:
            self.refuse("micro", f"must not exceed sequences, {self.sequences}")


AutoLayout = Annotated[
    Layout,
    BeforeValidator(
        lambda value: Layout() if value == "auto" else value,
        json_schema_input_type=Literal["auto"] | Layout,
    ),
]


class Pool(Strict):
    """Nodes of one chip type and stack: active ones, hot spares and cold spares."""

    chip: ChipRef
    """The chip: a name from the catalogue, or its keys."""
    chips: Chips | None = None
    """Active chips, in whole nodes; or `nodes`."""
    nodes: Nodes | None = None
    """Active nodes; or `chips`."""
    hot_spares: Nodes = 0.0
    """Powered spare nodes that take the place of a failed one."""
    cold_spares: Nodes = 0.0
    """Boxed spare nodes, installed when no hot spare is left."""
    stack: StackRef
    """The training software: a name from the catalogue, or its keys."""
    failures: FailuresRef = FailureTable(causes=())
    """What fails and how often: a name from the catalogue, or its keys."""
    layout: AutoLayout = Layout()
    """How the model is spread over the chips; `auto` leaves it to the planner."""
    throughput: MeasuredRate | None = None
    """A measured rate in place of the step-time model, or with `at_chips` to calibrate it."""
    layer_seconds: LayerSeconds | None = None
    """Measured layer times in place of the chip's peak and efficiency."""
    residual: Positive | None = None
    """Factor on the step time: what the model does not know of this chip and stack."""
    abroad: bool = False
    """Whether its chips stand abroad: no run spans them and chips at home."""

    def check(self) -> None:
        if self.chips is not None and self.nodes is not None:
            raise InputError("give chips or nodes, not both; null takes one away")
        if self.chips is not None:
            self._check_size("chips", self.chips, self.chip.node_size)
        elif self.nodes is not None:
            self._check_size("nodes", self.nodes, 1)
        else:
            raise InputError("the pool has no chips; give chips or nodes")
        if self.throughput and self.throughput.at_chips:
            key = "throughput.at_chips"
            self._check_size(key, self.throughput.at_chips, self.chip.node_size)
        share = self.chip.kernel_efficiency * self.stack.kernels * self.stack.maturity
        if share > 1:
            product = "kernel_efficiency × kernels × maturity of chip and stack"
            raise InputError(
                f"{product} is {share:.4g} of the chip's peak, and must not exceed 1"
            )

    def _check_size(self, key: str, given: float, node: int) -> None:
        # An uncertain number is rounded to whole nodes when it is drawn.
        if not isinstance(given, Uncertain) and given % node:
            whole = max(round(given / node), 1) * node
            problem = f"{given:,.12g} chips are not whole nodes of {node}; nearest: {whole}"
            raise InputError(problem, key=key, given=given, allowed=f"multiples of {node}")
        if self.active_nodes and round(lowest(given) / node) < 1:
            few = f"{lowest(given):,.12g} {key} are less than one node"
            self.refuse(key, f"{few}; remove the pool if it has none")

    @property
    def active_nodes(self) -> int:
        """Nodes the job uses; an uncertain number of chips is rounded to whole nodes."""
        if self.nodes is not None:
            return round(self.nodes)
        return round((self.chips or 0.0) / self.chip.node_size)

    @property
    def active_chips(self) -> int:
        """Chips in those nodes."""
        return self.active_nodes * self.chip.node_size


class Mixing(Strict):
    """Where chip types meet, and what meeting costs."""

    boundary: Literal["data", "pipeline"] = "data"
    """What crosses between chip types: gradients (`data`) or layers (`pipeline`)."""
    efficiency: Annotated[float, Quantity(positive=True, most=1.5)] = 1.0
    """Factor on the rate of the mixed fleet: what meeting costs beyond the model."""
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


Interval = Annotated[
    Any, BeforeValidator(_interval, json_schema_input_type=PositiveSeconds | str)
]


class MemoryTier(Strict):
    """Checkpoints in host memory, each copied to a peer node.

    One is lost if a node and its peer fail together.
    """

    per_interval: Annotated[float, Quantity(least=1, most=1e6, whole=True)]
    """Marks in an interval; the last of them is the storage tier's."""
    blocking: Seconds = 0.0
    """How long the job stands still for each of these checkpoints."""
    load: Seconds = 0.0
    """To read one back from a peer."""


class PhaseCheckpoint(Strict):
    """What a phase of a run may change of its checkpoints."""

    interval: Interval = 1800.0
    """Computing time between marks, a number of steps (``100 steps``), or ``optimal`` (Daly's)."""
    blocking: Seconds = 0.0
    """How long the job stands still at each checkpoint."""
    bandwidth: BytesPerSecond | None = None
    """Of the storage: with the size of the state it gives `flush` and `load`, unless given."""
    flush: Seconds | None = None
    """From the end of blocking until the checkpoint is durable."""
    load: Seconds | None = None
    """To read a checkpoint back."""


class Checkpoint(PhaseCheckpoint):
    """When the state is saved and what that costs."""

    final: bool = False
    """Whether the end of the run is a checkpoint too."""
    memory: MemoryTier | None = None
    """Further checkpoints in host memory, between those in storage."""

    def check(self) -> None:
        # How long steps or an optimal interval take is known only with the plan.
        if isinstance(self.interval, float) and not isinstance(self.interval, Steps):
            longest = highest(self.blocking) + highest(self.flush or 0.0)
            shortest = lowest(self.interval)
            if longest > shortest > 0 and math.isfinite(longest):
                raise InputError(
                    f"blocking + flush can take {longest:,.12g} s and the interval be "
                    f"{shortest:,.12g} s: a checkpoint must be durable before the next one starts"
                )


class Scaling(Strict):
    """A time that grows with the fleet: times ``(chips / reference)^exponent``."""

    chips: AtLeastOne
    """Chips of the fleet at which the factor is 1."""
    exponent: Annotated[float, Quantity(most=10)]
    """How steeply the time grows; 0 is not at all."""


def _spares(value: Any) -> Any:
    return (
        value
        if value == "standby"
        else Quantity("node", most=MOST_CHIPS, whole=True).read(value)
    )


Spares = Annotated[Any, BeforeValidator(_spares, json_schema_input_type=Nodes | str)]


class PhaseRecovery(Strict):
    """What a phase of a run may change of its recoveries."""

    policy: Literal["wait", "drop-replica", "re-route", "re-plan"] = "wait"
    """What the job does when no spare is left (the elastic policy)."""
    keep_batch: bool = True
    """Under drop-replica: the replicas left share the whole batch; else it shrinks with them."""
    restart: Duration = Constant(0.0)
    """From a full set of nodes until the job trains again."""
    restart_scaling: Scaling | None = None
    """How the restart time grows with the fleet."""
    reschedule: Duration = Constant(0.0)
    """Choosing nodes, at the start and whenever the standby nodes do not suffice."""
    provision: Duration = Constant(0.0)
    """For each boxed cold spare that is installed, one after another, to fill a gap or standby."""
    reconfigure: Duration = Constant(0.0)
    """For nodes that re-join a degraded job: a planned stop, after a checkpoint."""
    resume_when: Spares | None = None
    """Spares of each pool, or ``standby``: as many as stand by, that a job under the policy wait
    must have again before it goes on, once it has run out; none unless given."""
    response: Response | None = None
    """Unless given, nobody is waited for."""
    failed_restarts: FailedRestarts | None = None
    """Restarts that fail; none do unless given."""
    bad_spares: BadSpares | None = None
    """Spares that are bad on arrival; none are unless given."""


class Recovery(PhaseRecovery):
    """What happens after an interruption."""

    standby: Nodes | None = None
    """Hot spares inside the job that need no re-scheduling; all of them unless given.

    Nodes that come back take the empty places of these before they become cold spares.
    """
    crew: AtLeastOne | None = None
    """Nodes under repair at a time; no limit unless given."""
    evict_after: AtLeastOne | None = None
    """Failures after which a node is taken out of service."""
    windows: tuple[Window, ...] = ()
    """Planned stops."""


class Fabric(Strict):
    """The network between nodes."""

    congestion: CongestionRef | None = None
    """Periods in which the network is slow; a name from the catalogue, or its keys."""
    pods: Annotated[float, Quantity(least=1, most=10_000, whole=True)] = 1.0
    """Parts of the network congested independently; the job is as slow as its slowest."""
    pod: AtLeastOne = 1.0
    """Nodes that a failing switch takes with it."""
    flaps: FlapsRef | None = None
    """Links that go down for seconds; a name from the catalogue, or its keys."""
    step_noise: Number = 0.0
    """Coefficient of variation of a node's step time."""
