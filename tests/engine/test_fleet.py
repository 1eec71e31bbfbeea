"""The nodes of a fleet: who ages, who replaces whom, who is repaired when; all times worked out by
hand.
"""

from __future__ import annotations

from typing import Any

import pytest
import simpy

from sim.engine import simulate
from sim.engine.setup import Site
from sim.results.ledger import DAY, HOUR
from sim.scenario import Scenario
from sim.streams import Luck
from tests.engine.bare import bare_scenario, cause, endless, failing, lone, moves_to, pool, times

MINUTE = 60.0


# Ageing of spares ---------------------------------------------------------------------------------
# ------------------


def test_hot_spares_age_and_cold_ones_do_not():
    """Lives of 10 d: two active nodes and the hot one fail together; the cold one takes over and
    lives its own.
    """
    result = simulate(endless(25, fleet=failing(2, cold=2, hot=1, lifetime="10 d", permanent=1)), 0)
    assert times(result) == pytest.approx([10, 10, 10, 20, 20])


def test_hot_spares_do_not_age_by_the_computing_clock():
    """Two fail at 10 d; the hot and the cold one replace them and compute for 10 d of their own."""
    fleet = failing(2, cold=2, hot=1, lifetime="10 d", permanent=1, clock="computing")
    assert times(simulate(endless(25, fleet=fleet), 0)) == pytest.approx([10, 10, 20, 20])


def test_a_failing_hot_spare_interrupts_nothing():
    fleet = pool(
        nodes=1,
        hot_spares=1,
        failures={"causes": [cause(nodes=[0.6, 0.7], lifetime="3 d", permanent=1)]},
    )
    result = simulate(
        endless(10, fleet=fleet), 0
    )  # node 1, the spare, is the only one of the batch
    assert (sum(result.failures.values()), result.interruptions, result.time["wait"]) == (1, 0, 0)
    fleet["pool"]["failures"]["causes"][0]["nodes"] = [0.0, 0.1]  # node 0, which is active
    assert simulate(endless(10, fleet=fleet), 0).interruptions == 1


def test_a_cold_spare_that_comes_back_as_hot_begins_to_age_then():
    """Node 0 fails at 10 d for 5 d; its life of 10 d runs on as a hot spare from 15 d: it fails
    again at 25 d.
    """
    fleet = pool(
        nodes=1,
        hot_spares=1,
        failures={"causes": [cause(nodes=[0.0, 0.1], lifetime="10 d", repair="5 d")]},
    )
    result = simulate(endless(30, fleet=fleet), 0)
    assert times(result) == pytest.approx([10, 25])
    assert result.interruptions == 1


# Pods and switches
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pod", "taken"), [(1, [1]), (2, [0, 1]), (4, [0, 1, 2, 3]), (6, [0, 1, 2, 3, 4, 5])]
)
def test_a_switch_takes_the_nodes_of_its_pod(pod, taken):
    switch = cause(scope="switch", nodes=[0.61, 0.62], lifetime="10 d", repair="1 d")
    q = endless(10.5, fleet=pool(nodes=6, failures={"causes": [switch]}), fabric={"pod": pod})
    result = simulate(q, 0)
    assert sorted(node for _, node in moves_to(result, "repair")) == taken
    assert result.interruptions == 1


def test_a_switch_leaves_nodes_that_are_not_powered_alone():
    switch = cause(scope="switch", nodes=[0.61, 0.62], lifetime="10 d", repair="1 d")
    q = endless(
        10.5, fleet=pool(nodes=2, cold_spares=2, failures={"causes": [switch]}), fabric={"pod": 4}
    )
    assert sorted(node for _, node in moves_to(simulate(q, 0), "repair")) == [0, 1]


# Repair -------------------------------------------------------------------------------------------
# ------------------


@pytest.mark.parametrize(
    ("crew", "back"), [(1, [12, 14, 16]), (2, [12, 12, 14]), (None, [12, 12, 12])]
)
def test_a_crew_mends_so_many_nodes_at_a_time(crew, back):
    """Three nodes fail at 10 d and need 2 d each; the job waits for the last of them."""
    recovery = {"crew": crew} if crew else {}
    result = simulate(
        endless(17, fleet=failing(3, lifetime="10 d", repair="2 d"), recovery=recovery), 0
    )
    assert [day for day, _ in moves_to(result, "cold_spare")][:3] == pytest.approx(back)
    assert result.time["wait"] == pytest.approx((back[-1] - 10) * DAY)


@pytest.mark.parametrize(("limit", "failures"), [(1, 1), (2, 2), (3, 3)])
def test_a_node_that_fails_too_often_is_evicted(limit, failures):
    q = endless(
        100, fleet=failing(1, lifetime="10 d", repair="1 d"), recovery={"evict_after": limit}
    )
    result = simulate(q, 0)
    assert sum(result.failures.values()) == failures
    assert result.counts["pool", "idle"] == 8
    assert times(result, "evicted") == pytest.approx([10 * limit + limit - 1])


def test_a_dead_chip_makes_scrap_of_itself_and_idles_its_neighbours():
    result = simulate(
        endless(20, fleet=failing(1, cold=1, scope="chip", lifetime="15 d", permanent=1)), 0
    )
    assert (
        result.counts["pool", "scrap"],
        result.counts["pool", "idle"],
        result.counts["pool", "active"],
    ) == (1, 7, 8)
    whole = simulate(endless(20, fleet=failing(1, cold=1, lifetime="15 d", permanent=1)), 0)
    assert whole.counts["pool", "idle"] == 8


def test_the_job_goes_on_while_a_spare_stands_in_for_a_node_in_repair():
    result = simulate(
        endless(11, fleet=failing(1, hot=1, lifetime="10 d", clock="computing", repair="1 d")), 0
    )
    assert result.time["wait"] == 0
    assert moves_to(result, "active") == [(pytest.approx(10), 1)]
    assert moves_to(result, "hot_spare") == [(pytest.approx(11), 0)]


# Standby, choosing anew, boxes
# --------------------------------------------------------------------------------------


def test_choosing_anew_costs_time_at_the_start_and_when_standby_nodes_do_not_suffice():
    """Three nodes fail at 10 d of computing, two are on standby: chosen anew, 6 min after the first
    choice.
    """
    fleet = failing(3, hot=4, lifetime="10 d", clock="computing", permanent=1)
    for standby, selections in ((2, 2), (3, 1)):
        q = endless(19, fleet=fleet, recovery={"reschedule": "6 min", "standby": standby})
        result = simulate(q, 0)
        assert result.selections == selections
        assert result.time["restart"] == pytest.approx(selections * 6 * MINUTE)


def test_a_node_that_comes_back_takes_an_empty_place_on_standby():
    """Node 0 fails at 1 d and node 1 at 3 d: the one on standby has replaced node 0, who is back at
    2 d, or not yet.
    """
    for repair, selections in (("1 d", 1), ("9 d", 2)):
        causes = [lone(0, 1, repair=repair), lone(1, 3, repair="9 d")]
        fleet = pool(nodes=2, hot_spares=2, failures={"causes": causes})
        q = endless(4, fleet=fleet, recovery={"standby": 1, "reschedule": "1 min"})
        assert simulate(q, 0).selections == selections


def test_boxes_are_unpacked_one_by_one_and_only_as_many_as_are_needed():
    """Two of two nodes fail at 10 d; one hot spare; the job needs one of three boxes, 20 min each."""
    fleet = failing(2, cold=3, hot=1, lifetime="10 d", clock="computing", permanent=1)
    result = simulate(
        endless(15, fleet=fleet, recovery={"provision": "20 min", "reschedule": "5 min"}), 0
    )
    assert (result.provisioned, result.selections) == (1, 2)
    assert result.time["restart"] == pytest.approx((5 + 5 + 20) * MINUTE)
    none = failing(2, cold=3, hot=2, lifetime="10 d", clock="computing", permanent=1)
    assert simulate(endless(15, fleet=none, recovery={"provision": "20 min"}), 0).provisioned == 0


def test_once_boxes_are_unpacked_the_standby_is_filled_too():
    """One node, none on standby: of five boxes one replaces it and two more stand by; failures
    after that need none.
    """
    fleet = failing(1, cold=5, lifetime="10 d", clock="computing", permanent=1)
    q = endless(35, fleet=fleet, recovery={"provision": "20 min", "standby": 2})
    result = simulate(q, 0)
    assert sum(result.failures.values()) == 3
    assert (result.provisioned, result.selections) == (3, 2)
    assert result.time["restart"] == pytest.approx(3 * 20 * MINUTE)


def test_a_choice_puts_a_node_that_is_back_on_standby_also_without_hot_spares():
    """Node 0 is back while the box that replaces it is unpacked, and replaces node 1 at once."""
    causes = [lone(0, 1, repair="6 h"), lone(1, 2, repair="9 d")]
    fleet = pool(nodes=2, cold_spares=1, failures={"causes": causes})
    recovery = {"standby": 1, "reschedule": "1 min", "provision": "12 h"}
    assert simulate(endless(2.8, fleet=fleet, recovery=recovery), 0).selections == 2


def test_a_node_that_returns_while_boxes_are_unpacked_saves_the_next_box():
    """Two boxes for one active and one standby node; the failed node is back after 15 min and
    stands by itself.
    """
    for repair, boxes in (("15 min", 1), ("2 d", 2)):
        fleet = failing(1, cold=5, lifetime="1 d", clock="computing", repair=repair)
        q = endless(1.5, fleet=fleet, recovery={"provision": "20 min", "standby": 1})
        assert simulate(q, 0).provisioned == boxes


def test_a_box_does_not_age_before_it_is_unpacked():
    fleet = failing(1, cold=1, lifetime="10 d", permanent=1)
    result = simulate(endless(25, fleet=fleet, recovery={"provision": "1 d"}), 0)
    assert times(result) == pytest.approx([10, 21])


def test_without_any_spare_the_job_waits_for_the_node_itself():
    result = simulate(
        endless(20, fleet=failing(2, lifetime="10 d", clock="computing", repair="36 h")), 0
    )
    assert result.time["wait"] == pytest.approx(36 * HOUR)
    assert times(result, "state", "wait") == pytest.approx([10])


def test_chips_are_conserved_and_each_place_holds_its_share_of_time():
    """One of two nodes fails at 10 d, is in repair for 5 d and then cold; the spare is cold for 10
    d.
    """
    only = cause(nodes=[0.0, 0.1], lifetime="10 d", repair="5 d", clock="computing")
    result = simulate(
        endless(19, fleet=pool(nodes=2, cold_spares=1, failures={"causes": [only]})), 0
    )
    days = {place: seconds / DAY / 8 for (_, place), seconds in result.chip_seconds.items()}
    assert days == pytest.approx({"active": 38, "cold_spare": 10 + 4, "repair": 5})
    assert sum(result.counts.values()) == 24


# Nodes that the layout leaves idle
# --------------------------------------------------------------------------------------------------


def idle_fifth(**changes: Any) -> Scenario:
    """Two replicas of two nodes, and a node that the layout leaves idle."""
    fleet = {"nodes": 5, "layout": {"pipeline": 2, "tensor": 8}} | changes.pop("fleet", {})
    return bare_scenario(fleet=pool(**fleet), horizon="100 d", **changes)


@pytest.mark.parametrize(("hot", "cold"), [(0, 0), (2, 0), (0, 3), (1, 2)])
def test_every_node_that_could_be_put_to_work_is_at_hand(hot, cold):
    """Four at work, an idle one and the spares; one that has left is not."""
    scenario = idle_fifth(fleet={"hot_spares": hot, "cold_spares": cold}).resolve(0, 0)
    site = Site(simpy.Environment(), scenario, {"pool": 32}, Luck(0, 0))
    [nodes] = site.fleet.every
    assert nodes.at_hand == 5 + hot + cold
    for gone, node in enumerate([*nodes.rest, *range(4, 4 + hot), *nodes.boxed], 1):
        nodes.take_out(node)
        nodes.put(node, "repair", 0.0)
        assert nodes.at_hand == 5 + hot + cold - gone


@pytest.mark.parametrize("cold", [0, 1])
@pytest.mark.parametrize("policy", ["wait", "drop-replica"])
def test_a_healthy_idle_node_steps_in(policy, cold):
    """A19: node 0 dies for good and the job waited beside node 5 to the horizon."""
    dies = {"causes": [lone(0, 3.5 / 24 + 2, permanent=1)]}
    fleet = {"failures": dies, "cold_spares": cold}
    result = simulate(idle_fifth(fleet=fleet, recovery={"policy": policy, "restart": "10 min"}))
    assert moves_to(result, "active") == [(pytest.approx(2 + 3.5 / 24), 4 + cold)]
    # Half an hour since the last checkpoint, and the restart: the box stays closed.
    assert result.wall == pytest.approx(10 * DAY + 40 * MINUTE)
    assert (result.provisioned, result.time["wait"]) == (0, 0)


def test_an_idle_node_that_the_trace_fails_is_out_like_any_other(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text(
        "node,start_day,end_day\n"
        + "".join(f"{name},2,{end}\n" for name, end in zip("abcde", "93334", strict=True))
    )
    result = simulate(idle_fifth(fleet={"failures": {"trace": str(log), "trace_until": "100 d"}}))
    assert result.time["wait"] == pytest.approx(2 * DAY, rel=1e-3)
    assert result.wall == pytest.approx(12 * DAY, rel=1e-2)
