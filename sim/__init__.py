"""Simulates the training of a large model on a mixed, ageing, failing chip fleet that nobody will
fully replace.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sim import compiled

if TYPE_CHECKING:
    from sim.engine import simulate
    from sim.experiments import (
        advise,
        compare,
        replicate,
        sensitivity,
        size_stock,
        sweep,
        worlds,
    )
    from sim.failure_logs import fit
    from sim.scenario import load_scenario

__version__ = "0.1.0"
__all__ = [
    "advise",
    "compare",
    "fit",
    "load_scenario",
    "replicate",
    "sensitivity",
    "simulate",
    "size_stock",
    "sweep",
    "worlds",
]
HOMES = {
    "simulate": "sim.engine",
    "load_scenario": "sim.scenario",
    "fit": "sim.failure_logs",
}


compiled.use()


def __getattr__(name: str) -> Any:
    """Load what is asked for: a process that only runs notebooks keeps no simulation in memory."""
    if name not in __all__:
        raise AttributeError(f"module 'sim' has no attribute '{name}'")
    return getattr(import_module(HOMES.get(name, "sim.experiments")), name)


def __dir__() -> list[str]:
    """The public names, those included that are not loaded yet."""
    return __all__
