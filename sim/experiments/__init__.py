"""Experiments: many runs, compared, swept over, taken apart and summed up."""

from sim.experiments.advice import Advice
from sim.experiments.advise import advise
from sim.experiments.compare import Comparison, compare
from sim.experiments.replicate import Replications, replicate
from sim.experiments.sensitivity import Sensitivity, sensitivity
from sim.experiments.spares_sizing import Size, size_stock
from sim.experiments.sweep import Sweep, load, sweep
from sim.experiments.worlds import Worlds, worlds

__all__ = [
    "Advice",
    "Comparison",
    "Replications",
    "Sensitivity",
    "Size",
    "Sweep",
    "Worlds",
    "advise",
    "compare",
    "load",
    "replicate",
    "sensitivity",
    "size_stock",
    "sweep",
    "worlds",
]
