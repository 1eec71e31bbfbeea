"""What a count of failures says of another fleet, or of a later time of the same."""

from __future__ import annotations

from sim import catalogue
from sim.quantities.notation import uncertain
from sim.quantities.uncertain import Uncertain


def fleet_rates() -> list[float]:
    """The hardware failures of the catalogue's fleets, per 1,000 node-days."""
    return [
        float(entry.item.per_1000_node_days) for entry in catalogue.table("fleets").values()
    ]


def factors() -> dict[str, Uncertain]:
    """What multiplies the rates of a table elsewhere, and later, as the catalogue has it."""
    elsewhere = catalogue.entry("failures", "hopper-llama-3").item.rate_factor
    later = catalogue.entry("priors", "drift-of-a-fleet").values["amount"]
    return {
        "another fleet": elsewhere,
        "the same fleet later": uncertain(later["uncertain"], float),
    }
