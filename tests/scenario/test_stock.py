"""What lasts for years, read from a scenario: catalogue events moved and removed, and what is
refused by name.
"""

from __future__ import annotations

import datetime as dt

import pytest

from sim.errors import InputError
from sim.scenario import Scenario, load_scenario


@pytest.fixture(scope="module")
def stock() -> Scenario:
    return load_scenario("embargoed-stock")


def test_an_event_stands_as_in_the_catalogue_moves_or_goes(stock):
    assert stock.policy["us-2022-10-07"].date == dt.date(2022, 10, 7)
    moved = stock.override({"policy.us-2022-10-07.date": "2023-04-07"}).policy["us-2022-10-07"]
    assert (moved.date, moved.blocks) == (dt.date(2023, 4, 7), stock.policy["us-2022-10-07"].blocks)
    assert list(stock.override({"policy.us-2022-10-07": None}).policy) == ["us-2022-08-26"]


def test_an_event_of_ones_own_needs_a_date(stock):
    own = stock.override({"policy.mine": {"date": "2024-01-01", "blocks": ["a100"]}}).policy["mine"]
    assert own.title == "mine"
    with pytest.raises(
        InputError, match=r"no policy event 'us-2022-10-17' in the catalogue \(did you mean"
    ):
        stock.override({"policy.us-2022-10-17": {}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"policy.mine": {"date": "2022-10-07", "blocks": ["A100-SXM-40"]}},
            "us-2022-10-07 and mine are one act, on one date",
        ),
        (
            {"policy.mine": {"date": "2024-01-01", "blocks": ["A100-PCIe-4"]}},
            r"no chip 'A100-PCIe-4' .*did you mean",
        ),
        ({"policy.mine": {"date": "2024-01-01", "ends_support": ["a10"]}}, r"no chip 'a10'"),
        ({"depot.stock": {"H20-96": 8}}, "no pool of the fleet is called or holds 'H20-96'"),
        ({"depot.supply": {"x": "licensed-h20"}}, "depot.supply.x: no pool of the fleet"),
        (
            {"depot.deliveries": [{"chip": "a100", "nodes": 1, "before": "us-2022-10-17"}]},
            "no policy event 'us-2022-10-17'",
        ),
        (
            {"depot.deliveries": [{"chip": "a100", "nodes": 1}]},
            "either a date, or the policy event",
        ),
        (
            {"depot.deliveries": [{"chip": "a100", "nodes": 1, "chips": 8, "date": "2024-01-01"}]},
            "either chips",
        ),
        ({"offload": {"weak": 0.5}}, "offload: no pool of the fleet"),
        ({"reference": "weak"}, "reference: no pool of the fleet"),
        ({"depot.repair.capacity": "0 per month"}, "must be above zero"),
        ({"runs.chips": 0}, "must be above zero"),
        ({"runs.growth": 2.4}, "a unit is missing"),
        (
            {
                "depot.supply": {
                    "x": {"like": "licensed-a100", "chip": "a100", "until": "2021-01-01"}
                }
            },
            "must rise",
        ),
        ({"policy": "us-2022-10-07"}, "expected a mapping of policy events"),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_refused_by_name(stock, changes, message):
    with pytest.raises(InputError, match=message):
        stock.override(changes)


def test_runs_that_spell_out_all_of_a_run_need_no_run_beside_them():
    data = {
        "runs": {
            "model": "deepseek-67b",
            "tokens": 1e12,
            "batch": {"sequences": 64},
            "every": "1 yr",
            "growth": "2 per yr",
            "chips": 64,
        },
        "fleet": {"pool": {"chip": "A100-SXM-80", "nodes": 8, "stack": "megatron-lm"}},
    }
    assert load_scenario(data).run.tokens == 1e12


def test_growth_is_a_factor_a_year(stock):
    from sim.results.programme import growth_of
    from sim.scenario.stock import Programme

    runs = stock.override({"runs.growth": "2.4 per yr"}).runs
    assert isinstance(runs, Programme)
    assert growth_of(runs) == pytest.approx(2.4)
