"""From a log to a failure table: the mechanisms it speaks for, and joint draws of what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from sim.errors import InputError
from sim.failure_logs import drift
from sim.failure_logs.hazards import (
    AGEING,
    TOGETHER,
    Gaps,
    bounds,
    bursts_of,
    free,
    misfit,
    vector,
)
from sim.failure_logs.log import Log
from sim.failure_logs.model import LEAST, MOST, ClassMisfit, Kept, Model
from sim.failure_logs.read import read
from sim.failure_logs.selection import Choice, Months, State, Trial, by_chance, choose
from sim.results.ledger import DAY, YEAR, Floats
from sim.streams import stream

DRAWS = 400
QUANTILES = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
FEW_REPAIRS = 10
"""Repairs of a cause below which those of all causes are taken."""
MOST_DRIFT = 30.0
"""A level to which no walk is followed: a fleet that fails thirty times as often is given up."""
WIDEST = 4.0
"""Variance of a parameter of which the log says next to nothing, on the scale of the search."""


@dataclass(frozen=True)
class Fit:
    """A log, and the failure table that was fitted to it.

    Attributes
    ----------
    log : Log
    choice : Choice
        The mechanisms that were tried, and which of them were kept.
    model : Model
    draws : pandas.DataFrame
        A row for each joint draw of the parameters, the first the best fit; columns are named
        after the cause and the parameter.
    causes : sequence of dict
        The causes of the table, where a parameter is the name of a column of `draws`.
    """

    log: Log
    choice: Choice
    model: Model
    draws: pd.DataFrame
    causes: Sequence[dict[str, Any]]

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The mechanisms that were tried."""
        return self.choice.trials


def fit(
    logs: str | Path | Sequence[str | Path] | Log,
    exposure: str | Path | None = None,
    *,
    ahead: float = YEAR / DAY,
    seed: int = 0,
    **reading: Any,
) -> Fit:
    """Fit a failure table to logs of outages.

    Parameters
    ----------
    logs : path, sequence of paths, or Log
        Files of outages: `node, start, end, cause, kind`, or what `sim.failure_logs.importers`
        reads.
    exposure : str or path, optional
        A file with `node, from, to`; or give `nodes`, `start` and `end`.
    ahead : float
        Days that a drift, if there is one, is carried on into the forecast.
    seed : int
        Of the draws.
    **reading
        As for `sim.failure_logs.read.read`.

    Raises
    ------
    InputError
        When there is no exposure, or a file cannot be used.
    """
    if isinstance(logs, (str, Path)):
        logs = [logs]
    log = logs if isinstance(logs, Log) else read(logs, exposure, **reading)
    if not log.causes:
        raise InputError("all outages were planned: there is no failure to fit")
    return fitted_as(log, choose(log), ahead=ahead, seed=seed)


def fitted_as(
    log: Log, choice: Choice, *, ahead: float, seed: int = 0, looking_back: bool = False
) -> Fit:
    """Fit the mechanisms of a choice to a log.

    Parameters
    ----------
    log : Log
    choice : Choice
    ahead : float
        Days for which a drift is carried on.
    seed : int
    looking_back : bool
        Make a table of the time of the log itself: of its mean level, and of nodes as old as they
        were then. Otherwise it is one of the time that follows.
    """
    months = Months(log)
    last = len(months.edges) - 1
    state = State(choice.kept, choice.bad_nodes)
    model = months.model(last, state)
    random = stream(seed, 0, "fit")
    columns = _parameters(model, months.gaps(last), choice.kept, len(log.names), random)
    level = np.ones(DRAWS + 1)
    if choice.drift and not looking_back:
        walk, _ = drift.walked(*months.by_month(last, state))
        level[1:] = drift.ahead(walk, ahead * DAY, DRAWS, random)
        level[0] = np.exp(walk.mean[walk.likeliest])
        level = np.clip(level, 1 / MOST_DRIFT, MOST_DRIFT)
    table: dict[str, Floats] = {}
    if choice.bad_nodes:
        table |= {"bad_nodes.share": columns["share"], "bad_nodes.factor": columns["factor"]}
    causes = []
    for k, name in enumerate(log.causes):
        own = {key: columns[f"{k}.{key}"] for key in free(choice.kept[k])}
        shape = own.get("shape", 1.0)
        # A higher level multiplies the hazard, which shortens lives by its power.
        own["scale"] = own["scale"] / level ** (1 / shape)
        cause = _cause(log, k, own, table)
        if "shape" in own:
            ages = log.ages if looking_back else _ages(months, k)
            cause["age"] = {"empirical": _spread(ages)}
        if name in choice.bursts:
            cause["burst"] = _burst(log, k, table, random)
        causes.append(cause)
    return Fit(log, choice, model, pd.DataFrame(table), causes)


def _cause(log: Log, k: int, own: dict[str, Floats], table: dict[str, Floats]) -> dict[str, Any]:
    """A cause of the table, whose parameters become columns of the draws."""
    name = log.causes[k]
    cause: dict[str, Any] = {"cause": name}
    if "shape" in own:
        table[f"{name}.shape"] = own["shape"]
        table[f"{name}.scale"] = own["scale"]
        cause["lifetime"] = {"weibull": {"shape": f"{name}.shape", "scale": f"{name}.scale"}}
    else:
        table[f"{name}.rate"] = 1000 * DAY / own["scale"]
        cause["per_1000_node_days"] = f"{name}.rate"
    if "again" in own:
        for key in ("again", "after", "after_shape"):
            table[f"{name}.{key}"] = own[key]
        after = {"shape": f"{name}.after_shape", "scale": f"{name}.after"}
        cause["refail"] = {"probability": f"{name}.again", "after": {"weibull": after}}
    if log.kinds[k] == "software":
        cause["hardware"] = False
    else:
        repair = repairs(log, k)
        if repair:
            cause["repair"] = {"empirical": repair}
    return cause


def _ages(months: Months, k: int) -> Floats:
    """Seconds of service since the last failure of each node by the end of the log."""
    gaps = months.gaps(len(months.edges) - 1)[k]
    # The last gap of a node is the one that lasts.
    lasting = np.append(np.diff(gaps.node) > 0, True)
    return (gaps.age + gaps.length)[lasting]


def _spread(values: Floats) -> list[list[Any]]:
    """Quantiles of seconds as the catalogue writes them."""
    found = np.maximum(np.quantile(values, QUANTILES), 1.0)
    return [[p, f"{value:.6g} s"] for p, value in zip(QUANTILES, found, strict=True)]


def repairs(log: Log, cause: int) -> list[list[Any]]:
    """Quantiles of the time out of service, as the catalogue writes them.

    Outages that last are censored (Kaplan and Meier, 1958). Of a cause with few repairs those of
    all causes are taken. There are none where no outage of the log has a length.
    """
    own = log.cause == cause
    if (own & log.closed).sum() < FEW_REPAIRS:
        own = log.cause >= 0
    length = (log.end - log.start)[own]
    closed = log.closed[own]
    if not closed.any() or not length.max() > 0:
        return []
    curve = stats.ecdf(stats.CensoredData.right_censored(length, ~closed)).cdf
    at = np.searchsorted(curve.probabilities, np.array(QUANTILES) - 1e-12)
    # Where outages that last hide the longest repairs, these are as long as the longest seen.
    found = np.maximum(curve.quantiles[np.minimum(at, len(curve.quantiles) - 1)], 1.0)
    return [[p, f"{value:.6g} s"] for p, value in zip(QUANTILES, found, strict=True)]


def _burst(
    log: Log, k: int, table: dict[str, Floats], random: np.random.Generator
) -> dict[str, Any]:
    """How the failures of a cause come together."""
    burst, first = bursts_of(log)
    own = log.cause == k
    together = own & (burst >= 0)
    found, sizes = np.unique(burst[together], return_counts=True)
    alone = (own & first).sum() - len(found)
    shares = random.beta(len(found) + 0.5, alone + 0.5, DRAWS)
    shares = np.append(len(found) / (len(found) + alone), shares)
    chance = by_chance(int(own.sum()), log.seconds)
    name = f"{log.causes[k]}.burst"
    table[name] = np.clip((shares - chance) / (1 - chance), 0.0, 1.0)
    ends = [np.ptp(log.end[together & (burst == number)]) <= TOGETHER for number in found]
    fewest = int(sizes.min())
    # Sizes are drawn evenly, so that the mean is what counts.
    most = max(round(2 * sizes.mean()) - fewest, fewest)
    return {
        "probability": name,
        "nodes": [fewest, most],
        "shared_repair": round(float(np.mean(ends)), 4),
    }


def _parameters(
    model: Model, gaps: Sequence[Gaps], kept: Kept, nodes: int, random: np.random.Generator
) -> dict[str, Floats]:
    """The best fit and joint draws of all parameters.

    They are normal on the scale of the search, with the inverse of the curvature of the
    log-likelihood as their covariance (Laplace's approximation), cause by cause.
    """
    bad = model.badness(gaps, nodes)
    level = np.zeros(DRAWS + 1)
    found: dict[str, Floats] = {}
    if bad is not None:
        best = np.array([special.logit(model.share), np.log(model.factor), 0.0])
        covariance = _covariance(ClassMisfit(model, gaps, nodes), best)
        drawn = random.multivariate_normal(best, covariance, DRAWS, method="eigh")
        inner = np.clip(np.vstack([best, drawn]), LEAST, MOST)[:, :2]
        found |= {"share": special.expit(inner[:, 0]), "factor": np.exp(inner[:, 1])}
        # More bad nodes, or worse ones, leave less for the good: what all of them fail is known.
        slope = covariance[2, :2] @ np.linalg.pinv(covariance[:2, :2])
        level = (inner - best[:2]) @ slope
    for k, (hazard, part) in enumerate(zip(model.hazards, gaps, strict=True)):
        keys = free(kept[k])
        best = np.clip(vector(hazard, keys), *bounds(keys))
        values = _around(best, keys, part, bad, model.factor, random)
        shape = np.exp(values[:, keys.index("shape")]) if AGEING in kept[k] else 1.0
        values[:, keys.index("scale")] -= level / shape
        for place, key in enumerate(keys):
            low, high = bounds((key,))
            column = np.clip(values[:, place], low, high)
            found[f"{k}.{key}"] = special.expit(column) if key == "again" else np.exp(column)
    return found


def _around(
    best: Floats, keys: tuple[str, ...], part: Gaps, bad: Floats | None, factor: float,
    random: np.random.Generator,
) -> Floats:  # fmt: skip
    covariance = _covariance(lambda values: misfit(values, keys, part, bad, factor), best)
    drawn = random.multivariate_normal(best, covariance, DRAWS, method="eigh")
    return np.vstack([best, drawn])


def _covariance(function: Any, best: Floats, step: float = 0.02) -> Floats:
    """The inverse of the curvature of a function at its least."""
    size = len(best)
    steps = np.eye(size) * step
    curvature = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            corners = [
                function(best + a * steps[i] + b * steps[j]) * a * b
                for a in (1, -1)
                for b in (1, -1)
            ]
            curvature[i, j] = sum(corners) / (4 * step**2)
    values, axes = np.linalg.eigh(curvature)
    # Along an axis on which the log says nothing the curvature may vanish.
    return (axes / np.maximum(values, 1 / WIDEST)) @ axes.T
