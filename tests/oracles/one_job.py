"""A plain and slow simulator of one training job, to be read by eye and to doubt the engine with.

It was written from the words of the design, not from the engine; where they leave a choice,
docs/design.md names the one that both have taken. It steps from one instant to the next: all that
could happen is listed, the nearest happens, and every clock is moved on by hand. Times are seconds,
work is in seconds of the whole fleet; `tests/oracles/cases.py` says what a case is made of.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

from tests.oracles.cases import DAY, Cause
from tests.oracles.parts import POWERED, Clock, Fleet, Mark, Node

Then = Callable[[], None]
SAME = 1e-6  # instants nearer than this are one
TRAINS = ("compute", "block", "final")  # what could be better is looked for; computing clocks run
RUNS = (*TRAINS, "save")
EXPOSED = ("planned", "restart", "reconfigure")  # what fails meanwhile ends it
BOOKED: dict[str, str] = dict.fromkeys(("block", "save", "final"), "checkpoint")
BOOKED |= dict.fromkeys(("choose", "unpack"), "restart")


class Job(Fleet):
    """The job, second by second."""

    def __init__(self, case: SimpleNamespace) -> None:
        super().__init__(case)
        self.told: defaultdict[str, float] = defaultdict(float)  # seconds, and how often
        self.work = 0.0
        self.share = 1.0
        self.marks = [Mark(0.0, 0.0, 0.0, memory=False)]
        self.spoilt: dict[Clock, float] = {}  # hidden faults, and the work at which each began
        self.clean = math.inf  # the work at which the first corruption began that was found
        self.steps_back = 0
        self.windows = sorted(case.windows)
        self.bad_spares = iter(case.bad_spares)
        self.failing_restarts = iter(case.failing_restarts)
        self.first = True
        self.done = False

    def run(self) -> Job:
        """Step from instant to instant until the work is done or the horizon is reached."""
        self._assemble("restart")
        while not self.done and self.now < self.case.horizon - SAME:
            self._move_on(max(min(self._next(), self.case.horizon) - self.now, 0.0))
            self._happen()
        if self.phase not in RUNS:
            self._fall_back()
        return self

    def _next(self) -> float:
        instants = [self.until, *(node.back for node in self.nodes)]
        instants += [self.now + clock.left for clock in (*self._ticking(), *self._hidden())]
        instants += [due for due, _, _ in self.windows if due > self.now + SAME]
        if self.phase == "compute":
            end, pace, _ = self._stage()
            speed = self.share * pace / self._slowdown()
            instants.append(self.now + (min(end, self.case.work) - self.work) / speed)
            instants.append(self.now + self._to_mark())
        return min(instants)

    def _hidden(self) -> set[Clock]:
        return {fault for node in self.nodes for fault in node.faults} | self.spoilt.keys()

    def _stage(self) -> tuple[float, float, float]:
        """Of the phase of the run at this position: its end, its pace, its interval."""
        return next(stage for stage in self.case.phases if self.work < stage[0] - SAME)

    def _to_mark(self) -> float:
        _, _, interval = self._stage()
        return interval / self.case.copies - self.timer

    def _ticking(self) -> list[Clock]:
        """Lives that run: relapses wherever a node has power, others as their causes say."""
        found = []
        for node in (node for node in self.nodes if node.place in POWERED):
            computes = node.place == "active" and self.phase in TRAINS
            for life in node.lives:
                if computes or life.once or life.cause.clock == "powered":
                    found.append(life)
        return found

    def _move_on(self, step: float) -> None:
        for clock in (*self._ticking(), *self._hidden()):
            clock.left -= step
        self.now += step
        if self.phase == "compute":
            productive = step / self._slowdown()
            self.told["productive"] += productive
            self.told["stall"] += step - productive
            _, pace, interval = self._stage()
            self.work += productive * self.share * pace
            self.timer += step
            if self._stage()[2] != interval:
                self.timer = 0.0
                self.passed = 0
        else:
            self.told[BOOKED.get(self.phase, self.phase)] += step

    def _happen(self) -> None:
        if self.phase == "final" and self.until <= self.now + SAME:
            self.done = True
        elif self.phase == "compute" and self.work >= self.case.work - SAME:
            self.work = self.case.work
            self.done = not self.case.final
            self._go("final", self.case.blocking + self.case.flush)
        elif self.phase == "compute" and self._to_mark() <= SAME:
            self._mark()
        if self.done:
            return
        for node in self.nodes:
            if node.back <= self.now + SAME:
                self._return(node)
        self._fail()
        for fault in self._hidden():
            if fault.left <= SAME:
                self._find(fault)
        if self.then and self.until <= self.now + SAME:
            self.then()
        self._look_around()

    def _go(self, phase: str, seconds: float = math.inf, then: Then | None = None) -> None:
        self.phase = phase
        self.until = self.now + seconds
        self.then = then

    def _mark(self) -> None:
        self.timer = 0.0
        self.passed += 1
        self.lost_memory.clear()
        blocking = self.case.copy_blocking
        if self.passed % self.case.copies == 0:
            blocking = self.case.blocking
            self._save(blocking + self.case.flush)
        self._save(blocking, memory=True)
        self._go("block", blocking, partial(self._go, "compute"))

    def _save(self, seconds: float, memory: bool = False) -> None:
        self.marks.append(Mark(self.work, self.told["productive"], self.now + seconds, memory))

    def _usable(self) -> Mark:
        """The newest checkpoint that is whole and older than every corruption that was found."""
        pair_lost = any(number ^ 1 in self.lost_memory for number in self.lost_memory)
        copied = self.case.copies > 1 and self._trusted() and not pair_lost
        clean = [mark for mark in self.marks if mark.work <= self.clean + SAME]
        return max((m for m in clean if copied or not m.memory), key=lambda m: (m.work, m.memory))

    def _trusted(self) -> bool:
        """Whether nothing that was trained is to be thrown away, and with it all copies of it."""
        return self.clean == math.inf and not self.steps_back

    def _fall_back(self) -> None:
        mark = self._usable()
        too_new = mark.work - self.work + self.steps_back * self.case.step * self.share
        if self.steps_back and too_new > 0 and mark.work:
            period = self.case.interval * self.share
            work = max(mark.work - math.ceil(too_new / period) * period, 0.0)
            mark = mark._replace(work=work, productive=mark.productive * work / mark.work)
        self.told["rework"] += self.told["productive"] - mark.productive
        self.told["productive"] = mark.productive
        self.work = mark.work
        self.spoilt = {f: work for f, work in self.spoilt.items() if work < mark.work - SAME}
        older = [each for each in self.marks if each.work <= mark.work and each is not mark]
        # Copies that are thrown away were written over those before.
        self.marks = [each for each in older if self._trusted() or not each.memory] + [mark]
        self.clean = math.inf
        self.steps_back = 0

    def _fail(self) -> None:
        struck = [life for life in self._ticking() if life.left <= SAME]
        for life in struck:
            life.left = life.cause.life
            if life.once:
                life.node.lives.remove(life)
            if life.node.place in POWERED:
                self._strike(life.node, life.cause)

    def _strike(self, node: Node, cause: Cause) -> None:
        self.told[cause.name] += 1
        if cause.silent or cause.slowdown > 1:
            fault = Clock(node, cause, cause.detect, once=True)
            node.faults.append(fault)
            if cause.silent and node.place == "active" and self.phase in RUNS:
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
            self.steps_back = max(self.steps_back, cause.rollback)
            self._interrupt(cause, cause.detect)

    def _interrupt(self, cause: Cause, detect: float) -> None:
        if self.phase in RUNS:
            self.told["interruptions"] += self.phase != "save"
            self.marks = [mark for mark in self.marks if mark.durable <= self.now + SAME]
        elif self.phase not in EXPOSED:
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

    def _find(self, fault: Clock) -> None:
        node = fault.node
        there = fault in node.faults
        active = there and node.place == "active"
        if fault.cause.slowdown > 1 and active and self.phase in RUNS:
            fault.left = math.inf
            self.found.append(fault)
            return
        began = self.spoilt.pop(fault, math.inf)
        spoilt = began < self.work - SAME
        if spoilt:
            self.clean = min(self.clean, began)
        if there:
            node.faults.remove(fault)
            self._take_out(node, fault.cause)
        if spoilt or active:
            self._interrupt(fault.cause, 0.0)

    def _look_around(self) -> None:
        if self.phase == "wait":
            self._fill()
        if self.phase not in TRAINS:
            return
        if self.found or self._possible() > len(self._at("active")):
            self._stop(0.0, partial(self._assemble, "reconfigure"))
        elif self.windows and self.windows[0][0] <= self.now + SAME:
            due, every, seconds = self.windows.pop(0)
            missed = math.floor((self.now - due + SAME) / every)
            self.windows = sorted([*self.windows, (due + (missed + 1) * every, every, seconds)])
            self._stop(seconds, self._restart)

    def _stop(self, stand: float, then: Then) -> None:
        """Save, take the stragglers out, and stand still for some time."""
        self.told["planned_stops"] += 1
        if self.phase == "block":
            # What was being written is written again, as a part of the stop.
            self.marks = [m for m in self.marks if m.durable <= self.now + SAME]
        seconds = self.case.blocking + self.case.flush
        self._save(seconds)
        self._save(seconds, memory=True)
        self._go("save", seconds, partial(self._stopped, stand, then))

    def _stopped(self, stand: float, then: Then) -> None:
        self.lost_memory.clear()
        if straggler := self._evict():
            then = partial(self._respond, straggler.name in self.case.automatic)
        self._go("planned", stand, then)

    def _assemble(self, why: str) -> None:
        self.why = why
        self.target = self._possible() if why == "reconfigure" else self.case.nodes
        self.lacking = self.first
        self.chosen = self.boxed = False
        self._fill()

    def _fill(self) -> None:
        """Fill the places of the job: from standby, by choosing anew, from boxes; then restart."""
        before = len(self._at("active"))
        self._take([n for n in self._at("hot_spare") if n.standby or self.case.standby is None])
        self.lacking |= len(self._at("active")) < self.target
        self._take(self._at("hot_spare") + self._at("cold_spare"))
        gap = len(self._at("active")) < self.target
        boxes = self._at("box")
        spares = len(self._at("hot_spare") + self._at("cold_spare"))
        possible = self._possible()
        came = boxes or len(self._at("active")) > before or self.first
        choose = self.lacking and not self.chosen and self.why == "restart"
        if choose and came and possible:
            self.chosen = True
            self.told["selections"] += 1
            self._go("choose", self.case.reschedule, self._fill)
        elif boxes and (gap or (self.boxed and spares < (self.case.standby or 0))):
            self._go("unpack", self.case.provision, partial(self._unpack, boxes[0]))
        elif possible:
            self.target = possible
            for node in self._at("active")[: possible - 1 : -1]:
                self._queue_up(node, "hot_spare")
            if self.chosen:
                self._all_stand_by()
            if self.first:
                self._compute()
            elif self.why == "reconfigure":
                self._go("reconfigure", self.case.reconfigure, self._compute)
            else:
                self._restart()
        else:
            self.chosen = self.boxed = False
            self._go("wait")

    def _unpack(self, box: Node) -> None:
        self.told["provisioned"] += 1
        self.boxed = True
        box.place = "active"
        if len(self._at("active")) > self.target:
            box.place = "cold_spare"
            self._stand_by(box)
        self._fill()

    def _restart(self) -> None:
        load = self.case.copy_load if self._usable().memory else self.case.load
        self._go("restart", self.case.restart + load, self._restarted)

    def _restarted(self) -> None:
        """What is new is tested, and the restart may fail."""
        bad = [n for n in self._at("active") if n in self.new and next(self.bad_spares, False)]
        self.told["bad_spares"] += len(bad)
        self.new.clear()
        for node in bad:
            self._take_out(node, self.case.bad_spare)
        if bad:
            self._assemble("restart")
        elif self.failed <= self.case.tries and next(self.failing_restarts, False):
            self.told["failed_restarts"] += 1
            self.failed += 1
            self._respond(automatic=self.failed <= self.case.tries)
        else:
            self._compute()

    def _compute(self) -> None:
        self._fall_back()
        self.first = self.answered = False
        self.failed = self.passed = 0
        self.timer = 0.0
        self.share = len(self._at("active")) / self.case.nodes
        self.new.clear()
        silent = [f for n in self._at("active") for f in n.faults if f.cause.silent]
        self.spoilt = dict.fromkeys(silent, self.work) | self.spoilt
        self._go("compute")
