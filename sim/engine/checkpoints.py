"""Checkpoints: when they are due, what they cost, when one is durable, which one can be used.

Marks are arithmetic, not events. Of all the marks a job passes only the last few can ever be fallen
back to, and those are worked out only when somebody asks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Protocol

from sim.catalogue.hardware import StepTime
from sim.errors import InputError
from sim.scenario import Checkpoint, Run
from sim.scenario.parts import Steps
from sim.throughput import Plan

INSTANT = 1e-6
"""Seconds within which events happen together: sums of times differ in the last digits."""


@dataclass(frozen=True, slots=True)
class Sawtooth:
    """When checkpoints are written and what they cost (seconds).

    Every `storage_every`-th mark goes to storage and blocks for `blocking`, the others stay in host
    memory and block for `memory_blocking`. The period between marks is in running seconds, or in
    steps if `in_steps`.
    """

    period: float
    in_steps: bool
    blocking: float
    flush: float
    load: float
    storage_every: int
    memory_blocking: float
    memory_load: float
    final: bool

    @property
    def save(self) -> float:
        """Seconds until a checkpoint on storage is durable."""
        return self.blocking + self.flush

    def seconds(self, plan: Plan) -> float:
        """Seconds between two checkpoints on storage while a plan trains."""
        interval = self.period * self.storage_every
        return interval * plan.step_seconds if self.in_steps else interval

    def block(self, number: int) -> float:
        """Seconds that the mark of a number blocks for, the first after a restart being 1."""
        return self.blocking if number % self.storage_every == 0 else self.memory_blocking

    def blocks(self, passed: int, marks: int) -> float:
        """Seconds that `marks` marks block for after the first `passed`."""
        every = self.storage_every
        if every == 1:
            return marks * self.blocking
        storage = (passed + marks) // every - passed // every
        return storage * self.blocking + (marks - storage) * self.memory_blocking


def sawtooth_of(
    checkpoint: Checkpoint, run: Run, plan: Plan, constants: StepTime, failure_rate: float
) -> Sawtooth:
    """Checkpoint times in seconds, with the storage's bandwidth and the best interval worked out.

    Parameters
    ----------
    checkpoint : Checkpoint
    run : Run
    plan : Plan
        The step of the whole fleet.
    constants : StepTime
    failure_rate : float
        Interruptions per second of the whole job.

    Raises
    ------
    InputError
        When a checkpoint could not be durable before the next one starts.
    """
    size = run.model.parameters * (constants.element + constants.optimizer)
    transfer = size / checkpoint.bandwidth if checkpoint.bandwidth else 0.0
    flush = transfer if checkpoint.flush is None else checkpoint.flush
    load = transfer if checkpoint.load is None else checkpoint.load
    busy = checkpoint.blocking + flush
    interval, seconds = _interval(checkpoint, plan, busy, failure_rate)
    if busy > seconds * (1 + 1e-12):
        raise InputError(
            f"checkpoint: blocking + flush take {busy:g} s, the interval is {seconds:g} s: "
            "a checkpoint must be durable before the next one starts"
        )
    memory = checkpoint.memory
    per_interval = round(memory.per_interval) if memory else 1
    return Sawtooth(
        period=interval / per_interval,
        in_steps=isinstance(checkpoint.interval, Steps),
        blocking=checkpoint.blocking,
        flush=flush,
        load=load,
        storage_every=per_interval,
        memory_blocking=memory.blocking if memory else 0.0,
        memory_load=memory.load if memory else load,
        final=checkpoint.final,
    )


def _interval(
    checkpoint: Checkpoint, plan: Plan, busy: float, failure_rate: float
) -> tuple[float, float]:
    """The interval in its own unit, steps or running seconds, and in seconds."""
    asked = checkpoint.interval
    if isinstance(asked, Steps):
        tokens = asked * plan.tokens_per_step
        return asked, tokens / plan.tokens_per_s if plan.tokens_per_s else math.inf
    if asked == "optimal":
        # Daly knows neither the flush nor steps: no interval can be shorter than either.
        least = max(busy, plan.step_seconds)
        asked = max(daly_interval(checkpoint.blocking, failure_rate), least)
    return asked, asked


def daly_interval(blocking: float, failure_rate: float) -> float:
    """The best time between checkpoints (Daly, Future Generation Computer Systems 22, 2006).

    ``√(2δM)·[1 + ⅓√(δ/2M) + δ/(18M)] − δ``, or M where δ ≥ 2M, with δ the seconds a checkpoint
    blocks for and M the mean time between failures.

    Examples
    --------
    >>> round(daly_interval(60.0, 1 / 3600.0), 1)
    617.9
    """
    if not failure_rate:
        return math.inf
    mean = 1 / failure_rate
    if blocking >= 2 * mean:
        return mean
    root = math.sqrt(blocking / (2 * mean))
    return math.sqrt(2 * blocking * mean) * (1 + root / 3 + blocking / (18 * mean)) - blocking


@dataclass(frozen=True)
class Speed:
    """How fast a job trains.

    Attributes
    ----------
    rate, unstalled : float
        Tokens per second, and what they would be without a stall.
    chips : int
        Active chips.
    step : float
        Tokens of a step.
    """

    rate: float
    unstalled: float
    chips: int
    step: float = 1.0


@dataclass(slots=True)
class Mark:
    """A checkpoint: the position it holds, and what it took to get there.

    Attributes
    ----------
    tokens : float
    productive, chip_seconds : float
        Productive seconds of the job, and of all its chips.
    durable_at : float
        When it is on storage (s).
    """

    tokens: float
    productive: float
    chip_seconds: float
    durable_at: float


START = Mark(0.0, 0.0, 0.0, 0.0)


@dataclass(slots=True)
class Leg:
    """A stretch of training on which marks were passed, as it stood at its beginning.

    Attributes
    ----------
    here : Mark
        The position, and the time in place of that of a checkpoint.
    to_mark, period : float
        Running seconds to the first mark and from one to the next.
    speed : Speed
    marks : int
        Passed before, since the last restart.
    running, stopped : float
        Seconds that no checkpoint blocked, and those of them lost to flaps.
    """

    here: Mark
    to_mark: float
    period: float
    speed: Speed
    marks: int
    running: float
    stopped: float


Point = Mark | tuple[Leg, int]
"""A checkpoint, or the k-th mark of a leg, not yet worked out."""


class Stalls(Protocol):
    """Full stops inside running time, known in advance: see `sim.engine.fabric.Flaps`."""

    def stopped(self, running: float) -> float:
        """Seconds of full stops in the first `running` seconds."""
        ...

    def running(self, moving: float) -> float:
        """Running seconds after which `moving` of them were no stops."""
        ...


class Watch(Protocol):
    """Who wants to see the checkpoints of a run; the run is the same without."""

    def written(self, marks: Iterator[Mark]) -> None:
        """Checkpoints on storage, in order, made as they are asked for: there may be millions."""
        ...

    def fell_back(self, mark: Mark, void: Mark | None) -> None:
        """The job goes back to a checkpoint; one that was not durable yet is void."""
        ...


class Checkpoints:
    """The checkpoints behind a job: the durable one, the one being flushed, copies in memory."""

    def __init__(
        self, sawtooth: Sawtooth, flaps: Stalls | None = None, watch: Watch | None = None
    ) -> None:
        self._sawtooth = sawtooth
        self._flaps = flaps
        self._watch = watch
        self.passed = 0
        """Marks since the last restart."""
        self._durable: Point = START
        self._pending: Point | None = None
        """On its way to storage, and void if the job fails before it is flushed."""
        self._memory: Point = START
        self._memory_before: Point = START
        """The copy before the last, which is still whole while the last is being made."""

    def pass_marks(self, leg: Leg, new: int) -> None:
        """Note that the job went past `new` marks on a leg; keep those it could fall back to."""
        every = self._sawtooth.storage_every
        storage = (leg.marks + new) // every * every - leg.marks
        if storage > 0:
            # The one before was flushed in time: blocking and flush fit into an interval.
            if storage > every:
                self._durable = leg, storage - every
            elif self._pending:
                self._durable = self._pending
            self._pending = leg, storage
            if self._watch:
                first = every - leg.marks % every
                numbers = range(first, storage + 1, every)
                self._watch.written(map(self._mark, zip(repeat(leg), numbers)))
        if every > 1:
            self._memory_before = (leg, new - 1) if new > 1 else self._memory
            self._memory = leg, new
        self.passed += new

    def settle(self, now: float) -> None:
        """Let the checkpoint that was being written count as durable if it is by now."""
        if self._pending:
            pending = self._pending = self._mark(self._pending)
            if pending.durable_at <= now + INSTANT:
                self._durable = pending
                self._pending = None

    @property
    def durable(self) -> Mark:
        """The newest checkpoint on storage as of the last time that was settled."""
        return self._mark(self._durable)

    def begun(self, now: float) -> Mark:
        """The newest checkpoint on storage, flushed or not, that was begun by `now`."""
        if self._pending:
            return self._mark(self._pending)
        self.settle(now)
        return self.durable

    def usable(self, *, memory: bool, copying: bool) -> Mark:
        """The newest checkpoint to fall back to.

        Parameters
        ----------
        memory : bool
            Whether the copies in host memory are left.
        copying : bool
            Whether the last of them was still being made.
        """
        mark = self.durable
        if memory and self._sawtooth.storage_every > 1:
            copy = self._mark(self._memory_before if copying else self._memory)
            if copy.tokens > mark.tokens:
                return copy
        return mark

    def follow(self, sawtooth: Sawtooth) -> None:
        """Write the checkpoints of a phase of the run from now on."""
        # What was written before is worked out while its own times are known.
        self._durable = self._mark(self._durable)
        self._pending = self._mark(self._pending) if self._pending else None
        self._memory = self._mark(self._memory)
        self._memory_before = self._mark(self._memory_before)
        self._sawtooth = sawtooth
        self.passed = 0

    def trust_none_after(self, mark: Mark) -> None:
        """All checkpoints after this one hold corrupt numbers: it is the durable one now."""
        self._durable = mark

    def fall_back(self, mark: Mark) -> None:
        """Begin anew from a checkpoint; one that was not durable is void."""
        if self._watch:
            void = self._mark(self._pending) if self._pending else None
            self._watch.fell_back(mark, void)
        self._begin_anew(mark)

    def save(self, mark: Mark) -> None:
        """A planned checkpoint, written and flushed: the job begins anew from it."""
        self._durable = mark
        if self._watch:
            self._watch.written(iter([mark]))
        self._begin_anew(mark)

    def _begin_anew(self, mark: Mark) -> None:
        self._pending = None
        self._memory = mark
        self._memory_before = mark
        self.passed = 0

    def _mark(self, point: Point) -> Mark:
        """A mark, worked out if it has not been yet."""
        if isinstance(point, Mark):
            return point
        leg, k = point
        here = leg.here
        speed = leg.speed
        run = leg.to_mark + (k - 1) * leg.period
        moving = run
        if self._flaps:
            moving -= self._flaps.stopped(leg.running + run) - leg.stopped
        saw = self._sawtooth
        at = here.durable_at + run + saw.blocks(leg.marks, k - 1)
        trained = moving * speed.rate
        productive = trained / speed.unstalled
        return Mark(
            here.tokens + trained,
            here.productive + productive,
            here.chip_seconds + productive * speed.chips,
            at + saw.blocking + saw.flush,
        )
