"""What the nearest peer takes for the same work."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.measure import command_seconds

NAME = (
    "AIReSim 7b139c7 (arXiv 2603.07041), "
    "run unchanged where bare SimPy does 1.3 million timeouts a second"
)
SECONDS = {256: 0.006, 1024: 0.077, 2048: 0.33, 4096: 1.66, 8192: 7.5, 16384: 32.9}
"""For 32 days, by servers."""
DEFAULT = 10.7
"""Seconds of its default work."""
TIMEOUT = 1 / 1.3e6
"""Seconds of a bare timeout there."""
ONCE = "-m airesim.run --sweep recovery_time --values 20 --replications 1"
"""Its default work, once, by its own command line."""


def here() -> float | None:
    """CPU seconds of its default work on this machine, if `PEER` names a checkout of it."""
    folder = os.environ.get("PEER")
    return command_seconds(ONCE.split(), Path(folder)) if folder else None
