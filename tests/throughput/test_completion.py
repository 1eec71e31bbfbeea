"""Layouts are chosen once for all fleets that are alike in what they depend on."""

from typing import Any

import pytest

from sim import load_scenario
from sim.throughput import completion, planned


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every planning that is not remembered."""
    seen: list[Any] = []
    real = completion.Throughput

    def counting(*args: Any, **others: Any) -> Any:
        seen.append(args)
        return real(*args, **others)

    monkeypatch.setattr(completion, "Throughput", counting)
    monkeypatch.setattr(completion, "_REMEMBERED", {})
    return seen


@pytest.mark.parametrize(
    ("changes", "times"),
    [
        ({"fleet.good.cold_spares": 99}, 1),
        ({"checkpoint.interval": "1 h"}, 1),
        ({"fleet.good.failures": {"causes": []}}, 1),
        ({"fleet.good.chips": 4096}, 2),
        ({"fleet.good.chip": "H100-SXM-80"}, 2),
        ({"fleet.good.stack": "megatron-core"}, 2),
        ({"run.batch.sequences": 7680}, 2),
        ({"constants.network_efficiency": 0.5}, 2),
        ({"mixing.efficiency": 0.9}, 2),
    ],
)
def test_only_what_a_layout_depends_on_is_planned_again(
    counted: list[Any], changes: dict[str, Any], times: int
) -> None:
    plain = load_scenario("deepseek-v3").override({"fleet.good.layout": "auto"})
    for scenario in (plain, plain.override(changes)):
        fleet = planned(scenario.run, scenario.fleet, scenario.mixing, scenario.constants)
        assert fleet["good"].chips == scenario.fleet["good"].chips
        assert fleet["good"].layout.pipeline
    assert len(counted) == times


def test_no_more_fleets_are_remembered_than_a_bound(
    counted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion, "MOST", 2)
    plain = load_scenario("deepseek-v3")
    for chips in (2048, 4096, 6144, 8192, 8192):
        changed = plain.override({"fleet.good.chips": chips})
        planned(changed.run, changed.fleet, changed.mixing, changed.constants)
        assert len(completion._REMEMBERED) <= 2
    assert len(counted) == 4
