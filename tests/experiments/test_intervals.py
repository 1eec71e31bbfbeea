"""What many values say together."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.experiments.intervals import spread, summary


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
