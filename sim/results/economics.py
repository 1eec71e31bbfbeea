"""What a run costs, at the margin and in full: rental, amortised purchase, energy, repair, the grey
market's premium.

Amortised purchase follows Epoch AI (arXiv 2405.21015): a server loses ``decline · ln 10`` of its
value a year, the network adds its share, and energy is drawn at a share of the rated power times
the server's and the site's overhead.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sim.catalogue.hardware import Chip
from sim.catalogue.market import CostMethod
from sim.results.ledger import YEAR
from sim.scenario import Scenario
from sim.scenario.parts import Pool


@dataclass(frozen=True)
class Costs:
    """Of a run: US dollars, and joules for the energy."""

    rental: float
    amortised: float
    energy: float


@dataclass(frozen=True)
class Bill:
    """Of a whole stock, in US dollars: servers and network at their price, what was paid beyond it,
    repair, energy.
    """

    servers: float
    network: float
    premium: float
    repair: float
    energy: float
    joules: float

    @property
    def total(self) -> float:
        return self.servers + self.network + self.premium + self.repair + self.energy


def cost_of(
    pools: Sequence[Pool],
    chips: Sequence[float],
    wall: float,
    start: dt.date,
    method: CostMethod,
    bought: dt.date | None = None,
) -> Costs:
    """Cost of holding `chips` of each pool for `wall` seconds from `start`; nan where a price is
    not known.

    Parameters
    ----------
    bought : datetime.date, optional
        When the chips were bought; their value has declined since. New ones, at their price, unless
        given.
    """
    rentals = []
    amortised = []
    joules = []
    for pool, count in zip(pools, chips, strict=True):
        chip = pool.chip
        seconds = count * wall
        rentals.append(math.nan if chip.rental is None else seconds * chip.rental)
        joules.append(seconds * power(chip, method))
        amortised.append(seconds * hardware_rate(chip, start, method, bought))
    # Summed exactly, so that the order of the pools decides not even the last digit.
    energy = math.fsum(joules)
    hardware = math.fsum(amortised)
    return Costs(math.fsum(rentals), hardware + energy * method.electricity, energy)


def power(chip: Chip, method: CostMethod) -> float:
    """Watts that a chip in use draws on average, with its share of server and site."""
    return chip.power * method.power_multiplier * method.load * method.pue


def price_with_server(chip: Chip, method: CostMethod) -> float:
    """Dollars for a chip with its share of a server but not of the network; nan if no price is
    known.
    """
    if chip.price is None:
        return math.nan
    factor = {
        "chip": method.server_multiplier,
        "server": 1.0,
        "system": 1 - method.interconnect_share,
    }
    return chip.price * factor[chip.price_of]


def price_installed(chip: Chip, method: CostMethod) -> float:
    """Dollars for a chip with its share of server and network."""
    return price_with_server(chip, method) / (1 - method.interconnect_share)


def hardware_rate(
    chip: Chip, at: dt.date, method: CostMethod, bought: dt.date | None = None
) -> float:
    """Dollars a second that one chip with its share of server and network loses in value on the
    date `at`.
    """
    # Nobody could buy it before, whatever date is given.
    wait = dt.timedelta(seconds=method.delivery)
    earliest = chip.released + wait if chip.released else None
    since = max(filter(None, (bought or at, earliest)))
    years = max((at - since).days, 0) * 86400.0 / YEAR
    value = price_installed(chip, method) * 10 ** (-method.decline * years)
    return value * method.decline * math.log(10) / YEAR


def bill(
    scenario: Scenario,
    bought: Sequence[tuple[float, str, int, float]],
    repairs: int,
    powered: Mapping[str, float],
) -> Bill:
    """What a stock costs.

    Parameters
    ----------
    scenario : Scenario
    bought : sequence of (seconds, pool, chips, premium)
        What was there at the start and what arrived, at how many times its price.
    repairs : int
        Chips that a shop took on.
    powered : mapping
        Chip-seconds in use, by pool.
    """
    method, fleet = scenario.costs, scenario.fleet
    price = {name: price_with_server(pool.chip, method) for name, pool in fleet.items()}
    servers = math.fsum(chips * price[name] for _, name, chips, _ in bought)
    joules = math.fsum(
        seconds * power(fleet[name].chip, method) for name, seconds in powered.items()
    )
    return Bill(
        servers=servers,
        network=servers * method.interconnect_share / (1 - method.interconnect_share),
        premium=math.fsum(
            chips * price[name] * (premium - 1) for _, name, chips, premium in bought
        ),
        repair=repairs * scenario.depot.repair.cost if scenario.depot.repair else 0.0,
        energy=joules * method.electricity,
        joules=joules,
    )
