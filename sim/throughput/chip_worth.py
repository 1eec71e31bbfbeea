"""What chips are worth to a run, counted in chips of one reference type."""

from dataclasses import dataclass

import numpy as np

from sim.quantities.distributions import Floats


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
        >>> names = ("good", "weak")
        >>> both = ChipWorth(names, (1.0, 0.25), (1, 1), research=0.5, offload=(0.0, 1.0))
        >>> both.free(np.array([2048.0, 10000.0])).tolist()
        [2048.0, 226.0]
        """
        worth = np.array(self.worth)
        bench = np.array(self.bench or self.worth)
        takes = np.array(self.offload or [0.0])
        held = self.research * chips
        # A pool takes research over or gives it away: what it takes is never handed on.
        gives = np.where(takes > 0, 0.0, held)
        given = (gives * bench).sum(axis=-1, keepdims=True)
        taken = np.minimum(takes * given, (chips - held) * bench)
        # All who give are freed of the same share. Where nothing is given, or a chip is worth
        # nothing to research, the quotient is of zeros.
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
        """Chips of each pool for a run that needs `need` reference chips, the best chips first.

        None if there are too few.
        """
        free = self.free(owned)
        # A need that was worked out from these very chips must not fail by rounding.
        enough = np.flatnonzero(self.together(owned) >= need * (1 - 1e-12))
        if not len(enough):
            return None
        last = int(enough[0])
        used = free[: last + 1]
        if (used > 0).sum() > 1:
            need /= self.mixing
        rest = need - used[:-1].sum()
        used[last] = max(rest, self.least[last] * self.worth[last])
        shares = zip(self.pools, used, self.worth, strict=False)
        return {name: part / worth for name, part, worth in shares if part > 0}
