"""One training job as a SimPy process: assemble, restart, compute until something changes, detect,
roll back.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy

from sim.engine.ageing import Failure
from sim.engine.checkpoints import INSTANT, Mark, Sawtooth
from sim.engine.fabric import Fabric
from sim.engine.fleet import Fleet
from sim.engine.pool import NodePool
from sim.engine.progress import Progress
from sim.engine.record import Record
from sim.scenario import Recovery
from sim.streams import Uniforms
from sim.throughput import Plan, Throughput

Process = Generator[simpy.Event, Any, Any]


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
        return (
            self.pool.place[self.node] == "active"
            and self.pool.strikes.get(self.node, 0) == self.strikes
        )


class Job:
    """A job on a fleet. After `run` has ended, `finished` says whether the goal was reached by the
    horizon.
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
        draws: Uniforms,
        horizon: float,
        record: Record,
    ) -> None:
        self.env, self.progress, self.fleet, self.fabric = env, progress, fleet, fabric
        self.throughput, self.recovery, self.record = throughput, recovery, record
        self.horizon, self._sawtooth, self._draws = horizon, sawtooth, draws
        self.plan = throughput.full
        self.finished = False
        self.interruptions = self.planned_stops = self.selections = self.provisioned = 0
        self.active_chip_seconds = 0.0
        """Active chips times productive time."""
        self._chips: int = 0
        """Active chips of the plan computed with last."""
        self._rates: dict[float, float] = {}
        """Tokens per second of the present plan by how much communication is slowed."""
        self._hidden: list[Hidden] = []
        self._lost: set[tuple[str, int]] = set()
        """Nodes whose copies in host memory are gone."""
        self._fallen: Failure | Hidden | None = None
        """What the job has yet to roll back from."""

    def run(self) -> Process:
        """The whole life of the job; ends at the goal or at the horizon."""
        self.selections += 1
        self.fleet.schedule()
        yield from self._spend("restart", self._time(self.recovery.reschedule))
        yield from self._assemble()
        while self.env.now < self.horizon:
            stop = yield from self._compute()
            if isinstance(stop, Failure):
                yield from self._recover(stop, stop.detect)
            elif isinstance(stop, Hidden):
                yield from self._evict(stop)
            elif stop == "changed":
                yield from self._rejoin()
            else:
                break
        self._roll_back()

    def _compute(self) -> Process:
        """Train until something stops the job: the goal or horizon (None), a failure, a found
        fault, a better fleet.
        """
        env, progress, fabric, fleet = self.env, self.progress, self.fabric, self.fleet
        unstalled: float = self.plan.tokens_per_s
        degraded = fleet.degraded
        self._chips = sum(self.plan.used_chips)
        now: float = env.now
        self._state("compute" if not degraded else "degraded", now)
        while True:
            start = now
            if fabric.next_change <= start:
                fabric.advance(start)
            rate = self._rate(fabric.slowdown) / (self._straggling() if self._hidden else 1.0)
            due, failing = fleet.next_failure(start, running=True)
            until = min(due, min(fabric.next_change, self.horizon))
            found = min(self._hidden, key=lambda h: h.found_at) if self._hidden else None
            shown = max(found.found_at, start) if found else math.inf
            until = min(until, shown)
            finish = start + progress.seconds_to_finish(rate, until - start)
            until = min(finish, until)
            fleet.returned = env.event() if degraded else None
            slept = yield from fleet.sleep(start, until, fleet.returned)
            now = env.now
            self._advance(start, now, rate, unstalled)
            if slept and until == finish:
                progress.finish()
                self.finished = True
                self._state("finished", now)
                return None
            if degraded and fleet.returned and fleet.returned.triggered and self._better_plan():
                return "changed"
            if not slept:
                continue
            if until == due:
                pool, failure, struck = fleet.fail(now, failing)
                if struck and not self._hide(pool, failure):
                    self._interrupt(pool, failure, struck, now)
                    return failure
            elif found and until == shown:
                if self._surface(found):
                    return found
            elif until == self.horizon:
                self._state("horizon", now)
                return None

    def _recover(self, failure: Failure, detect: float) -> Process:
        """Detect, assemble the fleet and restart; a failure on the way costs its detection and a
        full restart again.
        """
        while True:
            if detect > 0:
                yield from self._spend("detect", detect)
            if self.env.now >= self.horizon:
                return
            yield from self._assemble()
            again = yield from self._spend("restart", self._restart(failure), exposed=True)
            if again is None:
                self._roll_back()
                return
            failure, detect = again, again.detect

    def _assemble(self) -> Process:
        """Fill the gaps with spares; without any left wait, or go on with fewer nodes if the policy
        has a plan.
        """
        fleet = self.fleet
        fleet.want_all()
        chosen = unpacked = False
        while (now := self.env.now) < self.horizon:
            enough, came, complete = fleet.fill(now)
            box = fleet.box(standby=unpacked) if unpacked or not complete else None
            if not (enough or chosen) and (box or came):
                chosen = True
                self.selections += 1
                yield from self._spend("restart", self._time(self.recovery.reschedule))
            elif box:
                unpacked = True
                self.provisioned += 1
                yield from self._spend("restart", self._time(self.recovery.provision))
                fleet.unpack(box, self.env.now)
            elif complete:
                if chosen:
                    fleet.schedule()
                self._use(self._best_plan() if fleet.degraded else self.throughput.full)
                return
            elif not self._shrink():
                chosen = unpacked = False
                fleet.returned = self.env.event()
                yield from self._spend("wait", self.horizon - self.env.now, until=fleet.returned)

    def _shrink(self) -> bool:
        """Settle for the nodes at hand, if the policy allows it and they can hold a replica."""
        if self.recovery.policy == "wait":
            return False
        plan = self._best_plan()
        if plan.tokens_per_s <= 0:
            return False
        self._use(plan)
        sizes = (pool.size for pool in self.fleet.pools)
        self.fleet.shrink_to(
            tuple(-(-used // size) for used, size in zip(plan.used_chips, sizes, strict=True))
        )
        return True

    def _use(self, plan: Plan) -> None:
        """Compute by this plan from now on."""
        if plan is not self.plan:
            self.plan, self._rates = plan, {}

    def _best_plan(self) -> Plan:
        """What the nodes at hand can do under the policy."""
        policy = self.recovery.policy
        assert policy != "wait"
        return self.throughput.plan(self.fleet.at_hand, policy, self.recovery.keep_batch)

    def _better_plan(self) -> bool:
        return self._best_plan().tokens_per_s > self.plan.tokens_per_s

    def _rejoin(self) -> Process:
        """A planned stop to take nodes in again that have come back: save, reconfigure, go on."""
        self.planned_stops += 1
        failure = yield from self._save()
        if failure is None:
            self._shrink()
            self.fleet.fill(self.env.now)
            failure = yield from self._spend(
                "reconfigure", self._time(self.recovery.reconfigure), exposed=True
            )
        if failure is not None:
            yield from self._recover(failure, failure.detect)

    def _evict(self, found: Hidden) -> Process:
        """Take out the node of a fault just found: a straggler in a planned stop, after a
        checkpoint.
        """
        failure = None
        if not found.failure.cause.silent:
            self.planned_stops += 1
            failure = yield from self._save()
        if found.failure.cause.hardware and found.there:
            self.fleet.take_out(self.env.now, found.pool, found.node, found.failure)
        yield from self._recover(failure or found.failure, failure.detect if failure else 0.0)

    def _save(self) -> Process:
        """Write a checkpoint and wait until it is durable; a failure meanwhile voids it and is
        returned.
        """
        saw = self._sawtooth
        failure = yield from self._spend("checkpoint", saw.blocking + saw.flush, exposed=True)
        if failure is not None:
            self._fallen = failure
            self.progress.durable(self.env.now)
        elif self.env.now < self.horizon:
            self.progress.save(self.env.now)
        return failure

    def _spend(
        self,
        category: str,
        duration: float,
        *,
        exposed: bool = False,
        until: simpy.Event | None = None,
    ) -> Process:
        """Let `duration` pass, or less if `until` happens; nodes go on failing.

        An `exposed` phase ends at a failure of an active node, which is returned; any other takes
        it in its stride.
        """
        if duration <= 0:
            return None
        env, fleet = self.env, self.fleet
        now: float = env.now
        end = min(now + duration, self.horizon)
        self._state(category, now)
        while True:
            start = now
            due, failing = fleet.next_failure(start, running=False)
            slept = yield from fleet.sleep(start, min(end, due), until)
            now = env.now
            self.record.time[category] += now - start
            if until is not None and until.triggered:
                return None
            if not slept:
                continue
            if due >= end:
                return None
            pool, failure, struck = fleet.fail(now, failing)
            if struck and not self._hide(pool, failure):
                self._lose(pool, failure, struck)
                if exposed:
                    return failure

    def _advance(self, start: float, now: float, rate: float, unstalled: float) -> None:
        progress = self.progress
        before = progress.marks
        productive, stall, blocked = progress.advance(start, now - start, rate, unstalled)
        self.fleet.computing = progress.computing
        if self._lost and progress.marks > before:
            self._lost.clear()
        self.active_chip_seconds += productive * self._chips
        time = self.record.time
        time["productive"] += productive
        if stall:
            time["stall"] += stall
        if blocked:
            time["checkpoint"] += blocked

    def _interrupt(self, pool: NodePool, failure: Failure, struck: list[int], now: float) -> None:
        """Stop: whatever else fails at this instant belongs to the same interruption."""
        self.interruptions += 1
        self._fallen = failure
        self.progress.durable(now)
        self.record.event(now, "interruption", pool.names[failure.node], failure.cause.cause)
        self._lose(pool, failure, struck)
        while True:
            due, failing = self.fleet.next_failure(now, running=True)
            if due > now + INSTANT:
                return
            other, also, struck = self.fleet.fail(now, failing)
            if struck and not self._hide(other, also):
                self._lose(other, also, struck)

    def _lose(self, pool: NodePool, failure: Failure, struck: list[int]) -> None:
        """The copies in the memory of broken nodes are gone."""
        if failure.cause.hardware and self._sawtooth.storage_every > 1:
            self._lost.update((pool.name, node) for node in struck)

    def _roll_back(self) -> None:
        """Fall back to the newest checkpoint that can be used; its work since then becomes rework."""
        fallen, self._fallen = self._fallen, None
        if fallen is None:
            return
        corrupt = fallen.clean if isinstance(fallen, Hidden) else None
        lost = self.progress.roll_back(memory=self._copies_left(), at_most=corrupt)
        here = self.progress.tokens
        if self._hidden:
            self._hidden = [
                h for h in self._hidden if not h.failure.cause.silent or h.tokens < here
            ]
        self.active_chip_seconds -= lost * self._chips
        self.record.time["productive"] -= lost
        self.record.time["rework"] += lost
        self.record.event(self.env.now, "rework", "job", lost)

    def _copies_left(self) -> bool:
        """Whether every lost node's copy in host memory has a peer: its neighbour of even and odd
        number.
        """
        lost = self._lost
        return not lost or not any((pool, node ^ 1) in lost for pool, node in lost)

    def _hide(self, pool: NodePool, failure: Failure) -> bool:
        """Keep a fault that is not noticed at once; whether this is one."""
        if not failure.hidden:
            return False
        now, node, progress = self.env.now, failure.node, self.progress
        strikes = pool.strikes.get(node, 0)
        clean = progress.clean(now)
        self._hidden.append(
            Hidden(now + failure.detect, pool, node, failure, strikes, clean, progress.tokens)
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
            self.progress.durable(self.env.now)
        self.record.event(self.env.now, "found", hidden.pool.names[hidden.node], cause.cause)
        return True

    def _rate(self, slowdown: float) -> float:
        """Tokens per second of the present plan while communication is slowed; worked out once for
        each slow-down.
        """
        if slowdown not in self._rates:
            self._rates[slowdown] = self.plan.tokens_per_s_at(slowdown)
        return self._rates[slowdown]

    def _straggling(self) -> float:
        """How much slower the slowest active straggler makes every step."""
        return max((h.failure.cause.slowdown for h in self._hidden if h.there), default=1.0)

    def _restart(self, failure: Failure) -> float:
        """Seconds of a restart, growing with the size of the job, and of loading the checkpoint."""
        recovery, saw = self.recovery, self._sawtooth
        seconds = self._time(failure.cause.restart or recovery.restart)
        if recovery.restart_scaling:
            chips = sum(self.plan.used_chips)
            seconds *= (chips / recovery.restart_scaling.chips) ** recovery.restart_scaling.exponent
        in_memory = (
            saw.storage_every > 1 and self._copies_left() and not isinstance(self._fallen, Hidden)
        )
        return seconds + (saw.memory_load if in_memory else saw.load)

    def _time(self, distribution: Any) -> float:
        draws, dims = self._draws, distribution.dims
        return (
            distribution.one(draws.next())
            if dims == 1
            else distribution.one(*[draws.next() for _ in range(dims)])
        )

    def _state(self, state: str, now: float) -> None:
        self.record.event(now, "state", "job", state)
