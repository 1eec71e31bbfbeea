"""A stock, a production or a stack of worlds with one thing wrong breaks the closed form about it."""

from __future__ import annotations

import pytest

from sim.catalogue.market import Shares
from sim.engine import production, supply
from sim.results import reach
from sim.results.reach import Reach
from sim.scenario import Scenario
from sim.validation import closed_forms_of_worlds
from sim.validation.closed_forms import closed_forms


def broken(check: str) -> bool:
    return not all(row.ok for row in closed_forms(0.05, [check]))


def test_all_hold_as_they_are():
    for check in ("largest-run", "need-met", "two-stocks", "licences", "layers"):
        assert not broken(check), check


def test_the_largest_run_needs_its_own_route(monkeypatch):
    monkeypatch.setattr(Shares, "of_fleet", lambda shares, years: shares.run)
    assert broken("largest-run")


def test_the_largest_run_of_all_is_not_that_of_a_part(monkeypatch):
    whole = Reach.chips.func  # type: ignore[attr-defined]
    monkeypatch.setattr(
        Reach, "chips", property(lambda self: whole(self) / self.scenario.represents)
    )
    assert broken("largest-run")


def test_a_need_falls_every_year(monkeypatch):
    monkeypatch.setattr(reach, "YEAR", reach.YEAR * 1.01)
    assert broken("need-met")


@pytest.mark.parametrize("stock", ["dies", "stacks"])
def test_a_product_takes_from_both_stocks(stock, monkeypatch):
    def without(recipe):
        return production.Recipe(**{**vars(recipe), stock: 1e-9})

    factory = production.Factory.__init__

    def cheap(self, env, recipes):
        factory(self, env, {name: without(recipe) for name, recipe in recipes.items()})

    monkeypatch.setattr(production.Factory, "__init__", cheap)
    assert broken("two-stocks")


def test_licences_are_used_up(monkeypatch):
    def endless(flow, *arguments):
        return supply.cumulative(flow.model_copy(update={"most": None}), *arguments)

    monkeypatch.setattr(closed_forms_of_worlds, "cumulative", endless)
    assert broken("licences")


def test_the_later_layer_goes_on_top(monkeypatch):
    right = Scenario.in_world
    monkeypatch.setattr(
        Scenario, "in_world", lambda scenario, *names: right(scenario, *reversed(names))
    )
    assert broken("layers")
