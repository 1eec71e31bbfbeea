"""How nodes and networks fail: the kinds behind failure tables, congestion and link flaps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from sim.catalogue.strict import Duration, Inline, Strict
from sim.quantities.distributions import Constant
from sim.quantities.notation import Number, Quantity, Seconds, Share


class Refail(Strict):
    """An incomplete repair: with some probability the same cause strikes again soon, on the powered
    clock.
    """

    probability: Share
    after: Duration


class Burst(Strict):
    """A shock that takes several neighbouring nodes at once."""

    probability: Share
    """Share of the failures of a cause that are bursts."""
    nodes: tuple[int, int]
    """Fewest and most nodes of a burst, drawn evenly."""
    shared_repair: Share = 0.0
    """Probability that all nodes of a burst are repaired in the time drawn for the first."""

    @model_validator(mode="after")
    def _ordered(self) -> Burst:
        if not 1 <= self.nodes[0] <= self.nodes[1] <= 1000:
            raise ValueError("nodes must be [fewest, most] with 1 ≤ fewest ≤ most ≤ 1000")
        return self


class RepairStage(Strict):
    """A step of a repair. The last that is needed decides whether the repair succeeds."""

    time: Duration
    enough: Share = 1.0
    """Probability that no further stage is needed."""
    success: Share = 1.0


class BadNodes(Strict):
    """A random part of the nodes that fails more often until a repair succeeds in curing it."""

    share: Share
    factor: Annotated[float, Quantity(least=1.0)]
    """On the failure rate."""
    cured: Share = 1.0
    """Probability that a successful repair cures a bad node."""


class Cause(Strict):
    """A cause of failure."""

    cause: str
    scope: Literal["chip", "node", "switch", "job"] = "node"
    """What fails; a switch takes the nodes of its pod with it (`fabric.pod`)."""
    per_1000_node_days: Number | None = None
    lifetime: Duration | None = None
    clock: Literal["powered", "computing"] = "powered"
    nodes: tuple[Share, Share] = (0.0, 1.0)
    """The batch of nodes it can strike: from one share of the pool to another."""
    hardware: bool = True
    """Hardware causes send the node to repair; the others reboot it."""
    silent: bool = False
    """Training goes on until it is found (`detect`), and what was trained meanwhile is lost."""
    slowdown: Annotated[float, Quantity(least=1.0)] = 1.0
    """Above 1 the node is a straggler: it slows every step by this factor until it is found and
    evicted.
    """
    permanent: Share = 0.0
    detect: Duration = Constant(0.0)
    restart: Duration | None = None
    """In place of the restart time of `recovery`."""
    repair: Duration | tuple[RepairStage, ...] | None = None
    refail: Refail | None = None
    burst: Burst | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Cause:
        if (self.per_1000_node_days is None) == (self.lifetime is None):
            raise ValueError("give either per_1000_node_days or lifetime")
        if self.lifetime is not None and self.lifetime.mean <= 0:
            raise ValueError("lifetime must be above zero")
        if self.refail is not None and self.refail.after.mean <= 0:
            raise ValueError("refail.after must be above zero")
        if self.nodes[0] >= self.nodes[1]:
            raise ValueError("nodes must be [from, to] with from < to")
        if self.silent and self.slowdown > 1:
            raise ValueError("a cause is silent or a straggler, not both")
        return self


class FailureTable(Inline):
    """The causes that interrupt a fleet, or a trace of outages in their place."""

    title: str = ""
    causes: tuple[Cause, ...] = ()
    bad_nodes: BadNodes | None = None
    trace: str | None = None
    """A CSV file with a row for each outage: node, start_day, end_day; see `sim.engine.replay`."""

    @model_validator(mode="after")
    def _one_origin(self) -> FailureTable:
        if self.trace and (self.causes or self.bad_nodes):
            raise ValueError("give either a trace or causes")
        return self


class Congestion(Inline):
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


class Flaps(Inline):
    """Links that go down for seconds: a stall if the collective outlasts it, else a failure."""

    title: str = ""
    per_node_day: Number
    duration: Duration
    ride_through: Seconds
    back_off: Seconds = 0.0
    """Added to the stall: the retry timers wait longer than the link was down."""
    detect: Duration = Constant(0.0)
