"""Dates in words: when something comes, how well that is known, and how often it never does."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np

from sim.experiments.intervals import digits, median_interval, spread, wilson
from sim.experiments.replicate import Replications
from sim.results.ledger import DAY, Floats
from sim.scenario import Scenario


def percent(done: int, n: int) -> str:
    """Write a share of replications with its 95 % interval.

    Examples
    --------
    >>> percent(399, 400), percent(400, 400)
    ('99.8 % (95 %: 98.6 … 100.0)', '100.0 % (95 %: 99.0 … 100.0)')
    """
    ends = wilson(done, n)
    low, high = 100 * ends["lo"], 100 * ends["hi"]
    told = [digits(value, low, high) for value in (100 * done / n, low, high)]
    return f"{told[0]} % (95 %: {told[1]} … {told[2]})"


def days_to(runs: Replications, metric: str, whether: str) -> Floats:
    """Days to something in each replication, infinite where it does not come before the horizon."""
    frame = runs.frame
    return np.where(frame[whether] > 0, frame[metric], math.inf)


def day_of(scenario: Scenario, days: float) -> dt.date | None:
    """The date of a day of a scenario; None where it never comes."""
    return scenario.start + dt.timedelta(days=days) if math.isfinite(days) else None


def month_of(scenario: Scenario, days: float) -> str:
    """A day of a scenario as a month, or that it comes after the last one."""
    date = day_of(scenario, days)
    return f"{date:%B %Y}" if date else f"after {end_of(scenario)}"


def end_of(scenario: Scenario) -> str:
    """The month in which a scenario ends."""
    return month_of(scenario, scenario.horizon / DAY)


def when(scenario: Scenario, days: Floats, what: str, ever: str) -> str:
    """Say when something comes, how well its median is known, and how often it never does.

    Parameters
    ----------
    scenario : Scenario
    days : array of float
        From its start, in each replication; infinite where it does not come.
    what, ever : str
        What comes, and the same after "none".
    """
    never = int(np.isinf(days).sum())
    if never == len(days):
        return f"{what} in no replication before {end_of(scenario)}"
    quantiles = spread(days, "inverted_cdf")
    dates = {name: month_of(scenario, day) for name, day in quantiles.items()}
    middle = median_interval(days)
    ends = [month_of(scenario, day) for day in (middle["lo"], middle["hi"]) if day is not None]
    known = f"95 % interval of the median {' to '.join(ends)}; " if ends else ""
    words = f"{what} in {dates['median']} ({known}5–95 %: {dates['p5']} to {dates['p95']})"
    if math.isinf(quantiles["median"]):
        words = f"{what} in fewer than half of the replications (5 %: {dates['p5']})"
    if not never:
        return f"{words}; in all replications"
    share = percent(never, len(days))
    return f"{words}; in {share} of the replications none {ever} before {end_of(scenario)}"
