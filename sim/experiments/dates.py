"""Dates in words: when something comes, how well that is known, and how often it never does."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np

from sim.experiments.intervals import digits, median_interval, spread, told, wilson
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


def whether(metric: str, runs: Replications) -> str:
    """The metric that says whether the day of another came before the horizon; empty if none.

    Examples
    --------
    >>> from sim import load_scenario, replicate
    >>> runs = replicate(load_scenario("embargoed-stock"), 1, progress=False)
    >>> whether("crossing_days", runs), whether("wall_days", runs)
    ('crossed', '')
    """
    flag = "crossed" if metric == "crossing_days" else metric.removesuffix("_days")
    return flag if flag != metric and flag in runs.frame else ""


def days_to(runs: Replications, metric: str) -> Floats:
    """Days to something in each replication, infinite where it does not come before the horizon."""
    came = runs.values(whether(metric, runs))
    return np.where(came > 0, runs.values(metric), math.inf)


def shifts(days: Floats, base: Floats) -> Floats:
    """By how many days it comes later than in the base, in pairs where it comes in either.

    Infinite where it comes in one of the two only, so no horizon is taken for a date.
    """
    known = np.isfinite(days) | np.isfinite(base)
    return days[known] - base[known]


def shift_told(value: float | None, low: float | None, high: float | None) -> str:
    """Write a median of shifts with its 95 % interval, of which an end may be infinite.

    Examples
    --------
    >>> shift_told(57.1234, 56.8, 57.4), shift_told(57.1234, 46.8, math.inf)
    ('57.1 days (95 %: 56.8 … 57.4)', '57 days (95 %: 47 … without end)')
    >>> shift_told(math.inf, 3.0, math.inf)
    'without end: in most pairs it comes in the other one only'
    """
    if value is not None and math.isinf(value):
        return "without end: in most pairs it comes in the other one only"
    if value is None or low is None or high is None or math.isfinite(high - low):
        return told(value, low, high, "days")
    middle, first, last = (f"{float(f'{one:.2g}'):,g}" for one in (value, low, high))
    span = f"{first} … {last}".replace("inf", "without end")
    return f"{middle} days (95 %: {span})"


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
    low, middle, high = (
        month_of(scenario, quantiles[name]) for name in ("p5", "median", "p95")
    )
    known = median_interval(days)
    words = f"{what} in {middle} ("
    if known["lo"] is not None and known["hi"] is not None:
        ends = _span(month_of(scenario, known["lo"]), month_of(scenario, known["hi"]))
        words += f"95 % interval of the median {ends}; "
    words += f"5–95 %: {_span(low, high)})"
    if math.isinf(quantiles["median"]):
        words = f"{what} in fewer than half of the replications (5 %: {low})"
    if not never:
        return f"{words}; in all replications"
    share = percent(never, len(days))
    return f"{words}; in {share} of the replications none {ever} before {end_of(scenario)}"


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"
