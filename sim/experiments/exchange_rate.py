"""The exchange rate between good chips and weak ones: days to finish against weak chips added."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
import pandas as pd

from sim.errors import InputError
from sim.experiments.intervals import spread
from sim.experiments.sweep import study
from sim.scenario import Scenario
from sim.throughput import Plan, Throughput

POOL = "weak"
"""The pool to which chips are added."""
MOST = 1 << 17
"""Chips with which a pool can surely hold a replica."""


def exchange(
    scenario: Scenario, counts: Sequence[int], *, n: int = 50, seed: int = 0
) -> pd.DataFrame:
    """Find the days to finish with each number of chips in the pool `weak`.

    Numbers too small to hold a replica are left out. The pool has as many cold spares as
    nodes, so that none waits for spares: the question is what chips are worth that are there.

    Parameters
    ----------
    scenario : Scenario
    counts : sequence of int
        Numbers of chips.
    n, seed : int
        Replications of each, and their root seed.

    Returns
    -------
    pandas.DataFrame
        A row a number: `chips`, `days`, `p5` and `p95` over replications, `ettr`, `tokens_per_s`
        (at the modes of the unknown constants), `idle_chips` of the pool and the `bottleneck`.

    Raises
    ------
    InputError
        When a run does not finish by the scenario's horizon.
    """
    scenarios = {}
    plans = {}
    for count in counts:
        changed = _with_weak(scenario, count)
        if plan := _plan(changed):
            scenarios[count] = changed
            plans[count] = plan
    rows = []
    for count, runs in study("chips", scenarios, n, seed).items():
        frame = runs.frame
        plan = plans[count]
        # Then nine runs in ten end before the horizon, and their band is what it would be without.
        if frame["finished"].mean() <= 0.95:
            raise InputError(
                f"{runs.scenario}: too few runs finish by its horizon; lengthen it"
            )
        rows.append(
            {
                "chips": count,
                **spread(frame["wall_days"]),
                "unfinished": 1 - frame["finished"].mean(),
                "ettr": frame["ettr"].mean(),
                "tokens_per_s": plan.tokens_per_s,
                "idle_chips": plan.idle_chips[POOL],
                "bottleneck": plan.bottleneck,
            }
        )
    return pd.DataFrame(rows).rename(columns={"median": "days"})


def smallest_replica(scenario: Scenario) -> int:
    """Find the fewest chips, in whole nodes, with which the pool `weak` can take part."""
    size = scenario.fleet[POOL].chip.node_size
    numbers = range(size, MOST, size)
    fewest = bisect_left(
        numbers, True, key=lambda count: _plan(_with_weak(scenario, count)) is not None
    )
    return numbers[fewest]


def _with_weak(scenario: Scenario, count: int) -> Scenario:
    nodes = -(-count // scenario.fleet[POOL].chip.node_size)
    return scenario.override(
        {f"fleet.{POOL}.chips": count, f"fleet.{POOL}.cold_spares": nodes}
    )


def _plan(scenario: Scenario) -> Plan | None:
    """The plan of the healthy fleet; None where a pool cannot hold one replica."""
    parts = scenario.run, scenario.fleet, scenario.mixing
    try:
        return Throughput(*parts, constants=scenario.constants).full
    except InputError:
        return None


def worth(curve: pd.DataFrame, alone: float) -> float:
    """Find how many good chips one more weak chip is worth at the start of a curve.

    Where the good chips are all alike, days shrink in proportion to their number.

    Parameters
    ----------
    curve : pandas.DataFrame
        From `exchange`; its first row is taken.
    alone : float
        Days without any weak chip.
    """
    first = curve.iloc[0]
    return float((alone / first["days"] - 1) / first["chips"])


def equal_at(curve: pd.DataFrame, days: float) -> float | None:
    """Find the number of weak chips at which a curve reaches some days; None if it never does.

    Between two numbers of the curve it is interpolated log-linearly.
    """
    if curve["days"].min() > days:
        return None
    # Interpolation needs rising days, and more chips mean fewer.
    order = curve.sort_values("days")
    return float(
        np.exp(np.interp(np.log(days), np.log(order["days"]), np.log(order["chips"])))
    )
