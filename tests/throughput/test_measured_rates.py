"""A measured rate in place of the step-time model: it is taken as it was measured."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sim.errors import InputError
from tests.throughput.cases import constants, deepseek, fleet, pool, run

RATE = {"throughput": {"tokens_per_second_per_chip": 100}}


@pytest.mark.parametrize("error", [0.9, 1.0, 1.1])
def test_a_measured_rate_carries_no_error_of_the_model(error: float) -> None:
    wrong = constants().model_copy(update={"model_error": error})
    plan = fleet(run("llama-3-70b", 384), [pool(chips=384, **RATE)], constants=wrong).full
    assert plan.tokens_per_s == pytest.approx(38_400, rel=1e-12)
    assert sum(plan.parts.values()) == pytest.approx(plan.step_seconds, rel=1e-12)


@pytest.mark.parametrize("virtual", [1, 4])
@pytest.mark.parametrize("pipeline", [1, 4, 8])
def test_no_bubble_comes_on_top_of_a_measured_rate(pipeline: int, virtual: int) -> None:
    """The rate was measured with the bubble in it, whatever the layout; and so after a loss."""
    virtual = virtual if pipeline > 1 else 1
    layout = {"tensor": 8, "pipeline": pipeline, "virtual": virtual}
    whole = fleet(run("llama-3-70b", 512), [pool(chips=512, layout=layout, **RATE)])
    assert whole.full.parts["bubble"] == 0.0
    assert whole.full.tokens_per_s == pytest.approx(51_200, rel=1e-12)
    ranks = 64 // pipeline
    # One lost peer of a stage: the others run the micro-batches of its stage, and nothing hides it.
    rerouted = whole.plan({name: 63 for name in whole.pools}, "re-route")
    dropped = whole.plan({name: 63 for name in whole.pools})
    kept = 51_200 * (ranks - 1) / ranks
    assert rerouted.tokens_per_s == pytest.approx(max(kept, dropped.tokens_per_s), rel=1e-12)


def test_beside_a_modelled_pool_the_measured_one_keeps_its_pace() -> None:
    """With an error the modelled pool is slower, and the measured one still as fast as before."""
    layout = {"layout": {"tensor": 8, "pipeline": 2, "virtual": 1, "recompute": "selective"}}
    pools = [pool(chips=384, **layout, **RATE), pool("H20-96", 64, **layout)]
    paces = []
    for error in (1.0, 1.5):
        wrong = constants().model_copy(update={"model_error": error})
        groups = fleet(run("llama-3-70b", 384), pools, constants=wrong).groups
        paces.append([group.pace.beat for group in groups])
    assert paces[1][0] == paces[0][0]
    assert paces[1][1] == pytest.approx(1.5 * paces[0][1], rel=1e-12)


def test_a_measured_rate_wins_over_the_memory_check() -> None:
    layout = {"tensor": 8, "pipeline": 1, "recompute": "selective"}
    with pytest.raises(InputError, match="GB a chip"):
        fleet(run(), [pool(chips=992, layout=layout)])
    plan = fleet(run(), [pool(chips=992, layout=layout, **RATE)]).full
    assert plan.tokens_per_s == pytest.approx(99_200 * 768 / (124 * 7), rel=1e-12)
    [shape] = plan.layouts.values()
    assert shape is not None
    assert shape.tensor == 8


def test_a_rate_above_the_chips_peak_is_refused() -> None:
    measured = {"tokens_per_second_per_chip": 100_000}
    with pytest.raises(InputError, match="times what its peak allows for this model"):
        fleet(run("llama-3-70b", 384), [pool(chips=384, throughput=measured)])
    with pytest.raises(InputError, match="times the peak of the chips; check layer_seconds"):
        fleet(run("llama-3-70b", 384), [pool(chips=384, layer_seconds={"layer": "1 us"})])


def test_a_measured_rate_has_no_stages() -> None:
    pools = [pool(chips=64, **RATE), pool("H100-SXM-80", 64)]
    with pytest.raises(InputError, match="a measured rate is of whole replicas"):
        fleet(run("llama-3-70b", 384), pools, {"boundary": "pipeline"})


@pytest.mark.parametrize("key", ["tensor", "pipeline", "context", "expert", "virtual", "data"])
def test_a_hint_costs_nothing(key: str) -> None:
    began = time.perf_counter()
    with pytest.raises(InputError):
        fleet(run("deepseek-v3", 15360), [deepseek(layout={key: 9_999_999})])
    assert time.perf_counter() - began < 1


def test_an_expert_count_that_nobody_gave_is_no_traceback() -> None:
    model: dict[str, Any] = {
        "name": "open",
        "parameters": 2e11,
        "active_parameters": 2e10,
        "layers": 60,
        "hidden": 5120,
        "heads": 128,
        "sequence": 4096,
        "vocabulary": 102400,
        "experts": {"parameters": 1.9e11, "per_token": 6},
    }
    with pytest.raises(InputError, match="one replica needs"):
        fleet(run(model, 15360), [deepseek(layout={"expert": 9_999_999})])


def test_the_search_for_a_pipeline_across_pools_is_bounded() -> None:
    chips = ("A100-SXM-80", "H100-SXM-80", "H800-SXM-80", "H20-96", "A800-SXM-80")
    began = time.perf_counter()
    with pytest.raises(InputError, match="5 pools leave more than 1,000 combinations"):
        fleet(run(), [pool(chip, 64) for chip in chips], {"boundary": "pipeline"})
    assert time.perf_counter() - began < 1
    given = {"tensor": 8, "expert": 1, "recompute": "full"}
    pools = [pool(chip, 64, layout=given) for chip in chips]
    five = fleet(run(), pools, {"boundary": "pipeline"})
    assert five.freely_planned.full.tokens_per_s == five.full.tokens_per_s > 0


def test_every_part_of_a_step_is_nothing_or_more() -> None:
    quick = {"efficiency": 1.4}
    for pools in ([deepseek(layout={"expert": 7})], [deepseek(), pool("H20-96", 1024, "hai-llm")]):
        plan = fleet(run("deepseek-v3", 15360), pools, quick).full
        assert min(plan.parts.values()) >= 0
        assert sum(plan.parts.values()) == pytest.approx(plan.step_seconds, rel=1e-12)
        assert plan.mfu < 1
