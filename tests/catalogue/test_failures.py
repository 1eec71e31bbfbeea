"""Failure tables, fabrics and flaps against the published numbers they stand for."""

from __future__ import annotations

import math

import pytest

from sim import catalogue, load_scenario, simulate
from sim.catalogue.failures import Congestion, FailureTable, Flaps
from sim.engine.fabric import share_below
from sim.engine.risks import node_rate
from sim.quantities.uncertain import highest, lowest

PER_1000_NODE_DAYS = 1000 * 86400.0


def table(name: str) -> FailureTable:
    item = catalogue.entry("failures", name).item
    assert isinstance(item, FailureTable)
    return item


def congestion(name: str) -> Congestion:
    item = catalogue.entry("fabrics", name).item
    assert isinstance(item, Congestion)
    return item


def test_the_causes_of_llama_3_are_its_419_interruptions():
    assert node_rate(table("hopper-llama-3"), 8) * 2048 * 54 * 86400 == pytest.approx(419, abs=0.2)


def test_the_lemons_of_rsc_1_carry_what_is_reported_and_the_cluster_fails_as_often():
    rsc = table("rsc-1")
    assert node_rate(rsc, 8) * PER_1000_NODE_DAYS == pytest.approx(6.5, rel=0.005)
    assert rsc.bad_nodes
    lemons = rsc.bad_nodes.share * rsc.bad_nodes.factor
    assert lemons / (lemons + 1 - rsc.bad_nodes.share) == pytest.approx(0.13, abs=0.002)


def test_the_long_run_rate_of_infinitehbd_counts_relapses_and_bursts_once():
    """Interruptions, not outages: 4.18 servers go down per 1,000 node-days, some of them together."""
    infinitehbd = table("infinitehbd")
    alone, recurring = infinitehbd.causes
    assert alone.burst and alone.refail and recurring.refail
    assert alone.per_1000_node_days and recurring.per_1000_node_days
    nodes = 1 + alone.burst.probability * (sum(alone.burst.nodes) / 2 - 1)
    hand = alone.per_1000_node_days * (1 + nodes * 0.2 / 0.8)
    hand += recurring.per_1000_node_days / 0.35
    assert node_rate(infinitehbd, 8) * PER_1000_NODE_DAYS == pytest.approx(hand)
    assert 3.3 < hand < 4.18


def test_the_two_batches_of_titan_die_as_their_lifetimes_say():
    """The first of eight chips takes its node out: nodes dead after t days are n·(1 −
    exp(−8·(t/scale)^shape)).
    """
    changes = {
        "fleet.job.failures": {"like": "titan", "rate_factor": 1},
        "horizon": "2000 d",
        "fleet.job.cold_spares": 0,
        "fleet.job.hot_spares": 0,
    }
    dead = simulate(load_scenario("hopper-job").override(changes), 1).failures
    for batch, share, shape, scale in (
        ("old-batch", 0.6236, 2.64, 2596),
        ("new-batch", 0.3764, 1.02, 133027),
    ):
        gone = 1 - math.exp(-8 * (2000 / scale) ** shape)
        error = math.sqrt(2048 * share * gone * (1 - gone))
        assert dead[batch] == pytest.approx(2048 * share * gone, abs=4 * error)


@pytest.mark.parametrize(
    ("scenario", "end", "step", "longer"),
    [("shared-32", lowest, 1.24, 0.062), ("shared-512", highest, 2.25, 0.205)],
)
def test_the_shared_fabric_lies_between_fits_to_two_measured_jobs(
    scenario, end, step: float, longer: float
):
    shared = congestion("shared")
    plan = simulate(load_scenario(scenario).override({"horizon": "1 h"}), fixed_inputs=True).plan
    factor = plan.step_seconds_at(end(shared.slowdown)) / plan.step_seconds
    assert factor == pytest.approx(step, rel=0.02)
    assert 1 / (1 - shared.share + shared.share / factor) - 1 == pytest.approx(longer, abs=0.006)
    assert shared.slowdown == pytest.approx(
        math.sqrt(lowest(shared.slowdown) * highest(shared.slowdown)), rel=0.01
    )


def test_flaps_stop_a_job_of_3000_chips_about_once_a_month():
    """One or two crashes a month come from the access network, broken links included."""
    flaps = catalogue.entry("flaps", "hpn").item
    assert isinstance(flaps, Flaps)
    monthly = 375 * 30 * flaps.per_node_day * (1 - share_below(flaps.duration, flaps.ride_through))
    assert 0.5 < monthly < 2


def test_all_factors_of_a_table_multiply():
    table = catalogue.entry("failures", "glm-130b-may").item
    twice = table.model_copy(update={"scale": 2.0, "rate_factor": 3.0, "drift": 5.0})
    assert twice.often == 30
    assert node_rate(twice, 8) == pytest.approx(30 * node_rate(table, 8))


def test_counts_that_vary_by_their_bad_nodes_have_no_dispersion_besides():
    tables = [entry.item for entry in catalogue.table("failures").values()]
    lemons = [item for item in tables if item.bad_nodes]
    assert lemons
    for cause in (cause for item in lemons for cause in item.causes):
        rate = cause.per_1000_node_days.distribution
        # Jeffreys' half on top of whole events: a dispersion divides both.
        assert rate.shape % 1 == 0.5
