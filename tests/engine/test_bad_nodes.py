"""A year of a few nodes of which hardly one is bad: the rate, and how widely it spreads."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from sim import replicate
from sim.engine.risks import node_rate
from sim.experiments.intervals import spread
from sim.results.ledger import DAY, Floats
from sim.scenario import Scenario
from tests.engine.bare import agree, cause, endless, pool

SHARE = 0.012
FACTOR = 12.3
PER_1000 = 5.72
DAYS = 365.0


def year(nodes: int) -> Scenario:
    """Nodes that are back in a second and as bad as before: a count is Poisson but for the bad."""
    table = {
        "causes": [cause(per_1000_node_days=PER_1000)],
        "bad_nodes": {"share": SHARE, "factor": FACTOR, "cured": 0},
    }
    return endless(DAYS, fleet=pool(nodes=nodes, failures=table))


def failures(scenario: Scenario, runs: int, seed: int) -> Floats:
    result = replicate(scenario, runs, seed=seed, progress=False)
    return result.frame["failures"].to_numpy()


def within(nodes: int, low: float, high: float) -> float:
    """The probability of a count from `low` to `high`: over a binomial number of bad nodes."""
    bad = np.arange(nodes + 1)
    means = PER_1000 / 1000 * DAYS * (nodes + bad * (FACTOR - 1))
    counts = stats.poisson.cdf(high, means) - stats.poisson.cdf(low - 1, means)
    return float(np.sum(stats.binom.pmf(bad, nodes, SHARE) * counts))


def holds(found: Floats, other: Floats, nodes: int) -> tuple[float, float]:
    """The share of runs within the band of others, and the exact probability of that."""
    band = spread(other)
    inside = (band["p5"] <= found) & (found <= band["p95"])
    low = math.ceil(band["p5"])
    high = math.floor(band["p95"])
    return float(inside.mean()), within(nodes, low, high)


def test_a_band_holds_what_it_says() -> None:
    """The twin: if the number of bad nodes were rounded, 40 would have none."""
    found, other = (failures(year(40), 150, seed) for seed in (1, 2))
    share, exact = holds(found, other, 40)
    assert share == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 150))
    low, high = stats.poisson.ppf([0.05, 0.95], PER_1000 / 1000 * DAYS * 40)
    assert within(40, low, high) < 0.7


@pytest.mark.prove
@pytest.mark.parametrize("nodes", [40, 42])
def test_the_rate_of_the_table_and_the_band_of_a_year(nodes: int) -> None:
    scenario = year(nodes)
    found, other = (failures(scenario, 2000, seed) for seed in (1, 2))
    share, exact = holds(found, other, nodes)
    assert 0.88 <= share <= 0.92
    assert share == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 2000))
    chip = scenario.fleet["pool"].chip
    rate = node_rate(scenario.fleet["pool"].failures, chip.node_size) * DAY * DAYS
    assert rate == pytest.approx(PER_1000 / 1000 * DAYS * (1 + SHARE * (FACTOR - 1)))
    assert agree([*found, *other], nodes * rate)
