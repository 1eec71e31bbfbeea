from __future__ import annotations

import math

import pytest

from sim import load_scenario
from sim.experiments import outages


def test_a_larger_job_is_productive_for_less_of_its_time_and_a_quicker_restart_helps():
    variants = {"slow": load_scenario("hopper-job"), "quick": load_scenario("hopper-job-quick")}
    table = outages.ettr_by_size(variants, [256, 16384], n=3, seed=1, interruptions=60)
    ettr = table.set_index(["variant", "nodes"])["mean"].to_dict()
    assert ettr["slow", 256] > 0.95 > 0.6 > ettr["slow", 16384]
    assert ettr["quick", 16384] > ettr["slow", 16384] + 0.1
    assert (table["p5"] <= table["mean"]).all() and (table["mean"] <= table["p95"]).all()


def test_a_job_is_watched_for_the_interruptions_asked_for_and_never_waits():
    scenario = outages.sized(load_scenario("hopper-job"), 4096, interruptions=100)
    assert outages.rate(scenario, 4096) * scenario.horizon == pytest.approx(100)
    table = outages.ettr_by_size(
        {"a": load_scenario("hopper-job")}, [4096], n=2, seed=1, interruptions=100
    )
    assert table["mean"].item() > 0.75


def test_dalys_interval_is_near_the_best_of_those_tried():
    table = outages.ettr_by_interval(load_scenario("hopper-job"), [2048], [2, 6.5, 60], n=4, seed=1)
    assert table["minutes"].iloc[table["mean"].argmax()] == 6.5
    assert table["daly_minutes"].iloc[0] == pytest.approx(6.5, abs=0.1)
    # By hand: δ = 7 s and M = 24 h / (2,048 · 3.789e-3) = 11,135 s; Daly's first terms.
    assert table["daly_minutes"].iloc[0] * 60 == pytest.approx(
        math.sqrt(2 * 7 * 11135) - 7 + 7 / 3, rel=0.01
    )


def test_a_shared_fabric_costs_more_than_a_dedicated_one_and_flaps_add_to_either():
    table = outages.time_by_fabric(["deepseek-v3"], n=4, seed=1, horizon="5 d").set_index("fabric")[
        "mean"
    ]
    assert table["dedicated fabric"] < 0.01 < 0.1 < table["shared fabric"]
    assert table["dedicated, links flap"] > table["dedicated fabric"]
    assert table["shared, links flap"] > table["shared fabric"]


def test_without_spares_dropping_a_replica_halves_deepseek_v3_and_waiting_never_ends():
    question = load_scenario("deepseek-v3").override({"horizon": "200 d"})
    table = outages.days_by_policy(question, "good", [0, 32], n=3, seed=1).set_index(
        ["policy", "spares"]
    )
    days, finished = table["median"].to_dict(), table["finished"].to_dict()
    assert (days["wait", 0], finished["wait", 0]) == (math.inf, 0)
    assert days["drop-replica", 0] > 1.7 * days["wait", 32]
    assert days["re-plan", 0] < 1.2 * days["wait", 32]
