"""When each node fails next, and of what: every node has its own age, and one node's failure leaves all others alone.

What ages is a *unit*: a node, or each of its chips if the cause is one of chips. Causes with a constant rate need no
age of their own: those on one clock are drawn together, and which of them struck is drawn at the failure (competing
exponential risks). Any other lifetime is kept per unit and cause. The k-th lives of all units of a pool are drawn in
one call from a stream of their own, so they do not depend on what happened before.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from heapq import heapify, heappop, heappush
from itertools import accumulate
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.catalogue.failing import BadNodes, Cause, FailureTable, RepairStage
from sim.distributions import Distribution, Weibull
from sim.streams import stream

Clock = Literal["powered", "computing"]
Floats = NDArray[np.float64]

PER_1000_NODE_DAYS = 1 / (1000 * 86400.0)
LIFE, CAUSE, PERMANENT, DETECT, AGAIN, AGAIN_AFTER, BURST, BURST_NODES, BURST_REPAIR, CURED, REPAIR = range(11)
"""Columns of the uniforms that describe one failure; a repair may need several more."""
GOLDEN = (math.sqrt(5) - 1) / 2


Due = tuple[float, int, int]
"""A failure to come: its time on a clock, the rank of the risk, the unit."""
NEVER: Due = (math.inf, -1, -1)


class Queue:
    """The failures to come on one clock, of all risks; those that have been put off meanwhile are passed over."""

    def __init__(self) -> None:
        self.heap: list[Due] = []
        self._dues: dict[int, dict[int, float]] = {}

    def add(self, rank: int, dues: dict[int, float], horizon: float) -> None:
        """The failures of one risk, by unit; those beyond the horizon are left out until they are put off again."""
        self._dues[rank] = dues
        self.heap += [(due, rank, unit) for unit, due in dues.items() if due <= horizon]
        heapify(self.heap)

    def next(self) -> Due:
        """The next failure."""
        heap, dues = self.heap, self._dues
        while heap:
            due, rank, unit = heap[0]
            if dues[rank].get(unit) == due:
                return heap[0]
            heappop(heap)
        return NEVER


class Failure(NamedTuple):
    """A failure as it strikes: the node, the cause, and what was drawn for it (times in seconds)."""

    node: int
    cause: Cause
    detect: float
    repair: float = 0.0
    permanent: bool = False
    cured: bool = False
    """Whether the repair makes a bad node good."""
    again: float = math.inf
    """Powered time after the repair at which the same cause strikes again."""
    neighbours: int = 0
    """Further nodes that this shock takes."""
    shared_repair: bool = False


class Risk:
    """One lifetime per unit: a single ageing cause, or all causes of constant rate on one clock together."""

    def __init__(
        self, name: str, causes: list[Cause], nodes: int, size: int, bad: BadNodes | None, seed: int, replication: int
    ) -> None:
        self.clock: Clock = causes[0].clock
        self._causes, self._bad = causes, bad
        self._name, self._seed, self._replication = name, seed, replication
        rates = [_rate(cause, size) for cause in causes]
        self._edges = list(accumulate(rates))
        self._per_node = 1 if math.fsum(rates) or causes[0].scope != "chip" else size
        lifetime = Weibull(1.0, 1 / math.fsum(rates)) if math.fsum(rates) else causes[0].lifetime
        assert lifetime is not None
        self._lifetime = lifetime
        self._units = nodes * self._per_node
        self._columns = REPAIR + max(_repair_columns(cause) for cause in causes)
        self._uniforms: list[Floats] = []
        self._life: dict[int, int] = {}
        self._due: dict[int, float] = {}
        self._left: dict[int, float] = {}
        self._batch = causes[0].nodes
        self._horizon = math.inf
        self.join(Queue(), 0)

    def begin(self, running: int, weak: set[int], horizon: float) -> None:
        """Draw the first life of every unit; those of the first `running` nodes begin to age at once."""
        lives = self._lifetime.draw(self._draws(0)[:, LIFE : LIFE + 1])
        node = np.arange(self._units) // self._per_node
        if weak:
            lives[np.isin(node, list(weak))] /= self._acceleration
        low, high = self._batch
        if (low, high) != (0.0, 1.0):
            place = node * GOLDEN % 1.0
            lives[(place < low) | (place >= high)] = math.inf
        started = running * self._per_node
        self._due = dict(enumerate(lives[:started].tolist()))
        self._left = dict(enumerate(lives[started:].tolist(), started))
        self._horizon = horizon

    def join(self, queue: Queue, rank: int) -> None:
        """Enter the failures in a queue that other risks share."""
        queue.add(rank, self._due, self._horizon)
        self._queue, self._rank = queue, rank

    def node_of(self, unit: int) -> int:
        """The node that a unit is, or is a part of."""
        return unit // self._per_node

    def strike(self, unit: int) -> Failure:
        """The failure that `unit` now has."""
        u = self._draws(self._life.get(unit, 0))[unit].tolist()
        causes = self._causes
        chosen = bisect_right(self._edges, u[CAUSE] * self._edges[-1], hi=len(causes) - 1) if causes[1:] else 0
        return describe(causes[chosen], self.node_of(unit), u, self._bad)

    def likewise(self, node: int, cause: Cause, clock: float, *, weak: bool) -> Failure:
        """The failure that a shock of `cause` somewhere else brings to `node`, described by its own uniforms."""
        unit = node * self._per_node
        u = self._draws(self._life.get(unit, 0))[unit].tolist()
        self.renew(unit, clock, weak=weak)
        return describe(cause, node, u, self._bad)

    def renew(self, unit: int, clock: float, *, weak: bool) -> None:
        """Begin the next life of `unit`; a stopped clock keeps it for later."""
        number = self._life[unit] = self._life.get(unit, 0) + 1
        life = self._lifetime.one(float(self._draws(number)[unit, LIFE]))
        if not self._batch[0] <= self.node_of(unit) * GOLDEN % 1.0 < self._batch[1]:
            life = math.inf  # a shock, or a replacement, makes no node one of the batch
        if weak:
            life /= self._acceleration
        if unit in self._due:
            self._run(unit, clock + life)
        else:
            self._left[unit] = life

    def replace(self, node: int, *, weak: bool) -> None:
        """A new node has come in the place of one whose clock stands still: all its lives begin anew."""
        for unit in self._units_of(node):
            self.renew(unit, math.nan, weak=weak)

    def cure(self, node: int) -> None:
        """A bad node has become good: what is left of its lives stretches, its clock standing still."""
        for unit in self._units_of(node):
            if unit in self._left:
                self._left[unit] *= self._acceleration

    def start(self, node: int, clock: float) -> None:
        """The node's age begins to run."""
        for unit in (node,) if self._per_node == 1 else self._units_of(node):
            left = self._left.pop(unit, None)
            if left is not None:
                self._run(unit, clock + left)

    def stop(self, node: int, clock: float) -> None:
        """The node's age stands still."""
        for unit in (node,) if self._per_node == 1 else self._units_of(node):
            due = self._due.pop(unit, None)
            if due is not None:
                self._left[unit] = due - clock

    @property
    def _acceleration(self) -> float:
        """How much faster a bad node lives through a lifetime, so that its hazard is `factor` times as high."""
        shape = self._lifetime.shape if isinstance(self._lifetime, Weibull) else 1.0
        return self._bad.factor ** (1 / shape) if self._bad else 1.0

    def _units_of(self, node: int) -> range:
        return range(node * self._per_node, (node + 1) * self._per_node)

    def _run(self, unit: int, due: float) -> None:
        self._due[unit] = due
        heappush(self._queue.heap, (due, self._rank, unit))

    def _draws(self, life: int) -> Floats:
        while len(self._uniforms) <= life:
            generator = stream(self._seed, self._replication, f"{self._name}.{len(self._uniforms)}")
            self._uniforms.append(generator.random((self._units, self._columns)))
        return self._uniforms[life]


class Relapses:
    """Pending second strikes after incomplete repairs, on the powered clock; they die with a replacement only."""

    clock: Clock = "powered"

    def __init__(self, name: str, bad: BadNodes | None, seed: int, replication: int) -> None:
        self._name, self._bad, self._seed, self._replication = name, bad, seed, replication
        self._due: dict[int, float] = {}
        self._left: dict[int, float] = {}
        self._cause: dict[int, Cause] = {}
        self._count: dict[int, int] = {}

    def add(self, node: int, after: float, cause: Cause) -> None:
        """A repaired node, its clock still stopped, will fail again after `after` powered seconds."""
        if node not in self._left or self._left[node] > after:
            self._left[node], self._cause[node] = after, cause

    def join(self, queue: Queue, rank: int) -> None:
        """Enter the relapses in a queue that other risks share."""
        queue.add(rank, self._due, math.inf)
        self._queue, self._rank = queue, rank

    def strike(self, unit: int) -> Failure:
        """The relapse of a node, described by uniforms of its own."""
        node = unit
        del self._due[node]
        cause = self._cause[node]
        count = self._count[node] = self._count.get(node, 0) + 1
        u = stream(self._seed, self._replication, f"{self._name}.{node}.{count}").random(
            REPAIR + _repair_columns(cause)
        )
        u[BURST] = 1.0  # a relapse is the node's own
        return describe(cause, node, u.tolist(), self._bad)

    def likewise(self, node: int, cause: Cause, clock: float, *, weak: bool) -> Failure:
        """A relapse takes no neighbours."""
        raise AssertionError

    def node_of(self, unit: int) -> int:
        """Units are nodes here."""
        return unit

    def renew(self, unit: int, clock: float, *, weak: bool) -> None:
        """A relapse has no next life."""

    def replace(self, node: int, *, weak: bool) -> None:
        """A new node has no relapse pending."""
        self._left.pop(node, None)

    def cure(self, node: int) -> None:
        """A relapse has nothing to do with a node being bad."""

    def start(self, node: int, clock: float) -> None:
        """The powered clock of the node runs."""
        left = self._left.pop(node, None)
        if left is not None:
            self._due[node] = clock + left
            heappush(self._queue.heap, (clock + left, self._rank, node))

    def stop(self, node: int, clock: float) -> None:
        """The powered clock of the node stands still."""
        due = self._due.pop(node, None)
        if due is not None:
            self._left[node] = due - clock


def describe(cause: Cause, node: int, u: list[float], bad: BadNodes | None) -> Failure:
    """A failure of `cause` at `node`, read off one row of uniforms."""
    repair, success = _repair(cause, u)
    again, neighbours, shared = math.inf, 0, False
    if cause.refail and u[AGAIN] < cause.refail.probability:
        again = cause.refail.after.one(u[AGAIN_AFTER])
    if cause.burst and u[BURST] < cause.burst.probability:
        fewest, most = cause.burst.nodes
        neighbours = fewest - 1 + int(u[BURST_NODES] * (most - fewest + 1))
        shared = u[BURST_REPAIR] < cause.burst.shared_repair
    permanent = u[PERMANENT] < cause.permanent
    cured = success and bad is not None and u[CURED] < bad.cured
    return Failure(node, cause, cause.detect.one(u[DETECT]), repair, permanent, cured, again, neighbours, shared)


def _repair(cause: Cause, u: list[float]) -> tuple[float, bool]:
    """Seconds of a repair, and whether its last stage succeeded."""
    if isinstance(cause.repair, Distribution):
        return cause.repair.one(*u[REPAIR : REPAIR + cause.repair.dims]), True
    total, success, at = 0.0, True, REPAIR
    for stage in cause.repair or ():
        total += stage.time.one(*u[at : at + stage.time.dims])
        at += stage.time.dims
        success = u[at + 1] < stage.success
        if u[at] < stage.enough:
            break
        at += 2
    return total, success


def _repair_columns(cause: Cause) -> int:
    if isinstance(cause.repair, Distribution):
        return cause.repair.dims
    stages: tuple[RepairStage, ...] = cause.repair or ()
    return sum(stage.time.dims + 2 for stage in stages)


def risks(name: str, table: FailureTable, nodes: int, size: int, seed: int, replication: int) -> list[Risk]:
    """The risks that the nodes of a pool run; `size` is the number of chips of a node."""
    groups: dict[tuple[str, str, tuple[float, float]], list[Cause]] = {}
    for cause in table.causes:
        label = "constant" if _rate(cause, size) else cause.cause
        if label != "constant" and cause.lifetime is None:
            continue  # a rate of zero
        groups.setdefault((cause.clock, label, cause.nodes), []).append(cause)
    found = []
    for (clock, label, (low, high)), causes in groups.items():
        batch = "" if (low, high) == (0.0, 1.0) else f".{low:g}-{high:g}"
        stream_name = f"failures.{name}.{clock}.{label}{batch}"
        found.append(Risk(stream_name, causes, nodes, size, table.bad_nodes, seed, replication))
    return found


def node_rate(table: FailureTable, size: int) -> float:
    """Failures per node-second in the long run, with those again soon after a repair; a burst counts once."""
    total = 0.0
    for cause in table.causes:
        rate = _rate(cause, size)
        if not rate and cause.lifetime is not None:
            rate = (size if cause.scope == "chip" else 1) / cause.lifetime.mean
        total += rate * (1 + _repeats(cause)) * (cause.nodes[1] - cause.nodes[0])
    bad = table.bad_nodes
    return total * (1 + bad.share * (bad.factor - 1) if bad else 1.0)


def _repeats(cause: Cause) -> float:
    """Relapses that a failure of a cause brings on average, each bringing the next, on all the nodes it takes."""
    if cause.refail is None:
        return 0.0
    burst = cause.burst if cause.hardware else None
    nodes = 1 + burst.probability * (sum(burst.nodes) / 2 - 1) if burst else 1.0
    again = min(cause.refail.probability, 0.99)
    return nodes * again / (1 - again)


def _rate(cause: Cause, size: int) -> float:
    """Failures per node-second of a cause with a constant rate, 0 for any other."""
    if cause.per_1000_node_days is not None:
        return cause.per_1000_node_days * PER_1000_NODE_DAYS
    lifetime = cause.lifetime
    if isinstance(lifetime, Weibull) and lifetime.shape == 1:
        return (size if cause.scope == "chip" else 1) / lifetime.mean
    return 0.0
