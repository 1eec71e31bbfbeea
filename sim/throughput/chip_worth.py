"""What chips are worth to a run, counted in chips of one reference type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ChipWorth:
    """What the chips of each pool are worth to a run, counted in chips of the reference pool.

    Attributes
    ----------
    pools : tuple of str
        The most productive chip first; chips are arrays with a last axis in this order.
    worth : tuple of float
        Tokens per second of a chip over that of the reference pool's; 0 where the model does not
        fit.
    least : tuple of int
        Chips of one replica: with fewer a pool takes no part.
    mixing : float
        Share of the sum that two or more types reach together.
    research : float
        Share of every pool's work that research holds.
    offload : tuple of float
        Share of the other pools' research that a pool takes over, as far as its chips go.
    bench : tuple of float
        What a chip is worth to research, which stays within a node: by its peak and kernels alone.
        As `worth` unless given.
    """

    pools: tuple[str, ...]
    worth: tuple[float, ...]
    least: tuple[int, ...]
    mixing: float = 1.0
    research: float = 0.0
    offload: tuple[float, ...] = ()
    bench: tuple[float, ...] = ()

    def free(self, chips: Floats) -> Floats:
        """What research leaves of each pool, in reference chips.

        Examples
        --------
        >>> both = ChipWorth(("good", "weak"), (1.0, 0.25), (1, 1), research=0.5, offload=(0.0, 1.0))
        >>> both.free(np.array([2048.0, 10000.0])).tolist()
        [2048.0, 226.0]
        """
        worth, bench = np.array(self.worth), np.array(self.bench or self.worth)
        takes = np.array(self.offload or (0.0,) * len(self.pools))
        held = self.research * chips
        gives = np.where(takes > 0, 0.0, held)
        given = (gives * bench).sum(axis=-1, keepdims=True)
        taken = np.minimum(takes * given, (chips - held) * bench)
        freed = gives * taken.sum(axis=-1, keepdims=True) / np.where(given > 0, given, 1.0)
        left = chips - held - taken / np.where(bench > 0, bench, 1.0) + freed
        return np.where(left >= np.array(self.least), left * worth, 0.0)

    def together(self, chips: Floats) -> Floats:
        """Reference chips that the first, the first two, … pools are worth in one run."""
        free = self.free(chips)
        several = np.cumsum(free > 0, axis=-1) > 1
        return np.cumsum(free, axis=-1) * np.where(several, self.mixing, 1.0)

    def available(self, chips: Floats) -> Floats:
        """Reference chips a run can have: a type that would slow the rest drops out."""
        return self.together(chips).max(axis=-1)

    def staff(self, owned: Floats, need: float) -> dict[str, float] | None:
        """Chips of each pool for a run that needs so many reference chips, best first; None if
        there are too few.
        """
        sums, free = self.together(owned), self.free(owned)
        enough = np.flatnonzero(sums >= need * (1 - 1e-12))
        if not len(enough):
            return None
        last = int(enough[0])
        before = free[:last].sum()
        rest = need / (self.mixing if (free[: last + 1] > 0).sum() > 1 else 1.0) - before
        parts = [*free[:last], max(rest, self.least[last] * self.worth[last])]
        return {
            name: x / w for name, x, w in zip(self.pools, parts, self.worth, strict=False) if x > 0
        }
