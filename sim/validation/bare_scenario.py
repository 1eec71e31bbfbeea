"""A bare scenario for the engine, and how to read what comes out.

One pool with a measured rate, nothing uncertain, and nothing that fails unless it is added.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zlib import crc32

import numpy as np

from sim.engine import simulate
from sim.results.ledger import DAY, Floats, levels
from sim.results.programme import ProgrammeResult
from sim.results.run import RunResult
from sim.scenario import Scenario, load_scenario
from sim.scenario.reading import merge

Keys = dict[str, Any]
"""Part of a scenario, as a file says it."""
RATE = 100.0
"""Tokens per second of a chip."""
NODES = 4
CHIPS = 8 * NODES
PLAIN: Keys = {
    "name": "plain",
    "horizon": "1000 d",
    "run": {
        "model": {
            "like": "gpt-175b",
            "parameters": 1e9,
            "active_parameters": 1e9,
            "layers": 8,
            "hidden": 1024,
        },
        "tokens": 86400.0 * 10 * CHIPS * RATE,
        "batch": {"sequences": 512},
    },
    "fleet": {
        "pool": {
            "chip": "A100-SXM-80",
            "nodes": NODES,
            "stack": "megatron-lm",
            "throughput": {"tokens_per_second_per_chip": RATE},
        }
    },
    "constants": {"like": "step-time", "model_error": 1},
    "checkpoint": {"interval": "1 h"},
}
"""Ten days of work on four nodes."""


def cause(**keys: Any) -> Keys:
    """A hardware cause of failure whose nodes come back within a second."""
    return {"cause": "test", "repair": "1 s"} | keys


def pool(**changes: Any) -> Keys:
    """Changes to the one pool of `PLAIN`."""
    return {"pool": changes}


def bare_scenario(**changes: Any) -> Scenario:
    """`PLAIN` with changes merged in.

    Examples
    --------
    >>> bare_scenario(fleet=pool(hot_spares=2)).fleet["pool"].hot_spares
    2.0
    """
    return load_scenario(merge(PLAIN, changes))


def endless(days: float, **changes: Any) -> Scenario:
    """A job that never finishes, watched for some days."""
    run = {"tokens": 1e30} | changes.pop("run", {})
    return bare_scenario(horizon=f"{days} d", run=run, **changes)


def failing(nodes: int, cold: int = 0, hot: int = 0, **keys: Any) -> Keys:
    """A pool with spares and one cause of failure."""
    return pool(
        nodes=nodes,
        cold_spares=cold,
        hot_spares=hot,
        failures={"causes": [cause(**keys)]},
    )


def exponential(mean: float, unit: str = "d") -> Keys:
    """Exponential times of a mean."""
    return {"exponential": {"mean": f"{mean} {unit}"}}


def weibull(shape: float, mean: float) -> Keys:
    """Weibull times of a mean in days."""
    return {"weibull": {"shape": shape, "mean": f"{mean} d"}}


def runs(scenario: Scenario, n: float, least: int = 40) -> Iterator[RunResult]:
    """About `n` replications, with unknown constants at their modes.

    There are at least `least` of them, as many as a standard error needs.
    """
    # A seed of its own for each scenario: no piece of luck is seen in several rows.
    seed = crc32(repr(scenario.data).encode())
    for k in range(max(round(n), least)):
        yield simulate(scenario, seed, k, fixed_inputs=True)


def programme(stock: Scenario) -> ProgrammeResult:
    """One replication of a programme in which nothing is left to luck."""
    result = simulate(stock, fixed_inputs=True)
    assert isinstance(result, ProgrammeResult)
    return result


def shares(result: RunResult, nodes: int, since: float) -> Floats:
    """Share of the time after `since` (days) with 0, 1, … nodes active."""
    times, chips = levels(result, ["active"])
    # Whatever comes before the warm-up is over lasts for no time.
    edges = np.clip(np.append(times, result.wall), since * DAY, None)
    return np.bincount(chips // 8, np.diff(edges), nodes + 1) / (result.wall - since * DAY)


def first(result: RunResult, kind: str, payload: str = "", number: int = 1) -> float:
    """Days until something happened for the `number`-th time."""
    times = [event.time for event in result.trace.events(kind) if payload in event.what]
    return times[number - 1] / DAY
