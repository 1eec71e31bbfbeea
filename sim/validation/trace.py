"""What a list of outages says of a cluster: one function for a recorded trace and for simulated
ones.

Rates, repair times, repeat failures, bursts and the number of nodes that are down, as they were
counted for the InfiniteHBD trace (arXiv 2502.03885).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim import catalogue
from sim.engine import simulate
from sim.experiments.intervals import band
from sim.results.ledger import DAY, Floats
from sim.results.run import RunResult
from sim.scenario import Scenario, load_scenario
from sim.validation.report import Row

Outages = Sequence[tuple[float, float, int]]
"""Start and end in seconds, and node."""

REPAIR_QUANTILES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)
DOWN_QUANTILES = (0.50, 0.90, 0.95, 0.99)
DOWN_LEVELS = (4, 8, 12, 16, 20, 24, 28, 32, 35)
AGAIN_DAYS = (0.25, 1.0, 3.0, 7.0, 14.0, 30.0)
WATCHED_DAYS = 30.0
WORST = 0.1


def rows(n: int = 100, seed: int = 0) -> list[Row]:
    """Statistics of each recorded trace, and of `n` runs of the table made from it.

    Ours and those of the twin, the usual model of independent failures, are pooled over the runs;
    the spread is of ours singly. A row is `ok` if ours is within its tolerance; as it is `input` or
    `fitted`, that describes the table and is no evidence.

    Examples
    --------
    >>> [row] = [row for row in rows(4) if row.id == "again.7d"]
    >>> row.ok, row.twin_ok
    (True, False)
    """
    found = []
    for name, entry in catalogue.table("traces").items():
        trace = entry.item
        scenario = load_scenario(trace.scenario).override(trace.changes)
        independent = scenario.override(trace.independent)
        runs = [outages_of(simulate(scenario, seed, k)) for k in range(n)]
        others = [outages_of(simulate(independent, seed, k)) for k in range(n)]
        ours = _counted(runs, scenario)
        twin = _counted(others, scenario)
        singly = [_counted([run], scenario) for run in runs]
        for row in trace.rows:
            found.append(
                Row(
                    **row.model_dump(exclude={"measured", "least", "most"}),
                    ours=ours[row.id],
                    expected=row.measured,
                    ok=row.least <= ours[row.id] <= row.most,
                    **band([one[row.id] for one in singly]),
                    wrong="independent failures",
                    twin=twin[row.id],
                    twin_ok=row.least <= twin[row.id] <= row.most,
                    case=name,
                    scenario=trace.scenario,
                    source=entry.facts[0].source,
                )
            )
    return found


def _counted(runs: Sequence[Outages], scenario: Scenario) -> dict[str, float]:
    [pool] = scenario.fleet.values()
    return statistics(runs, pool.active_nodes, scenario.horizon / DAY)


def outages_of(result: RunResult) -> list[tuple[float, float, int]]:
    """The outages of a run, the nodes of all its pools numbered as they first fail."""
    numbers: dict[tuple[str, int], int] = {}
    found = []
    for outage in result.outages:
        node = numbers.setdefault((outage.pool, outage.node), len(numbers))
        found.append((outage.start, outage.end, node))
    return found


def statistics(runs: Sequence[Outages], nodes: int, days: float) -> dict[str, float]:
    """Statistics of outages, pooled over one or many runs of the same cluster.

    Parameters
    ----------
    runs : sequence of sequences of (start, end, node)
        Seconds from the start of each run; a recorded trace is one run.
    nodes : int
        Nodes of the cluster, those that never failed included.
    days : float
        How long each run was watched.

    Returns
    -------
    dict
        ``rate`` (outages per 1,000 node-days), ``repair.p50`` … and ``repair.mean`` (days),
        ``again.7d`` … (share of repairs that end 30 days or more before the end and are followed by
        another outage of the node within that time), ``worst_tenth`` (share of outages on the
        tenth of nodes that has most), ``daily_variance_to_mean``, ``down.mean``, ``down.p99`` …,
        ``down.max`` (nodes out of service at a time, weighted by time), ``up_to.20`` … (share of
        time with at most that many down).

    Examples
    --------
    >>> outages = [(0.0, DAY, 0), (2 * DAY, 3 * DAY, 0), (2.5 * DAY, 3 * DAY, 1)]
    >>> result = statistics([outages], nodes=10, days=40)
    >>> result["rate"], result["repair.p50"], result["down.max"], round(result["again.1d"], 3)
    (7.5, 1.0, 2.0, 0.333)
    """
    arrays = [np.array(run, dtype=float).reshape(-1, 3) for run in runs]
    # Runs without outages have no shares of them, but their time counts.
    some = [run for run in arrays if len(run)]
    if not some:
        raise ValueError("there are no outages")
    repairs = np.concatenate([run[:, 1] - run[:, 0] for run in some]) / DAY
    gaps = np.concatenate([_gaps(run, days) for run in some])
    share = np.mean([_time_down(run, nodes, days) for run in arrays], axis=0)
    up_to = np.cumsum(share)
    found = {
        "rate": 1000 * len(repairs) / (len(runs) * nodes * days),
        "repair.mean": np.mean(repairs),
        "worst_tenth": np.mean([_worst_tenth(run, nodes) for run in some]),
        "daily_variance_to_mean": np.mean([_dispersion(run, days) for run in some]),
        "down.mean": np.sum(share * np.arange(nodes + 1)),
        "down.max": np.flatnonzero(share)[-1],
    }
    for q in REPAIR_QUANTILES:
        found[f"repair.p{100 * q:g}"] = np.quantile(repairs, q)
    for limit in AGAIN_DAYS:
        found[f"again.{limit:g}d"] = np.mean(gaps <= limit)
    for q in DOWN_QUANTILES:
        # The sum of shares may miss a quantile by its last digit.
        found[f"down.p{100 * q:g}"] = np.searchsorted(up_to, q - 1e-12)
    for level in DOWN_LEVELS:
        found[f"up_to.{level}"] = up_to[min(level, nodes)]
    return {name: float(value) for name, value in found.items()}


def _worst_tenth(run: Floats, nodes: int) -> float:
    """Share of the outages that the tenth of all nodes with the most of them has."""
    counts = np.sort(np.bincount(run[:, 2].astype(int)))
    return counts[-max(round(WORST * nodes), 1) :].sum() / len(run)


def _gaps(run: Floats, days: float) -> Floats:
    """Days from the end of an outage to the start of the node's next; infinite if there is none.

    Only outages after which the node was watched for long enough count.
    """
    # By node, then by time, so that a node's next outage is the next row.
    order = np.lexsort((run[:, 1], run[:, 0], run[:, 2]))
    start, end, node = run[order].T
    gap = np.full(len(run), np.inf)
    to_next = (start[1:] - end[:-1]) / DAY
    gap[:-1] = np.where(node[1:] == node[:-1], to_next, np.inf)
    return gap[end <= (days - WATCHED_DAYS) * DAY]


def _dispersion(run: Floats, days: float) -> float:
    """Variance over mean of the outages that begin on each day."""
    days_of = (run[:, 0] // DAY).astype(int)
    counts = np.bincount(days_of, minlength=int(np.ceil(days)))
    return counts.var() / counts.mean()


def _time_down(run: Floats, nodes: int, days: float) -> Floats:
    """Share of the time with 0, 1, 2 … nodes down."""
    times = np.concatenate([run[:, 0], run[:, 1]])
    steps = np.repeat([1, -1], len(run))
    # Of a start and an end at one instant the start comes first: never fewer than none are down.
    order = np.argsort(times, kind="stable")
    end = days * DAY
    edges = np.concatenate([[0.0], times[order], [end]])
    seconds = np.diff(np.clip(edges, 0.0, end))
    down = np.concatenate([[0], np.cumsum(steps[order])])
    return np.bincount(down, seconds, minlength=nodes + 1) / end
