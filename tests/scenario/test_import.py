"""What it costs to import the scenario: only what is needed to read one."""

import subprocess
import sys

LOADED = """
import sys
import sim.scenario
print(*sys.modules)
"""


def test_nothing_that_draws_simulates_or_computes_statistics_is_loaded() -> None:
    ran = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert {"numpy", "pydantic", "sim.quantities.distributions"} <= loaded
    assert loaded.isdisjoint(
        {"pandas", "matplotlib", "simpy", "scipy.stats", "scipy.optimize", "sim.engine"}
    )
