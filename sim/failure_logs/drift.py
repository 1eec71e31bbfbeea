"""A level of failures that wanders from month to month, and may find its way back."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import special, stats

from sim.results.ledger import DAY, Floats

STEPS, KEPT = np.array([*product(np.geomspace(0.02, 0.8, 16), (0.0, 0.5, 0.8, 1.0))]).T
"""What is tried: the standard deviation of a month's step, of the logarithm of the level, and the
share of it that is kept from month to month; with all of it the level never finds its way back."""
FIRST = 0.25
"""Variance of the level before the first month."""
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
SHARES = WEIGHTS / WEIGHTS.sum()
MONTH = 30 * DAY


def edges(seconds: float) -> Floats:
    """The ends of the months of a log; at least six parts of a short one."""
    months = int(np.clip(round(seconds / MONTH), 6, 48))
    return np.linspace(0.0, seconds, months + 1)


@dataclass(frozen=True)
class Walk:
    """The level after some months, for each pair of `STEPS` and `KEPT` that is tried.

    Attributes
    ----------
    mean, variance : array
        Of the logarithm of the level.
    fit : array
        Log-likelihood of the months so far.
    """

    mean: Floats
    variance: Floats
    fit: Floats

    @property
    def likeliest(self) -> int:
        """The place of the likeliest pair."""
        return int(np.argmax(self.fit))

    def after(self, count: float, expected: float) -> tuple[Walk, Floats]:
        """The level after one more month, and the log-probability of that month before it came."""
        prior = KEPT**2 * self.variance + STEPS**2
        expectation = KEPT * self.mean
        levels = expectation[:, None] + np.sqrt(prior)[:, None] * NODES
        chances = stats.poisson.logpmf(count, expected * np.exp(levels))
        chance: Floats = np.asarray(special.logsumexp(chances, axis=1, b=SHARES))
        mode = expectation
        # Newton's method for the peak of a Poisson count times a normal level: Laplace's estimate.
        for _ in range(30):
            rate = expected * np.exp(mode)
            slope = count - rate - (mode - expectation) / prior
            mode = mode + np.clip(slope / (rate + 1 / prior), -1.0, 1.0)
        spread = 1 / (1 / prior + expected * np.exp(mode))
        return Walk(mode, spread, self.fit + chance), chance


def walked(counts: Floats, expected: Floats) -> tuple[Walk, Floats]:
    """Follow the level through the months of a log.

    Returns
    -------
    walk, chances : Walk and array of shape (months, sizes)
        Where it stands at the end, and the log-probability of each month before it came.

    Examples
    --------
    >>> walk, _ = walked(np.array([20.0, 20, 40, 40]), np.full(4, 20.0))
    >>> bool(walk.mean[-1] > 0.5)
    True
    """
    none = np.zeros(len(STEPS))
    walk = Walk(none, none + FIRST, none)
    chances = []
    for count, mean in zip(counts, expected, strict=True):
        walk, chance = walk.after(count, mean)
        chances.append(chance)
    return walk, np.array(chances)


def gain(counts: Floats, expected: Floats, known: int) -> float:
    """What the walk adds to the log-probability of the months after the first `known` ones.

    The size of its steps is the likeliest in those that are known.
    """
    size = walked(counts[:known], expected[:known])[0].likeliest
    chances = walked(counts, expected)[1][known:, size]
    return float((chances - stats.poisson.logpmf(counts[known:], expected[known:])).sum())


def ahead(walk: Walk, seconds: float, n: int, random: np.random.Generator) -> Floats:
    """Draw the mean level over a time to come.

    Parameters
    ----------
    walk : Walk
    seconds : float
    n : int
        Draws.
    random : numpy.random.Generator
    """
    months = max(round(seconds / MONTH), 1)
    chances = np.exp(walk.fit - walk.fit.max())
    size = random.choice(len(STEPS), n, p=chances / chances.sum())
    now = random.normal(walk.mean[size], np.sqrt(walk.variance[size]))
    total = np.zeros(n)
    for _ in range(months):
        now = random.normal(KEPT[size] * now, STEPS[size])
        total += np.exp(now)
    return total / months
