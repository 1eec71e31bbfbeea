"""The slowest of many: what independent noise of a step's participants costs a synchronous job."""

from __future__ import annotations

import math
from functools import lru_cache

from scipy.integrate import quad
from scipy.special import log_ndtr


@lru_cache(maxsize=4096)
def expected_maximum(participants: int) -> float:
    """Mean of the largest of `participants` independent standard normal numbers, by its integral.

    Examples
    --------
    >>> [round(expected_maximum(n), 2) for n in (1, 2, 128, 256, 2048, 16384)]
    [0.0, 0.56, 2.59, 2.83, 3.44, 3.97]
    """
    if participants < 2:
        return 0.0
    # E[max] = ∫₀^∞ (1 − Φⁿ) − ∫₋∞⁰ Φⁿ
    above = quad(lambda x: -math.expm1(participants * log_ndtr(x)), 0, 12, limit=200)[0]
    below = quad(lambda x: math.exp(participants * log_ndtr(x)), -12, 0, limit=200)[0]
    return above - below


def straggler_factor(noise: float, participants: int) -> float:
    """Step time over its mean when each participant's has the coefficient of variation `noise`."""
    return 1.0 + noise * expected_maximum(participants) if noise else 1.0
