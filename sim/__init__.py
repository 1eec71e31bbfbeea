"""Simulates the training of a large model on a mixed, ageing, failing chip fleet that nobody will fully replace."""

from sim.engine import simulate
from sim.experiments import compare, replicate, sensitivity, size_stock, sweep
from sim.scenario import load_scenario

__all__ = ["compare", "load_scenario", "replicate", "sensitivity", "simulate", "size_stock", "sweep"]
