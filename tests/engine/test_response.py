"""Response, failed restarts, bad spares, windows and stops of learning: histories worked out by hand."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest

from sim.engine import simulate
from sim.errors import InputError
from sim.results.ledger import DAY, HOUR
from sim.results.run import RunResult
from sim.scenario import load_scenario
from tests.engine.bare import CHIPS, NODES, RATE, bare_scenario, cause, lone, pool, programme, run

RESTART = {"restart": "30 min"}


def asked(
    causes: list[dict], hours: float = 12.0, start: str = "2024-01-01", **recovery
) -> RunResult:
    """A run of so many hours of work on four nodes, with a checkpoint each hour, from a Monday on."""
    spec = {"hot_spares": recovery.pop("hot_spares", 0), "failures": {"causes": causes}}
    scenario = bare_scenario(
        start=start,
        fleet=pool(**spec),
        run={"tokens": hours * HOUR * CHIPS * RATE},
        recovery=RESTART | recovery,
    )
    return simulate(scenario, 0)


def hours(result: RunResult, category: str) -> float:
    return result.time[category] / HOUR


def software(hour: float, node: int = 0, **keys) -> dict:
    """A failure of software after some hours of computing."""
    return lone(node, hour / 24, hardware=False, repair=None) | {"cause": f"software-{node}"} | keys


@pytest.mark.parametrize(
    ("hour", "waited"),
    [
        (10.5, 2.0),  # at half past ten on Monday
        (7.0, 4.0),  # two hours before they come
        (18.0, 17.0),  # as they leave
        (20.5, 14.5),  # at half past eight in the evening
        (4 * 24 + 17.5, 2.0),  # on Friday within the hours
        (4 * 24 + 20, 63.0),  # on Friday evening: on Monday at nine, and two hours
    ],
)
def test_people_answer_in_their_hours_or_when_these_begin(hour, waited):
    duty = {"time": "2 h", "hours": [9, 18], "days": ["mon", "tue", "wed", "thu", "fri"]}
    result = asked([software(hour)], hours=hour + 2, response=duty)
    assert hours(result, "respond") == pytest.approx(waited, abs=1e-6)


def test_off_duty_has_a_time_of_its_own_and_the_zone_shifts_the_hours():
    duty = {"time": "1 h", "off_duty": "5 h", "hours": [9, 18]}
    assert hours(asked([software(7)], response=duty), "respond") == pytest.approx(5)
    # Seven o'clock UTC is three in the afternoon where the people are.
    assert hours(asked([software(7)], response=duty | {"zone": "8 h"}), "respond") == pytest.approx(
        1
    )


def test_nobody_is_waited_for_where_a_machine_answers_or_the_table_holds_people():
    duty = {"time": "3 h"}
    assert hours(asked([software(7)], response=duty), "respond") == pytest.approx(3)
    automatic = duty | {"automatic": ["software-0"]}
    assert hours(asked([software(7)], response=automatic), "respond") == 0
    scenario = bare_scenario(
        fleet=pool(failures={"causes": [software(7)], "answered": True}),
        recovery=RESTART | {"response": duty},
    )
    assert hours(simulate(scenario, 0), "respond") == 0


def test_what_fails_while_somebody_is_on_the_way_joins_the_incident():
    # The second strikes a clock that goes on while the job waits for the first to be answered.
    first = software(10)
    second = software(11, node=1, clock="powered")
    joined = asked([first, second], response={"time": "3 h"})
    assert joined.interruptions == 1
    assert hours(joined, "respond") == pytest.approx(3)
    late = software(20, node=1, clock="powered")
    apart = asked([first, late], hours=18, response={"time": "3 h"})
    assert hours(apart, "respond") == pytest.approx(6)


def test_a_second_failure_in_the_restart_belongs_to_the_incident_and_restarts_in_full():
    second = software(13.25, node=1, clock="powered")
    result = asked([software(10), second], response={"time": "3 h"})
    assert hours(result, "respond") == pytest.approx(3)
    assert hours(result, "restart") == pytest.approx(0.25 + 0.5)


def test_restarts_fail_until_the_machine_gives_up_and_a_person_comes():
    # With a probability of one the machine fails at first and in each of its two attempts again.
    result = asked(
        [software(10)],
        failed_restarts={"probability": 1, "automatic": 2},
        response={"time": "3 h", "automatic": ["software-0"]},
    )
    assert result.failed_restarts == 3
    assert hours(result, "restart") == pytest.approx(4 * 0.5)
    assert hours(result, "respond") == pytest.approx(3)


def test_the_share_of_restarts_that_fail_is_the_one_given():
    causes = [cause(hardware=False, repair=None, per_1000_node_days=1000)]
    spec = {"probability": 0.25, "automatic": 1000}
    result = asked(causes, hours=4000, failed_restarts=spec)
    tries = result.interruptions + result.failed_restarts
    assert result.failed_restarts / tries == pytest.approx(0.25, abs=4 * (0.1875 / tries) ** 0.5)


def test_a_bad_spare_goes_to_repair_and_the_next_one_comes():
    broken = lone(0, 10 / 24, repair="1000 d")
    bad = {"share": 0.9, "repair": "2 d"}
    scenario = bare_scenario(
        fleet=pool(hot_spares=4, failures={"causes": [broken]}),
        run={"tokens": 45 * HOUR * CHIPS * RATE},
        recovery=RESTART | {"bad_spares": bad},
    )
    results = (simulate(scenario, 0, replication) for replication in itertools.count())
    result = next(result for result in results if result.bad_spares == 2)
    repairs = [m for m in result.trace.moves() if m.place == "repair" and m.node >= NODES]
    assert len(repairs) == 2
    # Each of three restarts, two of them on a bad spare, takes its full time.
    assert hours(result, "restart") == pytest.approx(3 * 0.5)


def test_a_node_that_fails_while_somebody_comes_to_a_failed_restart_is_replaced_first():
    second = lone(1, 12 / 24, clock="powered", repair="5 h")
    result = asked(
        [software(10), second],
        hours=14,
        failed_restarts={"probability": 1, "automatic": 0},
        response={"time": "3 h", "automatic": ["software-0"]},
    )
    # It is back at 17 h; whoever came at half past one waits for it.
    assert hours(result, "wait") == pytest.approx(3.5)
    assert result.wall / HOUR == pytest.approx(10 + 0.5 + 3 + 3.5 + 0.5 + 4)


def test_nodes_that_begin_a_run_of_a_programme_are_no_bad_spares():
    scenario = programme(
        {"every": "20 d", "chips": CHIPS},
        fleet=pool(nodes=12, failures={"causes": [software(5 * 24)]}),
        recovery={"bad_spares": {"share": 0.9, "repair": "1 d"}},
        horizon="30 d",
    )
    result = run(scenario)
    assert result.interruptions > 0
    assert result.bad_spares == 0


def test_a_window_saves_stands_still_and_restarts_and_nothing_is_lost():
    window = {"title": "evaluation", "date": "2024-01-02", "duration": "8 h"}
    result = asked([], hours=45, windows=[window])
    assert hours(result, "planned") == pytest.approx(8)
    assert hours(result, "restart") == pytest.approx(0.5)
    assert result.time["rework"] == 0
    assert result.wall / HOUR == pytest.approx(45 + 8 + 0.5)


def test_windows_come_again_and_those_missed_are_made_up_for_by_one():
    every = {"every": "10 h", "duration": "1 h"}
    # At 10, 20, 30, 40 and 50 h; the run takes 45 h, and six hours and a half of stops.
    assert asked([], hours=45, windows=[every]).planned_stops == 5
    # Somebody takes 25 hours to answer: two windows fall into that time.
    missed = asked([software(9)], hours=16, response={"time": "25 h"}, windows=[every])
    planned = [e.time / HOUR for e in missed.trace.events("state") if e.what == "planned"]
    assert planned[0] == pytest.approx(34.5)
    assert planned[1] == pytest.approx(40)


def test_a_window_before_the_start_of_the_scenario_is_past_and_comes_again():
    window = {"date": str(dt.date(2023, 12, 31)), "duration": "8 h"}
    assert asked([], windows=[window]).planned_stops == 0
    again = asked([], hours=45, windows=[window | {"every": "30 h"}])
    planned = [e.time / HOUR for e in again.trace.events("state") if e.what == "planned"]
    assert planned == pytest.approx([6, 36])


def test_a_run_of_a_programme_makes_up_for_no_window_of_before():
    windows = [{"date": "2023-01-03", "duration": "1 h"}, {"every": "7 d", "duration": "1 h"}]
    scenario = programme(
        {"every": "20 d", "chips": CHIPS}, horizon="50 d", recovery={"windows": windows}
    )
    stops = [e.time / DAY for e in run(scenario).trace.events("state") if e.what == "planned"]
    assert stops == pytest.approx([2, 7, 21, 28, 42, 49])


def test_a_restart_after_a_window_may_fail_as_any_other():
    window = {"date": "2024-01-02", "duration": "8 h"}
    result = asked([], hours=45, windows=[window], failed_restarts={"probability": 1})
    assert hours(result, "restart") == pytest.approx(1)


def test_a_stop_of_learning_in_a_window_throws_its_steps_away_at_once():
    scenario = bare_scenario()
    steps_an_hour = HOUR * CHIPS * RATE / (512 * scenario.run.model.sequence)
    spike = software(26, rollback_steps=round(1.5 * steps_an_hour), clock="powered")
    window = {"date": "2024-01-02", "duration": "8 h"}
    result = asked([spike], hours=45, windows=[window])
    # The work of 24 hours was saved when the window began.
    assert hours(result, "rework") == pytest.approx(2)
    assert hours(result, "planned") == pytest.approx(2)


def test_a_stop_of_learning_goes_back_by_checkpoints_on_storage_only():
    scenario = bare_scenario(checkpoint={"interval": "4 h", "memory": {"per_interval": 4}})
    steps_an_hour = HOUR * CHIPS * RATE / (512 * scenario.run.model.sequence)
    spike = software(10.5, rollback_steps=round(3 * steps_an_hour))
    result = simulate(
        scenario.override({"fleet.pool.failures": {"causes": [spike]}, "horizon": "15 h"}), 0
    )
    # The checkpoint of the eighth hour is too new, those in memory are overwritten.
    lost = [event.amount / HOUR for event in result.trace.events("rework")]
    assert lost[0] == pytest.approx(6.5)


def test_a_stop_of_learning_throws_away_at_least_its_steps_by_whole_checkpoints():
    # A step of 512 sequences takes a constant time; the checkpoint is an hour of steps old.
    scenario = bare_scenario()
    steps_an_hour = HOUR * CHIPS * RATE / (512 * scenario.run.model.sequence)
    plain = asked([software(10.5)])
    assert hours(plain, "rework") == pytest.approx(0.5)
    spike = software(10.5, rollback_steps=round(2 * steps_an_hour))
    thrown = hours(asked([spike]), "rework")
    assert thrown == pytest.approx(2.5)
    # Half an hour is behind the last checkpoint anyway.
    few = software(10.5, rollback_steps=round(0.4 * steps_an_hour))
    assert hours(asked([few]), "rework") == pytest.approx(0.5)


def test_a_stop_of_learning_before_the_first_checkpoint_goes_back_to_the_start():
    # The cause strikes again after as much work, so the job never comes any further.
    early = software(0.5, rollback_steps=1000)
    assert asked([early]).tokens == 0


@pytest.mark.parametrize(
    ("recovery", "said"),
    [
        ({"response": {"time": "1 h", "hours": [18, 9]}}, "hours must be"),
        ({"response": {"time": "1 h", "days": ["monday"]}}, "mon"),
        ({"response": {"time": "1 h", "automatic": ["sofware"]}}, "software"),
        ({"windows": [{"duration": "1 h"}]}, "date, every"),
        ({"bad_spares": {"share": 1, "repair": "1 d"}}, "at most 0.9"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_key(recovery, said):
    with pytest.raises(InputError, match=said):
        load_scenario("deepseek-v3").override({f"recovery.{k}": v for k, v in recovery.items()})


def test_who_answers_late_loses_time_and_no_work():
    """The time ledger still adds up, and only the response is new in it."""
    quick = asked([software(10.5)])
    late = asked([software(10.5)], response={"time": "3 h"})
    assert late.wall - quick.wall == pytest.approx(3 * HOUR)
    assert sum(late.time.values()) == pytest.approx(late.wall)
    assert late.time["rework"] == quick.time["rework"]
    assert late.wall < 10 * DAY
