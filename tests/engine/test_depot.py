"""The depot against a fleet that only writes down which nodes come back."""

from __future__ import annotations

from typing import Any

import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.engine.depot import Depot
from sim.engine.record import Record
from sim.engine.supply import DAY, Arrival, Policy
from sim.results.ledger import PLACES
from sim.scenario.reading import merge
from sim.streams import Luck
from tests.engine.bare import bare_scenario, pool

SIZE = 8


class Nodes:
    """A pool of nodes that are active or idle, and the day on which each came back."""

    def __init__(self, env: simpy.Environment, record: Record, nodes: int, coming: int) -> None:
        self.env, self.record = env, record
        self.name, self.size = "pool", SIZE
        self.place = ["active"] * nodes + ["absent"] * coming
        self.pools = [self]
        self.back: list[tuple[float, int]] = []
        self.new: list[int] = []
        record.supply("pool", "active", nodes * SIZE)

    def complete(self, node: int) -> None:
        self.place[node] = "idle"

    def node_back(self, pool: Any, node: int, *, new: bool) -> None:
        assert pool.place[node] == "idle"
        self.move(node, "idle", "active")
        self.back.append((self.env.now / DAY, node))
        self.new += [node] * new

    def die(self, depot: Depot, node: int) -> None:
        self.move(node, "active", "idle")
        depot.chip_died(self, node)

    def move(self, node: int, origin: str, place: str) -> None:
        self.place[node] = place
        self.record.way("pool", origin, place, SIZE).take(self.env.now, node)


class World:
    """A depot, its fleet and its record."""

    def __init__(
        self, nodes: int = 4, coming: int = 0, policy: dict | None = None, **depot: Any
    ) -> None:
        self.env, self.record = simpy.Environment(), Record()
        asked = bare_scenario(
            start="2023-01-01", fleet=pool(nodes=nodes), depot=depot, policy=policy or {}
        )
        self.nodes = Nodes(self.env, self.record, nodes, coming)
        self.depot = Depot(
            self.env, asked, Policy(asked.policy, asked.start), self.nodes, self.record, Luck(1, 0)
        )

    def die(self, node: int, day: float = 0.0) -> None:
        self.env.process(self._die(node, day))

    def _die(self, node: int, day: float):
        yield self.env.timeout(day * DAY)
        self.nodes.die(self.depot, node)

    def run(self, days: float) -> dict[str, int]:
        self.env.run(until=days * DAY)
        return {place: n for (_, place), n in self.record.chips.items() if n}


def shop(turnaround: Any = "10 d", per_day: float = 1.0, **more: Any) -> dict[str, Any]:
    return {"capacity": f"{per_day} per day", "turnaround": turnaround, "cost": "2000 USD"} | more


def test_a_chip_from_the_shelf_makes_a_node_whole_at_once():
    world = World(stock={"pool": 1})
    world.die(2, day=3)
    assert world.run(4) == {"active": 32, "scrap": 1}
    assert world.nodes.back == [(3.0, 2)]


def test_without_a_chip_seven_good_ones_stand_idle():
    world = World()
    world.die(0)
    assert world.run(1) == {"active": 24, "idle": 7, "scrap": 1}
    assert world.nodes.back == []


def test_two_broken_nodes_make_one_whole():
    world = World(cannibalise=True)
    world.die(0, 1)
    world.die(3, 2)
    assert world.run(3) == {"active": 24, "idle": 6, "scrap": 2}
    assert world.nodes.back == [(2.0, 3)]


def test_a_node_that_was_emptied_and_is_filled_again_is_new_and_no_other():
    world = World(coming=1, cannibalise=True)
    for node in (0, *[1] * 7):  # chip after chip of node 0 goes into node 1
        world.die(node)
    assert world.run(1) == {"active": 24, "scrap": 8}
    world.env.process(world.depot.receive([Arrival(5 * DAY, "pool", 16, True)]))
    assert world.run(6) == {"active": 32 + 8, "scrap": 8}
    assert world.nodes.back[-2:] == [(5.0, 0), (5.0, 4)]
    assert world.nodes.new == [0]


def test_broken_nodes_are_pooled_so_that_a_dead_chip_in_eight_costs_a_node():
    world = World(nodes=4, cannibalise=True)
    for death in range(1, 26):
        node = world.nodes.place.index("active")
        world.die(node, day=0.5)
        counts = world.run(death)
        assert counts.get("active", 0) == SIZE * ((4 * SIZE - death) // SIZE)
        assert counts.get("idle", 0) == 4 * SIZE - death - counts.get("active", 0)


def test_a_mended_chip_comes_back_to_the_shelf_and_one_that_is_not_is_scrapped():
    mended = World(repair=shop(success=1))
    mended.die(0)
    assert mended.run(9) == {"active": 24, "idle": 7, "repair": 1}
    assert mended.run(11) == {"active": 32}
    lost = World(repair=shop(success=0))
    lost.die(0)
    assert lost.run(11) == {"active": 24, "idle": 7, "scrap": 1}
    assert lost.depot.repairs == 1


def test_a_shop_of_one_bench_takes_one_chip_after_another():
    world = World(repair=shop("10 d", per_day=0.1))
    world.die(0)
    world.die(1)
    assert world.run(5) == {"active": 16, "idle": 14, "repair": 1, "repair_queue": 1}
    world.run(30)
    assert [day for day, _ in world.nodes.back] == [10.0, 20.0]


def test_benches_let_the_capacity_through_when_all_are_busy():
    world = World(nodes=40, repair=shop("10 d", per_day=0.5))
    for node in range(40):
        world.die(node)
    world.run(100.5)
    assert len(world.nodes.back) == 40
    assert [day for day, _ in world.nodes.back[:11]] == [10.0] * 5 + [20.0] * 5 + [30.0]


@pytest.mark.parametrize("per_month", [0.5, 1, 4.2, 6, 12, 17.5])
@pytest.mark.parametrize("turnaround", ["0 s", "7 d", {"exponential": {"mean": "7 d"}}])
def test_a_shop_that_is_always_busy_mends_its_capacity_and_no_more(per_month, turnaround):
    """A12: benches were rounded up, so a capacity of 1, 6 and 12 a month mended 4.3, 8.7 and 13."""
    years = 20
    due = round(per_month * 12 * years)
    world = World(nodes=due + 100, repair=shop(turnaround, per_month * 12 / 365.25))
    for node in range(due + 100):
        world.die(node)
    world.run(years * 365.25)
    in_work = per_month * 12 / 365.25 * 7 + 1
    # Busy benches end their work as a renewal process does: exponential times make it Poisson.
    luck = 4 * due**0.5 if isinstance(turnaround, dict) else 0.0
    assert len(world.nodes.back) == pytest.approx(due, abs=in_work + luck)


def test_chips_that_come_no_faster_than_the_capacity_take_their_turnaround_only():
    world = World(nodes=40, repair=shop("10 d", per_day=0.3))
    for node in range(40):
        world.die(node, day=4.0 * node)
    world.run(400)
    assert [day for day, _ in world.nodes.back] == pytest.approx([4.0 * k + 10 for k in range(40)])


def test_the_maker_replaces_chips_until_its_support_ends():
    events = {"end": {"date": "2023-02-01", "ends_support": ["A100-SXM-80"]}}
    world = World(policy=events, vendor={"lead": "20 d"}, repair=shop("5 d"))
    world.die(0, 10)
    world.die(1, 40)
    assert world.run(15) == {"active": 24, "idle": 7, "in_transit": 1}
    assert world.run(41) == {"active": 24, "idle": 7, "repair": 1}
    assert world.nodes.back == [(30.0, 0)]


def test_boxed_chips_mend_broken_nodes_first_and_then_make_new_ones():
    world = World(coming=2, cannibalise=True)
    world.die(0)
    world.env.process(world.depot.receive([Arrival(5 * DAY, "pool", 16, True)]))
    assert world.run(6) == {"active": 32 + 8, "stock": 7, "scrap": 1}
    assert world.nodes.back == [(5.0, 0), (5.0, 4)]


def test_loose_chips_make_no_new_node():
    world = World(coming=1)
    world.env.process(world.depot.receive([Arrival(5 * DAY, "pool", 16, False)]))
    assert world.run(6) == {"active": 32, "stock": 16}


def test_support_changes_nothing_in_the_luck_of_later_repairs():
    """The k-th death draws the k-th turnaround, whoever takes care of the deaths before it."""
    turnaround = {"exponential": {"mean": "10 d"}}
    ends = {"end": {"date": "2023-01-20", "ends_support": ["A100-SXM-80"]}}
    plain = World(
        repair=shop(turnaround, per_day=10),
        vendor={"lead": "1 d"},
        policy={"e": {"date": "2022-01-01", "ends_support": ["A100-SXM-80"]}},
    )
    late = World(repair=shop(turnaround, per_day=10), vendor={"lead": "1 d"}, policy=ends)
    for world in (plain, late):
        world.die(0, 10)
        world.die(1, 30)
        world.run(500)
    assert (
        dict((n, d) for d, n in plain.nodes.back)[1] == dict((n, d) for d, n in late.nodes.back)[1]
    )


deaths = st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0.25, 0.5, 1.0, 7.0])), max_size=40)
settings_of = st.fixed_dictionaries(
    {
        "cannibalise": st.booleans(),
        "stock": st.sampled_from([{}, {"pool": 3}, {"A100-SXM-80": 20}]),
        "repair": st.sampled_from(
            [None, shop("3 d", 0.2, success=0.5), shop({"exponential": {"mean": "2 d"}}, 5)]
        ),
        "vendor": st.sampled_from([None, {"lead": "4 d"}]),
    }
)


@settings(max_examples=100)
@given(deaths, settings_of, st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=4))
def test_chips_are_conserved_at_every_moment(deaths, depot, coming):
    boxed = sum(n for n, box in coming if box)
    world = World(
        nodes=6,
        coming=boxed // SIZE,
        policy={"e": {"date": "2023-01-10", "ends_support": ["pool"]}},
        **depot,
    )
    world.env.process(
        world.depot.receive(
            [Arrival(3 * DAY * k, "pool", n, box) for k, (n, box) in enumerate(coming)]
        )
    )
    supplied, day = 6 * SIZE + world.record.chips.get(("pool", "stock"), 0), 0.0
    for node, wait in deaths:
        day += wait
        world.run(day)
        if world.nodes.place[node] == "active":
            world.nodes.die(world.depot, node)
        here = supplied + sum(n for k, (n, _) in enumerate(coming) if 3 * k < day)
        counts = world.record.chips
        assert sum(counts.values()) == here
        assert all(n >= 0 for n in counts.values()) and {place for _, place in counts} <= set(
            PLACES
        )
        shelf = world.depot._shelves["pool"]
        assert (
            counts.get(("pool", "idle"), 0) == shelf.parts == sum(good for good, _ in shelf.broken)
        )
        assert counts.get(("pool", "stock"), 0) == shelf.stock
        assert counts["pool", "active"] == SIZE * world.nodes.place.count("active")
    world.record.time["wait"] = world.env.now
    world.record.close(world.env.now)


def test_the_ledger_counts_chips_from_their_arrival_on():
    world = World()
    world.env.process(world.depot.receive([Arrival(5 * DAY, "pool", 16, False)]))
    world.run(20)
    assert sum(world.record.chip_seconds(20 * DAY).values()) == pytest.approx(
        (32 * 20 + 16 * 15) * DAY
    )


def test_a_scenario_names_pools_by_chip_where_that_is_clear():
    two = {"other": merge({"chip": "A100-SXM-80", "nodes": 4, "stack": "megatron-lm"}, {})}
    with pytest.raises(Exception, match="A100-SXM-80 are in pool and other; name the pool"):
        bare_scenario(fleet={**pool(), **two}, depot={"stock": {"A100-SXM-80": 1}})
