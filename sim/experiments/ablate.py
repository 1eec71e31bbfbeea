"""What each mechanism adds to an answer: leave it out, under the same luck and the same unknown
constants.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import pandas as pd

from sim.experiments.executors import Work
from sim.experiments.replicate import replicate
from sim.results.metrics import check_metric
from sim.scenario import Scenario


def ablate(
    scenario: Scenario,
    without: Mapping[str, Mapping[str, Any]],
    metric: str = "crossing_days",
    n: int = 100,
    *,
    seed: int = 0,
    **work: Unpack[Work],
) -> pd.DataFrame:
    """The change of a metric when one mechanism at a time is left out.

    Parameters
    ----------
    scenario : Scenario
    without : mapping
        What to override to leave a mechanism out, by its name.
    metric : str
    n : int
        Pairs for each mechanism.
    seed, **work
        As for `replicate`.

    Returns
    -------
    pandas.DataFrame
        A row a mechanism: `mechanism`, the `median`, `p5` and `p95` of (without − with) over pairs,
        and whether it `matters`: whether the median change is larger than half the spread (5–95 %)
        of the metric with everything.
    """
    check_metric(metric, scenario)
    base = replicate(scenario, n, seed=seed, **work).frame[metric]
    half = (base.quantile(0.95) - base.quantile(0.05)) / 2
    rows = []
    for name, changes in without.items():
        change = replicate(scenario.override(changes), n, seed=seed, **work).frame[metric] - base
        middle = change.median()
        rows.append(
            (name, middle, change.quantile(0.05), change.quantile(0.95), bool(abs(middle) > half))
        )
    return pd.DataFrame(rows, columns=["mechanism", "median", "p5", "p95", "matters"])
