"""What the job of the oracle is made of: clocks, checkpoints, and a fleet of nodes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import NamedTuple

from tests.oracles.cases import Cause

POWERED = ("active", "hot_spare")
USABLE = (*POWERED, "cold_spare", "box")


@dataclass(eq=False)
class Clock:
    """What is left until something befalls a node: a cause strikes it, or its fault is found."""

    node: Node
    cause: Cause
    left: float
    once: bool = False  # it is a relapse, or a fault; others begin anew


@dataclass(eq=False)
class Node:
    """A node, where it is, and what will befall it."""

    number: int
    place: str
    standby: bool = False  # it is a hot spare inside the job
    turn: int = 0  # spares step in in the order in which they became spares
    lives: list[Clock] = field(default_factory=list)  # and relapses
    faults: list[Clock] = field(default_factory=list)  # that nobody has noticed yet
    failures: int = 0
    back: float = math.inf


class Mark(NamedTuple):
    """A checkpoint: where the job stood when it began, and when it can be relied upon."""

    work: float
    productive: float
    durable: float
    memory: bool


class Fleet:
    """Where the nodes are: in the job, among its spares, in repair, or gone."""

    def __init__(self, case: SimpleNamespace) -> None:
        self.case = case
        self.now = 0.0
        self.queue: list[tuple[Node, float]] = []
        self.target = case.nodes  # nodes that the job wants to run with
        self.found: list[Clock] = []  # stragglers that will leave at the next stop
        self.new: set[Node] = set()  # those that were spares when it last trained
        self.lost_memory: set[int] = set()  # those whose copies in memory are lost
        places = ["active"] * case.nodes + ["hot_spare"] * case.hot + ["box"] * case.cold
        self.nodes = [Node(number, place) for number, place in enumerate(places)]
        for node in self._at("hot_spare")[: case.standby or 0]:
            node.standby = True
        for cause in case.causes:
            node = self.nodes[cause.node]
            node.lives.append(Clock(node, cause, cause.life))

    def _at(self, place: str) -> list[Node]:
        there = [node for node in self.nodes if node.place == place]
        return there if place == "active" else sorted(there, key=lambda node: node.turn)

    def _queue_up(self, node: Node, place: str) -> None:
        node.turn = 1 + max(each.turn for each in self.nodes)
        node.place = place

    def _possible(self) -> int:
        """Nodes of the largest job that could run."""
        there = sum(n.place in USABLE for n in self.nodes)
        if there >= self.case.nodes:
            return self.case.nodes
        return there // self.case.replica * self.case.replica if self.case.drop else 0

    def _take(self, spares: list[Node]) -> None:
        gap = self.target - len(self._at("active"))
        for node in spares[: max(gap, 0)]:
            node.place = "active"
            node.standby = False
            self.new.add(node)

    def _take_out(self, node: Node, cause: Cause) -> None:
        waits = any(life.once and life.cause is cause for life in node.lives)
        if cause.refail is not None and not waits:
            node.lives.append(Clock(node, cause, cause.refail, once=True))
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
        return max([1.0, *(f.cause.slowdown for n in self._at("active") for f in n.faults)])

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
            self._stand_by(node)
