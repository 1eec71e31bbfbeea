"""A plain question to the engine, and how to read its answer.

One pool with a measured rate, nothing uncertain, nothing failing unless asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from sim.engine import simulate
from sim.results.ledger import DAY
from sim.results.run import RunResult
from sim.scenario import Scenario, load_scenario
from sim.scenario.reading import merge

RATE = 100.0
"""Tokens per second of a chip."""
NODES = 4
CHIPS = 8 * NODES
PLAIN: dict[str, Any] = {
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


def cause(**keys: Any) -> dict[str, Any]:
    """A hardware cause whose nodes come back within a second."""
    return {"cause": "test", "repair": "1 s"} | keys


def pool(**changes: Any) -> dict[str, Any]:
    """Changes to the one pool of `PLAIN`."""
    return {"pool": changes}


def question(**changes: Any) -> Scenario:
    """`PLAIN` with changes merged in.

    Examples
    --------
    >>> question(fleet=pool(hot_spares=2)).fleet["pool"].hot_spares
    2.0
    """
    return load_scenario(merge(PLAIN, changes))


def endless(days: float, **changes: Any) -> Scenario:
    """A job that never finishes, watched for so long."""
    run = {"tokens": 1e30} | changes.pop("run", {})
    return question(horizon=f"{days} d", run=run, **changes)


def failing(nodes: int, cold: int = 0, hot: int = 0, **keys: Any) -> dict[str, Any]:
    """A pool with spares and one cause of failure."""
    return pool(nodes=nodes, cold_spares=cold, hot_spares=hot, failures={"causes": [cause(**keys)]})


def exponential(mean: float, unit: str = "d") -> dict[str, Any]:
    """Exponential times."""
    return {"exponential": {"mean": f"{mean} {unit}"}}


def weibull(shape: float, mean: float) -> dict[str, Any]:
    """Weibull times of so many days."""
    return {"weibull": {"shape": shape, "mean": f"{mean} d"}}


def runs(scenario: Scenario, n: float, least: int = 40) -> Iterator[RunResult]:
    """About `n` replications with unknown constants at their modes, no fewer than a standard error
    needs.

    Every question has a seed of its own, so that one piece of luck is not seen in several rows.
    """
    seed = crc32(repr(scenario.data).encode())
    return (simulate(scenario, seed, k, fixed_inputs=True) for k in range(max(round(n), least)))


def shares(result: RunResult, nodes: int, since: float) -> NDArray[np.float64]:
    """Share of the time after `since` (days) with 0, 1, … nodes active."""
    moves = [(m.time, (m.place == "active") - (m.origin == "active")) for m in result.trace.moves()]
    times, changes = np.array([(0.0, 0), *moves]).T
    ends = np.append(times[1:], result.wall)
    length = np.clip(ends, since * DAY, None) - np.clip(times, since * DAY, None)
    active = nodes + np.cumsum(changes).astype(int)
    return np.bincount(active, length, nodes + 1) / (result.wall - since * DAY)


def first(result: RunResult, kind: str, payload: str = "", number: int = 1) -> float:
    """Days until something happened for the `number`-th time."""
    times = [event.time for event in result.trace.events(kind) if payload in event.what]
    return times[number - 1] / DAY


def supplied(result: RunResult) -> int:
    """Chips that a run began with, if nothing was delivered."""
    pools = result.scenario.fleet.values()
    return sum(
        p.active_chips + round(p.hot_spares + p.cold_spares) * p.chip.node_size for p in pools
    )
