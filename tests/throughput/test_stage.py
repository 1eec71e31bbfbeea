"""One micro-batch on one stage, by hand."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.throughput.flops import executed
from sim.throughput.kernels import inverse_width
from sim.throughput.layouts import Placement
from sim.throughput.pipeline import Message
from sim.throughput.stage import (
    ComputeSeconds,
    compute_seconds,
    fullest_stage,
    group_of,
    messages,
    optimizer,
    pool_group,
    synchronisation,
)
from tests.throughput.cases import chip, constants, deepseek, model, placed, pool, shape

ACTIVATIONS = 2 * 2048 * 12288
"""Bytes between two layers of GPT-175B."""


def gpt(**degrees: int) -> Placement:
    """A stage with twelve layers of GPT-175B, one of eight."""
    return placed(model("gpt-175b"), shape(pipeline=8, **degrees), 12, pool())


def by_kind(stage: Placement) -> dict[str, Message]:
    return {message.kind: message for message in messages(stage)}


def test_a_dense_layer_takes_its_flops_over_the_rate_of_the_chips() -> None:
    llama, h100 = model("llama-3-405b"), pool("H100-SXM-80", stack="llama-3")
    work = executed(llama)
    expected = 8192 / 8 * (work.products + work.attention) / (989e12 * h100.chip.kernel_efficiency)
    bare = constants().model_copy(update={"matrix_traffic": 0.0})
    found = compute_seconds(llama, h100, shape(tensor=8), bare)
    assert found.layer == pytest.approx(expected)
    # With M = 8192 tokens, K = 16384 and N = 3·16384/8, at 3.35 TB/s of memory.
    traffic = 8192 / 8 * work.products * (1 / 8192 + 1 / 16384 + 1 / 6144) / 3.35e12
    whole = compute_seconds(llama, h100, shape(tensor=8), constants())
    assert whole.layer - found.layer == pytest.approx(traffic)


def test_fp8_speeds_the_products_up_and_leaves_attention_and_head_alone() -> None:
    v3, h800, layout = model("deepseek-v3"), deepseek(), shape(schedule="dualpipe")
    bf16 = v3.model_copy(update={"precision": "bf16"})
    low = compute_seconds(v3, h800, layout, constants())
    high = compute_seconds(bf16, h800, layout, constants())
    efficiency = h800.chip.kernel_efficiency * (1 - 0.1515) * h800.stack.experts
    products = 4096 * executed(v3).products / efficiency
    assert high.layer - low.layer == pytest.approx(products * (1 / 989e12 - 1 / 1979e12))
    assert high.last == low.last


def test_dense_layers_of_a_model_with_experts_pay_the_memory_traffic_of_their_width() -> None:
    v3, h800, layout = model("deepseek-v3"), deepseek(), shape()
    bare = constants().model_copy(update={"matrix_traffic": 0.0})
    without = compute_seconds(v3, h800, layout, bare)
    found = compute_seconds(v3, h800, layout, constants())
    work = executed(v3)
    each = constants().matrix_traffic / h800.chip.memory_bandwidth * inverse_width(v3, layout)
    expected = work.dense_layers * 4096 * work.products * each
    assert found.first - without.first == pytest.approx(expected)
    assert expected > 0


def test_scores_that_are_not_fused_go_through_memory() -> None:
    gpt3, old = model("gpt-175b"), pool(stack="megatron-2021")
    fused = pool(stack={"like": "megatron-2021", "score_passes": 0})
    slow, quick = (compute_seconds(gpt3, p, shape(tensor=8), constants()) for p in (old, fused))
    # Sixteen passes over heads x sequence x sequence numbers of two bytes, an eighth on each chip.
    expected = 16 * 96 * 2048 * 2048 * 2 / 8 / 2.04e12
    assert slow.layer - quick.layer == pytest.approx(expected)


def test_a_chip_without_fp8_runs_everything_in_bf16() -> None:
    v3, a100 = model("deepseek-v3"), pool(stack="haiscale")
    bf16 = v3.model_copy(update={"precision": "bf16"})
    found = compute_seconds(v3, a100, shape(), constants())
    assert found == compute_seconds(bf16, a100, shape(), constants())


@pytest.mark.parametrize("name", ["llama-3-405b", "deepseek-v3"])
@pytest.mark.parametrize("micro", [1, 2, 4])
def test_the_heads_take_their_flops_over_the_rate_of_bf16(name: str, micro: int) -> None:
    """DeepSeek-V3 has two: one predicts the token after the next."""
    bare = constants().model_copy(update={"matrix_traffic": 0.0})
    h100, trained = pool("H100-SXM-80", stack="llama-3"), model(name)
    found = compute_seconds(trained, h100, shape(tensor=8, micro=micro), bare)
    flops = 6 * trained.hidden * trained.vocabulary * (2 if name == "deepseek-v3" else 1)
    rate = 989e12 * h100.chip.kernel_efficiency * h100.stack.kernels * h100.stack.maturity
    assert found.last == pytest.approx(micro * trained.sequence / 8 * flops / rate, rel=1e-3)


def test_full_recomputation_adds_a_third_to_the_layers() -> None:
    gpt, a100 = model("gpt-175b"), pool()
    once = compute_seconds(gpt, a100, shape(recompute="selective"), constants())
    again = compute_seconds(gpt, a100, shape(recompute="full"), constants())
    assert (again.layer, again.last) == (pytest.approx(once.layer * 4 / 3), once.last)


def test_measured_layer_times_are_taken_at_their_word() -> None:
    measured = pool(layer_seconds={"layer": "4 ms", "first": "1 ms", "last": "2 ms"})
    found = compute_seconds(model("gpt-175b"), measured, shape(tensor=8), constants())
    assert found == ComputeSeconds(0.004, 0.001, 0.002)
    stage = gpt(tensor=8)._replace(pool=measured)
    assert set(by_kind(stage)) == {"pipeline"}  # those of tensor parallelism are in them


@pytest.mark.parametrize("paired", [False, True])
@given(
    st.integers(1, 13),
    st.integers(2, 4),
    st.floats(0.2, 3.0),
    st.floats(0.0, 6.0),
    st.floats(0.0, 6.0),
)
def test_no_way_to_deal_whole_layers_out_is_more_even(
    paired: bool, layers: int, chips: int, layer: float, first: float, last: float
) -> None:
    """A chip of DualPipe has one stage of each half, so it spends half of its layers on each."""
    stages = 2 * chips if paired else chips

    def slowest(cuts: tuple[int, ...]) -> float:
        loads = [(end - start) * layer for start, end in itertools.pairwise((0, *cuts, layers))]
        loads[0] += first
        # DualPipe's first chip has the last stage as well.
        loads[0 if paired else -1] += last
        return max(loads) / (stages / chips)

    every = itertools.combinations_with_replacement(range(layers + 1), chips - 1)
    found = fullest_stage(layers, stages, ComputeSeconds(layer, first, last), paired=paired)
    assert found == pytest.approx(min(map(slowest, every)))


def test_dualpipe_evens_the_first_stage_out_with_the_last() -> None:
    four, six = ComputeSeconds(1.0, 0.0, 4.0), ComputeSeconds(1.0, 0.0, 6.0)
    assert fullest_stage(60, 16, four) == 4.0
    assert fullest_stage(60, 16, four, paired=True) == 4.0  # (4 + 4) / 2, and 8 / 2 elsewhere
    assert fullest_stage(56, 16, six, paired=True) == pytest.approx(4.0)
    assert fullest_stage(56, 16, six) == 6.0


def test_an_odd_number_of_layers_a_stage_takes_what_the_fullest_stage_takes() -> None:
    """96 layers on 5 stages: 20 on the fullest and 19.2 on the mean; on 32 stages 3 on each.

    On 64 stages two or one, which the two stages of a chip of DualPipe even out.
    """
    measured = pool(layer_seconds={"layer": "4 ms", "first": "0 s", "last": "0 s"})
    for stages, schedule, fullest in ((5, "1f1b", 20), (32, "1f1b", 3), (64, "1f1b", 2), (64, "dualpipe", 1.5)):  # fmt: skip
        layout = shape(pipeline=stages, schedule=schedule)
        stage = gpt()._replace(pool=measured, shape=layout)
        [found] = pool_group(stage._replace(layers=96 / stages)).pipeline.stages
        assert found.slowest == pytest.approx(0.004 * fullest)
        assert found.compute == pytest.approx(0.004 * 96 / stages)
        assert found.count == stages


def test_tensor_parallelism_sends_eight_activations_a_layer() -> None:
    found = by_kind(gpt(tensor=8, virtual=6))
    each = 7 / 8 * ACTIVATIONS / (0.77 * 300e9) + 7 * 5e-6
    assert found["tensor"].seconds == pytest.approx(8 * 12 * each)
    passed = 4 * 6 * (ACTIVATIONS / 8 / (0.8 * 25e9) + 5e-6)
    assert found["pipeline"].seconds == pytest.approx(passed)


def test_a_replica_exactly_as_large_as_the_scale_up_domain_sends_nothing_beyond_it() -> None:
    inside = by_kind(gpt())["pipeline"]
    assert inside.seconds == pytest.approx(4 * (ACTIVATIONS / (0.77 * 300e9) + 5e-6))
    beyond = by_kind(gpt(tensor=2))["pipeline"]
    assert beyond.seconds == pytest.approx(4 * (ACTIVATIONS / 2 / (0.8 * 25e9) + 5e-6))


def test_context_parallelism_gathers_keys_and_values_three_times_a_layer() -> None:
    found = by_kind(gpt(context=4))
    kept = 2 * 2048 * 2 * 12288
    each = 3 / 4 * kept / (0.77 * 300e9) + 3 * 5e-6
    assert found["context"].seconds == pytest.approx(3 * 12 * each)
    # Rings of sixteen ranks cross the network between nodes, those of four do not.
    assert by_kind(gpt(tensor=4, context=4))["context"].far
    assert not found["context"].far
    # Ranks of both kinds share what is passed on to the next stage.
    for degrees in ({"context": 4}, {"tensor": 2, "context": 2}):
        passed = by_kind(gpt(**degrees))["pipeline"].seconds
        assert passed == pytest.approx(4 * (ACTIVATIONS / 4 / (0.8 * 25e9) + 5e-6))


def test_a_slow_link_carries_what_crosses_between_chip_types() -> None:
    [inside] = messages(gpt())
    [edge] = messages(gpt(), inner=1, outer=1, across=1e9)
    more = edge.seconds - inside.seconds / 2
    assert more == pytest.approx(2 * (ACTIVATIONS / 1e9 + 5e-6))
    assert edge.far


def test_deepseek_v3_spends_56_ms_a_micro_batch_on_all_to_all() -> None:
    layout = shape(pipeline=16, expert=64)
    found = by_kind(placed(model("deepseek-v3"), layout, 61 / 16, deepseek()))
    assert found["expert"].seconds == pytest.approx(0.056, rel=0.01)


def test_gradients_cost_six_bytes_a_parameter_over_the_network() -> None:
    stage = gpt(tensor=8)._replace(ranks=16)
    seconds = synchronisation(stage)
    share = stage.pool.stack.data_efficiency
    assert share is not None
    link = share * 25e9
    assert seconds == pytest.approx(15 / 16 * 6 * 174.6e9 / 64 / link + 15 * 5e-6)


def test_the_optimizer_reads_and_writes_thirty_bytes_of_what_a_rank_owns() -> None:
    seconds = optimizer(gpt(tensor=8)._replace(ranks=16))
    assert seconds == pytest.approx(174.6e9 / 64 / 16 * 30 / (0.7 * 2.04e12))
    assert chip("A100-SXM-80").memory_bandwidth == pytest.approx(2.04e12)


def test_the_fullest_stage_of_a_pool_sets_its_exchange_and_each_pool_its_memory() -> None:
    stage = gpt(tensor=8)._replace(ranks=16)
    more = stage._replace(layers=16)
    other = stage._replace(name="other", layers=8)
    pipeline = pool_group(stage).pipeline
    found = group_of(
        [more, stage, other], {"pool": stage.shape, "other": stage.shape}, pipeline, 0.0
    )
    assert found.sync == synchronisation(more)
    assert found.optimizer == optimizer(more)
    assert found.memory["pool"] > found.memory["other"]


def test_two_unlike_stacks_wait_for_the_slower_exchange_and_the_longer_fixed_time() -> None:
    quick = gpt(tensor=8)._replace(ranks=16, pool=pool(stack="megascale"))
    slow = gpt(tensor=8)._replace(ranks=16, pool=pool(stack="megatron-lm"), name="other")
    alone = [pool_group(quick), pool_group(slow)]
    # What each is worse in is not what the other is worse in.
    assert alone[0].fixed > alone[1].fixed == 0.0
    assert alone[0].sync < alone[1].sync
    assert alone[0].overlap > alone[1].overlap == 0.0
    shapes = {"pool": quick.shape, "other": slow.shape}
    for places in ([quick, slow], [slow, quick]):
        found = group_of(places, shapes, alone[0].pipeline, 0.0)
        assert found.fixed == alone[0].fixed
        assert found.sync == alone[1].sync
        assert found.overlap == 0.0


def test_what_a_step_costs_once_is_exchange_optimizer_and_the_fixed_time() -> None:
    stage = gpt(tensor=8)._replace(ranks=16, pool=pool(stack="megascale"))
    group = pool_group(stage)
    assert min(group.sync, group.optimizer, group.fixed) > 0
    bare = dataclasses.replace(group, overlap=0.0, cover=0.0)
    once = bare.sync + bare.optimizer + bare.fixed
    assert bare.once() == pytest.approx(once)
    assert bare.once(3.0) == pytest.approx(once + 2 * bare.sync)
    beat, ramp = bare.pipeline.beat_and_ramp()
    assert bare.seconds() == pytest.approx(bare.microbatches * beat + ramp + once)
    twice = bare.times({"pool": 2.0})
    assert twice.once() == pytest.approx(2 * once)


def test_ranks_of_context_share_the_optimizer_too() -> None:
    alone = optimizer(gpt()._replace(ranks=16))
    for degree in (2, 4):
        assert optimizer(gpt(context=degree)._replace(ranks=16)) == pytest.approx(alone / degree)
        assert optimizer(gpt()._replace(ranks=16 * degree)) == pytest.approx(alone / degree)


def test_ranks_of_context_in_a_node_exchange_gradients_there() -> None:
    """Eight ranks in the node are eight, whether they split the batch or sequences."""
    alike = [gpt()._replace(ranks=16), gpt(context=4)._replace(ranks=4)]
    assert synchronisation(alike[0]) == pytest.approx(synchronisation(alike[1]))
    assert synchronisation(gpt(context=8)._replace(ranks=1)) < synchronisation(alike[0]) / 2
