"""One training job as a SimPy process: assemble, restart, compute until something changes, repeat."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy

from sim.engine import order
from sim.engine.ageing import Due, Failure
from sim.engine.checkpoints import INSTANT, Mark, Sawtooth
from sim.engine.fabric import Fabric
from sim.engine.fleet import Fleet, Strike
from sim.engine.pool import NodePool
from sim.engine.progress import Progress
from sim.engine.record import Record
from sim.engine.recovery import Copies, RecoveryTimes
from sim.scenario import Recovery
from sim.throughput import Plan, Throughput

Process = Generator[simpy.Event, Any, Any]
CHANGED = "changed"
"""Why computing stopped: nodes have come back with which a better plan can run."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A fault that training goes on with until it is found: silent corruption, or a straggler."""

    found_at: float
    pool: NodePool
    node: int
    failure: Failure
    strikes: int
    """Failures of the node until then: one more, and it has left and taken the fault along."""
    clean: Mark
    """The newest checkpoint begun before the fault."""
    tokens: float
    """Position at the fault: a job that falls back behind it is clean again."""

    @property
    def there(self) -> bool:
        """Whether the node still works for the job."""
        same = self.pool.strikes.get(self.node, 0) == self.strikes
        return same and self.pool.place[self.node] == "active"


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
        self._hidden: list[Hidden] = []
        self._copies = Copies(kept=sawtooth.storage_every > 1)
        self._fallen: Failure | Hidden | None = None
        """What the job has yet to roll back from."""

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
            if isinstance(stop, Failure):
                yield from self._recover(stop, stop.detect)
            elif isinstance(stop, Hidden):
                yield from self._evict(stop)
            elif stop == CHANGED:
                yield from self._rejoin()
            else:
                break
        self._roll_back()

    def _compute(self) -> Process:
        """Train until something stops the job.

        Returns a failure, a fault that was found, `CHANGED`, or None at the goal and the horizon.
        """
        env = self.env
        fleet = self.fleet
        fabric = self._fabric
        unstalled: float = self.plan.tokens_per_s
        degraded = fleet.degraded
        self._chips = sum(self.plan.used_chips.values())
        now: float = env.now
        self._state("degraded" if degraded else "compute", now)
        while True:
            start = now
            if fabric.next_change <= start:
                fabric.advance(start)
            rate = self._rate(fabric.slowdown) / self._straggling()
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
            if what == order.FAILURE:
                strike = fleet.fail(now, failing)
                if strike.nodes and not self._hide(strike):
                    self._interrupt(strike, now)
                    return strike.failure
            elif what == order.FOUND:
                found = self._first_found()
                if self._surface(found):
                    return found
            elif what == order.HORIZON:
                self._state("horizon", now)
                return None

    def _first(self, start: float, rate: float) -> tuple[float, int, Due]:
        """When computing is first disturbed, by what, and the failure that is due next."""
        due, failing = self.fleet.next_failure(start, running=True)
        shown = math.inf
        if self._hidden:
            # One that was to be found while the job stood still is found when it trains again.
            shown = max(self._first_found().found_at, start)
        until, what = min(
            (due, order.FAILURE),
            (shown, order.FOUND),
            (self._fabric.next_change, order.FABRIC),
            (self._horizon, order.HORIZON),
        )
        # Asked last, so that no flaps need be drawn beyond what comes first.
        finish = start + self.progress.seconds_to_finish(rate, until - start)
        if finish <= until:
            return finish, order.FINISH, failing
        return until, what, failing

    def _first_found(self) -> Hidden:
        return min(self._hidden, key=lambda hidden: hidden.found_at)

    def _recover(self, failure: Failure, detect: float) -> Process:
        """Detect, assemble the fleet and restart.

        A failure on the way costs its detection and a full restart again.
        """
        while True:
            if detect > 0:
                yield from self._spend("detect", detect)
            if self.env.now >= self._horizon:
                return
            yield from self._assemble()
            # Copies in memory hold what a fault found late had corrupted.
            in_memory = self._copies.usable and not isinstance(self._fallen, Hidden)
            restart = self._times.restart(failure, self.plan, in_memory=in_memory)
            again = yield from self._spend("restart", restart, exposed=True)
            if again is None:
                self._roll_back()
                return
            failure = again
            detect = again.detect

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
        failure = yield from self._save()
        if failure is None:
            self._shrink()
            self.fleet.fill()
            reconfigure = self._times.reconfigure()
            failure = yield from self._spend("reconfigure", reconfigure, exposed=True)
        if failure is not None:
            yield from self._recover(failure, failure.detect)

    def _evict(self, found: Hidden) -> Process:
        """Take out the node of a fault just found: a straggler in a planned stop, after a save."""
        failure = None
        cause = found.failure.cause
        if not cause.silent:
            self.planned_stops += 1
            failure = yield from self._save()
        if cause.hardware and found.there:
            self.fleet.take_out(self.env.now, found.pool, found.node, found.failure)
        detect = failure.detect if failure else 0.0
        yield from self._recover(failure or found.failure, detect)

    def _save(self) -> Process:
        """Write a checkpoint and wait until it is durable.

        A failure meanwhile voids it and is returned.
        """
        failure = yield from self._spend("checkpoint", self._save_seconds, exposed=True)
        if failure is not None:
            self._fallen = failure
            self.progress.checkpoints.settle(self.env.now)
        elif self.env.now < self._horizon:
            self.progress.save(self.env.now)
        return failure

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
            Whether a failure of an active node ends it; that failure is returned. Otherwise it is
            taken in its stride.
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
            woken = yield from fleet.sleep(start, min(end, due), for_return=for_return)
            now = env.now
            self._record.time[category] += now - start
            if woken.by_return:
                return None
            if not woken.on_time:
                continue
            if due >= end:
                return None
            strike = fleet.fail(now, failing)
            if strike.nodes and not self._hide(strike):
                self._lose(strike)
                if exposed:
                    return strike.failure

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
        self._fallen = failure
        self.progress.checkpoints.settle(now)
        cause = failure.cause.cause
        self._record.event(now, "interruption", strike.pool.name, failure.node, cause)
        self._lose(strike)
        while True:
            due, failing = self.fleet.next_failure(now, running=True)
            if due > now + INSTANT:
                return
            also = self.fleet.fail(now, failing)
            if also.nodes and not self._hide(also):
                self._lose(also)

    def _lose(self, strike: Strike) -> None:
        """The copies in the memory of broken nodes are gone."""
        if strike.failure.cause.hardware:
            self._copies.lose(strike.pool.name, strike.nodes)

    def _roll_back(self) -> None:
        """Fall back to the newest checkpoint that can be used; the work since becomes rework."""
        fallen = self._fallen
        self._fallen = None
        if fallen is None:
            return
        progress = self.progress
        mark = progress.usable(memory=self._copies.complete)
        if isinstance(fallen, Hidden) and fallen.clean.tokens < mark.tokens:
            mark = fallen.clean
            progress.checkpoints.trust_none_after(mark)
        lost = progress.roll_back(mark)
        if self._hidden:
            self._hidden = [
                hidden
                for hidden in self._hidden
                if not hidden.failure.cause.silent or hidden.tokens < progress.tokens
            ]
        self.active_chip_seconds -= lost * self._chips
        self._record.time["productive"] -= lost
        self._record.time["rework"] += lost
        self._record.event(self.env.now, "rework", amount=lost)

    def _hide(self, strike: Strike) -> bool:
        """Keep a fault that is not noticed at once; whether this is one."""
        failure = strike.failure
        if not failure.hidden:
            return False
        now = self.env.now
        progress = self.progress
        self._hidden.append(
            Hidden(
                found_at=now + failure.detect,
                pool=strike.pool,
                node=failure.node,
                failure=failure,
                strikes=strike.pool.strikes.get(failure.node, 0),
                clean=progress.checkpoints.begun(now),
                tokens=progress.tokens,
            )
        )
        return True

    def _surface(self, hidden: Hidden) -> bool:
        """A hidden fault is found; whether that stops the job.

        A node that has left took its slowness along; what it corrupted it left behind.
        """
        self._hidden.remove(hidden)
        cause = hidden.failure.cause
        if not (cause.silent or hidden.there):
            return False
        if cause.silent:
            self.interruptions += 1
            self._fallen = hidden
            self.progress.checkpoints.settle(self.env.now)
        self._record.event(self.env.now, "found", hidden.pool.name, hidden.node, cause.cause)
        return True

    def _rate(self, slowdown: float) -> float:
        """Tokens per second of the present plan while communication is slowed by a factor."""
        if slowdown not in self._rates:
            self._rates[slowdown] = self.plan.tokens_per_s_at(slowdown)
        return self._rates[slowdown]

    def _straggling(self) -> float:
        """How much slower the slowest active straggler makes every step."""
        if not self._hidden:
            return 1.0
        slow = (hidden.failure.cause.slowdown for hidden in self._hidden if hidden.there)
        return max(slow, default=1.0)

    def _state(self, state: str, now: float) -> None:
        self._record.event(now, "state", what=state)
