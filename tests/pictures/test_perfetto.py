from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sim import load_scenario, simulate
from sim.cli.app import app
from sim.engine.checkpoints import Mark
from sim.pictures.perfetto import MOST, Checkpoints, events, write
from sim.scenario import Scenario
from tests.engine.bare import bare_scenario, cause, pool

FAILURES = {
    "causes": [
        cause(scope="chip", per_1000_node_days=400, permanent=0.2, repair="1 d", detect="10 min")
    ]
}
FAILING: dict[str, Any] = {
    "fleet": pool(failures=FAILURES, hot_spares=2, cold_spares=4),
    "recovery": {"restart": "5 min"},
    "checkpoint": {"interval": "2 h", "blocking": "1 min", "flush": "10 min"},
}


def traced(scenario: Scenario, seed: int = 1) -> tuple[Any, list[dict[str, Any]]]:
    checkpoints = Checkpoints()
    result = simulate(scenario, seed, watch=checkpoints)
    return result, events(result, checkpoints)


def of(found: list[dict[str, Any]], phase: str, name: str = "") -> list[dict[str, Any]]:
    return [event for event in found if event["ph"] == phase and name in ("", event["name"])]


def test_every_event_has_what_the_format_asks_for_and_they_come_in_order():
    _, found = traced(bare_scenario(**FAILING))
    assert {event["ph"] for event in found} == {"M", "X", "i", "C"}
    for event in found:
        assert {type(event[key]) for key in ("pid", "tid", "ts")} == {int}
        assert event["ph"] != "X" or event["dur"] >= 0
    times = [event["ts"] for event in found]
    assert times == sorted(times)


def test_job_states_cover_the_run_without_gap_or_overlap():
    result, found = traced(bare_scenario(**FAILING))
    states = [event for event in of(found, "X") if event["pid"] == 1]
    ends = [event["ts"] + event["dur"] for event in states]
    assert [event["ts"] for event in states] == [0, *ends[:-1]]
    assert ends[-1] == round(result.wall * 1e6)
    assert {"compute", "detect", "restart"} <= {event["name"] for event in states}


def test_interruptions_and_outages_are_those_of_the_run():
    result, found = traced(bare_scenario(**FAILING))
    assert len(of(found, "i", "interruption")) == result.interruptions > 5
    outages = [event for event in of(found, "X") if event["pid"] == 2]
    assert len(outages) == len(result.outages) > 5
    assert {event["name"] for event in outages} == {"test"}
    named = {(e["pid"], e["tid"]): e["args"]["name"] for e in of(found, "M", "thread_name")}
    failed = {f"node {outage.node}" for outage in result.outages}
    assert {name for (pid, _), name in named.items() if pid == 2} == failed


def test_an_outage_lasts_until_the_node_works_again_or_the_run_ends():
    result, _ = traced(bare_scenario(**FAILING))
    open_ones = [outage for outage in result.outages if outage.end == result.wall]
    mended = [outage for outage in result.outages if outage.end < result.wall]
    assert 8 * len(open_ones) >= result.counts["pool", "idle"] > 0
    assert all(outage.end - outage.start == pytest.approx(86400) for outage in mended)


def test_counters_end_where_the_run_does_and_never_lose_a_chip():
    result, found = traced(bare_scenario(**FAILING))
    now: dict[str, int] = {}
    moments: dict[int, int] = {}
    for event in of(found, "C"):
        now[event["name"]] = event["args"]["chips"]
        moments[event["ts"]] = sum(now.values())
    assert set(moments.values()) == {8 * 10}
    assert now["idle chips"] == result.counts["pool", "idle"]
    assert now["scrap chips"] == result.counts["pool", "scrap"] > 0


def test_checkpoints_are_marked_when_they_are_durable_and_void_ones_left_out():
    """By hand: marks every 2 h and a minute, durable 11 min later, unless an interruption comes
    before.
    """
    result, found = traced(bare_scenario(**FAILING))
    marks = sorted(event["ts"] / 1e6 for event in of(found, "i", "checkpoint"))
    states = [(event.time, event.what) for event in result.trace.events("state")]
    expected = []
    for (start, state), (end, _) in zip(states, [*states[1:], (result.wall, "")], strict=True):
        k = 1
        while state == "compute" and (durable := start + k * 7200 + (k - 1) * 60 + 660) <= end:
            expected.append(durable)
            k += 1
    assert marks == pytest.approx(expected, abs=1e-3)
    assert len(marks) > 50


def test_of_too_many_checkpoints_only_those_fallen_back_to_are_drawn():
    changes = FAILING | {"checkpoint": {"interval": "1 s"}}
    result, found = traced(bare_scenario(**changes))
    marks = of(found, "i", "checkpoint")
    assert 5 < len(marks) <= result.interruptions < MOST
    stops = [event["ts"] for event in of(found, "i", "interruption")]
    assert all(any(0 <= stop - mark["ts"] <= 1.01e6 for stop in stops) for mark in marks)


def test_a_checkpoint_fallen_back_to_twice_is_drawn_once():
    seen = Checkpoints()
    seen.written(Mark(float(k), float(k), 0.0, float(k)) for k in range(1, MOST + 5))
    for _ in range(2):
        seen.fell_back(Mark(7.0, 7.0, 0.0, 7.0), None)
    assert [mark.durable_at for mark in seen.durable(9.0)] == [7.0]


def test_watching_changes_nothing():
    scenario = bare_scenario(**FAILING)
    assert traced(scenario)[0].fingerprint == simulate(scenario, 1).fingerprint


def test_the_command_writes_valid_json_in_one_piece(tmp_path: Path):
    out = tmp_path / "made" / "run.json"
    answer = CliRunner().invoke(app, ["trace", "deepseek-v3", "--seed", "3", "--out", str(out)])
    assert answer.exit_code == 0, answer.output
    data = json.loads(out.read_text(encoding="utf-8"))
    assert data["otherData"] == {"scenario": "deepseek-v3", "seed": 3, "replication": 0}
    checkpoints = Checkpoints()
    result = simulate(load_scenario("deepseek-v3"), 3, watch=checkpoints)
    assert data["traceEvents"] == events(result, checkpoints)
    assert [path.name for path in out.parent.iterdir()] == ["run.json"]
    write(result, checkpoints, out)
    assert json.loads(out.read_text(encoding="utf-8")) == data
