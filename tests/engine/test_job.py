"""The job against closed forms, and what must hold in every run."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.engine import simulate
from sim.results import DAY, RunResult
from tests.engine.question import CHIPS, NODES, RATE, cause, pool, question

WORK = 10.0 * DAY


def z_score(values: list[float], exact: float) -> float:
    return (float(np.mean(values)) - exact) / (float(np.std(values, ddof=1)) / math.sqrt(len(values)))


def daly(M: float, tau: float, delta: float, R: float, D: float, segments: int) -> float:
    """Expected makespan with exponential failures, the last segment without its checkpoint (Daly 2006, eq. 13)."""
    each = (M + D) * math.exp(R / M)
    return each * ((segments - 1) * math.expm1((tau + delta) / M) + math.expm1(tau / M))


def daly_runs(M: float, tau: float, delta: float, R: float, D: float, segments: int, runs: int) -> list[float]:
    rate = 1000 * DAY / M / NODES
    q = question(
        horizon="100000 d",
        run={"tokens": segments * tau * CHIPS * RATE},
        fleet=pool(failures={"causes": [cause(hardware=False, per_1000_node_days=rate, detect=f"{D} s")]}),
        checkpoint={"interval": f"{tau} s", "blocking": f"{delta} s"},
        recovery={"restart": f"{R} s"},
    )
    return [simulate(q, 7, k).wall for k in range(runs)]


def test_without_failures_the_makespan_is_the_work():
    result = simulate(question(), 0)
    assert result.finished
    assert result.wall == pytest.approx(WORK, rel=1e-12)
    assert result.metrics["ettr"] == 1.0


@pytest.mark.parametrize(
    ("tau", "delta", "R", "D"), [(1800, 180, 720, 720), (7200, 600, 1800, 900), (600, 60, 1440, 2880)]
)
def test_exponential_failures_give_dalys_expected_time(tau, delta, R, D):
    values = daly_runs(7200, tau, delta, R, D, segments=150, runs=60)
    assert abs(z_score(values, daly(7200, tau, delta, R, D, 150))) < 4


def test_the_same_check_fails_when_the_failure_rate_is_a_fifth_off():
    values = daly_runs(7200, 1800, 180, 720, 720, segments=150, runs=60)
    assert abs(z_score(values, daly(7200 / 1.2, 1800, 180, 720, 720, 150))) > 4


@pytest.mark.parametrize("shape", [0.7, 1.0, 2.0])
def test_one_failure_leaves_the_ages_of_all_other_nodes_alone(shape):
    """Renewal count of Weibull lives by the renewal equation; redrawing all survivors gives far more or far fewer."""
    mean, horizon, nodes = 20.0, 30.0, 64
    q = question(
        horizon=f"{horizon} d",
        run={"tokens": 1e30},
        fleet=pool(nodes=nodes, failures={"causes": [cause(hardware=False, lifetime=weibull(shape, mean))]}),
    )
    counts = [float(sum(simulate(q, 3, k).failures.values())) for k in range(150)]
    expected = nodes * renewal_function(shape, mean, horizon)
    assert abs(z_score(counts, expected)) < 4
    assert abs(z_score(counts, expected * 1.06)) > 4


def weibull(shape: float, mean: float) -> dict[str, object]:
    return {"weibull": {"shape": shape, "mean": f"{mean} d"}}


def renewal_function(shape: float, mean: float, t: float, steps: int = 6000) -> float:
    """M(t) of ``M = F + ∫ M dF`` as a Riemann–Stieltjes sum over the midpoints of a grid (Xie 1989)."""
    scale = mean / math.gamma(1 + 1 / shape)
    step = t / steps
    F = -np.expm1(-((np.arange(steps + 1) * step / scale) ** shape))
    middle = -np.expm1(-(((np.arange(steps) + 0.5) * step / scale) ** shape))
    M = np.zeros(steps + 1)
    for i in range(1, steps + 1):
        past = np.dot(np.diff(M[:i]), middle[i - 1 : 0 : -1])
        M[i] = (F[i] + past - M[i - 1] * middle[0]) / (1 - middle[0])
    return float(M[-1])


def test_cold_spares_last_an_erlang_time():
    """The first failure that cannot be replaced comes after S + 1 failures: mean (S + 1) / (N λ)."""
    spares, mean_days = 5, 40.0
    lost = cause(lifetime={"exponential": {"mean": f"{mean_days} d"}}, permanent=1)
    q = question(horizon="3000 d", run={"tokens": 1e30}, fleet=pool(cold_spares=spares, failures={"causes": [lost]}))
    first = [
        next(t for t, kind, _, state in simulate(q, 5, k).trace if (kind, state) == ("state", "wait"))
        for k in range(400)
    ]
    assert abs(z_score(first, (spares + 1) * mean_days * DAY / NODES)) < 4
    assert abs(z_score(first, spares * mean_days * DAY / NODES)) > 4


def test_congestion_slows_the_run_by_the_share_of_time_it_lasts():
    """Long run: inflation 1/((1 − π) + π/S) − 1, S the slow-down of the whole step."""
    congestion = {"share": 0.2, "slowdown": 3, "bad": {"exponential": {"mean": "1 h"}}}
    q = question(
        run={"model": "llama-3-405b", "tokens": 2e12, "batch": {"sequences": 2048}},
        fleet={
            "pool": {
                "chip": "H100-SXM-80",
                "nodes": 2048,
                "stack": "llama-3",
                "throughput": None,
                "layout": {"tensor": 8, "pipeline": 16},
            }
        },
        fabric={"congestion": congestion},
    )
    results = [simulate(q, 1, k) for k in range(40)]
    S = results[0].plan.step_seconds_at(3.0) / results[0].plan.step_seconds
    assert S > 1.1
    work = 2e12 / results[0].plan.tokens_per_s
    values = [work / r.wall for r in results]
    assert abs(z_score(values, 0.8 + 0.2 / S)) < 4
    assert abs(z_score(values, 0.9 + 0.1 / S)) > 4


def test_a_run_that_does_not_finish_is_censored_at_the_horizon_and_keeps_what_is_durable():
    result = simulate(question(horizon="5 d", checkpoint={"interval": "7 h"}), 0)
    assert not result.finished
    assert result.wall == pytest.approx(5 * DAY)
    assert result.tokens == pytest.approx(CHIPS * RATE * 17 * 7 * 3600)


def test_a_hot_spare_that_fails_interrupts_nothing():
    broken = cause(lifetime="3 d", permanent=1)
    q = question(fleet=pool(hot_spares=2, failures={"causes": [broken | {"clock": "powered"}]}))
    # All six nodes fail at 3 d: four of them active, at one instant, so one interruption.
    result = simulate(q, 0)
    assert result.interruptions == 1
    assert sum(result.failures.values()) == 6


def test_failures_during_restart_cost_a_full_restart_again_and_are_not_interruptions():
    flaky = cause(hardware=False, lifetime="1 d", detect="10 min")
    q = question(fleet=pool(nodes=1, failures={"causes": [flaky]}), recovery={"restart": "1 h"}, horizon="30 d")
    result = simulate(q, 0)
    assert result.interruptions == sum(result.failures.values())
    often = simulate(
        question(
            fleet=pool(nodes=1, failures={"causes": [flaky | {"lifetime": "50 min"}]}),
            recovery={"restart": "1 h"},
            horizon="1 d",
        ),
        0,
    )
    assert often.interruptions == 1
    assert sum(often.failures.values()) > 10
    assert often.time["restart"] > 10 * 40 * 60


def check(result: RunResult) -> None:
    """Both ledgers to 1e-9 of their total, and every chip in one place."""
    assert math.fsum(result.time.values()) == pytest.approx(result.wall, rel=1e-9)
    assert all(seconds >= -1e-9 * result.wall for seconds in result.time.values())
    supplied = sum(result.counts.values())
    assert math.fsum(result.chip_seconds.values()) == pytest.approx(supplied * result.wall, rel=1e-9)
    assert all(chips >= 0 for chips in result.counts.values())
    assert 0 <= result.tokens <= result.question.run.tokens
    assert result.wall <= result.question.horizon * (1 + 1e-12)


duration = st.sampled_from(["0 s", "1 s", "10 min", "5 h", {"exponential": {"mean": "1 h"}}])
failure = st.fixed_dictionaries(
    {
        "hardware": st.booleans(),
        "scope": st.sampled_from(["chip", "node", "job"]),
        "clock": st.sampled_from(["powered", "computing"]),
        "lifetime": st.sampled_from([weibull(0.6, 9), weibull(1, 4), weibull(3, 20), "5 d"]),
        "permanent": st.sampled_from([0, 0.2, 1]),
        "detect": duration,
        "repair": st.sampled_from(["0 s", "3 d", {"lognormal": {"median": "1 d", "sigma": 2}}]),
    }
)


def assert_ledgers_hold(seed: int, causes: list[dict], spares: tuple[int, int], restart: object, blocking: str) -> None:
    causes = [cause(**c) | {"cause": f"c{k}"} for k, c in enumerate(causes)]
    q = question(
        horizon="40 d",
        fleet=pool(hot_spares=spares[0], cold_spares=spares[1], failures={"causes": causes}),
        checkpoint={"blocking": blocking, "flush": "10 min"},
        recovery={"restart": restart},
        fabric={"congestion": {"share": 0.1, "slowdown": 2, "bad": "2 h"}},
    )
    result = simulate(q, seed)
    check(result)
    assert simulate(q, seed).fingerprint == result.fingerprint


anything = given(
    seed=st.integers(0, 2**32),
    causes=st.lists(failure, max_size=3),
    spares=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    restart=duration,
    blocking=st.sampled_from(["0 s", "1 s", "20 min"]),
)


@settings(max_examples=100)
@anything
def test_ledgers_sum_and_nodes_are_conserved_in_any_scenario(**example):
    assert_ledgers_hold(**example)


@pytest.mark.prove
@settings(max_examples=2000)
@anything
def test_ledgers_sum_and_nodes_are_conserved_in_very_many_scenarios(**example):
    assert_ledgers_hold(**example)


def test_a_spare_more_never_hurts_with_the_same_failures():
    walls = []
    for spares in range(4):
        lost = cause(lifetime={"exponential": {"mean": "60 d"}}, repair="20 d")
        q = question(fleet=pool(cold_spares=spares, failures={"causes": [lost]}))
        walls.append([simulate(q, 11, k).wall for k in range(20)])
    assert all(np.mean(a) >= np.mean(b) for a, b in pairwise(walls))
    assert np.mean(walls[0]) > np.mean(walls[3])


def test_the_fingerprint_does_not_depend_on_the_hash_seed():
    code = "import sim; print(sim.simulate(sim.load_scenario('deepseek-v3'), 1).fingerprint)"
    prints = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": h}, capture_output=True, check=True
        ).stdout
        for h in ("1", "2")
    }
    assert len(prints) == 1
