"""Outages that hang together: nodes of a burst, and a node whose repair did not last."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Any

import simpy

from sim import simulate
from sim.catalogue.failures import Cause
from sim.engine.ageing import Failure
from sim.engine.risks import Lives
from sim.engine.setup import Site
from sim.engine.supply import DAY, Arrival
from sim.results.run import RunResult
from sim.streams import Luck
from tests.engine.bare import bare_scenario, cause, exponential, pool

ENDLESS = {"tokens": 1e15}
GONE = ("idle", "scrap", 1)
BAD = {"share": 1, "factor": 2, "cured": 0}


def run(causes: dict[str, Any], horizon: str, **fleet: Any) -> RunResult:
    settings = {
        "fleet": pool(failures={"causes": [causes]}, **fleet),
        "horizon": horizon,
        "run": ENDLESS,
    }
    return simulate(bare_scenario(**settings), 3)


def test_a_spare_that_fails_again_soon_after_its_return_does_so_on_time():
    """The job sleeps until the next failure it knows of, and must not oversleep that of a spare
    that comes back.
    """
    again = {"probability": 1, "after": "1 h"}
    result = run(cause(per_1000_node_days=5, repair="2 h", refail=again), "60 d", hot_spares=2)
    strikes: dict[int, list[float]] = defaultdict(list)
    for outage in result.outages:
        strikes[outage.node].append(outage.start)
    gaps = [later - first for times in strikes.values() for first, later in pairwise(times)]
    # Two hours in repair and one powered, less only where the node's next life ends before.
    assert len(gaps) > 200
    assert max(gaps) < 3 * 3600 + 1e-3


def bursts(shared_repair: float) -> list[list[float]]:
    """Repair seconds of the nodes that failed together."""
    burst = {"probability": 1, "nodes": [3, 3], "shared_repair": shared_repair}
    repair = {"exponential": {"mean": "1 d"}}
    result = run(
        cause(per_1000_node_days=20, repair=repair, burst=burst), "300 d", nodes=20, hot_spares=4
    )
    together: dict[float, list[float]] = defaultdict(list)
    for outage in result.outages:
        if outage.end < result.wall:
            together[outage.start].append(round(outage.end - outage.start, 3))
    return [sorted(times) for times in together.values() if len(times) == 3]


def test_a_burst_may_share_its_repair_time():
    alike, apart = bursts(shared_repair=1), bursts(shared_repair=0)
    assert len(alike) > 50
    assert all(first == last for first, _, last in alike)
    assert all(first < last for first, _, last in apart)


def test_nodes_of_a_burst_share_the_time_of_repair_and_nothing_else():
    """Whether a chip has died is drawn for each node of its own."""
    burst = {"probability": 1, "nodes": [4, 4], "shared_repair": 1}
    result = run(
        cause(scope="chip", per_1000_node_days=20, permanent=0.5, burst=burst), "30 d", nodes=40
    )
    dead = [m.time for m in result.trace.moves() if (m.origin, m.place, m.chips) == GONE]
    struck = {outage.start for outage in result.outages}
    assert len(struck) > 5
    assert {dead.count(time) for time in struck} - {0, 4}


def test_flaps_far_beyond_the_horizon_are_not_drawn():
    """A goal that is never reached must not cost the flaps on the way to it."""
    flaps = {"per_node_day": 100, "duration": "3 s", "ride_through": "10 s"}
    changes = {"run": {"tokens": 1e18}, "horizon": "2 d", "fabric": {"flaps": flaps}}
    result = simulate(bare_scenario(**changes))
    assert result.time["stall"] > 0 and not result.finished


def test_a_node_filled_with_other_chips_is_a_new_one_with_other_lives_and_no_failure_behind_it():
    """Chip after chip of node 0 goes into node 1, until eight others come for it."""
    asked = bare_scenario(
        fleet=pool(
            nodes=2, failures={"causes": [cause(lifetime=exponential(900))], "bad_nodes": BAD}
        ),
        depot={"cannibalise": True},
        recovery={"evict_after": 2},
    )
    env = simpy.Environment()
    site = Site(env, asked, {"pool": 16}, Luck(1, 0))
    fleet = site.fleet
    [nodes], why = fleet.pools, Cause(cause="dies", scope="chip", per_1000_node_days=1)
    for node in (0, *[1] * 7):
        fleet.take_out(0.0, nodes, node, Failure(node, why, 0.0, 0.0, permanent=True))
    [risk, *_] = nodes.risks
    assert isinstance(risk, Lives)
    assert nodes.bad == {0, 1}
    before = list(risk._least)
    assert site.depot
    env.process(site.depot.receive([Arrival(DAY, "pool", 8, False)]))
    env.run(2 * DAY)
    assert nodes.place[0] == "cold_spare"
    assert risk._least[0] != before[0]
    assert risk._least[1] == before[1]
    assert nodes.bad == {1}
    for place in (
        "repair",
        "cold_spare",
        "idle",
    ):  # it is out after its own second failure, not after its first
        if place == "cold_spare":
            fleet.node_back(nodes, 0)
        else:
            fleet.take_out(2 * DAY, nodes, 0, Failure(0, why, 0.0, 0.0))
        assert nodes.place[0] == place
