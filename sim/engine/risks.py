"""When each node fails next, and of what: every node has its own age, and one node's failure leaves
all others alone.

What ages is a *unit*: a node, or each of its chips if the cause is one of chips. Causes with a
constant rate need no age of their own: those on one clock are drawn together, and which of them
struck is drawn at the failure (competing exponential risks). Any other lifetime is kept per unit
and cause. The k-th lives of all units of a pool come from a stream of their own, so they do not
depend on what happened before.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from sim.catalogue.failures import BadNodes, Cause, FailureTable, RepairStage
from sim.engine.ageing import NONE, Ageing, Failure
from sim.quantities.distributions import Distribution, Weibull
from sim.streams import Rows

Floats = NDArray[np.float64]

PER_1000_NODE_DAYS = 1 / (1000 * 86400.0)
(
    LIFE,
    CAUSE,
    PERMANENT,
    DETECT,
    AGAIN,
    AGAIN_AFTER,
    BURST,
    BURST_NODES,
    BURST_REPAIR,
    CURED,
    REPAIR,
) = range(11)
"""Columns of the uniforms that describe one failure; a repair may need several more."""
ALL = (0.0, 1.0)
"""The nodes of a cause that strikes any."""
GOLDEN = (math.sqrt(5) - 1) / 2


class Risk(Ageing):
    """One lifetime per node: a single ageing cause, or all causes of constant rate on one clock
    together.
    """

    def __init__(
        self,
        name: str,
        causes: list[Cause],
        nodes: int,
        size: int,
        bad: BadNodes | None,
        seed: int,
        replication: int,
    ) -> None:
        self._per_node = self.parts(size)
        super().__init__(causes[0].clock, nodes * self._per_node)
        self._causes, self._bad = causes, bad
        rates = [_rate(cause, size) for cause in causes]
        self._edges, self._last = list(accumulate(rates)), len(causes) - 1
        lifetime = Weibull(1.0, 1 / math.fsum(rates)) if math.fsum(rates) else causes[0].lifetime
        assert lifetime is not None
        self._lifetime = lifetime
        self._units = nodes * self._per_node
        self._rows = rows(name, causes, self._units, seed, replication)
        self._life: dict[int, int] = {}
        self._batch = causes[0].nodes

    @staticmethod
    def parts(size: int) -> int:
        """Units of a node of so many chips."""
        return 1

    def begin(self, running: int, weak: set[int], horizon: float) -> None:
        """Draw the first life of every unit; those of the first `running` nodes begin to age at
        once.
        """
        lives = self._lifetime.draw(self._rows.first()[:, LIFE : LIFE + 1])
        node: NDArray[np.int64] = np.arange(self._units) // self._per_node
        if weak:
            lives[np.isin(node, list(weak))] /= self._acceleration
        low, high = self._batch
        if self._batch != ALL:
            place = node * GOLDEN % 1.0
            lives[(place < low) | (place >= high)] = math.inf
        started = running * self._per_node
        self._due = [*lives[:started].tolist(), *[NONE] * (self._units - started)]
        self._left = [*[NONE] * started, *lives[started:].tolist()]
        self._horizon = horizon

    def strike(self, unit: int) -> Failure:
        """The failure that `unit` now has."""
        u = self._rows.of(self._life.get(unit, 0), unit)
        chosen = (
            bisect_right(self._edges, u[CAUSE] * self._edges[-1], hi=self._last)
            if self._last
            else 0
        )
        return describe(self._causes[chosen], unit // self._per_node, u, self._bad)

    def likewise(self, node: int, cause: Cause, clock: float, *, weak: bool) -> Failure:
        """The failure that a shock of `cause` somewhere else brings to `node`, described by its own
        uniforms.
        """
        unit = node * self._per_node
        u = self._rows.of(self._life.get(unit, 0), unit)
        self.renew(unit, clock, weak=weak)
        return describe(cause, node, u, self._bad)

    def renew(self, unit: int, clock: float, *, weak: bool) -> None:
        """Begin the next life of `unit`; a stopped clock keeps it for later."""
        number = self._life[unit] = self._life.get(unit, 0) + 1
        life = self._lifetime.one(self._rows.one(number, unit, LIFE))
        if (
            self._batch != ALL
            and not self._batch[0] <= unit // self._per_node * GOLDEN % 1.0 < self._batch[1]
        ):
            life = math.inf  # a shock, or a replacement, makes no node one of the batch
        if weak:
            life /= self._acceleration
        if self._due[unit] == NONE:
            self._left[unit] = life
        else:
            self._run(unit, clock + life)

    def replace(self, node: int) -> None:
        """A new node has come in the place of one whose clock stands still: all its lives begin
        anew.
        """
        for unit in self._units_of(node):
            self.renew(unit, math.nan, weak=False)

    def cure(self, node: int) -> None:
        """A bad node has become good: what is left of its lives stretches, its clock standing
        still.
        """
        for unit in self._units_of(node):
            self._left[unit] *= self._acceleration

    @property
    def _acceleration(self) -> float:
        """How much faster a bad node lives through a lifetime, so that its hazard is `factor` times
        as high.
        """
        shape = self._lifetime.shape if isinstance(self._lifetime, Weibull) else 1.0
        return self._bad.factor ** (1 / shape) if self._bad else 1.0

    def _units_of(self, node: int) -> range:
        return range(node * self._per_node, (node + 1) * self._per_node)


class ChipRisk(Risk):
    """One lifetime per chip: a single ageing cause of chips."""

    @staticmethod
    def parts(size: int) -> int:
        """Units of a node of so many chips."""
        return size

    def start(self, node: int, clock: float) -> None:
        """The age of each of the node's chips begins to run."""
        for unit in self._units_of(node):
            super().start(unit, clock)

    def stop(self, node: int, clock: float) -> None:
        """The age of each of the node's chips stands still."""
        for unit in self._units_of(node):
            super().stop(unit, clock)


def describe(cause: Cause, node: int, u: list[float], bad: BadNodes | None) -> Failure:
    """A failure of `cause` at `node`, read off one row of uniforms."""
    repair, success = _repair(cause, u)
    again, neighbours, shared = math.inf, 0, False
    if (refail := cause.refail) and u[AGAIN] < refail.probability:
        again = refail.after.one(u[AGAIN_AFTER])
    if (burst := cause.burst) and u[BURST] < burst.probability:
        fewest, most = burst.nodes
        neighbours = fewest - 1 + int(u[BURST_NODES] * (most - fewest + 1))
        shared = u[BURST_REPAIR] < burst.shared_repair
    permanent = u[PERMANENT] < cause.permanent
    cured = success and bad is not None and u[CURED] < bad.cured
    return Failure(
        node,
        cause,
        cause.detect.one(u[DETECT]),
        repair,
        permanent,
        cured,
        again,
        neighbours,
        shared,
    )


def _repair(cause: Cause, u: list[float]) -> tuple[float, bool]:
    """Seconds of a repair, and whether its last stage succeeded."""
    repair = cause.repair
    if isinstance(repair, Distribution):
        return repair.one(*u[REPAIR : REPAIR + repair.dims]), True
    total, success, at = 0.0, True, REPAIR
    for stage in repair or ():
        time, dims = stage.time, stage.time.dims
        total += time.one(u[at]) if dims == 1 else time.one(*u[at : at + dims])
        at += dims
        success = u[at + 1] < stage.success
        if u[at] < stage.enough:
            break
        at += 2
    return total, success


def rows(name: str, causes: Iterable[Cause], units: int, seed: int, replication: int) -> Rows:
    """Uniforms enough to describe a failure of any of the causes."""
    columns = REPAIR + max((_repair_columns(cause) for cause in causes), default=0)
    return Rows(seed, replication, name, units, columns)


def _repair_columns(cause: Cause) -> int:
    if isinstance(cause.repair, Distribution):
        return cause.repair.dims
    stages: tuple[RepairStage, ...] = cause.repair or ()
    return sum(stage.time.dims + 2 for stage in stages)


def risks(
    name: str, table: FailureTable, nodes: int, size: int, seed: int, replication: int
) -> list[Risk]:
    """The risks that the nodes of a pool run; `size` is the number of chips of a node."""
    groups: dict[tuple[str, str, tuple[float, float]], list[Cause]] = {}
    for cause in table.causes:
        label = "constant" if _rate(cause, size) else cause.cause
        if label != "constant" and cause.lifetime is None:
            continue  # a rate of zero
        groups.setdefault((cause.clock, label, cause.nodes), []).append(cause)
    found = []
    for (clock, label, (low, high)), causes in groups.items():
        batch = "" if (low, high) == ALL else f".{low:g}-{high:g}"
        stream_name = f"failures.{name}.{clock}.{label}{batch}"
        kind = ChipRisk if label != "constant" and causes[0].scope == "chip" else Risk
        found.append(kind(stream_name, causes, nodes, size, table.bad_nodes, seed, replication))
    return found


def node_rate(table: FailureTable, size: int) -> float:
    """Failures per node-second in the long run, with those again soon after a repair; a burst
    counts once.
    """
    total = 0.0
    for cause in table.causes:
        rate = _rate(cause, size)
        if not rate and cause.lifetime is not None:
            rate = (size if cause.scope == "chip" else 1) / cause.lifetime.mean
        total += rate * (1 + _repeats(cause)) * (cause.nodes[1] - cause.nodes[0])
    bad = table.bad_nodes
    return total * (1 + bad.share * (bad.factor - 1) if bad else 1.0)


def _repeats(cause: Cause) -> float:
    """Relapses that a failure of a cause brings on average, each bringing the next, on all the
    nodes it takes.
    """
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
