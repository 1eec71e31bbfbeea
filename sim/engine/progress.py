"""Training as a fluid: a position in tokens, a rate, and the sawtooth of checkpoints on the way.

Checkpoint marks are arithmetic, not events, so a run costs the same with a checkpoint every second
or every day. Three clocks run while the job trains: *running* time (everything but the blocking of
checkpoints), which the checkpoint timer counts; of it the seconds not lost to link flaps, in which
tokens are made; and wall time. A period in steps is turned into running time at the rate of the
moment, so a flap counts towards it.
"""

from __future__ import annotations

import math
from bisect import bisect_right

from sim.engine.checkpoints import (
    INSTANT,
    Checkpoints,
    Leg,
    Mark,
    Sawtooth,
    Speed,
    Stalls,
    Watch,
)


class ComputingClock:
    """Seconds that jobs computed, blocked or stalled: failures of some causes count only these."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds = 0.0

    def advance(self, seconds: float) -> None:
        """Let it run on."""
        self.seconds += seconds


class Progress:
    """Position of one run.

    Parameters
    ----------
    goal : float
        Tokens to train on.
    sawtooth : Sawtooth
    clock : ComputingClock
        Advanced as the job trains.
    flaps : Stalls, optional
    watch : Watch, optional
        Is told of every checkpoint.
    """

    def __init__(
        self,
        goal: float,
        sawtooth: Sawtooth,
        clock: ComputingClock,
        flaps: Stalls | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.goal = goal
        self._end = goal
        """Where the phase of the run ends."""
        self.tokens = 0.0
        self.productive = 0.0
        """Seconds that the tokens took without a stall."""
        self.chip_seconds = 0.0
        """The same by active chip."""
        self.checkpoints = Checkpoints(sawtooth, flaps, watch)
        self._sawtooth = sawtooth
        self._clock = clock
        self._flaps = flaps
        self._running = 0.0
        """Seconds that no checkpoint blocked."""
        self._stopped = 0.0
        """Those of them lost to flaps."""
        self._timer = 0.0
        """Running seconds, or steps, since the last mark or restart."""
        self._blocked_left = 0.0
        """Seconds for which the mark just passed blocks on."""
        self._final_left = self._final

    @property
    def _final(self) -> float:
        """Seconds of the checkpoint at the end, if there is one."""
        saw = self._sawtooth
        last = saw.final and self._end == self.goal
        return saw.blocking + saw.flush if last else 0.0

    def follow(self, sawtooth: Sawtooth, end: float) -> None:
        """Train on to the end of a phase (tokens), with its checkpoints.

        The interval between two goes on over the boundary, unless it is another one.
        """
        self._end = end
        if sawtooth != self._sawtooth:
            self.checkpoints.follow(sawtooth)
            self._sawtooth = sawtooth
            self._timer = 0.0
        self._final_left = self._final

    def _unit(self, speed: Speed) -> float:
        """How fast the timer of checkpoints runs: seconds or steps a running second."""
        return speed.rate / speed.step if self._sawtooth.in_steps else 1.0

    def seconds_to_finish(self, speed: Speed, within: float = math.inf) -> float:
        """Wall seconds to the end of the phase, checkpoints and flaps on the way included.

        Where it is further off than `within`, something less, but more than that: nothing is drawn
        that far ahead.
        """
        if speed.rate <= 0:
            return math.inf
        saw = self._sawtooth
        moving = (self._end - self.tokens) / speed.rate
        if moving > within:
            return moving
        compute = moving
        if self._flaps:
            done = self._running - self._stopped
            compute = self._flaps.running(done + moving) - self._running
        ahead = compute * self._unit(speed) - (saw.period - self._timer)
        # The goal may lie on a mark, where the last digit of a sum must not cost a checkpoint.
        marks = math.ceil(ahead / saw.period - 1e-9) if ahead > 0 else 0
        blocks = saw.blocks(self.checkpoints.passed, marks)
        return self._blocked_left + compute + blocks + self._final_left

    def advance(self, now: float, seconds: float, speed: Speed) -> tuple[float, float, float]:
        """Train for `seconds` from time `now`; which of them were productive, stall and blocked."""
        if not self._final_left:
            return self._train(now, seconds, speed)
        ahead = self.seconds_to_finish(speed, seconds + self._final_left) - self._final_left
        train = min(seconds, max(ahead, 0.0))
        productive, stall, blocked = self._train(now, train, speed)
        saving = seconds - train
        if saving > 0:
            # The final checkpoint is being written, and is the same as one due at the very end.
            self._final_left = max(self._final_left - saving, 0.0)
            self._blocked_left = 0.0
        self._clock.advance(saving)
        return productive, stall, blocked + saving

    def _train(self, now: float, seconds: float, speed: Speed) -> tuple[float, float, float]:
        saw = self._sawtooth
        blocked = min(seconds, self._blocked_left)
        self._blocked_left -= blocked
        left = seconds - blocked
        unit = self._unit(speed)
        period = saw.period / unit
        to_mark = (saw.period - self._timer) / unit
        new = self._reached(left, to_mark, period)
        if new == 0:
            run = left
            self._timer += left * unit
        else:
            blocked += self._pass_marks(now + blocked, left, new, to_mark, period, speed)
            run = seconds - blocked
        moving = run
        if self._flaps:
            stopped = self._flaps.stopped(self._running + run)
            moving = run - (stopped - self._stopped)
            self._stopped = stopped
        trained = moving * speed.rate
        productive = trained / speed.unstalled
        self.tokens += trained
        self.productive += productive
        self.chip_seconds += productive * speed.chips
        self._running += run
        self._clock.advance(seconds)
        return productive, run - productive, blocked

    def _pass_marks(
        self, start: float, left: float, new: int, to_mark: float, period: float, speed: Speed
    ) -> float:
        """Go past `new` marks in `left` seconds from `start`; the seconds that they blocked."""
        saw = self._sawtooth
        passed = self.checkpoints.passed
        before = saw.blocks(passed, new - 1)
        own = saw.block(passed + new)
        after = max(left - (to_mark + (new - 1) * period) - before, 0.0)
        here = Mark(self.tokens, self.productive, self.chip_seconds, start)
        leg = Leg(here, to_mark, period, speed, passed, self._running, self._stopped)
        self.checkpoints.pass_marks(leg, new)
        self._blocked_left = max(own - after, 0.0)
        self._timer = max(after - own, 0.0) * self._unit(speed)
        return before + min(after, own)

    def _reached(self, left: float, to_mark: float, period: float) -> int:
        """Marks reached in `left` wall seconds: the first after `to_mark`, each then blocking."""
        saw = self._sawtooth
        # A mark that falls on the end of a stretch counts: the sum of times may be short of it by
        # its last digit, and the checkpoint would be lost.
        left += INSTANT * min(period, 1.0)
        if left < to_mark:
            return 0
        if saw.storage_every == 1:
            return 1 + math.floor((left - to_mark) / (period + saw.blocking))
        # Two kinds of marks block for different times: the number lies between two bounds.
        longest = max(saw.blocking, saw.memory_blocking)
        least = math.floor((left - to_mark) / (period + longest))
        most = 2 + math.floor((left - to_mark) / period)
        passed = self.checkpoints.passed

        def seconds_to(mark: int) -> float:
            return to_mark + (mark - 1) * period + saw.blocks(passed, mark - 1)

        return bisect_right(range(1, most + 1), left, lo=least, key=seconds_to)

    def finish(self) -> None:
        """Land on the end of the phase exactly."""
        self.tokens = self._end

    def usable(self, *, memory: bool) -> Mark:
        """The newest checkpoint to fall back to, as of when that was settled."""
        return self.checkpoints.usable(memory=memory, copying=self._blocked_left > 0)

    def further_back(self, mark: Mark, steps: float, speed: Speed) -> Mark:
        """The newest checkpoint before which at least some steps are thrown away.

        Those on storage before the last are whole periods of the present speed apart, and all are
        kept.
        """
        saw = self._sawtooth
        too_new = mark.tokens - (self.tokens - steps * speed.step)
        # Nothing is further back than the start.
        if too_new <= 0 or not mark.tokens:
            return mark
        period = saw.period * saw.storage_every
        period *= speed.step if saw.in_steps else speed.unstalled
        tokens = max(mark.tokens - math.ceil(too_new / period) * period, 0.0)
        share = tokens / mark.tokens
        return Mark(
            tokens, mark.productive * share, mark.chip_seconds * share, mark.durable_at
        )

    def roll_back(self, mark: Mark) -> float:
        """Fall back to a checkpoint; the productive seconds lost."""
        lost = max(self.productive - mark.productive, 0.0)
        self.tokens = mark.tokens
        self.productive = mark.productive
        self.chip_seconds = mark.chip_seconds
        self.checkpoints.fall_back(mark)
        self._begin_anew()
        return lost

    def save(self, now: float) -> None:
        """A planned checkpoint, written and flushed: nothing is lost when the job stops now."""
        self.checkpoints.save(Mark(self.tokens, self.productive, self.chip_seconds, now))
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._timer = 0.0
        self._blocked_left = 0.0
        self._final_left = self._final
