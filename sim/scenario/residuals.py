"""What the step-time model does not know of each chip and stack: an unknown constant of its own."""

from __future__ import annotations

import math

from sim import catalogue
from sim.quantities.distributions import Lognormal
from sim.quantities.uncertain import Uncertain
from sim.scenario.parts import Pool


def add_residuals(fleet: dict[str, Pool]) -> None:
    """Give every pool whose speed is modelled the residual of its chip and stack.

    Pools of one chip and one stack share it by its name. Its width is that right at a published
    run; `sim.throughput.domain` lets it grow with the distance.
    """
    domain = catalogue.entry("domains", "step-time").item
    own = Lognormal(1.0, domain.near * math.sqrt(1 - domain.shared))
    for name, pool in fleet.items():
        taken = pool.throughput and not pool.throughput.at_chips
        measured = taken or pool.layer_seconds
        if pool.residual is None and not measured:
            unknown = f"constants.residual.{pool.chip.name}.{pool.stack.name}"
            number = Uncertain(1.0, own, unknown)
            fleet[name] = pool.but(residual=number)
