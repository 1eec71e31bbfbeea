"""What a fitted table is worth: beside the log it was made of, and as a forecast of its end."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from sim.engine import simulate
from sim.failure_logs.fit import Fit, fitted_as
from sim.failure_logs.hazards import AGEING
from sim.failure_logs.log import Log
from sim.failure_logs.model import BAD
from sim.failure_logs.selection import BURSTS, ENOUGH, FEWEST, Trial, choose
from sim.failure_logs.write import save
from sim.results.ledger import DAY, HOUR, Floats
from sim.scenario import Scenario
from sim.validation.bare_scenario import endless, pool
from sim.validation.trace import Outages, outages_of, statistics

STATISTICS = {
    "rate": "outages per 1,000 node-days",
    "repair.p50": "repair, median, days",
    "repair.p90": "repair, 90 % quantile, days",
    "worst_tenth": "share on the worst tenth of nodes",
    "again.1d": "share that recurs within 1 day",
    "again.7d": "share that recurs within 7 days",
    "again.30d": "share that recurs within 30 days",
    "daily_variance_to_mean": "outages a day, variance/mean",
    "down.p99": "nodes down, 99 % quantile",
}
UNITS = {"rate": "per 1,000 node-days", "scale": "s", "after": "s", "share": "share"}
"""Of a parameter, by the end of its name; all others are plain numbers."""
ROUNDING = 1e-9
PARTS = 12
"""Parts of the last third whose outages are foretold one by one."""
OFTEN = 3
"""Outages of a node that is said to fail often."""
WITHIN = (0.05, 0.95)


@dataclass(frozen=True)
class Check:
    """What a check found.

    Attributes
    ----------
    statistics : pandas.DataFrame
        A row for each number of the log: `title`, `log`, the ends `p5` and `p95` between which nine
        of ten runs of the fitted table put it, and whether it is `inside`.
    forecast : pandas.DataFrame
        The same of the last third, as foretold from the first two.
    coverage : float
        The share of the parts of the last third that lay where nine of ten were to lie.
    days, seen : arrays
        The ends of the parts in days of the log, and the outages of the last third until then.
    foretold : array of shape (runs, parts)
        The same of each run.
    """

    statistics: pd.DataFrame
    forecast: pd.DataFrame
    coverage: float
    days: Floats
    seen: Floats
    foretold: Floats


def check(fitted: Fit, *, runs: int = 60, seed: int = 0) -> Check:
    """Hold a fitted table against its log.

    Parameters
    ----------
    fitted : Fit
    runs : int
        Runs of the engine behind each interval.
    seed : int
    """
    log = fitted.log
    days = log.seconds / DAY
    back = fitted_as(log, fitted.choice, ahead=days, looking_back=True)
    rest = days / 3
    known = log.until(2 * rest * DAY)
    told = fitted_as(known, choose(known), ahead=rest)
    later = foretold(told, rest, runs, seed)
    last = outages(log, 2 * rest * DAY)
    edges = np.linspace(0.0, rest * DAY, PARTS + 1)
    seen = _histogram(last, edges)
    counts = np.array([_histogram(run, edges) for run in later])
    low, high = np.quantile(counts, WITHIN, axis=0)
    nodes = len(log.names)
    return Check(
        statistics=_beside(
            _statistics(outages(log), nodes, days),
            [_statistics(run, nodes, days) for run in foretold(back, days, runs, seed)],
        ),
        forecast=_beside(_measures(last, rest), [_measures(run, rest) for run in later]),
        coverage=float(np.mean((low <= seen) & (seen <= high))),
        days=days - rest + edges[1:] / DAY,
        seen=np.cumsum(seen),
        foretold=np.cumsum(counts, axis=1),
    )


def _histogram(run: Outages, edges: Floats) -> Floats:
    return np.histogram([start for start, _, _ in run], edges)[0]


def cluster(fitted: Fit, days: float) -> Scenario:
    """The nodes of a log as a scenario, all of them watched for some days."""
    log = fitted.log
    nodes = max(round(log.node_days / (log.seconds / DAY)), 1)
    with TemporaryDirectory() as folder:
        path, _, _ = save(fitted, Path(folder) / "fitted.yaml")
        return watched(days, nodes, {"failures": str(path)}, checkpoint={"interval": "1 d"})


def watched(days: float, nodes: int, keys: dict[str, Any], **changes: Any) -> Scenario:
    """A job on some nodes for some days, with further keys of its pool and of the scenario."""
    # More than it can train: what is watched is the nodes.
    run = {"tokens": 1e18, "batch": {"sequences": 8 * nodes}}
    return endless(days, run=run, fleet=pool(nodes=nodes, **keys), **changes)


def foretold(
    fitted: Fit, days: float, runs: int, seed: int, fixed: bool = False
) -> list[Outages]:
    """The outages of a fitted table in some runs; fixed are those of the best fit alone."""
    scenario = cluster(fitted, days)
    return [outages_of(simulate(scenario, seed, k, fixed_inputs=fixed)) for k in range(runs)]


def outages(log: Log, since: float = 0.0) -> Outages:
    """The outages of a log that a table can show: neither planned ones nor mere reboots."""
    # The last of them is that of the cause −1, which stands for planned outages.
    kinds = np.array([*log.kinds, "planned"])
    shown = ~np.isin(kinds[log.cause], ["planned", "software"]) & (log.start >= since)
    rows = zip(log.start[shown] - since, log.end[shown] - since, log.node[shown], strict=True)
    return [(float(start), float(end), int(node)) for start, end, node in rows]


def _beside(log: dict[str, float], runs: list[dict[str, float]]) -> pd.DataFrame:
    """Numbers of a log beside those of runs, as far as both are known."""
    low, high = pd.DataFrame(runs, columns=list(log)).quantile(list(WITHIN)).to_numpy()
    table = pd.DataFrame(
        {"title": list(log), "log": list(log.values()), "p5": low, "p95": high}
    )
    # A short log has no repairs that were watched for a month.
    table = table.replace([np.inf, -np.inf], np.nan).dropna(ignore_index=True)
    # Where all repairs take the same time, the last digits of it must not decide.
    margin = ROUNDING * table["log"].abs()
    table["inside"] = table["log"].between(table["p5"] - margin, table["p95"] + margin)
    return table


def _statistics(run: Outages, nodes: int, days: float) -> dict[str, float]:
    if not run:
        # Without outages there are no shares of them.
        return {STATISTICS["rate"]: 0.0, STATISTICS["down.p99"]: 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = statistics([run], nodes, days)
    return {title: found[name] for name, title in STATISTICS.items()}


def _measures(run: Outages, days: float) -> dict[str, float]:
    """What is foretold of some outages."""
    out = sum(min(end, days * DAY) - start for start, end, _ in run)
    counts = Counter(node for _, _, node in run)
    return {
        "outages": len(run),
        "node-days out of service": out / DAY,
        f"nodes with {OFTEN} outages or more": sum(n >= OFTEN for n in counts.values()),
    }


def report(fitted: Fit, found: Check | None) -> dict[str, Any]:
    """Everything the command line prints as JSON."""
    log = fitted.log
    answer: dict[str, Any] = {
        "nodes": len(log.names),
        "outages": len(log.node),
        "days": log.seconds / DAY,
        "node_days": log.node_days,
        "tried": [asdict(trial) for trial in fitted.trials],
        "parameters": fitted.parameters.to_dict("index"),
        "units": {name: UNITS.get(str(name).rpartition(".")[2], "") for name in fitted.draws},
        "limits": limits(fitted),
    }
    if found:
        answer["statistics"] = found.statistics.to_dict("records")
        answer["forecast"] = found.forecast.to_dict("records")
        answer["coverage"] = found.coverage
    return answer


def limits(fitted: Fit) -> list[str]:
    """What a fitted table cannot show, in sentences."""
    log = fitted.log
    trials = fitted.trials
    kept = {trial.mechanism for trial in trials if trial.kept}
    names = pd.Series(log.causes)
    counts = names.index.map(Counter(log.cause.tolist()))
    rare = ", ".join(names[counts < FEWEST])
    soft = np.flatnonzero(np.array(log.kinds) == "software")
    length = log.end - log.start
    hours = length[np.isin(log.cause, soft)].sum() / HOUR
    lasting = (~log.closed[log.cause >= 0]).sum()
    several = len(names) > 1 and any(trial.mechanism == BAD for trial in trials)
    # Each is said where its condition holds.
    sentences = [
        (
            not log.nodes_known,
            "Which node of a job failed is not in the log: nothing is said of single ones",
        ),
        (rare, f"Fewer than {FEWEST} failures, so a rate and no more: {rare}"),
        (len(soft), f"Reboots by software are not checked; {hours:,.0f} hours are left out"),
        (
            several,
            "Bad nodes were sought as bad in all causes; those bad in one pass for chance",
        ),
        (lasting, f"{lasting} outages last; nodes lost for good are not told from them"),
        (not length.any(), "No outage of the log has a length: the table has no repairs"),
        (
            AGEING in kept and not log.ages.any(),
            "Nodes were taken for new when first watched: the exposure has no `installed`",
        ),
        (
            AGEING in kept,
            "Nodes start as old as at the end of the log; for new ones remove `age`",
        ),
        (
            True,
            "Within a run the level is constant; how far it may drift is drawn for each run",
        ),
        (
            BURSTS in kept,
            "Bursts strike neighbours in an instant; which nodes are near is not known",
        ),
        (
            True,
            "Silent faults, slow nodes and the time until people answer are not in such logs",
        ),
    ]
    said = [sentence for holds, sentence in sentences if holds]
    return [*log.notes, *_alternatives(trials), *said]


def _alternatives(trials: Sequence[Trial]) -> list[str]:
    """Mechanisms that would explain as well what others were kept for."""
    found = []
    for other in trials:
        # Bursts leave marks of their own; the others mimic each other.
        if other.kept or other.alone < ENOUGH or other.mechanism == BURSTS:
            continue
        for kept in trials:
            near = other.cause in ("", kept.cause) or not kept.cause
            if kept.kept and near and abs(kept.alone - other.alone) < 2 * ENOUGH:
                whose = f" of {other.cause}" if other.cause else ""
                found.append(
                    f"{other.mechanism}{whose} and {kept.mechanism} cannot be told apart here: "
                    f"alone they gain {other.alone:.1f} and {kept.alone:.1f}"
                )
    return found
