"""The job as a whole: what must hold in every run, under every mechanism at once."""

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
from sim.engine.checkpoints import Speed
from sim.engine.progress import ComputingClock, Progress
from sim.results.ledger import DAY, HOUR
from sim.results.run import RunResult
from sim.scenario import Scenario, load_scenario
from tests.engine.bare import (
    CHIPS,
    NODES,
    RATE,
    bare_scenario,
    cause,
    exponential,
    lone,
    pool,
    sawtooth,
    times,
)
from tests.engine.generated import WORK, anything, scenario


def test_without_failures_the_makespan_is_the_work():
    result = simulate(bare_scenario(), 0)
    assert result.finished
    assert result.wall == pytest.approx(WORK, rel=1e-12)
    assert result.metrics["ettr"] == 1.0


def test_the_trace_tells_what_the_job_does_and_when_it_is_through():
    down = pool(failures={"causes": [lone(0, 3, permanent=1, detect="1 h")]}, hot_spares=1)
    recovery = {"restart": "2 h"}
    result = simulate(bare_scenario(fleet=down, recovery=recovery, checkpoint={"interval": "1 d"}))
    states = [(event.what, event.time / DAY) for event in result.trace.events("state")]
    expected = [
        ("detect", 3),
        ("restart", 3 + 1 / 24),
        ("compute", 3 + 3 / 24),
        ("finished", 10 + 3 / 24),
    ]
    assert states[-4:] == [(what, pytest.approx(day)) for what, day in expected]


def test_a_run_that_does_not_finish_is_censored_at_the_horizon_and_keeps_what_is_durable():
    result = simulate(bare_scenario(horizon="5 d", checkpoint={"interval": "7 h"}), 0)
    assert not result.finished
    assert result.wall == pytest.approx(5 * DAY)
    assert result.tokens == pytest.approx(CHIPS * RATE * 17 * 7 * 3600)


def test_a_spare_more_never_hurts_with_the_same_failures():
    walls = []
    for spares in range(4):
        lost = cause(lifetime=exponential(60), repair="20 d")
        q = bare_scenario(fleet=pool(cold_spares=spares, failures={"causes": [lost]}))
        walls.append([simulate(q, 11, k).wall for k in range(20)])
    assert all(np.mean(a) >= np.mean(b) for a, b in pairwise(walls))
    assert np.mean(walls[0]) > np.mean(walls[3])


# What happens at one instant
# ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("clock", ["powered", "computing"])
def test_failures_at_one_instant_are_one_interruption_whatever_the_last_digits(clock):
    """All four nodes each third day; odd starts and restarts make sums of times differ in their
    last digits.
    """
    reboot = cause(lifetime="3 d", hardware=False, clock=clock)
    q = bare_scenario(
        fleet=pool(failures={"causes": [reboot]}),
        recovery={"reschedule": "0.1 s", "restart": "0.1 s"},
    )
    result = simulate(q, 0)
    assert (result.interruptions, sum(result.failures.values())) == (3, 12)
    if clock == "computing":  # and just at a mark of the hour, which holds
        assert result.time["rework"] == pytest.approx(0.0, abs=1e-3)
    apart = [lone(0, 3, hardware=False, clock=clock), lone(1, 3.001, hardware=False, clock=clock)]
    assert simulate(bare_scenario(fleet=pool(failures={"causes": apart})), 0).interruptions == 6


def test_the_goal_is_reached_before_a_failure_at_the_same_instant():
    for days, failures in ((10, 0), (9.999, 1)):
        result = simulate(
            bare_scenario(fleet=pool(failures={"causes": [lone(0, days, hardware=False)]})), 0
        )
        assert (result.finished, sum(result.failures.values())) == (True, failures)


def test_a_checkpoint_is_durable_before_a_failure_at_the_same_instant():
    """The 72nd mark after a start is flushed 72 h 10 min after it, three times over, whatever the
    last digits.
    """
    for minutes, rework in ((10, 1 / 6), (9.9, 1 + 9.9 / 60)):
        reboot = lone(0, 3 + minutes / 1440, hardware=False, restart="0.1 s")
        q = bare_scenario(
            fleet=pool(failures={"causes": [reboot]}),
            checkpoint={"flush": "10 min"},
            horizon="9.5 d",
        )
        result = simulate(q, 0)
        assert result.interruptions == 3
        assert result.time["rework"] / HOUR == pytest.approx(3 * rework)


def test_a_node_returns_before_a_failure_at_the_same_instant():
    """Node 0 is back at 31 h: the planned stop to take it in has begun when node 1 fails, which
    interrupts nothing.
    """
    recovery = {"policy": "drop-replica", "reconfigure": "1 d"}
    reboot = lone(1, 31 / 24, hardware=False, clock="powered")
    down = pool(failures={"causes": [lone(0, 30 / 24, repair="1 h"), reboot]})
    result = simulate(bare_scenario(fleet=down, recovery=recovery, horizon="50 h"), 0)
    assert times(result, "failure", "of-1") == pytest.approx([31 / 24])
    assert (result.planned_stops, result.interruptions, result.time["reconfigure"]) == (1, 1, 0)
    assert result.counts["pool", "active"] == 8 * NODES


def test_a_goal_on_a_mark_costs_no_checkpoint_whatever_the_last_digits():
    """Three periods: two marks on the way. 0.1 * 3 is a little more than 0.3."""
    saw = sawtooth(0.1, blocking=10.0)
    for goal, seconds in ((0.1 * 3, 20.3), (0.3, 20.3), (0.31, 30.31)):
        progress = Progress(goal, saw, ComputingClock())
        assert progress.seconds_to_finish(Speed(1.0, 1.0, 8)) == pytest.approx(seconds)


def test_flaps_and_an_interval_in_steps_leave_the_work_whole():
    """What the ledger calls productive is the work that was asked for, also where a flap moves a
    mark past the goal.
    """
    flaps = {"per_node_day": 2000, "duration": "4 s", "ride_through": "1 min"}
    saving = {"interval": "100 steps", "blocking": "10 min"}
    for k in range(10):
        result = simulate(bare_scenario(fabric={"flaps": flaps}, checkpoint=saving), 0, k)
        assert result.time["stall"] > 0.2 * WORK
        assert result.time["productive"] == pytest.approx(WORK, rel=1e-12)


# Under every mechanism at once
# --------------------------------------------------------------------------------------


def check(q: Scenario, seed: int) -> RunResult:
    """Both ledgers to 1e-9 of their total, every chip in one place, time that never runs back, the
    same run again.
    """
    result = simulate(q, seed)
    assert math.fsum(result.time.values()) == pytest.approx(result.wall, rel=1e-9)
    assert all(seconds >= -1e-9 * result.wall for seconds in result.time.values())
    supplied = sum(
        round(p.active_chips + 8 * (p.hot_spares + p.cold_spares))
        for p in result.scenario.fleet.values()
    )
    assert sum(result.counts.values()) == supplied
    assert math.fsum(result.chip_seconds.values()) == pytest.approx(
        supplied * result.wall, rel=1e-9
    )
    assert all(chips >= 0 for chips in result.counts.values())
    assert all(seconds >= -1e-9 * result.wall for seconds in result.chip_seconds.values())
    assert 0 <= result.tokens <= result.scenario.run.tokens
    assert result.finished or result.wall == pytest.approx(result.scenario.horizon)
    assert result.tokens <= result.plan.tokens_per_s * result.time["productive"] * (1 + 1e-9)
    assert result.interruptions <= sum(result.failures.values())
    moments = [item.time for item in result.trace]
    assert moments == sorted(moments)
    assert all(event.amount >= -1e-9 * result.wall for event in result.trace.events("rework"))
    again = simulate(q, seed)
    assert (again.fingerprint, again.wall, again.time) == (
        result.fingerprint,
        result.wall,
        result.time,
    )
    return result


@settings(max_examples=100)
@given(seed=st.integers(0, 2**32), example=anything)
def test_ledgers_sum_nodes_are_conserved_and_every_run_ends_and_repeats_itself(seed, example):
    check(scenario(example), seed)


@pytest.mark.prove
@settings(max_examples=2000)
@given(seed=st.integers(0, 2**32), example=anything)
def test_that_holds_in_very_many_scenarios(seed, example):
    check(scenario(example), seed)


def test_the_check_notices_a_ledger_that_does_not_sum(monkeypatch):
    from sim.engine.progress import Progress

    advance = Progress.advance
    monkeypatch.setattr(Progress, "advance", lambda *a: tuple(0.999 * part for part in advance(*a)))
    with pytest.raises(AssertionError, match="time ledger"):
        check(bare_scenario(), 0)


def test_the_fingerprint_does_not_depend_on_the_hash_seed():
    code = "import sim; print(sim.simulate(sim.load_scenario('deepseek-v3'), 1).fingerprint)"
    prints = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": h},
            capture_output=True,
            check=True,
        ).stdout
        for h in ("1", "2")
    }
    assert len(prints) == 1


def test_a_measured_rate_takes_the_time_it_says():
    """1e11 tokens at 38,400 a second, whatever is drawn for the step-time model's error."""
    fleet = {"chip": "A100-SXM-80", "chips": 384, "stack": "megatron-lm"}
    rate = {"throughput": {"tokens_per_second_per_chip": 100}}
    run = {"model": "llama-3-70b", "tokens": 1e11, "batch": {"sequences": 384}}
    scenario = load_scenario({"run": run, "fleet": {"pool": fleet | rate}})
    walls = [simulate(scenario, 0, replication).wall for replication in range(3)]
    assert walls == pytest.approx([1e11 / 38_400] * 3, rel=1e-9)
