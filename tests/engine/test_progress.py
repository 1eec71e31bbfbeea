"""The sawtooth of checkpoints against a walk along it, mark by mark."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.engine.checkpoints import Speed
from sim.engine.progress import ComputingClock, Progress
from tests.engine.bare import sawtooth

POLICY = sawtooth(100.0, blocking=10.0, flush=20.0)
ONE = Speed(1.0, 1.0, 8)
"""A token a second."""


def progress_to(goal: float) -> Progress:
    return Progress(goal, POLICY, ComputingClock())


def durable(progress: Progress, now: float) -> float:
    """Tokens of the checkpoint that survives a failure now."""
    progress.checkpoints.settle(now)
    return progress.checkpoints.durable.tokens


def walk(
    stretches: list[tuple[float, float]], start: float = 0.0
) -> tuple[float, float, float, list[tuple[float, float]]]:
    """Tokens, computing and blocked seconds and the (time, tokens) of every mark, one event at a
    time.
    """
    now, tokens, computed, blocked = start, 0.0, 0.0, 0.0
    to_mark, to_unblock, marks = 100.0, 0.0, []
    for seconds, rate in stretches:
        end = now + seconds
        while end - now > 1e-12:
            if to_unblock:
                part = min(end - now, to_unblock)
                to_unblock, blocked = to_unblock - part, blocked + part
            else:
                part = min(end - now, to_mark)
                to_mark, tokens, computed = to_mark - part, tokens + rate * part, computed + part
                if to_mark == 0.0:
                    marks.append((now + part, tokens))
                    to_mark, to_unblock = 100.0, 10.0
            now += part
    return tokens, computed, blocked, marks


stretch = st.tuples(st.floats(0.001, 700), st.floats(0.5, 3))


@given(st.lists(stretch, min_size=1, max_size=8))
def test_any_stretches_give_the_same_position_ledger_and_durable_checkpoint_as_a_walk(stretches):
    progress, now = progress_to(1e9), 0.0
    productive = blocked = 0.0
    for seconds, rate in stretches:
        done, stall, waited = progress.advance(now, seconds, Speed(rate, 3.0, 8))
        assert done + stall + waited == pytest.approx(seconds, rel=1e-12)
        productive, blocked, now = productive + done + stall, blocked + waited, now + seconds
    tokens, computed, waited, marks = walk(stretches)
    assert progress.tokens == pytest.approx(tokens, rel=1e-9)
    assert (productive, blocked) == pytest.approx((computed, waited), rel=1e-9, abs=1e-7)
    kept = [position for time, position in marks if time + 30 <= now - 1e-6]
    edge = any(abs(time + 30 - now) <= 1e-6 for time, _ in marks)
    if not edge:
        assert durable(progress, now) == pytest.approx(kept[-1] if kept else 0.0, rel=1e-9)


@given(st.floats(1, 5000), st.floats(0.5, 3), st.floats(0, 300))
def test_it_arrives_when_it_said_it_would(goal, rate, before):
    progress = progress_to(goal)
    if before < progress.seconds_to_finish(Speed(rate, rate, 8)):
        progress.advance(0.0, before, Speed(rate, rate, 8))
    left = progress.seconds_to_finish(Speed(rate, rate, 8))
    progress.advance(before, left, Speed(rate, rate, 8))
    assert progress.tokens == pytest.approx(goal, rel=1e-9)


def test_no_checkpoint_is_written_at_the_very_end():
    assert progress_to(300.0).seconds_to_finish(Speed(1.0, 1.0, 8)) == 300 + 2 * 10


@pytest.mark.parametrize("cut", [0.0, 50.0, 105.0, 215.0])
def test_a_failure_before_the_flush_is_over_falls_back_to_the_checkpoint_before(cut):
    """Marks at 100 and 210 s, however the time is cut; the second is durable at 240 s."""
    progress = progress_to(1e9)
    progress.advance(0.0, cut, ONE)
    progress.advance(cut, 239.0 - cut, ONE)
    assert durable(progress, 239.0) == 100
    assert durable(progress, 240.0) == 200


def test_rolling_back_starts_the_timer_anew_and_tells_the_seconds_lost():
    progress = progress_to(1e9)
    progress.advance(0.0, 205.0, Speed(2.0, 2.0, 8))
    progress.checkpoints.settle(205.0)
    assert progress.roll_back(progress.usable(memory=False)) == pytest.approx(95.0)
    assert progress.tokens == 200.0
    progress.advance(300.0, 99.0, Speed(2.0, 2.0, 8))
    assert durable(progress, 1e6) == 200.0


def test_a_stall_counts_against_the_interval_but_not_as_productive():
    progress = progress_to(1e9)
    productive, stall, blocked = progress.advance(0.0, 110.0, Speed(1.0, 2.0, 8))
    assert (productive, stall, blocked) == pytest.approx((50.0, 50.0, 10.0))


def test_standing_still_never_finishes():
    assert progress_to(10.0).seconds_to_finish(Speed(0.0, 1.0, 8)) == math.inf


def test_a_timer_in_steps_goes_on_in_steps_after_a_mark():
    """A step takes two seconds: marks come at 200, 400 and 600 s, however the time is cut."""
    steps = sawtooth(100.0, in_steps=True)
    slow = Speed(rate=1.0, unstalled=1.0, chips=8, step=2.0)
    for stretches in ([600.0], [250.0, 350.0], [250.0, 149.0, 201.0]):
        progress = Progress(1e9, steps, ComputingClock())
        now = 0.0
        for seconds in stretches:
            progress.advance(now, seconds, slow)
            now += seconds
        assert progress.checkpoints.passed == 3


class OneStop:
    """Links that stop the job once, for 40 s after 130 s of running."""

    def stopped(self, running: float) -> float:
        return min(max(running - 130.0, 0.0), 40.0)

    def running(self, moving: float) -> float:
        return moving + 40.0 if moving > 130.0 else moving


@pytest.mark.parametrize(("goal", "seconds"), [(129.5, 129.5), (130.5, 170.5), (300.0, 340.0)])
def test_a_stop_of_the_links_delays_what_lies_behind_it_and_nothing_before(goal, seconds):
    for cut in (0.0, 60.0, 129.0):
        progress = Progress(goal, sawtooth(1e6), ComputingClock(), OneStop())
        progress.advance(0.0, cut, ONE)
        assert progress.tokens == cut
        assert progress.seconds_to_finish(ONE) == pytest.approx(seconds - cut)
        assert progress.advance(cut, seconds - cut, ONE)[1] == pytest.approx(seconds - goal)
        assert progress.tokens == pytest.approx(goal)


@pytest.mark.parametrize("cut", [0.0, 110.0, 150.0, 180.0])
def test_a_mark_behind_a_stop_of_the_links_holds_what_was_trained_by_then(cut):
    """The second mark comes after 200 s of running, of which 40 s were a stop."""
    progress = Progress(1e9, sawtooth(100.0), ComputingClock(), OneStop())
    progress.advance(0.0, cut, ONE)
    progress.advance(cut, 260.0 - cut, ONE)
    assert progress.tokens == pytest.approx(220.0)
    assert durable(progress, 260.0) == pytest.approx(160.0)
    assert progress.checkpoints.durable.chip_seconds == pytest.approx(8 * 160.0)


@pytest.mark.parametrize(("now", "kept"), [(100.5, 0.0), (101.5, 100.0), (202.0, 100.0)])
def test_a_copy_in_memory_counts_once_it_is_made(now, kept):
    """The first is made from 100 s to 101.4 s, the second from 201.4 s on."""
    tiers = sawtooth(100.0, blocking=10.0, storage_every=3, memory_blocking=1.4)
    progress = Progress(1e9, tiers, ComputingClock())
    progress.advance(0.0, now, ONE)
    progress.checkpoints.settle(now)
    assert progress.usable(memory=True).tokens == kept
    assert progress.usable(memory=False).tokens == 0.0


def test_another_interval_begins_where_a_phase_does():
    progress = Progress(1e9, POLICY, ComputingClock())
    progress.advance(0.0, 60.0, ONE)
    progress.follow(sawtooth(70.0, flush=5.0), 1e9)
    progress.advance(60.0, 69.9, ONE)
    assert progress.checkpoints.passed == 0
    progress.advance(129.9, 0.1, ONE)
    assert progress.checkpoints.passed == 1
    assert durable(progress, 134.9) == 0
    assert durable(progress, 135.0) == 130


def test_what_a_phase_has_written_is_durable_when_it_said():
    """The mark at 100 s blocks for 10 s and is flushed for 20 more, whatever comes after."""
    progress = progress_to(1e9)
    progress.advance(0.0, 120.0, ONE)
    progress.follow(sawtooth(70.0, flush=1.0), 1e9)
    assert durable(progress, 129.9) == 0
    assert durable(progress, 130.0) == 100
