"""What the spread between fleets is computed from is what the failure tables carry."""

from __future__ import annotations

import pytest

from sim import catalogue
from sim.quantities.distributions import Gamma
from sim.quantities.uncertain import Uncertain
from sim.validation.fleets import fleet_rates, fleet_spread


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
