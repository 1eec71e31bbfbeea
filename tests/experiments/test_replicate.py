"""Intervals that hold what they promise, and a spread taken apart."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from sim import replicate
from sim.errors import InputError
from sim.experiments.intervals import wilson
from sim.experiments.replicate import Replications
from sim.experiments.store import Outcome
from sim.results.ledger import DAY
from tests.engine.bare import NODES, cause, pool
from tests.experiments.stand_in import Days, stand_in, sure, unsure


def runs(*days: float, horizon: float = math.inf) -> Replications:
    outcomes = [
        Outcome(k, d <= horizon, {"wall_days": min(d, horizon)}, str(k)) for k, d in enumerate(days)
    ]
    return Replications("runs", 0, outcomes)


SKEWED = stand_in(lambda q, luck: luck.gamma(16, 1.25))
"""Moderately, with a mean of 20."""
AROUND_20 = stand_in(lambda q, luck: luck.normal(20, 4))


def holds(result: Replications, mean: float) -> bool:
    """Whether the nominal 95 % interval holds the true mean."""
    wall = result.summary()["wall_days"]
    assert wall["lo"] is not None
    assert wall["hi"] is not None
    return wall["lo"] <= mean <= wall["hi"]


def test_the_interval_covers_as_often_as_it_says() -> None:
    plain = sure()
    results = [
        replicate(plain, 20, seed=seed, progress=False, simulator=SKEWED) for seed in range(200)
    ]
    covered = sum(holds(result, 20) for result in results) / 200
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 200)


def test_the_fixed_number_and_the_precise_one_are_the_same_runs() -> None:
    precise = replicate(sure(), precision=0.02, simulator=AROUND_20)
    fixed = replicate(sure(), len(precise.outcomes), simulator=AROUND_20)
    assert fixed.fingerprint == precise.fingerprint


def test_kaplan_and_meier_by_hand() -> None:
    table = runs(1, 2, 2, 4, 9, horizon=5).completion()
    assert table["days"].tolist() == [1, 2, 4, 5]
    assert table["finished"].tolist() == pytest.approx([0.2, 0.6, 0.8, 0.8])
    assert (table["lo"] <= table["finished"]).all()
    assert (table["finished"] <= table["hi"]).all()
    assert table["lo"].between(0, 1).all()
    assert table["hi"].between(0, 1).all()


@pytest.mark.parametrize("horizon", [3.0, 7.0, math.inf])
def test_days_by_which_runs_finish_are_read_off_that_curve(horizon: float) -> None:
    days = np.random.default_rng(8).integers(1, 9, 60).astype(float)
    found = runs(*days, horizon=horizon)
    curve = found.completion()
    for probability in (0.1, 0.25, 0.5, 0.9, 1.0, *curve["finished"]):
        reached = curve["days"][curve["finished"] >= probability - 1e-12].tolist()
        assert found.completion_days(probability) == (reached[0] if reached else None)


def test_a_curve_that_reaches_one_keeps_a_band() -> None:
    last = runs(1, 2, 3, 4).completion().iloc[-1]
    assert (last["finished"], last["hi"]) == (1, 1)
    assert 0 < last["lo"] < 1


def test_nothing_finished_is_an_empty_curve() -> None:
    none = runs(9, 9, horizon=5)
    assert none.completion().empty
    assert none.completion_days(0.5) is None
    assert none.finished_by(5)["p"] == 0


def test_the_probability_of_a_date_has_an_interval() -> None:
    result = runs(*range(1, 101), horizon=60)
    assert result.finished_by(50) == {"p": 0.5, **wilson(50, 100)}
    with pytest.raises(InputError, match="watched for 60 days only, not for 61"):
        result.finished_by(61)


def test_the_restricted_mean_is_the_area_above_the_curve() -> None:
    result = runs(1, 3, 7, 20, horizon=10)
    mean = result.summary()["wall_days"]["mean"]
    assert mean == pytest.approx((1 + 3 + 7 + 10) / 4)
    curve = result.completion()
    steps = np.diff([0, *curve["days"], 10])
    assert mean == pytest.approx(math.fsum(steps * [1, *(1 - curve["finished"])]))


def test_a_metric_that_is_not_known_stays_unknown() -> None:
    result = replicate(sure(), 3, simulator=AROUND_20)
    assert set(result.summary()["cost_rental_usd"].values()) == {None}


def test_the_spread_is_taken_apart() -> None:
    """Triangular on [0, 2] or [0.5, 1.5] has a variance of 1/6 or 1/24; an interplay of both counts
    with the inputs.
    """
    simulator = stand_in(
        lambda q, luck: (
            100
            + luck.normal(0, 1)
            + 3 * q.checkpoint.blocking
            + 6 * q.constants.model_error
            + 6 * (q.checkpoint.load - 1) * (q.constants.model_error - 1)
        )
    )
    parts = replicate(unsure(), 2000, split=True, seed=3, simulator=simulator).split()
    expected = {"run_to_run": 1.0, "inputs": 9 / 6 + 36 / 6 / 24, "model": 36 / 24}
    total = sum(expected.values())
    for name, variance in expected.items():
        part = parts[name]
        assert part["sd"] ** 2 == pytest.approx(variance, rel=0.2)
        assert part["lo"] < variance / total < part["hi"]
        assert part["hi"] - part["lo"] < 0.16
    assert sum(parts[name]["share"] for name in expected) == pytest.approx(1)
    assert parts["monte_carlo"]["sd"] == pytest.approx(math.sqrt(total / 2000), rel=0.1)


@pytest.mark.parametrize(
    ("days", "cause_"),
    [
        (lambda q, luck: luck.normal(20, 1), "run_to_run"),
        (lambda q, luck: 20 + q.checkpoint.load, "inputs"),
        (lambda q, luck: 20 * q.constants.model_error, "model"),
    ],
)
def test_a_single_cause_takes_all_of_the_spread(days: Days, cause_: str) -> None:
    parts = replicate(unsure(), 400, split=True, simulator=stand_in(days)).split()
    assert parts[cause_]["share"] > 0.9


def test_one_run_has_no_standard_error_to_be_written_as_json() -> None:
    one = replicate(unsure(), 1, split=True, simulator=stand_in(lambda q, luck: 20.0))
    assert one.split()["monte_carlo"] == {"sd": None}
    assert json.dumps(one.report(), allow_nan=False)


def test_splitting_costs_nothing_when_it_is_not_asked_for() -> None:
    seen: list[int] = []
    simulator = stand_in(lambda q, luck: luck.normal(20, 1), seen)
    whole = replicate(unsure(), 8, simulator=simulator)
    assert len(seen) == 8
    assert "split" not in whole.report()
    with pytest.raises(InputError, match="--split"):
        whole.split()
    apart = replicate(unsure(), 8, split=True, simulator=simulator)
    assert apart.fingerprint == whole.fingerprint
    assert set(apart.report()["split"]) == {"wall_days", "ettr"}


def test_nothing_to_split_with_fixed_inputs() -> None:
    with pytest.raises(InputError, match="nothing to split"):
        replicate(sure(), 4, fixed_inputs=True, split=True)


def test_fixed_inputs_leave_chance_alone() -> None:
    simulator = stand_in(lambda q, luck: 20 * q.constants.model_error)
    result = replicate(unsure(), 10, fixed_inputs=True, simulator=simulator)
    assert result.summary()["wall_days"]["sd"] == 0


@pytest.mark.prove
def test_coverage_with_the_engine_against_a_closed_form() -> None:
    """Failures in computing time only, nothing blocking: E[wall] = n(e^{λτ} − 1)(1/λ + detect +
    restart).
    """
    rate, interval, detect, restart = 0.5 / DAY, 6 * 3600.0, 900.0, 1500.0
    failing = {
        "per_1000_node_days": 1000 * rate * DAY / NODES,
        "clock": "computing",
        "repair": "0 s",
    }
    failing_job = sure(
        fleet=pool(failures={"causes": [cause(**failing, detect=f"{detect} s")]}),
        checkpoint={"interval": f"{interval} s"},
        recovery={"restart": f"{restart} s"},
    )
    truth = 10 * DAY / interval * math.expm1(rate * interval) * (1 / rate + detect + restart) / DAY
    hits = sum(
        holds(replicate(failing_job, 20, seed=seed, progress=False), truth) for seed in range(2000)
    )
    assert 0.93 <= hits / 2000 <= 0.97
