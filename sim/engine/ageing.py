"""Whatever strikes the nodes of a pool in its time, and the queue of all to come on one clock."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Literal

from sim.catalogue.failures import Cause

Clock = Literal["powered", "computing"]

Due = tuple[float, int, int]
"""A failure to come: its time on a clock, the rank of the risk, the node."""
NEVER: Due = (math.inf, -1, -1)
NONE = -math.inf
"""Stands for no time at all: that of a clock which stands still."""


class Queue:
    """The failures to come on one clock, of all risks.

    One that has been put off meanwhile stays in the heap and is passed over when its turn comes:
    taking it out at once would cost a search.
    """

    def __init__(self) -> None:
        self.heap: list[Due] = []
        self._dues: dict[int, list[float]] = {}

    def add(self, rank: int, dues: list[float], horizon: float) -> None:
        """Add the failures of one risk, by node.

        Those beyond the horizon are left out, as most of a large fleet's are, until they are put
        off again.
        """
        self._dues[rank] = dues
        self.heap += [
            (due, rank, node) for node, due in enumerate(dues) if NONE < due <= horizon
        ]
        heapify(self.heap)

    def next(self) -> Due:
        """The next failure."""
        heap = self.heap
        while heap:
            first = heap[0]
            due, rank, node = first
            if self._dues[rank][node] == due:
                return first
            heappop(heap)
        return NEVER


@dataclass(slots=True)
class Failure:
    """A failure as it strikes, and what was drawn for it (times in seconds).

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

    node: int
    cause: Cause
    detect: float
    repair: float
    permanent: bool = False
    cured: bool = False
    again: float = math.inf
    neighbours: int = 0
    shared_repair: bool = False

    @property
    def hidden(self) -> bool:
        """Whether the fault is not noticed at once: silent corruption, or a straggler."""
        return self.cause.silent or self.cause.slowdown > 1


class Ageing(ABC):
    """Failures to come of the nodes of a pool, on one clock."""

    def __init__(self, clock: Clock, nodes: int) -> None:
        self.clock: Clock = clock
        self._due = [NONE] * nodes
        """When each node fails whose clock runs."""
        self._left = [NONE] * nodes
        """What is left until then of each node whose clock stands."""
        self._queue = Queue()
        self._rank = 0
        self._horizon = math.inf

    def join(self, queue: Queue, rank: int) -> None:
        """Enter the failures before the horizon in a queue that other risks share."""
        queue.add(rank, self._due, self._horizon)
        self._queue = queue
        self._rank = rank

    @abstractmethod
    def strike(self, node: int) -> Failure:
        """The failure that a node has now; what failed begins its next life."""

    def likewise(self, node: int, cause: Cause, clock: float) -> Failure:
        """The failure that a shock of `cause` somewhere else brings to a node."""
        raise AssertionError(f"{cause.cause} takes no neighbours")

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

    def _run(self, node: int, due: float) -> None:
        self._due[node] = due
        heappush(self._queue.heap, (due, self._rank, node))
