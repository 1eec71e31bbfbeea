"""A plain and slow simulator of one training job, to be read by eye and to doubt the engine with.

It was written from the words of the design, not from the engine; where they leave a choice,
docs/design.md names the one that both have taken. It steps from one instant to the next: all that
could happen is listed, the nearest happens, and every clock is moved on by hand. Each node carries
what is left of each of its lives; each checkpoint is an event (`tests/oracles/parts.py`). Times are
seconds, work is in seconds of the whole fleet; `tests/oracles/cases.py` says what a case is made of.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

from tests.oracles.parts import POWERED, Cause, Fault, Fleet, Mark, Node

Then = Callable[[], None]
SAME = 1e-6
"""Instants nearer than this are one."""
TRAINS = ("compute", "block", "final")
"""Phases in which what could be better is looked for, and the computing clock runs."""
DAY = 86400.0


class Job(Fleet):
    """The job, second by second."""

    def __init__(self, case: SimpleNamespace) -> None:
        super().__init__(case)
        self.time: defaultdict[str, float] = defaultdict(float)
        self.count: Counter[str] = Counter()
        self.work = 0.0
        self.share = 1.0
        self.timer = 0.0
        self.passed = 0
        self.marks = [Mark(0.0, 0.0, 0.0, memory=False, spoilt={})]
        self.spoilt: dict[Fault, float] = {}
        self.known: set[Fault] = set()
        self.steps_back = 0
        self.windows = list(case.windows)
        self.bad_spares = iter(case.bad_spares)
        self.failing_restarts = iter(case.failing_restarts)
        self.failed = 0
        self.answered = False
        self.chosen = self.lacking = self.boxed = self.exposed = self.done = False
        self.first = True

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
        instants.extend(node.back for node in self.nodes)
        instants.extend(self.now + lives[cause] for _, lives, cause in self._ticking())
        instants.extend(fault.found for fault in self._hidden())
        instants.extend(mark.durable for mark in self.marks if mark.durable > self.now + SAME)
        instants.extend(due for due, _, _ in self.windows if due > self.now + SAME)
        if self.phase == "compute":
            end, pace, _ = self._stage()
            speed = self.share * pace / self._slowdown()
            instants.append(self.now + (min(end, self.case.work) - self.work) / speed)
            instants.append(self.now + self._to_mark())
        return min(instants)

    def _hidden(self) -> set[Fault]:
        there = {fault for node in self.nodes for fault in node.faults}
        return there | (self.spoilt.keys() - self.known)

    def _stage(self) -> tuple[float, float, float]:
        """Of the phase of the run at this position: its end, its pace, its interval."""
        return next(stage for stage in self.case.phases if self.work < stage[0] - SAME)

    def _to_mark(self) -> float:
        _, _, interval = self._stage()
        return interval / self.case.copies - self.timer

    def _ticking(self) -> list[tuple[Node, dict[Cause, float], Cause]]:
        """The lives and relapses whose clock runs."""
        found = []
        for node in (node for node in self.nodes if node.place in POWERED):
            computes = node.place == "active" and self.phase in TRAINS
            own = [cause for cause in node.lives if computes or cause.clock == "powered"]
            found += [(node, node.lives, cause) for cause in own]
            found += [(node, node.relapses, cause) for cause in node.relapses]
        return found

    def _move_on(self, step: float) -> None:
        for _, lives, cause in self._ticking():
            lives[cause] -= step
        self.now += step
        if self.phase == "compute":
            productive = step / self._slowdown()
            self.time["productive"] += productive
            self.time["stall"] += step - productive
            _, pace, interval = self._stage()
            self.work += productive * self.share * pace
            self.timer += step
            if self._stage()[2] != interval:
                self.timer = 0.0
                self.passed = 0
        else:
            saving = self.phase in ("block", "save", "final")
            self.time["checkpoint" if saving else self.phase] += step

    def _happen(self) -> None:
        if self.phase == "final" and self.until <= self.now + SAME:
            self.done = True
        elif self.phase == "compute" and self.work >= self.case.work - SAME:
            self.work = self.case.work
            self.done = not self.case.final
            self._go("final", self.case.blocking + self.case.flush, self._train)
        elif self.phase == "compute" and self._to_mark() <= SAME:
            self._mark()
        if self.done:
            return
        for node in self.nodes:
            if node.back <= self.now + SAME:
                self._return(node)
        self._fail()
        for fault in self._hidden():
            if fault.found <= self.now + SAME:
                self._find(fault)
        if self.until <= self.now + SAME:
            self.then()
        self._look_around()

    def _go(self, phase: str, seconds: float, then: Then, exposed: bool = False) -> None:
        """Begin what takes some time; what fails meanwhile ends it where it is exposed."""
        self.phase = phase
        self.until = self.now + seconds
        self.then = then
        self.exposed = exposed

    def _train(self) -> None:
        self._go("compute", math.inf, self._train)

    # Checkpoints

    def _mark(self) -> None:
        self.timer = 0.0
        self.passed += 1
        self.lost_memory.clear()
        blocking = self.case.copy_blocking
        if self.passed % self.case.copies == 0:
            blocking = self.case.blocking
            self._save(blocking + self.case.flush)
        if self.case.copies > 1:
            self._save(blocking, memory=True)
        self._go("block", blocking, self._train)

    def _save(self, seconds: float, memory: bool = False) -> None:
        durable = self.now + seconds
        self.marks.append(Mark(self.work, self.time["productive"], durable, memory, self._spoilt()))

    def _usable(self) -> Mark:
        """The newest checkpoint that is whole and older than every corruption that was found."""
        usable = [mark for mark in self.marks if not mark.memory]
        pair_lost = any(number ^ 1 in self.lost_memory for number in self.lost_memory)
        if not (pair_lost or self.known or self.steps_back):
            usable += [mark for mark in self.marks if mark.memory][-1:]
        clean = [mark for mark in usable if not mark.spoilt.keys() & self.known]
        return max(clean, key=lambda mark: (mark.work, mark.memory))

    def _fall_back(self) -> None:
        mark = self._usable()
        too_new = mark.work - self.work + self.steps_back * self.case.step * self.share
        if self.steps_back and too_new > 0 and mark.work:
            period = self.case.interval * self.share
            work = max(mark.work - math.ceil(too_new / period) * period, 0.0)
            mark = replace(mark, work=work, productive=mark.productive * work / mark.work)
        self.time["rework"] += self.time["productive"] - mark.productive
        self.time["productive"] = mark.productive
        self.work = mark.work
        self.spoilt = dict(mark.spoilt)
        self.marks = [each for each in self.marks if each.work <= mark.work and each is not mark]
        if self.known or self.steps_back:
            # What was copied to memory since is thrown away, and with it whatever it was written over.
            self.marks = [each for each in self.marks if not each.memory]
        self.marks.append(mark)
        self.known.clear()
        self.steps_back = 0

    # Failures

    def _fail(self) -> None:
        struck = [each for each in self._ticking() if each[1][each[2]] <= SAME]
        for node, lives, cause in struck:
            lives[cause] = cause.life
            if lives is node.relapses:
                del lives[cause]
        for node, _, cause in struck:
            if node.place in POWERED:
                self._strike(node, cause)

    def _strike(self, node: Node, cause: Cause) -> None:
        self.count[cause.name] += 1
        if cause.silent or cause.slowdown > 1:
            fault = Fault(cause, self.now + cause.detect, node)
            node.faults.append(fault)
            if cause.silent and node.place == "active" and self._running():
                self.spoilt[fault] = self.work
            return
        hit = [node]
        if cause.switch:
            pod = node.number // self.case.pod
            hit = [n for n in self.nodes if n.number // self.case.pod == pod and n.place in POWERED]
        of_job = any(each.place == "active" for each in hit)
        for each in hit:
            self._take_out(each, cause)
        if of_job:
            if not self.first:
                self.steps_back = max(self.steps_back, cause.rollback)
            self._interrupt(cause, cause.detect)

    def _spoilt(self) -> dict[Fault, float]:
        """The faults under which a step was trained that still counts."""
        return {fault: work for fault, work in self.spoilt.items() if work < self.work - SAME}

    def _running(self) -> bool:
        return self.phase in (*TRAINS, "save")

    def _interrupt(self, cause: Cause, detect: float) -> None:
        if self._running():
            self.count["interruptions"] += self.phase != "save"
            self.marks = [mark for mark in self.marks if mark.durable <= self.now + SAME]
        elif not self.exposed:
            return
        self._go("detect", detect, partial(self._respond, cause.name in self.case.automatic))
        self._evict()

    def _respond(self, automatic: bool) -> None:
        """Wait until somebody acts, once between two times that the job trains."""
        seconds = 0.0
        if self.case.response and not (automatic or self.answered):
            self.answered = True
            clock = self.now % DAY
            begins, ends = self.case.hours
            seconds = self.case.response
            if not begins <= clock < ends:
                seconds = self.case.off_duty or seconds + (begins - clock) % DAY
        self._go("respond", seconds, partial(self._assemble, "restart"))

    def _find(self, fault: Fault) -> None:
        node = fault.node
        there = fault in node.faults
        active = there and node.place == "active"
        if fault.cause.slowdown > 1 and active and self._running():
            fault.found = math.inf
            self.found.append(fault)
            return
        spoilt = fault in self._spoilt()
        if spoilt:
            self.known.add(fault)
        else:
            self.spoilt.pop(fault, None)
        if there:
            node.faults.remove(fault)
            self._take_out(node, fault.cause)
        if spoilt or active:
            self._interrupt(fault.cause, 0.0)

    # Who takes part

    def _look_around(self) -> None:
        if self.phase == "wait":
            self._fill()
        if self.phase not in TRAINS:
            return
        if self.found or self._possible() > len(self._at("active")):
            self._stop(0.0, partial(self._assemble, "reconfigure"))
        elif self.windows and min(self.windows)[0] <= self.now + SAME:
            due, every, seconds = min(self.windows)
            self.windows.remove((due, every, seconds))
            if every:
                missed = math.floor((self.now - due + SAME) / every)
                self.windows.append((due + (missed + 1) * every, every, seconds))
            self._stop(seconds, self._restart)

    def _stop(self, stand: float, then: Then) -> None:
        """Save, take the stragglers out, and stand still for some time."""
        self.count["planned_stops"] += 1
        if self.phase == "block":
            # What was being written is written again, as a part of the stop.
            self.marks = [m for m in self.marks if m.durable <= self.now + SAME]
        seconds = self.case.blocking + self.case.flush
        self._save(seconds)
        if self.case.copies > 1:
            self._save(seconds, memory=True)
        self._go("save", seconds, partial(self._stopped, stand, then))

    def _stopped(self, stand: float, then: Then) -> None:
        self.lost_memory.clear()
        if straggler := self._evict():
            then = partial(self._respond, straggler.name in self.case.automatic)
        self._go("planned", stand, then, exposed=True)

    def _assemble(self, why: str) -> None:
        self.why = why
        self.target = self._possible() if why == "reconfigure" else self.case.nodes
        self.lacking = self.first
        self.chosen = self.boxed = False
        self._fill()

    def _fill(self) -> None:
        """Fill the places of the job: from standby, by choosing anew, from boxes; then restart."""
        before = len(self._at("active"))
        hot = self._at("hot_spare")
        self._take([node for node in hot if node.standby or self.case.standby is None])
        self.lacking |= len(self._at("active")) < self.target
        unboxed = [node for node in self._at("cold_spare") if not node.boxed]
        self._take(self._at("hot_spare") + unboxed)
        gap = self.target - len(self._at("active"))
        boxes = [node for node in self._at("cold_spare") if node.boxed]
        spares = len(self._at("hot_spare") + self._at("cold_spare")) - len(boxes)
        possible = self._possible()
        came = boxes or len(self._at("active")) > before or self.first
        choose = self.lacking and not self.chosen and self.why == "restart"
        if choose and came and possible:
            self.chosen = True
            self.count["selections"] += 1
            self._go(self.why, self.case.reschedule, self._fill)
        elif boxes and (gap > 0 or (self.boxed and spares < (self.case.standby or 0))):
            self._go(self.why, self.case.provision, partial(self._unpack, boxes[0]))
        elif possible:
            self.target = possible
            for node in self._at("active")[: possible - 1 : -1]:
                self._queue_up(node, "hot_spare")
            self._start()
        else:
            self.chosen = self.boxed = False
            self._go("wait", math.inf, self._fill)

    def _unpack(self, box: Node) -> None:
        self.count["provisioned"] += 1
        self.boxed = True
        box.boxed = False
        if len(self._at("active")) < self.target:
            box.place = "active"
            box.turn = 0
        else:
            self._stand_by(box)
        self._fill()

    def _start(self) -> None:
        if self.chosen:
            self._all_stand_by()
        if self.first:
            self._go(self.why, 0.0, self._compute)
        elif self.why == "reconfigure":
            self._go(self.why, self.case.reconfigure, self._compute, exposed=True)
        else:
            self._restart()

    def _restart(self) -> None:
        load = self.case.copy_load if self._usable().memory else self.case.load
        self._go("restart", self.case.restart + load, self._restarted, exposed=True)

    def _restarted(self) -> None:
        """What is new is tested, and the restart may fail."""
        spares = [node for node in self._at("active") if node in self.new]
        bad = [node for node in spares if next(self.bad_spares, False)]
        self.count["bad_spares"] += len(bad)
        self.new.clear()
        for node in bad:
            self._take_out(node, self.case.bad_spare)
        if bad:
            self._assemble("restart")
        elif self.failed <= self.case.tries and next(self.failing_restarts, False):
            self.count["failed_restarts"] += 1
            self.failed += 1
            self._respond(automatic=self.failed <= self.case.tries)
        else:
            self._compute()

    def _compute(self) -> None:
        self._fall_back()
        self.first = False
        self.answered = False
        self.failed = 0
        self.timer = 0.0
        self.passed = 0
        self.share = len(self._at("active")) / self.case.nodes
        self.new.clear()
        for node in self._at("active"):
            for fault in node.faults:
                if fault.cause.silent and fault not in self.spoilt:
                    self.spoilt[fault] = self.work
        self._train()
