"""When each node fails next, and of what.

Every node has an age on each clock, and for each cause an age at which that strikes next: the one
that comes first is its next failure. Where it is chips that wear out, each has its own. A failure
begins the next life of what failed, and leaves the rest of the node and all other nodes alone.

The k-th lives of a cause come from a stream of their own, a number for each node, and so does all
else that is drawn for a failure. So no draw depends on what happened before, on other causes, or on
how many nodes come after.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.catalogue.failures import BadNodes, Cause, FailureTable, RepairStage
from sim.engine.ageing import NONE, Ageing, Clock, Failure
from sim.quantities.distributions import Constant, Distribution, Weibull
from sim.results.ledger import DAY, Floats
from sim.streams import Field

PER_1000_NODE_DAYS = 1 / (1000 * DAY)
ALL = (0.0, 1.0)
"""The nodes of a cause that strikes any."""
GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, modulo 1, spread the nodes of a batch evenly over the pool."""
CLOCKS: tuple[Clock, ...] = ("powered", "computing")


# Columns of the uniforms that describe one failure and the life after it. Repairs have three for
# each stage, the last of them for its time. A time that needs more numbers than its one column
# takes the rest from a row of its own, so that no other number moves.
LIFE = 0
PERMANENT = 1
AGAIN = 2
AGAIN_AFTER = 3
BURST = 4
BURST_NODES = 5
BURST_REPAIR = 6
CURED = 7
DETECT = 8
STAGES = 9


class Source:
    """All that is drawn for one cause: lives, and what the failures that end them are like.

    Parameters
    ----------
    purpose : str
        What the numbers are for, such as ``failures``.
    cause : Cause
    parts : int
        Units of a node: one, or its chips where it is these that wear out.
    bad : BadNodes, optional
    field : Field
    scale : float
        How many times as often it strikes.
    """

    def __init__(
        self,
        purpose: str,
        cause: Cause,
        parts: int,
        bad: BadNodes | None,
        field: Field,
        scale: float = 1.0,
    ) -> None:
        self.cause = cause
        self.parts = parts
        rate = _rate(cause)
        # A relapse has a cause without a life of its own: it comes when it was told.
        self.lifetime = (
            Weibull(1.0, 1 / rate) if rate else cause.lifetime or Constant(math.inf)
        )
        shape = self.lifetime.shape if isinstance(self.lifetime, Weibull) else 1.0
        self.acceleration = bad.factor ** (1 / shape) if bad else 1.0
        """How much faster a bad node lives, so that its hazard is `factor` times as high."""
        self._scale = scale
        self._field = field
        self._name = f"{purpose}.{cause.cause}"
        self._rows = field.purpose(self._name)
        self._stages = _stages(cause)
        self._columns = STAGES + 3 * len(self._stages)
        self._cured = bad.cured if bad else 0.0
        self._everywhere = cause.nodes == ALL

    def first(self, nodes: int, weak: NDArray[np.bool_]) -> Floats:
        """The first lives, by unit of a node and node."""
        units = nodes * self.parts
        draws = [
            self._field.block(
                self._field.purpose(f"{self._name}.first{more}"), units, columns
            )
            for more, columns in (("", 1), (".more", self.lifetime.dims - 1))
        ]
        lives = (
            self.lifetime.draw(np.hstack(draws)).reshape(nodes, self.parts).T / self._scale
        )
        # Dividing by 1 would cost a pass over every node of pools that have no bad ones.
        if self.acceleration != 1.0:
            lives[:, weak] /= self.acceleration
        if self.cause.age is not None:
            lives = self._rest(lives, units)
        if not self._everywhere:
            lives[:, ~self._strikes(np.arange(nodes))] = math.inf
        return lives

    def _rest(self, lives: Floats, units: int) -> Floats:
        """What is left of lives that have lasted for some time already.

        The hazard until the end, which a life from new would take, is taken from that age on.
        """
        assert isinstance(self.lifetime, Weibull) and self.cause.age is not None
        purpose = self._field.purpose(f"{self._name}.age")
        uniforms = self._field.block(purpose, units, self.cause.age.dims)
        ages = self.cause.age.draw(uniforms).reshape(-1, self.parts).T
        shape = self.lifetime.shape
        # (ages^shape + lives^shape)^(1/shape) - ages, without powers that no float can hold.
        longer = np.maximum(ages, lives)
        ratio = np.minimum(ages, lives) / longer
        return longer * (1 + ratio**shape) ** (1 / shape) - ages

    def row(self, unit: int, number: int) -> list[float]:
        """Uniforms for a failure of a unit that has had so many before, and for the life after."""
        return self._field.row(self._rows, unit, number, self._columns)

    def life(
        self, row: list[float], unit: int, number: int, node: int, *, weak: bool
    ) -> float:
        """The life after a failure."""
        if not self._everywhere and not self._strikes(np.array([node]))[0]:
            return math.inf  # neither a shock nor a replacement makes a node one of the batch
        life = self._time(self.lifetime, row[LIFE], "life", unit, number) / self._scale
        return life / self.acceleration if weak else life

    def _strikes(self, nodes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which nodes are of the batch that the cause strikes."""
        low, high = self.cause.nodes
        place = nodes * GOLDEN % 1.0
        return (low <= place) & (place < high)

    def failure(self, row: list[float], unit: int, number: int, node: int) -> Failure:
        """A failure."""
        cause = self.cause
        detect = self._time(cause.detect, row[DETECT], "detect", unit, number)
        repair, success = self._repair(row, unit, number)
        failure = Failure(node, cause, detect, repair)
        failure.permanent = row[PERMANENT] < cause.permanent
        failure.cured = success and row[CURED] < self._cured
        if (refail := cause.refail) and row[AGAIN] < refail.probability:
            failure.again = self._time(refail.after, row[AGAIN_AFTER], "again", unit, number)
        if (burst := cause.burst) and row[BURST] < burst.probability:
            fewest, most = burst.nodes
            failure.neighbours = fewest - 1 + int(row[BURST_NODES] * (most - fewest + 1))
            failure.shared_repair = row[BURST_REPAIR] < burst.shared_repair
        return failure

    def _repair(self, row: list[float], unit: int, number: int) -> tuple[float, bool]:
        """Seconds of a repair, and whether its last stage succeeded."""
        total = 0.0
        success = True
        at = STAGES
        for stage in self._stages:
            total += self._time(stage.time, row[at + 2], f"repair.{at}", unit, number)
            success = row[at + 1] < stage.success
            if row[at] < stage.enough:
                break
            at += 3
        return total, success

    def _time(
        self, distribution: Distribution, uniform: float, what: str, unit: int, number: int
    ) -> float:
        """A time: its first number from its column, more of them from a row of its own."""
        if distribution.dims == 1:
            return distribution.one(uniform)
        purpose = self._field.purpose(f"{self._name}.{what}")
        more = self._field.row(purpose, unit, number, distribution.dims - 1)
        return distribution.one(uniform, *more)


def _stages(cause: Cause) -> Sequence[RepairStage]:
    """The stages of a repair; a time alone is one that always succeeds."""
    if isinstance(cause.repair, Distribution):
        return (RepairStage(time=cause.repair),)
    return cause.repair or ()


class Lives(Ageing):
    """The failures to come of the nodes of a pool by all causes on one clock.

    Parameters
    ----------
    clock : "powered" or "computing"
    causes : sequence of Cause
    nodes, size : int
        Nodes of the pool, and chips of each.
    table : FailureTable
        The causes are of.
    weak : set of int
        The bad nodes now; their pool changes it.
    field : Field
    """

    def __init__(
        self,
        clock: Clock,
        causes: Sequence[Cause],
        nodes: int,
        size: int,
        table: FailureTable,
        weak: set[int],
        field: Field,
    ) -> None:
        super().__init__(clock, nodes)
        self._slots: list[Slot] = []
        """Of a node: one for each cause, or for each chip and cause of chips that wear out."""
        self._sources = []
        for cause in causes:
            parts = size if cause.scope == "chip" and cause.lifetime else 1
            source = Source("failures", cause, parts, table.bad_nodes, field, table.often)
            self._sources.append(source)
            self._slots += [Slot(source, part) for part in range(parts)]
        self._nodes = nodes
        self._weak = weak
        self._first: Floats = np.zeros((nodes, 0))
        """Ages at which the first failures strike, by node and slot."""
        self._later: dict[int, tuple[list[float], list[int]]] = {}
        """The same of the next failures, of nodes that have failed, and how many lives these have
        behind them, by slot."""
        self._least: list[float] = []
        """The earliest of a node."""
        self._offset = [0.0] * nodes
        """Time on the clock less age, of each node whose clock runs; else minus its age."""

    def begin(self, running: int, horizon: float) -> None:
        """Draw the first life of everything; the first `running` nodes age at once."""
        weak: NDArray[np.bool_] = np.zeros(self._nodes, bool)
        weak[list(self._weak)] = True
        first = np.concatenate([source.first(self._nodes, weak) for source in self._sources])
        self._first = np.ascontiguousarray(first.T)
        self._least = first.min(axis=0).tolist()
        self._due = [*self._least[:running], *[NONE] * (self._nodes - running)]
        self._horizon = horizon

    def strike(self, node: int) -> Failure:
        """The failure that a node has now; what failed begins its next life."""
        ages, numbers = self._of(node)
        least = self._least[node]
        return self._fail(node, ages.index(least), least, ages, numbers)

    def likewise(self, node: int, cause: Cause, clock: float) -> Failure:
        """The failure that a shock of `cause` somewhere else brings to a node."""
        ages, numbers = self._of(node)
        slot = next(k for k, slot in enumerate(self._slots) if slot.source.cause is cause)
        return self._fail(node, slot, self._age(node, clock), ages, numbers)

    def _fail(
        self, node: int, k: int, age: float, ages: list[float], numbers: list[int]
    ) -> Failure:
        """Let slot `k` fail at an age, and begin its next life."""
        slot = self._slots[k]
        source = slot.source
        unit = node * source.parts + slot.part
        number = numbers[k]
        row = source.row(unit, number)
        ages[k] = age + source.life(row, unit, number, node, weak=node in self._weak)
        numbers[k] = number + 1
        self._least[node] = min(ages)
        failure = source.failure(row, unit, number, node)
        if self._due[node] != NONE:
            due = self._due[node] = self._offset[node] + self._least[node]
            # One that leaves now stops its clock: in the queue it would only be passed over.
            if failure.hidden or not failure.cause.hardware:
                self._run(node, due)
        return failure

    def replace(self, node: int) -> None:
        """A new node has come in the place of one whose clock stands still: all its lives begin."""
        ages, numbers = self._of(node)
        age = -self._offset[node]
        for k, slot in enumerate(self._slots):
            unit = node * slot.source.parts + slot.part
            row = slot.source.row(unit, numbers[k])
            ages[k] = age + slot.source.life(row, unit, numbers[k], node, weak=False)
            numbers[k] += 1
        self._least[node] = min(ages)

    def cure(self, node: int) -> None:
        """A bad node has become good: what is left of its lives stretches, its clock standing."""
        ages, _ = self._of(node)
        age = -self._offset[node]
        for k, slot in enumerate(self._slots):
            ages[k] = age + (ages[k] - age) * slot.source.acceleration
        self._least[node] = min(ages)

    def start(self, node: int, clock: float) -> None:
        """The node's clock begins to run."""
        if self._due[node] == NONE:
            self._offset[node] += clock
            self._run(node, self._offset[node] + self._least[node])

    def stop(self, node: int, clock: float) -> None:
        """The node's clock stands still."""
        if self._due[node] != NONE:
            self._due[node] = NONE
            self._offset[node] -= clock

    def _of(self, node: int) -> tuple[list[float], list[int]]:
        """Ages of the next failures and numbers of lives of a node, by slot."""
        found = self._later.get(node)
        if found is None:
            found = self._later[node] = self._first[node].tolist(), [0] * len(self._slots)
        return found

    def _age(self, node: int, clock: float) -> float:
        running = self._due[node] != NONE
        return (clock if running else 0.0) - self._offset[node]


class Slot:
    """One of the things in a node that can fail: the cause, and which chip where it is one."""

    __slots__ = ("part", "source")

    def __init__(self, source: Source, part: int) -> None:
        self.source = source
        self.part = part


def lives_of(
    table: FailureTable, nodes: int, size: int, weak: set[int], field: Field
) -> list[Lives]:
    """The lives of the nodes of a pool, on each clock that a cause of its table counts.

    Causes go by name: their order in the table decides nothing.
    """
    found = []
    for clock in CLOCKS:
        causes = [
            cause
            for cause in sorted(table.causes, key=lambda cause: cause.cause)
            if cause.clock == clock and (cause.lifetime or cause.per_1000_node_days)
        ]
        if causes:
            found.append(Lives(clock, causes, nodes, size, table, weak, field))
    return found


def bad_nodes(bad: BadNodes | None, nodes: int, field: Field) -> set[int]:
    """The nodes of a pool that are bad: each by its own chance, whatever other nodes there are."""
    if bad is None:
        return set()
    return set(
        np.flatnonzero(field.block(field.purpose("bad"), nodes, 1)[:, 0] < bad.share).tolist()
    )


def node_rate(table: FailureTable, size: int) -> float:
    """Failures per node-second in the long run.

    Those again soon after a repair are counted, a burst as one.
    """
    rates = []
    for cause in table.causes:
        rate = _rate(cause)
        if not rate and cause.lifetime is not None:
            rate = (size if cause.scope == "chip" else 1) / cause.lifetime.mean
        low, high = cause.nodes
        rates.append(rate * (1 + _repeats(cause)) * (high - low))
    bad = table.bad_nodes
    often = table.often * math.fsum(rates)
    return often * (1 + bad.share * (bad.factor - 1)) if bad else often


def _repeats(cause: Cause) -> float:
    """Relapses that a failure brings on average, each bringing the next, on all nodes."""
    if cause.refail is None:
        return 0.0
    burst = cause.burst if cause.hardware else None
    nodes = 1 + burst.probability * (sum(burst.nodes) / 2 - 1) if burst else 1.0
    again = min(cause.refail.probability, 0.99)
    return nodes * again / (1 - again)


def _rate(cause: Cause) -> float:
    """Failures per node-second of a cause given by its rate, 0 for one given by its lifetime."""
    return (cause.per_1000_node_days or 0.0) * PER_1000_NODE_DAYS
