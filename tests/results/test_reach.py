"""The largest run a stock could staff, and when it meets a need."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest

from sim.engine import simulate
from sim.results.ledger import YEAR
from sim.results.programme import ProgrammeResult
from sim.results.reach import first_time
from sim.scenario import load_scenario

DATES = ("2023-12-31", "2025-12-31")
COUNTRY = load_scenario("national-stock").override({"outlook.dates": list(DATES)})


def largest(replication: int = 0, **changes: object) -> dict[str, float]:
    paths = {key.replace("__", "."): value for key, value in changes.items()}
    return simulate(COUNTRY.override(paths), 1, replication).metrics


def test_it_grows_with_the_share_and_the_flop_with_the_length():
    base = largest(outlook__shares__run=0.1)
    double = largest(outlook__shares__run=0.2)
    longer = largest(outlook__shares__run=0.1, outlook__length="180 d")
    for date in DATES:
        chips, flop = f"largest.{date}_chips", f"largest.{date}_flop"
        assert double[chips] == pytest.approx(2 * base[chips], rel=0.02)
        assert longer[chips] == base[chips]
        assert longer[flop] == pytest.approx(2 * base[flop])


def test_what_one_chip_stands_for_hardly_moves_it():
    coarse = [largest(k, represents=1000) for k in range(12)]
    fine = [largest(k, represents=250) for k in range(12)]
    name = "largest.2025-12-31_chips"
    ratio = np.array([a[name] / b[name] for a, b in zip(coarse, fine, strict=True)])
    outcomes = np.array([one[name] for one in fine])
    band = np.log(outcomes.max() / outcomes.min())
    assert np.abs(np.log(ratio)).max() < band / 10


def test_no_run_spans_chips_at_home_and_abroad():
    flow = "depot.supply.abroad"
    one = {f"{flow}.scale": 1, "outlook.shares.owner_abroad": 1}
    name = "largest.2025-12-31_chips"
    home = simulate(COUNTRY.override({flow: None}), 1, 0).metrics[name]
    both = simulate(COUNTRY.override(one), 1, 0)
    assert isinstance(both, ProgrammeResult)
    assert both.metrics[name] >= home
    at_home, elsewhere = both.reach._places
    assert not (at_home * elsewhere).any()


def test_the_largest_run_at_home_is_that_of_a_country_with_nothing_abroad():
    one = {"outlook.shares.owner_abroad": 1, "depot.supply.abroad.scale": 40}
    both = simulate(COUNTRY.override(one), 1, 0).metrics
    home = simulate(COUNTRY.override({**one, "outlook.shares.owner_abroad": 0}), 1, 0).metrics
    name = "largest.2025-12-31"
    assert both[f"{name}_home"] == home[f"{name}_home"] == home[f"{name}_chips"]
    assert both[f"{name}_home"] < both[f"{name}_chips"]


def test_a_closed_place_is_used_by_no_run_from_its_date_on():
    closed = {"policy.closed": {"date": "2025-12-01", "access": 0, "abroad": 0}}
    result = simulate(COUNTRY.override(closed), 1, 0)
    assert isinstance(result, ProgrammeResult)
    abroad = result.reach.chips[:, result.worth.pools.index("abroad")]
    assert abroad.max() > 0
    assert result.reach.on(dt.date(2025, 12, 1), abroad) == 0.0


@pytest.mark.parametrize("met", [True, False])
@pytest.mark.parametrize("growth", [0.3, 0.9, 1.0, 2.0])
@pytest.mark.parametrize("begin", [0.0, 0.7 * YEAR])
@pytest.mark.parametrize("need", [0.5, 5.0])
def test_the_first_date_is_that_of_a_search_in_small_steps(need, begin, growth, met):
    random = np.random.default_rng(3)
    times = np.concatenate([[0.0], np.sort(random.uniform(0, 5 * YEAR, 20))])
    have = random.lognormal(0, 1, 21)
    found = first_time(times, have, need, growth, begin, 5 * YEAR, met=met)
    fine = np.linspace(begin, 5 * YEAR, 400_001)[:-1]
    level = have[np.searchsorted(times, fine, side="right") - 1]
    there = (level >= need * growth ** ((fine - begin) / YEAR)) == met
    if np.isnan(found):
        assert not there.any()
    else:
        assert found == pytest.approx(fine[there.argmax()], abs=fine[1] - fine[0])


def test_a_need_that_outgrows_waits_for_what_is_still_to_come():
    stock = np.array([0.0, 1.0, 2.0]) * YEAR, np.array([10.0, 100.0, 5.0])

    def short(need: float, growth: float, begin: float = 0.0) -> float:
        return first_time(*stock, need, growth, begin, 3 * YEAR, met=False)

    assert short(9, 1.0001) == 2 * YEAR
    assert short(9, 2.0) == pytest.approx(YEAR * math.log2(10 / 9))
    assert short(11, 1.0) == 0
    assert short(11, 1.0, begin=YEAR) == 2 * YEAR
    assert math.isnan(short(5, 1.0))
    assert short(12, 0.5) == 0


def test_a_need_that_is_met_but_for_the_last_digits_is_met():
    stock = np.array([0.0]), np.array([10.0 * (1 - 1e-13)])
    assert first_time(*stock, 10.0, 0.5, YEAR, 3 * YEAR, met=True) == YEAR
    assert math.isnan(first_time(*stock, 10.0, 1.0, YEAR, 3 * YEAR, met=False))
    assert first_time(*stock, 10.0, 2.0, YEAR, 3 * YEAR, met=False) == YEAR
