"""Schedules: the closed form against an exact recursion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.throughput.pipeline import Message, Pipeline, Stage, bubble_share, in_flight
from sim.validation.formulas import exact_1f1b

SECONDS = st.floats(0.1, 10.0)


def unequal(times: list[float], bubble: float = 1.0) -> Pipeline:
    return Pipeline(tuple(Stage("pool", 1, t, t) for t in times), bubble)


def closed_form(pipeline: Pipeline, microbatches: int) -> float:
    beat, ramp = pipeline.beat_and_ramp()
    return microbatches * beat + ramp


@given(st.integers(1, 8), st.integers(1, 24), SECONDS, SECONDS)
def test_equal_stages_take_m_plus_p_minus_one_beats(
    stages: int, microbatches: int, forward: float, back: float
) -> None:
    exact = exact_1f1b([forward] * stages, [back] * stages, microbatches)
    assert exact == pytest.approx((microbatches + stages - 1) * (forward + back))
    assert closed_form(unequal([forward + back] * stages), microbatches) == pytest.approx(exact)


@given(st.lists(st.tuples(SECONDS, SECONDS), min_size=1, max_size=7), st.integers(1, 20))
def test_the_exact_schedule_never_exceeds_the_bound(
    stages: list[tuple[float, float]], microbatches: int
) -> None:
    forward, backward = zip(*stages, strict=True)
    bound = sum(forward) + sum(backward) + (microbatches - 1) * (max(forward) + max(backward))
    assert exact_1f1b(forward, backward, microbatches) <= bound * (1 + 1e-12)


@given(st.lists(SECONDS, min_size=1, max_size=7), st.integers(1, 20), st.floats(0.5, 3.0))
def test_the_closed_form_bounds_the_exact_one_for_one_backward_ratio(
    forward: list[float], microbatches: int, ratio: float
) -> None:
    exact = exact_1f1b(forward, [ratio * f for f in forward], microbatches)
    assert exact <= closed_form(unequal([(1 + ratio) * f for f in forward]), microbatches) * (
        1 + 1e-12
    )


def test_the_closed_form_is_close_once_there_are_many_micro_batches() -> None:
    forward = [1.0, 1.3, 0.8, 1.1]
    exact = exact_1f1b(forward, [2 * f for f in forward], 32)
    assert closed_form(unequal([3 * f for f in forward]), 32) == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize(("microbatches", "seconds"), [(1, 7), (2, 10), (3, 14)])
def test_the_exact_schedule_of_unequal_stages_worked_out_by_hand(
    microbatches: int, seconds: float
) -> None:
    """Of three: the first stage runs F 0–3, F 3–6, B 6–7, F 7–10, B 10–11, and waits till 13."""
    assert exact_1f1b([3.0, 1.0], [1.0, 2.0], microbatches) == seconds


def test_the_closed_form_is_only_a_bound_where_stages_differ() -> None:
    forward, backward = [3.0, 1.0, 2.0], [1.0, 3.0, 2.0]
    bound = sum(forward) + sum(backward) + 7 * (max(forward) + max(backward))
    assert exact_1f1b(forward, backward, 8) < 0.9 * bound


def test_interleaving_divides_the_bubble_and_zero_bubble_leaves_a_third() -> None:
    assert bubble_share("interleaved", 6) == pytest.approx(1 / 6)
    assert bubble_share("zero-bubble", 1) == pytest.approx(1 / 3)
    assert bubble_share("1f1b", 1) == bubble_share("dualpipe", 1) == 1.0


def test_dualpipe_holds_one_micro_batch_more_than_1f1b_on_every_stage() -> None:
    assert [in_flight("1f1b", 4, 1, s) for s in range(4)] == [4, 3, 2, 1]
    assert [in_flight("dualpipe", 4, 1, s) for s in range(4)] == [5, 5, 5, 5]
    assert in_flight("interleaved", 8, 4) == pytest.approx(8 + 7 / 4)


def test_communication_hides_behind_compute_and_no_further() -> None:
    stage = Stage("pool", 1, 10.0, 10.0, (Message("expert", 4.0, 1.0), Message("tensor", 2.0, 0.5)))
    assert stage.exposed() == pytest.approx(1.0)  # half of the tensor messages
    assert stage.exposed(2.0) == pytest.approx(
        2.0
    )  # twice that; twelve seconds would leave two open too
    assert stage.exposed(3.0) == pytest.approx(3 * 6 - 10)
    for slowdown in (1.0, 2.0, 3.0):
        assert sum(stage.exposed_by_kind(slowdown).values()) == pytest.approx(
            stage.exposed(slowdown)
        )


def test_a_slow_network_slows_only_what_crosses_it() -> None:
    stage = Stage(
        "pool", 1, 10.0, 10.0, (Message("expert", 4.0, 0.0), Message("tensor", 2.0, 0.0, far=False))
    )
    assert stage.exposed_by_kind(3.0) == pytest.approx({"expert": 12.0, "tensor": 2.0})
    assert stage.exposed(3.0) == pytest.approx(14.0)


@given(st.integers(1, 8), SECONDS, st.floats(0.0, 3.0), st.floats(0.0, 1.0))
def test_what_is_exposed_is_paid_in_every_beat_and_on_the_way_through_every_stage(
    stages: int, compute: float, message: float, overlap: float
) -> None:
    """Equal stages take (m + p − 1)(c + x), as one group of stages or as many single ones."""
    passed = (Message("tensor", message, overlap),)
    one = Pipeline((Stage("pool", stages, compute, compute, passed),), 1.0)
    many = Pipeline((Stage("pool", 1, compute, compute, passed),) * stages, 1.0)
    beat = compute + max((1 - overlap) * message, message - compute)
    for pipeline in (one, many):
        assert pipeline.beat_and_ramp()[0] == pytest.approx(beat)
        assert closed_form(pipeline, 10) == pytest.approx((10 + stages - 1) * beat)
