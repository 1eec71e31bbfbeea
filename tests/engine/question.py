"""A plain question to the engine: one pool with a measured rate, nothing uncertain, nothing failing unless asked."""

from __future__ import annotations

from typing import Any

from sim.documents import merge
from sim.scenario import Scenario, load_scenario

RATE = 100.0
NODES = 4
CHIPS = 8 * NODES
PLAIN: dict[str, Any] = {
    "name": "plain",
    "horizon": "1000 d",
    "run": {
        "model": {"like": "gpt-175b", "parameters": 1e9, "active_parameters": 1e9, "layers": 8, "hidden": 1024},
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
    """A hardware cause whose nodes come back at once."""
    return {"cause": "test", "repair": "1 s"} | keys


def question(**changes: Any) -> Scenario:
    """`PLAIN` with changes merged in."""
    return load_scenario(merge(PLAIN, changes))


def pool(**changes: Any) -> dict[str, Any]:
    """Changes to the one pool of `PLAIN`."""
    return {"pool": changes}
