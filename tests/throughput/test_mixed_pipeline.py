"""One pipeline across chip types."""

from __future__ import annotations

from typing import Any

import pytest

from sim.errors import InputError
from sim.scenario.parts import Layout
from tests.throughput.cases import fleet, healthy, listed, pool, run

PIPELINE = {"boundary": "pipeline"}
SHAPE = {"tensor": 8, "pipeline": 4, "expert": 1, "virtual": 1, "recompute": "selective"}
A100 = {"chip": "A100-SXM-80"}
MODEL = {"like": "gpt-175b", "attention": "causal"}


def half(chip: str, layer_seconds: Any = None, **rest: Any) -> Any:
    return pool(chip, 128, "haiscale", layout=SHAPE | rest, layer_seconds=layer_seconds)


def test_two_halves_of_one_chip_type_make_the_whole_pipeline() -> None:
    training = run(MODEL, 256)
    whole = fleet(training, [pool(chips=256, stack="haiscale", layout=SHAPE | {"pipeline": 8})])
    parts = fleet(training, [half("A100-SXM-80"), half("A100-SXM-80")], PIPELINE)
    assert parts.full.step_seconds == pytest.approx(whole.full.step_seconds, rel=0.01)


def test_the_faster_chips_get_more_layers() -> None:
    plan = fleet(run(MODEL, 256), [half("H100-SXM-80"), half("A100-SXM-80")], PIPELINE).full
    stages = plan.groups[0].pipeline.stages
    fast, slow = ([s.compute for s in stages if s.pool == name] for name in plan.used_chips)
    assert len(fast) == len(slow) == 4
    assert max(fast) == pytest.approx(max(slow), rel=0.2)  # as even as whole layers go
    assert listed(plan.used_chips) == (128, 128)


def test_a_layer_split_may_be_given_and_is_slower_than_the_best() -> None:
    training = run(MODEL, 256)
    best = fleet(training, [half("H100-SXM-80"), half("A100-SXM-80")], PIPELINE).full
    even = fleet(
        training, [half("H100-SXM-80", layers=48), half("A100-SXM-80", layers=48)], PIPELINE
    ).full
    assert even.step_seconds > best.step_seconds
    assert even.bottleneck.startswith("A100-SXM-80")


def test_the_ends_of_the_model_lie_on_the_first_and_the_last_stage_of_the_chain() -> None:
    first = {"layer_seconds": {"layer": "10 ms", "first": "1 ms", "last": "2 ms"}}
    second = {"layer_seconds": {"layer": "10 ms", "first": "4 ms", "last": "8 ms"}}
    pools = [half("H100-SXM-80", **first), half("A100-SXM-80", **second)]
    plan = fleet(run(MODEL, 256), pools, PIPELINE, names=["a", "b"]).full
    rest = [1000 * stage.compute % 10 for stage in plan.groups[0].pipeline.stages]
    assert rest == pytest.approx([1, *[0] * 6, 8], abs=1e-6)


def test_a_node_of_each_type_makes_a_pipeline_of_two_stages_without_virtual_ones() -> None:
    pools = [
        pool(chip, 8, "haiscale", layout={"tensor": 8}) for chip in ("A100-SXM-80", "H100-SXM-80")
    ]
    plan = fleet(run("mpt-13b", 64), pools, PIPELINE).full
    assert listed(plan.used_chips) == (8, 8)
    for found in plan.layouts.values():
        assert found is not None
        assert (found.virtual, found.schedule, found.pipeline) == (1, "1f1b", 1)


def test_only_the_stages_on_both_sides_of_the_link_send_over_it() -> None:
    """Each stage sends to those beside it; the first and the last have one of them."""
    pools = [half("A100-SXM-80"), half("A100-SXM-80")]
    stages = fleet(run(MODEL, 256), pools, PIPELINE | {"link": "1 GB/s"}).full.groups[0]
    sent = [
        next(message.seconds for message in stage.messages if message.kind == "pipeline")
        for stage in stages.pipeline.stages
    ]
    one = 2 * (2 * 2048 * 12288 / 8 / (0.8 * 25e9) + 5e-6)
    over = 2 * (2 * 2048 * 12288 / 8 / 1e9 + 5e-6)
    inner = [one, 2 * one, 2 * one, one + over]
    assert sent == pytest.approx([*inner, *reversed(inner)])


def test_a_slow_link_between_the_types_slows_the_step_and_is_named() -> None:
    training, pools = run(MODEL, 256), [half("H100-SXM-80"), half("A100-SXM-80")]
    quick = fleet(training, pools, PIPELINE).full
    slow = fleet(training, pools, PIPELINE | {"link": "10 MB/s"}).full
    assert slow.step_seconds > 2 * quick.step_seconds
    assert slow.bottleneck.endswith("pipeline messages")


def test_losing_a_node_of_one_type_idles_a_rank_of_the_other() -> None:
    planned = fleet(run(MODEL, 256), [half("H100-SXM-80"), half("A100-SXM-80")], PIPELINE)
    plan = healthy(planned, (16, 15))
    assert listed(plan.used_chips) == (96, 96)
    assert planned.full.tokens_per_s * 0.7 < plan.tokens_per_s < planned.full.tokens_per_s * 0.8


def test_layers_that_find_no_memory_are_refused_with_their_number() -> None:
    small = {"tensor": 1, "pipeline": 1, "expert": 1}
    with pytest.raises(InputError, match="room for 10 of 96 layers"):
        fleet(
            run(MODEL, 256),
            [pool(chips=8, layout=small), pool("H100-SXM-80", 8, layout=small)],
            PIPELINE,
        )


def test_experts_may_be_fixed_in_one_pool_and_left_free_in_the_other() -> None:
    fixed = pool("H100-SXM-80", 128, "haiscale", layout={"tensor": 8, "expert": 8})
    free = pool("A100-SXM-80", 128, "haiscale", layout={"tensor": 8})
    plan = fleet(run("deepseek-moe-16b", 256), [fixed, free], PIPELINE).full
    first, second = plan.layouts.values()
    assert first is not None
    assert second is not None
    assert first.expert == 8
    assert plan.groups[0].ranks % 8 == plan.groups[0].ranks % second.expert == 0


def test_of_equally_fast_layouts_the_one_that_recomputes_less_is_taken() -> None:
    measured = {"layer_seconds": {"layer": "16 ms"}, "layout": {"tensor": 8, "expert": 1}}
    pools = [pool(chip, 64, "haiscale", **measured) for chip in ("H100-SXM-80", "A100-SXM-80")]
    plan = fleet(run("llama-3-70b", 256), pools, PIPELINE).full
    assert {shape.recompute for shape in plan.layouts.values() if shape} == {"selective"}


def test_no_layer_would_be_finished_earlier_on_another_stage_messages_counted() -> None:
    """A chip that computes fast behind a slow link must not get layers for its compute alone."""
    pools = [pool("A800-SXM-80", 128, "llama-3"), pool("A100-PCIe-40", 128, "haiscale")]
    training = run({"like": "gpt-145b", "sequence": 1024}, 256, 2)
    layouts = [{"tensor": 8, "pipeline": 4}, {"tensor": 8, "pipeline": 4}]
    fixed = {"recompute": "full", "virtual": 1}

    def step(*layers: int) -> float:
        given = layers or (None, None)
        parts = [
            one.but(layout=Layout(**layout, **fixed, layers=count))
            for one, layout, count in zip(pools, layouts, given, strict=True)
        ]
        return fleet(training, parts, PIPELINE).full.step_seconds

    splits = [step(layers, 80 - layers) for layers in range(44, 80, 4)]
    assert step() <= min(splits) * (1 + 1e-9)


def test_a_pool_gets_just_the_layers_it_asks_for_and_the_rest_go_to_the_others() -> None:
    """The slow pool asks for half of the layers, which the fast one would finish earlier."""
    pools = [half("H100-SXM-80"), half("A100-SXM-80", layers=48)]
    plan = fleet(run(MODEL, 256), pools, PIPELINE, names=["fast", "slow"]).full
    both = [half("H100-SXM-80", layers=48), half("A100-SXM-80", layers=48)]
    even = fleet(run(MODEL, 256), both, PIPELINE, names=["fast", "slow"]).full
    assert plan.step_seconds == even.step_seconds


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ({"data": 4}, {"data": 8}, "data: one pipeline has one, and its pools say 4 and 8"),
        ({"schedule": "interleaved"}, {"schedule": "1f1b"}, "say 1f1b and interleaved"),
        ({"virtual": 1}, {"virtual": 2}, "say 1 and 2"),
        ({"layers": 60}, {"layers": 48}, "room for 108 of 96 layers"),
        ({"layers": 40}, {"layers": 48}, "room for 88 of 96 layers"),
    ],
)
def test_pools_of_one_pipeline_that_disagree_are_refused(
    first: dict[str, Any], second: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        fleet(run(MODEL, 256), [half("H100-SXM-80", **first), half(**second, **A100)], PIPELINE)


@pytest.mark.parametrize("said", [{"data": 2}, {"schedule": "interleaved"}, {"recompute": "full"}])
def test_what_one_pool_says_of_the_pipeline_holds_for_all(said: dict[str, Any]) -> None:
    free = {"tensor": 8, "expert": 1}
    plans = []
    for second in ({}, said):
        pools = [pool("H100-SXM-80", 128, "haiscale", layout=free | said)]
        pools.append(pool("A100-SXM-80", 128, "haiscale", layout=free | second))
        plans.append(fleet(run(MODEL, 256), pools, PIPELINE).full)
    assert plans[0].step_seconds == plans[1].step_seconds
    for shape in listed(plans[0].layouts):
        assert said.get("schedule", shape.schedule) == shape.schedule
        assert said.get("recompute", shape.recompute) == shape.recompute
