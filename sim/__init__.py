"""Simulates the training of a large model on a mixed, ageing, failing chip fleet that nobody will
fully replace.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sim import compiled

if TYPE_CHECKING:
    from sim.engine import simulate
    from sim.experiments import compare, replicate, sensitivity, size_stock, sweep
    from sim.scenario import load_scenario

__version__ = "0.1.0"
__all__ = [
    "compare",
    "load_scenario",
    "replicate",
    "sensitivity",
    "simulate",
    "size_stock",
    "sweep",
]


compiled.use()


def __getattr__(name: str) -> Any:
    """Load what is asked for: a process that only runs notebooks keeps no simulation in memory."""
    if name not in __all__:
        raise AttributeError(f"module 'sim' has no attribute '{name}'")
    home = {"simulate": "sim.engine", "load_scenario": "sim.scenario"}.get(name, "sim.experiments")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    """The public names, those included that are not loaded yet."""
    return __all__
