"""A scenario of which a part stands for the whole: one simulated chip for many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from sim.catalogue.market import Flow, Production
from sim.catalogue.strict import Strict
from sim.scenario import Scenario
from sim.scenario.parts import Pool
from sim.scenario.stock import Depot, Programme

S = TypeVar("S", bound=Strict)


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
    runs = scenario.runs
    if isinstance(runs, Programme):
        runs = _divided(runs, many, ("chips",))
    elif runs:
        runs = tuple(_divided(run, many, ("chips",)) for run in runs)
    counted = ("chips", "nodes", "hot_spares", "cold_spares")
    fleet: dict[str, Pool] = {
        name: _divided(pool, many, counted) for name, pool in scenario.fleet.items()
    }
    return scenario.model_copy(
        update={"fleet": fleet, "depot": _depot(scenario.depot, many), "runs": runs}
    )


def _depot(depot: Depot, many: float) -> Depot:
    share = ("share",)
    return depot.model_copy(
        update={
            "stock": {name: chips / many for name, chips in depot.stock.items()},
            "repair": depot.repair and _divided(depot.repair, many, ("capacity",)),
            "deliveries": tuple(
                _divided(one, many, ("chips", "nodes")) for one in depot.deliveries
            ),
            "supply": {name: _divided(flow, many, share) for name, flow in depot.supply.items()},
            "production": {
                name: _production(production, many) for name, production in depot.production.items()
            },
        }
    )


def _production(production: Production, many: float) -> Production:
    def part(flow: Flow) -> Flow:
        return _divided(flow, many, ("share",))

    products = {
        name: product.model_copy(update={"plan": part(product.plan)})
        for name, product in production.products.items()
    }
    dies = {name: part(flow) for name, flow in production.dies.items()}
    stacks = {name: part(flow) for name, flow in production.stacks.items()}
    return production.model_copy(update={"products": products, "dies": dies, "stacks": stacks})


def _divided(item: S, many: float, keys: Iterable[str]) -> S:
    """A copy in which some numbers, where they are given, are divided."""
    given = {key: getattr(item, key) for key in keys}
    counted = {key: value / many for key, value in given.items() if value is not None}
    return item.model_copy(update=counted)
