"""What a run and a stock cost, against sums worked out by hand."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from sim.catalogue import entry
from sim.catalogue.hardware import Chip
from sim.catalogue.market import CostMethod
from sim.engine import simulate
from sim.results import economics
from sim.scenario import load_scenario
from sim.scenario.parts import Pool

DAY = dt.date(2024, 9, 1)
HOUR = 3600.0
V3_HOURS = 2.788e6


def chip(name: str = "H800-SXM-80", **changes: object) -> Chip:
    item = entry("chips", name).item
    assert isinstance(item, Chip)
    return item.model_copy(update=changes)


def method(**changes: object) -> CostMethod:
    item = entry("costs", "epoch").item
    assert isinstance(item, CostMethod)
    return item.model_copy(update=changes)


def per_hour(price: float) -> float:
    """An H800 server's share at Epoch AI's factors for an H100 at a site that is no hyperscaler,
    2023's electricity.
    """
    rates = method(power_multiplier=(10.2 / 8) / 0.7, pue=1.25, electricity=0.0806 / 3.6e6)
    h800 = chip(price=price, price_of="server")
    energy = economics.power(h800, rates) * rates.electricity
    return HOUR * (economics.hardware_rate(h800, DAY, rates) + energy)


@pytest.mark.parametrize(
    ("price", "rate", "millions"),
    [(2.0e6 / 8 / 7.02, 1.72, 4.8), (44_750.0, 2.13, 5.9)],
    ids=["an eighth of 2.0 million CNY", "an eighth of a DGX"],
)
def test_epochs_method_gives_the_rates_worked_out_by_hand(price, rate, millions):
    assert per_hour(price) == pytest.approx(rate, abs=0.01)
    assert per_hour(price) * V3_HOURS / 1e6 == pytest.approx(millions, abs=0.05)


def test_hardware_loses_a_third_of_its_value_a_year_in_steady_decline():
    """k = 0.14·ln 10 = 0.3224 a year of what it is worth, the network 19 % of the whole."""
    rate = economics.hardware_rate(chip(price=10_000.0, price_of="server"), DAY, method())
    assert rate * economics.YEAR == pytest.approx(10_000 * 0.14 * math.log(10) / 0.81)
    old = economics.hardware_rate(
        chip(price=10_000.0, price_of="server"), DAY, method(), bought=dt.date(2023, 9, 1)
    )
    assert old / rate == pytest.approx(10 ** (-0.14 * 366 / 365.25))


def test_hardware_is_bought_no_sooner_than_ninety_days_after_its_release():
    early = economics.hardware_rate(chip(), DAY, method(), bought=dt.date(2020, 1, 1))
    assert early == economics.hardware_rate(
        chip(), DAY, method(), bought=dt.date(2023, 3, 21) + dt.timedelta(days=90)
    )


@pytest.mark.parametrize(
    ("kind", "server", "installed"),
    [("chip", 164, 164 / 0.81), ("server", 100, 100 / 0.81), ("system", 81, 100)],
)
def test_a_price_says_whether_server_and_network_are_in_it(kind, server, installed):
    assert economics.price_with_server(chip(price=100.0, price_of=kind), method()) == pytest.approx(
        server
    )
    assert economics.price_installed(chip(price=100.0, price_of=kind), method()) == pytest.approx(
        installed
    )


def test_energy_is_the_rated_power_times_load_server_and_site():
    assert economics.power(chip(), method()) == pytest.approx(700 * 1.8 * 0.75 * 1.25)


def test_a_price_that_nobody_knows_leaves_the_cost_unknown():
    pool = Pool.model_validate({"chip": "A100-SXM-40", "chips": 8, "stack": "megatron-lm"})
    costs = economics.cost_of([pool], [8], HOUR, DAY, method())
    assert math.isnan(costs.rental) and costs.amortised > 0


def test_the_published_hours_of_deepseek_v3_cost_what_was_published():
    good = load_scenario("deepseek-v3").fleet["good"]
    both = [
        economics.cost_of([good], [1], hours * HOUR, DAY, method()) for hours in (V3_HOURS, 2.664e6)
    ]
    assert both[0].rental == pytest.approx(5.576e6)
    assert both[1].rental == pytest.approx(5.328e6)
    assert 4.5e6 < both[0].amortised < 6.2e6


def test_the_simulated_run_costs_within_six_percent_of_it_to_rent():
    run = load_scenario("deepseek-v3")
    metrics = [simulate(run, 1, k).metrics for k in range(12)]
    hours = sum(m["gpu_hours_computing"] for m in metrics) / len(metrics)
    assert 2 * (hours + 124e3) == pytest.approx(5.576e6, rel=0.06)
    amortised = [
        m["cost_amortised_usd"] / m["gpu_hours_allocated"] * (hours + 124e3) for m in metrics
    ]
    assert 4.5e6 < sum(amortised) / len(amortised) < 6.2e6


def test_the_servers_of_sixty_thousand_chips_cost_what_was_reported():
    fleet = load_scenario("sixty-thousand-chips").resolve(0, 0, fixed=True)
    bought = [(0.0, name, pool.active_chips, 1.0) for name, pool in fleet.fleet.items()]
    bill = economics.bill(fleet, bought, 0, {})
    assert bill.servers == pytest.approx(1.6e9, rel=0.05)
    assert bill.network == pytest.approx(0.19 * (bill.servers + bill.network))


def test_a_bill_adds_premium_repair_and_energy():
    fleet = load_scenario("sixty-thousand-chips").resolve(0, 0, fixed=True)
    bill = economics.bill(fleet, [(0.0, "h20", 8, 1.5)], 3, {"h20": 8 * HOUR})
    assert bill.premium == pytest.approx(0.5 * 8 * 13_500 * 1.64)
    assert bill.repair == pytest.approx(3 * 2100)
    assert bill.joules == pytest.approx(8 * HOUR * 400 * 1.8 * 0.75 * 1.25)
    assert bill.total == pytest.approx(
        bill.servers + bill.network + bill.premium + bill.repair + bill.joules * 0.08 / 3.6e6
    )
