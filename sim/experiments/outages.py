"""What failures and stalls cost: the tables behind the figures, each a study of scenarios under the
same luck.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sim.engine.checkpoints import daly_interval
from sim.engine.risks import node_rate
from sim.experiments.replicate import Replications, replicate
from sim.results.ledger import DAY
from sim.scenario import Scenario, load_scenario

FABRICS: dict[str, dict[str, Any]] = {
    "dedicated fabric": {"fabric.congestion": "dedicated"},
    "dedicated, links flap": {"fabric.congestion": "dedicated", "fabric.flaps": "hpn"},
    "shared fabric": {"fabric.congestion": "shared"},
    "shared, links flap": {"fabric.congestion": "shared", "fabric.flaps": "hpn"},
}
QUIET = {"fabric.congestion": None, "fabric.flaps": None}
POLICIES = ("wait", "drop-replica", "re-route", "re-plan")
LONGEST, SHORTEST = 60.0, 0.5
"""Days that a job of any size is watched."""


def sized(scenario: Scenario, nodes: int, interruptions: int) -> Scenario:
    """A scenario of one pool named `job` with so many nodes, spares to match, watched for so many
    interruptions.
    """
    days = float(np.clip(interruptions / (rate(scenario, nodes) * DAY), SHORTEST, LONGEST))
    spares = {
        "fleet.job.hot_spares": max(nodes // 64, 8),
        "fleet.job.cold_spares": max(nodes // 5, 64),
    }
    return scenario.override({"fleet.job.nodes": nodes, "horizon": f"{days} d"} | spares)


def rate(scenario: Scenario, nodes: int) -> float:
    """Interruptions per second of so many nodes of the pool `job`."""
    pool = scenario.fleet["job"]
    return nodes * node_rate(pool.failures, pool.chip.node_size)


def ettr_by_size(
    variants: dict[str, Scenario], nodes: Sequence[int], n: int, seed: int, interruptions: int = 250
) -> pd.DataFrame:
    """Productive share of the time of jobs of several sizes: mean, and 5–95 % of replications."""
    rows = []
    for name, scenario in variants.items():
        for count in nodes:
            ettr = replicate(sized(scenario, count, interruptions), n, seed=seed).frame["ettr"]
            rows.append({"variant": name, "nodes": count} | _spread(ettr))
    return pd.DataFrame(rows)


def ettr_by_interval(
    scenario: Scenario,
    nodes: Sequence[int],
    minutes: Sequence[float],
    n: int,
    seed: int,
    interruptions: int = 120,
) -> pd.DataFrame:
    """The same against the checkpoint interval, with Daly's optimum for each size."""
    rows = []
    for count in nodes:
        base = sized(scenario, count, interruptions)
        daly = daly_interval(base.checkpoint.blocking, rate(base, count)) / 60
        for minute in minutes:
            ettr = replicate(
                base.override({"checkpoint.interval": f"{minute} min"}), n, seed=seed
            ).frame["ettr"]
            rows.append({"nodes": count, "minutes": minute, "daly_minutes": daly} | _spread(ettr))
    return pd.DataFrame(rows)


def time_by_fabric(jobs: Iterable[str], n: int, seed: int, horizon: str = "20 d") -> pd.DataFrame:
    """How much longer scenarios take on each kind of fabric than on one that never slows, run by
    run.
    """
    rows = []
    for name in jobs:
        base = load_scenario(name).override({"horizon": horizon, "run.tokens": 1e18})
        chips = sum(pool.active_chips for pool in base.fleet.values())
        for fabric, settings in FABRICS.items():
            more = longer(base.override(QUIET), base.override(settings), n, seed)
            rows.append({"job": base.name, "chips": chips, "fabric": fabric} | _spread(more))
    return pd.DataFrame(rows)


def longer(base: Scenario, other: Scenario, n: int, seed: int) -> pd.Series:
    """By how much a token takes longer in one scenario than in another, in each replication."""
    a, b = (
        replicate(scenario, n, seed=seed).frame["goodput_tokens_per_s"]
        for scenario in (base, other)
    )
    return a / b - 1


def days_by_policy(
    scenario: Scenario, pool: str, spares: Sequence[int], n: int, seed: int
) -> pd.DataFrame:
    """Days to finish under each policy with hot spares and no others; infinite where runs did not
    finish.
    """
    rows = []
    for policy in POLICIES:
        for count in spares:
            settings = {
                f"fleet.{pool}.hot_spares": count,
                f"fleet.{pool}.cold_spares": 0,
                "recovery.policy": policy,
            }
            result = replicate(scenario.override(settings), n, seed=seed)
            rows.append({"policy": policy, "spares": count} | _days(result))
    return pd.DataFrame(rows)


def _spread(values: pd.Series) -> dict[str, float]:
    p5, p95 = np.quantile(values, [0.05, 0.95])
    return {"mean": float(values.mean()), "p5": float(p5), "p95": float(p95)}


def _days(result: Replications) -> dict[str, float]:
    days = result.frame["wall_days"].where(result.frame["finished"], np.inf)
    p5, median, p95 = np.quantile(days, [0.05, 0.5, 0.95], method="inverted_cdf")
    return {
        "median": float(median),
        "p5": float(p5),
        "p95": float(p95),
        "finished": float(result.frame["finished"].mean()),
    }
