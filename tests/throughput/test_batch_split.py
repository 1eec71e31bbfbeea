"""Micro-batches shared among ranks of different speed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.throughput.batch_split import Share, real_split, uniform_split, whole_split

SHARES = st.lists(
    st.builds(Share, st.integers(1, 40), st.floats(0.05, 5.0), st.floats(0.0, 20.0)),
    min_size=1,
    max_size=4,
)


def finish(shares: list[Share], given_: tuple[int, ...]) -> float:
    return max(s.seconds(m) for s, m in zip(shares, given_, strict=True))


@given(SHARES, st.integers(1, 3000))
def test_whole_micro_batches_cost_at_most_one_beat_of_the_slowest(
    shares: list[Share], microbatches: int
) -> None:
    split, ideal = whole_split(shares, microbatches), real_split(shares, microbatches)
    assert sum(s.ranks * m for s, m in zip(shares, split, strict=True)) >= microbatches
    slowest = max(s.beat for s in shares)
    assert ideal - 1e-6 <= finish(shares, split) <= ideal + slowest + 1e-6


@given(SHARES, st.integers(1, 3000))
def test_the_best_split_is_never_slower_than_the_uniform_one(
    shares: list[Share], microbatches: int
) -> None:
    assert (
        finish(shares, whole_split(shares, microbatches))
        <= finish(shares, uniform_split(shares, microbatches)) + 1e-6
    )


@given(
    st.lists(
        st.builds(Share, st.integers(1, 3), st.floats(0.2, 3.0), st.floats(0.0, 3.0)),
        min_size=2,
        max_size=2,
    )
)
def test_no_other_split_of_a_small_batch_is_faster(shares: list[Share]) -> None:
    fastest = min(
        finish(shares, split)
        for split in itertools.product(range(13), repeat=2)
        if sum(s.ranks * m for s, m in zip(shares, split, strict=True)) >= 12
    )
    assert finish(shares, whole_split(shares, 12)) == pytest.approx(fastest)


def test_ranks_that_need_longer_to_start_than_the_others_to_finish_get_nothing() -> None:
    assert whole_split([Share(4, 1.0, 0.0), Share(4, 1.0, 100.0)], 40) == (10, 0)


def test_kinds_without_ranks_are_left_out() -> None:
    assert whole_split([Share(0, 1.0, 0.0), Share(2, 1.0, 0.0)], 10) == (0, 5)
    assert uniform_split([Share(0, 1.0, 0.0), Share(2, 1.0, 0.0)], 10) == (0, 5)
