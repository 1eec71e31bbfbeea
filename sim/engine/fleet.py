"""The nodes of every pool, each in one place: active, hot spare, cold spare, idle or in repair."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

import simpy

from sim.catalogue.kinds import BadNodes, Cause, FailureTable
from sim.engine.failures import Clock, Failure, Relapses, risks
from sim.engine.record import Record
from sim.engine.replay import Replay
from sim.scenario import Pool, Recovery
from sim.streams import stream


class Ageing(Protocol):
    """What a pool asks of its risks: drawn lives, relapses or a trace."""

    clock: Clock

    def next(self) -> tuple[float, int]: ...
    def node_of(self, unit: int) -> int: ...
    def strike(self, unit: int) -> Failure: ...
    def likewise(self, node: int, cause: Cause, clock: float, *, weak: bool) -> Failure: ...
    def renew(self, unit: int, clock: float, *, weak: bool) -> None: ...
    def replace(self, node: int, *, weak: bool) -> None: ...
    def cure(self, node: int) -> None: ...
    def start(self, node: int, clock: float) -> None: ...
    def stop(self, node: int, clock: float) -> None: ...


class Shop(Protocol):
    """Who takes care of dead chips."""

    def chip_died(self, pool: NodePool, node: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Gap:
    """What it takes to fill the gaps of a fleet."""

    rescheduled: bool = False
    """Whether the standby nodes did not suffice."""
    boxed: int = 0
    """Cold spares installed."""


POWERED = frozenset({"active", "hot_spare", "research"})


class NodePool:
    """Nodes of one chip type: first the active ones, then hot spares, cold spares and those no layout needs.

    In a programme (`used_chips` None) all do research until a run calls them, and so does a node that comes back. The
    last `coming` nodes are absent until their chips arrive.
    """

    def __init__(
        self,
        name: str,
        spec: Pool,
        used_chips: int | None,
        table: FailureTable,
        seed: int,
        replication: int,
        horizon: float,
        coming: int = 0,
    ) -> None:
        self.name, self.spec = name, spec
        self.size = spec.chip.node_size
        self.programme = used_chips is None
        self.whole = math.ceil((used_chips or 0) / self.size)
        """Active nodes of a whole job."""
        self.target = self.whole
        """Active nodes wanted now: fewer while the job runs degraded."""
        self.hot_wanted = 0 if self.programme else round(spec.hot_spares)
        cold, rest = round(spec.cold_spares), spec.active_nodes - self.whole
        self.research = rest + round(spec.hot_spares) if self.programme else 0
        """Nodes that do research and can be called."""
        self.place = ["active"] * self.whole + ["hot_spare"] * self.hot_wanted + ["research"] * self.research
        self.place += ["cold_spare"] * cold + ["idle"] * (0 if self.programme else rest) + ["absent"] * coming
        powered = self.whole + self.hot_wanted + self.research
        self.active = self.whole
        self.hot = deque(range(self.whole, powered))
        self.cold: deque[int] = deque()
        """Nodes that have come back; they need no unpacking."""
        self.boxed = deque(range(powered, powered + cold))
        self.standby = 0
        """Hot spares, at the head of their queue, that are part of the job."""
        self.strikes: dict[int, int] = {}
        self.bad = _bad_nodes(name, table.bad_nodes, len(self.place), seed, replication)
        drawn = risks(name, table, len(self.place), self.size, seed, replication)
        for risk in drawn:
            risk.begin(powered if risk.clock == "powered" else self.whole, self.bad, horizon)
        self.relapses = Relapses(f"relapses.{name}", table.bad_nodes, seed, replication)
        again = [self.relapses] if any(cause.refail for cause in table.causes) else []
        self.risks: list[Ageing] = [*drawn, *again, *([Replay(table.trace, len(self.place))] if table.trace else [])]

    @property
    def at_hand(self) -> int:
        """Nodes that work or could be put to work now."""
        return self.active + len(self.hot) + len(self.cold) + self.research + len(self.boxed)


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
        self._crew = simpy.Resource(env, round(recovery.crew)) if recovery.crew else None
        self.returned: simpy.Event | None = None
        """Set by a job that waits or runs degraded; succeeds when a node comes back."""
        self.computing = 0.0
        """The job's computing clock, kept up to date by the job."""
        self.failures: dict[str, int] = {}
        self._risks = [(pool, risk) for pool in pools for risk in pool.risks]
        for pool in pools:
            for place in dict.fromkeys(place for place in pool.place if place != "absent"):
                record.supply(pool.name, place, pool.size * pool.place.count(place))

    @property
    def active(self) -> tuple[int, ...]:
        """Active nodes per pool."""
        return tuple(pool.active for pool in self.pools)

    @property
    def at_hand(self) -> tuple[int, ...]:
        """Nodes per pool that work or could be put to work, as many as a whole job wants."""
        return tuple(min(pool.at_hand, pool.whole) for pool in self.pools)

    @property
    def complete(self) -> bool:
        """Whether every pool has the active nodes wanted now."""
        return all(pool.active >= pool.target for pool in self.pools)

    @property
    def degraded(self) -> bool:
        """Whether the job runs with fewer nodes than a whole one."""
        return any(pool.target < pool.whole for pool in self.pools)

    def next_failure(self, *, running: bool) -> tuple[float, NodePool | None, Ageing | None]:
        """Wall time of the next failure if the computing clock goes on `running` or stands."""
        best: tuple[float, NodePool | None, Ageing | None] = (math.inf, None, None)
        for pool, risk in self._risks:
            due = risk.next()[0]
            if risk.clock == "computing":
                due = self._env.now + due - self.computing if running else math.inf
            if due < best[0]:
                best = (due, pool, risk)
        return best

    def fail(self, pool: NodePool, risk: Ageing) -> tuple[Failure, list[int]]:
        """Let the next failure of `risk` happen; it, and the active nodes it struck.

        A node with a fault that is not noticed at once, a straggler or silent corruption, stays where it is.
        """
        now, unit = self._env.now, risk.next()[1]
        node = risk.node_of(unit)
        failure = risk.strike(unit)
        cause = failure.cause
        self.failures[cause.cause] = self.failures.get(cause.cause, 0) + 1
        self._record.event(now, "failure", f"{pool.name}.{node}", cause.cause)
        struck = [n for n in self._struck(pool, failure) if pool.place[n] == "active"]
        clock = now if risk.clock == "powered" else self.computing
        risk.renew(unit, clock, weak=node in pool.bad)
        if cause.silent or cause.slowdown > 1:
            return failure, struck
        if cause.hardware:
            for hit in self._struck(pool, failure):
                alike = hit == node or failure.shared_repair or cause.scope == "switch"
                self.take_out(pool, hit, failure if alike else risk.likewise(hit, cause, clock, weak=hit in pool.bad))
        elif failure.again < math.inf:
            pool.relapses.add(node, failure.again, cause)
            if pool.place[node] in POWERED:
                pool.relapses.start(node, now)
        return failure, struck

    def take_out(self, pool: NodePool, node: int, failure: Failure) -> None:
        """Send a node to repair, or out of service if it has died or failed too often."""
        strikes = pool.strikes[node] = pool.strikes.get(node, 0) + 1
        evicted = self._recovery.evict_after is not None and strikes >= self._recovery.evict_after
        if pool.place[node] == "hot_spare":
            position = pool.hot.index(node)
            pool.standby -= position < pool.standby
            del pool.hot[position]
        elif pool.place[node] == "cold_spare":
            (pool.cold if node in pool.cold else pool.boxed).remove(node)
        if failure.permanent:
            self._move(pool, node, "idle")
            if failure.cause.scope == "chip" and self.shop:
                self.shop.chip_died(pool, node)
            elif failure.cause.scope == "chip":
                self._record.move(self._env.now, pool.name, f"{pool.name}.{node}", "idle", "scrap", 1)
        elif evicted:
            self._move(pool, node, "idle")
            self._record.event(self._env.now, "evicted", f"{pool.name}.{node}")
        else:
            self._repair(pool, failure, node)

    def node_back(self, pool: NodePool, node: int, *, new: bool = False) -> None:
        """A node works again; a `new` one has begun all its lives anew."""
        if new:
            pool.bad.discard(node)
            for risk in pool.risks:
                risk.replace(node, weak=False)
        if pool.programme:
            self._move(pool, node, "research")
        else:
            hot = len(pool.hot) < pool.hot_wanted and pool.active >= pool.target
            (pool.hot if hot else pool.cold).append(node)
            self._move(pool, node, "hot_spare" if hot else "cold_spare")
        if self.returned and not self.returned.triggered:
            self.returned.succeed()

    def fill(self) -> Gap:
        """Put spares where active nodes are missing: standby ones, else nodes chosen anew, boxed ones last."""
        standby = self._recovery.standby
        missing = [pool.target - pool.active for pool in self.pools]
        enough = all(
            gap <= (len(pool.hot) if standby is None else pool.standby)
            for pool, gap in zip(self.pools, missing, strict=True)
        )
        before = self.active
        boxed = sum(self._fill(pool, gap) for pool, gap in zip(self.pools, missing, strict=True) if gap > 0)
        if enough or self.active == before:
            return Gap()
        self.schedule()
        return Gap(rescheduled=True, boxed=boxed)

    def schedule(self) -> None:
        """Make hot spares, and nodes that have come back, the job's standby."""
        for pool in self.pools:
            while pool.cold and len(pool.hot) < pool.hot_wanted and pool.active >= pool.target:
                node = pool.cold.popleft()
                pool.hot.append(node)
                self._move(pool, node, "hot_spare")
            wanted = pool.hot_wanted if self._recovery.standby is None else round(self._recovery.standby)
            pool.standby = min(len(pool.hot), wanted)

    def shrink_to(self, nodes: tuple[int, ...]) -> None:
        """Want as many active nodes as a plan uses; those it does not need stand by as hot spares."""
        for pool, target in zip(self.pools, nodes, strict=True):
            pool.target = target
            node = len(pool.place) - 1
            while pool.active > target:
                if pool.place[node] == "active":
                    pool.hot.append(node)
                    self._move(pool, node, "hot_spare")
                node -= 1

    def engage(self, nodes: dict[str, int]) -> None:
        """Call so many nodes of each pool from research to a run; only their pools take part in it."""
        self.pools = [pool for pool in self.every if nodes.get(pool.name)]
        for pool in self.pools:
            pool.whole = pool.target = nodes[pool.name]
            self._fill(pool, pool.target)

    def release(self) -> None:
        """The run is over: its nodes go back to research."""
        for pool in self.pools:
            for node in [node for node, place in enumerate(pool.place) if place in ("active", "hot_spare")]:
                self._move(pool, node, "research")
            pool.hot.clear()
            pool.whole = pool.target = pool.standby = 0

    def _fill(self, pool: NodePool, gap: int) -> int:
        boxed = 0
        for _ in range(gap):
            if pool.hot:
                node = pool.hot.popleft()
                pool.standby = max(pool.standby - 1, 0)
            elif pool.cold:
                node = pool.cold.popleft()
            elif pool.research:
                node = pool.place.index("research")
            elif pool.boxed:
                node, boxed = pool.boxed.popleft(), boxed + 1
            else:
                break
            self._move(pool, node, "active")
        return boxed

    def _struck(self, pool: NodePool, failure: Failure) -> list[int]:
        """The nodes a failure takes: one, those of a pod, or neighbours that are powered."""
        node = failure.node
        if failure.cause.scope == "switch" and self._pod > 1:
            start = node // self._pod * self._pod
            near = range(start, min(start + self._pod, len(pool.place)))
            return [n for n in near if n == node or pool.place[n] in POWERED]
        nodes = [node]
        for step in range(1, len(pool.place)):
            if len(nodes) > failure.neighbours:
                break
            other = (node + step) % len(pool.place)
            if pool.place[other] in POWERED:
                nodes.append(other)
        return nodes

    def _repair(self, pool: NodePool, failure: Failure, node: int) -> None:
        self._move(pool, node, "repair" if self._crew is None else "repair_queue")
        if self._crew is not None:
            self._env.process(self._in_turn(self._crew, pool, failure, node))
            return
        done = self._env.timeout(failure.repair)
        assert done.callbacks is not None
        done.callbacks.append(lambda _: self._repaired(pool, failure, node))

    def _in_turn(
        self, crew: simpy.Resource, pool: NodePool, failure: Failure, node: int
    ) -> Generator[simpy.Event, Any, None]:
        with crew.request() as turn:
            yield turn
            self._move(pool, node, "repair")
            yield self._env.timeout(failure.repair)
        self._repaired(pool, failure, node)

    def _repaired(self, pool: NodePool, failure: Failure, node: int) -> None:
        if failure.cured and node in pool.bad:
            pool.bad.remove(node)
            for risk in pool.risks:
                risk.cure(node)
        if failure.again < math.inf and node == failure.node:
            pool.relapses.add(node, failure.again, failure.cause)
        self.node_back(pool, node)

    def _move(self, pool: NodePool, node: int, place: str) -> None:
        now, origin = self._env.now, pool.place[node]
        pool.place[node] = place
        pool.active += (place == "active") - (origin == "active")
        pool.research += (place == "research") - (origin == "research")
        self._record.move(now, pool.name, f"{pool.name}.{node}", origin, place, pool.size)
        for risk in pool.risks:
            powered = risk.clock == "powered"
            runs = place in POWERED if powered else place == "active"
            (risk.start if runs else risk.stop)(node, now if powered else self.computing)


def _bad_nodes(name: str, bad: BadNodes | None, nodes: int, seed: int, replication: int) -> set[int]:
    """A random part of the nodes, of just the share given."""
    if bad is None:
        return set()
    order = stream(seed, replication, f"bad.{name}").permutation(nodes)
    return set(order[: round(bad.share * nodes)].tolist())
