"""Training as a fluid: a position in tokens, a rate, and the sawtooth of checkpoints passed on the
way.

Checkpoint marks are arithmetic, not events, so a run costs the same with a checkpoint every second
or every day. Three clocks run while the job trains: *running* time (everything but the blocking of
checkpoints), which the checkpoint timer counts; of it the seconds not lost to link flaps, in which
tokens are made; and wall time. A period in tokens is turned into running time at the rate of the
moment, so a flap counts towards it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import repeat
from typing import Protocol

from sim.engine.checkpoints import INSTANT, Mark, Sawtooth, Watch


class Stalls(Protocol):
    """Full stops inside running time, known in advance: see `sim.engine.fabric.Flaps`."""

    def stopped(self, running: float) -> float:
        """Seconds of full stops in the first `running` seconds."""
        ...

    def running(self, moving: float) -> float:
        """Running seconds after which `moving` of them were no stops."""
        ...


class Leg:
    """Where a stretch of training began on which marks were passed: each is worked out from it when
    it is asked for.
    """

    __slots__ = (
        "marks",
        "period",
        "productive",
        "rate",
        "running",
        "stopped",
        "time",
        "to_mark",
        "tokens",
        "unstalled",
    )

    def __init__(
        self,
        time: float,
        at: Progress,
        to_mark: float,
        period: float,
        rate: float,
        unstalled: float,
    ) -> None:
        self.time, self.to_mark, self.period, self.rate, self.unstalled = (
            time,
            to_mark,
            period,
            rate,
            unstalled,
        )
        self.tokens, self.productive, self.marks = at.tokens, at.productive, at.marks
        self.running, self.stopped = at.running, at.stopped


START = Mark(0.0, 0.0, 0.0)
Point = Mark | tuple[Leg, int]
"""A checkpoint, or the k-th mark of a leg, not yet worked out."""


class Progress:
    """Position of one run and the checkpoints behind it.

    Parameters
    ----------
    goal : float
        Tokens to train on.
    sawtooth : Sawtooth
    flaps : Stalls, optional
    """

    def __init__(self, goal: float, sawtooth: Sawtooth, flaps: Stalls | None = None) -> None:
        self.goal = goal
        self.tokens = 0.0
        self.productive = 0.0
        self.computing = 0.0
        """The computing clock: seconds the job computed, blocked or stalled."""
        self._sawtooth, self._flaps = sawtooth, flaps
        self.running = self.stopped = 0.0
        """Seconds that no checkpoint blocked, and those of them lost to flaps."""
        self._timer = 0.0
        self._marks = 0
        self._blocked_left = 0.0
        self._final_left = sawtooth.blocking + sawtooth.flush if sawtooth.final else 0.0
        self._durable: Point = START
        self._memory: Point = START
        self._memory_before: Point = START
        self._pending: Point | None = None
        self.watch: Watch | None = None

    def seconds_to_finish(self, rate: float, within: float = math.inf) -> float:
        """Wall seconds to the goal at `rate` tokens/s, with the blocking of each checkpoint and the
        flaps on the way.

        Where it is further off than `within`, something less, but more than that: nothing is drawn
        that far ahead.
        """
        if rate <= 0:
            return math.inf
        saw = self._sawtooth
        moving = (self.goal - self.tokens) / rate
        if moving > within:
            return moving
        compute = moving
        if self._flaps:
            compute = self._flaps.running(self.running - self.stopped + moving) - self.running
        ahead = (compute * rate if saw.in_tokens else compute) - (saw.period - self._timer)
        # The goal may lie on a mark, where the last digit of a sum must not cost another
        # checkpoint.
        marks = math.ceil(ahead / saw.period - 1e-9) if ahead > 0 else 0
        return self._blocked_left + compute + self._blocking(self._marks, marks) + self._final_left

    def advance(
        self, now: float, seconds: float, rate: float, unstalled: float
    ) -> tuple[float, float, float]:
        """Train for `seconds` from time `now` at `rate` tokens/s, of `unstalled` tokens/s without a
        stall.

        Returns
        -------
        productive, stall, blocked : float
            The parts of `seconds`.
        """
        if not self._final_left:
            return self._train(now, seconds, rate, unstalled)
        train = min(
            seconds,
            max(self.seconds_to_finish(rate, seconds + self._final_left) - self._final_left, 0.0),
        )
        productive, stall, blocked = self._train(now, train, rate, unstalled)
        if (
            train < seconds
        ):  # the final checkpoint is being written; one due at the very end is the same
            self._final_left, self._blocked_left = (
                max(self._final_left - (seconds - train), 0.0),
                0.0,
            )
        self.computing += seconds - train
        return productive, stall, blocked + seconds - train

    def _train(
        self, now: float, seconds: float, rate: float, unstalled: float
    ) -> tuple[float, float, float]:
        start = min(seconds, self._blocked_left)
        self._blocked_left -= start
        left, blocked = seconds - start, start
        speed = rate if self._sawtooth.in_tokens else 1.0
        period, to_mark = (
            self._sawtooth.period / speed,
            (self._sawtooth.period - self._timer) / speed,
        )
        new = self._passed(left, to_mark, period)
        if new == 0:
            run, self._timer = left, self._timer + left * speed
        else:
            last = to_mark + (new - 1) * period
            before = self._blocking(self._marks, new - 1)
            after = max(left - last - before, 0.0)
            own = self._block(self._marks + new)
            self._note(Leg(now + start, self, to_mark, period, rate, unstalled), new)
            blocked += before + min(after, own)
            self._marks += new
            self._blocked_left = max(own - after, 0.0)
            self._timer = max(after - own, 0.0) * speed
            run = seconds - blocked
        moving = run
        if self._flaps:
            stopped = self._flaps.stopped(self.running + run)
            moving, self.stopped = run - (stopped - self.stopped), stopped
        productive = moving * rate / unstalled
        self.tokens += moving * rate
        self.productive += productive
        self.computing += seconds
        self.running += run
        return productive, run - productive, blocked

    def _passed(self, left: float, to_mark: float, period: float) -> int:
        """Marks reached in `left` wall seconds, the first after `to_mark`, each then blocking
        before the next.
        """
        left += INSTANT * min(period, 1.0)
        if left < to_mark:
            return 0
        if self._sawtooth.storage_every == 1:
            return 1 + math.floor((left - to_mark) / (period + self._sawtooth.blocking))
        least = math.floor(
            (left - to_mark)
            / (period + max(self._sawtooth.blocking, self._sawtooth.memory_blocking))
        )
        most = 2 + math.floor((left - to_mark) / period)

        def reached(k: int) -> float:
            return to_mark + (k - 1) * period + self._blocking(self._marks, k - 1)

        return bisect_right(range(1, most + 1), left, lo=least, key=reached)

    def _blocking(self, passed: int, marks: int) -> float:
        """Blocking seconds of `marks` marks after the first `passed`."""
        saw = self._sawtooth
        if saw.storage_every == 1:
            return marks * saw.blocking
        storage = (passed + marks) // saw.storage_every - passed // saw.storage_every
        return storage * saw.blocking + (marks - storage) * saw.memory_blocking

    def _block(self, mark: int) -> float:
        saw = self._sawtooth
        return saw.blocking if mark % saw.storage_every == 0 else saw.memory_blocking

    def _note(self, leg: Leg, new: int) -> None:
        """Keep the marks that a failure from here on could fall back to."""
        every = self._sawtooth.storage_every
        storage = (leg.marks + new) // every * every - leg.marks
        if storage > 0:
            # The one before was flushed in time: blocking and flush together are no longer than the
            # interval.
            if storage > every:
                self._durable = leg, storage - every
            elif self._pending:
                self._durable = self._pending
            self._pending = leg, storage
            if self.watch:
                first = every - leg.marks % every
                self.watch.written(
                    map(self._mark, zip(repeat(leg), range(first, storage + 1, every)))
                )
        if every > 1:
            self._memory_before = (leg, new - 1) if new > 1 else self._memory
            self._memory = leg, new

    def _mark(self, point: Point) -> Mark:
        """A mark, worked out if it has not been yet."""
        if isinstance(point, Mark):
            return point
        leg, k = point
        moving = run = leg.to_mark + (k - 1) * leg.period
        if self._flaps:
            moving = run - (self._flaps.stopped(leg.running + run) - leg.stopped)
        at = leg.time + run + self._blocking(leg.marks, k - 1)
        trained = moving * leg.rate
        durable_at = at + self._sawtooth.blocking + self._sawtooth.flush
        return Mark(leg.tokens + trained, leg.productive + trained / leg.unstalled, durable_at)

    def durable(self, now: float) -> Mark:
        """The newest checkpoint on storage that survives a failure at `now`."""
        if self._pending:
            pending = self._pending = self._mark(self._pending)
            if pending.durable_at <= now + INSTANT:
                self._durable, self._pending = pending, None
        durable = self._durable = self._mark(self._durable)
        return durable

    def clean(self, now: float) -> Mark:
        """The newest checkpoint on storage, flushed or not, that was begun by `now`."""
        return self._mark(self._pending) if self._pending else self.durable(now)

    def finish(self) -> None:
        """Land on the goal exactly."""
        self.tokens = self.goal

    @property
    def marks(self) -> int:
        """Checkpoint marks passed since the last restart."""
        return self._marks

    def roll_back(self, *, memory: bool = False, at_most: Mark | None = None) -> float:
        """Fall back to the last usable checkpoint; the productive seconds lost. Call `durable` at
        the failure first.

        With `memory` the copies in host memory are usable too. `at_most` is a mark beyond which all
        is corrupt.
        """
        mark = self._mark(self._durable)
        if memory and self._sawtooth.storage_every > 1:
            copy = self._mark(self._memory_before if self._blocked_left else self._memory)
            mark = copy if copy.tokens > mark.tokens else mark
        if at_most and at_most.tokens < mark.tokens:
            mark = self._durable = at_most
        if self.watch:
            self.watch.fell_back(mark, self._mark(self._pending) if self._pending else None)
        lost = max(self.productive - mark.productive, 0.0)
        self.tokens, self.productive = mark.tokens, mark.productive
        self._begin_anew(mark)
        return lost

    def save(self, now: float) -> None:
        """A planned checkpoint, written and flushed: nothing is lost when the job stops now."""
        mark = self._durable = Mark(self.tokens, self.productive, now)
        if self.watch:
            self.watch.written(iter([mark]))
        self._begin_anew(mark)

    def _begin_anew(self, mark: Mark) -> None:
        self._timer, self._blocked_left, self._pending, self._marks = 0.0, 0.0, None, 0
        self._final_left = (
            self._sawtooth.blocking + self._sawtooth.flush if self._sawtooth.final else 0.0
        )
        self._memory = self._memory_before = mark
