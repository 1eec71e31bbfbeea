"""When enough has been run: a mean known to a share of itself, and not by an accident."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from sim.experiments.intervals import alike, summary
from sim.results.ledger import Floats

FEWEST = 640
"""Replications before a precision is looked at, however coarse it is: a few runs that have all
missed a rare outcome agree so well that they seem to be enough. What happens once in 200 runs shows
among 640 with a probability of 96 %."""
MOST = 10_000
"""Replications at which the search for a precision ends."""
COCHRAN = 25.0
"""An interval of a mean holds what it says from this many times the squared skewness on (Cochran,
Sampling Techniques, 1977, section 2.15): where the skew is due to rare runs, from 25 of those."""
UNSEEN = 3.0
"""With 95 %, what was not seen in n runs happens in no more than 3/n of them."""


def unseen_in(runs: int) -> str:
    """What a number of runs may have missed, in words.

    Examples
    --------
    >>> unseen_in(640)
    'outcomes in fewer than one of 213 runs may not be in it'
    """
    return f"outcomes in fewer than one of {runs / UNSEEN:,.0f} runs may not be in it"


@dataclass(frozen=True)
class Precision:
    """How well the mean of a metric is known, where that decided on the number of runs.

    Attributes
    ----------
    metric : str
    wanted : float
        Largest half-width of the 95 % interval, as a share of the mean.
    reached : float or None
        The half-width; None where it says nothing.
    met : bool
        Whether the sample is good enough to believe that it is no wider than wanted.
    runs : int
    """

    metric: str
    wanted: float
    reached: float | None
    met: bool
    runs: int

    @property
    def limits(self) -> str:
        """What it does not promise."""
        unseen = unseen_in(self.runs)
        if self.met:
            return unseen
        skew = "its interval may be too narrow"
        return (
            f"not known to {self.wanted:.3g} after {self.runs:,} runs: {skew}, and {unseen}"
        )

    def report(self) -> dict[str, Any]:
        """Everything the command line prints as JSON."""
        return {**asdict(self), "limits": self.limits}

    def __str__(self) -> str:
        reached = "unknown"
        if self.reached is not None:
            reached = f"known to ± {self.reached:.2%}"
        return f"the mean of {self.metric} is {reached} (95 %); {self.limits}"


def precision_of(metric: str, values: Floats, wanted: float, most: float) -> Precision:
    """Judge whether a sample tells the mean of a metric to a share of it.

    Parameters
    ----------
    metric : str
    values : array of float
        Of independent runs.
    wanted : float
        Half-width of the 95 % interval over the mean.
    most : float
        What no value can pass; the least is 0.
    """
    n = len(values)
    known = summary(values, 0.0, most)
    mean, lo, hi, sd = (known[key] for key in ("mean", "lo", "hi", "sd"))
    if not mean or lo is None or hi is None or sd is None:
        return Precision(metric, wanted, None, False, n)
    reached = max(hi - mean, mean - lo) / abs(mean)
    if alike(values):
        # Runs that are all alike say nothing of a rare one, which may lie at either end.
        above = most / mean - 1 if math.isfinite(most) else 1.0
        reached = UNSEEN / n * max(above, 1.0)
        # The least number is never enough to believe that nothing varies.
        return Precision(metric, wanted, reached, reached <= wanted and n > FEWEST, n)
    skew = math.fsum((values - mean) ** 3) / n / sd**3
    met = reached <= wanted and n >= COCHRAN * skew**2
    return Precision(metric, wanted, reached, met, n)
