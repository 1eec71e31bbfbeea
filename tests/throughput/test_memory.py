"""Bytes a chip holds, by hand."""

import pytest

from sim.throughput.memory import activation_bytes, parameters_per_chip, stage_bytes, state_bytes
from tests.throughput.cases import chip, constants, model, shape


def test_tensor_and_pipeline_parallelism_divide_the_parameters() -> None:
    shared, routed = parameters_per_chip(model("gpt-175b"), shape(tensor=8, pipeline=8), 12)
    assert (shared, routed) == (pytest.approx(174.6e9 / 64), 0.0)


def test_expert_parallelism_divides_the_experts_only() -> None:
    shared, routed = parameters_per_chip(
        model("deepseek-v3"), shape(pipeline=16, expert=64), 61 / 16
    )
    assert shared == pytest.approx(17e9 / 16)
    assert routed == pytest.approx(654e9 / 1024)


def test_the_optimizer_is_spread_over_the_ranks_that_hold_the_same_parameters() -> None:
    gpt, layout = model("gpt-175b"), shape(tensor=8, pipeline=8)
    assert state_bytes(gpt, layout, 12, 1, constants()) == pytest.approx(174.6e9 / 64 * 18)
    assert state_bytes(gpt, layout, 12, 16, constants()) == pytest.approx(
        174.6e9 / 64 * (6 + 12 / 16)
    )


def test_experts_are_held_by_fewer_ranks_than_the_rest() -> None:
    v3, layout = model("deepseek-v3"), shape(pipeline=16, expert=64)
    held = state_bytes(v3, layout, 61 / 16, 128, constants())
    assert held == pytest.approx(17e9 / 16 * (6 + 12 / 128) + 654e9 / 1024 * (6 + 12 / 2))


def test_dualpipe_keeps_the_weights_of_two_stages() -> None:
    v3 = model("deepseek-v3")
    one, two = (
        state_bytes(v3, shape(pipeline=16, expert=64, schedule=s), 61 / 16, 128, constants())
        for s in ("1f1b", "dualpipe")
    )
    assert two - one == pytest.approx(2 * (17e9 / 16 + 654e9 / 1024))


def test_a_layer_keeps_34_bytes_per_token_and_hidden_element_of_a_plain_block() -> None:
    plain = model("gpt-175b").model_copy(
        update={"active_parameters": 12.0 * 96 * 12288**2, "attention": "causal"}
    )
    held = activation_bytes(
        plain, shape(tensor=8, recompute="none"), chip("A100-SXM-80"), 12, 8, constants()
    )
    assert held == pytest.approx(34 * 2048 * 12288 / 8 * 12 * 8)


def test_keeping_the_attention_matrix_costs_five_heads_s_squared() -> None:
    gpt, a100 = model("gpt-175b"), chip("A100-SXM-80")
    causal = gpt.model_copy(update={"attention": "causal"})
    full, flash = (
        activation_bytes(m, shape(recompute="none"), a100, 1, 1, constants()) for m in (gpt, causal)
    )
    assert full - flash == pytest.approx(5 * 96 * 2048**2)


def test_recomputing_more_never_needs_more_memory() -> None:
    h100 = chip("H100-SXM-80")
    for name in ("gpt-175b", "deepseek-v3", "llama-3-405b"):
        sizes = [
            stage_bytes(
                model(name),
                shape(tensor=8, pipeline=8, recompute=r),
                h100,
                8,
                4,
                64,
                0,
                constants(),
            )
            for r in ("none", "selective", "full")
        ]
        assert sizes == sorted(sizes, reverse=True)


def test_the_first_stage_of_a_pipeline_holds_the_most() -> None:
    sizes = [
        stage_bytes(
            model("gpt-175b"),
            shape(tensor=8, pipeline=8),
            chip("A100-SXM-80"),
            12,
            4,
            64,
            s,
            constants(),
        )
        for s in range(8)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[7]
