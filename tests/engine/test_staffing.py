"""How the runs of a programme are laid out on the nodes that there are."""

from __future__ import annotations

import simpy

from sim.engine import campaign
from sim.engine.setup import Site
from sim.scenario import load_scenario
from sim.streams import Luck


def test_only_a_pool_too_small_for_its_layout_is_laid_out_again():
    nodes = {f"fleet.{name}.nodes": 100 for name in ("a100", "h800")}
    scenario = load_scenario("domestic-ramp").override(nodes).resolve(0, 0, fixed=True)
    first = campaign.first_task(scenario)
    laid_out = campaign.laid_out(scenario)
    worth, _ = campaign.chip_worth(scenario, first, laid_out)
    site = Site(simpy.Environment(), scenario, None, Luck(0, 0))
    programme = campaign.Campaign(site, worth, laid_out)
    throughput = programme._throughput(first.run, {"a100": 128.0, "h800": 512.0})
    assert throughput
    shapes = throughput.full.layouts
    known = {name: laid_out[name].layout for name in ("a100", "h800")}
    assert shapes["h800"] and shapes["a100"]
    assert (shapes["h800"].tensor, shapes["h800"].expert) == (
        known["h800"].tensor,
        known["h800"].expert,
    )
    assert shapes["a100"].pipeline < (known["a100"].pipeline or 0)
