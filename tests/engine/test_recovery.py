"""Detection, restart, checkpoints and policies: short histories worked out by hand, each beside a
changed one.
"""

from __future__ import annotations

import pytest

from sim.engine import simulate
from sim.results.ledger import DAY, HOUR
from sim.scenario import load_scenario
from sim.throughput import Throughput, planned
from tests.engine.bare import (
    CHIPS,
    asked,
    cause,
    hours,
    lone,
    moves_to,
    times,
)

MINUTE = 60.0


# Detection, restart, wait
# -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("later", "interruptions", "detect", "restart", "rework"),
    [
        ("5 min", 1, 10, 60, 30),  # while the first is being detected: no more time
        (
            "15 min",
            1,
            20,
            65,
            30,
        ),  # five minutes into the restart: detection and a full restart again
        (
            "80 min",
            2,
            20,
            120,
            40,
        ),  # ten minutes into the work after it: an interruption of its own
    ],
)
def test_a_second_failure_costs_what_the_phase_says_in_which_it_strikes(
    later, interruptions, detect, restart, rework
):
    minutes = {"5 min": 5, "15 min": 15, "80 min": 80}[later]
    keys = {"clock": "powered", "hardware": False, "detect": "10 min"}
    causes = [lone(0, 24.5 / 24, **keys), lone(1, (24.5 + minutes / 60) / 24, **keys)]
    result = asked(causes, hours=30, recovery={"restart": "1 h"})
    assert sum(result.failures.values()) == 2
    assert result.interruptions == interruptions
    lost = {"detect": detect / 60, "restart": restart / 60, "rework": rework / 60}
    assert hours(result) == pytest.approx({"productive": 30.0} | lost)


@pytest.mark.parametrize(("repair", "wait"), [("12 h", 13.5), ("2 h", 10.0)])
def test_a_failure_while_waiting_only_lengthens_the_wait(repair, wait):
    """Node 0 is in repair from 24.5 h to 34.5 h, node 1 from 26 h on."""
    causes = [lone(0, 24.5 / 24, repair="10 h"), lone(1, 26 / 24, repair=repair, clock="powered")]
    result = asked(causes, hours=30)
    assert result.interruptions == 1
    assert hours(result) == pytest.approx({"productive": 30.0, "wait": wait, "rework": 0.5})


def test_a_failing_node_that_is_replaced_while_waiting_restarts_the_job_once():
    result = asked(
        [lone(0, 24.5 / 24, repair="10 h")],
        hours=30,
        recovery={"restart": "30 min"},
        pool={"cold_spares": 1},
    )
    assert hours(result) == pytest.approx({"productive": 30.0, "restart": 0.5, "rework": 0.5})


def test_restarts_grow_with_the_job_and_a_cause_may_have_its_own():
    recovery = {"restart": "10 min", "restart_scaling": {"chips": 8, "exponent": 0.5}}
    common = asked([lone(0, 1.02, hardware=False)], hours=30, recovery=recovery)
    assert common.time["restart"] == pytest.approx(10 * MINUTE * 2)
    own = asked([lone(0, 1.02, hardware=False, restart="1 h")], hours=30, recovery=recovery)
    assert own.time["restart"] == pytest.approx(60 * MINUTE * 2)


# Faults found late
# --------------------------------------------------------------------------------------------------


def silent(**keys) -> dict:
    """Node 0 corrupts the training at 30.5 h, found 5 h later."""
    return lone(0, 30.5 / 24, silent=True, detect="5 h", **keys)


def test_silent_corruption_loses_the_work_back_to_a_checkpoint_begun_before_it():
    result = asked([silent()])
    assert hours(result) == pytest.approx({"productive": 45.0, "rework": 5.5})
    assert result.interruptions == 1
    loud = asked([lone(0, 30.5 / 24, detect="5 h")])
    assert hours(loud) == pytest.approx({"productive": 45.0, "rework": 0.5, "detect": 5.0})


def test_what_was_corrupted_is_not_mended_by_a_failure_that_falls_back_to_a_later_checkpoint():
    """At 32.25 h another failure falls back to 32 h; at 35.5 h, 35.25 h of work are there, of which
    30 are clean.
    """
    for node in (0, 1):
        result = asked([silent(), lone(node, 32.25 / 24, cause="other")], hours=45)
        assert hours(result) == pytest.approx({"productive": 45.0, "rework": 0.25 + 5.25}, abs=1e-3)
        assert result.interruptions == 2


def test_a_job_that_falls_back_behind_the_corruption_is_spoilt_again_by_the_chip_that_is_there():
    """At 30.75 h a software failure falls back to 30 h: what is trained from then on is spoilt."""
    result = asked([silent(), lone(1, 30.75 / 24, hardware=False)])
    assert times(result, "found") == pytest.approx([35.5 / 24])
    assert result.interruptions == 2
    assert hours(result) == pytest.approx({"productive": 45.0, "rework": 0.75 + 4.75})


def test_a_job_that_falls_back_behind_the_corruption_of_a_node_that_has_left_is_clean():
    """At 30.75 h the node fails for good to see, and whoever repairs it finds the other fault."""
    result = asked([silent(), lone(0, 30.75 / 24, cause="other")])
    assert times(result, "found") == []
    assert hours(result) == pytest.approx({"productive": 45.0, "rework": 0.75}, abs=1e-3)


def test_a_hidden_fault_of_a_spare_is_found_and_repaired():
    """Node 4 is a hot spare: its fault at 20 h is found at 25 h and interrupts nothing."""
    fault = lone(4, 20 / 24, clock="powered", silent=True, detect="5 h", repair="2 h")
    result = asked([fault], hours=39, pool={"hot_spares": 1})
    assert times(result, "found") == pytest.approx([25 / 24])
    assert [day for day, _ in moves_to(result, "repair")] == pytest.approx([25 / 24])
    assert (result.interruptions, result.hidden_faults) == (0, 0)
    assert hours(result) == pytest.approx({"productive": 39.0})


def test_a_spare_with_a_hidden_fault_takes_it_into_the_job():
    """It replaces node 0 at 22 h and corrupts what is trained from then on, until 25 h."""
    fault = lone(4, 20 / 24, clock="powered", silent=True, detect="5 h")
    spares = {"hot_spares": 1, "cold_spares": 1}
    result = asked([fault, lone(0, 22 / 24, repair="50 h")], pool=spares)
    assert result.interruptions == 2
    assert hours(result) == pytest.approx({"productive": 45.0, "rework": 3.0})


def test_a_fault_that_is_never_found_is_counted_at_the_end():
    result = asked([silent(), lone(1, 31 / 24, slowdown=1.1, detect="90 d")], hours=33)
    assert (sum(result.failures.values()), result.hidden_faults) == (2, 2)


def test_a_found_fault_of_a_node_that_the_degraded_job_left_out_sends_it_to_repair():
    """One of two replicas is lost at 10 h: node 1 stands by, slow, until it is found at 16 h."""
    pair = {"layout": {"tensor": 8, "pipeline": 2}, "hot_spares": 0}
    slow = lone(1, 9 / 24, slowdown=1.5, detect="7 h", repair="3 h")
    lost = lone(0, 10 / 24, repair="60 h")
    result = asked([slow, lost], recovery={"policy": "drop-replica"}, pool=pair)
    assert (16 / 24, 1) in [(pytest.approx(day), node) for day, node in moves_to(result, "repair")]
    assert times(result, "found") == pytest.approx([16 / 24])


# Nodes that come back between two states
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [1, 5, 9, 11, 15, 60])
def test_a_node_that_comes_back_while_the_degraded_job_restarts_joins_it(minutes):
    """Ten minutes of restart; the node joins at their end, or when it is back, whatever is later."""
    lost = lone(0, 30.5 / 24, repair=f"{minutes} min")
    result = asked([lost], hours=40, recovery={"policy": "drop-replica", "restart": "10 min"})
    assert result.planned_stops == 1
    degraded = max(minutes - 10, 0) / 60  # 22 micro-batches a chip in place of 16
    spent = {"productive": 40 + degraded * (1 - 16 / 22), "rework": 0.5, "restart": 1 / 6}
    assert hours(result) == pytest.approx(spent)


def test_corruption_makes_copies_in_memory_useless():
    tier = {"interval": "2 h", "memory": {"per_interval": 4, "load": "1 min"}, "load": "10 min"}
    result = asked([silent(hardware=False)], checkpoint=tier)
    assert hours(result) == pytest.approx({"productive": 45.0, "rework": 5.5, "restart": 10 / 60})


def straggler(**keys) -> dict:
    """Node 0 is slow from 30 h on, found 6 h later."""
    return lone(0, 30 / 24, slowdown=1.5, detect="6 h", **keys)


SLOW_SAVE = {"interval": "1 h", "flush": "6 min"}


def test_a_straggler_slows_every_step_until_it_is_found_and_evicted_after_a_checkpoint():
    result = asked(
        [straggler()], checkpoint=SLOW_SAVE, recovery={"restart": "30 min"}, pool={"hot_spares": 1}
    )
    assert hours(result) == pytest.approx(
        {"productive": 45.0, "stall": 2.0, "checkpoint": 0.1, "restart": 0.5}
    )
    assert (result.interruptions, result.planned_stops) == (0, 1)
    at_once = asked([straggler() | {"detect": "0 s"}], checkpoint=SLOW_SAVE)
    assert at_once.time["stall"] == pytest.approx(0.0, abs=1e-6)


def test_a_failure_while_a_straggler_is_evicted_voids_the_checkpoint():
    """At 36.05 h the checkpoint begun at 36 h is not durable: back to that of 35 h, with 33⅓ of 34
    h of work.
    """
    causes = [straggler(), lone(1, 36.05 / 24, hardware=False, clock="powered", detect="12 min")]
    result = asked(causes, hours=45, checkpoint=SLOW_SAVE)
    lost = {"rework": 2 / 3, "checkpoint": 0.05, "detect": 0.2}
    assert hours(result) == pytest.approx({"productive": 45.0, "stall": 2.0} | lost)


def test_a_second_straggler_found_while_the_first_is_evicted_costs_no_work():
    """Found three minutes into the checkpoint of 6 min: both leave when it is durable."""
    second = lone(1, 30 / 24, slowdown=1.5, detect="6.05 h")
    result = asked([straggler(), second], checkpoint=SLOW_SAVE, recovery={"restart": "30 min"})
    assert hours(result) == pytest.approx(
        {"productive": 45.0, "stall": 2.0, "checkpoint": 0.1, "restart": 0.5}
    )
    assert (result.interruptions, result.planned_stops) == (0, 1)


@pytest.mark.parametrize(("second", "load"), [(1, 10), (2, 1)])
def test_stragglers_that_leave_take_their_copies_in_memory_along(second, load):
    """Two leave at one stop: of a pair nothing is left to restart from but the storage."""
    tier = SLOW_SAVE | {"memory": {"per_interval": 4, "load": "1 min"}, "load": "10 min"}
    late = lone(second, 30 / 24, slowdown=1.5, detect="6.05 h")
    result = asked([straggler(), late], checkpoint=tier, pool={"hot_spares": 2})
    assert result.planned_stops == 1
    assert result.time["restart"] / MINUTE == pytest.approx(load)


def test_a_horizon_within_a_planned_stop_takes_no_node_in():
    """Node 0 is back at 40.5 h, and the checkpoint is not durable at 40.55 h."""
    lost = [lone(0, 30.5 / 24, repair="10 h")]
    result = asked(lost, 60, checkpoint=SLOW_SAVE, recovery=REJOIN, horizon="40.55 h")
    assert result.counts["pool", "active"] == 24


def test_the_scheduler_chooses_once_there_are_enough_nodes():
    """Of two lost nodes one is back at 34.5 h and one, by an earlier repair, five minutes later."""
    causes = [lone(n, 30.5 / 24, repair=r) for n, r in ((0, "4 h"), (1, "245 min"))]
    result = asked(causes, hours=40, recovery={"reschedule": "10 min"})
    assert result.selections == 2
    assert result.time["restart"] == pytest.approx(20 * MINUTE)


def test_a_straggler_that_fails_takes_its_slowness_along():
    """Slow from 30 h on, for ten hours or, if another node fails, for the 27 h that the last 18 h
    of work take.
    """
    for node, stall in ((0, 10 / 3), (1, 9.0)):
        slow = straggler() | {"detect": "30 h"}
        result = asked([slow, lone(node, 40 / 24, cause="other")], hours=48)
        assert result.time["stall"] / HOUR == pytest.approx(stall, rel=1e-4), node


# Policies -----------------------------------------------------------------------------------------
# ------------------

DIVISIBLE = {"batch": {"sequences": 480}}
REJOIN = {"policy": "drop-replica", "reconfigure": "24 min"}


def test_dropping_a_replica_goes_on_at_the_rate_of_those_that_are_left_and_rejoining_costs():
    """Three of four nodes from 30.5 h to 40.5 h; then 6 min to save, 24 to reconfigure, and all of
    them.
    """
    result = asked(
        [lone(0, 30.5 / 24, repair="10 h")],
        60,
        checkpoint=SLOW_SAVE,
        recovery=REJOIN,
        run=DIVISIBLE,
    )
    assert result.wall / HOUR == pytest.approx(41 + 60 - 37.5)
    lost = {"rework": 0.5, "checkpoint": 0.1, "reconfigure": 0.4}
    assert hours(result) == pytest.approx({"productive": 62.5} | lost)
    assert result.metrics["gpu_hours_computing"] == pytest.approx(60 * CHIPS)
    assert (result.interruptions, result.planned_stops) == (1, 1)
    waiting = asked([lone(0, 30.5 / 24, repair="10 h")], 60, checkpoint=SLOW_SAVE, run=DIVISIBLE)
    assert hours(waiting) == pytest.approx({"productive": 60.0, "rework": 0.5, "wait": 10.0})


@pytest.mark.parametrize(("keep", "rate"), [(True, 16 / 22), (False, 0.75)])
def test_a_batch_kept_whole_comes_in_whole_micro_batches(keep, rate):
    """512 sequences on 24 ranks are 22 for the busiest in place of 16; a smaller batch leaves each
    its 16.
    """
    recovery = REJOIN | {"keep_batch": keep, "reconfigure": "0 s"}
    result = asked([lone(0, 30.5 / 24, repair="10 h")], 60, recovery=recovery)
    assert result.wall / HOUR == pytest.approx(40.5 + 60 - 30 - 10 * rate)


def test_a_node_that_returns_while_the_job_is_down_rejoins_with_the_restart():
    """Degraded from 30.5 h; down from 40.25 to 41.25 h, when node 0 is back: whole again without a
    planned stop.
    """
    software = lone(1, 40.25 / 24, hardware=False, clock="powered", detect="1 h")
    result = asked(
        [lone(0, 30.5 / 24, repair="10 h"), software], 60, recovery=REJOIN, run=DIVISIBLE
    )
    assert result.planned_stops == 0
    assert result.counts["pool", "active"] == CHIPS
    assert result.wall / HOUR == pytest.approx(41.25 + 60 - 36.75)
    assert result.metrics["gpu_hours_computing"] == pytest.approx(60 * CHIPS)


def test_work_thrown_away_takes_the_chips_along_that_did_it():
    """A11: node 0 corrupts at 30.5 h, and is found at 55.5 h, twice in other company since.

    Three nodes from 32.25 to 42.25 h and from 50.25 h on: what is thrown away was done by both.
    """
    causes = [
        lone(0, 30.5 / 24, silent=True, detect="25 h"),
        lone(1, 32.25 / 24, repair="10 h"),
        lone(2, 50.25 / 24, repair="100 h", clock="powered"),
    ]
    result = asked(causes, 60, recovery=REJOIN, run=DIVISIBLE)
    assert result.time["rework"] > 24 * HOUR
    assert result.metrics["gpu_hours_computing"] == pytest.approx(60 * CHIPS)


def test_a_failure_while_saving_to_rejoin_is_one():
    """Node 0 is back at 40 h; at 40.05 h the checkpoint is not written: back to that of 39.5 h,
    35.75 h of work.
    """
    software = lone(1, 40.05 / 24, hardware=False, clock="powered", detect="12 min")
    recovery = REJOIN | {"restart": "30 min"}
    causes = [lone(0, 30.0 / 24, repair="10 h"), software]
    result = asked(causes, 60, checkpoint=SLOW_SAVE, recovery=recovery, run=DIVISIBLE)
    lost = {"checkpoint": 0.05, "detect": 0.2, "restart": 1.0, "rework": 1.0 + 0.5}
    assert hours(result) == pytest.approx({"productive": 29 + 9 + 24.25} | lost)
    assert result.metrics["gpu_hours_computing"] == pytest.approx(60 * CHIPS)


def test_a_replica_is_dropped_at_once_and_a_second_one_as_well():
    causes = [lone(0, 30 / 24, repair="90 d"), lone(1, 40 / 24, repair="90 d")]
    result = asked(causes, 60, recovery=REJOIN, run=DIVISIBLE)
    assert result.wall / HOUR == pytest.approx(40 + (60 - 37.5) / 0.5)
    assert result.interruptions == 2


def test_a_job_that_cannot_run_at_all_waits_whatever_the_policy():
    causes = [lone(node, 30 / 24, repair="5 h") for node in range(4)]
    result = asked(causes, recovery=REJOIN, run=DIVISIBLE)
    assert hours(result) == pytest.approx({"productive": 45.0, "wait": 5.0})


@pytest.mark.parametrize("policy", ["drop-replica", "re-route", "re-plan"])
def test_losing_one_node_of_deepseek_v3_halves_it_unless_its_layout_is_planned_anew(policy):
    """Experts spread over 64 ranks of 16 stages make 1,024 chips one replica; the 255 nodes left
    hold one.

    Re-routing its micro-batches to the only peer left helps little; a layout of fewer stages uses
    nearly all of them.
    """
    start, dead = 10.0, cause(nodes=[0.0, 1e-6], lifetime="10 d", clock="computing", permanent=1)
    q = load_scenario("deepseek-v3").override(
        {
            "horizon": "1 yr",
            "run.phases": None,
            "fleet.good.failures": {"causes": [dead]},
            "fleet.good.hot_spares": 0,
            "fleet.good.cold_spares": 0,
            "fabric": {},
            "checkpoint": {"interval": "1 h"},
            "recovery": {"policy": policy},
        }
    )
    result, settled = simulate(q, 0, fixed_inputs=True), q.resolve(0, 0, fixed=True)
    pools = planned(settled.run, settled.fleet, settled.mixing, settled.constants)
    fleet = Throughput(settled.run, pools, settled.mixing, constants=settled.constants)
    degraded = fleet.plan({"good": 255}, policy)
    left = 14.8e12 - fleet.full.tokens_per_s * start * DAY
    assert result.wall == pytest.approx(start * DAY + left / degraded.tokens_per_s, rel=1e-9)
    dropped = fleet.plan({"good": 255}).tokens_per_s / fleet.full.tokens_per_s
    assert dropped == pytest.approx(0.5, abs=0.04)
    gain = degraded.tokens_per_s / fleet.plan({"good": 255}).tokens_per_s
    assert {"drop-replica": gain == 1, "re-route": 1 < gain < 1.1, "re-plan": 1.5 < gain < 2}[
        policy
    ]
