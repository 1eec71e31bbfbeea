"""Relations between keys, and what would take for ever: refused by name, at once."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sim.errors import InputError
from sim.scenario import load_scenario
from sim.scenario.bounds import MOST_EVENTS

GPU: dict[str, Any] = {"cause": "gpu", "per_1000_node_days": 10}
FLAPS = {"per_node_day": 0.1, "duration": "1 s", "ride_through": "1 min"}
CAUSES = "fleet.good.failures"


def congested(bad: str) -> dict[str, Any]:
    return {"fabric.congestion": {"share": 0.1, "slowdown": 2, "bad": bad}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"run.model.experts.dense_layers": 61}, "dense_layers: must be below layers, 61"),
        ({"run.model.experts.per_token": 257}, "cannot visit 257 of 256 experts"),
        ({"run.model.experts.groups_per_token": 9}, "8 experts a token cannot be in 9 groups"),
        ({"run.model.active_parameters": 9e8}, "output head, vocabulary × hidden = 926,679,040"),
        ({"run.model.active_parameters": 2e9}, "those of the experts visited, 20,437,500,000"),
        ({"run.model.layers": 10**12}, "must be at most 2,000"),
        ({"run.batch.micro": 15361}, "micro: must not exceed sequences, 15360"),
        ({"run.batch.sequences": 10**12}, "must be at most 1,000,000,000"),
        ({"fleet.good.chip.fp8": "900 TFLOP/s"}, "fp8: must not be below bf16"),
        ({"fleet.good.stack.kernels": 2}, "is 1.116 of the chip's peak"),
        ({"fleet.good.chip.kernel_efficiency": 1.1}, "must be at most 1"),
        ({"fleet.good.layout.tensor": 10**12}, "must be at most 10,000,000"),
        ({"constants.network_efficiency": 0}, "must be above zero"),
        (congested("0 s"), "bad: must be above zero"),
        (congested("1 us"), "changes until the horizon are more than 5,000,000"),
        ({"fabric.flaps": FLAPS | {"per_node_day": 1e4}}, "let links flap less often"),
        ({"fabric.flaps": FLAPS, CAUSES: {"causes": [GPU | {"cause": "link-flap"}]}}, "link-flap"),
        ({CAUSES: {"causes": [GPU, GPU]}}, "there are two causes 'gpu'"),
        ({"checkpoint.blocking": "5e-324 s"}, "must be at least 1e-30"),
        ({"run.tokens": 1e300}, "must be at most 1e+30"),
        ({"horizon": "10000 yr"}, "must end before the year 10000"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_at_once(changes: dict[str, Any], words: str) -> None:
    scenario = load_scenario("deepseek-v3")
    began = time.perf_counter()
    with pytest.raises(InputError) as wrong:
        scenario.override(changes)
    assert words in str(wrong.value)
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"horizon": "1000 yr"}, "runs.growth: the last run would be 1e380 times the first"),
        ({"runs.growth": "1e20 per year"}, "runs.growth"),
        ({"runs.every": "1 s"}, "runs.every: 1.58e+08 runs until the horizon"),
    ],
)
def test_a_programme_that_outgrows_all_numbers_is_refused(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as wrong:
        load_scenario("embargoed-stock").override(changes)
    assert words in str(wrong.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"date": "0001-01-01"}, "frontier.growth: the last need would be 1e"),
        ({"growth": "1e-9 / yr"}, "outlook.needs.frontier.growth: "),
        (
            {"growth": {"uncertain": ["1 / yr", "2 / yr", "1e9 / yr"]}},
            "the last need would be 1e43 times the first; most: 1e+30",
        ),
    ],
)
def test_a_need_that_outgrows_all_numbers_is_refused(changes: dict[str, Any], words: str) -> None:
    """It ended in a traceback, when a run had been simulated: `OverflowError`."""
    stock = load_scenario("national-stock")
    with pytest.raises(InputError) as wrong:
        stock.override({f"outlook.needs.frontier.{key}": value for key, value in changes.items()})
    assert words in str(wrong.value)
    stock.override({"outlook.needs.frontier.date": "2000-01-01"})


@pytest.mark.parametrize("folder", ["nowhere", "x" * 9999, "a\0b", 7, ["a"]])
def test_a_catalogue_that_is_no_folder_is_refused(folder: Any) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        load_scenario("deepseek-v3").override({"catalogue": folder})


def test_periods_as_short_as_can_be_followed_are_accepted() -> None:
    scenario = load_scenario("deepseek-v3")
    shortest = 2 * 0.1 * scenario.horizon / MOST_EVENTS
    scenario.override(congested(f"{1.01 * shortest} s"))
    with pytest.raises(InputError):
        scenario.override(congested(f"{0.99 * shortest} s"))


def test_no_word_is_reserved_for_a_cause() -> None:
    causes = [GPU | {"cause": "constant"}, GPU | {"cause": "failures"}]
    assert load_scenario("deepseek-v3").override({CAUSES: {"causes": causes}})


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("checkpoint.save_failure", "a save that fails cannot be said; nearest: a longer"),
        ("checkpoint.success", "is unknown"),
        ("recovery.wrong_node", "a repair of the wrong node cannot be said; nearest: a stage"),
        ("recovery.min_replicas", "the fewest replicas to go on with cannot be said; nearest"),
        ("fleet.good.join", "nodes that join a running job cannot be said; nearest: cold_spares"),
        ("fabric.maintenance", "planned maintenance cannot be said; nearest: a cause"),
        ("run.model.sliding_window", "sliding windows are said by window"),
        (
            "run.model.window_layers",
            "windows in some layers only cannot be said; nearest: the mean",
        ),
        ("fleet.good.layout.etp", "tensor parallelism of experts alone is said by expert_tensor"),
        ("fleet.good.layout.hsdp", "sharding over some ranks only cannot be said; nearest: zero 3"),
        ("fleet.good.layout.fsdp", "sharding is said by zero: 2 gradients, 3 weights too (FSDP)"),
    ],
)
def test_what_cannot_be_said_is_refused_with_the_nearest_that_can(path: str, words: str) -> None:
    with pytest.raises(InputError) as wrong:
        load_scenario("deepseek-v3").override({path: 1})
    assert f"{path} is unknown" in str(wrong.value)
    assert words in str(wrong.value)
    assert "allowed: " in str(wrong.value)
