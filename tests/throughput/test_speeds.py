"""Fleets: properties that hold whatever the numbers, states of decay, and speed."""

from __future__ import annotations

import itertools
import math
import time
import timeit
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.scenario.parts import Pool
from sim.throughput.elastic import ElasticPolicy
from tests.throughput.cases import GPT, V3, constants, deepseek, fleet, healthy, listed, pool, run

WEAK = {
    "tensor": 8,
    "pipeline": 16,
    "context": 1,
    "expert": 8,
    "virtual": 1,
    "recompute": "selective",
}
MIXES = st.sampled_from(["A100-SXM-80", "A800-SXM-80", "H20-96", "Ascend-910B3", "A100-PCIe-80"])


def weak(chip: Any = "A100-SXM-80", chips: int = 2048, **rest: Any) -> Pool:
    return pool(chip, chips, "haiscale", **{"layout": WEAK, **rest})


@settings(max_examples=40)
@given(
    st.sampled_from(["bf16", "fp8", "memory_bandwidth", "scale_up", "nic", "kernel_efficiency"]),
    st.floats(1.0, 4.0),
    st.sampled_from(
        [
            ("deepseek-v3", V3, "H800-SXM-80", "hai-llm"),
            ("gpt-175b", GPT, "H800-SXM-80", "megascale"),
        ]
    ),
    st.sampled_from([256, 3840, 15360]),
)
def test_a_better_chip_never_slows_a_step(
    key: str, factor: float, case: tuple[Any, ...], sequences: int
) -> None:
    model, layout, name, stack = case
    plain = pool(name, 2048, stack, layout=layout)
    better = plain.model_copy(
        update={"chip": plain.chip.model_copy(update={key: getattr(plain.chip, key) * factor})}
    )
    before, after = (fleet(run(model, sequences), [p]).full.step_seconds for p in (plain, better))
    assert after <= before * (1 + 1e-9)


@pytest.mark.parametrize("key", ["bf16", "memory_bandwidth"])
def test_a_faster_chip_whose_messages_outlast_it_hides_no_less(key: str) -> None:
    layout = {"tensor": 4, "pipeline": 3, "virtual": 2, "recompute": "full"}
    plain = pool("MI300X-192", 1000, "haiscale", layout=layout)
    better = plain.model_copy(
        update={"chip": plain.chip.model_copy(update={key: getattr(plain.chip, key) * 1.5})}
    )
    before, after = (fleet(run("opt-350m", 3), [p]).full for p in (plain, better))
    assert after.parts["data"] == before.parts["data"] > 0
    assert after.step_seconds <= before.step_seconds * (1 + 1e-9)


@settings(max_examples=30)
@given(
    st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.sampled_from(["1f1b", "interleaved", "dualpipe"])
)
def test_better_overlap_never_slows_a_step(a: float, b: float, schedule: str) -> None:
    layout = WEAK | {"schedule": schedule}
    steps = [
        fleet(
            run("deepseek-v3", 15360),
            [pool(chips=2048, stack={"like": "haiscale", "overlap": o}, layout=layout)],
        )
        for o in sorted((a, b))
    ]
    assert steps[1].full.step_seconds <= steps[0].full.step_seconds * (1 + 1e-9)


@settings(max_examples=20)
@given(st.integers(1, 127), st.integers(0, 127))
def test_one_type_given_as_two_pools_is_the_homogeneous_fleet(first: int, lost: int) -> None:
    training = run("deepseek-v3", 3840)
    whole, parts = (
        fleet(training, [weak(chips=1024)]),
        fleet(training, [weak(chips=8 * first), weak(chips=1024 - 8 * first)]),
    )
    assert parts.full.step_seconds == whole.full.step_seconds
    assert sum(listed(parts.full.used_chips)) == listed(whole.full.used_chips)[0]
    left = (max(first - lost, 0), 128 - first - max(lost - first, 0))
    assert healthy(parts, left).tokens_per_s == healthy(whole, (128 - lost,)).tokens_per_s


@settings(max_examples=20)
@given(MIXES, st.integers(1, 4))
def test_the_order_of_pools_does_not_matter(chip: str, size: int) -> None:
    training, pools = run("deepseek-v3", 15360), [deepseek(), weak(chip, 1024 * size)]
    one = fleet(training, pools, names=["a", "b"]).full
    two = fleet(training, pools[::-1], names=["b", "a"]).full
    assert one == two


@settings(max_examples=20)
@given(MIXES, st.floats(0.8, 1.0), st.floats(1.0, 5.0))
def test_the_parts_add_up_to_the_step(chip: str, efficiency: float, slowdown: float) -> None:
    plan = fleet(
        run("deepseek-v3", 15360),
        [deepseek(), weak(chip)],
        {"efficiency": efficiency},
        step_noise=0.01,
    ).full
    assert math.fsum(plan.parts.values()) == pytest.approx(plan.step_seconds)
    assert plan.tokens_per_s * plan.step_seconds == pytest.approx(15360 * 4096)
    assert plan.step_seconds_at(1.0) == plan.step_seconds
    assert plan.step_seconds_at(slowdown) >= plan.step_seconds * (1 - 1e-12)
    assert plan.tokens_per_s_at(slowdown) == pytest.approx(
        plan.tokens_per_step / plan.step_seconds_at(slowdown)
    )


def test_a_slowdown_multiplies_exactly_what_is_exposed() -> None:
    plan = fleet(run(), [pool(layout=GPT)]).full  # nothing overlaps here
    exposed = plan.parts["pipeline"] + plan.parts["data"]  # tensor messages stay within nodes
    _, ramp = plan.groups[0].pipeline.beat_and_ramp()
    _, slow = plan.groups[0].pipeline.beat_and_ramp(2.0)
    more = plan.step_seconds_at(2.0) - plan.step_seconds
    assert more == pytest.approx(exposed + slow - ramp)


def test_perfect_mixing_adds_the_rates_up_and_its_efficiency_takes_its_part() -> None:
    training = run("deepseek-v3", 15360)
    alone = [fleet(training, [p]).full.tokens_per_s for p in (deepseek(), weak("A800-SXM-80"))]
    together = fleet(training, [deepseek(), weak("A800-SXM-80")]).full
    assert 0.9 * sum(alone) < together.tokens_per_s < sum(alone)
    less = fleet(training, [deepseek(), weak("A800-SXM-80")], {"efficiency": 0.9}).full
    assert less.tokens_per_s == pytest.approx(0.9 * together.tokens_per_s)
    assert less.parts["mixing"] == pytest.approx(
        together.step_seconds / 0.9 - together.step_seconds
    )


def test_the_scaling_ratio_compares_the_mix_with_its_parts() -> None:
    mixed = fleet(
        run("deepseek-v3", 15360), [deepseek(), weak("A800-SXM-80")], {"efficiency": 0.95}
    )
    alone = [fleet(mixed.run, [p]).full.tokens_per_s for p in mixed.pools.values()]
    assert mixed.scaling_ratio == pytest.approx(mixed.full.tokens_per_s / sum(alone))
    assert 0.85 < mixed.scaling_ratio < 0.95


def test_equal_shares_wait_for_the_slower_type() -> None:
    training, pools = run("deepseek-v3", 15360), [deepseek(), weak()]
    assert (
        fleet(training, pools, equal=True).full.tokens_per_s
        < fleet(training, pools).full.tokens_per_s
    )
    equal = fleet(training, pools, equal=True).full
    assert len({group.microbatches for group in equal.groups}) == 1


def test_noise_and_model_error_multiply_the_step() -> None:
    plain = fleet(run("deepseek-v3", 15360), [deepseek()]).full.step_seconds
    slow = constants().model_copy(update={"model_error": 1.1})
    both = {"step_noise": 0.01, "constants": slow}
    noisy = fleet(run("deepseek-v3", 15360), [deepseek()], **both).full
    assert noisy.step_seconds == pytest.approx(1.1 * plain * 1.0283, rel=1e-4)


def test_a_measured_rate_is_taken_at_its_word() -> None:
    measured = deepseek(throughput={"tokens_per_second_per_chip": 1542})
    assert fleet(run("deepseek-v3", 15360), [measured]).full.tokens_per_s == pytest.approx(
        1542 * 2048
    )


def test_a_pool_that_slows_the_rest_is_kept_and_named() -> None:
    training, few = (
        run("deepseek-v3", 15360),
        weak({"like": "A100-SXM-80", "kernel_efficiency": 0.05}, 1024),
    )
    alone = fleet(training, [deepseek()]).full.tokens_per_s
    mixed = fleet(training, [deepseek(), few], {"efficiency": 0.9}, names=["good", "weak"])
    assert listed(mixed.full.used_chips) == (2048, 1024)
    assert mixed.full.tokens_per_s < alone
    assert mixed.faster_without == {"weak": pytest.approx(alone)}
    assert fleet(training, [deepseek(), weak("A800-SXM-80")]).faster_without == {}


def test_a_lost_node_takes_its_replica_and_whole_micro_batches_take_the_rest() -> None:
    planned = fleet(run(), [pool(layout=GPT)])
    plan = healthy(planned, (127,))
    beat, _ = planned.full.groups[0].pipeline.beat_and_ramp()
    once = planned.full.step_seconds - 48 * beat
    assert (listed(plan.used_chips), listed(plan.idle_chips)) == ((960,), (56,))
    assert plan.groups[0].microbatches == 52
    assert plan.step_seconds == pytest.approx(52 * beat + once)
    assert (
        healthy(planned, (120,)).step_seconds == plan.step_seconds
    )  # seven more nodes of the same replica


def test_a_smaller_batch_keeps_the_step_and_loses_the_tokens() -> None:
    planned = fleet(run(), [pool(layout=GPT)])
    plan = healthy(planned, (127,), keep_batch=False)
    assert plan.step_seconds == pytest.approx(planned.full.step_seconds)
    assert plan.tokens_per_step == pytest.approx(planned.full.tokens_per_step * 15 / 16)


def test_one_node_halves_deepseek_v3() -> None:
    planned = fleet(run("deepseek-v3", 15360), [deepseek()])
    assert listed(healthy(planned, (255,)).used_chips) == (1024,)
    assert healthy(planned, (255,)).tokens_per_s == pytest.approx(
        planned.full.tokens_per_s * (120 + 14.9) / (240 + 14.9), rel=0.01
    )


def test_rerouting_lies_between_its_bounds() -> None:
    planned = fleet(run(), [pool(layout=GPT | {"virtual": 1})])
    beat, seconds = planned.full.groups[0].pipeline.beat_and_ramp()
    ramp = seconds / beat
    ratio = healthy(planned, (127,), "re-route").tokens_per_s / planned.full.tokens_per_s
    moved = 48 * 16 / 15
    assert (48 + ramp) / (moved + ramp) * 0.99 < ratio < (48 + ramp) / max(48 + ramp, moved) + 1e-9
    assert ratio > healthy(planned, (127,)).tokens_per_s / planned.full.tokens_per_s


@settings(max_examples=25)
@given(st.integers(0, 256), st.integers(0, 256))
def test_policies_never_do_worse_than_dropping_and_never_better_than_new(
    good: int, bad: int
) -> None:
    planned = fleet(run("deepseek-v3", 15360), [deepseek(), weak()])
    dropped = healthy(planned, (good, bad)).tokens_per_s
    policies: tuple[ElasticPolicy, ...] = ("re-route", "re-plan")
    for policy in policies:
        assert dropped <= healthy(planned, (good, bad), policy).tokens_per_s * (1 + 1e-12)
    assert dropped <= planned.full.tokens_per_s * (1 + 1e-9)


def test_a_fleet_too_small_for_a_replica_stands_still() -> None:
    plan = healthy(fleet(run("deepseek-v3", 15360), [deepseek()]), (100,))
    assert (
        plan.tokens_per_s,
        plan.step_seconds,
        listed(plan.used_chips),
        listed(plan.idle_chips),
    ) == (
        0.0,
        math.inf,
        (0,),
        (800,),
    )
    assert plan.tokens_per_s_at(2.0) == 0.0


def test_states_are_planned_within_a_millisecond_and_remembered() -> None:
    training, pools = run("deepseek-v3", 15360), [deepseek(), weak()]

    def quickest(work: Callable[[], object], times: int) -> float:
        # Processor time: what else runs on the machine must not count.
        return min(timeit.repeat(work, number=times, repeat=5, timer=time.process_time)) / times

    def new_state(policy: ElasticPolicy) -> Callable[[], object]:
        lost = itertools.count(1)
        return lambda: healthy(planned, (256 - next(lost), 256), policy)

    planned = fleet(training, pools)
    policies: tuple[ElasticPolicy, ...] = ("drop-replica", "re-route", "re-plan")
    assert quickest(lambda: fleet(training, pools), 20) < 4e-3
    assert all(quickest(new_state(policy), 10) < 4e-3 for policy in policies)
    assert quickest(lambda: healthy(planned, (256, 256)), 1000) < 8e-6
