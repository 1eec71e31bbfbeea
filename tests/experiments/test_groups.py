"""The spread is taken apart by kind of unknown, and each kind gets what it explains by itself."""

from __future__ import annotations

import numpy as np
import pytest

from sim.experiments import groups
from sim.experiments.replicate import replicate
from sim.experiments.store import Outcome
from sim.scenario import load_scenario


def outcomes(values) -> list[Outcome]:
    return [Outcome(k, True, {"y": float(value)}, "") for k, value in enumerate(values)]


def test_a_group_gets_the_share_of_variance_that_it_explains():
    rng = np.random.default_rng(5)
    n = 4000
    rates, other = rng.normal(size=(2, n))
    y = 2 * rates + other
    beside = {
        "rates": outcomes(2 * rates + rng.normal(size=n)),
        "other": outcomes(2 * rng.normal(size=n) + other),
    }
    found = groups.shares("y", outcomes(y), beside, 0)
    assert list(found) == ["rates", "other"]
    # The standard error of a correlation of so many pairs is a sixtieth.
    assert found["rates"]["share"] == pytest.approx(0.8, abs=0.05)
    assert found["other"]["share"] == pytest.approx(0.2, abs=0.05)
    assert found["rates"]["lo"] < 0.8 < found["rates"]["hi"]


def test_what_never_varies_has_no_share():
    same = outcomes([1.0, 1.0, 1.0])
    assert groups.shares("y", same, {"rates": same}, 0)["rates"]["share"] == 0


def test_a_partner_shares_the_draws_of_its_group_and_no_others():
    scenario = load_scenario("opt-175b")
    made = groups.partners(scenario, 3, 2)
    assert set(made) == {"rates", "response", "step_time", "other"}
    [point, _] = made["response"]
    assert point.replications == range(2, 3)
    drawn = scenario.draws(3, 0)
    assert point.unknowns == {name: drawn[name] for name in drawn if name.startswith("recovery.")}


def test_every_unknown_of_every_group_is_asked_for_once():
    scenario = load_scenario("deepseek-v3")
    made = groups.partners(scenario, 0, 1)
    names = [name for [point] in made.values() for name in point.unknowns]
    assert sorted(names) == sorted(scenario.unknowns())
    assert list(made["fleet"][0].unknowns) == ["failures.hopper-llama-3.rate_factor"]


def test_response_makes_most_of_the_spread_of_a_job_that_waits_for_people():
    found = replicate(load_scenario("opt-175b"), 40, by_group=True)
    shares = found.split_by_group("time.respond_days")
    assert shares["response"]["share"] > 0.2
    assert shares["step_time"]["share"] < shares["response"]["share"]
    assert found.report()["split_by_group"]["time.respond_days"] == shares


def test_a_later_time_of_a_fleet_is_a_group_of_its_own():
    made = groups.partners(load_scenario("glm-130b"), 0, 1)
    assert [list(point.unknowns) for point in made["drift"]] == [["fleet.nodes.failures.drift"]]
    assert "fleet" not in made


def test_rates_of_ones_own_are_rates_wherever_they_stand(tmp_path):
    (tmp_path / "mine.draws.csv").write_text("rate\n1\n2\n3\n")
    column = {"draws": {"file": str(tmp_path / "mine.draws.csv"), "column": "rate"}}
    causes = [
        {"cause": "counted", "per_1000_node_days": {"events": 5, "node_days": 1000}},
        {"cause": "fitted", "per_1000_node_days": {"uncertain": column}},
    ]
    changes = {"fleet.hosts.failures": {"causes": causes}, "recovery.response": None}
    own = load_scenario("opt-175b").override(changes)
    found = groups.members(own)
    assert found["rates"] == [
        "fleet.hosts.failures.causes.counted.per_1000_node_days",
        "mine",
    ]
    assert not [name for name in found["other"] if "failures" in name]
