"""What the spread between fleets is computed from is what the failure tables carry."""

from __future__ import annotations

import pytest

from sim import catalogue
from sim.validation.fleets import fleet_rates, fleet_spread


def test_the_tables_carry_the_spread_that_follows_from_the_fleets():
    scale, degrees = fleet_spread(fleet_rates())
    factor = catalogue.entry("failures", "hopper-llama-3").item.rate_factor.distribution
    assert factor.sigma == pytest.approx(scale, abs=0.005)
    assert factor.degrees == degrees


def test_a_table_that_was_counted_says_so_for_another_fleet():
    for name, entry in catalogue.table("failures").items():
        counted = any(
            hasattr(cause.per_1000_node_days, "distribution") for cause in entry.item.causes
        )
        # What was counted on the very fleet of a scenario is for that one only.
        assumed = name.startswith(("attrition", "glm-130b", "opt-175b"))
        assert assumed or not counted or entry.item.rate_factor.distribution, name
