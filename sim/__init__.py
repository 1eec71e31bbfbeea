"""Simulates the training of a large model on a mixed, ageing, failing chip fleet that nobody will
fully replace.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sim import compiled

if TYPE_CHECKING:
    from sim.engine import simulate
    from sim.experiments.advise import advise
    from sim.experiments.compare import compare
    from sim.experiments.replicate import replicate
    from sim.experiments.sensitivity import sensitivity
    from sim.experiments.spares_sizing import size_stock
    from sim.experiments.sweep import sweep
    from sim.experiments.worlds import worlds
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
    "fit": "sim.failure_logs",
    "load_scenario": "sim.scenario",
    "simulate": "sim.engine",
    "size_stock": "sim.experiments.spares_sizing",
}
"""The modules of those that have no module of their name among the experiments."""


compiled.use()


def __getattr__(name: str) -> Any:
    """Load what is asked for, and no other verb: loading all takes longer than twenty runs."""
    if name not in __all__:
        raise AttributeError(f"module 'sim' has no attribute '{name}'")
    return getattr(import_module(HOMES.get(name, f"sim.experiments.{name}")), name)


def __dir__() -> list[str]:
    """The public names, those included that are not loaded yet."""
    return __all__
