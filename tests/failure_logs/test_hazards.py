from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

from sim.failure_logs.hazards import Gaps, Hazard, bursts_of, gaps_of, likeliest
from sim.failure_logs.log import Outage, Window, made
from sim.results.ledger import DAY

HAZARD = Hazard(30 * DAY, shape=1.7, again=0.3, after=2 * DAY, after_shape=0.6)


def gap(length: float, *, failed: bool, age: float = 0.0, mended: bool = False) -> Gaps:
    flags = np.array([failed]), np.array([mended])
    return Gaps(np.array([0]), np.array([length]), np.array([age]), *flags)


@pytest.mark.parametrize("mended", [True, False])
@pytest.mark.parametrize("age", [0.0, 12 * DAY])
def test_the_density_of_a_gap_adds_up_to_what_does_not_survive(mended: bool, age: float) -> None:
    end = 40 * DAY

    def density(length: float) -> float:
        likelihood, _, _ = HAZARD.losses(gap(length, failed=True, age=age, mended=mended), 2.0)
        return float(np.exp(likelihood[0]))

    part = [integrate.quad(density, a, b, limit=200)[0] for a, b in ((1e-3, DAY), (DAY, end))]
    survives, _, _ = HAZARD.losses(gap(end, failed=False, age=age, mended=mended), 2.0)
    # Repeats within the first millisecond are many: the time to them has a shape below one.
    assert sum(part) == pytest.approx(1 - np.exp(survives[0]), abs=2e-4)


def test_gaps_end_with_a_failure_or_with_the_log() -> None:
    windows = [Window("a", 0, 10 * DAY, 5 * DAY), Window("b", 0, 10 * DAY, 0.0)]
    outages = [Outage("a", 2 * DAY, 3 * DAY, "x", "unknown")]
    log = made(outages, windows)
    found = gaps_of(log, 0, np.array([True]))
    assert (found.length / DAY).tolist() == [2, 7, 10]
    assert (found.age / DAY).tolist() == [5, 0, 0]
    assert found.failed.tolist() == [True, False, False]
    assert found.mended.tolist() == [False, True, False]


def test_lives_seen_from_an_age_on_are_not_taken_for_whole_ones() -> None:
    rng = np.random.default_rng(3)
    lives = rng.weibull(2.5, 4000) * 100 * DAY
    ages = rng.uniform(0, 120, 4000) * DAY
    alive = lives > ages
    length = np.minimum(lives - ages, 40 * DAY)[alive]
    failed = (lives - ages <= 40 * DAY)[alive]
    node = np.arange(len(length))
    gaps = Gaps(node, length, ages[alive], failed, np.zeros(len(node), bool))
    found = likeliest(gaps, frozenset({"ageing"}))
    assert found.shape == pytest.approx(2.5, abs=0.15)
    assert found.scale / DAY == pytest.approx(100, rel=0.05)
    blind = likeliest(gaps._replace(age=0 * gaps.age), frozenset({"ageing"}))
    assert abs(blind.shape - 2.5) > 0.5


def test_outages_of_one_cause_within_a_minute_are_a_burst() -> None:
    windows = [Window(name, 0, 10 * DAY, 0.0) for name in "abcd"]
    rows = [("a", 0, "x"), ("b", 30, "x"), ("c", 70, "x"), ("d", 75, "y"), ("d", 5000, "x")]
    outages = [Outage(node, DAY + s, DAY + s + 10, why, "unknown") for node, s, why in rows]
    burst, first = bursts_of(made(outages, windows))
    assert (burst >= 0).tolist() == [True, True, True, False, False]
    assert first.tolist() == [True, False, False, True, True]
