"""When each node fails next, and of what.

Every node has its own age, and the failure of one leaves all others alone. What ages is a *unit*: a
node, or each of its chips if the cause is one of chips. Causes with a constant rate need no age of
their own: those on one clock are drawn together, and which of them struck is drawn at the failure
(competing exponential risks). Any other lifetime is kept per unit and cause. The k-th lives of all
units of a pool come from a stream of their own, so they do not depend on what happened before.
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
from sim.results.ledger import DAY
from sim.streams import Luck, Rows

Floats = NDArray[np.float64]

PER_1000_NODE_DAYS = 1 / (1000 * DAY)

# Columns of the uniforms that describe one failure; a repair may need several more.
LIFE = 0
CAUSE = 1
PERMANENT = 2
DETECT = 3
AGAIN = 4
AGAIN_AFTER = 5
BURST = 6
BURST_NODES = 7
BURST_REPAIR = 8
CURED = 9
REPAIR = 10

ALL = (0.0, 1.0)
"""The nodes of a cause that strikes any."""
GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, modulo 1, spread the nodes of a batch evenly over the pool."""
CONSTANT = "constant"


class Risk(Ageing):
    """One lifetime per node: of an ageing cause, or of all causes of constant rate on one clock."""

    def __init__(
        self,
        name: str,
        causes: list[Cause],
        nodes: int,
        size: int,
        bad: BadNodes | None,
        luck: Luck,
    ) -> None:
        self._per_node = self.parts(size)
        self._units = nodes * self._per_node
        super().__init__(causes[0].clock, self._units)
        self._causes = causes
        self._bad = bad
        rates = [_rate(cause, size) for cause in causes]
        self._edges = list(accumulate(rates))
        self._last = len(causes) - 1
        total = math.fsum(rates)
        lifetime = Weibull(1.0, 1 / total) if total else causes[0].lifetime
        assert lifetime is not None
        self._lifetime = lifetime
        self._rows = rows_for(name, causes, self._units, luck)
        self._life: dict[int, int] = {}
        """How many lives a unit has behind it."""
        self._batch = causes[0].nodes

    @staticmethod
    def parts(size: int) -> int:
        """Units of a node of so many chips."""
        return 1

    def begin(self, running: int, weak: set[int], horizon: float) -> None:
        """Draw the first life of every unit; those of the first `running` nodes age at once."""
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
        chosen = 0
        if self._last:
            chosen = bisect_right(self._edges, u[CAUSE] * self._edges[-1], hi=self._last)
        return describe(self._causes[chosen], unit // self._per_node, u, self._bad)

    def likewise(self, node: int, cause: Cause, clock: float, *, weak: bool) -> Failure:
        """The failure that a shock of `cause` somewhere else brings to `node`."""
        unit = node * self._per_node
        u = self._rows.of(self._life.get(unit, 0), unit)
        self.renew(unit, clock, weak=weak)
        return describe(cause, node, u, self._bad)

    def renew(self, unit: int, clock: float, *, weak: bool) -> None:
        """Begin the next life of `unit`; a clock that stands still keeps it for later."""
        number = self._life[unit] = self._life.get(unit, 0) + 1
        life = self._lifetime.one(self._rows.one(number, unit, LIFE))
        if self._batch != ALL and not self._of_the_batch(unit):
            life = math.inf  # neither a shock nor a replacement makes a node one of the batch
        if weak:
            life /= self._acceleration
        if self._due[unit] == NONE:
            self._left[unit] = life
        else:
            self._run(unit, clock + life)

    def _of_the_batch(self, unit: int) -> bool:
        low, high = self._batch
        return low <= unit // self._per_node * GOLDEN % 1.0 < high

    def replace(self, node: int) -> None:
        """A new node has come in the place of one whose clock stands still: all its lives begin."""
        for unit in self._units_of(node):
            self.renew(unit, math.nan, weak=False)

    def cure(self, node: int) -> None:
        """A bad node has become good: what is left of its lives stretches, its clock standing."""
        for unit in self._units_of(node):
            self._left[unit] *= self._acceleration

    @property
    def _acceleration(self) -> float:
        """How much faster a bad node lives, so that its hazard is `factor` times as high."""
        if self._bad is None:
            return 1.0
        shape = self._lifetime.shape if isinstance(self._lifetime, Weibull) else 1.0
        return self._bad.factor ** (1 / shape)

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
    again = math.inf
    if (refail := cause.refail) and u[AGAIN] < refail.probability:
        again = refail.after.one(u[AGAIN_AFTER])
    neighbours = 0
    shared = False
    if (burst := cause.burst) and u[BURST] < burst.probability:
        fewest, most = burst.nodes
        neighbours = fewest - 1 + int(u[BURST_NODES] * (most - fewest + 1))
        shared = u[BURST_REPAIR] < burst.shared_repair
    return Failure(
        node,
        cause,
        detect=cause.detect.one(u[DETECT]),
        repair=repair,
        permanent=u[PERMANENT] < cause.permanent,
        cured=success and bad is not None and u[CURED] < bad.cured,
        again=again,
        neighbours=neighbours,
        shared_repair=shared,
    )


def _repair(cause: Cause, u: list[float]) -> tuple[float, bool]:
    """Seconds of a repair, and whether its last stage succeeded."""
    repair = cause.repair
    if isinstance(repair, Distribution):
        return repair.one(*u[REPAIR : REPAIR + repair.dims]), True
    total = 0.0
    success = True
    at = REPAIR
    for stage in repair or ():
        dims = stage.time.dims
        total += stage.time.one(*u[at : at + dims])
        at += dims
        success = u[at + 1] < stage.success
        if u[at] < stage.enough:
            break
        at += 2
    return total, success


def rows_for(name: str, causes: Iterable[Cause], units: int, luck: Luck) -> Rows:
    """Uniforms enough to describe a failure of any of the causes."""
    columns = REPAIR + max((_repair_columns(cause) for cause in causes), default=0)
    return luck.rows(name, units, columns)


def _repair_columns(cause: Cause) -> int:
    if isinstance(cause.repair, Distribution):
        return cause.repair.dims
    stages: tuple[RepairStage, ...] = cause.repair or ()
    return sum(stage.time.dims + 2 for stage in stages)


def risks(name: str, table: FailureTable, nodes: int, size: int, luck: Luck) -> list[Risk]:
    """The risks that the nodes of a pool run; `size` is the number of chips of a node."""
    groups: dict[tuple[str, str, tuple[float, float]], list[Cause]] = {}
    for cause in table.causes:
        label = CONSTANT if _rate(cause, size) else cause.cause
        if label == CONSTANT or cause.lifetime is not None:  # else its rate is zero
            groups.setdefault((cause.clock, label, cause.nodes), []).append(cause)
    found = []
    for (clock, label, batch), causes in groups.items():
        low, high = batch
        where = "" if batch == ALL else f".{low:g}-{high:g}"
        kind = ChipRisk if label != CONSTANT and causes[0].scope == "chip" else Risk
        stream = f"failures.{name}.{clock}.{label}{where}"
        found.append(kind(stream, causes, nodes, size, table.bad_nodes, luck))
    return found


def node_rate(table: FailureTable, size: int) -> float:
    """Failures per node-second in the long run.

    Those again soon after a repair are counted, a burst as one.
    """
    total = 0.0
    for cause in table.causes:
        rate = _rate(cause, size)
        if not rate and cause.lifetime is not None:
            rate = (size if cause.scope == "chip" else 1) / cause.lifetime.mean
        low, high = cause.nodes
        total += rate * (1 + _repeats(cause)) * (high - low)
    bad = table.bad_nodes
    return total * (1 + bad.share * (bad.factor - 1) if bad else 1.0)


def _repeats(cause: Cause) -> float:
    """Relapses that a failure of a cause brings on average, each bringing the next, on all nodes."""
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
