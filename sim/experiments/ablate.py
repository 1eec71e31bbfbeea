"""What each mechanism adds to an answer: leave it out, under the same luck and unknowns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import pandas as pd

from sim.experiments.executors import Execution
from sim.experiments.intervals import band, median_interval, spread
from sim.experiments.sweep import study
from sim.results.metrics import check_metric
from sim.scenario import Scenario

REACHED = {"crossing_days": "crossed", "wall_days": "finished"}
"""The share of runs in which a day came, for metrics that else stand at the horizon."""


def ablate(
    scenario: Scenario,
    without: Mapping[str, Mapping[str, Any]],
    metric: str = "crossing_days",
    n: int = 100,
    *,
    seed: int = 0,
    **execution: Unpack[Execution],
) -> pd.DataFrame:
    """Find the change of a metric when one mechanism at a time is left out.

    Parameters
    ----------
    scenario : Scenario
    without : mapping
        What to override to leave a mechanism out, by its name.
    metric : str
    n : int
        Pairs for each mechanism.
    seed, **execution
        As for `replicate`.

    Returns
    -------
    pandas.DataFrame
        A row a mechanism: `mechanism`, the `median`, `p5` and `p95` of (without − with) over pairs,
        `lo` and `hi` (the 95 % interval of the median), whether it `matters`: whether the median
        change is larger than half the spread (5–95 %) of the metric with everything, and whether it
        is only known to be `at_least` that: in half of the pairs or more the horizon cut it off.
    """
    check_metric(metric, scenario)
    fewer = {name: scenario.override(changes) for name, changes in without.items()}
    runs = study("mechanism", {None: scenario, **fewer}, n, seed, **execution)
    base = runs.pop(None).frame[metric]
    usual = band(base)
    half = (usual["p95"] - usual["p5"]) / 2
    rows = []
    for name, part in runs.items():
        difference = part.frame[metric] - base
        known = median_interval(difference.to_numpy(), ("median", "lo", "hi"))
        reached = part.frame[REACHED[metric]].mean() if metric in REACHED else 1.0
        rows.append(
            {
                "mechanism": name,
                **spread(difference),
                **known,
                "matters": abs(difference.median()) > half,
                "at_least": bool(reached <= 0.5),
            }
        )
    return pd.DataFrame(rows)
