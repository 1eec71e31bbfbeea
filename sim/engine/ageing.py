"""Whatever strikes the nodes of a pool in its time, and the queue of all to come on one clock."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from heapq import heapify, heappop, heappush
from typing import Literal

from sim.catalogue.failures import Cause

Clock = Literal["powered", "computing"]

Due = tuple[float, int, int]
"""A failure to come: its time on a clock, the rank of the risk, the unit."""
NEVER: Due = (math.inf, -1, -1)
NONE = -math.inf
"""Stands for no time at all: of a clock that runs, or of one that stands still."""


class Queue:
    """The failures to come on one clock, of all risks.

    One that has been put off meanwhile stays in the heap and is passed over when its turn comes:
    taking it out at once would cost a search.
    """

    def __init__(self) -> None:
        self.heap: list[Due] = []
        self._dues: dict[int, list[float]] = {}

    def add(self, rank: int, dues: list[float], horizon: float) -> None:
        """Add the failures of one risk, by unit.

        Those beyond the horizon are left out, as most of a large fleet's are, until they are put
        off again.
        """
        self._dues[rank] = dues
        self.heap += [(due, rank, unit) for unit, due in enumerate(dues) if NONE < due <= horizon]
        heapify(self.heap)

    def next(self) -> Due:
        """The next failure."""
        heap = self.heap
        while heap:
            first = heap[0]
            due, rank, unit = first
            if self._dues[rank][unit] == due:
                return first
            heappop(heap)
        return NEVER


class Failure:
    """A failure as it strikes: the node, the cause, and what was drawn for it (times in seconds).

    Attributes
    ----------
    node : int
    cause : Cause
    detect, repair : float
    permanent : bool
        Whether what failed is beyond repair.
    cured : bool
        Whether the repair makes a bad node good.
    again : float
        Powered time after the repair at which the same cause strikes again.
    neighbours : int
        Further nodes that this shock takes.
    shared_repair : bool
        Whether these are repaired in the time drawn for the first.
    """

    __slots__ = (
        "again",
        "cause",
        "cured",
        "detect",
        "neighbours",
        "node",
        "permanent",
        "repair",
        "shared_repair",
    )

    def __init__(
        self,
        node: int,
        cause: Cause,
        detect: float,
        repair: float,
        permanent: bool = False,
        cured: bool = False,
        again: float = math.inf,
        neighbours: int = 0,
        shared_repair: bool = False,
    ) -> None:
        self.node = node
        self.cause = cause
        self.detect = detect
        self.repair = repair
        self.permanent = permanent
        self.cured = cured
        self.again = again
        self.neighbours = neighbours
        self.shared_repair = shared_repair

    @property
    def hidden(self) -> bool:
        """Whether the fault is not noticed at once: silent corruption, or a straggler."""
        return self.cause.silent or self.cause.slowdown > 1


class Ageing(ABC):
    """Failures to come of units, which are nodes or parts of nodes."""

    def __init__(self, clock: Clock, units: int) -> None:
        self.clock: Clock = clock
        self._due = [NONE] * units
        """When each unit fails whose clock runs."""
        self._left = [NONE] * units
        """What is left of the life of each unit whose clock stands."""
        self._queue = Queue()
        self._rank = 0
        self._horizon = math.inf

    def join(self, queue: Queue, rank: int) -> None:
        """Enter the failures before the horizon in a queue that other risks share."""
        queue.add(rank, self._due, self._horizon)
        self._queue = queue
        self._rank = rank

    @abstractmethod
    def strike(self, unit: int) -> Failure:
        """The failure that `unit` now has."""

    def likewise(self, node: int, cause: Cause, clock: float, *, weak: bool) -> Failure:
        """The failure that a shock of `cause` somewhere else brings to `node`."""
        raise AssertionError(f"{cause.cause} takes no neighbours")

    def renew(self, unit: int, clock: float, *, weak: bool) -> None:  # noqa: B027
        """Begin the next life of `unit`."""

    def replace(self, node: int) -> None:  # noqa: B027
        """A new node has come in the place of one whose clock stands still."""

    def cure(self, node: int) -> None:  # noqa: B027
        """A bad node, its clock standing still, has become good."""

    def start(self, node: int, clock: float) -> None:
        """The node's clock begins to run."""
        left = self._left[node]
        if left != NONE:
            self._left[node] = NONE
            self._run(node, clock + left)

    def stop(self, node: int, clock: float) -> None:
        """The node's clock stands still."""
        due = self._due[node]
        if due != NONE:
            self._due[node] = NONE
            self._left[node] = due - clock

    def _run(self, unit: int, due: float) -> None:
        self._due[unit] = due
        heappush(self._queue.heap, (due, self._rank, unit))
