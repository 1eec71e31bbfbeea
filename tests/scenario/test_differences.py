"""A change that changes nothing is told, and why."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from sim import compare, load_scenario
from sim.cli.app import app
from sim.scenario.differences import differences, idle_changes, why_idle, why_unchanged

STOCK = load_scenario("embargoed-stock").override({"horizon": "3 yr"})
OWN = {"policy.mine": {"date": "2023-05-01"}}
LATE = {"policy.mine": {"date": "2033-05-01", "blocks": ["H800-SXM-80"]}}
ASIDE = {"policy.mine": {"date": "2023-05-01", "blocks": ["H800-SXM-80"]}}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "the same in everything a run depends on"),
        ({"title": "another"}, "the same in everything a run depends on"),
        ({"runs.chips": {"prior": "first-need-of-a-laboratory"}}, "the same in everything"),
        (OWN, "mine has no act: it blocks, opens and ends support of no chip"),
        (LATE, "mine comes on 2033-05-01, after the horizon"),
        (ASIDE, "mine touches nothing of this scenario, whose flows are none"),
    ],
)
def test_why_nothing_was_changed(changes: dict[str, Any], says: str) -> None:
    other = STOCK.override(changes) if changes else STOCK
    assert says in why_unchanged(STOCK, other)
    result = compare(STOCK, other, n=2, progress=False)
    assert result.metric == "crossing_days"
    assert f"nothing was changed: {result.unchanged}" in str(result)
    assert says in result.unchanged
    assert says in result.report()["unchanged"]


def test_what_changes_something_is_not_called_idle() -> None:
    other = STOCK.override({"runs.chips": 1024})
    assert differences(STOCK, other) == ["runs.chips"]
    assert compare(STOCK, other, n=2, progress=False).unchanged == ""
    whole = load_scenario("national-stock")
    for name in whole.policy:
        blocked = set(whole.policy[name].blocks)
        licensed = [f.chip for f in whole.depot.supply.values() if f.origin == "licensed"]
        if blocked & set(licensed):
            assert why_idle(name, whole) == ""


@pytest.mark.parametrize(
    ("path", "value", "idle"),
    [
        ("fleet.good.chips", 2048, True),
        ("fleet.good.chips", 1024, False),
        ("fleet.good.hot_spares", 4, True),
        ("title", "mine", False),
        ("fleet.good.failures", "rsc-1", False),
        ("horizon", "2880 h", True),
    ],
)
def test_a_value_that_was_there_before_is_named(path: str, value: Any, idle: bool) -> None:
    before = load_scenario("deepseek-v3")
    changes = {path: value}
    assert bool(idle_changes(before, before.override(changes), changes)) == idle


def test_the_command_line_says_so_beside_its_answer() -> None:
    words = ["run", "deepseek-v3", "--replications", "1", "--set", "fleet.good.chips=2048"]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 0
    assert "note: fleet.good.chips changes nothing: it has this value already" in answer.stderr
    assert "note:" not in answer.stdout
