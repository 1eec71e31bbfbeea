"""A plain and slow simulator of one training job, to be read by eye and to doubt the engine with.

It was written from the words of the design (what an interruption is, when a checkpoint is durable,
which clock runs when), not from the engine; where they leave a choice, docs/design.md names the one
that both have taken. It steps from one instant to the next: all
that could happen is listed, the nearest happens, and every clock is moved on by hand. Each node
carries what is left of each of its lives; each checkpoint is an event when it begins, when the job
goes on, and when it is durable. Times are seconds, work is in seconds of the whole fleet.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

SAME = 1e-6
"""Instants nearer than this are one."""


@dataclass(frozen=True)
class Cause:
    """A cause of failure that strikes one node again and again, each time after the same life."""

    name: str
    node: int
    life: float
    clock: str = "powered"
    switch: bool = False
    hardware: bool = True
    silent: bool = False
    slowdown: float = 1.0
    permanent: bool = False
    detect: float = 0.0
    repair: float = 0.0
    refail: float | None = None


@dataclass(frozen=True)
class Case:
    """A job of `nodes` nodes, `replica` of which hold the model once."""

    causes: tuple[Cause, ...] = ()
    nodes: int = 4
    replica: int = 1
    hot: int = 0
    cold: int = 0
    pod: int = 1
    work: float = 40 * 3600.0
    horizon: float = 80 * 3600.0
    drop: bool = False
    interval: float = 3600.0
    blocking: float = 0.0
    flush: float = 0.0
    load: float = 0.0
    final: bool = False
    copies: int = 1
    """Marks in an interval; all but the last only copy to the memory of a peer."""
    copy_blocking: float = 0.0
    copy_load: float = 0.0
    restart: float = 0.0
    reschedule: float = 0.0
    provision: float = 0.0
    reconfigure: float = 0.0
    standby: int | None = None
    crew: int | None = None
    evict_after: int | None = None


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
    relapses: list[tuple[float, Cause]] = field(default_factory=list)
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
    spoilt: frozenset[Fault]


class Job:
    """The job, second by second."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.now = 0.0
        self.time: Counter[str] = Counter()
        self.count: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.nodes = [self._node(number) for number in range(case.nodes + case.hot + case.cold)]
        self.turns = 0
        self.queue: list[tuple[Node, float]] = []
        self.work = 0.0
        self.share = 1.0
        self.timer = 0.0
        self.passed = 0
        self.spoilt: set[Fault] = set()
        self.marks = [Mark(0.0, 0.0, 0.0, memory=False, spoilt=frozenset())]
        self.lost_memory: set[int] = set()
        self.phase = "restart"
        self.until = math.inf
        self.found: list[Fault] = []
        self.why = "restart"
        self.known: set[Fault] = set()
        self.box: Node | None = None
        self.chosen = self.lacking = self.boxed = self.ready = False
        self.target = case.nodes
        self.first = True
        self.done = False

    def _node(self, number: int) -> Node:
        case = self.case
        lives = {cause: cause.life for cause in case.causes if cause.node == number}
        place = "cold_spare"
        if number < case.nodes + case.hot:
            place = "hot_spare"
        if number < case.nodes:
            place = "active"
        node = Node(number, place, lives, boxed=place == "cold_spare")
        inside = min(case.standby or 0, case.hot)
        node.standby = case.nodes <= number < case.nodes + inside
        return node

    # The way of time

    def run(self) -> Job:
        """Step from instant to instant until the work is done or the horizon is reached."""
        self._assemble("restart")
        while not self.done and self.now < self.case.horizon - SAME:
            step = min(self._next(), self.case.horizon) - self.now
            self._move_on(max(step, 0.0))
            self._happen()
        if not self._running():
            self._fall_back()
        return self

    def _next(self) -> float:
        instants = [self.until]
        for node in self.nodes:
            instants.append(node.back)
            instants.extend(self.now + left for left in self._lives(node))
            instants.extend(fault.found for fault in node.faults)
        instants.extend(fault.found for fault in self.spoilt - self.known)
        instants.extend(mark.durable for mark in self.marks if mark.durable > self.now + SAME)
        if self.phase == "compute":
            speed = self.share / self._slowdown()
            instants.append(self.now + (self.case.work - self.work) / speed)
            instants.append(self.now + self._to_mark())
        return min(instants)

    def _to_mark(self) -> float:
        return self.case.interval / self.case.copies - self.timer

    def _slowdown(self) -> float:
        faults = [fault for node in self._at("active") for fault in node.faults]
        return max((fault.cause.slowdown for fault in faults), default=1.0)

    def _ticks(self, node: Node, clock: str) -> bool:
        if clock == "powered":
            return node.place in ("active", "hot_spare")
        return node.place == "active" and self.phase in ("compute", "block", "final")

    def _lives(self, node: Node) -> list[float]:
        lives = [left for cause, left in node.lives.items() if self._ticks(node, cause.clock)]
        if self._ticks(node, "powered"):
            lives.extend(left for left, _ in node.relapses)
        return lives

    def _move_on(self, step: float) -> None:
        for node in self.nodes:
            for cause in node.lives:
                if self._ticks(node, cause.clock):
                    node.lives[cause] -= step
            if self._ticks(node, "powered"):
                node.relapses = [(left - step, cause) for left, cause in node.relapses]
        self.now += step
        if self.phase == "compute":
            productive = step / self._slowdown()
            self.time["productive"] += productive
            self.time["stall"] += step - productive
            self.work += productive * self.share
            self.timer += step
        else:
            names = {"block": "checkpoint", "save": "checkpoint", "final": "checkpoint"}
            self.time[names.get(self.phase, self.phase)] += step

    def _happen(self) -> None:
        if self.phase == "final" and self.until <= self.now + SAME:
            self.done = True
        elif self.phase == "compute" and self.work >= self.case.work - SAME:
            self._reach_goal()
        elif self.phase == "compute" and self._to_mark() <= SAME:
            self._mark()
        if self.done:
            return
        for node in self.nodes:
            if node.back <= self.now + SAME:
                self._return(node)
        self._fail()
        self._find()
        if self.until <= self.now + SAME:
            self._end_phase()
        self._look_around()

    def _reach_goal(self) -> None:
        self.work = self.case.work
        self.done = not self.case.final
        self._go("final", self.case.blocking + self.case.flush)

    def _go(self, phase: str, seconds: float) -> None:
        self.phase = phase
        self.until = self.now + seconds

    def _end_phase(self) -> None:
        if self.phase == "final":
            self.done = True
            return
        self.until = math.inf
        if self.phase == "block":
            self.phase = "compute"
        elif self.phase == "save":
            self._stopped_as_planned()
        elif self.phase == "detect":
            self._assemble("restart")
        elif self.box is not None:
            self._unpack()
            self._fill()
        elif self.ready:
            self._compute()
        else:
            self._fill()

    # Checkpoints

    def _mark(self) -> None:
        self.timer = 0.0
        self.passed += 1
        storage = self.passed % self.case.copies == 0
        blocking = self.case.blocking if storage else self.case.copy_blocking
        self.lost_memory.clear()
        if storage:
            self._save(blocking + self.case.flush)
        if self.case.copies > 1:
            self._save(blocking, memory=True)
        self._go("block", blocking)

    def _save(self, seconds: float, memory: bool = False) -> None:
        spoilt = frozenset(self.spoilt)
        durable = self.now + seconds
        self.marks.append(Mark(self.work, self.time["productive"], durable, memory, spoilt))

    def _usable(self) -> Mark:
        """The newest checkpoint that is whole and older than every corruption that was found."""
        usable = [mark for mark in self.marks if not mark.memory]
        memory = [mark for mark in self.marks if mark.memory]
        if not self._pair_lost() and not self.known:
            usable += memory[-1:]
        clean = [mark for mark in usable if not mark.spoilt & self.known]
        return max(clean, key=lambda mark: (mark.work, mark.memory))

    def _fall_back(self) -> None:
        mark = self._usable()
        self.time["rework"] += self.time["productive"] - mark.productive
        self.time["productive"] = mark.productive
        self.work = mark.work
        self.spoilt = set(mark.spoilt)
        self.marks = [each for each in self.marks if each.work <= mark.work]
        self.known.clear()

    def _pair_lost(self) -> bool:
        return any(number ^ 1 in self.lost_memory for number in self.lost_memory)

    # Failures

    def _fail(self) -> None:
        struck = []
        for node in self.nodes:
            for cause, left in list(node.lives.items()):
                if left <= SAME and self._ticks(node, cause.clock):
                    node.lives[cause] = cause.life
                    struck.append((node, cause))
            due = [cause for left, cause in node.relapses if left <= SAME]
            if due and self._ticks(node, "powered"):
                node.relapses = [pair for pair in node.relapses if pair[0] > SAME]
                struck.extend((node, cause) for cause in due)
        for node, cause in struck:
            if node.place in ("active", "hot_spare"):
                self._strike(node, cause)

    def _strike(self, node: Node, cause: Cause) -> None:
        self.failures[cause.name] += 1
        if cause.silent or cause.slowdown > 1:
            fault = Fault(cause, self.now + cause.detect, node)
            node.faults.append(fault)
            if cause.silent and node.place == "active" and self._running():
                self.spoilt.add(fault)
            return
        hit = self._taken(node, cause)
        of_job = any(each.place == "active" for each in hit)
        for each in hit:
            self._take_out(each, cause)
        if of_job:
            self._interrupt(cause.detect)

    def _taken(self, node: Node, cause: Cause) -> list[Node]:
        if not cause.switch:
            return [node]
        pod = self.case.pod
        near = [each for each in self.nodes if each.number // pod == node.number // pod]
        return [each for each in near if each.place in ("active", "hot_spare")]

    def _running(self) -> bool:
        return self.phase in ("compute", "block", "save", "final")

    def _interrupt(self, detect: float) -> None:
        if self._running():
            self.count["interruptions"] += self.phase != "save"
            self.marks = [mark for mark in self.marks if mark.durable <= self.now + SAME]
            self._go("detect", detect)
            self._evict()
        elif self.ready:
            self.ready = False
            self._go("detect", detect)

    def _take_out(self, node: Node, cause: Cause) -> None:
        pending = [cause for _, cause in node.relapses]
        if cause.refail is not None and cause not in pending:
            node.relapses.append((cause.refail, cause))
        if not cause.hardware:
            return
        node.failures += 1
        if node.place == "active":
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
        while self.queue and self._mending() < (self.case.crew or math.inf):
            node, seconds = self.queue.pop(0)
            node.place = "repair"
            node.back = self.now + seconds

    def _mending(self) -> int:
        return sum(node.back < math.inf for node in self.nodes)

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

    def _find(self) -> None:
        hidden = {fault for node in self.nodes for fault in node.faults}
        hidden |= self.spoilt - self.known
        due = [fault for fault in hidden if fault.found <= self.now + SAME]
        for fault in due:
            self._found(fault)

    def _found(self, fault: Fault) -> None:
        node = fault.node
        there = fault in node.faults
        active = there and node.place == "active"
        if fault.cause.slowdown > 1 and active and self.phase in ("compute", "block", "save"):
            fault.found = math.inf
            self.found.append(fault)
            return
        spoilt = fault in self.spoilt
        if spoilt:
            self.known.add(fault)
        if there:
            node.faults.remove(fault)
            self._take_out(node, fault.cause)
        if spoilt or active:
            self._interrupt(0.0)

    # Who takes part

    def _at(self, place: str) -> list[Node]:
        return sorted((n for n in self.nodes if n.place == place), key=lambda n: n.turn)

    def _queue_up(self, node: Node, place: str) -> None:
        self.turns += 1
        node.turn = self.turns
        node.place = place

    def _possible(self) -> int:
        """Nodes of the largest job that could run."""
        there = len(self._at("active")) + len(self._at("hot_spare")) + len(self._at("cold_spare"))
        if there >= self.case.nodes:
            return self.case.nodes
        return there // self.case.replica * self.case.replica if self.case.drop else 0

    def _look_around(self) -> None:
        if self.phase == "wait":
            self._fill()
        elif self.phase in ("compute", "block"):
            better = self._possible() > len(self._at("active"))
            if self.found or better:
                self.count["planned_stops"] += 1
                if self.phase == "block":
                    # What was being written is written again, as a part of the stop.
                    self.marks = [m for m in self.marks if m.durable <= self.now + SAME]
                seconds = self.case.blocking + self.case.flush
                self._save(seconds)
                if self.case.copies > 1:
                    self._save(seconds, memory=True)
                self._go("save", seconds)

    def _stopped_as_planned(self) -> None:
        why = "restart" if self.found else "reconfigure"
        self._evict()
        self._assemble(why)

    def _evict(self) -> None:
        for fault in self.found:
            if fault in fault.node.faults:
                fault.node.faults.remove(fault)
                self._take_out(fault.node, fault.cause)
        self.found.clear()

    def _assemble(self, why: str) -> None:
        self.why = why
        self.target = self._possible() if why == "reconfigure" else self.case.nodes
        self.lacking = self.first
        self.chosen = False
        self.boxed = False
        self.box = None
        self.ready = False
        self._fill()

    def _fill(self) -> None:
        """Fill the places of the job: from standby, by choosing anew, from boxes; then restart."""
        before = len(self._at("active"))
        hot = self._at("hot_spare")
        self._take([node for node in hot if node.standby or self.case.standby is None])
        self.lacking |= len(self._at("active")) < self.target
        self._take(self._at("hot_spare"))
        self._take(self._unboxed())
        gap = self.target - len(self._at("active"))
        boxes = [node for node in self._at("cold_spare") if node.boxed]
        possible = self._possible()
        came = boxes or len(self._at("active")) > before or self.first
        choose = self.lacking and not self.chosen and self.why == "restart"
        if choose and came and possible:
            self.chosen = True
            self.count["selections"] += 1
            self._go(self.why, self.case.reschedule)
        elif boxes and (gap > 0 or (self.boxed and self._standby_lacks())):
            self.box = boxes[0]
            self._go(self.why, self.case.provision)
        elif possible:
            self.target = possible
            for node in self._at("active")[: possible - 1 : -1]:
                self._queue_up(node, "hot_spare")
            self._last_step()
        else:
            self.chosen = self.boxed = False
            self._go("wait", math.inf)

    def _take(self, spares: list[Node]) -> None:
        gap = self.target - len(self._at("active"))
        for node in spares[: max(gap, 0)]:
            node.place = "active"
            node.turn = 0
            node.standby = False

    def _last_step(self) -> None:
        self.ready = True
        if self.chosen:
            self._settle()
        load = self.case.copy_load if self._usable().memory else self.case.load
        seconds = self.case.restart + load
        if self.first:
            seconds = 0.0
        if self.why == "reconfigure":
            seconds = self.case.reconfigure
        self._go(self.why, seconds)

    def _settle(self) -> None:
        """After a choice empty places on standby are filled with all there are."""
        for position, node in enumerate(self._at("hot_spare")):
            node.standby = position < (self.case.standby or 0)
        for node in self._unboxed():
            self._stand_by(node)

    def _unboxed(self) -> list[Node]:
        return [node for node in self._at("cold_spare") if not node.boxed]

    def _standby_lacks(self) -> bool:
        return len(self._at("hot_spare") + self._unboxed()) < (self.case.standby or 0)

    def _unpack(self) -> None:
        box = self.box
        assert box
        self.box = None
        self.count["provisioned"] += 1
        self.boxed = True
        box.boxed = False
        if len(self._at("active")) < self.target:
            box.place = "active"
            box.turn = 0
        else:
            self._stand_by(box)

    def _compute(self) -> None:
        self._fall_back()
        self.first = False
        self.ready = False
        self.phase = "compute"
        self.timer = 0.0
        self.passed = 0
        self.share = len(self._at("active")) / self.case.nodes
        for node in self._at("active"):
            self.spoilt.update(fault for fault in node.faults if fault.cause.silent)
