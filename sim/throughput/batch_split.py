"""How replicas of different speed share the micro-batches of a step."""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Pace(NamedTuple):
    """Data-parallel ranks of one kind: how many, and the seconds of a rank, ``m · beat + ramp``."""

    ranks: int
    beat: float
    ramp: float

    def seconds(self, microbatches: float) -> float:
        return microbatches * self.beat + self.ramp if microbatches else 0.0


def real_split(paces: Sequence[Pace], microbatches: float) -> float:
    """The earliest common finish if micro-batches could be cut at will: a lower bound on any split.

    Solves ``Σ ranks · (T − ramp) / beat = microbatches`` over the ranks with ``T > ramp``.

    Examples
    --------
    >>> real_split([Pace(1, 1.0, 0.0), Pace(1, 2.0, 0.0)], 30)
    20.0
    """
    speed = done = 0.0
    finish = math.inf
    # Whoever starts after the others could be done without it has no part: the quickest to start
    # come first, so all who follow have none either.
    for pace in sorted(paces, key=lambda pace: pace.ramp):
        if pace.ranks and pace.ramp < finish:
            speed += pace.ranks / pace.beat
            done += pace.ranks * pace.ramp / pace.beat
            finish = (microbatches + done) / speed
    return finish


def whole_split(paces: Sequence[Pace], microbatches: int) -> tuple[int, ...]:
    """Micro-batches per rank of each kind that finish the step earliest.

    Starts from the real-valued optimum, rounded down, and gives the rest to whoever would finish
    first; no whole split is faster, and it is at most one beat of the slowest kind behind
    `real_split`.

    Examples
    --------
    >>> whole_split([Pace(2, 1.0, 0.0), Pace(1, 2.5, 0.0)], 12)
    (5, 2)
    """
    finish = real_split(paces, microbatches)
    given = [0] * len(paces)
    left = microbatches
    for k, (ranks, beat, ramp) in enumerate(paces):
        if ranks and finish > ramp:
            # A quotient that is whole but for rounding must not lose a micro-batch.
            given[k] = math.floor((finish - ramp) / beat + 1e-9)
            left -= ranks * given[k]
    kinds = [k for k, pace in enumerate(paces) if pace.ranks]
    while left > 0:
        first = min(kinds, key=lambda k: paces[k].seconds(given[k] + 1))
        given[first] += 1
        left -= paces[first].ranks
    return tuple(given)


def uniform_split(paces: Sequence[Pace], microbatches: int) -> tuple[int, ...]:
    """The same number for every rank, as a framework without unequal batches gives them."""
    each = -(-microbatches // sum(pace.ranks for pace in paces))
    return tuple(each if pace.ranks else 0 for pace in paces)
