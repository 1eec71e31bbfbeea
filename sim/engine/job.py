"""One training job as a SimPy process: assemble, restart, compute until something changes, repeat."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy

from sim.engine import order
from sim.engine.ageing import Due, Failure
from sim.engine.checkpoints import INSTANT, Mark, Sawtooth
from sim.engine.fabric import Fabric
from sim.engine.fleet import Fleet, Strike
from sim.engine.hidden import Corruption, Fault
from sim.engine.progress import Progress
from sim.engine.record import Record
from sim.engine.recovery import Copies, RecoveryTimes
from sim.scenario import Recovery
from sim.throughput import Plan, Throughput

Process = Generator[simpy.Event, Any, Any]
CHANGED = "changed"
"""Why computing stopped: nodes have come back with which a better plan can run."""


@dataclass(frozen=True)
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
    """A job on a fleet.

    Attributes
    ----------
    finished : bool
        Whether the goal was reached by the horizon, after `run` has ended.
    interruptions, planned_stops, selections, provisioned : int
        As the metrics of these names.
    active_chip_seconds : float
        Active chips times productive time.
    """

    def __init__(
        self,
        env: simpy.Environment,
        progress: Progress,
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
        self.progress = progress
        self.fleet = fleet
        self.throughput = throughput
        self.plan: Plan = throughput.full
        self.finished = False
        self.interruptions = 0
        self.planned_stops = 0
        self.selections = 0
        self.provisioned = 0
        self.active_chip_seconds = 0.0
        self._fabric = fabric
        self._recovery = recovery
        self._save_seconds = sawtooth.blocking + sawtooth.flush
        self._times = times
        self._horizon = horizon
        self._record = record
        self._chips: int = 0
        """Active chips of the plan computed with last."""
        self._rates: dict[float, float] = {}
        """Tokens per second of the present plan by how much communication is slowed."""
        self._corruption = Corruption(progress)
        self._copies = Copies(kept=sawtooth.storage_every > 1)
        self._fallen = False
        """Whether the job has yet to roll back."""
        self._clean: Mark | None = None
        """Where it has to roll back behind corruption: the newest checkpoint free of it."""

    @property
    def kept_tokens(self) -> float:
        """Tokens kept, once `run` has ended: all, or those of the last durable checkpoint."""
        if self.finished:
            return self.progress.goal
        self.progress.checkpoints.settle(self.env.now)
        return self.progress.checkpoints.durable.tokens

    def run(self) -> Process:
        """The whole life of the job; ends at the goal or at the horizon."""
        self.selections += 1
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
        self._roll_back()

    def _compute(self) -> Process:
        """Train until something stops the job.

        Returns a `Stop`, `CHANGED`, or None at the goal and the horizon.
        """
        env = self.env
        fleet = self.fleet
        fabric = self._fabric
        unstalled: float = self.plan.tokens_per_s
        degraded = fleet.degraded
        self._chips = sum(self.plan.used_chips.values())
        now: float = env.now
        self._state("degraded" if degraded else "compute", now)
        # What happened while the job stood still is seen now: nothing has told it.
        if degraded and self._better_plan():
            return CHANGED
        self._corruption.resume(fleet.at_work(), now)
        while True:
            start = now
            if fabric.next_change <= start:
                fabric.advance(start)
            rate = self._rate(fabric.slowdown) / fleet.straggling
            until, what, failing = self._first(start, rate)
            woken = yield from fleet.sleep(start, until, for_return=degraded)
            now = env.now
            self._advance(start, now, rate, unstalled)
            if woken.on_time and what == order.FINISH:
                self.progress.finish()
                self.finished = True
                self._state("finished", now)
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
                self._state("horizon", now)
                return None
            if stop:
                return stop

    def _first(self, start: float, rate: float) -> tuple[float, int, Due]:
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
        finish = start + self.progress.seconds_to_finish(rate, until - start)
        if finish <= until:
            return finish, order.FINISH, failing
        return until, what, failing

    def _fail(self, now: float, failing: Due) -> Stop | None:
        """A failure while computing; None if the job goes on."""
        strike = self.fleet.fail(now, failing)
        if not strike.nodes:
            return None
        if strike.fault:
            self._spoil(strike.fault, now)
            return None
        self._interrupt(strike, now)
        return Stop(strike.failure, strike.failure.detect)

    def _spoil(self, fault: Fault, now: float) -> None:
        """A node that is computing has a hidden fault."""
        if fault.silent:
            self._corruption.begin(fault, now)

    def _find(self, now: float) -> Stop | None:
        """A hidden fault is found while computing; None if the job goes on."""
        fault = self.fleet.find()
        at_work = fault.at_work
        if at_work and not fault.silent:
            return Stop(fault.failure, 0.0, straggler=fault)
        clean = self._corruption.find(fault)
        self.fleet.reveal(now, fault)
        if not at_work and clean is None:
            return None
        self.interruptions += 1
        self.progress.checkpoints.settle(now)
        self._fall(clean)
        return Stop(fault.failure, 0.0)

    def _recover(self, stop: Stop) -> Process:
        """Detect, assemble the fleet and restart.

        A failure on the way costs its detection and a full restart again.
        """
        while True:
            if stop.detect > 0:
                yield from self._spend("detect", stop.detect)
            if self.env.now >= self._horizon:
                return
            yield from self._assemble()
            # Copies in memory hold what a fault found late had corrupted.
            in_memory = self._copies.usable and self._clean is None
            restart = self._times.restart(stop.failure, self.plan, in_memory=in_memory)
            again = yield from self._spend("restart", restart, exposed=True)
            if again is None:
                self._roll_back()
                return
            stop = again

    def _assemble(self) -> Process:
        """Fill the gaps with spares; without any left wait, or go on with fewer nodes."""
        fleet = self.fleet
        fleet.want_whole()
        chosen = False
        unpacked = False
        while self.env.now < self._horizon:
            staffing = fleet.staff(chosen=chosen, unpacked=unpacked)
            if staffing.step == "choose":
                chosen = True
                self.selections += 1
                yield from self._spend("restart", self._times.choose())
            elif staffing.box:
                unpacked = True
                self.provisioned += 1
                yield from self._spend("restart", self._times.install())
                staffing.box.unpack(self.env.now)
            elif staffing.step == "start":
                if chosen:
                    fleet.schedule()
                self._use(self._best_plan() if fleet.degraded else self.throughput.full)
                return
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
            self._rates = {}

    def _best_plan(self) -> Plan:
        """What the nodes at hand can do under the policy."""
        policy = self._recovery.policy
        assert policy != "wait"
        return self.throughput.plan(self.fleet.at_hand, policy, self._recovery.keep_batch)

    def _better_plan(self) -> bool:
        return self._best_plan().tokens_per_s > self.plan.tokens_per_s

    def _rejoin(self) -> Process:
        """A planned stop to take nodes in again that have come back: save, reconfigure, go on."""
        self.planned_stops += 1
        stop = yield from self._save()
        if stop is None:
            self._shrink()
            self.fleet.fill()
            reconfigure = self._times.reconfigure()
            stop = yield from self._spend("reconfigure", reconfigure, exposed=True)
        if stop is not None:
            yield from self._recover(stop)

    def _evict(self, stop: Stop) -> Process:
        """A planned stop to take out a straggler that was found, after a save."""
        assert stop.straggler
        self.planned_stops += 1
        failed = yield from self._save()
        self.fleet.reveal(self.env.now, stop.straggler)
        yield from self._recover(failed or stop)

    def _save(self) -> Process:
        """Write a checkpoint and wait until it is durable.

        What stops it meanwhile voids it and is returned.
        """
        stop = yield from self._spend("checkpoint", self._save_seconds, exposed=True)
        if stop is not None:
            self._fall()
            self.progress.checkpoints.settle(self.env.now)
        elif self.env.now < self._horizon:
            self.progress.save(self.env.now)
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
        self._state(category, now)
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
        self._lose(strike)
        return Stop(strike.failure, strike.failure.detect)

    def _find_idle(self, now: float) -> Stop | None:
        """A hidden fault is found while the job stands still."""
        fault = self.fleet.find()
        at_work = fault.at_work
        clean = self._corruption.find(fault)
        self.fleet.reveal(now, fault)
        if clean:
            self._fall(clean)
        if not at_work and clean is None:
            return None
        if at_work and fault.failure.cause.hardware:
            self._copies.lose(fault.pool.name, [fault.failure.node])
        return Stop(fault.failure, 0.0)

    def _advance(self, start: float, now: float, rate: float, unstalled: float) -> None:
        """Train from one moment to another, and keep the ledgers."""
        progress = self.progress
        before = progress.checkpoints.passed
        productive, stall, blocked = progress.advance(start, now - start, rate, unstalled)
        if progress.checkpoints.passed > before:
            self._copies.restore()
        self.active_chip_seconds += productive * self._chips
        time = self._record.time
        time["productive"] += productive
        if stall:
            time["stall"] += stall
        if blocked:
            time["checkpoint"] += blocked

    def _interrupt(self, strike: Strike, now: float) -> None:
        """Stop: whatever else fails at this instant belongs to the same interruption."""
        failure = strike.failure
        self.interruptions += 1
        self._fall()
        self.progress.checkpoints.settle(now)
        cause = failure.cause.cause
        self._record.event(now, "interruption", strike.pool.name, failure.node, cause)
        self._lose(strike)
        while True:
            due, failing = self.fleet.next_failure(now, running=True)
            if due > now + INSTANT:
                return
            also = self.fleet.fail(now, failing)
            if also.fault and also.nodes:
                self._spoil(also.fault, now)
            elif also.nodes:
                self._lose(also)

    def _lose(self, strike: Strike) -> None:
        """The copies in the memory of broken nodes are gone."""
        if strike.failure.cause.hardware:
            self._copies.lose(strike.pool.name, strike.nodes)

    def _fall(self, clean: Mark | None = None) -> None:
        """The job has to roll back, behind corruption if there is a clean checkpoint to go to."""
        self._fallen = True
        if clean and (self._clean is None or clean.tokens < self._clean.tokens):
            self._clean = clean

    def _roll_back(self) -> None:
        """Fall back to the newest checkpoint that can be used; the work since becomes rework."""
        if not self._fallen:
            return
        progress = self.progress
        mark = progress.usable(memory=self._copies.complete)
        if self._clean and self._clean.tokens < mark.tokens:
            mark = self._clean
            progress.checkpoints.trust_none_after(mark)
        self._fallen = False
        self._clean = None
        lost = progress.roll_back(mark)
        self.active_chip_seconds -= lost * self._chips
        self._record.time["productive"] -= lost
        self._record.time["rework"] += lost
        self._record.event(self.env.now, "rework", amount=lost)

    def _rate(self, slowdown: float) -> float:
        """Tokens per second of the present plan while communication is slowed by a factor."""
        if slowdown not in self._rates:
            self._rates[slowdown] = self.plan.tokens_per_s_at(slowdown)
        return self._rates[slowdown]

    def _state(self, state: str, now: float) -> None:
        self._record.event(now, "state", what=state)
