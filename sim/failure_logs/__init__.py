"""A user's own log of outages: read, fitted to a failure table, checked, and written."""

from sim.failure_logs.fit import Fit, fit

__all__ = ["Fit", "fit"]
