"""Bytes a chip holds, by hand."""

from __future__ import annotations

import pytest

from sim.throughput.layouts import Placement
from sim.throughput.memory import activation_bytes, parameters_per_chip, stage_bytes, state_bytes
from tests.throughput.cases import deepseek, model, placed, pool, shape


def gpt(layers: float = 12, **degrees: int | str) -> Placement:
    """A stage of GPT-175B, on eight by eight chips unless said otherwise."""
    return placed(
        model("gpt-175b"), shape(**{"tensor": 8, "pipeline": 8, **degrees}), layers, pool()
    )


def v3(**degrees: int | str) -> Placement:
    layout = shape(**{"pipeline": 16, "expert": 64, **degrees})
    return placed(model("deepseek-v3"), layout, 61 / 16, deepseek(), ranks=128)


def test_tensor_and_pipeline_parallelism_divide_the_parameters() -> None:
    shared, routed = parameters_per_chip(gpt())
    assert (shared, routed) == (pytest.approx(174.6e9 / 64), 0.0)


def test_expert_parallelism_divides_the_experts_only() -> None:
    shared, routed = parameters_per_chip(v3())
    assert shared == pytest.approx(17e9 / 16)
    assert routed == pytest.approx(654e9 / 1024)


def test_the_optimizer_is_spread_over_the_ranks_that_hold_the_same_parameters() -> None:
    own = 174.6e9 / 64
    assert state_bytes(gpt()) == pytest.approx(own * 18)
    assert state_bytes(gpt()._replace(ranks=16)) == pytest.approx(own * (6 + 12 / 16))


def test_experts_are_held_by_fewer_ranks_than_the_rest() -> None:
    shared = 17e9 / 16 * (6 + 12 / 128)
    routed = 654e9 / 1024 * (6 + 12 / 2)
    assert state_bytes(v3()) == pytest.approx(shared + routed)


def test_dualpipe_keeps_the_weights_of_two_stages() -> None:
    more = state_bytes(v3(schedule="dualpipe")) - state_bytes(v3(schedule="1f1b"))
    assert more == pytest.approx(2 * (17e9 / 16 + 654e9 / 1024))


def test_a_layer_keeps_34_bytes_per_token_and_hidden_element_of_a_plain_block() -> None:
    stage = gpt(recompute="none")
    plain = {"active_parameters": 12.0 * 96 * 12288**2, "attention": "causal"}
    stage = stage._replace(model=stage.model.model_copy(update=plain))
    assert activation_bytes(stage, 8) == pytest.approx(34 * 2048 * 12288 / 8 * 12 * 8)


def test_keeping_the_attention_matrix_costs_five_heads_s_squared() -> None:
    full = gpt(1, tensor=1, recompute="none")
    flash = full._replace(model=full.model.model_copy(update={"attention": "causal"}))
    more = activation_bytes(full, 1) - activation_bytes(flash, 1)
    assert more == pytest.approx(5 * 96 * 2048**2)


@pytest.mark.parametrize("name", ["gpt-175b", "deepseek-v3", "llama-3-405b"])
def test_recomputing_more_never_needs_more_memory(name: str) -> None:
    sizes = []
    for recompute in ("none", "selective", "full"):
        layout = shape(tensor=8, pipeline=8, recompute=recompute)
        sizes.append(stage_bytes(placed(model(name), layout, 8, pool("H100-SXM-80"), ranks=4)))
    assert sizes == sorted(sizes, reverse=True)


def test_the_first_stage_of_a_pipeline_holds_the_most() -> None:
    sizes = [stage_bytes(gpt()._replace(stage=stage)) for stage in range(8)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[7]


def test_a_rank_with_few_micro_batches_holds_no_more_than_those() -> None:
    assert stage_bytes(gpt()._replace(microbatches=2)) < stage_bytes(gpt())
