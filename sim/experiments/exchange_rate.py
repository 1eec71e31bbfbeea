"""The exchange rate between good chips and weak ones: days to finish against the number of weak
chips added.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
import pandas as pd

from sim.errors import InputError
from sim.experiments.replicate import replicate
from sim.scenario import Scenario
from sim.throughput import Plan, Throughput


def exchange(
    scenario: Scenario,
    counts: Sequence[int],
    *,
    pool: str = "weak",
    spares: float = 0.1,
    n: int = 50,
    seed: int = 0,
) -> pd.DataFrame:
    """Days to finish with each number of chips in `pool`.

    Numbers too small to hold a replica are left out. Cold spares of the pool are kept at `spares`
    of its nodes, so that a large pool does not wait for what a small one never needs.

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
    rows = []
    for count in counts:
        nodes = -(-int(count) // scenario.fleet[pool].chip.node_size)
        changes = {
            f"fleet.{pool}.chips": int(count),
            f"fleet.{pool}.cold_spares": math.ceil(spares * nodes),
        }
        question = scenario.override(changes)
        if (plan := _plan(question)) is None:
            continue
        frame = replicate(question, n, seed=seed).frame
        if not frame["finished"].all():
            raise InputError(f"{question.name}: not every run finishes by its horizon; lengthen it")
        low, middle, high = np.quantile(frame["wall_days"], [0.05, 0.5, 0.95])
        rows.append(
            (
                count,
                middle,
                low,
                high,
                frame["ettr"].mean(),
                plan.tokens_per_s,
                plan.idle_chips[pool],
                plan.bottleneck,
            )
        )
    columns = ["chips", "days", "p5", "p95", "ettr", "tokens_per_s", "idle_chips", "bottleneck"]
    return pd.DataFrame(rows, columns=columns)


def smallest_replica(scenario: Scenario, pool: str = "weak", most: int = 1 << 17) -> int:
    """The fewest chips, in whole nodes, with which a pool can take part."""
    size = scenario.fleet[pool].chip.node_size
    numbers = range(size, most, size)
    fits = bisect_left(
        numbers,
        True,
        key=lambda n: _plan(scenario.override({f"fleet.{pool}.chips": n})) is not None,
    )
    return size * (fits + 1)


def _plan(question: Scenario) -> Plan | None:
    """The plan of the healthy fleet; None where a pool cannot hold one replica."""
    try:
        return Throughput(
            question.run, question.fleet, question.mixing, constants=question.constants
        ).full
    except InputError:
        return None


def worth(curve: pd.DataFrame, alone: float) -> float:
    """How many good chips one more weak chip is worth at the start of a curve, `alone` being days
    without any.

    Days shrink in proportion to chips where the good ones are all alike; the first step of the
    curve is taken.
    """
    first = curve.iloc[0]
    return float((alone / first["days"] - 1) / first["chips"])


def equal_at(curve: pd.DataFrame, days: float) -> float | None:
    """The number of weak chips at which a curve reaches `days`, by log-linear interpolation; None
    if it never does.
    """
    if curve["days"].min() > days:
        return None
    order = curve.sort_values("days")
    return float(np.exp(np.interp(np.log(days), np.log(order["days"]), np.log(order["chips"]))))
