"""ZeRO-2 and 3, experts over tensor × data ranks, context rings, sliding windows."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import InputError
from sim.throughput.batch_split import real_split
from sim.throughput.flops import attention_flops
from sim.throughput.layouts import check
from sim.throughput.memory import parameters_per_chip, stage_bytes, state_bytes
from sim.throughput.stage import exchange, messages, synchronisation
from tests.throughput.cases import deepseek, fleet, model, placed, pool, run, shape

FSDP = {"tensor": 1, "pipeline": 1, "zero": 3, "recompute": "full"}


def mpt(ranks: int = 8, **degrees: int):
    return placed(model("mpt-13b"), shape(**degrees), 40, pool("H100-SXM-80", 64), ranks=ranks)


def test_state_that_is_shared_out_takes_less_memory_and_gets_to_nothing() -> None:
    by_stage = [state_bytes(mpt(zero=zero)) for zero in (1, 2, 3)]
    assert all(a > b for a, b in pairwise(by_stage))
    # 18 bytes a parameter over a million ranks leave the two layers that are gathered.
    alone = state_bytes(mpt(ranks=10**6, zero=3))
    assert alone == pytest.approx(2 * 2 * 12.854e9 / 40, rel=1e-3)


def test_zero_3_gathers_twice_and_scatters_once_in_every_micro_batch() -> None:
    [sharding] = [m for m in messages(mpt(zero=3)) if m.kind == "sharding"]
    # Seven eighths of eight bytes a parameter over NVLink, and the latency of each layer's ring.
    expected = 7 / 8 * 8 * 12.854e9 / (0.77 * 450e9) + 40 * 7 * 5e-6
    assert sharding.seconds == pytest.approx(expected)
    assert not sharding.far
    assert synchronisation(mpt(zero=3)) == 0
    assert synchronisation(mpt(zero=2)) == pytest.approx(exchange(mpt(), 2.0))
    assert not [m for m in messages(mpt()) if m.kind == "sharding"]


def test_a_stage_of_one_layer_has_one_ring() -> None:
    one = placed(model("mpt-13b"), shape(zero=3), 1, pool("H100-SXM-80", 64), ranks=8)
    [sharding] = [m for m in messages(one) if m.kind == "sharding"]
    expected = 7 / 8 * 8 * 12.854e9 / 40 / (0.77 * 450e9) + 7 * 5e-6
    assert sharding.seconds == pytest.approx(expected)


def test_what_is_gathered_under_zero_3_holds_the_experts_of_the_layer_too() -> None:
    layout = shape(pipeline=16, expert=64, zero=3)
    stage = placed(model("deepseek-v3"), layout, 61 / 16, deepseek(), ranks=64 * 10**7)
    shared, routed = parameters_per_chip(stage)
    assert state_bytes(stage) == pytest.approx(2 * 2 * (shared + routed) / (61 / 16), rel=1e-3)


def test_fsdp_runs_what_zero_1_cannot_hold() -> None:
    training = run("mpt-13b", 64, 1)
    with pytest.raises(InputError, match="GB a chip"):
        layout = {**FSDP, "zero": 1}
        fleet(training, [pool("H100-SXM-80", 8, "llm-foundry", layout=layout)])
    held = fleet(training, [pool("H100-SXM-80", 8, "llm-foundry", layout=FSDP)]).full
    assert held.parts["sharding"] >= 0
    assert "zero 3" in str(next(iter(held.layouts.values())))


def test_experts_over_tensor_and_data_ranks_by_hand() -> None:
    v3 = model("deepseek-v3")
    spread = shape(tensor=4, expert=64, expert_tensor=1)
    assert (spread.expert_ranks, spread.replica_chips) == (16, 64)
    at = placed(v3, spread, 61, deepseek(), ranks=16)
    _, routed = parameters_per_chip(at)
    assert routed == pytest.approx(654e9 / 64)
    split = placed(v3, shape(tensor=4, expert=16), 61, deepseek(), ranks=16)
    # As many chips hold the experts, so each holds as much of them.
    assert stage_bytes(at) == pytest.approx(stage_bytes(split))


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ({"tensor": 4, "expert": 64, "expert_tensor": 3}, "nearest: 2"),
        ({"tensor": 4, "expert": 6, "expert_tensor": 1}, "nearest: expert 8"),
        ({"expert": 6, "expert_tensor": 1}, "needs tensor"),
        ({"tensor": 4, "expert": 64, "expert_tensor": 1, "data": 24}, "nearest: 32"),
    ],
)
def test_experts_that_cannot_be_spread_are_refused_with_the_nearest(layout, words) -> None:
    with pytest.raises(InputError, match=words):
        check(model("deepseek-v3"), deepseek(layout=layout).layout, "good")


def test_a_ring_hides_behind_attention_and_a_gather_only_as_far_as_the_stack_does() -> None:
    llama = model("llama-3-405b")
    kinds = []
    for way in ("gather", "ring"):
        at = placed(llama, shape(tensor=8, context=4, context_exchange=way), 8, pool("H100-SXM-80"))
        [message] = [m for m in messages(at) if m.kind == "context"]
        kinds.append(message)
    assert kinds[0].seconds == kinds[1].seconds
    assert kinds[1].overlap == 1.0 > kinds[0].overlap


def test_a_sliding_window_is_counted_token_by_token() -> None:
    gpt = model("gpt-175b")
    for window in (1, 100, 2048, 5000):
        seen = sum(min(k, window) for k in range(1, 2049)) / sum(range(1, 2049))
        narrow = gpt.model_copy(update={"window": window})
        assert attention_flops(narrow) / attention_flops(gpt) == pytest.approx(seen, abs=1e-3)


@given(faster=st.floats(1.0, 8.0), link=st.sampled_from(["nic", "scale_up", "memory_bandwidth"]))
def test_more_bandwidth_never_slows_fsdp_or_experts_over_tensor_ranks(faster, link) -> None:
    for training, one in (
        (run("mpt-13b", 256), pool("H100-SXM-80", 64, "llm-foundry", layout=FSDP)),
        (run("deepseek-v3", 4096), deepseek(layout=OVER_TENSOR)),
    ):
        chip = one.chip.model_copy(update={link: faster * getattr(one.chip, link)})
        better = one.model_copy(update={"chip": chip})
        plain = fleet(training, [one]).full.step_seconds
        assert fleet(training, [better]).full.step_seconds <= plain * (1 + 1e-12)


OVER_TENSOR = {
    "tensor": 2,
    "pipeline": 16,
    "expert": 64,
    "expert_tensor": 1,
    "virtual": 1,
    "recompute": "selective",
}


@pytest.mark.parametrize(
    ("training", "chip", "stack", "layout", "half"),
    [
        (run("mpt-13b", 256), "H100-SXM-80", "llm-foundry", FSDP, 32),
        (run("deepseek-v3", 4096), "H800-SXM-80", "hai-llm", OVER_TENSOR, 1024),
    ],
)
def test_one_type_as_two_pools_equals_one(training, chip, stack, layout, half) -> None:
    one = fleet(training, [pool(chip, 2 * half, stack, layout=layout)]).full
    parts = [pool(chip, half, stack, layout=layout) for _ in range(2)]
    assert fleet(training, parts).full.step_seconds == pytest.approx(one.step_seconds, rel=1e-12)


def test_fsdp_ranks_of_two_chips_split_within_a_micro_batch_of_the_optimum() -> None:
    training = run("mpt-13b", 500)
    pools = [pool(name, 64, "llm-foundry", layout=FSDP) for name in ("H100-SXM-80", "A100-SXM-80")]
    groups = fleet(training, pools).groups
    paces = [group.pace for group in groups]
    best = real_split(paces, 500)
    assert max(group.seconds() for group in groups) <= best + max(pace.beat for pace in paces)
