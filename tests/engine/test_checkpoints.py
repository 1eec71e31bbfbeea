"""Checkpoints: short histories worked out by hand, each beside a changed one."""

from __future__ import annotations

import math

import pytest

from sim.engine import simulate
from sim.engine.checkpoints import daly_interval, sawtooth_of
from sim.errors import InputError
from sim.results.ledger import DAY, HOUR
from sim.scenario.parts import Checkpoint
from sim.throughput import Throughput
from tests.engine.bare import CHIPS, RATE, asked, bare_scenario, cause, hours, lone, pool

MINUTE = 60.0

TIERS = {"interval": "2 h", "memory": {"per_interval": 4, "load": "1 min"}, "load": "10 min"}
FROM_MEMORY = {"productive": 40.0, "rework": 0.25, "restart": 1 / 60}
FROM_STORAGE = {"productive": 40.0, "rework": 1.75, "restart": 10 / 60}


@pytest.mark.parametrize(
    ("keys", "pod", "expected"),
    [
        ({"hardware": False}, 1, FROM_MEMORY),  # host memory survives a reboot
        ({}, 1, FROM_MEMORY),  # node 0 is lost, node 1 has its copy
        ({"scope": "switch"}, 2, FROM_STORAGE),  # both are lost
    ],
)
def test_copies_in_memory_serve_unless_a_node_and_its_peer_are_lost(keys, pod, expected):
    """Marks each half hour, to storage each two hours; a failure at 25.75 h. Without the tier 1.75
    h would be lost.
    """
    result = asked([lone(0, 25.75 / 24, **keys)], hours=40, checkpoint=TIERS, fabric={"pod": pod})
    assert hours(result) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (0, 1, FROM_STORAGE),  # a pair, lost one after the other
        (1, 2, FROM_MEMORY),  # one of each of two pairs
    ],
)
def test_a_pair_may_be_lost_one_after_the_other(first, second, expected):
    """The second node fails during the restart after the first, a minute long; it costs no load of
    its own.
    """
    causes = [
        lone(first, 25.75 / 24),
        lone(second, 25.751 / 24, clock="powered", nodes=lone(second, 1)["nodes"]),
    ]
    result = asked(causes, hours=40, checkpoint=TIERS)
    assert result.interruptions == 1
    assert result.time["rework"] / HOUR == pytest.approx(expected["rework"])


def test_copies_are_restored_at_the_next_mark():
    """Node 0 fails at 25.75 h and node 1 an hour later: the copies of both are whole again by then."""
    causes = [lone(0, 25.75 / 24), lone(1, 26.8 / 24)]
    result = asked(causes, hours=40, checkpoint=TIERS)
    assert hours(result) == pytest.approx(
        {"productive": 40.0, "rework": 0.25 + 0.05, "restart": 2 / 60}
    )


def test_blocking_counts_by_tier():
    """Ten hours: marks each half hour, 19 before the end, every fourth to storage."""
    tier = {
        "interval": "2 h",
        "blocking": "5 min",
        "memory": {"per_interval": 4, "blocking": "6 s"},
    }
    result = asked([], hours=10, checkpoint=tier)
    assert result.time["checkpoint"] == pytest.approx(4 * 5 * MINUTE + 15 * 6)


def test_the_size_of_the_state_and_the_bandwidth_of_the_storage_give_flush_and_load_their_times():
    saved = asked(
        [lone(0, 25.5 / 24, hardware=False)], hours=40, checkpoint={"bandwidth": "10 MB/s"}
    )
    constants = saved.scenario.constants
    transfer = 1e9 * (constants.element + constants.optimizer) / 1e7
    assert 60 < transfer < 1800
    assert hours(saved) == pytest.approx(
        {"productive": 40.0, "rework": 0.5, "restart": transfer / HOUR}
    )
    given = asked(
        [lone(0, 25.5 / 24, hardware=False)],
        hours=40,
        checkpoint={"bandwidth": "10 MB/s", "load": "1 h"},
    )
    assert given.time["restart"] == pytest.approx(HOUR)


def test_an_interval_in_steps_counts_steps():
    """A step of 512 × 2,048 tokens: 100 of them take 9.1 h; after a failure at 20 h they start anew
    at 18.2 h.
    """
    step = 512 * 2048 / (CHIPS * RATE) / HOUR
    result = asked(
        [lone(0, 20 / 24, hardware=False)],
        hours=38,
        checkpoint={"interval": "100 steps", "blocking": "1 min"},
    )
    done = 200 * step
    assert result.time["rework"] / HOUR == pytest.approx(20 - 2 / 60 - done)
    assert result.time["checkpoint"] == pytest.approx(
        MINUTE * (2 + math.floor((38 - done) / (100 * step)))
    )


@pytest.mark.parametrize(("keep_batch", "marks"), [(False, 6), (True, 4)])
def test_an_interval_in_steps_counts_those_of_a_smaller_batch(keep_batch, marks):
    """A24: with three of four replicas 100 steps of the smaller batch take 9.1 h as before, but
    there were marks every 133 steps only. With the whole batch they take 12.1 h.
    """
    step = 512 * 2048 / (CHIPS * RATE) / HOUR
    result = asked(
        [lone(0, 1 / 24, permanent=1)],
        hours=1e6,
        horizon=f"{1 + 620 * step} h",
        pool={"layout": {"tensor": 8}},
        checkpoint={"interval": "100 steps", "blocking": "1 min"},
        recovery={"policy": "drop-replica", "keep_batch": keep_batch},
    )
    assert result.time["checkpoint"] == pytest.approx(MINUTE * marks)


def saw(**keys):
    settled = bare_scenario(checkpoint=keys).resolve(0, 0)
    plan = Throughput(settled.run, settled.fleet, settled.mixing).full
    return sawtooth_of(
        settled.checkpoint, settled.run, plan, settled.constants, keys.pop("rate", 1 / HOUR)
    )


def test_the_optimal_interval_is_dalys_but_no_shorter_than_the_flush():
    assert saw(interval="optimal", blocking="60 s").period == pytest.approx(
        daly_interval(60.0, 1 / HOUR)
    )
    assert saw(interval="optimal", blocking="60 s", flush="1 h").period == pytest.approx(HOUR + 60)
    assert saw(interval="optimal").period == pytest.approx(
        512 * 2048 / (CHIPS * RATE)
    )  # a step, if saving is free
    # The series of Daly: sqrt(2 x 60 x 3600) (1 + sqrt(60 / 7200) / 3 + 60 / (18 x 3600)) - 60.
    assert daly_interval(60.0, 1 / HOUR) == pytest.approx(617.8756, abs=1e-4)
    assert daly_interval(60.0, 0.0) == math.inf
    assert daly_interval(7200.0, 1 / HOUR) == HOUR  # δ ≥ 2M: the mean time between failures


def test_the_engine_uses_the_optimal_interval_of_the_whole_job():
    causes = [cause(hardware=False, per_1000_node_days=500)]
    interval = daly_interval(60.0, 4 * 0.5 / DAY)
    chosen, given = (
        simulate(
            bare_scenario(
                fleet=pool(failures={"causes": causes}),
                checkpoint={"interval": i, "blocking": "60 s"},
            ),
            3,
        )
        for i in ("optimal", f"{interval} s")
    )
    assert chosen.fingerprint == given.fingerprint
    assert chosen.interruptions > 5


def test_a_checkpoint_that_is_not_durable_before_the_next_is_refused():
    with pytest.raises(InputError, match="durable"):
        saw(interval="100 steps", flush="10 h")
    assert saw(interval="100 steps", flush="9 h").flush == 9 * HOUR


def test_the_final_checkpoint_counts_as_one_and_can_be_interrupted():
    """Ten hours of work, then 15 min to write; a failure at 10.1 h falls back to the mark of 9 h."""
    final = {"interval": "1 h", "blocking": "5 min", "flush": "10 min", "final": True}
    assert hours(asked([], hours=10, checkpoint=final)) == pytest.approx(
        {"productive": 10.0, "checkpoint": 1.0}
    )
    down = lone(0, (10.75 + 0.1) / 24, hardware=False)
    result = asked([down], hours=10, checkpoint=final)
    assert hours(result) == pytest.approx(
        {"productive": 10.0, "checkpoint": 0.75 + 0.1 + 0.25, "rework": 1.0}
    )
    assert result.finished
    assert asked([], hours=10, checkpoint=final | {"final": False}).wall / HOUR == pytest.approx(
        10.75
    )


@pytest.mark.parametrize("hour", [9.8, 10.8, 10.9])
def test_a_final_checkpoint_is_as_long_if_a_spare_fails_meanwhile(hour):
    """At 9.8 h the job computes, at 10.8 h it blocks for its last checkpoint, at 10.9 h it waits."""
    final = {"interval": "1 h", "blocking": "5 min", "flush": "10 min", "final": True}
    spare = lone(4, hour / 24, clock="powered")
    result = asked([spare], hours=10, checkpoint=final, pool={"hot_spares": 1})
    assert result.failures == {"of-4": 1}
    assert hours(result) == pytest.approx({"productive": 10.0, "checkpoint": 1.0})


def test_checkpoint_keys_have_sensible_defaults():
    assert (Checkpoint().blocking, Checkpoint().flush, Checkpoint().final) == (0.0, None, False)


@pytest.mark.parametrize(
    ("keys", "loads"),
    [({}, 2 * FROM_MEMORY["restart"]), ({"rollback_steps": 1}, 2 * FROM_STORAGE["restart"])],
)
def test_copies_of_what_was_thrown_away_are_not_restored(keys, loads):
    """The second failure comes a tenth of an hour after the restart, before the next copy."""
    causes = [lone(0, 25.75 / 24, hardware=False, **keys), lone(2, 25.85 / 24, hardware=False)]
    result = asked(causes, hours=40, checkpoint=TIERS)
    assert result.interruptions == 2
    assert hours(result)["restart"] == pytest.approx(loads)
