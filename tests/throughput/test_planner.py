"""Layouts: the fastest that fits, and what is said when none does."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sim.errors import InputError
from sim.scenario.parts import Layout, Mixing, Pool
from sim.scenario.phases import Run
from sim.throughput import planned, planner
from sim.throughput.layouts import check, distance
from sim.throughput.memory import stage_bytes
from tests.throughput.cases import (
    GPT,
    V3,
    deepseek,
    fleet,
    listed,
    model,
    placed,
    pool,
    run,
    shape,
)


def test_the_planned_layout_beats_every_layout_near_it() -> None:
    training, auto = run(), fleet(run(), [pool(chips=512)]).full
    for change in (
        {},
        {"pipeline": 4},
        {"pipeline": 16, "virtual": 3},
        {"tensor": 4},
        {"recompute": "full"},
    ):
        try:
            other = fleet(training, [pool(chips=512, layout=GPT | change)]).full
        except InputError:
            continue
        assert auto.tokens_per_s >= other.tokens_per_s * (1 - 1e-12)


def test_what_a_layout_fixes_the_planner_keeps() -> None:
    some = deepseek(layout={"pipeline": 8, "expert": 32})
    [layout] = fleet(run("deepseek-v3", 15360), [some]).full.layouts.values()
    assert layout is not None
    assert (layout.pipeline, layout.expert, layout.schedule) == (8, 32, "dualpipe")


@pytest.mark.parametrize("residual", [None, 0.8, 1.3])
def test_what_is_passed_over_would_not_have_been_the_fastest(
    residual: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole enumerations choose the same layouts, to the digit, as those that stop early."""
    cases = [(run(), pool(chips=512)), (run("deepseek-v3", 15360), deepseek(1536, layout={}))]
    cases += [(run("llama-3-405b", 2048), pool("H20-96", 4096))]
    for training, one in cases:
        drawn = one.model_copy(update={"residual": residual})
        quick = fleet(training, [drawn]).full
        with monkeypatch.context() as patch:
            patch.setattr(planner, "floor", lambda placed: 0.0)
            assert fleet(training, [drawn]).full == quick


def test_how_far_a_layout_is_from_the_planners() -> None:
    given = fleet(run(), [pool(layout=GPT)])
    assert given.freely_planned.full.tokens_per_s > given.full.tokens_per_s


def test_planned_pools_plan_the_same_again() -> None:
    training, pools = run("deepseek-v3", 15360), [deepseek(), pool("H20-96", 1024, "hai-llm")]
    given = fleet(training, pools)
    fixed = planned(training, given.pools, Mixing())
    assert all(p.layout.pipeline and p.layout.recompute for p in fixed.values())
    assert fleet(training, list(fixed.values()), names=list(fixed)).full == given.full


def test_chips_left_over_idle_and_are_counted() -> None:
    plan = fleet(run(), [pool(chips=200, layout=GPT)]).full
    assert (listed(plan.used_chips), listed(plan.idle_chips)) == ((192,), (8,))


@pytest.mark.parametrize(
    ("chips", "layout", "words"),
    [
        (
            64,
            {},
            ["64 chips of 80 GB cannot hold one replica of DeepSeek-V3", "the smallest needs 192"],
        ),
        (
            2048,
            {"tensor": 1, "pipeline": 2, "expert": 8},
            ["needed 404.7 GB a chip, available 80.0 GB", "nearest layout"],
        ),
        (
            512,
            V3,
            [
                "one replica needs 1024 chips, available 512",
                "cannot be spread across chip types",
                "nearest layout",
            ],
        ),
        (
            2048,
            V3 | {"data": 256},
            ["256 ranks of 16 chips need 4096, available 2048", "nearest layout"],
        ),
        (2048, V3 | {"data": 100}, ["data 100 is no multiple of expert 64", "nearest: 128"]),
        (2048, {"pipeline": 80}, ["pipeline 80", "61 layers"]),
        (2048, {"tensor": 3}, ["tensor 3 does not divide 128 attention heads", "nearest: 2"]),
    ],
)
def test_a_layout_that_cannot_work_is_refused_with_the_numbers(
    chips: int, layout: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(InputError) as error:
        fleet(run("deepseek-v3", 15360), [deepseek(chips, layout=layout)], names=["good"])
    assert str(error.value).startswith("good: ")
    for word in words:
        assert word in str(error.value)


def test_the_nearest_layout_it_names_works() -> None:
    with pytest.raises(InputError, match="tensor 1, pipeline 12, context 1, expert 8") as error:
        fleet(
            run("deepseek-v3", 15360), [deepseek(layout={"tensor": 1, "pipeline": 2, "expert": 8})]
        )
    assert "recompute full" in str(error.value)
    named = {"tensor": 1, "pipeline": 12, "expert": 8, "virtual": 1, "recompute": "full"}
    assert fleet(run("deepseek-v3", 15360), [deepseek(layout=named)]).full.tokens_per_s > 0


def test_a_pool_that_cannot_hold_a_replica_is_refused_though_another_can() -> None:
    with pytest.raises(InputError, match=r"weak: 16 chips of 48 GB cannot hold one replica"):
        fleet(
            run("deepseek-v3", 15360),
            [deepseek(), pool("L20-48", 16, "haiscale")],
            names=["good", "weak"],
        )


def test_experts_need_a_model_that_has_them() -> None:
    with pytest.raises(InputError, match="expert 8 needs a model with experts"):
        fleet(run(), [pool(layout={"expert": 8})])


def test_two_ranks_of_experts_are_too_many_for_a_dense_model() -> None:
    with pytest.raises(InputError, match="expert 2 needs a model with experts"):
        check(model("gpt-175b"), Layout.model_validate({"expert": 2}), "pool")


def test_the_distance_of_layouts_is_counted_in_doublings() -> None:
    assert distance(shape(virtual=2), shape(virtual=2)) == 0.0
    assert distance(shape(virtual=2), shape()) == 0.5
    assert distance(shape(recompute="full"), shape(recompute="selective")) == 1.0
    assert distance(shape(tensor=8, pipeline=1), shape(tensor=2, pipeline=2)) == 3.0


@pytest.mark.parametrize("faster", [1.0, 1.05])
def test_a_fleet_of_one_kind_is_planned_for_the_whole_batch_and_no_more(faster: float) -> None:
    """768 · x / x is 768.0000000000001 for some speeds x."""
    training = run({"like": "deepseek-moe-16b", "sequence": 131072}, 768)
    some = pool("MI300X-192", 256, "megascale")
    bandwidth = some.chip.memory_bandwidth * faster
    chip = some.chip.model_copy(update={"memory_bandwidth": bandwidth})
    layout = Layout(tensor=2, pipeline=1, expert=4)
    free, given = some.but(chip=chip), some.but(chip=chip, layout=layout)
    free_step, given_step = (fleet(training, [p]).full.step_seconds for p in (free, given))
    assert free_step == given_step


def test_what_a_plan_needs_of_memory_holds_for_the_micro_batches_it_gives() -> None:
    """Shared by speed of compute alone, ranks of the H200 would have one each, and not two."""
    pools = [pool("H200-141", 512, "megatron-deepspeed"), pool("Ascend-910B3", 256, "mindspeed")]
    case = fleet(run("llama-3-405b", 16), pools)
    for group in case.full.groups:
        [(name, shape)] = group.shapes.items()
        stage = placed(
            case.run.model,
            shape,
            case.run.model.layers / shape.pipeline,
            case.pools[name],
            ranks=group.ranks,
            microbatches=group.microbatches,
        )
        assert stage_bytes(stage) <= stage.roof
        assert case.full.memory_bytes_per_chip[name] >= stage_bytes(stage)


@pytest.mark.parametrize(
    ("training", "pools"),
    [
        (run("deepseek-67b", 257, 2), [pool("H100-SXM-80", 256), pool("H800-SXM-80", 8)]),
        (run("glm-130b", 2048), [pool("H200-141", 128), pool("A800-SXM-80", 8)]),
        (run({"like": "gpt-530b", "sequence": 131072}, 512), [pool("H100-SXM-80", 8)]),
    ],
)
def test_the_smallest_replica_it_names_works_on_just_its_chips(
    training: Run, pools: list[Pool]
) -> None:
    """Also of a pool that would run more of the batch then, and of long sequences."""
    with pytest.raises(InputError) as error:
        fleet(training, pools)
    found = re.search(r"the smallest needs (\d+) \((.*)\)$", str(error.value))
    assert found
    words = [part.split(" ") for part in found[2].split(", ")]
    named: dict[str, Any] = dict(pair for pair in words if len(pair) == 2)
    numbers = {key: int(value) for key, value in named.items() if value.isdigit()}
    [schedule] = [pair[0] for pair in words if len(pair) == 1]
    chips = -(-int(found[1]) // 8) * 8
    layout = named | numbers | {"schedule": schedule}
    last = pool(pools[-1].chip.name, chips, "megatron-lm", layout=layout)
    assert fleet(training, [*pools[:-1], last]).full.tokens_per_s > 0
