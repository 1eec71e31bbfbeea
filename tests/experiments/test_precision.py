"""Stopping when enough is known: rare runs do not end it early."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import cast

import numpy as np
import pytest

from sim import replicate
from sim.errors import InputError
from sim.experiments.precision import COCHRAN, FEWEST, MOST, precision_of
from sim.experiments.replicate import Replications
from sim.experiments.store import Simulator
from sim.results.ledger import Floats
from sim.results.run import RunResult
from sim.scenario import Scenario
from tests.experiments.stand_in import Run, stand_in, sure

Draw = Callable[[np.random.Generator, int], Floats]
STUCK = 0.02


def sampled(draw: Draw) -> Simulator:
    """A simulator whose runs take the days of one large sample for each seed."""

    @lru_cache(maxsize=1)
    def sample(seed: int) -> Floats:
        return draw(np.random.default_rng(seed), MOST)

    def simulator(
        scenario: Scenario, seed: int, replication: int, *, fixed_inputs: bool = False
    ) -> RunResult:
        run = Run(float(sample(seed)[replication]), scenario.horizon, f"{seed}.{replication}")
        return cast(RunResult, run)

    return simulator


def stuck(sd: float, horizon: float) -> tuple[Simulator, float]:
    """Runs of about 20 days, of which 2 % last until the horizon; and their mean."""

    def draw(rng: np.random.Generator, n: int) -> Floats:
        days = rng.normal(20, sd, n)
        return np.where(rng.random(n) < STUCK, horizon + 1.0, days)

    return sampled(draw), (1 - STUCK) * 20 + STUCK * horizon


def covered(simulator: Simulator, mean: float, repeats: int, horizon: float, aim: float) -> float:
    plain = sure(horizon=f"{horizon} d")
    hits = 0
    for seed in range(repeats):
        result = replicate(plain, precision=aim, seed=seed, progress=False, simulator=simulator)
        wall = result.summary()["wall_days"]
        assert wall["lo"] is not None
        assert wall["hi"] is not None
        hits += wall["lo"] <= mean <= wall["hi"]
    return hits / repeats


def test_rare_stuck_runs_do_not_end_the_search() -> None:
    simulator, mean = stuck(0.5, 100)
    assert covered(simulator, mean, 60, 100, 0.05) > 0.95 - 3 * math.sqrt(0.95 * 0.05 / 60)


@pytest.mark.prove
@pytest.mark.parametrize(("sd", "horizon", "aim"), [(0.5, 100, 0.1), (0.4, 24, 0.05)])
def test_coverage_with_rare_stuck_runs(sd: float, horizon: float, aim: float) -> None:
    simulator, mean = stuck(sd, horizon)
    assert covered(simulator, mean, 1000, horizon, aim) >= 0.93


def test_twin_a_narrow_interval_alone_misses_the_rare_runs() -> None:
    """The twin: stopping at 20 runs whose interval is narrow enough falls far short."""
    rng = np.random.default_rng(1)
    missed = 0
    for _ in range(200):
        days = np.where(rng.random(20) < STUCK, 100.0, rng.normal(20, 0.5, 20))
        missed += not (days == 100).any()
    assert missed / 200 > 0.5


def test_a_skewed_sample_needs_enough_of_its_rare_runs() -> None:
    for rare, met in ((5, False), (int(COCHRAN) + 2, True)):
        values = np.full(FEWEST, 20.0) + np.arange(FEWEST) % 7 / 7
        values[:rare] = 60.0
        assert precision_of("wall_days", values, 0.5, 100.0).met == met


def test_a_one_sided_sample_goes_on() -> None:
    """Nearly all runs end at the horizon, and the few others are too few to tell how early."""
    values = np.full(FEWEST, 100.0)
    assert not precision_of("crossing_days", values, 0.5, 100.0).met
    values[:3] = 40.0
    known = precision_of("crossing_days", values, 0.01, 100.0)
    assert known.reached is not None
    assert known.reached <= 0.01
    assert not known.met
    assert precision_of("crossed", np.zeros(MOST), 0.5, 1.0).reached is None


def test_runs_that_are_all_alike_go_on() -> None:
    simulator = stand_in(lambda q, luck: 20.0)
    plain = sure(horizon="100 d")
    result = replicate(plain, precision=0.01, simulator=simulator)
    # 3/n of the runs may be stuck unseen, each four times too long.
    assert len(result.outcomes) == 1280
    assert result.precision is not None
    assert result.precision.met
    assert result.precision.reached == pytest.approx(3 / 1280 * 4)
    assert "in fewer than one of 427 runs" in result.precision.limits


def test_a_precision_that_is_not_reached_is_said() -> None:
    result = replicate(sure(), precision=1e-4, simulator=stuck(4.0, 100)[0], progress=False)
    assert len(result.outcomes) == MOST
    assert result.report()["precision"]["met"] is False
    assert "not known to 0.0001 after 10,000 runs" in str(result.precision)


def test_the_metric_is_the_one_that_is_named() -> None:
    noisy = stand_in(lambda q, luck: luck.normal(20, 4), also=("failures",))
    by_days = replicate(sure(), precision=0.01, simulator=noisy)
    by_failures = replicate(sure(), precision=0.01, metric="failures", simulator=noisy)
    assert by_failures.precision is not None
    assert by_failures.precision.metric == "failures"
    assert by_failures.fingerprint == by_days.fingerprint
    half = by_days.summary()["wall_days"]
    assert half["hi"] is not None
    assert half["mean"] is not None
    assert half["hi"] - half["mean"] <= 0.01 * half["mean"]
    with pytest.raises(InputError, match=r"no metric 'failure' \(did you mean \"failures\""):
        replicate(sure(), precision=0.1, metric="failure")


def test_a_number_and_a_precision_are_one_too_many() -> None:
    with pytest.raises(InputError, match="give either --replications or --precision"):
        replicate(sure(), 10, precision=0.1)


def test_the_number_doubles_from_look_to_look() -> None:
    noisy = sampled(lambda rng, n: rng.normal(20, 4, n))
    sizes: dict[float, int] = {}
    for aim in (0.5, 0.01, 0.006):
        result: Replications = replicate(sure(), precision=aim, simulator=noisy, progress=False)
        sizes[aim] = len(result.outcomes)
    assert sizes == {0.5: FEWEST, 0.01: 2560, 0.006: 5120}
