"""Logs of clusters with a known truth: is what comes next where the table puts it?"""

from __future__ import annotations

import numpy as np
import pytest

from sim.engine import simulate
from sim.failure_logs.check import cluster
from sim.failure_logs.fit import fit
from sim.validation.trace import outages_of
from tests.failure_logs import truths

RUNS = 39
"""Of forty equally likely values the fortieth lies within the others 38 times: 95 %."""


def inside(truth: str, seed: int) -> tuple[bool, bool, bool]:
    """Whether outages and nodes that often fail lie where the table says, and its mechanism kept."""
    fitted = fit(truths.log_of(truth, seed), ahead=truths.DAYS)
    scenario = cluster(fitted, truths.DAYS)
    runs = [outages_of(simulate(scenario, seed, k)) for k in range(RUNS)]
    counts = [len(run) for run in runs]
    often = [int((np.bincount([node for _, _, node in run]) >= 3).sum()) for run in runs]
    seen = truths.afterwards(truth, seed)
    within = [min(counts) <= seen[0] <= max(counts), min(often) <= seen[1] <= max(often)]
    kept = any(trial.kept and trial.mechanism == truth for trial in fitted.trials)
    return within[0], within[1], kept


@pytest.mark.parametrize("truth", truths.TRUTHS)
def test_what_comes_next_lies_where_the_table_puts_it(truth: str) -> None:
    found = np.array([inside(truth, seed) for seed in range(10)])
    # At 95 % each fewer than seven of ten are inside once in a thousand times.
    assert found[:, 0].sum() >= 7
    assert found[:, 1].sum() >= 7
    assert found[:, 2].sum() >= (5 if truth == "drift" else 9)


@pytest.mark.prove
@pytest.mark.parametrize("truth", truths.TRUTHS)
def test_what_comes_next_lies_there_in_a_hundred_logs(truth: str) -> None:
    found = np.array([inside(truth, seed) for seed in range(100)])
    assert found[:, 0].sum() >= 90
    assert found[:, 1].sum() >= 90
