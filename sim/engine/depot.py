"""The depot: loose chips on a shelf, broken nodes that lack some, and what becomes of dead chips.

Chips are counted, never kept one by one. A dead chip takes its node out of service until the node
is whole again: by a chip from the shelf, or one from another broken node. The node that lacks least
is mended first, and parts come from the one that has least, so broken nodes are pooled at once. A
dead chip goes to its maker while there is support, else to the repair shop, else to scrap.

Chips on a shelf are alike and without age. A batch with a life of its own is a pool of its own, or
a share of the nodes in a pool's failure table.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable, Generator, Sequence
from heapq import heappop, heappush
from typing import Any, Protocol

import simpy

from sim.catalogue.market import RepairShop
from sim.engine.budget import bounded
from sim.engine.record import Record
from sim.engine.supply import Arrival, Policy
from sim.scenario import Scenario
from sim.scenario.stock import pool_of
from sim.streams import Luck

Process = Generator[simpy.Event, Any, None]


class NodesOfAChip(Protocol):
    """What the depot needs to know of a pool of nodes."""

    name: str
    size: int
    place: list[str]

    def complete(self, node: int) -> None: ...


class NodesAtWork(Protocol):
    """Where nodes go when they are whole again."""

    @property
    def pools(self) -> Sequence[Any]: ...
    def node_back(self, pool: Any, node: int, *, new: bool) -> None: ...


class Shelf:
    """The loose chips and the broken nodes of one pool."""

    def __init__(self, pool: NodesOfAChip, supported_until: float, luck: Luck) -> None:
        self.pool = pool
        self.supported_until = supported_until
        self.stock = 0
        self.broken: list[tuple[int, int]] = []
        """Good chips left in a node, and the node; the one that lacks least comes last."""
        self.parts = 0
        """Good chips in all broken nodes."""
        self.empty: deque[int] = deque()
        """Nodes without a chip, old and new."""
        self.coming = deque(
            node for node, place in enumerate(pool.place) if place == "absent"
        )
        self._boxed = 0
        """Chips that came in boxes not yet counted as a node."""
        self.leads = luck.uniforms(f"depot.{pool.name}.vendor")
        self.turnarounds = luck.uniforms(f"depot.{pool.name}.turnaround")
        self.successes = luck.uniforms(f"depot.{pool.name}.success")

    def take_in(self, chips: int, *, boxed: bool) -> None:
        """Chips arrive, loose or in the boxes of new nodes."""
        self.stock += chips
        if boxed:
            self._boxed += chips
        while self._boxed >= self.pool.size and self.coming:
            self._boxed -= self.pool.size
            self.empty.append(self.coming.popleft())

    def lose_a_chip(self, node: int) -> None:
        """A node is broken: one of its chips is dead."""
        good = self.pool.size - 1
        insort(self.broken, (good, node))
        self.parts += good

    def take_parts(self, chips: int) -> None:
        """Take good chips out of broken nodes, from the one that has least first."""
        self.parts -= chips
        while chips:
            good, node = self.broken.pop(0)
            taken = min(good, chips)
            chips -= taken
            if good > taken:
                insort(self.broken, (good - taken, node))
            else:
                self.empty.append(node)


class Repair:
    """A dead chip in the shop: how long it takes, whether it succeeds, and what bench it is on."""

    __slots__ = ("rest", "shelf", "success", "turnaround")

    def __init__(self, shelf: Shelf, turnaround: float, success: bool) -> None:
        self.shelf = shelf
        self.turnaround = turnaround
        self.success = success
        self.rest = 0.0
        """Seconds that its bench rests afterwards."""


def benches_of(shop: RepairShop) -> list[float]:
    """The benches of a shop, as the seconds each rests after a chip.

    As many as mend `capacity` chips when always busy. What is left of it beyond whole benches has
    one that rests, and that is taken last.
    """
    mean = shop.turnaround.mean
    benches = bounded(shop.capacity * mean + 1e-9, "depot.repair: chips on benches at once")
    left = shop.capacity - benches / mean if mean else shop.capacity
    free = [0.0] * benches
    if left > 1e-9 * shop.capacity:
        free.append(max(1 / left - mean, 0.0))
    return free


class Depot:
    """Every shelf, the repair shop they share, and what arrives."""

    def __init__(
        self,
        env: simpy.Environment,
        scenario: Scenario,
        policy: Policy,
        fleet: NodesAtWork,
        record: Record,
        luck: Luck,
    ) -> None:
        self._env = env
        self._fleet = fleet
        self._record = record
        self._spec = scenario.depot
        self.repairs = 0
        """Chips that the shop took on."""
        self._shelves: dict[str, Shelf] = {}
        for pool in fleet.pools:
            until = policy.supported_until(pool.name, scenario.fleet[pool.name].chip.name)
            self._shelves[pool.name] = Shelf(pool, until, luck)
        for name, chips in self._spec.stock.items():
            pool_name = pool_of(scenario.fleet, name, "depot.stock")
            self._shelves[pool_name].take_in(round(chips), boxed=False)
            record.supply(pool_name, "stock", round(chips))
        shop = self._spec.repair
        self._free = benches_of(shop) if shop else []
        """Idle benches, as the seconds each rests after a chip."""
        self._waiting: deque[Repair] = deque()

    def receive(self, arrivals: Sequence[Arrival]) -> Process:
        """Take in what arrives, when it arrives."""
        for arrival in arrivals:
            yield self._env.timeout(arrival.time - self._env.now)
            self._record.supply(arrival.pool, "stock", arrival.chips, self._env.now)
            shelf = self._shelves[arrival.pool]
            shelf.take_in(arrival.chips, boxed=arrival.boxed)
            self._mend(shelf)

    def chip_died(self, pool: NodesOfAChip, node: int) -> None:
        """A node, idle now, has a dead chip: send that off, and make nodes whole where it goes."""
        shelf = self._shelves[pool.name]
        self._send_off(shelf)
        shelf.lose_a_chip(node)
        self._mend(shelf)

    def node_died(self, pool: NodesOfAChip, node: int) -> None:
        """A node, idle now, is beyond repair and its chips are not.

        They go on the shelf where nodes are cannibalised.
        """
        if self._spec.cannibalise:
            shelf = self._shelves[pool.name]
            self._move(shelf, "idle", "stock", pool.size)
            shelf.stock += pool.size
            self._mend(shelf)

    def _send_off(self, shelf: Shelf) -> None:
        """Send a dead chip to whoever takes it."""
        vendor = self._spec.vendor
        shop = self._spec.repair
        # Each death draws from all, whoever takes it, so that controls and a vendor or a shop that
        # is not there leave the luck of the others alone.
        lead = shelf.leads.draw(vendor.lead) if vendor else 0.0
        turnaround = shelf.turnarounds.draw(shop.turnaround) if shop else 0.0
        success = shop is not None and shelf.successes.next() < shop.success
        if vendor and self._env.now < shelf.supported_until:
            self._move(shelf, "idle", "in_transit")
            self._after(lead, self._exchanged, shelf)
        elif shop:
            self.repairs += 1
            repair = Repair(shelf, turnaround, success)
            if self._free:
                repair.rest = heappop(self._free)
                self._move(shelf, "idle", "repair")
                self._begin(repair)
            else:
                self._move(shelf, "idle", "repair_queue")
                self._waiting.append(repair)
        else:
            self._move(shelf, "idle", "scrap")

    def _exchanged(self, sent: simpy.Event) -> None:
        """The maker has sent a new chip."""
        shelf: Any = sent.value
        self._to_shelf(shelf, "in_transit")

    def _begin(self, repair: Repair) -> None:
        """A bench begins with a chip."""
        # Callbacks in place of a process: a programme mends a chip every few hours for years.
        self._after(repair.turnaround, self._mended, repair)

    def _mended(self, done: simpy.Event) -> None:
        """The shop has mended a chip, or failed to."""
        repair: Any = done.value
        if repair.success:
            self._to_shelf(repair.shelf, "repair")
        else:
            self._move(repair.shelf, "repair", "scrap")
        if repair.rest:
            self._after(repair.rest, self._rested, repair)
        else:
            self._rested(done)

    def _rested(self, done: simpy.Event) -> None:
        """A bench is free for the chip that has waited longest, whose turn comes at once."""
        repair: Any = done.value
        if self._waiting:
            following = self._waiting.popleft()
            following.rest = repair.rest
            # As an event of its own: what else happens now comes first.
            self._after(0.0, self._called, following)
        else:
            heappush(self._free, repair.rest)

    def _called(self, turn: simpy.Event) -> None:
        """A chip that waited comes to a bench."""
        repair: Any = turn.value
        self._move(repair.shelf, "repair_queue", "repair")
        self._begin(repair)

    def _after(
        self, delay: float, what: Callable[[simpy.Event], None], about: object
    ) -> None:
        event = self._env.timeout(delay, about)
        assert event.callbacks is not None
        event.callbacks.append(what)

    def _to_shelf(self, shelf: Shelf, origin: str) -> None:
        self._move(shelf, origin, "stock")
        shelf.stock += 1
        self._mend(shelf)

    def _mend(self, shelf: Shelf) -> None:
        """Make whole nodes of what is there; when no broken one is left, fill the empty ones."""
        size = shelf.pool.size
        while shelf.broken:
            good, node = shelf.broken[-1]
            lacks = size - good
            others = shelf.parts - good if self._spec.cannibalise else 0
            if lacks > shelf.stock + others:
                return
            shelf.broken.pop()
            shelf.parts -= good
            from_stock = min(lacks, shelf.stock)
            shelf.take_parts(lacks - from_stock)
            self._complete(shelf, node, from_stock)
        while shelf.empty and shelf.stock >= size:
            node = shelf.empty.popleft()
            # One that came in a box has lives of its own; one filled with other chips is new.
            self._complete(shelf, node, size, new=shelf.pool.place[node] != "absent")

    def _complete(
        self, shelf: Shelf, node: int, from_stock: int, *, new: bool = False
    ) -> None:
        """A node is whole; one whose chips are all others is `new`."""
        if from_stock:
            self._move(shelf, "stock", "idle", from_stock)
            shelf.stock -= from_stock
        shelf.pool.complete(node)
        self._fleet.node_back(shelf.pool, node, new=new)

    def _move(self, shelf: Shelf, origin: str, place: str, chips: int = 1) -> None:
        self._record.way(shelf.pool.name, origin, place, chips).take(self._env.now)
