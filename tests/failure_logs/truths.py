"""Clusters whose truth is known, drawn without the engine and without the code under test."""

from __future__ import annotations

import math

import numpy as np

from sim.failure_logs.log import Log, Outage, Window, made
from sim.results.ledger import DAY

NODES = 80
DAYS = 300.0
RATE = 0.006
"""Failures a day of a node, where nothing else is said."""
TRUTHS = ("ageing", "bad nodes", "bursts", "drift")
STEP = 0.25
"""Standard deviation of a month's step of the drift."""


def drawn(truth: str, seed: int, days: float = DAYS) -> list[Outage]:
    """Outages of a cluster over some days, its nodes new at the start."""
    rng = np.random.default_rng([seed, *truth.encode()])
    # Drawn first, so that what comes after some day changes nothing before it.
    bad = rng.random(NODES) < 0.1
    level = np.exp(np.cumsum(rng.normal(0, STEP, 40)))
    spans = [_node(truth, rng, node, 8.0 if bad[node] else 1.0, level) for node in range(NODES)]
    outages = [outage for span in spans for outage in span]
    if truth == "bursts":
        outages += _bursts(rng)
    return [outage for outage in outages if outage.start < days * DAY]


def _node(
    truth: str, rng: np.random.Generator, node: int, factor: float, level: np.ndarray
) -> list[Outage]:
    found = []
    day = 0.0
    top = level.max()
    while True:
        if truth == "ageing":
            day += rng.weibull(2.5) * 250.0
        elif truth == "drift":
            # Thinning: candidates at the highest rate, of which each month keeps its share.
            day += rng.exponential(1 / (5 * RATE * top))
        else:
            day += rng.exponential(1 / (RATE * (factor if truth == "bad nodes" else 1.0)))
        if day > 2 * DAYS:
            return found
        if truth == "drift" and rng.random() > level[int(day // 30)] / top:
            continue
        repair = rng.lognormal(-1.0, 1.0)
        found.append(_outage(node, day, repair))
        day += repair


def _bursts(rng: np.random.Generator) -> list[Outage]:
    found = []
    day = 0.0
    while (day := day + rng.exponential(12.0)) < 2 * DAYS:
        repair = rng.lognormal(-1.0, 1.0)
        first = int(rng.integers(NODES - 12))
        found += [_outage(first + k, day, repair) for k in range(rng.integers(4, 12))]
    return found


def _outage(node: int, day: float, repair: float) -> Outage:
    return Outage(f"n{node}", day * DAY, (day + repair) * DAY, "fault", "hardware")


def log_of(truth: str, seed: int) -> Log:
    """The log of a cluster up to its last day."""
    windows = [Window(f"n{node}", 0.0, DAYS * DAY, 0.0) for node in range(NODES)]
    return made(drawn(truth, seed), windows)


def afterwards(truth: str, seed: int) -> tuple[int, int]:
    """What happens in as long a time again: outages, and nodes with three or more."""
    later = [o for o in drawn(truth, seed, math.inf) if o.start >= DAYS * DAY]
    nodes = [outage.node for outage in later]
    often = sum(nodes.count(node) >= 3 for node in set(nodes))
    return len(later), often
