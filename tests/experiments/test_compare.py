"""Pairs under the same luck."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sim import compare, load_scenario
from sim.errors import InputError
from tests.experiments.stand_in import stand_in, sure

DEEPSEEK = load_scenario("deepseek-v3").override({"horizon": "1 yr"})


def every(minutes: int):
    return DEEPSEEK.override({"checkpoint.interval": f"{minutes} min"})


@pytest.mark.parametrize(("a", "b", "least"), [(30, 60, 4), (25, 30, 8)])
def test_common_random_numbers_reduce_the_variance_of_the_difference(
    a: int, b: int, least: float
) -> None:
    result = compare(every(a), every(b), n=150, seed=1, fixed_inputs=True)
    assert result.variance_reduction is not None
    assert result.variance_reduction >= least
    assert result.censored == 0
    assert result.difference["lo"] is not None
    assert result.difference["lo"] > 0


def test_a_scenario_beside_itself_does_not_differ() -> None:
    result = compare(sure(), sure(), n=5)
    assert (result.difference["mean"], result.difference["sd"], result.variance_reduction) == (
        0,
        0,
        None,
    )
    assert "0 days (no interval), 1 pairs" in str(compare(sure(), sure(), n=1))


def test_the_difference_is_that_of_the_pairs() -> None:
    simulator = stand_in(lambda q, luck: luck.exponential(10) + q.checkpoint.interval / 3600)
    result = compare(sure(), sure(checkpoint={"interval": "3 h"}), n=50, simulator=simulator)
    assert result.difference["mean"] == pytest.approx(2)
    assert result.difference["hi"] == pytest.approx(2)
    a, b = (side.frame["wall_days"].var() for side in (result.a, result.b))
    assert a == pytest.approx(b)


def test_the_variance_reduction_is_the_one_theory_gives() -> None:
    """Var(X) + Var(X + Y) over Var(Y), with variances 9 and 1: 19."""
    simulator = stand_in(
        lambda q, luck: (
            100 + luck.normal(0, 3) + (luck.normal(0, 1) if q.checkpoint.interval > 3600 else 0)
        )
    )
    other = sure(checkpoint={"interval": "2 h"})
    result = compare(sure(), other, n=2000, simulator=simulator)
    assert result.variance_reduction == pytest.approx(19, rel=0.1)


def test_a_censored_run_is_not_taken_for_a_finished_one() -> None:
    simulator = stand_in(lambda q, luck: luck.uniform(5, 15) + q.checkpoint.interval / 3600)
    a, b = sure(horizon="14 d"), sure(horizon="12 d", checkpoint={"interval": "2 h"})
    result = compare(a, b, n=200, simulator=simulator)
    first = result.a.frame["wall_days"].to_numpy()
    expected = np.minimum(first + 1, 12) - np.minimum(first, 12)
    assert result.restricted_to_days == 12
    assert result.difference["mean"] == pytest.approx(expected.mean())
    assert result.censored == (first + 1 > 12).sum()
    assert "did not finish: all are taken up to day 12" in str(result)


def test_a_zero_that_the_horizon_makes_is_told_as_such() -> None:
    ten = sure(horizon="10 d")
    none = compare(ten, ten, n=5, simulator=stand_in(lambda q, luck: 20.0))
    assert "the zero says nothing" in str(none)
    days = stand_in(lambda q, luck: luck.uniform(5, 15) + q.checkpoint.interval / 3600)
    some = compare(ten, ten.override({"checkpoint.interval": "2 h"}), n=20, simulator=days)
    assert 0 < some.censored < 20
    assert "the zero says nothing" not in str(some)


def test_other_metrics_of_censored_runs_are_compared_up_to_the_same_horizon_or_not_at_all() -> None:
    simulator = stand_in(lambda q, luck: luck.uniform(5, 15))
    ten, eleven = sure(horizon="10 d"), sure(horizon="11 d")
    same = compare(ten, ten, "ettr", n=20, simulator=simulator)
    assert (same.difference["mean"], same.restricted_to_days) == (0, 10)
    other = compare(ten, eleven, "ettr", n=20, simulator=simulator)
    assert other.difference["mean"] is None
    assert "not comparable" in str(other)


def test_a_date_that_never_comes_is_no_distance_to_the_horizon() -> None:
    stock = load_scenario("embargoed-stock").override({"horizon": "1530 d"})
    more = stock.override({"fleet.a100.chips": 80_000})
    result = compare(stock, more, n=12, seed=1, progress=False)
    days = result.a.frame["crossing_days"].to_numpy()
    never = result.b.frame["crossed"] == 0
    assert 0 < never.sum() == result.censored
    assert result.difference["mean"] is None
    assert result.median["hi"] == np.inf
    horizon = stock.horizon / 86400
    assert result.median["value"] is not None
    assert not np.isclose(result.median["value"], horizon - np.median(days))
    assert f"no mean, as in {result.censored} of 12 pairs" in str(result)
    assert "without end" in str(result)
    report = result.report()
    assert report["b"]["came"] == pytest.approx(1 - never.mean())
    assert json.dumps(report["median"], allow_nan=False)
    # Neither comes to it: nothing is known.
    plenty = stock.override({"runs.growth": "1 per yr"})
    both = compare(plenty, plenty, n=8, seed=1, progress=False)
    assert both.median["value"] is None
    assert "unknown" in str(both)


def test_a_date_that_always_comes_has_a_mean() -> None:
    stock = load_scenario("embargoed-stock")
    less = stock.override({"fleet.a100.chips": 8_000})
    result = compare(stock, less, n=8, seed=1, progress=False)
    assert result.censored == 0
    mean = (result.b.frame["crossing_days"] - result.a.frame["crossing_days"]).mean()
    assert mean < 0
    assert result.difference["mean"] == pytest.approx(mean)


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(InputError, match="no metric 'wall_day'"):
        compare(sure(), sure(), "wall_day", n=1)


def test_each_pair_is_taken_up_to_its_own_horizon() -> None:
    simulator = stand_in(lambda q, luck: luck.uniform(5, 15) + q.checkpoint.interval / 3600)
    drawn = {"uncertain": ["8 d", "12 d", "30 d"]}
    a, b = sure(), sure(checkpoint={"interval": "2 h"})
    a, b = (side.override({"horizon": drawn}) for side in (a, b))
    result = compare(a, b, n=200, simulator=simulator)
    ends = np.array([a.resolve(0, k).horizon for k in range(200)]) / 86400
    assert result.difference["mean"] == pytest.approx(
        np.mean(result.b.frame["wall_days"] - result.a.frame["wall_days"])
    )
    assert result.restricted_to_days == (ends.min(), ends.max())
    assert result.censored == (~result.b.frame["finished"]).sum() > 0
    assert "each is taken up to its own horizon, day" in str(result)
    fixed = b.override({"horizon": "10 d"})
    mixed = compare(a, fixed, n=200, simulator=simulator)
    first = mixed.a.frame["wall_days"]
    own = np.minimum(mixed.b.frame["wall_days"], ends) - np.minimum(first, 10)
    assert mixed.difference["mean"] == pytest.approx(own.mean())
    assert compare(a, b, "ettr", n=20, simulator=simulator).difference["mean"] == 0
