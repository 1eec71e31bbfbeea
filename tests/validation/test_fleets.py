"""What the spread between fleets is computed from is what the failure tables carry."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.fit_fleets import changes, drift_spread, fleet_spread
from sim import catalogue
from sim.quantities.distributions import Gamma, Lognormal
from sim.quantities.uncertain import Uncertain
from sim.scenario import load_scenario
from sim.validation.fleets import factors, fleet_rates


def test_the_tables_carry_the_spread_that_follows_from_the_fleets():
    scale, degrees = fleet_spread(fleet_rates())
    factor = catalogue.entry("failures", "hopper-llama-3").item.rate_factor.distribution
    assert factor.sigma == pytest.approx(scale, abs=0.005)
    assert factor.degrees == degrees


def test_a_table_that_was_counted_says_so_for_another_fleet():
    for name, entry in catalogue.table("failures").items():
        rates = [cause.per_1000_node_days for cause in entry.item.causes]
        if any(
            isinstance(rate, Uncertain) and isinstance(rate.distribution, Gamma) for rate in rates
        ):
            # A table for the counted fleet alone says so: there the factor is 1, with a note.
            [stated] = [fact for fact in entry.facts if fact.path.endswith(f"{name}.rate_factor")]
            assert (stated.source == "FLEETS") or (stated.value == 1 and stated.note), name


def test_the_prior_of_a_drift_is_what_the_halves_of_the_records_give():
    scale, degrees = drift_spread(changes())
    drift = factors()["the same fleet later"].distribution
    assert isinstance(drift, Lognormal)
    assert drift.sigma == pytest.approx(scale, abs=0.005)
    assert drift.degrees == degrees == len(catalogue.table("drifts"))


def test_halves_that_differ_by_no_more_than_chance_drift_little():
    rng = np.random.default_rng(0)

    def seen(sigma: float) -> list[tuple[float, float]]:
        levels = np.exp(sigma * rng.normal(size=400))
        counts = rng.poisson(100 * levels)
        first = rng.poisson(100, size=400)
        return [(float(np.log(b / a)), 1 / a + 1 / b) for a, b in zip(first, counts, strict=True)]

    # The standard error of a variance of 400 is 7 %: 0.002 of what counts make of it, 0.018.
    assert drift_spread(seen(0.0))[0] < 0.07
    assert drift_spread(seen(0.5))[0] == pytest.approx(0.5, abs=0.06)


def test_the_log_of_glm_is_counted_before_june_and_its_june_drifts():
    june = load_scenario("glm-130b").unknowns()
    assert june["fleet.nodes.failures.drift"].distribution == (
        factors()["the same fleet later"].distribution
    )
    counted = [load_scenario(name) for name in ("opt-175b", "llama-3-405b", "infinitehbd")]
    for scenario in counted:
        assert not [name for name in scenario.unknowns() if name.endswith((".drift", "_factor"))]
