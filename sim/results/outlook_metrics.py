"""The metrics of an outlook: the largest run at each date, its reach, and when a need is met."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.results.ledger import DAY
from sim.results.metric import Metric

if TYPE_CHECKING:  # a result asks this module for its metrics, not the other way round
    from sim.scenario import Scenario


def outlook_metrics(scenario: Scenario) -> Iterable[Metric]:
    """The largest run at each date, its ratio to each need, and when a need is first met."""
    for date in scenario.dates:
        yield from at_date(date)
    needs = scenario.outlook.needs if scenario.outlook else {}
    for need, item in needs.items():
        yield from of_need(need, item.title or need, scenario.dates)


def at_date(date: Any) -> Iterable[Metric]:
    """The largest run on a date, in chips of several kinds and as compute."""
    run = f"of the largest run that could be staffed on {date}"
    chips = "in chips of the reference pool"
    kinds = {
        "chips": ("reference chips", f"Chips {run}, {chips}.", "reference_chips"),
        "home": (
            "reference chips",
            f"Chips {run} on chips at home alone, {chips}.",
            "home_chips",
        ),
        "h100": ("H100", f"Chips {run}, by their dense BF16 peak.", "unit_chips"),
        "flop": ("FLOP", f"Compute {run}.", "flop"),
    }
    for kind, (unit, meaning, which) in kinds.items():
        yield Metric(
            f"largest.{date}_{kind}",
            unit,
            meaning,
            lambda r, which=which: r.reach.on(date, getattr(r.reach, which)),
        )


def of_need(need: str, title: str, dates: Iterable[Any]) -> Iterable[Metric]:
    """The largest run on each date over what a model needs, and when that need is first met."""
    for date in dates:
        yield Metric(
            f"reach.{need}.{date}",
            "",
            f"The largest run on {date} over what {title} needs.",
            lambda r, date=date: r.reach.ratio(need, date),
        )
    yield Metric(
        f"met.{need}_days",
        "days",
        f"Until a run could be staffed that meets {title}, or the horizon.",
        # What does not come before the horizon is nan, which fmin passes over.
        lambda r: float(np.fmin(r.reach.met(need), r.wall)) / DAY,
    )
    yield Metric(
        f"met.{need}",
        "share",
        f"Whether a run could be staffed that meets {title} before the horizon (1 or 0).",
        lambda r: float(not math.isnan(r.reach.met(need))),
    )
