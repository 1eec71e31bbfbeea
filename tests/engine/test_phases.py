"""Phases of a run: exact times, what is lost over a boundary, and chips that leave and come."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.engine import simulate
from sim.errors import InputError
from sim.results.ledger import DAY, HOUR
from sim.results.run import RunResult
from sim.scenario import Scenario, load_scenario
from sim.scenario.phases import phases
from sim.throughput import Throughput
from tests.engine.bare import CHIPS, NODES, PLAIN, RATE, bare_scenario, lone, pool
from tests.engine.generated import WORK, anything, scenario

TOKENS = WORK * CHIPS * RATE
"""Of the bare run: ten days of all chips."""
HALF = {"pool": {"throughput": {"tokens_per_second_per_chip": RATE / 2}}}
SLOW = {"until": "20 %", "fleet": HALF}
"""A fifth of the tokens at half the speed: four days, and eight at the whole."""


def phased(*listed: dict[str, Any], **changes: Any) -> Scenario:
    return bare_scenario(**changes).override({"run.phases": list(listed)})


def ends(result: RunResult) -> list[tuple[str, float]]:
    """The phases that were entered, each with its day."""
    return [(event.name, event.time / DAY) for event in result.trace.events("phase")]


def test_two_phases_take_the_sum_of_their_times():
    result = simulate(phased(SLOW, horizon="30 d"))
    assert result.wall == pytest.approx(12 * DAY, rel=1e-12)
    assert ends(result) == [("1", pytest.approx(4.0, rel=1e-12))]
    assert (result.planned_stops, result.selections) == (0, 1)
    assert result.metrics["phase.0_end_days"] == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("until", "days"),
    [(0.2 * TOKENS, 4.0), ("20 %", 4.0), ("2024-01-04", 3.0), ("100 steps", None)],
)
def test_a_phase_ends_at_tokens_a_share_steps_or_a_date(until, days):
    q = phased(SLOW | {"until": until}, horizon="30 d")
    step = q.run.batch.sequences * q.run.model.sequence
    days = days or 100 * step / (CHIPS * RATE / 2) / DAY
    result = simulate(q)
    assert ends(result) == [("1", pytest.approx(days, rel=1e-9))]
    assert result.wall == pytest.approx((days + 10 - days / 2) * DAY, rel=1e-9)


def test_a_batch_ramp_takes_its_steps_at_their_step_times():
    """The report of DeepSeek-V3 gives the ends of the ramp; every step takes what `Throughput` says."""
    ramp = [
        {"until": "469e9", "batch": {"sequences": 3072}},
        {"until": "45000 steps", "batch": {"sequences": 7680}},
    ]
    q = load_scenario("deepseek-v3").override(
        {
            "run.phases": ramp,
            "run.tokens": 1e12,
            "checkpoint": {"interval": "1 h"},
            "fleet.good.failures": {"causes": []},
            "fabric": {},
        }
    )
    small, middle, large = (
        Throughput(p.run, p.fleet, p.mixing, constants=p.resolve(0, 0, fixed=True).constants).full
        for p in phases(q.resolve(0, 0, fixed=True))
    )
    first = 469e9 / (3072 * 4096)
    between = 45000 - first
    last = (1e12 - 469e9 - between * 7680 * 4096) / (15360 * 4096)
    exact = first * small.step_seconds + between * middle.step_seconds + last * large.step_seconds
    result = simulate(q, fixed_inputs=True)
    assert result.wall == pytest.approx(exact, rel=1e-9)
    assert small.tokens_per_s < middle.tokens_per_s < large.tokens_per_s


def test_what_is_lost_over_a_boundary_is_trained_again_at_its_own_speed():
    """The first phase ends on day 4, 1.4 h after its last mark, and half an hour later a node fails:
    both are lost, and the first 1.4 h take 1.4 h again, as they belong to the slow phase.
    """
    reboot = lone(0, 4 + 0.5 / 24, hardware=False)
    q = phased(
        SLOW,
        horizon="6 d",
        checkpoint={"interval": "2.2 h"},
        fleet=pool(failures={"causes": [reboot]}),
    )
    result = simulate(q)
    before = 4 * 24 - 43 * 2.2
    assert result.time["rework"] / HOUR == pytest.approx(before + 0.5)
    again = 4 + (0.5 + before) / 24
    entered = [("1", 4.0), ("0", 4 + 0.5 / 24), ("1", again)]
    assert ends(result) == [(name, pytest.approx(day)) for name, day in entered]
    assert result.metrics["phase.0_end_days"] == pytest.approx(again)


def test_a_run_that_never_ends_its_phase_ends_it_at_its_own_end():
    assert simulate(phased(SLOW, horizon="3 d")).metrics["phase.0_end_days"] == 3.0


def test_an_interval_goes_on_over_a_boundary_unless_it_is_another():
    """The first phase ends 1 h after its nineteenth mark of 5 h; the second takes 192 h."""
    for change, marks in (({}, 19 + 38), ({"checkpoint": {"interval": "7 h"}}, 19 + 27)):
        saving = {"interval": "5 h", "blocking": "1 min"}
        result = simulate(phased(SLOW, change, horizon="30 d", checkpoint=saving))
        assert result.time["checkpoint"] == pytest.approx(60.0 * marks)


@pytest.mark.parametrize("spares", [0, 3])
def test_a_fleet_that_grows_begins_with_a_planned_stop(spares):
    """Half the nodes until day 5 do a quarter of the work; the stop takes a minute to save and an
    hour to restart.
    """
    small = {"nodes": NODES // 2, "hot_spares": spares}
    q = phased(
        {"until": "2024-01-06", "fleet": {"pool": small}},
        horizon="30 d",
        checkpoint={"blocking": "1 min", "interval": "100 d"},
        recovery={"restart": "1 h", "reschedule": "30 min"},
    )
    result = simulate(q)
    trained = (5 * DAY - HOUR / 2) / 2
    wall = 5 * DAY + 60 + 1.5 * HOUR + WORK - trained
    assert result.wall == pytest.approx(wall, rel=1e-9)
    assert (result.planned_stops, result.interruptions, result.selections) == (1, 0, 2)
    assert result.counts["pool", "active"] == CHIPS
    assert result.counts.get(("pool", "hot_spare"), 0) == 0
    arrivals = result.trace.events("arrival")
    assert sum(event.amount for event in arrivals) == CHIPS // 2 - 8 * spares
    held = 8 * (NODES // 2 + spares) * 5 * DAY + CHIPS * (wall - 5 * DAY)
    late = 60 * 8 * (NODES // 2 + spares - NODES)
    assert result.metrics["gpu_hours_allocated"] * HOUR == pytest.approx(held + late, rel=1e-6)


def test_a_fleet_that_shrinks_lets_its_spares_go_first_and_those_under_repair_later():
    """Three of four nodes and no spare are left from day 1; of two spares one has stepped in for
    node 0, which comes back on day 3 and leaves at once.
    """
    broken = lone(0, 0.5, repair="2.5 d")
    q = phased(
        {"until": "2024-01-02", "fleet": {"pool": {"hot_spares": 2}}},
        {"fleet": {"pool": {"nodes": 3}}},
        horizon="30 d",
        fleet=pool(failures={"causes": [broken]}),
    )
    result = simulate(q)
    gone = [(event.time / DAY, event.amount) for event in result.trace.events("arrival")]
    assert gone == [(1.0, -8), (1.0, -8), (pytest.approx(3.0), -8)]
    assert result.counts["pool", "active"] == 24


def test_pools_can_take_turns():
    """The old cluster goes on the day the new one comes, and nothing is lost."""
    plain = PLAIN["fleet"]["pool"]
    q = phased(
        {"until": "2024-01-05", "fleet": {"new": {"nodes": 0}}},
        {"fleet": {"old": {"nodes": 0}}},
        horizon="30 d",
        fleet={"old": plain, "new": plain, "pool": None},
    )
    result = simulate(q)
    assert result.wall == pytest.approx(WORK, rel=1e-9)
    moved = [(event.pool, event.amount) for event in result.trace.events("arrival")]
    assert sorted(moved) == [("new", 8)] * NODES + [("old", -8)] * NODES
    assert result.counts["new", "active"] == CHIPS
    assert result.counts.get(("old", "active"), 0) == 0


def test_a_job_that_waits_takes_the_chips_of_a_phase_on_their_date():
    broken = lone(0, 1, repair="20 d")
    q = phased(
        {"until": "2024-01-04"},
        {"fleet": {"pool": {"hot_spares": 1}}},
        horizon="30 d",
        fleet=pool(failures={"causes": [broken]}),
    )
    result = simulate(q)
    assert result.time["wait"] == pytest.approx(2 * DAY)
    assert ends(result) == [("1", 3.0)]
    assert result.planned_stops == 0


def test_a_date_that_has_passed_and_a_position_behind_are_empty_phases():
    q = phased(
        {"until": "2023-12-01", "fleet": HALF}, SLOW, {"until": "2024-01-02"}, horizon="30 d"
    )
    result = simulate(q)
    assert [name for name, _ in ends(result)] == ["1", "3"]
    assert result.metrics["phase.0_end_days"] == 0.0
    assert result.wall == pytest.approx(12 * DAY)


def test_a_policy_can_change():
    """While the job waits nothing changes; on day 3 it goes on with half its nodes."""
    broken = lone(0, 1, repair="20 d")
    q = phased(
        {"until": "2024-01-04"},
        {"recovery": {"policy": "drop-replica"}},
        horizon="40 d",
        fleet=pool(failures={"causes": [broken]}),
    )
    result = simulate(q)
    assert result.time["wait"] == pytest.approx(2 * DAY)
    assert ends(result) == [("1", 3.0)]


def test_a_spare_that_a_phase_does_not_want_is_idle():
    """Of five nodes two replicas of two train; the fifth is a hot spare, and then none."""
    pairs = pool(layout={"pipeline": 2, "tensor": 8}, hot_spares=1)
    later = {"fleet": {"pool": {"nodes": 5, "hot_spares": 0}}}
    result = simulate(phased({"until": "2024-01-03"}, later, horizon="5 d", fleet=pairs))
    counts = {place: chips for (_, place), chips in result.counts.items() if chips}
    assert counts == {"active": 32, "idle": 8}
    assert result.metrics["chips.idle_days"] == pytest.approx(8 * 3)


def test_nodes_that_left_can_come_again():
    """Two of four nodes go on day 1 and come again on day 3: a day of work is missing."""
    few = {"fleet": {"pool": {"nodes": NODES // 2}}}
    q = phased({"until": "2024-01-02"}, few | {"until": "2024-01-04"}, horizon="30 d")
    result = simulate(q)
    assert result.wall == pytest.approx(WORK + DAY)
    assert result.counts["pool", "active"] == CHIPS
    moved = [(event.time / DAY, event.amount) for event in result.trace.events("arrival")]
    assert moved == [(1.0, -8)] * 2 + [(3.0, 8)] * 2


@pytest.mark.parametrize(
    ("keys", "category"),
    [
        ({"recovery": {"restart": "3 h"}}, "restart"),
        ({"checkpoint": {"load": "3 h"}}, "restart"),
        ({"recovery": {"response": {"time": "3 h"}}}, "respond"),
        ({"recovery": {"reschedule": "3 h"}}, "restart"),
    ],
)
@pytest.mark.parametrize("day", [1.0, 5.0])
def test_a_failure_costs_what_its_phase_says(keys, category, day):
    """The first three days are as they are; from then on something takes three hours."""
    down = pool(failures={"causes": [lone(0, day, permanent=1)]}, cold_spares=1)
    saving = {"interval": "1 h"}
    q = phased({"until": "2024-01-04"}, keys, horizon="30 d", checkpoint=saving, fleet=down)
    result = simulate(q)
    assert result.interruptions == 1
    assert result.time[category] / HOUR == pytest.approx(3.0 if day > 3 else 0.0)


def test_a_phase_may_not_be_saved_more_often_than_another_takes_to_be_durable():
    q = phased(
        {"until": "20 %", "checkpoint": {"interval": "2 h", "flush": "90 min"}},
        {"checkpoint": {"interval": "1 h"}},
    )
    with pytest.raises(InputError, match="must not be shorter"):
        simulate(q)


def test_a_layout_that_does_not_fit_is_refused_with_its_phase():
    odd = {"until": "20 %", "fleet": {"pool": {"layout": {"tensor": 64}}}}
    with pytest.raises(InputError, match="phase 0 of the run: pool: layout: tensor 64"):
        simulate(phased(odd))


@settings(max_examples=15, deadline=None)
@given(anything, st.integers(2, 5), st.integers(0, 3))
def test_a_run_cut_into_equal_phases_is_the_same_run(example, parts, seed):
    """The bounds of phases that change nothing cost nothing, under every mechanism at once."""
    whole = scenario(example)
    cut = whole.override(
        {"run.phases": [{"until": f"{100 * k / parts} %"} for k in range(1, parts)]}
    )
    uncut = simulate(whole, seed)
    found = simulate(cut, seed)
    assert found.wall == pytest.approx(uncut.wall, rel=1e-9)
    assert found.failures == uncut.failures
    for category, seconds in uncut.time.items():
        assert found.time[category] == pytest.approx(seconds, rel=1e-9, abs=1e-3), category
