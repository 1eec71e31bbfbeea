"""Rates fitted to one half of a log of a known table predict the other half as often as they say."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from sim.engine import simulate
from sim.results.run import RunResult
from sim.scenario import Scenario, load_scenario

NODES = 64
WATCHED = 60
"""Days of the half that is fitted."""
BLOCK = 20
"""Days of the other half that are predicted."""
PREDICTIONS = 19
"""What happens has one of twenty ranks among so many, of which a 90 % band leaves out one at each
side."""
LEFT_OUT = 1

PLAIN = {"cause": "fault", "per_1000_node_days": 4, "repair": "1 d"}
SOFTWARE = {"cause": "software", "scope": "job", "hardware": False, "per_1000_node_days": 2}
SHOCK = {**PLAIN, "cause": "shock", "burst": {"probability": 0.3, "nodes": [2, 4]}}
RARE = {"cause": "rare", "per_1000_node_days": 0.3, "permanent": 0.5, "repair": "3 d"}
TABLES = {
    "one cause": [PLAIN],
    "three causes, one of which is rare": [PLAIN, SOFTWARE, RARE],
    "shocks that take several nodes": [SHOCK, SOFTWARE],
}


def cluster(causes: list[dict[str, Any]], days: int) -> Scenario:
    return load_scenario("hopper-job").override(
        {
            "fleet.job.nodes": NODES,
            "fleet.job.hot_spares": 16,
            "fleet.job.cold_spares": 0,
            "fleet.job.failures": {"causes": causes},
            "checkpoint": {"interval": "1 h", "blocking": "10 s"},
            "recovery": {"policy": "wait", "restart": {"triangular": ["5 min", "10 min", "1 h"]}},
            "horizon": f"{days} d",
        }
    )


def fitted(causes: list[dict[str, Any]], log: RunResult) -> list[dict[str, Any]]:
    """The causes with rates from their counts, and the dispersion of the counts per node."""
    events = log.trace.events("failure")
    per_node = Counter(event.node for event in events)
    powered = NODES + 16
    counts = np.array([*per_node.values(), *[0] * (powered - len(per_node))])
    dispersion = max(counts.var(ddof=1) / counts.mean(), 1.0) if events else 1.0
    exposure = log.chip_seconds
    days = sum(exposure.get(("job", place), 0) for place in ("active", "hot_spare")) / 86400 / 8
    found = []
    for cause in causes:
        number = sum(event.what == cause["cause"] for event in events)
        rate = {"events": number, "node_days": days, "dispersion": float(dispersion)}
        found.append(cause | {"per_1000_node_days": rate})
    return found


def covered(causes: list[dict[str, Any]], logs: range) -> dict[str, list[bool]]:
    """Whether the 90 % band of each prediction held what then happened, by metric."""
    truth = cluster(causes, WATCHED)
    later = cluster(causes, BLOCK)
    hits: dict[str, list[bool]] = {"interruptions": [], "ettr": []}
    for k in logs:
        predicted = cluster(fitted(causes, simulate(truth, 1, k)), BLOCK)
        happened = simulate(later, 2, k).metrics
        runs = [simulate(predicted, 3 + k, j).metrics for j in range(PREDICTIONS)]
        for metric, held in hits.items():
            # Counts tie, so each is set apart from its like by a number that decides nothing else.
            apart = np.random.default_rng(k).random(PREDICTIONS + 1) * 1e-9
            values = np.array([happened[metric], *[run[metric] for run in runs]]) + apart
            rank = int(np.sum(values < values[0]))
            held.append(LEFT_OUT <= rank <= PREDICTIONS - LEFT_OUT)
    return hits


def test_a_half_that_was_not_fitted_is_covered_more_often_than_not():
    hits = covered(TABLES["one cause"], range(8))
    assert all(sum(held) >= 5 for held in hits.values())


@pytest.mark.prove
def test_bands_of_90_percent_hold_90_percent_of_the_blocks_of_independent_logs():
    hits: dict[str, list[bool]] = {"interruptions": [], "ettr": []}
    for causes in TABLES.values():
        for metric, held in covered(causes, range(170)).items():
            hits[metric] += held
    for metric, held in hits.items():
        assert len(held) == 510
        assert np.mean(held) == pytest.approx(0.9, abs=0.03), metric
