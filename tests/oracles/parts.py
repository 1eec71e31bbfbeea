"""What the job of the oracle is made of: causes, faults, checkpoints, and a fleet of nodes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import count
from types import SimpleNamespace

POWERED = ("active", "hot_spare")


@dataclass(frozen=True)
class Cause:
    """A cause of failure that strikes one node again and again, each time after the same life."""

    name: str
    node: int = 0
    life: float = math.inf
    clock: str = "powered"
    switch: bool = False
    hardware: bool = True
    silent: bool = False
    slowdown: float = 1.0
    permanent: bool = False
    detect: float = 0.0
    repair: float = 0.0
    refail: float | None = None
    rollback: int = 0


@dataclass(eq=False)
class Fault:
    """A fault that nobody has noticed yet: silent corruption or a straggler."""

    cause: Cause
    found: float
    node: Node


@dataclass(eq=False)
class Node:
    """A node, where it is, and what will befall it."""

    number: int
    place: str
    lives: dict[Cause, float]
    """What is left until a cause strikes; it strikes again after the same time."""
    relapses: dict[Cause, float] = field(default_factory=dict)
    """The same of causes that come back once, by the powered clock."""
    faults: list[Fault] = field(default_factory=list)
    failures: int = 0
    back: float = math.inf
    standby: bool = False
    """Whether it is a hot spare inside the job."""
    boxed: bool = False
    """Whether it is a cold spare that was never unpacked."""
    turn: int = 0
    """Spares step in in the order in which they became spares."""


@dataclass(eq=False)
class Mark:
    """A checkpoint: where the job stood when it began, and when it can be relied upon."""

    work: float
    productive: float
    durable: float
    memory: bool
    spoilt: dict[Fault, float]
    """The faults under which a step was trained that still counts, and the work at their beginning."""


class Fleet:
    """Where the nodes are: in the job, among its spares, in repair, or gone."""

    def __init__(self, case: SimpleNamespace) -> None:
        self.case = case
        self.now = 0.0
        self.nodes = [self._node(number) for number in range(case.nodes + case.hot + case.cold)]
        self.turns = count(1)
        self.queue: list[tuple[Node, float]] = []
        self.target = case.nodes
        """Nodes that the job wants to run with."""
        self.found: list[Fault] = []
        """Stragglers that will leave at the next stop."""
        self.new: set[Node] = set()
        """Those that were spares when it last trained."""
        self.lost_memory: set[int] = set()
        """Those whose copies in memory are lost."""

    def _node(self, number: int) -> Node:
        case = self.case
        lives = {cause: cause.life for cause in case.causes if cause.node == number}
        place = "active"
        if number >= case.nodes:
            place = "hot_spare" if number < case.nodes + case.hot else "cold_spare"
        standby = place == "hot_spare" and number < case.nodes + (case.standby or 0)
        return Node(number, place, lives, standby=standby, boxed=place == "cold_spare")

    def _at(self, place: str) -> list[Node]:
        return sorted((n for n in self.nodes if n.place == place), key=lambda n: n.turn)

    def _queue_up(self, node: Node, place: str) -> None:
        node.turn = next(self.turns)
        node.place = place

    def _possible(self) -> int:
        """Nodes of the largest job that could run."""
        there = sum(n.place in ("active", "hot_spare", "cold_spare") for n in self.nodes)
        if there >= self.case.nodes:
            return self.case.nodes
        return there // self.case.replica * self.case.replica if self.case.drop else 0

    def _take(self, spares: list[Node]) -> None:
        gap = self.target - len(self._at("active"))
        for node in spares[: max(gap, 0)]:
            node.place = "active"
            node.turn = 0
            node.standby = False
            self.new.add(node)

    def _take_out(self, node: Node, cause: Cause) -> None:
        if cause.refail is not None:
            node.relapses.setdefault(cause, cause.refail)
        if not cause.hardware:
            return
        node.failures += 1
        # A spare that was bad from the beginning had no copy yet.
        if node.place == "active" and cause is not self.case.bad_spare:
            self.lost_memory.add(node.number)
        node.standby = False
        node.faults.clear()
        if cause.permanent or node.failures == self.case.evict_after:
            node.place = "idle"
            return
        node.place = "repair_queue"
        self.queue.append((node, cause.repair))
        self._begin_repairs()

    def _begin_repairs(self) -> None:
        crew = self.case.crew or math.inf
        while self.queue and sum(node.back < math.inf for node in self.nodes) < crew:
            node, seconds = self.queue.pop(0)
            node.place = "repair"
            node.back = self.now + seconds

    def _return(self, node: Node) -> None:
        node.back = math.inf
        self._begin_repairs()
        self._queue_up(node, "cold_spare")
        # A node that comes back to a job that lacks nodes is there to be taken, not to stand by.
        if len(self._at("active")) >= self.target:
            self._stand_by(node)

    def _stand_by(self, node: Node) -> None:
        """Take an empty place among the hot spares, inside the job first."""
        node.standby = sum(each.standby for each in self.nodes) < (self.case.standby or 0)
        if node.standby or len(self._at("hot_spare")) < self.case.hot:
            self._queue_up(node, "hot_spare")

    def _slowdown(self) -> float:
        faults = [fault for node in self._at("active") for fault in node.faults]
        return max((fault.cause.slowdown for fault in faults), default=1.0)

    def _evict(self) -> Cause | None:
        """Take out the stragglers that were found; the cause of the first."""
        first = self.found[0].cause if self.found else None
        for fault in self.found:
            if fault in fault.node.faults:
                fault.node.faults.remove(fault)
                self._take_out(fault.node, fault.cause)
        self.found.clear()
        return first

    def _all_stand_by(self) -> None:
        """After a choice empty places on standby are filled with all there are."""
        for position, node in enumerate(self._at("hot_spare")):
            node.standby = position < (self.case.standby or 0)
        for node in self._at("cold_spare"):
            if not node.boxed:
                self._stand_by(node)
