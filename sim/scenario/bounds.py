"""What would take for ever, or leave the numbers a computer has: refused before anything is run."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

from sim.errors import InputError
from sim.quantities.notation import LARGEST
from sim.quantities.uncertain import highest, lowest
from sim.scenario.stock import Programme

if TYPE_CHECKING:  # a scenario is held to these bounds, not the other way round
    from sim.scenario import Scenario

DAY = 86400.0
YEAR = 365.25 * DAY
MOST_EVENTS = 5_000_000
"""Failures, changes of the network and link flaps of one run: minutes, and gigabytes of trace."""
MOST_FLAPS = 10_000_000
"""Of links, each kept as three numbers and no event: a quarter of a gigabyte."""
MOST_RUNS = 10_000
"""Of a programme: one a day for 27 years."""
MOST_GROWTH = 1e12
"""Of the last run over the first, or of the first over the last."""


def check_bounds(scenario: Scenario) -> None:
    """Check that a scenario ends in the calendar, and asks for no more than can be followed.

    Raises
    ------
    InputError
        With the key of what is too much.
    """
    last = (dt.date.max - scenario.start).days
    if scenario.horizon > last * DAY:
        scenario.refuse(
            "horizon", f"must end before the year 10000, so be at most {last:,} d"
        )
    _check_outlook(scenario)
    if isinstance(scenario.runs, Programme):
        check_programme(scenario.runs, scenario.horizon)
    _check_fabric(scenario)


def check_programme(programme: Programme, span: float) -> None:
    """Check that the runs of a programme can be counted and written down.

    Parameters
    ----------
    programme : Programme
    span : float
        Seconds from its first run to the horizon.

    Raises
    ------
    InputError
        When they are too many, or grow or shrink beyond measure.
    """
    number = span / programme.every
    if number > MOST_RUNS:
        problem = f"{number:,.3g} runs until the horizon are more than {MOST_RUNS:,}"
        raise InputError(problem, key="runs.every", given=programme.every)
    _check_growth("runs.growth", "run", programme.growth, max(span, 0.0), MOST_GROWTH)


def _check_outlook(scenario: Scenario) -> None:
    if scenario.represents != 1.0 and not scenario.over_years:
        problem = "a single run is simulated chip by chip; give runs or an outlook"
        scenario.refuse("represents", problem)
    for date in scenario.dates:
        if not scenario.start <= date < scenario.end:
            allowed = f"a date from {scenario.start} to before {scenario.end}"
            problem = f"{date} is not {allowed}"
            raise InputError(problem, key="outlook.dates", given=date, allowed=allowed)
    needs = scenario.outlook.needs if scenario.outlook else {}
    for name, need in needs.items():
        span = (scenario.end - need.date).days * DAY
        for growth in (lowest(need.growth), highest(need.growth)):
            _check_growth(f"outlook.needs.{name}.growth", "need", growth, span, LARGEST)


def _check_growth(key: str, what: str, growth: float, span: float, most: float) -> None:
    decades = span / YEAR * math.log10(growth * YEAR)
    if abs(decades) > math.log10(most):
        problem = f"the last {what} would be 1e{decades:,.0f} times the first; most: {most:g}"
        raise InputError(problem, key=key, given=growth)


def _check_fabric(scenario: Scenario) -> None:
    fabric = scenario.fabric
    horizon = scenario.horizon
    if fabric.congestion:
        bad = fabric.congestion.bad.mean
        changes = 2 * fabric.pods * fabric.congestion.share * horizon / bad
        _check_changes("fabric.congestion.bad", "lengthen bad periods", changes, MOST_EVENTS)
    if fabric.flaps:
        nodes = sum(pool.active_nodes for pool in scenario.fleet.values())
        changes = nodes * fabric.flaps.per_node_day * horizon / DAY
        key = "fabric.flaps.per_node_day"
        _check_changes(key, "let links flap less often", changes, MOST_FLAPS)


def _check_changes(key: str, remedy: str, changes: float, most: int) -> None:
    if changes > most:
        problem = f"about {changes:,.3g} changes until the horizon are more than {most:,}"
        raise InputError(f"{problem}; {remedy}, or shorten the horizon", key=key)
