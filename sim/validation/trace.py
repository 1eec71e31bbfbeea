"""What a list of outages says of a cluster: one function for a recorded trace and for simulated
ones.

Rates, repair times, repeat failures, bursts and the number of nodes that are down, as they were
counted for the InfiniteHBD trace (arXiv 2502.03885).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim import catalogue
from sim.catalogue.evidence import MeasuredTrace
from sim.engine import simulate
from sim.results.ledger import DAY
from sim.results.run import RunResult
from sim.scenario import load_scenario

Outages = Sequence[tuple[float, float, int]]
"""Start and end in seconds, and node."""

REPAIR_QUANTILES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)
DOWN_QUANTILES = (0.50, 0.90, 0.95, 0.99)
DOWN_LEVELS = (4, 8, 12, 16, 20, 24, 28, 32, 35)
AGAIN_DAYS = (0.25, 1.0, 3.0, 7.0, 14.0, 30.0)
WATCHED_DAYS = 30.0
WORST = 0.1


def rows(n: int = 100, seed: int = 0) -> pd.DataFrame:
    """Statistics of each recorded trace, of `n` runs of the table made from it, and of the usual,
    independent model.

    `ours` and `independent` are pooled over the runs, `p5` and `p95` are of ours singly. A row is
    `ok` if ours is within its tolerance; as it is `input` or `fitted`, that describes the table and
    is no evidence.

    Examples
    --------
    >>> [row] = rows(4).query("id == 'again.7d'").to_dict("records")
    >>> bool(row["ok"]), bool(row["independent_ok"])
    (True, False)
    """
    found = []
    for name, entry in catalogue.table("traces").items():
        trace = entry.item
        assert isinstance(trace, MeasuredTrace)
        scenario = load_scenario(trace.scenario).override(trace.changes)
        [pool] = scenario.fleet.values()
        count = partial(statistics, nodes=pool.active_nodes, days=scenario.horizon / DAY)
        models = scenario, scenario.override(trace.independent)
        runs, others = [
            [outages_of(simulate(model, seed, k)) for k in range(n)] for model in models
        ]
        ours, independent = count(runs), count(others)
        spread = pd.DataFrame([count([run]) for run in runs]).quantile([0.05, 0.95])
        for row in trace.rows:
            p5, p95 = map(float, spread[row.id])
            ok, independent_ok = (
                row.least <= model[row.id] <= row.most for model in (ours, independent)
            )
            numbers = {
                "ours": ours[row.id],
                "p5": p5,
                "p95": p95,
                "independent": independent[row.id],
            }
            said = {"trace": name, **row.model_dump(exclude={"least", "most"})}
            found.append(said | numbers | {"ok": ok, "independent_ok": independent_ok})
    return pd.DataFrame(found)


def outages_of(result: RunResult) -> list[tuple[float, float, int]]:
    """The outages of a run, the nodes of all its pools numbered as they first fail."""
    numbers: dict[tuple[str, int], int] = {}
    return [
        (o.start, o.end, numbers.setdefault((o.pool, o.node), len(numbers))) for o in result.outages
    ]


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
        another outage of the node within so many days), ``worst_tenth`` (share of outages on the
        tenth of nodes that has most), ``daily_variance_to_mean``, ``down.mean``, ``down.p99`` …,
        ``down.max`` (nodes out of service at a time, weighted by time), ``up_to.20`` … (share of
        time with at most so many down).

    Examples
    --------
    >>> outages = [(0.0, DAY, 0), (2 * DAY, 3 * DAY, 0), (2.5 * DAY, 3 * DAY, 1)]
    >>> result = statistics([outages], nodes=10, days=40)
    >>> result["rate"], result["repair.p50"], result["down.max"], round(result["again.1d"], 3)
    (7.5, 1.0, 2.0, 0.333)
    """
    arrays = [np.array(run, dtype=float).reshape(-1, 3) for run in runs]
    repairs = np.concatenate([(run[:, 1] - run[:, 0]) / DAY for run in arrays])
    if not len(repairs):
        raise ValueError("there are no outages")
    found = {"rate": 1000 * len(repairs) / (len(runs) * nodes * days)}
    found |= {f"repair.p{100 * q:g}": float(x) for q, x in _quantiles(repairs, REPAIR_QUANTILES)}
    found["repair.mean"] = float(repairs.mean())
    gaps = np.concatenate([_gaps(run, days) for run in arrays])
    found |= {f"again.{limit:g}d": float(np.mean(gaps <= limit)) for limit in AGAIN_DAYS}
    most = round(WORST * nodes)
    shares = [
        np.sort(np.bincount(run[:, 2].astype(int)))[-most:].sum() / len(run)
        for run in arrays
        if len(run)
    ]
    found["worst_tenth"] = float(np.mean(shares))
    found["daily_variance_to_mean"] = float(
        np.mean([_dispersion(run, days) for run in arrays if len(run)])
    )
    share = np.mean([_time_down(run, nodes, days) for run in arrays], axis=0)
    down = np.cumsum(share)
    found["down.mean"] = float(np.sum(share * np.arange(nodes + 1)))
    found |= {f"down.p{100 * q:g}": float(np.searchsorted(down, q - 1e-12)) for q in DOWN_QUANTILES}
    found["down.max"] = float(np.flatnonzero(share)[-1])
    return found | {f"up_to.{k}": float(down[min(k, nodes)]) for k in DOWN_LEVELS}


def _quantiles(
    values: NDArray[np.float64], probabilities: Sequence[float]
) -> zip[tuple[float, float]]:
    return zip(probabilities, np.quantile(values, probabilities), strict=True)


def _gaps(run: NDArray[np.float64], days: float) -> NDArray[np.float64]:
    """Days from the end of an outage to the start of the node's next, of those that could be
    watched long enough.
    """
    order = np.lexsort((run[:, 1], run[:, 0], run[:, 2]))
    start, end, node = run[order].T
    gap = np.full(len(run), np.inf)
    gap[:-1] = np.where(node[1:] == node[:-1], (start[1:] - end[:-1]) / DAY, np.inf)
    return gap[end <= (days - WATCHED_DAYS) * DAY]


def _dispersion(run: NDArray[np.float64], days: float) -> float:
    """Variance over mean of the outages that begin on each day."""
    counts = np.bincount((run[:, 0] // DAY).astype(int), minlength=int(np.ceil(days)))
    return float(counts.var() / counts.mean())


def _time_down(run: NDArray[np.float64], nodes: int, days: float) -> NDArray[np.float64]:
    """Share of the time with 0, 1, 2 … nodes down."""
    times = np.concatenate([run[:, 0], run[:, 1]])
    steps = np.repeat([1, -1], len(run))
    order = np.argsort(times, kind="stable")
    edges = np.clip(np.concatenate([[0.0], times[order], [days * DAY]]), 0.0, days * DAY)
    down = np.concatenate([[0], np.cumsum(steps[order])])
    return np.bincount(down, np.diff(edges), minlength=nodes + 1) / (days * DAY)
