"""A level that wanders is kept about as often as by somebody who knows how it wanders."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from sim.failure_logs import drift
from sim.failure_logs.selection import ENOUGH, PARTS
from sim.results.ledger import Floats

MONTHS = 10
STEP = 0.25
LOGS = 40
PARTICLES = 2000


def ours(counts: Floats) -> float:
    """What the walk adds where the size of its steps has to be found."""
    total = 0.0
    for known, seen in parts():
        expected = np.full(seen, counts[:known].mean())
        total += drift.gain(counts[:seen], expected, known)
    return total


def parts() -> list[tuple[int, int]]:
    return list(pairwise([*(round(part * MONTHS) for part in PARTS), MONTHS]))


def knowing(counts: Floats, rate: float, rng: np.random.Generator) -> float:
    """What the true walk adds, its rate and its steps known: a particle filter."""
    level = np.zeros(PARTICLES)
    total = 0.0
    for month, count in enumerate(counts):
        level = level + rng.normal(0, STEP, PARTICLES)
        weight = stats.poisson.logpmf(count, rate * np.exp(level))
        if month >= parts()[0][0]:
            total += float(np.logaddexp.reduce(weight)) - np.log(PARTICLES)
        share = np.exp(weight - weight.max())
        level = level[rng.choice(PARTICLES, PARTICLES, p=share / share.sum())]
    for known, seen in parts():
        total -= stats.poisson.logpmf(counts[known:seen], counts[:known].mean()).sum()
    return total


@pytest.mark.parametrize("rate", [14.0, 72.0, 300.0])
def test_a_short_log_shows_as_much_of_a_drift_as_can_be_seen(rate: float) -> None:
    rng = np.random.default_rng(int(rate))
    kept = np.zeros(2)
    for _ in range(LOGS):
        level = np.exp(np.cumsum(rng.normal(0, STEP, MONTHS)))
        counts = rng.poisson(rate * level).astype(float)
        kept += [ours(counts) > ENOUGH, knowing(counts, rate, rng) > ENOUGH]
    few, most = kept
    # Two shares of forty logs each, were they independent; they are of the same logs.
    assert few >= most - 2.6 * np.sqrt(2 * LOGS * (most / LOGS) * (1 - most / LOGS))
    assert few <= most + 0.1 * LOGS


def test_where_nothing_wanders_no_drift_is_kept() -> None:
    rng = np.random.default_rng(5)
    kept = sum(ours(rng.poisson(72.0, MONTHS).astype(float)) > ENOUGH for _ in range(LOGS))
    # Twenty times as probable by chance: less than one in twenty.
    assert kept <= stats.binom.ppf(0.999, LOGS, 0.05)
