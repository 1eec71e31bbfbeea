"""From a log to a failure table: the mechanisms it speaks for, and joint draws of what they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from sim.errors import InputError
from sim.failure_logs import drift
from sim.failure_logs.hazards import (
    AGEING,
    BOUNDS,
    REPEATS,
    SHORTEST,
    TOGETHER,
    Gaps,
    bounds,
    bursts_of,
    free,
    misfit,
    natural,
    vector,
)
from sim.failure_logs.log import Log
from sim.failure_logs.model import ENDS, Kept, Model, class_misfit, of_cause
from sim.failure_logs.read import read
from sim.failure_logs.selection import BURSTS, WALK, Choice, Months, Trial, by_chance, choose
from sim.results.answer import Answer
from sim.results.ledger import DAY, YEAR, Floats
from sim.scenario.guards import check_whole
from sim.streams import stream

FARTHEST = 1e5
"""Days for which a drift may be carried on."""
DRAWS = 400
QUANTILES = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
FEW_REPAIRS = 10
"""Repairs of a cause below which those of all causes are taken."""
MOST_DRIFT = 30.0
"""A level to which no walk is followed: a fleet that fails thirty times as often is given up."""
STEP = 0.02
"""On the scale of the search, between the points from which the curvature is taken."""
WIDEST = 4.0
"""Variance of a parameter of which the log says next to nothing, on the scale of the search."""


class Column(str):
    """The name of a column of the draws, where the table has a number."""


@dataclass(frozen=True, repr=False)
class Fit(Answer):
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
        The causes of the table, where a parameter is a `Column` of `draws`.
    """

    log: Log
    choice: Choice
    model: Model
    draws: pd.DataFrame
    causes: Sequence[dict[str, Any]]

    @property
    def trials(self) -> Sequence[Trial]:
        """The mechanisms that were tried."""
        return self.choice.trials

    @property
    def parameters(self) -> pd.DataFrame:
        """The best fit of each parameter, and the ends of its 95 % interval."""
        low, high = self.draws.quantile([0.025, 0.975]).to_numpy()
        return pd.DataFrame({"best": self.draws.iloc[0], "lo": low, "hi": high})

    def __str__(self) -> str:
        log = self.log
        watched = f"{log.node_days:,.0f} days of {len(log.names):,} nodes"
        table = self.parameters.to_string(float_format="%.4g")
        return f"{len(log.node):,} outages in {watched}\n{table}"


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
    check_whole("seed", seed, 0)
    if not isinstance(ahead, (int, float)) or not 0 < ahead <= FARTHEST:
        problem = f"ahead: expected a number of days up to {FARTHEST:,.0f}, not {ahead!r}"
        raise InputError(problem, given=ahead)
    if not log.causes:
        raise InputError("all outages were planned: there is no failure to fit")
    everyone = np.arange(len(log.names))
    service = log.service(everyone, np.full(len(everyone), log.seconds)).sum()
    each = service / max((log.cause >= 0).sum(), 1)
    if each < np.exp(BOUNDS["scale"][0]):
        raise InputError(
            f"a failure for every {each:,.0f} s in service: is the unit of times the right one?"
        )
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
    model = months.model(last, choice.kept)
    random = stream(seed, 0, "fit")
    columns = _parameters(log, model, months.gaps(last), choice.kept, random)
    level = np.ones(DRAWS + 1)
    # A level that was not seen to drift may do so yet, as others did. Only where nothing was tried
    # it is taken for constant.
    if choice.trials and not looking_back:
        walk = drift.walked(*months.by_month(last, choice.kept), months.length)
        later = max(round(ahead * DAY / months.length), 1)
        level[1:] = drift.ahead(walk, later, DRAWS, random)
        middle = np.median(level[1:])
        # What does not help to foretell gives no direction, only spread.
        if WALK in choice.kept:
            level[0] = middle
        else:
            level[1:] /= middle
        level = np.clip(level, 1 / MOST_DRIFT, MOST_DRIFT)
    causes = []
    for k, name in enumerate(log.causes):
        # A higher level multiplies the hazard, which shortens lives by its power.
        shape = columns.get(f"{name}.shape", 1.0)
        columns[f"{name}.scale"] = columns[f"{name}.scale"] / level ** (1 / shape)
        ages = log.ages if looking_back else _ages(months.gaps(last)[k])
        cause = _cause(log, k, of_cause(choice.kept, k), ages)
        if "lifetime" not in cause:
            columns[f"{name}.rate"] = 1000 * DAY / columns.pop(f"{name}.scale")
        if (BURSTS, k) in choice.kept:
            cause["burst"], columns[f"{name}.burst"] = _burst(log, k, random)
        causes.append(cause)
    return Fit(log, choice, model, pd.DataFrame(columns), causes)


def _cause(log: Log, k: int, kept: frozenset[str], ages: Floats) -> dict[str, Any]:
    """A cause of the table, whose parameters are columns of the draws."""
    name = log.causes[k]
    cause: dict[str, Any] = {"cause": name}
    if AGEING in kept:
        life = {"shape": Column(f"{name}.shape"), "scale": Column(f"{name}.scale")}
        cause["lifetime"] = {"weibull": life}
        cause["age"] = {"empirical": _written(np.quantile(ages, QUANTILES))}
    else:
        cause["per_1000_node_days"] = Column(f"{name}.rate")
    if REPEATS in kept:
        after = {"shape": Column(f"{name}.after_shape"), "scale": Column(f"{name}.after")}
        again = Column(f"{name}.again")
        cause["refail"] = {"probability": again, "after": {"weibull": after}}
    if log.kinds[k] == "software":
        cause["hardware"] = False
    elif repair := repairs(log, k):
        cause["repair"] = {"empirical": repair}
    return cause


def _ages(gaps: Gaps) -> Floats:
    """Seconds of service since the last failure of each node by the end of the log."""
    # The last gap of a node is the one that lasts.
    lasting = np.diff(gaps.node, append=-1) != 0
    return (gaps.age + gaps.length)[lasting]


def _written(quantiles: Floats) -> list[list[Any]]:
    """Quantiles of seconds as the catalogue writes them."""
    seconds = np.maximum(quantiles, 1.0)
    return [[p, f"{value:.6g} s"] for p, value in zip(QUANTILES, seconds, strict=True)]


def repairs(log: Log, cause: int) -> list[list[Any]]:
    """Quantiles of the time out of service, as the catalogue writes them.

    Outages that last are censored (Kaplan and Meier, 1958). Of a cause with few repairs those of
    all causes are taken, but for software, after which nodes are only rebooted. There are none
    where no outage of the log has a length.
    """
    own = log.cause == cause
    if (own & log.closed).sum() < FEW_REPAIRS:
        own = np.isin(log.cause, np.flatnonzero(np.array(log.kinds) != "software"))
    length = (log.end - log.start)[own]
    closed = log.closed[own]
    if not closed.any() or not length.max() > 0:
        return []
    curve = stats.ecdf(stats.CensoredData.right_censored(length, ~closed)).cdf
    at = np.searchsorted(curve.probabilities, np.array(QUANTILES) - 1e-12)
    # Where outages that last hide the longest repairs, these are as long as the longest seen.
    return _written(curve.quantiles[np.minimum(at, len(curve.quantiles) - 1)])


def _burst(log: Log, k: int, random: np.random.Generator) -> tuple[dict[str, Any], Floats]:
    """How the failures of a cause come together, and draws of how often they do."""
    burst, first = bursts_of(log)
    own = log.cause == k
    together = own & (burst >= 0)
    numbers, sizes = np.unique(burst[together], return_counts=True)
    some = len(sizes)
    alone = (own & first).sum() - some
    shares = random.beta(some + 0.5, alone + 0.5, DRAWS)
    shares = np.append(some / (some + alone), shares)
    chance = by_chance(int(own.sum()), log.seconds)
    ends = [np.ptp(log.end[together & (burst == number)]) for number in numbers]
    fewest = int(sizes.min())
    # Sizes are drawn evenly, so that the mean is what counts.
    most = max(round(2 * sizes.mean()) - fewest, fewest)
    found = {
        "probability": Column(f"{log.causes[k]}.burst"),
        "nodes": [fewest, most],
        "shared_repair": round(float(np.mean(np.array(ends) <= TOGETHER)), 4),
    }
    return found, np.clip((shares - chance) / (1 - chance), 0.0, 1.0)


def _parameters(
    log: Log, model: Model, gaps: Sequence[Gaps], kept: Kept, random: np.random.Generator
) -> dict[str, Floats]:
    """The best fit and joint draws of all parameters.

    They are normal on the scale of the search, with the inverse of the curvature of the
    log-likelihood as their covariance (Laplace's approximation), cause by cause.
    """
    nodes = len(log.names)
    bad = model.badness(gaps, nodes)
    level = np.zeros(DRAWS + 1)
    found: dict[str, Floats] = {}
    if bad is not None:
        best = model.of_class
        covariance = _covariance(class_misfit(model, gaps, nodes), best)
        values = _around(best, covariance, random)
        inner = np.clip(values, *ENDS)[:, :2]
        found["bad_nodes.share"] = special.expit(inner[:, 0])
        found["bad_nodes.factor"] = np.exp(inner[:, 1])
        # More bad nodes, or worse ones, leave less for the good: what all of them fail is known.
        slope = covariance[2, :2] @ np.linalg.pinv(covariance[:2, :2])
        level = (inner - best[:2]) @ slope
    for k, name in enumerate(log.causes):
        keys = free(of_cause(kept, k))
        hazard = model.hazards[k]
        best = np.clip(vector(hazard, keys), *bounds(keys))
        loss = partial(misfit, keys=keys, gaps=gaps[k], bad=bad, factor=model.factor)
        values = _around(best, _covariance(loss, best), random)
        if keys == ("scale",) and not gaps[k].failed.any():
            # Nothing has its peak at zero: Jeffreys' prior gives a gamma distribution.
            rates = random.gamma(0.5, 1 / max(gaps[k].length.sum(), SHORTEST), DRAWS)
            values[1:, 0] = -np.log(np.maximum(rates, 1e-300))
        shape = np.exp(values[:, keys.index("shape")]) if "shape" in keys else 1.0
        values[:, keys.index("scale")] -= level / shape
        for key, column in zip(keys, np.clip(values, *bounds(keys)).T, strict=True):
            found[f"{name}.{key}"] = natural(key, column)
    return found


def _around(best: Floats, covariance: Floats, random: np.random.Generator) -> Floats:
    drawn = random.multivariate_normal(best, covariance, DRAWS, method="eigh")
    return np.vstack([best, drawn])


def _covariance(function: Callable[[Floats], float], best: Floats) -> Floats:
    """The inverse of the curvature of a function at its least."""
    size = len(best)
    steps = np.eye(size) * STEP
    curvature = np.zeros((size, size))
    for i, j in np.ndindex(size, size):
        for a, b in product((1, -1), repeat=2):
            corner = best + a * steps[i] + b * steps[j]
            curvature[i, j] += a * b * function(corner)
    values, axes = np.linalg.eigh(curvature / (4 * STEP**2))
    # Along an axis on which the log says nothing the curvature may vanish.
    return (axes / np.maximum(values, 1 / WIDEST)) @ axes.T
