"""What a stock over years comes to, in sentences with dates and shares."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np

from sim.experiments.intervals import figures, median_interval, spread
from sim.experiments.replicate import Replications
from sim.results.ledger import DAY, Floats
from sim.scenario import Scenario


def sentences(scenario: Scenario, result: Replications) -> list[str]:
    """The answers that a programme or an outlook is simulated for.

    Parameters
    ----------
    scenario : Scenario
        With `runs` or an `outlook`.
    result : Replications
    """
    found = []
    if scenario.runs:
        found += _of_runs(scenario, result)
    if scenario.outlook:
        found += _of_outlook(scenario, result)
    if scenario.represents != 1.0:
        found.append(
            f"One simulated chip stands for {scenario.represents:,g}; all chips told are of the "
            "whole."
        )
    return found


def _of_runs(scenario: Scenario, result: Replications) -> list[str]:
    frame = result.frame
    days = _days(result, "crossing_days", "crossed")
    means = {what: frame[f"runs_{what}"].mean() for what in ("due", "staffed", "finished")}
    return [
        _sentence(scenario, days, "A run first lacks chips", "lacks any"),
        "Of {due:.3g} runs that are due, {staffed:.3g} find their chips and {finished:.3g} finish "
        "(means).".format(**means),
    ]


def _of_outlook(scenario: Scenario, result: Replications) -> list[str]:
    outlook = scenario.outlook
    assert outlook is not None
    frame = result.frame
    reference = scenario.fleet[scenario.reference_pool].chip.name
    found = []
    for date in scenario.dates:
        chips = frame[f"largest.{date}_chips"].to_numpy()
        flop = frame[f"largest.{date}_flop"].to_numpy()
        ends = spread(chips)
        found.append(
            f"On {date} the largest run could have {_median(chips)} chips, counted in {reference} "
            f"(5–95 %: {_two_figures(ends['p5'])} to {_two_figures(ends['p95'])}), for "
            f"{_median(flop)} FLOP in {outlook.length / DAY:g} days."
        )
    for need, item in outlook.needs.items():
        days = _days(result, f"met.{need}_days", f"met.{need}")
        what = f"A run for {item.title or need} comes in reach"
        found.append(_sentence(scenario, days, what, "reaches it"))
    return found


def _days(result: Replications, metric: str, whether: str) -> Floats:
    """Days to something in each replication, infinite where it does not come."""
    frame = result.frame
    return np.where(frame[whether] > 0, frame[metric], math.inf)


def _sentence(scenario: Scenario, days: Floats, what: str, ever: str) -> str:
    """When something comes, how well that is known, and in which share it never does."""
    end = _date(scenario, scenario.horizon / DAY)
    never = float(np.isinf(days).mean())
    if never == 1.0:
        return f"{what} in no replication before {end}."
    dates = {
        name: _date(scenario, day) if math.isfinite(day) else f"after {end}"
        for name, day in spread(days, "inverted_cdf").items()
    }
    interval = median_interval(days)
    ends = [
        _date(scenario, day) if math.isfinite(day) else f"after {end}"
        for day in (interval["lo"], interval["hi"])
        if day is not None
    ]
    known = f"95 % interval of the median {' to '.join(ends)}; " if ends else ""
    words = f"{what} in {dates['median']} ({known}5–95 %: {dates['p5']} to {dates['p95']})"
    if never:
        words += f"; in {never:.0%} of the replications none {ever} before {end}"
    return f"{words}."


def _median(values: Floats) -> str:
    middle = float(np.median(values))
    interval = median_interval(values)
    low, high = interval["lo"], interval["hi"]
    if low is None or high is None:
        # Of so few runs one figure is all that can be told.
        low, high = 0.5 * middle, 1.5 * middle
    return figures(middle, low, high)


def _two_figures(value: float) -> str:
    return f"{float(f'{value:.2g}'):,.0f}"


def _date(scenario: Scenario, days: float) -> str:
    return f"{scenario.start + dt.timedelta(days=days):%B %Y}"
