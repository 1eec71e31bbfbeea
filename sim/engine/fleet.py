"""The nodes of every pool, each in one place: active, hot spare, cold spare, idle, in repair or scrap."""

from __future__ import annotations

import math
from collections import deque

import simpy

from sim.engine.failures import Failure, Risk, risks
from sim.engine.record import Record
from sim.scenario import Pool


class NodePool:
    """Nodes of one chip type: the first are active, then come idle ones, hot and cold spares."""

    def __init__(self, index: int, name: str, spec: Pool, used_chips: int, seed: int, replication: int) -> None:
        self.index, self.name, self.spec = index, name, spec
        self.size = spec.chip.node_size
        self.wanted = math.ceil(used_chips / self.size)
        self.hot_wanted = round(spec.hot_spares)
        cold = round(spec.cold_spares)
        idle = spec.active_nodes - self.wanted
        self.place = (
            ["active"] * self.wanted + ["hot_spare"] * self.hot_wanted + ["cold_spare"] * cold + ["idle"] * idle
        )
        self.active = self.wanted
        self.hot = deque(range(self.wanted, self.wanted + self.hot_wanted))
        self.cold = deque(range(self.wanted + self.hot_wanted, self.wanted + self.hot_wanted + cold))
        nodes = len(self.place)
        self.risks = risks(name, spec.failures, nodes, self.wanted, self.hot_wanted, seed, replication)


class Fleet:
    """Every pool of the job, the failures of its nodes and their way back."""

    def __init__(self, env: simpy.Environment, pools: list[NodePool], record: Record) -> None:
        self._env, self.pools, self._record = env, pools, record
        self.returned: simpy.Event | None = None
        """Set by a job that waits; succeeds when a node comes back."""
        self._risks = [(pool, risk) for pool in pools for risk in pool.risks]
        for pool in pools:
            for place in pool.place:
                record.supply(pool.name, place, pool.size)

    @property
    def active(self) -> tuple[int, ...]:
        """Active nodes per pool."""
        return tuple(pool.active for pool in self.pools)

    def next_failure(self, computing: float, *, running: bool) -> tuple[float, NodePool | None, Risk | None]:
        """Wall time of the next failure if the computing clock, now at `computing`, goes on `running` or stands."""
        best: tuple[float, NodePool | None, Risk | None] = (math.inf, None, None)
        for pool, risk in self._risks:
            due = risk.next()[0]
            if risk.clock == "computing":
                due = self._env.now + due - computing if running else math.inf
            if due < best[0]:
                best = (due, pool, risk)
        return best

    def fail(self, pool: NodePool, risk: Risk, computing: float) -> tuple[Failure, bool]:
        """Let the next failure of `risk` happen; it, and whether it struck an active node."""
        now = self._env.now
        node = risk.next()[1]
        failure = risk.strike(node)
        was_active = pool.place[node] == "active"
        self._record.event(now, "failure", f"{pool.name}.{node}", failure.cause.cause)
        risk.renew(node, now if risk.clock == "powered" else computing)
        if failure.cause.hardware:
            self._remove(pool, failure, computing)
        return failure, was_active

    def fill(self, computing: float) -> bool:
        """Put hot and then cold spares where nodes are missing; whether the fleet is whole."""
        for pool in self.pools:
            while pool.active < pool.wanted and (pool.hot or pool.cold):
                node = pool.hot.popleft() if pool.hot else pool.cold.popleft()
                self._move(pool, node, "active", computing)
        return all(pool.active >= pool.wanted for pool in self.pools)

    def _remove(self, pool: NodePool, failure: Failure, computing: float) -> None:
        if pool.place[failure.node] == "hot_spare":
            pool.hot.remove(failure.node)
        self._move(pool, failure.node, "idle" if failure.permanent else "repair", computing)
        if failure.permanent:
            if failure.cause.scope == "chip":
                self._record.move(self._env.now, pool.name, f"{pool.name}.{failure.node}", "idle", "scrap", 1)
        else:
            back = self._env.timeout(failure.repair)
            back.callbacks.append(lambda _: self._come_back(pool, failure.node))

    def _come_back(self, pool: NodePool, node: int) -> None:
        hot = len(pool.hot) < pool.hot_wanted and pool.active == pool.wanted
        (pool.hot if hot else pool.cold).append(node)
        self._move(pool, node, "hot_spare" if hot else "cold_spare", math.nan)
        if self.returned and not self.returned.triggered:
            self.returned.succeed()

    def _move(self, pool: NodePool, node: int, place: str, computing: float) -> None:
        now, origin = self._env.now, pool.place[node]
        pool.place[node] = place
        pool.active += (place == "active") - (origin == "active")
        self._record.move(now, pool.name, f"{pool.name}.{node}", origin, place, pool.size)
        for risk in pool.risks:
            clock = now if risk.clock == "powered" else computing
            runs = place in (("active", "hot_spare") if risk.clock == "powered" else ("active",))
            (risk.start if runs else risk.stop)(node, clock)
