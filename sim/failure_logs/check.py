"""What a fitted table is worth: beside the log it was made of, and as a forecast of its end."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from sim.engine import simulate
from sim.failure_logs.fit import Fit, fit, fitted_as
from sim.failure_logs.hazards import AGEING
from sim.failure_logs.log import Log
from sim.failure_logs.selection import BAD, BURSTS, DRIFT, ENOUGH, FEWEST, Trial
from sim.failure_logs.write import save
from sim.results.ledger import DAY, HOUR, Floats
from sim.scenario import Scenario, load_scenario
from sim.scenario.reading import merge
from sim.validation.bare_scenario import PLAIN
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
PARTS = 12
"""Parts of the last third whose outages are foretold one by one."""
OFTEN = 3
"""Outages of a node that is said to fail often."""
WITHIN = (0.05, 0.95)


@dataclass(frozen=True)
class Row:
    """A number of the log, and where nine of ten runs of the table put it."""

    title: str
    log: float
    p5: float
    p95: float

    @property
    def inside(self) -> bool:
        """Whether the log lies there."""
        return self.p5 <= self.log <= self.p95


@dataclass(frozen=True)
class Check:
    """What a check found.

    Attributes
    ----------
    statistics : sequence of Row
        Of the log, beside the table fitted to all of it.
    forecast : sequence of Row
        Of the last third, as foretold from the first two.
    coverage : float
        The share of the parts of the last third that lay where nine of ten were to lie.
    limits : sequence of str
        What the table cannot show.
    days, seen : arrays
        The ends of the parts in days of the log, and the outages of the last third until then.
    foretold : array of shape (runs, parts)
        The same of each run.
    """

    statistics: Sequence[Row]
    forecast: Sequence[Row]
    coverage: float
    limits: Sequence[str]
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
    ours = _runs(back, days, runs, seed)
    stood = log.until(log.seconds * 2 / 3)
    rest = days / 3
    later = _runs(fit(stood, ahead=rest), rest, runs, seed)
    last = _outages(log, log.seconds * 2 / 3)
    edges = np.linspace(0.0, rest * DAY, PARTS + 1)
    seen = np.histogram([start for start, _, _ in last], edges)[0]
    foretold = np.array([np.histogram([o[0] for o in run], edges)[0] for run in later])
    low, high = np.quantile(foretold, WITHIN, axis=0)
    return Check(
        statistics=_compared(_outages(log), ours, log, days),
        forecast=_foretold(last, later, rest),
        coverage=float(np.mean((low <= seen) & (seen <= high))),
        limits=limits(fitted),
        days=days - rest + edges[1:] / DAY,
        seen=np.cumsum(seen),
        foretold=np.cumsum(foretold, axis=1),
    )


def cluster(fitted: Fit, days: float) -> Scenario:
    """The nodes of a log as a scenario, all of them watched for some days."""
    log = fitted.log
    nodes = max(round(log.node_days / (log.seconds / DAY)), 1)
    with TemporaryDirectory() as folder:
        path, _, _ = save(fitted, Path(folder) / "fitted.yaml")
        changes: dict[str, Any] = {
            "horizon": f"{days} d",
            # More than it can train: what is watched is the nodes.
            "run": {"tokens": 1e18, "batch": {"sequences": 8 * nodes}},
            "fleet": {"pool": {"nodes": nodes, "failures": str(path)}},
            "checkpoint": {"interval": "1 d"},
        }
        return load_scenario(merge(PLAIN, changes))


def _runs(fitted: Fit, days: float, runs: int, seed: int) -> list[Outages]:
    scenario = cluster(fitted, days)
    return [outages_of(simulate(scenario, seed, k)) for k in range(runs)]


def _outages(log: Log, since: float = 0.0) -> Outages:
    """The outages of a log that a table can show: neither planned ones nor mere reboots."""
    # The last of them is that of the cause −1, which stands for planned outages.
    kinds = np.array([*log.kinds, "planned"])
    shown = ~np.isin(kinds[log.cause], ["planned", "software"]) & (log.start >= since)
    rows = zip(log.start[shown] - since, log.end[shown] - since, log.node[shown], strict=True)
    return [(float(start), float(end), int(node)) for start, end, node in rows]


def _compared(own: Outages, ours: Sequence[Outages], log: Log, days: float) -> list[Row]:
    nodes = len(log.names)
    if not own:
        return []
    with warnings.catch_warnings():
        # A short log has no repairs that were watched for a month.
        warnings.simplefilter("ignore", RuntimeWarning)
        measured = statistics([own], nodes, days)
        singly = [statistics([run], nodes, days) for run in ours if run]
    found = []
    for name, title in STATISTICS.items():
        values = [one[name] for one in singly if np.isfinite(one[name])]
        p5, p95 = np.quantile(values, WITHIN) if values else (np.nan, np.nan)
        found.append(Row(title, measured[name], float(p5), float(p95)))
    return found


def _foretold(last: Outages, later: Sequence[Outages], days: float) -> list[Row]:
    measures = {
        "outages": len,
        "node-days out of service": lambda run: (
            sum(min(end, days * DAY) - start for start, end, _ in run) / DAY
        ),
        f"nodes with {OFTEN} outages or more": lambda run: int(
            (np.bincount([node for _, _, node in run] or [0]) >= OFTEN).sum()
        ),
    }
    found = []
    for title, measure in measures.items():
        p5, p95 = np.quantile([measure(run) for run in later], WITHIN)
        found.append(Row(title, float(measure(last)), float(p5), float(p95)))
    return found


def report(fitted: Fit, found: Check | None) -> dict[str, Any]:
    """Everything the command line prints as JSON."""
    log = fitted.log
    draws = fitted.draws
    parameters = {
        str(name): {
            "best": values.iloc[0],
            "lo": values.quantile(0.025),
            "hi": values.quantile(0.975),
        }
        for name, values in draws.items()
    }
    answer: dict[str, Any] = {
        "nodes": len(log.names),
        "outages": len(log.node),
        "days": log.seconds / DAY,
        "node_days": log.node_days,
        "tried": [asdict(trial) for trial in fitted.trials],
        "parameters": parameters,
        "limits": limits(fitted),
    }
    if found:
        # Nothing is said of what is not known, as of repeats within a month in a log of two weeks.
        known = [row for row in found.statistics if np.isfinite([row.log, row.p5, row.p95]).all()]
        answer["statistics"] = [vars(row) | {"inside": row.inside} for row in known]
        answer["forecast"] = [vars(row) | {"inside": row.inside} for row in found.forecast]
        answer["coverage"] = found.coverage
    return answer


def limits(fitted: Fit) -> list[str]:
    """What a fitted table cannot show, in sentences."""
    log = fitted.log
    own = log.cause >= 0
    tried = {trial.mechanism for trial in fitted.trials}
    kept = {trial.mechanism for trial in fitted.trials if trial.kept}
    counts = np.bincount(log.cause[own], minlength=len(log.causes))
    soft = np.isin(log.cause, [k for k, kind in enumerate(log.kinds) if kind == "software"])
    hours = (log.end - log.start)[soft].sum() / HOUR
    open_ended = int((own & ~log.closed).sum())
    rare = [name for name, count in zip(log.causes, counts, strict=True) if count < FEWEST]
    found = [*log.notes, *_alternatives(fitted.trials)]
    if not log.nodes_known:
        found.append("Which node of a job failed is not in the log: nothing is said of single ones")
    if rare:
        found.append(f"Fewer than {FEWEST} failures, so a rate and no more: {', '.join(rare)}")
    if hours:
        found.append(f"Software failures reboot a node in place; {hours:,.0f} hours are left out")
    if BAD in tried and len(log.causes) > 1:
        found.append("Bad nodes were sought as bad in all causes; those bad in one pass for chance")
    if open_ended:
        found.append(f"{open_ended} outages last; nodes lost for good are not told from them")
    if (log.end <= log.start).all():
        found.append("No outage of the log has a length: the table has no repairs")
    if AGEING in kept and not log.ages.any():
        found.append("Nodes were taken for new when first watched: the exposure has no `installed`")
    if AGEING in kept:
        found.append("Nodes start as old as at the end of the log; for new ones remove `age`")
    if DRIFT in kept:
        found.append("Within a run the level is constant; how far it drifts is drawn for each run")
    if BURSTS in kept:
        found.append("Bursts strike neighbours in an instant; which nodes are near is not known")
    found.append("Silent faults, slow nodes and the time until people answer are not in such logs")
    return found


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
