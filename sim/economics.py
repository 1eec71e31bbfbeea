"""What a run costs: rental, amortised purchase and energy."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

from sim.catalogue.kinds import CostMethod
from sim.scenario.parts import Pool

YEAR = 365.25 * 86400.0
DELIVERY = dt.timedelta(days=90)
"""Epoch AI's rule: hardware is bought no sooner than 90 days after its release."""


@dataclass(frozen=True)
class Costs:
    """US dollars, and joules for the energy."""

    rental: float
    amortised: float
    energy: float


def cost_of(pools: Sequence[Pool], chips: Sequence[int], wall: float, start: dt.date, method: CostMethod) -> Costs:
    """Cost of holding `chips` of each pool for `wall` seconds from `start`; nan where a price is not known.

    Amortised purchase follows Epoch AI (arXiv 2405.21015): the server loses value exponentially, the interconnect
    adds a share, and the energy is drawn at a share of the rated power times the server's and the site's overhead.
    """
    rental = amortised = energy = 0.0
    for pool, count in zip(pools, chips, strict=True):
        joules = count * wall * pool.chip.power * method.power_multiplier * method.load * method.pue
        energy += joules
        rental += count * wall * pool.chip.rental if pool.chip.rental is not None else math.nan
        amortised += count * wall * hardware_rate(pool, start, method) + joules * method.electricity
    return Costs(rental, amortised, energy)


def hardware_rate(pool: Pool, start: dt.date, method: CostMethod) -> float:
    """Dollars a second that one chip with its share of server and network loses in value."""
    chip = pool.chip
    if chip.price is None or chip.released is None:
        return math.nan
    years = max((start - chip.released - DELIVERY).days, 0) * 86400.0 / YEAR
    value = chip.price * 10 ** (-method.decline * years)
    server = value * method.decline * math.log(10) / YEAR
    return server / (1 - method.interconnect_share)
