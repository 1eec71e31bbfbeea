"""What a stock over years comes to, in sentences with dates and shares."""

from __future__ import annotations

import numpy as np

from sim.experiments.dates import days_to, when
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
    days = days_to(result, "crossing_days")
    means = {what: frame[f"runs_{what}"].mean() for what in ("due", "staffed", "finished")}
    return [
        when(scenario, days, "A run first lacks chips", "lacks any") + ".",
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
        days = days_to(result, f"met.{need}_days")
        what = f"A run for {item.title or need} comes in reach"
        found.append(when(scenario, days, what, "reaches it") + ".")
    return found


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
