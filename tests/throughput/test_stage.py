"""One micro-batch on one stage, by hand."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.throughput.flops import executed
from sim.throughput.stage import (
    Seconds,
    compute_seconds,
    fullest_stage,
    messages,
    optimizer,
    synchronisation,
)
from tests.throughput.cases import chip, constants, deepseek, model, pool, shape


def test_a_dense_layer_takes_its_flops_over_the_rate_of_the_chips() -> None:
    llama, h100 = model("llama-3-405b"), pool("H100-SXM-80", stack="llama-3")
    work = executed(llama)
    expected = 8192 / 8 * (work.products + work.attention) / (989e12 * h100.chip.kernel_efficiency)
    assert compute_seconds(llama, h100, shape(tensor=8)).layer == pytest.approx(expected)


def test_fp8_speeds_the_products_up_and_leaves_attention_and_head_alone() -> None:
    v3, h800 = model("deepseek-v3"), deepseek()
    low = compute_seconds(v3, h800, shape(schedule="dualpipe"))
    high = compute_seconds(
        v3.model_copy(update={"precision": "bf16"}), h800, shape(schedule="dualpipe")
    )
    products = (
        4096
        * executed(v3).products
        / (h800.chip.kernel_efficiency * (1 - 0.1515) * h800.stack.experts)
    )
    assert high.layer - low.layer == pytest.approx(products * (1 / 989e12 - 1 / 1979e12))
    assert high.last == low.last


def test_a_chip_without_fp8_runs_everything_in_bf16() -> None:
    v3, a100 = model("deepseek-v3"), pool(stack="haiscale")
    bf16 = v3.model_copy(update={"precision": "bf16"})
    assert compute_seconds(v3, a100, shape()) == compute_seconds(bf16, a100, shape())


def test_full_recomputation_adds_a_third_to_the_layers() -> None:
    gpt, a100 = model("gpt-175b"), pool()
    once, again = (compute_seconds(gpt, a100, shape(recompute=r)) for r in ("selective", "full"))
    assert (again.layer, again.last) == (pytest.approx(once.layer * 4 / 3), once.last)


@given(
    st.integers(1, 12),
    st.integers(2, 4),
    st.floats(0.2, 3.0),
    st.floats(0.0, 6.0),
    st.floats(0.0, 6.0),
)
def test_no_way_to_deal_whole_layers_out_is_more_even(
    layers: int, stages: int, layer: float, first: float, last: float
) -> None:
    def slowest(split: tuple[int, ...]) -> float:
        loads = [n * layer for n in split]
        loads[0] += first
        loads[-1] += last
        return max(loads)

    splits = (s for s in itertools.product(range(layers + 1), repeat=stages) if sum(s) == layers)
    assert fullest_stage(layers, stages, Seconds(layer, first, last)) == pytest.approx(
        min(map(slowest, splits))
    )


def test_dualpipe_evens_the_first_stage_out_with_the_last() -> None:
    alone = fullest_stage(60, 16, Seconds(1.0, 0.0, 4.0))
    assert alone == 4.0
    assert (
        fullest_stage(60, 16, Seconds(1.0, 0.0, 4.0), paired=True) == 4.0
    )  # (4 + 4) / 2, and 8 / 2 elsewhere
    assert fullest_stage(56, 16, Seconds(1.0, 0.0, 6.0), paired=True) == pytest.approx(4.0)
    assert fullest_stage(56, 16, Seconds(1.0, 0.0, 6.0)) == 6.0


def test_tensor_parallelism_sends_eight_activations_a_layer() -> None:
    gpt = model("gpt-175b")
    found = {
        k: s
        for k, s, *_ in messages(
            gpt, pool(), shape(tensor=8, pipeline=8, virtual=6), 12, constants()
        )
    }
    activations = 2 * 2048 * 12288
    each = 7 / 8 * activations / (0.77 * 300e9) + 7 * 5e-6
    assert found["tensor"] == pytest.approx(8 * 12 * each)
    assert found["pipeline"] == pytest.approx(4 * 6 * (activations / 8 / (0.8 * 25e9) + 5e-6))


def test_a_slow_link_carries_what_crosses_between_chip_types() -> None:
    gpt, layout = model("gpt-175b"), shape(pipeline=8)
    inside = messages(gpt, pool(), layout, 12, constants(), inner=2)[0][1]
    edge = messages(gpt, pool(), layout, 12, constants(), inner=1, outer=1, across=1e9)[0][1]
    assert edge - inside / 2 == pytest.approx(2 * (2 * 2048 * 12288 / 1e9 + 5e-6))


def test_deepseek_v3_spends_56_ms_a_micro_batch_on_all_to_all() -> None:
    layout = shape(pipeline=16, expert=64)
    found = {
        k: s
        for k, s, *_ in messages(model("deepseek-v3"), deepseek(), layout, 61 / 16, constants())
    }
    assert found["expert"] == pytest.approx(0.056, rel=0.01)


def test_gradients_cost_six_bytes_a_parameter_over_the_network() -> None:
    gpt, layout, link = model("gpt-175b"), shape(tensor=8, pipeline=8), 20e9
    seconds = synchronisation(gpt, chip("A100-SXM-80"), layout, 12, 16, link, constants())
    assert seconds == pytest.approx(15 / 16 * 6 * 174.6e9 / 64 / link + 15 * 5e-6)


def test_the_optimizer_reads_and_writes_thirty_bytes_of_what_a_rank_owns() -> None:
    seconds = optimizer(
        model("gpt-175b"), chip("A100-SXM-80"), shape(tensor=8, pipeline=8), 12, 16, constants()
    )
    assert seconds == pytest.approx(174.6e9 / 64 / 16 * 30 / (0.7 * 2.04e12))
