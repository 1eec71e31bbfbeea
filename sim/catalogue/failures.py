"""How nodes and networks fail: the kinds behind failure tables, congestion and link flaps."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Tag

from sim.catalogue.strict import LISTED, Duration, Strict, Titled
from sim.errors import InputError
from sim.files import unusable
from sim.quantities.distributions import Constant, Weibull
from sim.quantities.notation import (
    CountedRate,
    Multiple,
    Number,
    Positive,
    Quantity,
    Rate,
    Seconds,
    Share,
)

FLAPS = "link-flap"
"""The cause of those flaps that no collective rides through."""


class Refail(Strict):
    """An incomplete repair, after which the same cause may strike again soon."""

    probability: Share
    """Probability that a repair was incomplete."""
    after: Duration
    """On the powered clock."""


class Burst(Strict):
    """A shock that takes several neighbouring nodes at once."""

    probability: Share
    """Share of the failures of a cause that are bursts."""
    nodes: tuple[int, int]
    """Fewest and most nodes of a burst, drawn evenly."""
    shared_repair: Share = 0.0
    """Probability that all nodes of a burst are repaired in the time drawn for the first."""

    def check(self) -> None:
        fewest, most = self.nodes
        if not 1 <= fewest <= most <= 1000:
            raise InputError("nodes must be [fewest, most] with 1 ≤ fewest ≤ most ≤ 1000")


class RepairStage(Strict):
    """A step of a repair. The last that is needed decides whether the repair succeeds."""

    time: Duration
    """How long the stage takes."""
    enough: Share = 1.0
    """Probability that no further stage is needed."""
    success: Share = 1.0
    """Probability that the repair succeeds if this stage is the last."""


Repair = Annotated[
    Annotated[Duration, Tag("[one]")] | Annotated[tuple[RepairStage, ...], Tag("[list]")],
    LISTED,
]
"""A time, or stages of which the last that is needed decides."""


class BadNodes(Strict):
    """A random part of the nodes that fails more often until a repair succeeds in curing it."""

    share: Share
    """Share of the nodes that are bad."""
    factor: Annotated[float, Quantity(least=1.0, most=1e6)]
    """On the failure rate."""
    cured: Share = 1.0
    """Probability that a successful repair cures a bad node."""


class Cause(Strict):
    """A cause of failure."""

    cause: str
    """Its name."""
    scope: Literal["chip", "node", "switch", "job"] = "node"
    """What fails; a switch takes the nodes of its pod with it (`fabric.pod`)."""
    per_1000_node_days: Annotated[float, Rate()] | None = None
    """A rate, or the count and the exposure that it is known from."""
    lifetime: Duration | None = None
    """Time to the failure of one node, or chip, or switch, or of the whole job; or a rate."""
    age: Duration | None = None
    """How long each node has run, at the start, since it was new or last failed of this cause."""
    clock: Literal["powered", "computing"] = "powered"
    """The time that counts towards a failure: with power on, or while computing."""
    nodes: tuple[Share, Share] = (0.0, 1.0)
    """The batch of nodes it can strike: from one share of the pool to another."""
    rollback_steps: Annotated[float, Quantity(whole=True)] = 0.0
    """Steps that are thrown away at least: a stop for reasons of learning."""
    hardware: bool = True
    """Hardware causes send the node to repair; the others reboot it."""
    silent: bool = False
    """Training goes on until it is found (`detect`), and what was trained meanwhile is lost."""
    slowdown: Multiple = 1.0
    """Above 1 the node is a straggler: it slows every step by this until found and evicted."""
    permanent: Share = 0.0
    """Share of the failures that kill the chip."""
    detect: Duration = Constant(0.0)
    """From the failure until it is noticed."""
    restart: Duration | None = None
    """In place of the restart time of `recovery`."""
    repair: Repair | None = None
    """How long a hardware failure keeps a node out; without it the node is back at once."""
    refail: Refail | None = None
    """How often a repair was incomplete; never unless given."""
    burst: Burst | None = None
    """How often neighbours fail together; never unless given."""

    def check(self) -> None:
        if (self.per_1000_node_days is None) == (self.lifetime is None):
            raise InputError("give either per_1000_node_days or lifetime")
        # Failures that follow each other at once would never let time go on.
        if self.lifetime is not None and self.lifetime.mean <= 0:
            raise InputError("lifetime must be above zero")
        # A rate has no memory, and of other lifetimes the rest has no formula here.
        if self.age is not None and not isinstance(self.lifetime, Weibull):
            raise InputError("age needs a lifetime that is weibull")
        if self.refail is not None and self.refail.after.mean <= 0:
            raise InputError("refail.after must be above zero")
        first, last = self.nodes
        if first >= last:
            raise InputError("nodes must be [from, to] with from < to")
        # Both end after `detect`, but only a silent one then costs the work done since.
        if self.silent and self.slowdown > 1:
            raise InputError("a cause is silent or a straggler, not both")


def _there(path: str) -> str:
    # Before work: a run must not find out that there is nothing to replay.
    if problem := unusable(path):
        raise InputError(f"'{path}' {problem}", given=path)
    return path


class FailureTable(Titled):
    """The causes that interrupt a fleet, or a trace of outages in their place."""

    causes: tuple[Cause, ...] = ()
    """What fails, each cause with its rate."""
    bad_nodes: BadNodes | None = None
    """Nodes that fail more often than the others; none unless given."""
    answered: bool = False
    """Whether its restart times hold the time until somebody answered: nobody is waited for."""
    rate_factor: Positive = 1.0
    """On the rates of all causes: from the fleet that was counted to this one."""
    drift: Positive = 1.0
    """On the rates of all causes: from the time in which they were counted to a later one."""
    scale: Positive = 1.0
    """How many times as often all causes strike, on good and on bad nodes."""
    trace: Annotated[str, AfterValidator(_there)] | None = None
    """A CSV file with a row for each outage: node, start_day, end_day; see `sim.engine.replay`."""
    trace_until: Seconds | None = None
    """When the trace was ended; with the day of its last row unless given."""

    @property
    def often(self) -> float:
        """How many times as often as its rates say all causes strike."""
        return self.scale * self.rate_factor * self.drift

    def check(self) -> None:
        names = [cause.cause for cause in self.causes]
        # What is drawn for a cause is found by its name.
        for name in names:
            if names.count(name) > 1:
                problem = f"there are two causes '{name}'; each needs a name of its own"
                raise InputError(problem, key="causes", given=name)
        if self.trace_until is not None and not self.trace:
            raise InputError("trace_until needs a trace")
        if self.trace and (self.causes or self.bad_nodes or self.often != 1):
            raise InputError("give either a trace or causes")


class CountedFleet(Strict):
    """A fleet whose hardware failures were counted, and what was counted as one."""

    title: str
    """One line that says what it is."""
    per_1000_node_days: CountedRate
    """Hardware failures per 1,000 node-days."""
    counted: str
    """What was counted as one failure."""


class Halves(Strict):
    """How often one fleet failed in two halves of the time in which it was watched."""

    title: str
    """One line that says what was counted."""
    earlier: CountedRate
    """Failures per 1,000 node-days of the first half."""
    later: CountedRate
    """Failures per 1,000 node-days of the second half."""


class Congestion(Titled):
    """Two-state bandwidth of a job's network: good, or slowed for a while."""

    share: Share
    """Long-run share of wall time that is bad (π)."""
    slowdown: Multiple
    """Factor on the communication time while bad (s)."""
    bad: Duration
    """Length of a bad period."""

    def check(self) -> None:
        # The length of a good period follows from the share, and would be zero.
        if self.share >= 1:
            raise InputError("share must be below 1")
        # Periods that follow each other at once would never let time go on.
        if self.bad.mean <= 0:
            raise InputError("must be above zero", key="bad", given=self.bad.mean)


class Flaps(Titled):
    """Links that go down for seconds: a stall if the collective outlasts it, else a failure."""

    per_node_day: Number
    """Flaps of one node a day."""
    duration: Duration
    """How long a link is down."""
    ride_through: Seconds
    """The longest flap that a collective waits out."""
    back_off: Seconds = 0.0
    """Added to the stall: the retry timers wait longer than the link was down."""
    detect: Duration = Constant(0.0)
    """From a flap that was too long until it is noticed."""
