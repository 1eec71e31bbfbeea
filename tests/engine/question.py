"""The plain question of the closed forms, for tests."""

from sim.validation.question import CHIPS, NODES, PLAIN, RATE, cause, pool, question

__all__ = ["CHIPS", "NODES", "PLAIN", "RATE", "cause", "pool", "question"]
