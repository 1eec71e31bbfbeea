"""When each node fails next, and of what: every node has its own age, and one node's failure leaves all others alone.

Causes with a constant rate need no age of their own: those on one clock are drawn together, and which of them struck
is drawn at the failure (competing exponential risks). Any other lifetime is kept per node and cause. The k-th lives of
all nodes of a pool are drawn in one call from a stream of their own, so they do not depend on what happened before.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import accumulate
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sim.catalogue.kinds import Cause, FailureTable
from sim.distributions import Constant, Weibull
from sim.streams import stream

Clock = Literal["powered", "computing"]

PER_1000_NODE_DAYS = 1 / (1000 * 86400.0)
LIFE, CAUSE, PERMANENT, DETECT, REPAIR = range(5)
"""Columns of the uniforms that describe one failure; repair may need several."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as it strikes: the node, the cause, and the times drawn for it (seconds)."""

    node: int
    cause: Cause
    detect: float
    repair: float
    permanent: bool


class Risk:
    """One lifetime per node: a single ageing cause, or all causes of constant rate on one clock together."""

    def __init__(self, name: str, causes: list[Cause], nodes: int, powered: int, seed: int, replication: int) -> None:
        self.clock: Clock = causes[0].clock
        self._causes = causes
        self._name, self._nodes, self._seed, self._replication = name, nodes, seed, replication
        rates = [_rate(cause) for cause in causes]
        self._edges = list(accumulate(rates))
        self._lifetime = Weibull(1.0, 1 / sum(rates)) if sum(rates) else causes[0].lifetime or Constant(np.inf)
        repairs = [cause.repair.dims for cause in causes if cause.repair]
        self._columns = REPAIR + max(repairs, default=0)
        self._uniforms: list[NDArray[np.float64]] = []
        self._life: dict[int, int] = {}
        self._left: dict[int, float] = {}
        first = self._lifetime.draw(self._draws(0)[:, LIFE : LIFE + 1])
        self._due: dict[int, float] = dict(enumerate(first[:powered].tolist()))
        self._left = dict(enumerate(first[powered:].tolist(), powered))
        self._heap = [(due, node) for node, due in self._due.items()]
        heapify(self._heap)

    def next(self) -> tuple[float, int]:
        """Time on the clock and node of the next failure."""
        heap, due = self._heap, self._due
        while heap and due.get(heap[0][1]) != heap[0][0]:
            heappop(heap)
        return heap[0] if heap else (np.inf, -1)

    def strike(self, node: int) -> Failure:
        """The failure that `node` now has."""
        u = self._draws(self._life.get(node, 0))[node]
        causes = self._causes
        cause = causes[bisect(self._edges, u[CAUSE] * self._edges[-1], hi=len(causes) - 1)] if causes[1:] else causes[0]
        repair = float(cause.repair.draw(u[REPAIR : REPAIR + cause.repair.dims])) if cause.repair else 0.0
        detect = float(cause.detect.draw(u[DETECT : DETECT + 1]))
        return Failure(node, cause, detect, repair, bool(u[PERMANENT] < cause.permanent))

    def renew(self, node: int, clock: float) -> None:
        """Begin the next life of `node`; a stopped clock keeps it for later."""
        self._life[node] = self._life.get(node, 0) + 1
        uniforms = self._draws(self._life[node])[node, LIFE : LIFE + 1]
        life = float(self._lifetime.draw(uniforms))
        if node in self._due:
            self._run(node, clock + life)
        else:
            self._left[node] = life

    def start(self, node: int, clock: float) -> None:
        """The node's age begins to run."""
        if node in self._left:
            self._run(node, clock + self._left.pop(node))

    def stop(self, node: int, clock: float) -> None:
        """The node's age stands still."""
        if node in self._due:
            self._left[node] = self._due.pop(node) - clock

    def _run(self, node: int, due: float) -> None:
        self._due[node] = due
        heappush(self._heap, (due, node))

    def _draws(self, life: int) -> NDArray[np.float64]:
        while len(self._uniforms) <= life:
            generator = stream(self._seed, self._replication, f"{self._name}.{len(self._uniforms)}")
            self._uniforms.append(generator.random((self._nodes, self._columns)))
        return self._uniforms[life]


def risks(pool: str, table: FailureTable, nodes: int, active: int, hot: int, seed: int, replication: int) -> list[Risk]:
    """The risks a pool's nodes run; the first `active` nodes and the `hot` ones after them are powered on."""
    result = []
    for clock in ("powered", "computing"):
        causes = [cause for cause in table.causes if cause.clock == clock]
        powered = active + hot if clock == "powered" else active
        constant = [cause for cause in causes if _rate(cause)]
        groups = {"constant": constant} if constant else {}
        groups |= {cause.cause: [cause] for cause in causes if cause.lifetime and not _rate(cause)}
        result += [
            Risk(f"failures.{pool}.{clock}.{name}", group, nodes, powered, seed, replication)
            for name, group in groups.items()
        ]
    return result


def _rate(cause: Cause) -> float:
    """Failures per node-second of a cause with a constant rate, 0 for any other."""
    if cause.per_1000_node_days is not None:
        return cause.per_1000_node_days * PER_1000_NODE_DAYS
    memoryless = isinstance(cause.lifetime, Weibull) and cause.lifetime.shape == 1
    return 1 / cause.lifetime.mean if memoryless and cause.lifetime else 0.0
