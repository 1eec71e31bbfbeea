"""One training job as a SimPy process: assemble, restart, compute until something changes, detect, roll back."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import simpy

from sim.engine.fabric import Fabric
from sim.engine.failures import Failure
from sim.engine.fleet import Fleet
from sim.engine.progress import Progress
from sim.engine.record import Record
from sim.scenario import Recovery
from sim.streams import Uniforms
from sim.throughput import Throughput

Process = Generator[simpy.Event, Any, Any]


class Job:
    """A job on a fleet. After `run` has ended, `finished` says whether the goal was reached by the horizon."""

    def __init__(
        self,
        env: simpy.Environment,
        progress: Progress,
        fleet: Fleet,
        fabric: Fabric,
        throughput: Throughput,
        recovery: Recovery,
        restart_draws: Uniforms,
        load: float,
        horizon: float,
        record: Record,
    ) -> None:
        self.env, self.progress, self.fleet, self.fabric = env, progress, fleet, fabric
        self.throughput, self.recovery, self.record = throughput, recovery, record
        self.horizon, self._load, self._restart_draws = horizon, load, restart_draws
        self.finished = False
        self.interruptions = 0
        self.failures: dict[str, int] = {}

    def run(self) -> Process:
        """The whole life of the job; ends at the goal or at the horizon."""
        yield from self._assemble()
        while self.env.now < self.horizon:
            failure = yield from self._compute()
            if failure is None:
                break
            yield from self._spend("detect", failure.detect)
            yield from self._recover()

    def _compute(self) -> Process:
        """Train until the goal, the horizon, or a failure of an active node, which is returned."""
        env, progress, fabric, fleet = self.env, self.progress, self.fabric, self.fleet
        plan = self.throughput.plan(fleet.active)
        self._state("compute")
        while True:
            fabric.advance(env.now)
            rate = plan.tokens_per_s_at(fabric.slowdown)
            finish = env.now + progress.seconds_to_finish(rate)
            due, pool, risk = fleet.next_failure(progress.computing, running=True)
            until = min(finish, due, fabric.next_change, self.horizon)
            start = env.now
            yield env.timeout(max(until - start, 0.0))
            self._progress(start, rate, plan.tokens_per_s)
            if until == finish:
                progress.finish()
                self.finished = True
                self._state("finished")
                return None
            if until == due and pool and risk:
                failure, was_active = fleet.fail(pool, risk, progress.computing)
                self._count(failure)
                if was_active:
                    self._interrupt(pool.name, failure)
                    self._absorb(due)
                    return failure
            elif until == self.horizon:
                self._state("horizon")
                return None

    def _recover(self) -> Process:
        """Assemble the fleet and restart; a failure on the way costs its detection and a full restart again."""
        while self.env.now < self.horizon:
            yield from self._assemble()
            duration = self._load + float(
                self.recovery.restart.draw(self._restart_draws.take(self.recovery.restart.dims))
            )
            failure = yield from self._spend("restart", duration, exposed=True)
            if failure is None:
                return
            yield from self._spend("detect", failure.detect)

    def _assemble(self) -> Process:
        """Fill the gaps with spares and wait for nodes to come back while there are none."""
        while not self.fleet.fill(self.progress.computing) and self.env.now < self.horizon:
            self._state("wait")
            self.fleet.returned = self.env.event()
            yield from self._spend("wait", self.horizon - self.env.now, until=self.fleet.returned)
            self.fleet.returned = None

    def _spend(
        self, category: str, duration: float, *, exposed: bool = False, until: simpy.Event | None = None
    ) -> Process:
        """Let `duration` pass, or less if `until` happens; nodes go on failing.

        An `exposed` phase ends at a failure of an active node, which is returned; any other takes it in its stride.
        """
        env, fleet, computing = self.env, self.fleet, self.progress.computing
        end = min(env.now + duration, self.horizon)
        if until is None:
            self._state(category)
        while True:
            start = env.now
            due, pool, risk = fleet.next_failure(computing, running=False)
            target = min(end, due)
            pause = env.timeout(max(target - start, 0.0))
            yield (pause | until) if until is not None else pause
            self.record.time[category] += env.now - start
            if until is not None and until.triggered:
                return None
            if due < end and pool and risk:
                failure, was_active = fleet.fail(pool, risk, computing)
                self._count(failure)
                if exposed and was_active:
                    return failure
            else:
                return None

    def _progress(self, start: float, rate: float, unstalled: float) -> None:
        productive, stall, blocked = self.progress.advance(start, self.env.now - start, rate, unstalled)
        time = self.record.time
        time["productive"] += productive
        time["stall"] += stall
        time["checkpoint"] += blocked

    def _interrupt(self, pool: str, failure: Failure) -> None:
        self.interruptions += 1
        lost = self.progress.roll_back(self.env.now)
        self.record.time["productive"] -= lost
        self.record.time["rework"] += lost
        self.record.event(self.env.now, "interruption", f"{pool}.{failure.node}", f"{failure.cause.cause} {lost!r}")

    def _absorb(self, instant: float) -> None:
        """Let whatever else fails at this instant fail: it is the same interruption."""
        while True:
            due, pool, risk = self.fleet.next_failure(self.progress.computing, running=True)
            if due > instant or not (pool and risk):
                return
            self._count(self.fleet.fail(pool, risk, self.progress.computing)[0])

    def _count(self, failure: Failure) -> None:
        self.failures[failure.cause.cause] = self.failures.get(failure.cause.cause, 0) + 1

    def _state(self, state: str) -> None:
        self.record.event(self.env.now, "state", "job", state)
