"""What the nearest peer takes for the same work."""

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
