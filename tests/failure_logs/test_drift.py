"""A level that wanders is kept about as often as by somebody who knows how it wanders."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from sim import catalogue
from sim.failure_logs import drift
from sim.failure_logs.fit import fitted_as
from sim.failure_logs.selection import ENOUGH, PARTS, WALK, choose
from sim.results.ledger import Floats
from tests.failure_logs import truths

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


@pytest.mark.parametrize("count", [0.0, 3.0, 300.0, 20_000.0])
def test_a_month_is_as_probable_as_its_integral_says(count: float) -> None:
    """Also one that knows the level far better than the months before it."""
    before = drift.walked(np.array([]), np.array([]))
    after = before.after(count, 200.0)
    for k in (0, 20, 55):
        width = np.sqrt(drift.FIRST + drift.STEPS[k] ** 2 + drift.APART[k] ** 2)
        middle = np.log(max(count, 0.5) / 200)

        def density(x: float, width: float = width) -> float:
            return float(stats.poisson.pmf(count, 200 * np.exp(x)) * stats.norm.pdf(x, 0, width))

        reach = (middle - 6, middle + 6)
        whole = integrate.quad(density, *reach, points=[middle], limit=500, epsabs=0)[0]
        assert after.fit[k] - before.fit[k] == pytest.approx(np.log(whole), abs=1e-3)


def test_a_level_that_was_never_seen_to_move_may_still_do_so() -> None:
    """By less the more months say that it did not, and by more the farther one looks ahead."""

    def spread(months: int, ahead: int) -> float:
        walk = drift.walked(np.full(months, 200.0), np.full(months, 200.0))
        return float(np.log(drift.ahead(walk, ahead, 4000, np.random.default_rng(1))).std())

    assert spread(6, 12) > 1.5 * spread(48, 12) > 0.03
    assert spread(12, 24) > 1.3 * spread(12, 6)


def test_a_month_that_stands_apart_is_no_new_level() -> None:
    """Every third month has half as many again; the last was such a one."""
    counts = np.tile([200.0, 200, 300], 8)
    walk = drift.walked(counts, np.full(24, counts.mean()))
    level = drift.ahead(walk, 12, 4000, np.random.default_rng(1))
    assert abs(np.median(level) - 1) < 0.1
    assert np.quantile(level, 0.95) < 1.3


def test_steps_of_a_log_that_is_cut_into_tens_of_days_are_those_of_its_months() -> None:
    flat = np.full(36, 30.0)
    tens = drift.walked(flat, flat, drift.MONTH / 3)
    months = drift.walked(3 * flat[:12], 3 * flat[:12])
    spreads = [
        np.log(drift.ahead(walk, ahead, 8000, np.random.default_rng(1))).std()
        for walk, ahead in ((tens, 36), (months, 12))
    ]
    assert spreads[0] == pytest.approx(spreads[1], rel=0.15)


HALVES = {"fire-flyer-hardware": 3.0, "fire-flyer-links": 5.8, "titan-new": 15.5}
"""Months of the halves of records that are no evidence."""


def test_a_typical_step_is_that_of_the_fleets_in_the_catalogue() -> None:
    """The means of two halves of a walk differ by two thirds of a half's months, in variance."""
    squares = []
    for name, months in HALVES.items():
        record = catalogue.table("drifts")[name].item
        squares.append(np.log(record.later / record.earlier) ** 2 / (2 / 3 * months))
    assert np.sqrt(np.mean(squares)) == pytest.approx(drift.TYPICAL, abs=0.02)


def test_a_drift_that_is_not_kept_gives_spread_and_no_direction() -> None:
    log = truths.log_of("bad nodes", 1)
    choice = choose(log)
    assert WALK not in choice.kept
    ahead = fitted_as(log, choice, ahead=300.0).draws["fault.rate"]
    back = fitted_as(log, choice, ahead=300.0, looking_back=True).draws["fault.rate"]
    assert ahead[0] == back[0]
    assert ahead.median() == pytest.approx(back.median(), rel=0.05)
    assert np.log(ahead).std() > 1.2 * np.log(back).std()
