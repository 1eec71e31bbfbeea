"""Bands are no wider than what a log leaves open: a twin of GLM-130B, whose truth is known."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from sim.engine import simulate
from sim.experiments.replicate import replicate
from sim.results.ledger import Floats
from sim.results.run import RunResult
from sim.scenario import Scenario, load_scenario

MAY = 25.8
"""Days of the log before what is predicted."""
NODE_DAYS = 96 * MAY
WIDTH = 1.5
"""Times the run-to-run band at the truth. A log as long as what it predicts leaves 1.4 at best:
chance makes the log, and again what follows."""
LEARNING = {"scope": "job", "hardware": False, "rollback_steps": 100}
LEARNING |= {"restart": {"lognormal": {"median": "13 min", "sigma": 1.77}}}
CAUSES = {"node": {"repair": {"triangular": ["1 h", "1 d", "7 d"]}}, "learning": LEARNING}


def width(values: Floats) -> float:
    low, high = np.quantile(values, [0.05, 0.95])
    return float(high - low)


def estimated(base: Scenario, log: RunResult) -> Scenario:
    """The scenario with rates from the counts of a log, and response from its times to act.

    The shape of response is taken as known, and counts as independent. The scenario is more careful:
    with five degrees of freedom for its median, as it has, the band is 1.57 times as wide.
    """
    counts = Counter(event.what for event in log.trace.events("failure"))
    rates = {name: {"events": counts[name], "node_days": NODE_DAYS} for name in CAUSES}
    causes = [
        {"cause": name, "per_1000_node_days": rates[name], **keys} for name, keys in CAUSES.items()
    ]
    waits = [part.end - part.start for part in log.timeline if part.state == "respond"]
    median = {"median": f"{np.exp(np.mean(np.log(waits)))} s", "sigma": len(waits) ** -0.5}
    time = {"lognormal": {"median": {"uncertain": {"lognormal": median}}, "sigma": 1}}
    response = {"time": time, "automatic": ["learning"]}
    changes = {"fleet.nodes.failures": {"causes": causes}, "recovery.response": response}
    return base.override(changes)


@pytest.mark.prove
def test_a_band_from_a_log_is_hardly_wider_than_chance_at_the_truth():
    scenario = load_scenario("glm-130b")
    modes = {name: float(number) for name, number in scenario.unknowns().items()}
    told = [name for name in modes if "failures" in name or "response" in name]
    known = scenario.given({name: modes[name] for name in modes if name not in told})
    truth = known.given({name: modes[name] for name in told})
    may = truth.override({"start": "2022-05-06", "horizon": f"{MAY} d"})
    chance = width(replicate(truth, 400, seed=1).values("ettr"))
    widths = []
    for k in range(40):
        predicted = replicate(estimated(known, simulate(may, 5, k)), 100, seed=7 + k)
        widths.append(width(predicted.values("ettr")) / chance)
    assert 1 < np.median(widths) < WIDTH
    # An estimate that knew the truth would leave chance alone, one that learns nothing far more.
    assert width(replicate(scenario, 400, seed=1).values("ettr")) / chance > WIDTH
