"""The metrics of an outlook: the largest run at each date, its reach, and when a need is met."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sim.results.ledger import DAY
from sim.results.metric import Metric

if TYPE_CHECKING:  # a result asks this module for its metrics, not the other way round
    from sim.results.run import RunResult
    from sim.scenario import Scenario


def outlook_metrics(scenario: Scenario) -> Iterable[Metric]:
    """The largest run at each date, its ratio to each need, and when a need is first met."""
    for date in scenario.dates:
        name = f"largest.{date}"
        run = f"of the largest run that could be staffed on {date}"
        yield Metric(
            f"{name}_chips",
            "reference chips",
            f"Chips {run}, in chips of the reference pool.",
            lambda r, date=date: r.reach.on(date, r.reach.reference_chips),
        )
        yield Metric(
            f"{name}_home",
            "reference chips",
            f"Chips {run} on chips at home alone, in chips of the reference pool.",
            lambda r, date=date: r.reach.on(date, r.reach.home_chips),
        )
        yield Metric(
            f"{name}_h100",
            "H100",
            f"Chips {run}, by their dense BF16 peak.",
            lambda r, date=date: r.reach.on(date, r.reach.unit_chips),
        )
        yield Metric(
            f"{name}_flop",
            "FLOP",
            f"Compute {run}.",
            lambda r, date=date: r.reach.on(date, r.reach.flop),
        )
    needs = scenario.outlook.needs if scenario.outlook else {}
    for need, item in needs.items():
        for date in scenario.dates:
            yield Metric(
                f"reach.{need}.{date}",
                "",
                f"The largest run on {date} over what {item.title or need} needs.",
                lambda r, need=need, date=date: r.reach.ratio(need, date),
            )
        yield Metric(
            f"met.{need}_days",
            "days",
            f"Until a run could be staffed that meets {item.title or need}, or the horizon.",
            lambda r, need=need: _or_horizon(r, r.reach.met(need)),
        )
        yield Metric(
            f"met.{need}",
            "share",
            "Whether that comes before the horizon (1 or 0).",
            lambda r, need=need: float(not math.isnan(r.reach.met(need))),
        )


def _or_horizon(result: RunResult, seconds: float) -> float:
    return (result.wall if math.isnan(seconds) else seconds) / DAY
