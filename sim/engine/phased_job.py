"""A job whose run has phases: it moves on from one to the next, and back when it falls back."""

from __future__ import annotations

from sim.engine import order
from sim.engine.job import PHASE, Job
from sim.engine.phases import Course
from sim.engine.response import Incident
from sim.engine.standstill import Process
from sim.engine.stops import PLANNED


class PhasedJob(Job):
    """A job on a fleet that may change with the phases of its run."""

    def begin(self, course: Course) -> None:
        """Begin with the first phase."""
        self._course = course
        self._limit = self._latest()
        self.training.progress.follow(course.sawtooth, course.phase.end)
        # Of those whose dates have passed before the start there is nothing else to be seen.
        if course.number:
            self._note()

    def _note(self) -> None:
        here = self.training.progress.tokens
        self._record.event(self.env.now, "phase", name=str(self._course.number), amount=here)

    def _latest(self) -> tuple[float, int]:
        return min((self._course.phase.date, order.PHASE), (self._horizon, order.HORIZON))

    def _compute(self) -> Process:
        """Train through all phases that need no stop."""
        while self.env.now < self._horizon:
            if self._must_stop():
                yield from self._rebuild()
                continue
            stop = yield from super()._compute()
            if stop is not PHASE:
                return stop
        return None

    def _must_stop(self) -> bool:
        """Let the phase of this moment be in force, unless the job has to stop for it first."""
        course = self._course
        number = course.at(self.env.now, self.training.progress.tokens)
        if number == course.number:
            return False
        if course.rebuilds(number) or (self.fleet.degraded and not self._fits(number)):
            return True
        self._enter(number, rebuilt=False)
        return False

    def _fits(self, number: int) -> bool:
        """Whether the nodes that train now are those that another phase would train with."""
        phase = self._course.phases[number]
        recovery = phase.scenario.recovery
        if recovery.policy == "wait":
            return False
        plan = phase.throughput.plan(self.fleet.at_hand, recovery.policy, recovery.keep_batch)
        return plan.used_chips == self.plan.used_chips

    def _enter(self, number: int, *, rebuilt: bool) -> None:
        """Let another phase be in force, with the chips that leave and come if it is rebuilt."""
        now = self.env.now
        course = self._course
        course.enter(number, now, self.training.progress.tokens, rebuilt=rebuilt)
        self._note()
        phase = course.phase
        recovery = phase.scenario.recovery
        self._recovery = recovery
        self._limit = self._latest()
        self.throughput = phase.throughput
        self._depletion.follow(recovery)
        self._times.follow(recovery, course.sawtooth)
        self._people.follow(recovery)
        self._still.follow(course.sawtooth.save)
        self.training.progress.follow(course.sawtooth, phase.end)
        if rebuilt:
            self.fleet.enter(phase.strengths, phase.throughput.pools, now)
        self._use(self._best_plan() if self.fleet.degraded else phase.throughput.full)

    def _rebuild(self) -> Process:
        """A planned stop between two phases: save, let chips leave and come, restart."""
        stop = yield from self._save()
        if self.env.now >= self._horizon:
            return
        incident = Incident()
        if stop is None:
            yield from self._renew()
            stop = self._left()
        if stop is None:
            yield from self._assemble()
            stop = yield from self._restart(PLANNED, incident)
        yield from self._recover(stop, incident)

    def _renew(self) -> Process:
        """Enter the phase of this moment, and choose the nodes of the job anew."""
        here = self.training.progress.tokens
        self._enter(self._course.at(self.env.now, here), rebuilt=True)
        yield from self._choose()

    def _assemble(self) -> Process:
        """Fill the gaps; the chips of a phase whose date comes are there at once."""
        while self.env.now < self._horizon:
            if self._course.late(self.env.now):
                yield from self._renew()
            yield from super()._assemble()
            if not self._course.late(self.env.now):
                return
