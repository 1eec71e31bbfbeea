"""What a job has trained: when it will be through, and where it lands."""

from __future__ import annotations

import math

import pytest

from sim.engine.checkpoints import Speed
from sim.engine.progress import ComputingClock, Progress
from sim.engine.record import Record
from sim.engine.training import Training
from tests.engine.bare import sawtooth

GOAL = 1000.0


def trained(seconds: float, rate: float = 2.0) -> Training:
    """A job with a goal of a thousand tokens, after some seconds."""
    made = Training(Progress(GOAL, sawtooth(1e6), ComputingClock()), Record(), in_memory=False)
    made.advance(0.0, seconds, Speed(rate, rate, 8))
    return made


def test_the_likely_end_follows_from_what_was_done_since_it_was_asked_last():
    training = trained(100.0)
    assert training.likely_end(100.0, 1e9) == pytest.approx(100 + 800 / 2)
    # Nothing was done since: who knows.
    assert training.likely_end(150.0, 1e9) == 1e9
    training.advance(150.0, 250.0, Speed(1.0, 1.0, 8))
    assert training.likely_end(250.0, 1e9) == pytest.approx(250 + 700)
    assert training.likely_end(250.0, 1e9) == 1e9


def test_the_likely_end_is_no_later_than_the_horizon():
    assert trained(100.0).likely_end(100.0, 300.0) == 300.0


def test_a_job_that_ends_lands_on_its_goal_whatever_the_last_digits():
    training = trained(500.0)
    training.progress.tokens = math.nextafter(GOAL, 0)
    assert training.finish()
    assert training.progress.tokens == training.kept(500.0) == GOAL


def test_a_job_that_ends_a_phase_is_not_through():
    training = trained(100.0)
    training.progress.follow(sawtooth(1e6), 200.0)
    assert not training.finish()
    assert training.kept(100.0) == 0.0
