from __future__ import annotations

import pytest

from sim.failure_logs.selection import ENOUGH, choose
from tests.failure_logs.truths import log_of


@pytest.mark.parametrize("seed", [2, 9, 14])
def test_a_level_that_wanders_is_not_taken_for_repeats(seed: int) -> None:
    kept = {trial.mechanism for trial in choose(log_of("drift", seed)).trials if trial.kept}
    assert kept == {"drift"}


@pytest.mark.parametrize("truth", ["ageing", "bad nodes"])
def test_what_is_kept_earns_its_place_beside_the_others(truth: str) -> None:
    trials = choose(log_of(truth, 3)).trials
    assert [trial.mechanism for trial in trials if trial.kept] == [truth]
    for trial in trials:
        assert trial.kept == (trial.gain > ENOUGH)
