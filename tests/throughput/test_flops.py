"""Work, counted by hand."""

import pytest

from sim.throughput import flops_per_token
from sim.throughput.flops import attention_flops, executed
from tests.throughput.cases import model


def test_a_dense_model_costs_six_flops_a_parameter_and_causal_attention() -> None:
    llama = model("llama-3-405b")
    assert flops_per_token(llama) == pytest.approx(6 * 403e9 + 6 * 126 * 8192 * 16384)


def test_the_full_convention_counts_the_masked_half_of_the_scores_too() -> None:
    gpt = model("gpt-175b")
    assert flops_per_token(gpt, "full") - flops_per_token(gpt) == pytest.approx(
        6 * 96 * 2048 * 12288
    )


def test_deepseek_v3_needs_the_250_gigaflops_its_authors_print() -> None:
    v3 = model("deepseek-v3")
    assert attention_flops(v3) == pytest.approx(3 * 61 * 4096 * 128 * (192 + 128))
    assert flops_per_token(v3) == pytest.approx(250e9, rel=0.002)


def test_a_prediction_module_is_run_but_not_useful() -> None:
    v3 = model("deepseek-v3")
    plain = v3.model_copy(update={"prediction_modules": 0})
    assert flops_per_token(v3) == flops_per_token(plain)
    assert (executed(v3).layers, executed(v3).heads) == (executed(plain).layers + 1, 2)


def test_what_is_executed_adds_up_to_what_is_useful() -> None:
    work = executed(model("deepseek-67b"))
    total = work.layers * (work.products + work.attention) + work.heads * work.head
    assert total == pytest.approx(flops_per_token(model("deepseek-67b")))
