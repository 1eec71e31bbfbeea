"""The parts of a scenario that last for years: stock, supply, policy, and a programme of runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from sim import catalogue
from sim.catalogue.market import Flow, PolicyEvent, RepairShop
from sim.catalogue.strict import Duration, Strict, misplaced
from sim.errors import nearest
from sim.quantities.notation import Positive, PositiveSeconds, Quantity, Seconds, Tokens
from sim.scenario.parts import Batch, Chips, ModelRef, Nodes, Pool, Run, _from_catalogue
from sim.scenario.reading import merge

RepairRef = Annotated[RepairShop, _from_catalogue("repair", RepairShop)]
FlowRef = Annotated[Flow, _from_catalogue("supply", Flow)]
PerYear = Annotated[float, Quantity("1/s", positive=True)]


class Vendor(Strict):
    """The maker replaces a dead chip by a new one, until a policy event ends its support."""

    lead: Duration


class Delivery(Strict):
    """Loose chips or boxed nodes that arrive on a date, or some time before a policy event: a
    last-time buy.
    """

    chip: str
    """A chip of the fleet, or a pool's name."""
    chips: Chips | None = None
    nodes: Nodes | None = None
    date: dt.date | None = None
    before: str | None = None
    """A policy event of the scenario; without that event there is no such delivery."""
    lead: Seconds = 0.0
    """How long before it."""
    premium: Positive = 1.0
    """Price over the chip's own."""

    @model_validator(mode="after")
    def _once(self) -> Delivery:
        if (self.chips is None) == (self.nodes is None):
            raise ValueError("give either chips (loose) or nodes (boxed)")
        if (self.date is None) == (self.before is None):
            raise ValueError("give either a date, or the policy event it comes before")
        return self


class Depot(Strict):
    """Loose chips, what comes in, and what becomes of the dead ones and of their nodes."""

    stock: dict[str, Chips] = Field(default_factory=dict)
    """Loose chips at the start, by chip or pool."""
    repair: RepairRef | None = None
    vendor: Vendor | None = None
    deliveries: tuple[Delivery, ...] = ()
    supply: dict[str, FlowRef] = Field(default_factory=dict)
    """Flows of new nodes, by any name."""
    cannibalise: bool = False
    """Whether good chips of broken nodes mend other nodes."""


class Trained(Strict):
    """What a run trains; what is left out is as in `run`."""

    model: ModelRef | None = None
    tokens: Tokens | None = None
    batch: Batch | None = None

    def run(self, base: Run) -> Run:
        """The run, with what is left out taken from `base`."""
        given = {
            key: value
            for key in ("model", "tokens", "batch")
            if (value := getattr(self, key)) is not None
        }
        return base.model_copy(update=given)


class PlannedRun(Trained):
    """One run of a programme."""

    date: dt.date
    chips: Chips
    """What it needs, in chips of the reference pool."""


class Programme(Trained):
    """A run every so often, each needing more than the one before.

    A run that is due t years after the first needs growth^t times the chips and trains on growth^t
    times the tokens with growth^t times the batch, so its planned length stays the same: an
    assumption.
    """

    every: PositiveSeconds
    first: dt.date | None = None
    """When the first run is due; at the start unless given."""
    growth: PerYear = 1 / (365.25 * 86400)
    """Factor a year."""
    chips: Chips
    """What the first run needs, in chips of the reference pool."""


def _event(value: Any) -> Any:
    """A catalogue event as it stands or with keys changed, or one spelt out."""
    if not isinstance(value, Mapping):
        raise ValueError(
            "expected a mapping of policy events; {} takes one of the catalogue as it stands"
        )
    known = catalogue.table("policy")
    events = {}
    for name, change in value.items():
        if change is None:
            continue
        if name not in known and "date" not in (change if isinstance(change, dict) else {}):
            hint = nearest(str(name), known)
            raise ValueError(
                f"no policy event '{name}' in the catalogue{hint}; one of your own needs a date"
            )
        base = known[name].values if name in known else {"title": str(name)}
        events[name] = merge(base, change) if isinstance(change, dict) else change
    return events


Events = Annotated[dict[str, PolicyEvent], BeforeValidator(_event)]


def pool_of(fleet: Mapping[str, Pool], name: str, what: str) -> str:
    """The pool called `name`, or the only one of that chip.

    Raises
    ------
    ValueError
        When there is none, or several.
    """
    if name in fleet:
        return name
    pools = [key for key, pool in fleet.items() if pool.chip.name == name]
    if len(pools) == 1:
        return pools[0]
    if pools:
        raise misplaced(what, f"{name} are in {' and '.join(pools)}; name the pool")
    known = [*fleet, *(pool.chip.name for pool in fleet.values())]
    raise misplaced(what, f"no pool of the fleet is called or holds '{name}'{nearest(name, known)}")


def check(
    fleet: Mapping[str, Pool],
    depot: Depot,
    events: Mapping[str, PolicyEvent],
    offload: Iterable[str],
) -> None:
    """Raise ValueError, by name, for a chip, pool or event that is not there, and for an act given
    twice.
    """
    for name in depot.stock:
        pool_of(fleet, name, "depot.stock")
    for delivery in depot.deliveries:
        pool_of(fleet, delivery.chip, "depot.deliveries")
        known = [*events, *catalogue.table("policy")]
        if delivery.before is not None and delivery.before not in known:
            raise misplaced(
                "depot.deliveries",
                f"no policy event '{delivery.before}'{nearest(delivery.before, known)}",
            )
    for name, flow in depot.supply.items():
        pool_of(fleet, flow.chip, f"depot.supply.{name}")
    for name in offload:
        pool_of(fleet, name, "offload")
    chips = {*catalogue.table("chips"), *fleet, *(pool.chip.name for pool in fleet.values())}
    acts: dict[tuple[Any, ...], str] = {}
    for name, event in events.items():
        for chip in (*event.blocks, *event.opens, *event.ends_support):
            if chip not in chips:
                hint = nearest(chip, chips)
                raise misplaced(
                    f"policy.{name}", f"no chip '{chip}' in the catalogue or the fleet{hint}"
                )
        for act in event.acts():
            if act in acts:
                raise misplaced(
                    "policy", f"{acts[act]} and {name} are one act, on one date; remove one"
                )
            acts[act] = name
