"""What failures and stalls cost: tables, each a study of scenarios under the same luck."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from sim.engine.checkpoints import daly_interval
from sim.engine.risks import node_rate
from sim.experiments.intervals import band, spread
from sim.experiments.sweep import study
from sim.results.ledger import DAY
from sim.scenario import Scenario, load_scenario
from sim.throughput.elastic import POLICIES

FABRICS = {
    "dedicated fabric": {"fabric.congestion": "dedicated"},
    "dedicated, links flap": {"fabric.congestion": "dedicated", "fabric.flaps": "hpn"},
    "shared fabric": {"fabric.congestion": "shared"},
    "shared, links flap": {"fabric.congestion": "shared", "fabric.flaps": "hpn"},
}
QUIET = {"fabric.congestion": None, "fabric.flaps": None}
LONGEST = 60.0
SHORTEST = 0.5
"""Days that a job of any size is watched."""


def sized(scenario: Scenario, nodes: int, interruptions: int) -> Scenario:
    """Change the size of a job, and watch it for a number of interruptions.

    Parameters
    ----------
    scenario : Scenario
        Of one pool, named `job`.
    nodes : int
        Its active nodes; there are spares to match.
    interruptions : int
        How many are to be expected until the horizon.
    """
    days = interruptions / (rate(scenario, nodes) * DAY)
    return scenario.override(
        {
            "fleet.job.nodes": nodes,
            "horizon": f"{float(np.clip(days, SHORTEST, LONGEST))} d",
            "fleet.job.hot_spares": max(nodes // 64, 8),
            "fleet.job.cold_spares": max(nodes // 5, 64),
        }
    )


def rate(scenario: Scenario, nodes: int) -> float:
    """Interruptions per second of a number of nodes of the pool `job`."""
    pool = scenario.fleet["job"]
    return nodes * node_rate(pool.failures, pool.chip.node_size)


def ettr_by_size(
    variants: Mapping[str, Scenario],
    nodes: Sequence[int],
    n: int,
    seed: int,
    interruptions: int = 250,
) -> pd.DataFrame:
    """Find the productive share of the time of jobs of several sizes.

    Parameters
    ----------
    variants : mapping of str to Scenario
        Each of one pool, named `job`.
    nodes : sequence of int
    n, seed : int
        Replications of each, and their root seed.
    interruptions : int
        For how many a job is watched.

    Returns
    -------
    pandas.DataFrame
        A row a `variant` and number of `nodes`: `mean`, `p5` and `p95` over replications.
    """
    jobs = {
        (name, count): sized(scenario, count, interruptions)
        for name, scenario in variants.items()
        for count in nodes
    }
    rows = [
        {"variant": name, "nodes": count, **mean(runs.frame["ettr"])}
        for (name, count), runs in study("job", jobs, n, seed).items()
    ]
    return pd.DataFrame(rows)


def ettr_by_interval(
    scenario: Scenario, nodes: Sequence[int], minutes: Sequence[float], n: int, seed: int
) -> pd.DataFrame:
    """Find the productive share of the time of jobs with several checkpoint intervals.

    Parameters
    ----------
    scenario : Scenario
        Of one pool, named `job`; it is watched for 120 interruptions.
    nodes : sequence of int
    minutes : sequence of float
        Intervals.
    n, seed : int
        Replications of each, and their root seed.

    Returns
    -------
    pandas.DataFrame
        A row a number of `nodes` and interval in `minutes`: Daly's optimum in `daly_minutes`, and
        `mean`, `p5` and `p95` over replications.
    """
    jobs = {}
    for count in nodes:
        job = sized(scenario, count, interruptions=120)
        daly = daly_interval(job.checkpoint.blocking, rate(job, count)) / 60
        for minute in minutes:
            every = {"checkpoint.interval": f"{minute} min"}
            jobs[count, minute, daly] = job.override(every)
    rows = [
        {"nodes": count, "minutes": minute, "daly_minutes": daly, **mean(runs.frame["ettr"])}
        for (count, minute, daly), runs in study("job", jobs, n, seed).items()
    ]
    return pd.DataFrame(rows)


def time_by_fabric(
    jobs: Iterable[str], n: int, seed: int, horizon: str = "20 d"
) -> pd.DataFrame:
    """Find how much longer jobs take on each kind of fabric than on one that never slows.

    Parameters
    ----------
    jobs : iterable of str
        Names of scenarios.
    n, seed : int
        Replications of each, and their root seed.
    horizon : str
        For how long each is watched.

    Returns
    -------
    pandas.DataFrame
        A row a `job` and `fabric`: its `chips`, and by which share it takes longer, `mean`, `p5`
        and `p95` over replications.
    """
    rows = []
    for name in jobs:
        # More tokens than any can train, so that all are watched for the whole horizon.
        job = load_scenario(name).override({"horizon": horizon, "run.tokens": 1e18})
        chips = sum(pool.active_chips for pool in job.fleet.values())
        for fabric, settings in FABRICS.items():
            more = longer(job.override(QUIET), job.override(settings), n, seed)
            rows.append({"job": job.name, "chips": chips, "fabric": fabric, **mean(more)})
    return pd.DataFrame(rows)


def longer(base: Scenario, other: Scenario, n: int, seed: int) -> pd.Series:
    """Find by which share a token takes longer in another scenario, in each of `n` replications."""
    runs = study("job", {"base": base, "other": other}, n, seed)
    before, after = (side.frame["goodput_tokens_per_s"] for side in runs.values())
    return before / after - 1


def days_by_policy(
    scenario: Scenario, pool: str, spares: Sequence[int], n: int, seed: int
) -> pd.DataFrame:
    """Find the days to finish under each elastic policy, and when a job waits, by hot spares.

    Parameters
    ----------
    scenario : Scenario
    pool : str
        Its pool with the spares; there are no others.
    spares : sequence of int
        Nodes.
    n, seed : int
        Replications of each, and their root seed.

    Returns
    -------
    pandas.DataFrame
        A row a `policy` and number of `spares`: `median`, `p5` and `p95` of the days over
        replications, infinite where runs did not finish, and the share `finished`.
    """
    scenarios = {}
    for policy in ("wait", *POLICIES):
        for count in spares:
            settings = {
                f"fleet.{pool}.hot_spares": count,
                f"fleet.{pool}.cold_spares": 0,
                "recovery.policy": policy,
            }
            scenarios[policy, count] = scenario.override(settings)
    rows = []
    for (policy, count), runs in study("policy", scenarios, n, seed).items():
        finished = runs.frame["finished"]
        # As infinite, or a policy under which few runs finish would look fast.
        days = spread(runs.frame["wall_days"].where(finished, np.inf), "inverted_cdf")
        at = {"policy": policy, "spares": count}
        rows.append(at | days | {"finished": finished.mean()})
    return pd.DataFrame(rows)


def mean(values: pd.Series) -> dict[str, float]:
    """The `mean` of values, and the quantiles `p5` and `p95`."""
    return {"mean": float(values.mean()), **band(values)}
