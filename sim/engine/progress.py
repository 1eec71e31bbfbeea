"""Training as a fluid: a position in tokens, a rate, and the sawtooth of checkpoints passed on the way.

Checkpoint marks are arithmetic, not events, so a run costs the same with a checkpoint every second or every day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.scenario import Checkpoint


@dataclass(frozen=True, slots=True)
class Mark:
    """A checkpoint: the position it holds and the productive seconds it took to get there."""

    tokens: float
    productive: float
    durable_at: float


class Progress:
    """Position of one run and the checkpoints behind it.

    Parameters
    ----------
    tokens : float
        Tokens to train on.
    checkpoint : Checkpoint
        Interval (computing seconds, stalls included), blocking and flush times.
    """

    __slots__ = (
        "_blocked_left",
        "_checkpoint",
        "_durable",
        "_pending",
        "_timer",
        "computing",
        "goal",
        "productive",
        "tokens",
    )

    def __init__(self, tokens: float, checkpoint: Checkpoint) -> None:
        self.goal = tokens
        self.tokens = 0.0
        self.productive = 0.0
        self.computing = 0.0
        """The computing clock: seconds the job computed, blocked or stalled."""
        self._checkpoint = checkpoint
        self._timer = 0.0
        self._blocked_left = 0.0
        self._durable = Mark(0.0, 0.0, 0.0)
        self._pending: Mark | None = None

    def seconds_to_finish(self, rate: float) -> float:
        """Wall seconds to the goal at `rate` tokens/s, with the blocking of each checkpoint on the way."""
        if rate <= 0:
            return math.inf
        interval = self._checkpoint.interval
        compute = (self.goal - self.tokens) / rate
        to_mark = interval - self._timer
        marks = math.ceil((compute - to_mark) / interval) if compute > to_mark else 0
        return self._blocked_left + compute + marks * self._checkpoint.blocking

    def advance(self, now: float, seconds: float, rate: float, unstalled: float) -> tuple[float, float, float]:
        """Train for `seconds` from time `now` at `rate` tokens/s, of `unstalled` tokens/s without a stall.

        Returns
        -------
        productive, stall, blocked : float
            The parts of `seconds`.
        """
        interval, blocking = self._checkpoint.interval, self._checkpoint.blocking
        start = min(seconds, self._blocked_left)
        self._blocked_left -= start
        left = seconds - start
        blocked = start
        to_mark = interval - self._timer
        share = rate / unstalled
        if left < to_mark:
            self._timer += left
        else:
            cycle = interval + blocking
            full = math.floor((left - to_mark) / cycle)
            after = max(left - to_mark - full * cycle, 0.0)
            computed = to_mark + full * interval
            self._mark(now + start + to_mark + full * cycle, computed, full, rate, share)
            blocked += full * blocking + min(after, blocking)
            self._blocked_left = max(blocking - after, 0.0)
            self._timer = max(after - blocking, 0.0)
        compute = seconds - blocked
        productive = compute * share
        self.tokens += rate * compute
        self.productive += productive
        self.computing += seconds
        return productive, compute - productive, blocked

    def _mark(self, time: float, computed: float, full: int, rate: float, share: float) -> None:
        """Note the last mark of a stretch, and the one before it, durable by then since it was flushed in time."""
        checkpoint = self._checkpoint
        if full:
            earlier = computed - checkpoint.interval
            self._durable = Mark(self.tokens + rate * earlier, self.productive + share * earlier, 0.0)
        elif self._pending:
            self._durable = self._pending
        durable_at = time + checkpoint.blocking + checkpoint.flush
        self._pending = Mark(self.tokens + rate * computed, self.productive + share * computed, durable_at)

    def durable(self, now: float) -> Mark:
        """The newest checkpoint that survives a failure at `now`."""
        if self._pending and self._pending.durable_at <= now:
            self._durable, self._pending = self._pending, None
        return self._durable

    def finish(self) -> None:
        """Land on the goal exactly."""
        self.tokens = self.goal

    def roll_back(self, now: float) -> float:
        """Fall back to the last durable checkpoint; the productive seconds lost."""
        mark = self.durable(now)
        lost = self.productive - mark.productive
        self.tokens, self.productive = mark.tokens, mark.productive
        self._timer, self._blocked_left, self._pending = 0.0, 0.0, None
        return lost
