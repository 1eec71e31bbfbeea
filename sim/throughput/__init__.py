"""Step time of any mixed, degraded fleet: pure functions, no simulation."""

from sim.throughput.calibration import laid_out_like
from sim.throughput.completion import planned
from sim.throughput.flops import flops_per_token
from sim.throughput.plan import Plan
from sim.throughput.speeds import Throughput

__all__ = ["Plan", "Throughput", "flops_per_token", "laid_out_like", "planned"]
