"""Two stocks that deplete: what is made of them month by month."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from sim import catalogue
from sim.catalogue.market import PolicyEvent, Production
from sim.engine.production import Recipe, made
from sim.engine.supply import YEAR, Policy, production_arrivals

MONTHS = np.arange(1.0, 25.0)


def once(amount: float) -> np.ndarray:
    return np.where(MONTHS == 1, amount, 0.0)


def test_a_plan_is_made_until_the_scarcer_stock_is_used_up():
    plan = Recipe(np.full(24, 10.0), dies=2, stacks=8)
    [chips] = made(MONTHS, once(1e6), once(1000), {"chip": plan}).values()
    assert chips.sum() == pytest.approx(1000 / 8)
    assert np.flatnonzero(chips)[-1] == 12


def test_products_share_what_is_left_in_proportion_to_their_plans():
    recipes = {
        "small": Recipe(np.full(24, 30.0), dies=1, stacks=3),
        "large": Recipe(np.full(24, 10.0), dies=2, stacks=8),
    }
    chips = made(MONTHS, once(1e6), once(85), recipes)
    assert chips["small"].sum() == pytest.approx(3 * chips["large"].sum())
    assert 3 * chips["small"].sum() + 8 * chips["large"].sum() == pytest.approx(85)


@pytest.mark.parametrize("seed", range(20))
def test_no_stock_is_overdrawn_and_no_plan_exceeded(seed):
    random = np.random.default_rng(seed)
    dies, stacks = random.exponential(50, (2, 24)) * random.integers(0, 2, (2, 24))
    plan = Recipe(random.exponential(10, 24), dies=float(random.integers(1, 4)), stacks=8)
    chips = made(MONTHS, dies, stacks, {"chip": plan})["chip"]
    total = np.cumsum(chips)
    assert (total * plan.dies <= np.cumsum(dies) + 1e-6).all()
    assert (total * plan.stacks <= np.cumsum(stacks) + 1e-6).all()
    assert (chips <= plan.plan + 1e-9).all()


def test_a_control_on_memory_ends_what_is_made_of_it():
    production = catalogue.entry("production", "huawei-ascend").item
    start = dt.date(2022, 1, 1)
    pools = {name: name for name in production.products}

    def come(**events: PolicyEvent) -> int:
        policy = Policy(events, start)
        return sum(a.chips for a in production_arrivals(production, pools, policy, 6 * YEAR))

    blocked = PolicyEvent(date=dt.date(2023, 7, 1), blocks=("HBM",))
    assert come(block=blocked) < 0.5 * come()


def test_what_is_planned_is_made_to_the_last_chip_where_both_stocks_suffice():
    plan = {"chip": "chip", "origin": "domestic", "chips": [["2022-01-01", 1200]], "share": 1}
    ample = plan | {"chips": [["2022-01-01", 1e6]]}
    production = Production.model_validate(
        {
            "dies": {"fab": {**ample, "chip": "die", "until": "2023-01-01"}},
            "stacks": {"memory": {**ample, "chip": "HBM", "until": "2023-01-01"}},
            "products": {
                "chip": {"plan": {**plan, "until": "2023-01-01"}, "dies": 1, "stacks": 8},
            },
        }
    )
    rules = Policy({}, dt.date(2022, 1, 1))
    found = production_arrivals(production, {"chip": "pool"}, rules, 2 * YEAR)
    assert sum(arrival.chips for arrival in found) == 1200
    # The same number every month, but for what the calendar makes of a month.
    assert len(found) == 12
    assert {arrival.chips for arrival in found} <= {99, 100, 101}
    assert {arrival.pool for arrival in found} == {"pool"}
