"""A scenario of which a part stands for the whole: one simulated chip for many."""

from typing import Any

from sim.catalogue.market import Flow, Product, Production, RepairShop
from sim.catalogue.strict import Strict
from sim.scenario import Scenario
from sim.scenario.parts import Pool
from sim.scenario.stock import Delivery, Depot, PlannedRun, Programme

COUNTED: dict[type[Strict], tuple[str, ...]] = {
    Pool: ("chips", "nodes", "hot_spares", "cold_spares"),
    Programme: ("chips",),
    PlannedRun: ("chips",),
    Depot: ("stock",),
    RepairShop: ("capacity",),
    Delivery: ("chips", "nodes"),
    Flow: ("share",),
}
"""What of a type is counted in chips, or grows with their number."""
HOLDERS = (Depot, Production, Product)
"""Types that hold such parts: a replication has no time to look through all others."""


def shrunk(scenario: Scenario) -> Scenario:
    """The scenario with one chip for every `represents` of them.

    What is counted in chips is divided: pools, stocks, flows, repair and the needs of runs. Rates
    of failure, times, prices and shares stay, so what the stock does on average stays too.

    Parameters
    ----------
    scenario : Scenario
        With every unknown constant settled.
    """
    many = scenario.represents
    if many == 1.0:
        return scenario
    parts = {key: getattr(scenario, key) for key in ("fleet", "depot", "runs")}
    return scenario.but(**_shrunk(parts, many))


def _shrunk(part: Any, many: float) -> Any:
    if isinstance(part, dict):
        return {key: _shrunk(below, many) for key, below in part.items()}
    if isinstance(part, tuple):
        return tuple(_shrunk(below, many) for below in part)
    counted = COUNTED.get(type(part), ())
    changes = {key: _divided(getattr(part, key), many) for key in counted}
    if isinstance(part, HOLDERS):
        changes = {key: _shrunk(below, many) for key, below in part} | changes
    return part.but(**changes) if changes else part


def _divided(number: Any, many: float) -> Any:
    """A number, or each of several, divided; nothing where none is given."""
    if isinstance(number, dict):
        return {key: value / many for key, value in number.items()}
    return None if number is None else number / many
