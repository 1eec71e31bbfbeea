"""The fleet, and what lasts for years: stock, supply, policy, and a programme of runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    Tag,
    ValidationInfo,
)

from sim import catalogue
from sim.catalogue.market import PolicyEvent
from sim.catalogue.strict import LISTED, Duration, Strict
from sim.errors import InputError, expected
from sim.quantities.notation import (
    Positive,
    PositivePerSecond,
    PositiveSeconds,
    Seconds,
    Tokens,
)
from sim.scenario.parts import Batch, Chips, Nodes, Pool, SomeChips
from sim.scenario.phases import Run
from sim.scenario.reading import merge
from sim.scenario.references import (
    FlowRef,
    ModelRef,
    NeedRef,
    ProductionRef,
    RepairRef,
    SharesRef,
    own_folder,
)

if TYPE_CHECKING:  # a scenario is made of these parts, not the other way round
    from sim.scenario import Scenario


class Vendor(Strict):
    """The maker replaces a dead chip by a new one, until a policy event ends its support."""

    lead: Duration
    """From the death of a chip until the new one is there."""


class Delivery(Strict):
    """Loose chips or boxed nodes that arrive on a date, or before a policy event: a last buy."""

    chip: str
    """A chip of the fleet, or a pool's name."""
    chips: Chips | None = None
    """Loose chips; or `nodes`."""
    nodes: Nodes | None = None
    """Boxed nodes; or `chips`."""
    date: dt.date | None = None
    """When they arrive; or `before`."""
    before: str | None = None
    """A policy event of the scenario; without that event there is no such delivery."""
    lead: Seconds = 0.0
    """How long before it."""
    premium: Positive = 1.0
    """Price over the chip's own."""

    def check(self) -> None:
        if (self.chips is None) == (self.nodes is None):
            raise InputError("give either chips (loose) or nodes (boxed)")
        if (self.date is None) == (self.before is None):
            raise InputError("give either a date, or the policy event it comes before")


class Depot(Strict):
    """Loose chips, what comes in, and what becomes of the dead ones and of their nodes."""

    stock: dict[str, Chips] = Field(default_factory=dict)
    """Loose chips at the start, by chip or pool."""
    repair: RepairRef | None = None
    """The shop that mends dead chips; a name from the catalogue, or its keys."""
    vendor: Vendor | None = None
    """The maker's replacement of dead chips; there is none unless given."""
    deliveries: tuple[Delivery, ...] = ()
    """Chips and nodes that arrive once."""
    supply: dict[str, FlowRef] = Field(default_factory=dict)
    """Flows of new nodes, by any name."""
    production: dict[str, ProductionRef] = Field(default_factory=dict)
    """Chips made of dies and stacks of memory, by any name."""
    cannibalise: bool = False
    """Whether good chips of broken nodes mend other nodes."""


class Trained(Strict):
    """What a run trains; what is left out is as in `run`."""

    model: ModelRef | None = None
    """The model; that of `run` unless given."""
    tokens: Tokens | None = None
    """Tokens of the run; those of `run` unless given."""
    batch: Batch | None = None
    """Sequences of a step; those of `run` unless given."""

    def run(self, base: Run) -> Run:
        """The run, with what is left out taken from `base`."""
        given = {
            key: getattr(self, key) for key in Trained.model_fields if getattr(self, key)
        }
        return base.but(**given)


class PlannedRun(Trained):
    """One run of a programme."""

    date: dt.date
    """When the run is due."""
    chips: SomeChips
    """What it needs, in chips of the reference pool."""


class Programme(Trained):
    """Runs at equal distances in time, each needing more than the one before.

    A run that is due t years after the first needs growth^t times the chips and trains on growth^t
    times the tokens with growth^t times the batch, so its planned length stays the same: an
    assumption.
    """

    every: PositiveSeconds
    """From one run to the next."""
    first: dt.date | None = None
    """When the first run is due; at the start unless given."""
    growth: PositivePerSecond = 1 / (365.25 * 86400)
    """Factor a year."""
    chips: SomeChips
    """What the first run needs, in chips of the reference pool."""


Runs = Annotated[
    Annotated[Programme, Tag("[one]")] | Annotated[tuple[PlannedRun, ...], Tag("[list]")],
    LISTED,
]
"""A programme of runs, or each of them."""


class Outlook(Strict):
    """How large a run the stock could staff at any date, and how that compares with some needs.

    No run is trained for it, and no horizon cuts it off.
    """

    shares: SharesRef
    """Which part of the stock one run could have."""
    needs: dict[str, NeedRef] = Field(default_factory=dict)
    """Needs to compare it with, by any name."""
    length: PositiveSeconds
    """How long the run is to take."""
    chips: SomeChips
    """Chips of each type on which its worth is computed."""
    dates: tuple[dt.date, ...] = ()
    """Dates at which it is told; the ends of the years unless given."""


MATERIALS = ("HBM",)
"""What a control may block besides chips."""


def _events(value: Any, info: ValidationInfo) -> Any:
    """Catalogue events as they stand or with keys changed, and events spelt out."""
    if not isinstance(value, Mapping):
        allowed = "a mapping of policy events"
        raise expected(f"{allowed}; {{}} takes one of the catalogue as it stands", value)
    known = catalogue.table("policy", own_folder(info))
    events = {}
    for name, change in value.items():
        if change is None:
            continue
        changes = change if isinstance(change, dict) else {}
        if name in known:
            base = known[name].values
        elif "date" in changes:
            base = {"title": str(name)}
        else:
            problem = f"no policy event '{name}' in the catalogue"
            raise InputError.no_such(
                problem, str(name), known, "; one of your own needs a date"
            )
        events[name] = merge(base, change)
    return events


Events = Annotated[dict[str, PolicyEvent], BeforeValidator(_events)]


def pool_of(fleet: Mapping[str, Pool], name: str, key: str) -> str:
    """The pool called `name`, or the only one of that chip.

    Parameters
    ----------
    fleet : mapping of str to Pool
    name : str
        Of a pool or of a chip.
    key : str
        Where in the scenario the name stands.

    Raises
    ------
    InputError
        When there is none, or several.
    """
    if name in fleet:
        return name
    pools = [pool_name for pool_name, pool in fleet.items() if pool.chip.name == name]
    if len(pools) == 1:
        return pools[0]
    if pools:
        problem = f"{name} are in {' and '.join(pools)}; name the pool"
        raise InputError(problem, key=key, given=name, allowed=tuple(pools))
    known = [*fleet, *(pool.chip.name for pool in fleet.values())]
    problem = f"no pool of the fleet is called or holds '{name}'"
    raise InputError.no_such(problem, name, dict.fromkeys(known), key=key)


def check_names(scenario: Scenario) -> None:
    """Check that every chip, pool and policy event that is named is there.

    Raises
    ------
    InputError
        When one is not, or when two events are one and the same act.
    """
    fleet = scenario.fleet
    depot = scenario.depot
    events = scenario.policy
    for name in depot.stock:
        pool_of(fleet, name, "depot.stock")
    known = [*events, *catalogue.table("policy")]
    for delivery in depot.deliveries:
        pool_of(fleet, delivery.chip, "depot.deliveries")
        # A delivery before an event that was taken out of the scenario does not come.
        event = delivery.before
        if event is not None and event not in known:
            problem = f"no policy event '{event}'"
            raise InputError.no_such(problem, event, known, key="depot.deliveries")
    for name, flow in depot.supply.items():
        pool_of(fleet, flow.chip, f"depot.supply.{name}")
    for name, production in depot.production.items():
        for product, item in production.products.items():
            pool_of(fleet, item.plan.chip, f"depot.production.{name}.products.{product}")
    for name in scenario.offload:
        pool_of(fleet, name, "offload")
    if scenario.reference is not None:
        pool_of(fleet, scenario.reference, "reference")
    _check_events(fleet, events)


def _check_events(fleet: Mapping[str, Pool], events: Mapping[str, PolicyEvent]) -> None:
    in_fleet = [pool.chip.name for pool in fleet.values()]
    chips = [*catalogue.table("chips"), *MATERIALS, *fleet, *in_fleet]
    acts: dict[tuple[Any, ...], str] = {}
    for name, event in events.items():
        for chip in (*event.blocks, *event.opens, *event.ends_support):
            if chip not in chips:
                problem = f"no chip '{chip}' in the catalogue or the fleet"
                raise InputError.no_such(
                    problem, chip, dict.fromkeys(chips), key=f"policy.{name}"
                )
        for act in event.acts():
            # Applied twice, its factors would be squared.
            if act in acts:
                problem = f"{acts[act]} and {name} are one act, on one date; remove one"
                raise InputError(problem, key="policy")
            acts[act] = name
