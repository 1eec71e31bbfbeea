"""The chance of a log under a fitted hazard: gaps between the failures of a node by one cause.

A gap is counted in seconds of service. It ends with the next failure, or with the log (censored);
the first gap of a node begins at the age the node had when it was first watched (left truncated).
The hazard is that of a Weibull lifetime, times a factor on bad nodes. After a repair there is a
chance that it was incomplete: then a second clock runs as well, whose time is Weibull too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from sim.failure_logs.log import Indices, Log
from sim.results.ledger import DAY, HOUR, Floats

TOGETHER = 60.0
"""Seconds within which outages of several nodes by one cause began together."""
SHORTEST = 1.0
"""Seconds of a gap of no length: a Weibull density has no value there."""
AGEING = "ageing"
REPEATS = "repeats"
BOUNDS = {
    "scale": (np.log(0.01 * DAY), np.log(1e7 * DAY)),
    "shape": (np.log(0.2), np.log(8.0)),
    "again": (-8.0, 4.0),
    "after": (np.log(HOUR / 12), np.log(90 * DAY)),
    "after_shape": (np.log(0.2), np.log(3.0)),
}
"""Between which values each parameter is sought, on the scale on which it is sought."""


class Gaps(NamedTuple):
    """Gaps of service between failures of nodes by one cause."""

    node: Indices
    length: Floats
    age: Floats
    """At which the gap begins; only the first of a node does so above zero."""
    failed: NDArray[np.bool_]
    """Whether a failure ended it."""
    mended: NDArray[np.bool_]
    """Whether it began with a repair."""


@dataclass(frozen=True)
class Hazard:
    """How a cause strikes.

    Attributes
    ----------
    scale, shape : float
        Of the Weibull lifetime, seconds of service.
    again : float
        Probability that a repair is incomplete.
    after, after_shape : float
        Scale (seconds) and shape of the time until that shows.
    """

    scale: float
    shape: float = 1.0
    again: float = 0.0
    after: float = 3 * DAY
    after_shape: float = 0.6

    def losses(
        self, gaps: Gaps, factor: Floats | float = 1.0
    ) -> tuple[Floats, Floats, Floats]:
        """Weigh each gap.

        Parameters
        ----------
        gaps : Gaps
        factor : float or array
            On the hazard of the lifetime.

        Returns
        -------
        likelihood, lives, fresh : arrays
            Log-likelihood of each gap; failures by the end of a lifetime (a share of one, where it
            may as well have been an incomplete repair); and how many of these were expected.
        """
        end = gaps.age + gaps.length
        fresh = factor * (self._fresh(end) - self._fresh(gaps.age))
        rate = factor * self.shape * end ** (self.shape - 1) / self.scale**self.shape
        chance = np.where(gaps.mended, self.again, 0.0)
        late = (gaps.length / self.after) ** self.after_shape
        none_yet = 1 - chance * -np.expm1(-late)
        again = chance * np.exp(-late) * self.after_shape * late / gaps.length / none_yet
        likelihood = (
            np.where(gaps.failed, np.log(rate + again), 0.0) - fresh + np.log(none_yet)
        )
        return likelihood, gaps.failed * rate / (rate + again), fresh

    def _fresh(self, age: Floats) -> Floats:
        """Failures expected of a new node until an age."""
        return (age / self.scale) ** self.shape


def gaps_of(log: Log, cause: int, first_hits: NDArray[np.bool_]) -> Gaps:
    """The gaps of all nodes of a log by one cause.

    Parameters
    ----------
    log : Log
    cause : int
    first_hits : array of bool
        Of all outages of the log, those that were not brought by a neighbour's. The others begin a
        new gap, but the gap before them is censored.
    """
    of_cause = np.flatnonzero(log.cause == cause)
    struck = log.node[of_cause]
    at = log.service(struck, log.start[of_cause])
    everyone = np.arange(len(log.names))
    last = log.service(everyone, np.full(len(everyone), log.seconds))
    node = np.concatenate([struck, everyone])
    service = np.concatenate([at, last])
    failed = np.concatenate([first_hits[of_cause], np.zeros(len(everyone), bool)])
    final = np.repeat([0, 1], [len(struck), len(everyone)])
    order = np.lexsort((final, service, node))
    node, service, failed = node[order], service[order], failed[order]
    mended: NDArray[np.bool_] = np.diff(node, prepend=-1) == 0
    before = np.concatenate([[0.0], service[:-1]])
    length = np.maximum(service - np.where(mended, before, 0.0), SHORTEST)
    age = np.where(mended, 0.0, log.ages[node])
    # Who fails at once has been watched for an instant.
    watched = failed | (service > 0)
    whole = Gaps(node, length, age, failed, mended)
    return Gaps._make(part[watched] for part in whole)


def bursts_of(log: Log) -> tuple[Indices, NDArray[np.bool_]]:
    """Outages that began together: the burst of each (−1 for none), and whether it was the first.

    Outages of one cause on different nodes, each within a minute of the one before, are a burst.
    """
    order = np.lexsort((log.node, log.start, log.cause))
    near = np.diff(log.start[order], prepend=-np.inf) <= TOGETHER
    same = np.diff(log.cause[order], prepend=-2) == 0
    distinct = np.diff(log.node[order], prepend=-1) != 0
    follows = near & same & distinct & (log.cause[order] >= 0)
    group = np.cumsum(~follows) - 1
    large = np.bincount(group)[group] > 1
    burst = np.empty(len(order), dtype=int)
    burst[order] = np.where(large, group, -1)
    first: NDArray[np.bool_] = np.empty(len(order), bool)
    first[order] = ~follows
    return burst, first


def free(kept: frozenset[str]) -> tuple[str, ...]:
    """The parameters that the kept mechanisms of a cause need."""
    found = ["scale"]
    if AGEING in kept:
        found.append("shape")
    if REPEATS in kept:
        found += ["again", "after", "after_shape"]
    return tuple(found)


def natural(key: str, values: Any) -> Any:
    """A parameter from the scale on which it is sought: logarithms, and log-odds of `again`."""
    return special.expit(values) if key == "again" else np.exp(values)


def vector(hazard: Hazard, keys: Sequence[str]) -> Floats:
    """Parameters on the scale on which they are sought."""
    scales = {key: np.log for key in keys} | {"again": special.logit}
    return np.array([scales[key](getattr(hazard, key)) for key in keys])


def bounds(keys: Sequence[str]) -> Floats:
    """The least of each parameter on that scale, and the greatest of each."""
    return np.array([BOUNDS[key] for key in keys]).T


def likeliest(
    gaps: Gaps,
    kept: frozenset[str],
    start: Hazard | None = None,
    bad: Floats | None = None,
    factor: float = 1.0,
) -> Hazard:
    """Find the hazard of greatest likelihood.

    Parameters
    ----------
    gaps : Gaps
    kept : frozenset of str
        Mechanisms that it has.
    start : Hazard, optional
        Where the search begins.
    bad : array, optional
        The probability of each node to be bad.
    factor : float
        On the hazard of a bad one.
    """
    keys = free(kept)
    if start is None:
        start = Hazard(max(gaps.length.sum(), SHORTEST) / max(gaps.failed.sum(), 0.5))
    if start.again == 0.0:
        start = Hazard(start.scale, start.shape, again=0.1)
    loss = partial(misfit, keys=keys, gaps=gaps, bad=bad, factor=factor)
    return _hazard(least(loss, vector(start, keys), bounds(keys)), keys)


def least(loss: Callable[[Floats], float], start: Floats, ends: Floats) -> Floats:
    """Where a loss is least between some ends, sought from near a start."""
    inside = np.clip(start, *ends)
    return optimize.minimize(loss, inside, method="L-BFGS-B", bounds=ends.T).x


def _hazard(values: Floats, keys: Sequence[str]) -> Hazard:
    inside = np.clip(values, *bounds(keys))
    return Hazard(
        **{k: float(natural(k, value)) for k, value in zip(keys, inside, strict=True)}
    )


def misfit(
    values: Floats, keys: Sequence[str], gaps: Gaps, bad: Floats | None, factor: float
) -> float:
    """Minus the log-likelihood, each gap weighted by the chances that its node is good or bad."""
    hazard = _hazard(values, keys)
    likelihood = hazard.losses(gaps)[0]
    if bad is not None:
        weight = bad[gaps.node]
        likelihood = likelihood * (1 - weight) + hazard.losses(gaps, factor)[0] * weight
    return -float(likelihood.sum())
