"""The depot: loose chips on a shelf, broken nodes that lack some, and what becomes of dead chips.

Chips are counted, never kept one by one. A dead chip takes its node out of service until the node
is whole again: by a chip from the shelf, or one from another broken node. The node that lacks least
is mended first, and parts come from the one that has least, so broken nodes are pooled at once. A
dead chip goes to its maker while there is support, else to the repair shop, else to scrap.

Chips on a shelf are alike and without age. A batch with a life of its own is a pool of its own, or
a share of the nodes in a pool's failure table.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from collections.abc import Generator, Sequence
from typing import Any, Protocol

import simpy
import simpy.resources.resource

from sim.engine.record import Record
from sim.engine.supply import Arrival, Policy
from sim.scenario import Scenario
from sim.scenario.stock import pool_of
from sim.streams import Uniforms

Process = Generator[simpy.Event, Any, None]


class Pool(Protocol):
    """What the depot needs to know of a pool of nodes."""

    name: str
    size: int
    place: list[str]


class Nodes(Protocol):
    """Where nodes go when they are whole again."""

    @property
    def pools(self) -> Sequence[Any]: ...
    def node_back(self, pool: Any, node: int, *, new: bool) -> None: ...


class Shelf:
    """The loose chips and the broken nodes of one pool."""

    def __init__(self, pool: Pool, supported_until: float, draws: Uniforms) -> None:
        self.pool, self.supported_until, self.draws = pool, supported_until, draws
        self.entity = f"{pool.name}.depot"
        self.stock = 0
        self.broken: list[tuple[int, int]] = []
        """Good chips left in a node, and the node; the one that lacks least comes last."""
        self.parts = 0
        """Good chips in all broken nodes."""
        self.empty: deque[int] = deque()
        """Nodes without a chip, old and new."""
        self.coming = deque(node for node, place in enumerate(pool.place) if place == "absent")
        self.boxed = 0
        """Chips that came in boxes not yet counted as a node."""


class Depot:
    """Every shelf, the repair shop they share, and what arrives.

    The shop has ``capacity × mean turnaround`` benches, so that it mends `capacity` chips when it
    is always busy.
    """

    def __init__(
        self,
        env: simpy.Environment,
        question: Scenario,
        policy: Policy,
        fleet: Nodes,
        record: Record,
        seed: int,
        replication: int,
    ) -> None:
        self._env, self._fleet, self._record, self._spec = env, fleet, record, question.depot
        self.repairs = 0
        self._shelves: dict[str, Shelf] = {}
        for pool in fleet.pools:
            until = policy.supported_until(pool.name, question.fleet[pool.name].chip.name)
            self._shelves[pool.name] = Shelf(
                pool, until, Uniforms(seed, replication, f"depot.{pool.name}")
            )
        for name, chips in self._spec.stock.items():
            shelf = self._shelves[pool_of(question.fleet, name, "depot.stock")]
            shelf.stock += round(chips)
            record.supply(shelf.pool.name, "stock", round(chips))
        shop = self._spec.repair
        benches = max(math.ceil(shop.capacity * shop.turnaround.mean - 1e-9), 1) if shop else 1
        self._benches = simpy.Resource(env, benches)

    def receive(self, arrivals: Sequence[Arrival]) -> Process:
        """Take in what arrives, when it arrives."""
        for arrival in arrivals:
            yield self._env.timeout(arrival.time - self._env.now)
            shelf, size = self._shelves[arrival.pool], self._shelves[arrival.pool].pool.size
            self._record.supply(arrival.pool, "stock", arrival.chips, self._env.now)
            shelf.stock += arrival.chips
            shelf.boxed += arrival.chips * arrival.boxed
            while shelf.boxed >= size and shelf.coming:
                shelf.boxed -= size
                shelf.empty.append(shelf.coming.popleft())
            self._mend(shelf)

    def chip_died(self, pool: Pool, node: int) -> None:
        """A node, idle now, has a dead chip: send the chip off, and make the node or others whole
        as far as it goes.
        """
        shelf = self._shelves[pool.name]
        self._send_off(shelf)
        insort(shelf.broken, (pool.size - 1, node))
        shelf.parts += pool.size - 1
        self._mend(shelf)

    def node_died(self, pool: Pool, node: int) -> None:
        """A node, idle now, is beyond repair, its chips are not: they go on the shelf where nodes
        are cannibalised.
        """
        if self._spec.cannibalise:
            shelf = self._shelves[pool.name]
            self._move(shelf, "idle", "stock", pool.size)
            shelf.stock += pool.size
            self._mend(shelf)

    def _send_off(self, shelf: Shelf) -> None:
        """Every death takes as many draws, so that policy and shop leave those of later deaths
        alone.
        """
        vendor, shop = self._spec.vendor, self._spec.repair
        lead = (
            vendor.lead.one(*(shelf.draws.next() for _ in range(vendor.lead.dims)))
            if vendor
            else 0.0
        )
        turnaround = (
            shop.turnaround.one(*(shelf.draws.next() for _ in range(shop.turnaround.dims)))
            if shop
            else 0.0
        )
        success = shop is not None and shelf.draws.next() < shop.success
        if vendor and self._env.now < shelf.supported_until:
            self._move(shelf, "idle", "in_transit")
            self._env.process(self._exchange(shelf, lead))
        elif shop:
            self.repairs += 1
            bench = self._benches.request()
            self._move(shelf, "idle", "repair" if bench.triggered else "repair_queue")
            self._env.process(
                self._repair(shelf, bench, turnaround, success, waits=not bench.triggered)
            )
        else:
            self._move(shelf, "idle", "scrap")

    def _exchange(self, shelf: Shelf, lead: float) -> Process:
        yield self._env.timeout(lead)
        self._to_shelf(shelf, "in_transit")

    def _repair(
        self,
        shelf: Shelf,
        bench: simpy.resources.resource.Request,
        turnaround: float,
        success: bool,
        *,
        waits: bool,
    ) -> Process:
        with bench:
            yield bench
            if waits:
                self._move(shelf, "repair_queue", "repair")
            yield self._env.timeout(turnaround)
        if success:
            self._to_shelf(shelf, "repair")
        else:
            self._move(shelf, "repair", "scrap")

    def _to_shelf(self, shelf: Shelf, origin: str) -> None:
        self._move(shelf, origin, "stock")
        shelf.stock += 1
        self._mend(shelf)

    def _mend(self, shelf: Shelf) -> None:
        """Make whole nodes of what is there; when no broken node is left, fill the empty ones."""
        size, broken = shelf.pool.size, shelf.broken
        while broken:
            good, node = broken[-1]
            others = shelf.parts - good if self._spec.cannibalise else 0
            if size - good > shelf.stock + others:
                return
            broken.pop()
            shelf.parts -= good
            from_stock = min(size - good, shelf.stock)
            self._cannibalise(shelf, size - good - from_stock)
            self._complete(shelf, node, from_stock)
        while shelf.empty and shelf.stock >= size:
            node = shelf.empty.popleft()
            self._complete(shelf, node, size, new=shelf.pool.place[node] != "absent")

    def _cannibalise(self, shelf: Shelf, chips: int) -> None:
        shelf.parts -= chips
        while chips:
            good, node = shelf.broken.pop(0)
            taken = min(good, chips)
            chips -= taken
            if good > taken:
                insort(shelf.broken, (good - taken, node))
            else:
                shelf.empty.append(node)

    def _complete(self, shelf: Shelf, node: int, from_stock: int, *, new: bool = False) -> None:
        """A node is whole; one whose chips are all others is `new`, and one that came in a box has
        lives of its own.
        """
        if from_stock:
            self._move(shelf, "stock", "idle", from_stock)
            shelf.stock -= from_stock
        shelf.pool.place[node] = "idle"
        self._fleet.node_back(shelf.pool, node, new=new)

    def _move(self, shelf: Shelf, origin: str, destination: str, chips: int = 1) -> None:
        self._record.move(self._env.now, shelf.pool.name, shelf.entity, origin, destination, chips)
