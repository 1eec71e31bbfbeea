"""What two scenarios differ in, and why that may change nothing."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from sim.catalogue.market import PolicyEvent
from sim.quantities.uncertain import Uncertain
from sim.scenario import Scenario

WORDS = ("name", "title", "status")
"""Parts of a scenario that no run depends on."""
SHOWN = 5
"""Paths that are named; more would not be read."""


def differences(a: Scenario, b: Scenario) -> list[str]:
    """List the paths at which two scenarios differ in something a run could depend on.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> a = load_scenario("deepseek-v3")
    >>> differences(a, a.override({"fleet.good.hot_spares": 9, "title": "mine"}))
    ['fleet.good.hot_spares']
    """
    fields = [name for name in Scenario.model_fields if name not in WORDS]
    return [
        path
        for name in fields
        for path in _differing(name, getattr(a, name), getattr(b, name))
    ]


def _differing(path: str, a: Any, b: Any) -> Iterator[str]:
    if isinstance(a, BaseModel) and isinstance(b, BaseModel):
        a = dict(a)
        b = dict(b)
    if isinstance(a, dict) and isinstance(b, dict):
        for key in dict.fromkeys([*a, *b]):
            yield from _differing(f"{path}.{key}", a.get(key), b.get(key))
    elif isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
        if any(next(_differing(path, *pair), None) for pair in zip(a, b, strict=True)):
            yield path
    elif a != b or _spread(a) != _spread(b):
        yield path


def _spread(value: Any) -> Any:
    """What tells an unknown constant from a number that equals its mode."""
    return value.distribution if isinstance(value, Uncertain) else None


def why_unchanged(a: Scenario, b: Scenario) -> str:
    """Explain why two scenarios have the same runs, as far as that can be told."""
    paths = differences(a, b)
    if not paths:
        return "the two scenarios are the same in everything a run depends on"
    more = len(paths) - SHOWN
    shown = ", ".join(paths[:SHOWN]) + (f" and {more} more" if more > 0 else "")
    reasons = [f"they differ in {shown}, which these runs never meet"]
    for name in dict.fromkeys([*a.policy, *b.policy]):
        side = b if name in b.policy else a
        idle = why_idle(name, side)
        if idle and a.policy.get(name) != b.policy.get(name):
            reasons.append(idle)
    return "; ".join(reasons)


def why_idle(name: str, scenario: Scenario) -> str:
    """Explain why a policy event of a scenario can change nothing in it; empty if it can."""
    event = scenario.policy[name]
    if event.date > scenario.end:
        return f"{name} comes on {event.date}, after the horizon ({scenario.end})"
    depot = scenario.depot
    if any(delivery.before == name for delivery in depot.deliveries):
        return ""
    if not event.acts():
        return f"{name} has no act: it blocks, opens and ends support of no chip"
    if _touches(event, scenario):
        return ""
    flows = ", ".join(f"{key} ({flow.origin})" for key, flow in depot.supply.items())
    vendor = "a vendor" if depot.vendor else "no vendor"
    return f"{name} touches nothing of this scenario, whose flows are {flows or 'none'}, {vendor}"


def _touches(event: PolicyEvent, scenario: Scenario) -> bool:
    """Whether a flow or a vendor of the scenario heeds the event."""
    fleet = scenario.fleet
    depot = scenario.depot
    stopped = {*event.blocks, *event.opens}
    for flow in depot.supply.values():
        if flow.origin == "grey" and (event.trickle, event.price) != (1.0, 1.0):
            return True
        # A flow may name a pool or its chip, and so may an event.
        names = {flow.chip}
        for name, pool in fleet.items():
            if flow.chip in (name, pool.chip.name):
                names |= {name, pool.chip.name}
        if flow.origin == "licensed" and names & stopped:
            return True
    held = {*fleet, *(pool.chip.name for pool in fleet.values())}
    return depot.vendor is not None and bool(held & set(event.ends_support))


def idle_changes(before: Scenario, after: Scenario, paths: Iterable[str]) -> list[str]:
    """Tell which of the paths that were set in a scenario change nothing, and why.

    Parameters
    ----------
    before, after : Scenario
    paths : iterable of str
        What was set on the way from one to the other.

    Returns
    -------
    list of str
        A sentence for each of those.
    """
    changed = differences(before, after)
    notes = []
    for path in paths:
        head, _, rest = path.partition(".")
        event = rest.partition(".")[0]
        # A path may lead into a part that is compared as a whole, or to one with several parts.
        met = any(path.startswith(other) or other.startswith(path) for other in changed)
        if head == "policy" and event in after.policy and why_idle(event, after):
            notes.append(f"{path}: {why_idle(event, after)}")
        elif head in Scenario.model_fields and head not in WORDS and not met:
            notes.append(f"{path} changes nothing: it has this value already")
    return notes
