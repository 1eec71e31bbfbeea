"""One training job as a SimPy process: assemble, restart, compute until something changes."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy

from sim.engine import order
from sim.engine.ageing import Due, Failure
from sim.engine.checkpoints import INSTANT, Sawtooth, Speed
from sim.engine.fabric import Fabric
from sim.engine.fleet import Fleet
from sim.engine.hidden import Fault
from sim.engine.record import Record
from sim.engine.recovery import RecoveryTimes
from sim.engine.training import Training
from sim.scenario import Recovery
from sim.throughput import Plan, Throughput

Process = Generator[simpy.Event, Any, Any]
CHANGED = "changed"
"""Why computing stopped: nodes have come back with which a better plan can run."""


@dataclass(slots=True)
class Stop:
    """Why a job stopped, where a node or its state has to be put right.

    Attributes
    ----------
    failure : Failure
    detect : float
        Seconds until it is noticed.
    straggler : Fault or None
        Taken out in a planned stop, after a checkpoint.
    """

    failure: Failure
    detect: float
    straggler: Fault | None = None


class Job:
    """A job on a fleet."""

    def __init__(
        self,
        env: simpy.Environment,
        training: Training,
        fleet: Fleet,
        fabric: Fabric,
        throughput: Throughput,
        recovery: Recovery,
        sawtooth: Sawtooth,
        times: RecoveryTimes,
        horizon: float,
        record: Record,
    ) -> None:
        self.env = env
        self.training = training
        self.fleet = fleet
        self.throughput = throughput
        self.plan: Plan = throughput.full
        self._fabric = fabric
        self._recovery = recovery
        self._save_seconds = sawtooth.blocking + sawtooth.flush
        self._times = times
        self._horizon = horizon
        self._record = record
        self._speeds: dict[tuple[float, float], Speed] = {}
        """Of the present plan, by slowdown of communication and of every step."""

    def run(self) -> Process:
        """The whole life of the job; ends at the goal or at the horizon."""
        self._record.count("selections")
        self.fleet.schedule()
        yield from self._spend("restart", self._times.choose())
        yield from self._assemble()
        while self.env.now < self._horizon:
            stop = yield from self._compute()
            if stop is None:
                break
            if stop is CHANGED:
                yield from self._rejoin()
            elif stop.straggler:
                yield from self._evict(stop)
            else:
                yield from self._recover(stop)
        self.training.roll_back(self.env.now)

    def _compute(self) -> Process:
        """Train until something stops the job.

        Returns a `Stop`, `CHANGED`, or None at the goal and the horizon.
        """
        env = self.env
        fleet = self.fleet
        fabric = self._fabric
        degraded = fleet.degraded
        now: float = env.now
        self._record.event(now, "state", what="degraded" if degraded else "compute")
        # What happened while the job stood still is seen now: nothing has told it.
        if degraded and self._better_plan():
            return CHANGED
        self.training.resume(fleet.at_work(), now)
        while True:
            start = now
            if fabric.next_change <= start:
                fabric.advance(start)
            speed = self._speed(fabric.slowdown, fleet.straggling())
            until, what, failing = self._first(start, speed)
            woken = yield from fleet.sleep(start, until, for_return=degraded)
            now = env.now
            self.training.advance(start, now, speed)
            if woken.on_time and what == order.FINISH:
                self.training.finish()
                self._record.event(now, "state", what="finished")
                return None
            if woken.by_return and self._better_plan():
                return CHANGED
            if not woken.on_time:
                continue
            stop = None
            if what == order.FAILURE:
                stop = self._fail(now, failing)
            elif what == order.FOUND:
                stop = self._find(now)
            elif what == order.HORIZON:
                self._record.event(now, "state", what="horizon")
                return None
            if stop:
                return stop

    def _speed(self, slowdown: float, straggling: float) -> Speed:
        """How fast the present plan trains, communication or every step slowed by a factor."""
        if (slowdown, straggling) not in self._speeds:
            rate = self.plan.tokens_per_s_at(slowdown) / straggling
            chips = sum(self.plan.used_chips.values())
            speed = Speed(rate, self.plan.tokens_per_s, chips, self.plan.tokens_per_step)
            self._speeds[slowdown, straggling] = speed
        return self._speeds[slowdown, straggling]

    def _first(self, start: float, speed: Speed) -> tuple[float, int, Due]:
        """When computing is first disturbed, by what, and the failure that is due next."""
        fleet = self.fleet
        due, failing = fleet.next_failure(start, running=True)
        until, what = min(
            (due, order.FAILURE),
            (fleet.next_find(), order.FOUND),
            (self._fabric.next_change, order.FABRIC),
            (self._horizon, order.HORIZON),
        )
        # Asked last, so that no flaps need be drawn beyond what comes first.
        finish = start + self.training.progress.seconds_to_finish(speed, until - start)
        if finish <= until:
            return finish, order.FINISH, failing
        return until, what, failing

    def _fail(self, now: float, failing: Due) -> Stop | None:
        """A failure while computing; None if the job goes on."""
        strike = self.fleet.fail(now, failing)
        if not strike.nodes:
            return None
        if strike.fault:
            self.training.spoil(strike.fault, now)
            return None
        failure = strike.failure
        self._record.count("interruptions")
        cause = failure.cause.cause
        self._record.event(now, "interruption", strike.pool.name, failure.node, cause)
        self.training.stop(now)
        self.training.lose(strike)
        self._fail_together(now)
        return Stop(failure, failure.detect)

    def _fail_together(self, now: float) -> None:
        """Whatever else fails at this instant belongs to the same interruption."""
        while True:
            due, failing = self.fleet.next_failure(now, running=True)
            if due > now + INSTANT:
                return
            strike = self.fleet.fail(now, failing)
            if strike.fault and strike.nodes:
                self.training.spoil(strike.fault, now)
            elif strike.nodes:
                self.training.lose(strike)

    def _find(self, now: float) -> Stop | None:
        """A hidden fault is found while computing; None if the job goes on."""
        if straggler := self.fleet.straggler_to_find():
            return Stop(straggler.failure, 0.0, straggler)
        stop = self._find_idle(now)
        if stop:
            self._record.count("interruptions")
            self.training.stop(now)
        return stop

    def _recover(self, stop: Stop | None) -> Process:
        """Detect, assemble the fleet and restart.

        A failure on the way costs its detection and a full restart again.
        """
        while stop:
            yield from self._spend("detect", stop.detect)
            if self.env.now >= self._horizon:
                return
            yield from self._assemble()
            in_memory = self.training.in_memory
            restart = self._times.restart(stop.failure, self.plan, in_memory=in_memory)
            stop = yield from self._spend("restart", restart, exposed=True)
        self.training.roll_back(self.env.now)

    def _assemble(self) -> Process:
        """Fill the gaps with spares; without any left wait, or go on with fewer nodes."""
        fleet = self.fleet
        fleet.want_whole()
        chosen = False
        unpacked = False
        while self.env.now < self._horizon:
            staffing = fleet.staff(chosen=chosen, unpacked=unpacked)
            if staffing.step == "start":
                if chosen:
                    fleet.schedule()
                self._use(self._best_plan() if fleet.degraded else self.throughput.full)
                return
            if staffing.step == "choose":
                chosen = True
                self._record.count("selections")
                yield from self._spend("restart", self._times.choose())
            elif staffing.box:
                unpacked = True
                self._record.count("provisioned")
                yield from self._spend("restart", self._times.install())
                staffing.box.unpack(self.env.now)
            elif not self._shrink():
                chosen = False
                unpacked = False
                left = self._horizon - self.env.now
                yield from self._spend("wait", left, for_return=True)

    def _shrink(self) -> bool:
        """Settle for the nodes at hand, if the policy allows it and they can hold a replica."""
        if self._recovery.policy == "wait":
            return False
        plan = self._best_plan()
        if plan.tokens_per_s <= 0:
            return False
        self._use(plan)
        self.fleet.shrink_to(plan.used_chips)
        return True

    def _use(self, plan: Plan) -> None:
        """Compute by this plan from now on."""
        if plan is not self.plan:
            self.plan = plan
            self._speeds = {}

    def _best_plan(self) -> Plan:
        """What the nodes at hand can do under the policy."""
        policy = self._recovery.policy
        assert policy != "wait"
        return self.throughput.plan(self.fleet.at_hand, policy, self._recovery.keep_batch)

    def _better_plan(self) -> bool:
        return self._best_plan().tokens_per_s > self.plan.tokens_per_s

    def _rejoin(self) -> Process:
        """A planned stop to take nodes in again that have come back: save, reconfigure, go on."""
        self._record.count("planned_stops")
        stop = yield from self._save()
        if stop is None:
            self._shrink()
            self.fleet.fill()
            reconfigure = self._times.reconfigure()
            stop = yield from self._spend("reconfigure", reconfigure, exposed=True)
        if stop:
            yield from self._recover(stop)

    def _evict(self, stop: Stop) -> Process:
        """A planned stop to take out a straggler that was found, after a save."""
        assert stop.straggler
        self._record.count("planned_stops")
        failed = yield from self._save()
        self.fleet.reveal(self.env.now, stop.straggler)
        yield from self._recover(failed or stop)

    def _save(self) -> Process:
        """Write a checkpoint and wait until it is durable.

        What stops it meanwhile voids it and is returned.
        """
        stop = yield from self._spend("checkpoint", self._save_seconds, exposed=True)
        if stop:
            self.training.stop(self.env.now)
        elif self.env.now < self._horizon:
            self.training.progress.save(self.env.now)
        return stop

    def _spend(
        self, category: str, duration: float, *, exposed: bool = False, for_return: bool = False
    ) -> Process:
        """Let a time pass that is not computing; nodes go on failing.

        Parameters
        ----------
        category : str
            Of the time ledger.
        duration : float
        exposed : bool
            Whether a failure of an active node ends it, which is returned as a `Stop`. Otherwise it
            is taken in its stride.
        for_return : bool
            Whether a node that comes back ends it.
        """
        if duration <= 0:
            return None
        env = self.env
        fleet = self.fleet
        now: float = env.now
        end = min(now + duration, self._horizon)
        self._record.event(now, "state", what=category)
        while True:
            start = now
            due, failing = fleet.next_failure(start, running=False)
            found = fleet.next_find()
            until = min(end, due, found)
            woken = yield from fleet.sleep(start, until, for_return=for_return)
            now = env.now
            self._record.time[category] += now - start
            if woken.by_return:
                return None
            if not woken.on_time:
                continue
            if until >= end:
                return None
            stop = self._fail_idle(now, failing) if due <= found else self._find_idle(now)
            if stop and exposed:
                return stop

    def _fail_idle(self, now: float, failing: Due) -> Stop | None:
        """A failure while the job stands still; None if it concerns none of its nodes."""
        strike = self.fleet.fail(now, failing)
        if not strike.nodes or strike.fault:
            return None
        self.training.lose(strike)
        return Stop(strike.failure, strike.failure.detect)

    def _find_idle(self, now: float) -> Stop | None:
        """A hidden fault is found; None if it is of no concern to the job."""
        fault = self.fleet.find()
        at_work = self.fleet.has_at_work(fault)
        spoilt = self.training.find(fault)
        self.fleet.reveal(now, fault)
        if at_work:
            self.training.lose_node(fault)
        elif not spoilt:
            return None
        return Stop(fault.failure, 0.0)
