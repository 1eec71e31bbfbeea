"""Every pool of a job: which nodes fail, who repairs them, and who takes their places."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Protocol

import simpy

from sim.engine.ageing import NEVER, Ageing, Due, Failure, Queue
from sim.engine.crews import Crews
from sim.engine.hidden import Fault
from sim.engine.phased_pool import PhasedPool, Strength
from sim.engine.pool import POWERED, NodePool
from sim.engine.progress import ComputingClock
from sim.engine.record import Record
from sim.engine.sleeper import Sleeper
from sim.results.ledger import USABLE
from sim.scenario import Recovery


class Shop(Protocol):
    """Who takes care of dead chips, and of the good ones in dead nodes."""

    def chip_died(self, pool: NodePool, node: int) -> None: ...
    def node_died(self, pool: NodePool, node: int) -> None: ...


@dataclass(slots=True)
class Strike:
    """A failure that has happened.

    Attributes
    ----------
    pool : NodePool
    failure : Failure
    nodes : list of int
        Active nodes that it struck.
    fault : Fault or None
        Where it is not noticed at once.
    """

    pool: NodePool
    failure: Failure
    nodes: list[int]
    fault: Fault | None = None


@dataclass(frozen=True)
class Staffing:
    """What is to be done so that the job has its nodes.

    Attributes
    ----------
    step : str
        ``choose``: nodes from outside the job were taken, so it is scheduled again. ``unpack``: a
        boxed spare is installed. ``start``: every pool is complete. ``short``: nothing is left.
    box : NodePool or None
        Whose spare is installed.
    """

    step: str
    box: NodePool | None = None


START = Staffing("start")
SHORT = Staffing("short")
CHOOSE = Staffing("choose")


class Fleet:
    """Every pool of the job, the failures of its nodes and their way back."""

    def __init__(
        self,
        env: simpy.Environment,
        pools: list[NodePool],
        recovery: Recovery,
        pod: int,
        clock: ComputingClock,
        record: Record,
    ) -> None:
        self._env = env
        self.every = pools
        self._by_name = {pool.name: pool for pool in pools}
        self.pools = pools
        """Those that take part in the run."""
        self._pod = pod
        self.clock = clock
        self._record = record
        self._shop: Shop | None = None
        self._most_strikes: float = recovery.evict_after or math.inf
        crews = round(recovery.crew) if recovery.crew else None
        self._crews = Crews(env, crews, self.node_back)
        self._finds: list[tuple[float, int, Fault]] = []
        """Hidden faults by the time at which they are found, and in the order they came."""
        self._faults = 0
        self.degraded = False
        """Whether the job wants fewer nodes than a whole one."""
        self.failures: dict[str, int] = {}
        """Number by cause."""
        self.sleeper = Sleeper(env)
        self._risks: list[tuple[NodePool, Ageing]] = [
            (pool, risk) for pool in pools for risk in pool.risks
        ]
        self._powered = Queue()
        self._computing = Queue()
        # Of two failures at one instant the lower rank is first, so pools keep their order.
        for rank, (_, risk) in enumerate(self._risks):
            risk.join(self._powered if risk.clock == "powered" else self._computing, rank)

    def employ(self, shop: Shop) -> None:
        """Leave dead chips to a shop."""
        self._shop = shop

    @property
    def at_hand(self) -> dict[str, int]:
        """Nodes per pool that work or could be put to work, as many as a whole job wants."""
        return {pool.name: min(pool.at_hand, pool.whole) for pool in self.pools}

    def next_failure(self, now: float, *, running: bool) -> tuple[float, Due]:
        """The next failure and its wall time, the computing clock `running` or standing."""
        powered = self._powered.next() if self._powered.heap else NEVER
        if running:
            computing = self._computing.next()
            due = now + computing[0] - self.clock.seconds
            # Powered risks win a tie: they strike spares as well as the job.
            if due < powered[0]:
                return due, computing
        return powered[0], powered

    def next_find(self) -> float:
        """When the next hidden fault is found (s)."""
        return self._finds[0][0] if self._finds else math.inf

    def find(self) -> Fault:
        """The hidden fault whose time has come."""
        return heappop(self._finds)[-1]

    def straggler_to_find(self) -> Fault | None:
        """The fault whose time has come, if it is a straggler that works for the job."""
        fault = self._finds[0][-1]
        return self.find() if not fault.silent and self.has_at_work(fault) else None

    def has_at_work(self, fault: Fault) -> bool:
        """Whether the node of a fault works for the job, and still has it."""
        pool = self._by_name[fault.pool]
        return pool.has(fault) and pool.place[fault.node] == "active"

    def reveal(self, now: float, fault: Fault) -> None:
        """A hidden fault is known: its node, if it is still in service, goes to repair."""
        pool = self._by_name[fault.pool]
        failure = fault.failure
        if not pool.has(fault):
            return
        pool.reveal(fault)
        self._record.event(now, "found", pool.name, failure.node, failure.cause.cause)
        if failure.cause.hardware:
            self.take_out(now, pool, failure.node, failure)
        else:
            self._reboot(now, pool, failure)

    def _reboot(self, now: float, pool: NodePool, failure: Failure) -> None:
        """Leave a node where it is, to fail again soon if it was not put right."""
        if failure.again < math.inf:
            node = failure.node
            pool.relapses.stop(node, now)
            pool.relapses.add(node, failure.again, failure.cause)
            if pool.place[node] in POWERED:
                pool.relapses.start(node, now)

    def at_work(self) -> list[Fault]:
        """The hidden faults of nodes that work for the job."""
        # Asked at every step of every job, most of which will never see any.
        if not self._finds:
            return []
        return [fault for pool in self.pools for fault in pool.at_work()]

    def straggling(self) -> float:
        """How much slower the slowest straggler makes every step of the job."""
        if not self._finds:
            return 1.0
        return max((fault.failure.cause.slowdown for fault in self.at_work()), default=1.0)

    @property
    def hidden(self) -> int:
        """Faults of nodes in service that nobody has found."""
        return sum(len(faults) for pool in self.every for faults in pool.hidden.values())

    def fail(self, now: float, due: Due) -> Strike:
        """Let a failure happen.

        A node with a fault that is not noticed at once stays where it is.
        """
        _, rank, node = due
        pool, risk = self._risks[rank]
        failure = risk.strike(node)
        cause = failure.cause
        self.failures[cause.cause] = self.failures.get(cause.cause, 0) + 1
        self._record.budget.spend(cause.cause, now)
        self._record.event(now, "failure", pool.name, node, cause.cause)
        # Most failures strike one node, and need no search for others.
        alone = not failure.neighbours and cause.scope != "switch"
        hits = [node] if alone else self._hits(pool, failure)
        struck = [hit for hit in hits if pool.place[hit] == "active"]
        if failure.hidden:
            return Strike(pool, failure, struck, self._hide(now, pool, failure))
        if cause.hardware:
            clock = now if risk.clock == "powered" else self.clock.seconds
            for hit in hits:
                own = failure if hit == node else self._of(pool, risk, failure, hit, clock)
                self.take_out(now, pool, hit, own)
        else:
            self._reboot(now, pool, failure)
        return Strike(pool, failure, struck)

    def _hide(self, now: float, pool: NodePool, failure: Failure) -> Fault:
        """Keep a fault that is not noticed at once."""
        fault = Fault(pool.name, failure, now + failure.detect)
        pool.hide(fault)
        self._faults += 1
        heappush(self._finds, (fault.found_at, self._faults, fault))
        return fault

    def _of(
        self, pool: NodePool, risk: Ageing, failure: Failure, hit: int, clock: float
    ) -> Failure:
        """The failure of a node that was hit as well: the neighbours of a shock have their own."""
        if failure.cause.scope == "switch":
            return failure
        own = risk.likewise(hit, failure.cause, clock)
        if failure.shared_repair:
            own.repair = failure.repair
        return own

    def take_out(self, now: float, pool: NodePool, node: int, failure: Failure) -> None:
        """Send a node to repair, or out of service if it has died or failed too often.

        A trace may tell of a node that is out already, waiting for a crew or evicted: it stays
        where it is.
        """
        if pool.place[node] not in USABLE and node not in pool.rest:
            return
        strikes = pool.strike(node)
        pool.take_out(node)
        if failure.permanent:
            pool.put(node, "idle", now)
            self._bury(now, pool, node, failure)
        elif strikes >= self._most_strikes:
            pool.put(node, "idle", now)
            self._record.event(now, "evicted", pool.name, node)
        else:
            self._crews.take(pool, failure, node)

    def _bury(self, now: float, pool: NodePool, node: int, failure: Failure) -> None:
        """A chip of a node, or the node without its chips, is beyond repair."""
        chip = failure.cause.scope == "chip"
        if self._shop and chip:
            self._shop.chip_died(pool, node)
        elif self._shop:
            self._shop.node_died(pool, node)
        elif chip:
            self._record.way(pool.name, "idle", "scrap", 1).take(now, node)

    def node_back(self, pool: NodePool, node: int, *, new: bool = False) -> None:
        """A node works again; a `new` one begins all its lives anew, no failure behind it."""
        if new:
            pool.renew(node)
        pool.come_back(node, self._env.now)
        self.sleeper.node_back(self._powered.next()[0])

    def staff(self, *, chosen: bool, unpacked: bool) -> Staffing:
        """Put spares where active nodes are missing, and say what is to be done next.

        Parameters
        ----------
        chosen : bool
            Whether the nodes were chosen anew in this recovery: once is enough.
        unpacked : bool
            Whether a boxed spare was installed in it: then places on standby are filled as well.
        """
        now = self._env.now
        complete = True
        came = False
        enough = True
        for pool in self.pools:
            missing = pool.target - pool.active
            if missing > 0:
                enough = enough and missing <= pool.at_once
                came = pool.call(missing, now) > 0 or came
                complete = complete and pool.active == pool.target
        box = self._box(standby=unpacked) if unpacked or not complete else None
        if not enough and not chosen and (box or came):
            return CHOOSE
        if box:
            return Staffing("unpack", box)
        return START if complete else SHORT

    def _box(self, *, standby: bool) -> NodePool | None:
        """A pool that has a boxed spare and misses an active node or (with `standby`) a standby."""
        for pool in self.pools:
            wanted = pool.active < pool.target or (standby and pool.lacks_standby())
            if pool.boxed and wanted:
                return pool
        return None

    def newcomers(self) -> list[tuple[NodePool, int]]:
        """The spares that have joined the job since it was asked last, by pool and node."""
        found = [(pool, node) for pool in self.pools for node in sorted(pool.newcomers)]
        self.trust_newcomers()
        return [(pool, node) for pool, node in found if pool.place[node] == "active"]

    def trust_newcomers(self) -> None:
        """The spares that have joined the job so far are nodes like any other."""
        for pool in self.pools:
            pool.newcomers.clear()

    def fill(self) -> None:
        """Put spares where active nodes are missing."""
        for pool in self.pools:
            pool.call(pool.target - pool.active, self._env.now)

    def schedule(self) -> None:
        """Make hot spares, and nodes that have come back, the job's standby."""
        for pool in self.pools:
            pool.schedule(self._env.now)

    def want_whole(self) -> None:
        """Want the active nodes of a whole job again."""
        if self.degraded:
            self.degraded = False
            for pool in self.pools:
                pool.want_whole()

    def shrink_to(self, chips: Mapping[str, int]) -> None:
        """Want the active nodes that hold some chips of each pool; the others stand by."""
        for pool in self.pools:
            pool.shrink_to(-(-chips[pool.name] // pool.size), self._env.now)
        self.degraded = any(pool.target < pool.whole for pool in self.pools)

    def enter(
        self, strengths: Mapping[str, Strength], names: Container[str], now: float
    ) -> None:
        """Have the nodes of another phase of the run, in which some of the pools take part."""
        for pool in self.every:
            assert isinstance(pool, PhasedPool)
            pool.enter(strengths[pool.name], now)
        self.take_part(names)
        self.degraded = False

    def take_part(self, names: Container[str]) -> None:
        """Let these pools train, and no others."""
        self.pools = [pool for pool in self.every if pool.name in names]

    def engage(self, nodes: Mapping[str, int]) -> None:
        """Call nodes of some pools from research to a run; only their pools take part in it."""
        self.pools = [pool for pool in self.every if nodes.get(pool.name)]
        for pool in self.pools:
            pool.engage(nodes[pool.name], self._env.now)

    def release(self) -> None:
        """The run is over: its nodes go back to research."""
        for pool in self.pools:
            pool.release(self._env.now)

    def _hits(self, pool: NodePool, failure: Failure) -> list[int]:
        """The nodes a failure takes: one, those of a pod, or neighbours that are powered."""
        node = failure.node
        place = pool.place
        if failure.cause.scope == "switch" and self._pod > 1:
            start = node // self._pod * self._pod
            pod = range(start, min(start + self._pod, len(place)))
            return [other for other in pod if other == node or place[other] in POWERED]
        # Neighbours are counted from the node on, round the end of the pool: it has no first node.
        nodes = [node]
        for step in range(1, len(place)):
            if len(nodes) > failure.neighbours:
                break
            other = (node + step) % len(place)
            if place[other] in POWERED:
                nodes.append(other)
        return nodes
