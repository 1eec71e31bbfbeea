"""Micro-batches shared among ranks of different speed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.throughput.batch_split import Pace, real_split, uniform_split, whole_split

PACES = st.lists(
    st.builds(Pace, st.integers(1, 40), st.floats(0.05, 5.0), st.floats(0.0, 20.0)),
    min_size=1,
    max_size=4,
)


def finish(paces: list[Pace], given_: tuple[int, ...]) -> float:
    return max(s.seconds(m) for s, m in zip(paces, given_, strict=True))


@given(PACES, st.integers(1, 3000))
def test_whole_micro_batches_cost_at_most_one_beat_of_the_slowest(
    paces: list[Pace], microbatches: int
) -> None:
    split, ideal = whole_split(paces, microbatches), real_split(paces, microbatches)
    assert sum(s.ranks * m for s, m in zip(paces, split, strict=True)) >= microbatches
    slowest = max(s.beat for s in paces)
    assert ideal - 1e-6 <= finish(paces, split) <= ideal + slowest + 1e-6


@given(PACES, st.integers(1, 3000))
def test_the_best_split_is_never_slower_than_the_uniform_one(
    paces: list[Pace], microbatches: int
) -> None:
    assert (
        finish(paces, whole_split(paces, microbatches))
        <= finish(paces, uniform_split(paces, microbatches)) + 1e-6
    )


@given(
    st.lists(
        st.builds(Pace, st.integers(1, 3), st.floats(0.2, 3.0), st.floats(0.0, 3.0)),
        min_size=2,
        max_size=2,
    )
)
def test_no_other_split_of_a_small_batch_is_faster(paces: list[Pace]) -> None:
    fastest = min(
        finish(paces, split)
        for split in itertools.product(range(13), repeat=2)
        if sum(s.ranks * m for s, m in zip(paces, split, strict=True)) >= 12
    )
    assert finish(paces, whole_split(paces, 12)) == pytest.approx(fastest)


def test_ranks_that_need_longer_to_start_than_the_others_to_finish_get_nothing() -> None:
    assert whole_split([Pace(4, 1.0, 0.0), Pace(4, 1.0, 100.0)], 40) == (10, 0)


def test_kinds_without_ranks_are_left_out() -> None:
    assert whole_split([Pace(0, 1.0, 0.0), Pace(2, 1.0, 0.0)], 10) == (0, 5)
    assert uniform_split([Pace(0, 1.0, 0.0), Pace(2, 1.0, 0.0)], 10) == (0, 5)
