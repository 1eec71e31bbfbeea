"""A level of failures that wanders from month to month, and months that stand apart from it.

The local level model of Harvey (1989, Forecasting, Structural Time Series Models and the Kalman
Filter), its observations Poisson: what is left of a month's surprise stays in the level, the rest
is that month's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import special, stats

from sim.results.ledger import DAY, Floats

STEPS, APART = np.array([*product(np.linspace(0.02, 0.8, 14), (0.0, 0.1, 0.2, 0.4))]).T
"""What is tried: standard deviations, of the logarithm, of a month's step of the level and of what
is a month's own."""
TYPICAL = 0.2
"""Mean of the prior of the step: such a walk takes the halves of a record as far apart as those of
the table `drifts` are, but for InfiniteHBD's, whose halves are evidence.

The prior is a gamma one of shape 2, which rules out a step of nothing, as no fleet there stands
still: few months would often be best told without any (Chung, Rabe-Hesketh, Dorie, Gelman and Liu
2013, A Nondegenerate Penalized Likelihood Estimator for Variance Parameters in Multilevel Models).
"""
FIRST = 0.25
"""Variance of the level before the first month."""
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
SHARES = WEIGHTS / WEIGHTS.sum()
MONTH = 30 * DAY
MOST_STEPS = 1000


def edges(seconds: float) -> Floats:
    """The ends of the months of a log; at least six parts of a short one."""
    months = int(np.clip(round(seconds / MONTH), 6, 48))
    return np.linspace(0.0, seconds, months + 1)


@dataclass(frozen=True)
class Walk:
    """The level after some months, for each pair of `STEPS` and `APART` that is tried.

    Attributes
    ----------
    mean, variance : array
        Of the logarithm of the level.
    fit : array
        Logarithm of the prior, and of the likelihood of the months so far.
    step : array
        Standard deviation of a step, over a month of this log.
    """

    mean: Floats
    variance: Floats
    fit: Floats
    step: Floats

    def after(self, count: float, expected: float) -> Walk:
        """The level after one more month."""
        level = self.variance + self.step**2
        prior = level + APART**2
        mode = self.mean
        # Newton's method for the peak of a Poisson count times a normal level: Laplace's estimate.
        for _ in range(30):
            rate = expected * np.exp(mode)
            slope = count - rate - (mode - self.mean) / prior
            mode = mode + np.clip(slope / (rate + 1 / prior), -1.0, 1.0)
        spread = 1 / (1 / prior + expected * np.exp(mode))
        # A full month knows its level far better than the months before foretold it, so the
        # integral is taken over points around the peak.
        levels = mode[:, None] + np.sqrt(spread)[:, None] * NODES
        chances = stats.poisson.logpmf(count, expected * np.exp(levels))
        chances -= (levels - self.mean[:, None]) ** 2 / (2 * prior)[:, None] - NODES**2 / 2
        sizes = np.sqrt(spread / prior)
        chance: Floats = np.asarray(special.logsumexp(chances, axis=1, b=SHARES)) + np.log(
            sizes
        )
        stays = level / prior
        mean = self.mean + stays * (mode - self.mean)
        variance = level - stays**2 * (prior - spread)
        return Walk(mean, variance, self.fit + chance, self.step)


def walked(counts: Floats, expected: Floats, month: float = MONTH) -> Walk:
    """Follow the level through the months of a log.

    Parameters
    ----------
    counts, expected : array
        Failures of each month, and how many a constant level would lead to expect.
    month : float
        Its seconds.

    Examples
    --------
    >>> walk = walked(np.array([20.0, 20, 40, 40]), np.full(4, 20.0))
    >>> bool(np.average(walk.mean, weights=np.exp(walk.fit)) > 0.3)
    True
    """
    # The variance of a walk is in proportion to time.
    step = STEPS * np.sqrt(month / MONTH)
    known = np.log(STEPS) - 2 * STEPS / TYPICAL
    walk = Walk(np.zeros_like(step), np.full_like(step, FIRST), known, step)
    for count, mean in zip(counts, expected, strict=True):
        walk = walk.after(count, mean)
    return walk


def gain(counts: Floats, expected: Floats, known: int, month: float = MONTH) -> float:
    """What the walk adds to the log-probability of the months after the first `known` ones.

    How far it steps is known as well as those months tell it.
    """
    before = walked(counts[:known], expected[:known], month)
    after = walked(counts, expected, month)
    foretold = np.logaddexp.reduce(after.fit) - np.logaddexp.reduce(before.fit)
    return float(foretold - stats.poisson.logpmf(counts[known:], expected[known:]).sum())


def ahead(walk: Walk, months: int, n: int, random: np.random.Generator) -> Floats:
    """Draw the mean level over months to come.

    Parameters
    ----------
    walk : Walk
    months : int
        As long as those of the log.
    n : int
        Draws.
    random : numpy.random.Generator
    """
    size = random.choice(len(STEPS), n, p=special.softmax(walk.fit))
    now = random.normal(walk.mean[size], np.sqrt(walk.variance[size]))
    total = np.zeros(n)
    # The parts of a log of minutes are seconds, and a year has too many of them: then a step is
    # one over several.
    steps = min(months, MOST_STEPS)
    several = np.sqrt(months / steps)
    for _ in range(steps):
        now = random.normal(now, several * walk.step[size])
        total += np.exp(random.normal(now, APART[size]))
    return total / steps
