"""Phases of a run: how their ends are read, what they change, and what is refused by name."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from sim.errors import InputError
from sim.scenario import Scenario, load_scenario
from sim.scenario.keys import keys
from sim.scenario.phases import phases
from sim.scenario.schema import schema
from sim.validation.bare_scenario import bare_scenario


def phased(*listed: dict[str, Any], **changes: Any) -> Scenario:
    return bare_scenario(**changes).override({"run.phases": list(listed)})


def test_an_end_is_tokens_steps_a_share_or_a_date():
    step = 480 * 2048
    q = phased(
        {"until": "1e6 tokens"},
        {"until": "100 steps", "batch": {"sequences": 960}},
        {"until": "30 %"},
        {"until": "2025-03-01"},
        {"until": dt.date(2025, 4, 1)},
        run={"tokens": 1e12, "batch": {"sequences": 480}, "model": {"sequence": 2048}},
    )
    # Steps of the first phase are counted in its own batch.
    second = 1e6 + (100 - 1e6 / step) * 2 * step
    days = [dt.date(2025, 3, 1), dt.date(2025, 4, 1)]
    assert q.run.ends == [1e6, pytest.approx(second), 3e11, *days]


def test_a_phase_changes_what_it_says_and_leaves_the_rest():
    q = load_scenario("opt-175b").override(
        {
            "run.phases": [
                {
                    "until": "30 %",
                    "sequence": 1024,
                    "checkpoint": {"blocking": "7 s"},
                    "recovery": {"policy": "drop-replica", "response": {"time": "1 h"}},
                    "fleet": {"hosts": {"chips": 256, "hot_spares": 2, "layout": {"tensor": 4}}},
                }
            ]
        }
    )
    first, rest = phases(q)
    assert rest is q
    assert (first.run.model.sequence, first.run.batch) == (1024, q.run.batch)
    assert (first.checkpoint.blocking, first.checkpoint.load) == (7.0, q.checkpoint.load)
    assert first.recovery.response and q.recovery.response
    assert first.recovery.response.time.mean == 3600
    assert first.recovery.response.automatic == q.recovery.response.automatic != ()
    pool = first.fleet["hosts"]
    assert (pool.active_nodes, pool.hot_spares, pool.cold_spares) == (32, 2, 0)
    assert pool.layout.tensor == 4 and pool.throughput == q.fleet["hosts"].throughput


def test_a_last_phase_without_end_takes_the_place_of_the_scenario():
    assert len(phases(phased({"until": "30 %"}, {"sequence": 99}))) == 2
    assert len(phases(phased({"until": "30 %"}, {"until": "60 %"}))) == 3
    assert phases(bare_scenario()) == [bare_scenario()]


def test_an_unknown_constant_of_a_phase_has_a_name_of_its_own():
    blocking = {"uncertain": ["1 s", "2 s", "3 s"]}
    q = phased({"until": "30 %", "checkpoint": {"blocking": blocking}})
    assert "run.phases.0.checkpoint.blocking" in q.unknowns()
    first, rest = phases(q.resolve(0, 0))
    assert 1 <= first.checkpoint.blocking <= 3
    assert rest.checkpoint.blocking == 0


@pytest.mark.parametrize(
    ("listed", "key", "words"),
    [
        ([{"until": "30 %"}, {"until": "20 %"}], "1.until", "must end after"),
        ([{"until": "2024-05-01"}, {"until": "2024-04-01"}], "1.until", "must end after"),
        ([{"batch": {"sequences": 9}}, {"until": "20 %"}], "0", "only the last"),
        ([{"until": "2024-05-01"}, {"until": "9 steps"}], "1.until", "steps cannot be counted"),
        ([{"until": "2024-05-01 12:00"}], "0.until", "a date like"),
        ([{"until": "2024-05-71"}], "0.until", "a date like"),
        ([{"until": "3 weeks"}], "0.until", "tokens"),
        ([{"until": "130 %"}], "0.until", "at most 1"),
        ([{"until": {"uncertain": ["1 %", "2 %", "3 %"]}}], "0.until", "tokens"),
        ([{"until": "30 %", "recovery": {"crew": 3}}], "0.recovery.crew", "allowed: policy"),
        ([{"until": "30 %", "worlds": {}}], "0.worlds", "is unknown"),
        ([{"until": "30 %", "checkpoints": {}}], "0.checkpoints", 'did you mean "checkpoint"'),
        ([{"until": "30 %", "fleet": {"poll": {}}}], "0.fleet", 'did you mean "pool"'),
        ([{"until": "30 %", "fleet": {"pool": {"nodes": 0}}}], "0.fleet", "no pool is left"),
        ([{"until": "30 %", "fleet": {"pool": {"chips": 9}}}], "0.fleet.pool.chips", "whole nodes"),
        ([{"until": "30 %", "checkpoint": {"flush": "9 h"}}], "0.checkpoint", "durable before"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(listed, key, words):
    with pytest.raises(InputError, match=words) as caught:
        phased(*listed)
    assert f"run.phases.{key}" in str(caught.value)


def test_a_batch_smaller_than_the_micro_batch_is_refused():
    with pytest.raises(InputError, match=r"phases\.0\.batch\.micro"):
        phased({"until": "30 %", "batch": {"sequences": 2}}, run={"batch": {"micro": 4}})


def test_links_that_flap_are_as_many_in_every_phase():
    flaps = {"per_node_day": 1, "duration": "3 s", "ride_through": "10 s"}
    with pytest.raises(InputError, match=r"phases\.0\.fleet: links that flap"):
        phased({"until": "30 %", "fleet": {"pool": {"nodes": 2}}}, fabric={"flaps": flaps})


def test_a_programme_has_no_phases():
    with pytest.raises(InputError, match=r"run\.phases: a programme"):
        load_scenario("embargoed-stock").override({"run.phases": [{"until": "30 %"}]})


def test_every_key_of_a_phase_is_described():
    part = schema()["$defs"]["Phase"]["properties"]
    assert all(found["description"] for found in part.values())
    known = {path: key for path, key in keys().items() if path.startswith("run.phases.")}
    assert known["run.phases.0.checkpoint.interval"].default == "as in the scenario"
    assert known["run.phases.0.until"].unit == "token"
    assert "run.phases.0.recovery.crew" not in known
    assert all(key.meaning and key.example for key in known.values())
