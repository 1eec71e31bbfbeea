"""How replicas of different speed share the micro-batches of a step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """Data-parallel ranks of one kind: how many, and the seconds a rank takes, ``m · beat + ramp``."""

    ranks: int
    beat: float
    ramp: float

    def seconds(self, microbatches: float) -> float:
        return microbatches * self.beat + self.ramp if microbatches else 0.0


def real_split(shares: Sequence[Share], microbatches: float) -> float:
    """The earliest common finish if micro-batches could be cut at will: a lower bound on any split.

    Solves ``Σ ranks · (T − ramp) / beat = microbatches`` over the ranks with ``T > ramp``.

    Examples
    --------
    >>> real_split([Share(1, 1.0, 0.0), Share(1, 2.0, 0.0)], 30)
    20.0
    """
    speed = done = 0.0
    finish = math.inf
    for share in sorted(shares, key=lambda s: s.ramp):
        if share.ranks and share.ramp < finish:
            speed += share.ranks / share.beat
            done += share.ranks * share.ramp / share.beat
            finish = (microbatches + done) / speed
    return finish


def whole_split(shares: Sequence[Share], microbatches: int) -> tuple[int, ...]:
    """Micro-batches per rank of each kind that finish the step earliest.

    Starts from the real-valued optimum, rounded down, and gives the rest to whoever would finish
    first; no whole split is faster, and it is at most one beat of the slowest kind behind
    `real_split`.

    Examples
    --------
    >>> whole_split([Share(2, 1.0, 0.0), Share(1, 2.5, 0.0)], 12)
    (5, 2)
    """
    finish = real_split(shares, microbatches)
    given = [
        max(math.floor((finish - s.ramp) / s.beat + 1e-9), 0) if s.ranks else 0 for s in shares
    ]
    left = microbatches - sum(s.ranks * m for s, m in zip(shares, given, strict=True))
    while left > 0:
        first = min(
            (k for k, s in enumerate(shares) if s.ranks),
            key=lambda k: (shares[k].seconds(given[k] + 1), k),
        )
        given[first] += 1
        left -= shares[first].ranks
    return tuple(given)


def uniform_split(shares: Sequence[Share], microbatches: int) -> tuple[int, ...]:
    """The same number for every rank, as a framework without unequal batches gives them."""
    each = -(-microbatches // sum(s.ranks for s in shares))
    return tuple(each if s.ranks else 0 for s in shares)
