"""One training job as a SimPy process: assemble, restart, compute until something changes."""

from __future__ import annotations

import simpy

from sim.engine import order
from sim.engine.ageing import Due, Failure
from sim.engine.checkpoints import INSTANT, Sawtooth, Speed
from sim.engine.depletion import Depletion
from sim.engine.fabric import Fabric
from sim.engine.fleet import Fleet
from sim.engine.hidden import Fault
from sim.engine.record import Record
from sim.engine.recovery import RecoveryTimes
from sim.engine.response import Incident, People, Windows
from sim.engine.standstill import Process, Standstill
from sim.engine.stops import BAD_SPARE, PLANNED, Stop
from sim.engine.training import Training
from sim.scenario import Recovery
from sim.throughput import Plan, Throughput

CHANGED = "changed"
"""Why computing stopped: nodes have come back with which a better plan can run."""
WINDOW = "window"
"""Why computing stopped: a planned stop is due."""
PHASE = "phase"
"""Why computing stopped: a phase of the run has ended; see `sim.engine.phased_job`."""


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
        people: People,
        windows: Windows,
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
        self._times = times
        self._people = people
        self._windows = windows
        self._horizon = horizon
        self._limit = (horizon, order.HORIZON)
        """When computing and waiting end in any case, and what for."""
        self._record = record
        self._depletion = Depletion(recovery, record)
        self._speeds: dict[tuple[float, float], Speed] = {}
        """Of the present plan, by slowdown of communication and of every step."""
        self._still = Standstill(env, training, fleet, sawtooth.save, horizon, record)

    def run(self) -> Process:
        """The whole life of the job; ends at the goal or at the horizon."""
        self.fleet.schedule()
        yield from self._choose()
        yield from self._assemble()
        while self.env.now < self._horizon:
            stop = yield from self._compute()
            if stop is None:
                break
            if stop is CHANGED:
                yield from self._stop_as_planned(None)
            elif stop is WINDOW:
                yield from self._stand_still()
            elif stop.straggler:
                yield from self._stop_as_planned(stop.straggler)
            else:
                yield from self._recover(stop)
        self.training.roll_back(self.env.now)

    def _compute(self) -> Process:
        """Train until something stops the job.

        Returns a `Stop`, `CHANGED`, `WINDOW`, `PHASE`, or None at the goal and the horizon.
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
        # A spare with which the job trains is good.
        fleet.trust_newcomers()
        self.training.resume(fleet.at_work(), now)
        while True:
            start = now
            if fabric.next_change <= start:
                fabric.advance(start)
            speed = self._speed(fabric.slowdown, fleet.straggling())
            until, what, failing = self._first(start, speed)
            woken = yield from fleet.sleeper.sleep(start, until, for_return=degraded)
            now = env.now
            self.training.advance(start, now, speed)
            if woken.on_time and what == order.FINISH:
                if not self.training.finish():
                    return PHASE
                self._record.event(now, "state", what="finished")
                return None
            # A node may come back to a pool that lacks none: that is no reason to stop.
            if woken.by_return and self._better_plan():
                return CHANGED
            # Whatever was first is no longer: a spare that came back fails before.
            if not woken.on_time:
                continue
            stop = None
            if what == order.FAILURE:
                stop = self._fail(now, failing)
            elif what == order.FOUND:
                stop = self._find(now)
            elif what == order.WINDOW:
                return WINDOW
            elif what == order.PHASE:
                return PHASE
            elif what == order.HORIZON:
                self._record.event(now, "state", what="horizon")
                return None
            if stop:
                return stop

    def _speed(self, slowdown: float, straggling: float) -> Speed:
        """How fast the present plan trains, communication or every step slowed by a factor."""
        # The network changes far more often than it takes new values.
        speed = self._speeds.get((slowdown, straggling))
        if speed is None:
            rate = self.plan.tokens_per_s_at(slowdown) / straggling
            chips = sum(self.plan.used_chips.values())
            speed = Speed(rate, self.plan.tokens_per_s, chips, self.plan.tokens_per_step)
            self._speeds[slowdown, straggling] = speed
        return speed

    def _first(self, start: float, speed: Speed) -> tuple[float, int, Due]:
        """When computing is first disturbed, by what, and the failure that is due next."""
        fleet = self.fleet
        due, failing = fleet.next_failure(start, running=True)
        until, what = min(
            (due, order.FAILURE),
            (fleet.next_find(), order.FOUND),
            (max(self._windows.due, start), order.WINDOW),
            (self._fabric.next_change, order.FABRIC),
            self._limit,
        )
        # Asked last, so that no flaps need be drawn beyond what comes first.
        finish = start + self.training.progress.seconds_to_finish(speed, until - start)
        if finish <= until:
            return finish, order.FINISH, failing
        return until, what, failing

    def _choose(self) -> Process:
        self._record.count("selections")
        yield from self._still.spend("restart", self._times.choose())

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
        stop = self._still.find(now)
        if stop:
            self._record.count("interruptions")
            self.training.stop(now)
        return stop

    def _recover(self, stop: Stop | None, incident: Incident | None = None) -> Process:
        """Detect, assemble the fleet and restart.

        A failure on the way costs its detection and a full restart again.
        """
        # What fails while a planned stop ends joins the incident of its restarts.
        incident = incident or Incident()
        while stop:
            failure = stop.failure
            yield from self._still.spend("detect", stop.detect)
            answer = self._people.answer(failure.cause, incident, self.env.now)
            # Most failures need nobody: to let no time pass would cost as much as to let some.
            if answer:
                yield from self._still.spend("respond", answer)
            if self.env.now >= self._horizon:
                return
            yield from self._assemble()
            stop = yield from self._restart(failure, incident)
        self.training.roll_back(self.env.now)

    def _restart(self, failure: Failure, incident: Incident) -> Process:
        """Restart until it succeeds; what fails on the way is returned."""
        people = self._people
        while self.env.now < self._horizon:
            in_memory = self.training.in_memory
            seconds = self._times.restart(failure, self.plan, in_memory=in_memory)
            stop = yield from self._still.spend("restart", seconds, exposed=True)
            if stop:
                return stop
            # What the horizon cuts off has neither failed nor been tested.
            if self.env.now >= self._horizon:
                return None
            if not self._reject_spares():
                if not people.fails(incident):
                    return None
                self._record.count("failed_restarts")
                yield from self._still.spend("respond", people.again(incident, self.env.now))
            # A node was bad, or may have failed while somebody was on the way.
            yield from self._assemble()
        return None

    def _reject_spares(self) -> bool:
        """Send spares that turn out to be bad to repair; whether there were any."""
        rejected = False
        for pool, node in self.fleet.newcomers() if self._people.bad_spares else ():
            repair = self._people.bad_spare()
            if repair is not None:
                failure = Failure(node, BAD_SPARE, 0.0, repair)
                self.fleet.take_out(self.env.now, pool, node, failure)
                self._record.count("bad_spares")
                rejected = True
        return rejected

    def _stand_still(self) -> Process:
        """A planned stop without loss: save, let its time pass, restart."""
        duration = self._windows.begin(self.env.now)
        stop = yield from self._save()
        if self.env.now >= self._horizon:
            return
        if stop is None:
            stop = yield from self._still.spend("planned", duration, exposed=True)
        if stop is None:
            stop = self._left()
        incident = Incident()
        if stop is None:
            stop = yield from self._restart(PLANNED, incident)
        yield from self._recover(stop, incident)

    def _save(self, *stragglers: Fault) -> Process:
        """Begin a planned stop: save, then let stragglers go; what failed meanwhile."""
        self._record.count("planned_stops")
        self._still.leaving = list(stragglers)
        stop = yield from self._still.save()
        if self.env.now < self._horizon:
            self._still.take_out_stragglers()
        return stop

    def _left(self) -> Stop | None:
        """Why the job has to be staffed again, if a straggler has left it."""
        leaving = self._still.leaving
        return Stop(leaving[0].failure, 0.0) if leaving else None

    def _assemble(self) -> Process:
        """Fill the gaps with spares; without any left wait, or go on with fewer nodes."""
        fleet = self.fleet
        fleet.want_whole()
        chosen = False
        unpacked = False
        while self.env.now < self._limit[0]:
            staffing = fleet.staff(chosen=chosen, unpacked=unpacked)
            if staffing.step == "choose" and not self._can_run():
                # To choose among too few is no use: it would only have to be done again.
                staffing = fleet.staff(chosen=True, unpacked=unpacked)
            if staffing.step == "short":
                self._depletion.note(self.env.now, fleet.pools)
            whole = staffing.step == "start"
            if whole and not self._depletion.holds_back(fleet.pools):
                if chosen:
                    fleet.schedule()
                self._use(self._best_plan() if fleet.degraded else self.throughput.full)
                return
            if staffing.step == "choose":
                chosen = True
                yield from self._choose()
            elif staffing.box:
                unpacked = True
                self._record.count("provisioned")
                yield from self._still.spend("restart", self._times.install())
                staffing.box.unpack(self.env.now)
            # Nodes that come after a wait were not there when the last were chosen.
            elif whole or not self._shrink():
                chosen = False
                unpacked = False
                left = self._limit[0] - self.env.now
                yield from self._still.spend("wait", left, for_return=True)

    def _can_run(self) -> bool:
        """Whether the nodes at hand are enough for the job, under the policy."""
        if self._recovery.policy == "wait":
            return all(pool.at_hand >= pool.whole for pool in self.fleet.pools)
        return self._best_plan().tokens_per_s > 0

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

    def _stop_as_planned(self, straggler: Fault | None) -> Process:
        """Save, then take stragglers out and restart, or take nodes in again and reconfigure."""
        stop = yield from self._save(*([straggler] if straggler else []))
        if self.env.now >= self._horizon:
            return
        stop = stop or self._left()
        if stop is None:
            self._shrink()
            self.fleet.fill()
            reconfigure = self._times.reconfigure()
            stop = yield from self._still.spend("reconfigure", reconfigure, exposed=True)
        yield from self._recover(stop)
