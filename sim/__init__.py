"""Simulates the training of a large model on a mixed, ageing, failing chip fleet that nobody will fully replace."""

from sim.engine import simulate
from sim.experiments.replicate import replicate
from sim.scenario import load_scenario

__all__ = ["load_scenario", "replicate", "simulate"]
