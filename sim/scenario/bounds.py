"""What would take for ever, or leave the numbers a computer has: refused before anything is run."""

from __future__ import annotations

import datetime as dt
import math

from sim.errors import InputError
from sim.scenario.parts import Fabric
from sim.scenario.stock import Programme

DAY = 86400.0
YEAR = 365.25 * DAY
MOST_CHANGES = 10_000_000
"""Changes of a network until the horizon: about a minute of computing."""
MOST_RUNS = 100_000
MOST_GROWTH = 1e12


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


def check_programme(programme: Programme, horizon: float) -> None:
    """Check that the runs of a programme can be counted and written down.

    Raises
    ------
    InputError
        When they are too many, or grow beyond measure.
    """
    number = horizon / programme.every
    if number > MOST_RUNS:
        problem = f"{number:,.3g} runs until the horizon are more than {MOST_RUNS:,}"
        raise InputError(problem, key="runs.every", given=programme.every)
    growth = horizon / YEAR * math.log10(programme.growth * YEAR)
    if growth > math.log10(MOST_GROWTH):
        problem = f"the last run would be 1e{growth:,.0f} times the first; most: {MOST_GROWTH:g}"
        raise InputError(problem, key="runs.growth", given=programme.growth)


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
        _check_changes("fabric.congestion.bad", "lengthen bad periods", changes)
    if fabric.flaps:
        changes = nodes * fabric.flaps.per_node_day * horizon / DAY
        _check_changes("fabric.flaps.per_node_day", "let links flap less often", changes)


def _check_changes(key: str, remedy: str, changes: float) -> None:
    if changes > MOST_CHANGES:
        problem = f"about {changes:,.3g} changes until the horizon are more than {MOST_CHANGES:,}"
        raise InputError(f"{problem}; {remedy}, or shorten the horizon", key=key)
