"""The slowest of many: what independent noise of a step's participants costs a synchronous job."""

import math
from functools import lru_cache

FAR = 12
"""Standard deviations beyond which no largest of any number of participants lies."""
PER_UNIT = 32
"""Points of the sum per standard deviation: with twice as many no digit changes."""


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
    # E[max] = ∫ x n φ(x) Φ(x)ⁿ⁻¹ dx. A plain sum over points a step apart is exact to the last
    # digits where a smooth function falls off to nothing at both ends.
    terms = []
    for k in range(-FAR * PER_UNIT, FAR * PER_UNIT + 1):
        x = k / PER_UNIT
        tail = math.erfc(abs(x) / math.sqrt(2)) / 2
        # Near 1 the logarithm of Φ is told by the small tail alone.
        below = math.log1p(-tail) if x > 0 else math.log(tail)
        terms.append(x * math.exp((participants - 1) * below - x * x / 2))
    return participants * math.fsum(terms) / (PER_UNIT * math.sqrt(2 * math.pi))


def straggler_factor(noise: float, participants: int) -> float:
    """Step time over its mean when each participant's has the coefficient of variation `noise`."""
    return 1.0 + noise * expected_maximum(participants) if noise else 1.0
