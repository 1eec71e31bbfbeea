"""What many values say together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.experiments.intervals import digits, median_interval, spread, summary, wilson


def test_the_spread_is_interpolated_unless_values_may_be_infinite() -> None:
    assert spread([0.0, 10.0]) == {"median": 5.0, "p5": 0.5, "p95": 9.5}
    values = [3.0, 1.0, math.inf, 2.0]
    assert spread(values, "inverted_cdf") == {"median": 2.0, "p5": 1.0, "p95": math.inf}


def test_a_summary_by_hand() -> None:
    """Student's 97.5 % quantile with two degrees of freedom is 4.3027."""
    found = summary(np.array([1.0, 2.0, 3.0]))
    assert list(found) == ["mean", "lo", "hi", "sd", "p5", "p95"]
    half = 4.302652729911275 / math.sqrt(3)
    assert found == pytest.approx(
        {"mean": 2, "lo": 2 - half, "hi": 2 + half, "sd": 1, "p5": 1.1, "p95": 2.9}
    )


def test_one_value_has_no_interval_and_an_unknown_one_no_summary() -> None:
    one = summary(np.array([7.0]))
    assert one == {"mean": 7, "lo": None, "hi": None, "sd": None, "p5": 7, "p95": 7}
    assert set(summary(np.array([7.0, math.nan])).values()) == {None}


def test_no_interval_leaves_its_range() -> None:
    """Nineteen of twenty: Student's interval would end at 1.055."""
    crossed = np.array([1.0] * 19 + [0.0])
    found = summary(crossed, 0.0, 1.0)
    assert (found["lo"], found["hi"]) == tuple(wilson(19, 20).values())
    rare = np.array([0.0] * 9 + [10.0])
    assert summary(rare, 0.0)["lo"] == 0.0
    assert summary(rare)["lo"] == pytest.approx(1 - 2.262 * math.sqrt(10 / 10), abs=1e-3)
    late = np.array([29.0, 30.0, 30.0])
    assert summary(late, 0.0, 30.0)["hi"] == 30.0


@given(st.lists(st.floats(0, 5), min_size=2, max_size=9))
def test_an_interval_holds_its_mean_and_stays_in_its_range(values: list[float]) -> None:
    found = summary(np.array(values), 0.0, 5.0)
    assert found["lo"] is not None
    assert found["mean"] is not None
    assert found["hi"] is not None
    assert 0.0 <= found["lo"] <= found["mean"] <= found["hi"]
    assert found["hi"] <= 5.0 + 1e-14


def test_rounding_is_no_spread() -> None:
    values = np.array([0.1 + 0.2, 0.3] * 14)
    assert values.std() > 0
    found = summary(values)
    assert found["sd"] == 0.0
    assert found["lo"] == found["hi"] == found["mean"]


def test_the_interval_of_the_median_covers() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(400):
        found = median_interval(rng.exponential(1.0, 25))
        assert found["lo"] is not None
        assert found["hi"] is not None
        hits += found["lo"] <= math.log(2) <= found["hi"]
    # The 8th and the 18th of 25: 1 - 2 P(B < 8) = 0.9567.
    assert hits / 400 == pytest.approx(0.9567, abs=4 * math.sqrt(0.9567 * 0.0433 / 400))
    assert median_interval(np.arange(5.0)) == {"value": 2.0, "lo": None, "hi": None}


@pytest.mark.parametrize(
    ("value", "low", "high", "told"),
    [
        (-3.4, -14.4, 6.0, "-3"),
        (-3.4, -4.1, -2.3, "-3.4"),
        (31.0, 11.0, 51.0, "30"),
        (-0.04, -3.0, 3.0, "0"),
        (1.0, 1.0, 1.0, "1"),
        (12345.0, None, None, "12,345"),
        (0.61234, 0.6119, 0.6127, "0.6123"),
    ],
)
def test_no_digit_is_finer_than_the_interval(
    value: float, low: float | None, high: float | None, told: str
) -> None:
    assert digits(value, low, high) == told


@pytest.mark.parametrize("n", [1, 7, 640])
def test_wilson_and_student_as_scipy_has_them(n: int) -> None:
    for done in {0, 1, n // 3, n - 1, n}:
        known = stats.binomtest(done, n).proportion_ci(0.95, method="wilson")
        assert wilson(done, n) == {"lo": known.low, "hi": known.high}
    values = np.arange(n + 1.0)
    found = summary(values)
    half = stats.t.ppf(0.975, n) * values.std(ddof=1) / math.sqrt(n + 1)
    assert found["hi"] == pytest.approx(values.mean() + half, rel=1e-14)
