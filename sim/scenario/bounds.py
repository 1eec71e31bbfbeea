"""What would take for ever, or leave the numbers a computer has: refused before anything is run."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping

from sim.catalogue.market import Need
from sim.errors import InputError
from sim.quantities.notation import LARGEST
from sim.quantities.uncertain import highest, lowest
from sim.scenario.parts import Fabric
from sim.scenario.stock import Programme

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


def check_time(start: dt.date, horizon: float) -> None:
    """Check that the calendar goes as far as the horizon.

    Raises
    ------
    InputError
        When it does not.
    """
    last = (dt.date.max - start).days
    if horizon > last * DAY:
        problem = f"must end before the year 10000, so be at most {last:,} d"
        raise InputError(problem, key="horizon", given=horizon)


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


def check_needs(needs: Mapping[str, Need], last: dt.date) -> None:
    """Check that what needs grow to can be written down.

    Parameters
    ----------
    needs : mapping of str to Need
    last : datetime.date
        Up to which they are followed.

    Raises
    ------
    InputError
        When one grows or falls beyond measure.
    """
    for name, need in needs.items():
        span = (last - need.date).days * DAY
        for growth in (lowest(need.growth), highest(need.growth)):
            _check_growth(f"outlook.needs.{name}.growth", "need", growth, span, LARGEST)


def _check_growth(key: str, what: str, growth: float, span: float, most: float) -> None:
    decades = span / YEAR * math.log10(growth * YEAR)
    if abs(decades) > math.log10(most):
        problem = f"the last {what} would be 1e{decades:,.0f} times the first; most: {most:g}"
        raise InputError(problem, key=key, given=growth)


def check_fabric(fabric: Fabric, nodes: int, horizon: float) -> None:
    """Check that the network changes no more often than can be followed.

    Raises
    ------
    InputError
        When it does.
    """
    if fabric.congestion:
        bad = fabric.congestion.bad.mean
        changes = 2 * fabric.pods * fabric.congestion.share * horizon / bad
        _check_changes("fabric.congestion.bad", "lengthen bad periods", changes, MOST_EVENTS)
    if fabric.flaps:
        changes = nodes * fabric.flaps.per_node_day * horizon / DAY
        key = "fabric.flaps.per_node_day"
        _check_changes(key, "let links flap less often", changes, MOST_FLAPS)


def _check_changes(key: str, remedy: str, changes: float, most: int) -> None:
    if changes > most:
        problem = f"about {changes:,.3g} changes until the horizon are more than {most:,}"
        raise InputError(f"{problem}; {remedy}, or shorten the horizon", key=key)
