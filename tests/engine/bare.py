"""The bare scenario of the closed forms, for tests, and what they read from its results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.engine import simulate
from sim.engine.checkpoints import Sawtooth
from sim.engine.risks import GOLDEN
from sim.results.ledger import DAY, HOUR
from sim.results.programme import ProgrammeResult
from sim.results.run import RunResult
from sim.scenario import Scenario
from sim.validation.bare_scenario import (
    CHIPS,
    NODES,
    PLAIN,
    RATE,
    bare_scenario,
    cause,
    endless,
    exponential,
    failing,
    pool,
    weibull,
)
from sim.validation.report import MOST_Z

__all__ = [
    "CHIPS",
    "NODES",
    "PLAIN",
    "RATE",
    "bare_scenario",
    "cause",
    "endless",
    "exponential",
    "failing",
    "pool",
    "weibull",
]


def sawtooth(period: float, **keys: Any) -> Sawtooth:
    """Checkpoints that cost nothing but what is said."""
    free: dict[str, Any] = dict.fromkeys(
        ("blocking", "flush", "load", "memory_blocking", "memory_load"), 0.0
    )
    plain = {"in_steps": False, "storage_every": 1, "final": False}
    return Sawtooth(period, **(free | plain | keys))


def agree(values: Sequence[float], exact: float) -> bool:
    """Whether the mean of independent values is within four standard errors of an exact one."""
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return abs(float(np.mean(values)) - exact) <= MOST_Z * error


def lone(node: int, days: float, **keys: Any) -> dict[str, Any]:
    """A cause that strikes one node of a pool alone, after some days of computing."""
    # A cause of a batch strikes the nodes whose multiple of GOLDEN lies in its range.
    place = node * GOLDEN % 1.0
    own = {
        "cause": f"of-{node}",
        "nodes": [place, place + 1e-6],
        "lifetime": f"{days} d",
        "clock": "computing",
    }
    return cause(**(own | keys))


def times(result: RunResult, kind: str = "failure", payload: str = "") -> list[float]:
    """Days at which something of a kind happened."""
    return [event.time / DAY for event in result.trace.events(kind) if payload in event.what]


def moves_to(result: RunResult, place: str) -> list[tuple[float, int]]:
    """Day and node of each move to a place."""
    return [(m.time / DAY, m.node) for m in result.trace.moves() if m.place == place]


def dead(per_year: float, size: int = 8) -> dict:
    """Chips that die for good."""
    rate = per_year * size * 1000 / 365.25
    return {
        "causes": [{"cause": "dead", "scope": "chip", "per_1000_node_days": rate, "permanent": 1}]
    }


def programme(runs: dict | list | None = None, **changes: Any) -> Scenario:
    """Ten days of work on 32 chips every hundred days, unless changed."""
    base: dict[str, Any] = {
        "start": "2023-01-01",
        "horizon": "1000 d",
        "fleet": pool(),
        "runs": runs or {"every": "100 d", "chips": CHIPS},
    }
    return bare_scenario(**(base | changes))


def run(scenario: Scenario, seed: int = 0, replication: int = 0) -> ProgrammeResult:
    """A programme, simulated."""
    result = simulate(scenario, seed, replication)
    assert isinstance(result, ProgrammeResult)
    return result


def asked(causes: list[dict], hours: float = 45.0, **changes) -> RunResult:
    """A run of so many hours of work on four nodes that fail as told, with a checkpoint each hour."""
    fleet = pool(failures={"causes": causes}, **changes.pop("pool", {}))
    run = {"tokens": hours * HOUR * CHIPS * RATE} | changes.pop("run", {})
    return simulate(bare_scenario(fleet=fleet, run=run, **changes), 0)


def hours(result: RunResult) -> dict[str, float]:
    """Where the time went, without the seconds for which nodes are in repair."""
    return {name: seconds / HOUR for name, seconds in result.time.items() if seconds > 5}
