"""Every pool of a job: which nodes fail, which take their places, and when the failed ones come
back.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator
from typing import Any, Protocol

import simpy

from sim.engine.ageing import Ageing, Due, Failure, Queue
from sim.engine.pool import POWERED, NodePool
from sim.engine.record import Record
from sim.results.ledger import USABLE
from sim.scenario import Recovery


class Shop(Protocol):
    """Who takes care of dead chips, and of the good ones in dead nodes."""

    def chip_died(self, pool: NodePool, node: int) -> None: ...
    def node_died(self, pool: NodePool, node: int) -> None: ...


class Fleet:
    """Every pool of the job, the failures of its nodes and their way back."""

    def __init__(
        self,
        env: simpy.Environment,
        pools: list[NodePool],
        recovery: Recovery,
        pod: int,
        record: Record,
    ) -> None:
        self._env, self._record, self._recovery, self._pod = env, record, recovery, pod
        self.pools = self.every = pools
        """Those that take part in the run, and all of them."""
        self.shop: Shop | None = None
        """Who takes care of dead chips, if anybody does."""
        self._standby: int = round(recovery.standby or 0)
        self._most_strikes: float = recovery.evict_after or math.inf
        self._crews: float = round(recovery.crew) if recovery.crew else math.inf
        """Crews that have nothing to do."""
        self._broken: deque[tuple[NodePool, Failure, int]] = deque()
        """Nodes that wait for a crew."""
        self.returned: simpy.Event | None = None
        """Set by a job that waits or runs degraded; succeeds when a node comes back."""
        self.degraded = False
        """Whether the job wants fewer nodes than a whole one."""
        self.computing = 0.0
        """The job's computing clock, kept up to date by the job."""
        self.failures: dict[str, int] = {}
        self.sleeper: simpy.Process | None = None
        """The process that calls `sleep`."""
        self._until = -math.inf
        """When it will wake; long ago while it is awake."""
        self._risks: list[tuple[NodePool, Ageing]] = [
            (pool, risk) for pool in pools for risk in pool.risks
        ]
        self._powered, self._computing = Queue(), Queue()
        for rank, (_, risk) in enumerate(self._risks):
            risk.join(self._powered if risk.clock == "powered" else self._computing, rank)

    @property
    def at_hand(self) -> tuple[int, ...]:
        """Nodes per pool that work or could be put to work, as many as a whole job wants."""
        return tuple(min(pool.at_hand, pool.whole) for pool in self.pools)

    def next_failure(self, now: float, *, running: bool) -> tuple[float, Due]:
        """The next failure and its wall time, if the computing clock goes on `running` or stands."""
        powered = self._powered.next()
        if running:
            computing = self._computing.next()
            due = now + computing[0] - self.computing
            if due < powered[0]:
                return due, computing
        return powered[0], powered

    def sleep(
        self, now: float, until: float, wake: simpy.Event | None = None
    ) -> Generator[simpy.Event, Any, bool]:
        """Let time pass to `until`, or less: `wake` happens, or a node comes back that fails
        before. True if it did.
        """
        pause = self._env.timeout(max(until - now, 0.0))
        self._until = until
        try:
            yield pause if wake is None else pause | wake
        except simpy.Interrupt:
            return False
        finally:
            self._until = -math.inf
        return wake is None or pause.processed

    def fail(self, now: float, due: Due) -> tuple[NodePool, Failure, list[int]]:
        """Let a failure happen: its pool, what failed, and the active nodes it struck.

        A node with a fault that is not noticed at once, a straggler or silent corruption, stays
        where it is.
        """
        _, rank, unit = due
        pool, risk = self._risks[rank]
        failure = risk.strike(unit)
        node, cause = failure.node, failure.cause
        self.failures[cause.cause] = self.failures.get(cause.cause, 0) + 1
        self._record.event(now, "failure", pool.names[node], cause.cause)
        alone = cause.scope != "switch" and not failure.neighbours
        hits = [node] if alone else self._struck(pool, failure)
        struck = [n for n in hits if pool.place[n] == "active"]
        clock = now if risk.clock == "powered" else self.computing
        if cause.hardware and not failure.hidden:
            for hit in hits:
                own = failure
                if hit != node and cause.scope != "switch":
                    own = risk.likewise(hit, cause, clock, weak=hit in pool.bad)
                    if failure.shared_repair:
                        own.repair = failure.repair
                self.take_out(now, pool, hit, own)
        elif failure.again < math.inf and not failure.hidden:
            pool.relapses.stop(node, now)
            pool.relapses.add(node, failure.again, cause)
            if pool.place[node] in POWERED:
                pool.relapses.start(node, now)
        risk.renew(unit, clock, weak=node in pool.bad)
        return pool, failure, struck

    def take_out(self, now: float, pool: NodePool, node: int, failure: Failure) -> None:
        """Send a node to repair, or out of service if it has died or failed too often.

        A trace may tell of a node that is out already, waiting for a crew or evicted: it stays
        where it is.
        """
        place = pool.place[node]
        if place not in USABLE:
            return
        strikes = pool.strikes[node] = pool.strikes.get(node, 0) + 1
        if place == "hot_spare":
            position = pool.hot.index(node)
            pool.standby -= position < pool.standby
            del pool.hot[position]
        elif place == "cold_spare":
            (pool.cold if node in pool.cold else pool.boxed).remove(node)
        if failure.permanent:
            self._move(pool, node, "idle", now)
            if self.shop:
                (self.shop.chip_died if failure.cause.scope == "chip" else self.shop.node_died)(
                    pool, node
                )
            elif failure.cause.scope == "chip":
                self._record.move(now, pool.name, pool.names[node], "idle", "scrap", 1)
        elif strikes >= self._most_strikes + pool.inherited.get(node, 0):
            self._move(pool, node, "idle", now)
            self._record.event(now, "evicted", pool.names[node])
        elif self._crews:
            self._crews -= 1
            self._repair(pool, failure, node, now)
        else:
            self._broken.append((pool, failure, node))
            self._move(pool, node, "repair_queue", now)

    def node_back(self, pool: NodePool, node: int, *, new: bool = False) -> None:
        """A node works again; a `new` one begins all its lives anew, and with no failure behind it."""
        if new:
            pool.bad.discard(node)
            pool.inherited[node] = pool.strikes.get(node, 0)
            for risk in pool.risks:
                risk.replace(node)
        if pool.programme:
            self._move(pool, node, "research", self._env.now)
        else:
            self._spare(pool, node, self._env.now)
        if self.returned and not self.returned.triggered:
            self.returned.succeed()
        if self._powered.next()[0] < self._until:
            assert self.sleeper
            self._until = -math.inf
            self.sleeper.interrupt()

    def _spare(self, pool: NodePool, node: int, now: float) -> None:
        """Make a node a spare of a whole job: on standby if a place there is empty, hot if few are,
        else cold.
        """
        standby = pool.standby < self._standby
        if pool.active < pool.target or not (standby or len(pool.hot) < pool.hot_wanted):
            pool.cold.append(node)
            self._move(pool, node, "cold_spare", now)
            return
        pool.hot.insert(pool.standby if standby else len(pool.hot), node)
        pool.standby += standby
        self._move(pool, node, "hot_spare", now)

    def fill(self, now: float) -> tuple[bool, bool, bool]:
        """Put spares where active nodes are missing, those on standby first.

        Returns
        -------
        enough, came, complete : bool
            Whether those on standby were enough, any spare came, and every pool has the active
            nodes wanted now.
        """
        enough, came, complete = True, False, True
        for pool in self.pools:
            gap = pool.target - pool.active
            if gap > 0:
                enough = enough and gap <= (
                    len(pool.hot) if self._recovery.standby is None else pool.standby
                )
                self._fill(pool, gap, now)
                missing = pool.target - pool.active
                came, complete = came or missing < gap, complete and not missing
        return enough, came, complete

    def box(self, standby: bool) -> NodePool | None:
        """A pool that has a boxed spare, and an active node missing or (with `standby`) one on
        standby.
        """
        wanted = self._standby if standby else 0
        for pool in self.pools:
            if pool.boxed and (
                pool.active < pool.target or len(pool.hot) + len(pool.cold) < wanted
            ):
                return pool
        return None

    def unpack(self, pool: NodePool, now: float) -> None:
        """Put a boxed spare to work, or on standby."""
        if pool.boxed:
            node = pool.boxed.popleft()
            if pool.active < pool.target:
                self._move(pool, node, "active", now)
            else:
                self._spare(pool, node, now)

    def schedule(self) -> None:
        """Make hot spares, and nodes that have come back, the job's standby."""
        for pool in self.pools:
            while pool.cold and len(pool.hot) < pool.hot_wanted and pool.active >= pool.target:
                node = pool.cold.popleft()
                pool.hot.append(node)
                self._move(pool, node, "hot_spare", self._env.now)
            wanted = pool.hot_wanted if self._recovery.standby is None else self._standby
            pool.standby = min(len(pool.hot), wanted)

    def want_all(self) -> None:
        """Want the active nodes of a whole job again."""
        self.degraded = False
        for pool in self.pools:
            pool.target = pool.whole

    def shrink_to(self, nodes: tuple[int, ...]) -> None:
        """Want as many active nodes as a plan uses; those it does not need stand by as hot spares."""
        for pool, target in zip(self.pools, nodes, strict=True):
            pool.target = target
            node = len(pool.place) - 1
            while pool.active > target:
                if pool.place[node] == "active":
                    pool.hot.append(node)
                    self._move(pool, node, "hot_spare", self._env.now)
                node -= 1
        self.degraded = any(pool.target < pool.whole for pool in self.pools)

    def engage(self, nodes: dict[str, int]) -> None:
        """Call so many nodes of each pool from research to a run; only their pools take part in it."""
        self.pools = [pool for pool in self.every if nodes.get(pool.name)]
        for pool in self.pools:
            pool.whole = pool.target = nodes[pool.name]
            self._fill(pool, pool.target, self._env.now)

    def release(self) -> None:
        """The run is over: its nodes go back to research."""
        for pool in self.pools:
            for node in [
                node for node, place in enumerate(pool.place) if place in ("active", "hot_spare")
            ]:
                self._move(pool, node, "research", self._env.now)
            pool.hot.clear()
            pool.whole = pool.target = pool.standby = 0

    def _fill(self, pool: NodePool, gap: int, now: float) -> None:
        for _ in range(gap):
            if pool.hot:
                node = pool.hot.popleft()
                pool.standby = max(pool.standby - 1, 0)
            elif pool.cold:
                node = pool.cold.popleft()
            elif pool.research:
                node = pool.call()
            else:
                break
            self._move(pool, node, "active", now)

    def _struck(self, pool: NodePool, failure: Failure) -> list[int]:
        """The nodes a failure takes: one, those of a pod, or neighbours that are powered."""
        node = failure.node
        if failure.cause.scope == "switch" and self._pod > 1:
            start = node // self._pod * self._pod
            near = range(start, min(start + self._pod, len(pool.place)))
            return [n for n in near if n == node or pool.place[n] in POWERED]
        nodes = [node]
        if not failure.neighbours:
            return nodes
        for step in range(1, len(pool.place)):
            if len(nodes) > failure.neighbours:
                break
            other = (node + step) % len(pool.place)
            if pool.place[other] in POWERED:
                nodes.append(other)
        return nodes

    def _repair(self, pool: NodePool, failure: Failure, node: int, now: float) -> None:
        self._move(pool, node, "repair", now)
        done = self._env.timeout(failure.repair, (pool, failure, node))
        assert done.callbacks is not None
        done.callbacks.append(self._mended)

    def _mended(self, repair: simpy.Event) -> None:
        """A crew is through with a node, and turns to the one that has waited longest."""
        whose: Any = repair.value
        self._repaired(*whose)
        if self._broken:
            self._repair(*self._broken.popleft(), self._env.now)
        else:
            self._crews += 1

    def _repaired(self, pool: NodePool, failure: Failure, node: int) -> None:
        if failure.cured and node in pool.bad:
            pool.bad.remove(node)
            for risk in pool.risks:
                risk.cure(node)
        if failure.again < math.inf and node == failure.node:
            pool.relapses.add(node, failure.again, failure.cause)
        self.node_back(pool, node)

    def _move(self, pool: NodePool, node: int, place: str, now: float) -> None:
        pool.put(node, place, now, self.computing)
