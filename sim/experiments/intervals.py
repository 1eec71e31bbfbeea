"""What many values say together: how widely they spread, and how well their mean is known."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sim.results.ledger import Floats

CONFIDENCE = 0.95
QUANTILES = {"median": 0.5, "p5": 0.05, "p95": 0.95}

Summary = dict[str, float | None]


def spread(
    values: ArrayLike, method: Literal["linear", "inverted_cdf"] = "linear"
) -> dict[str, float]:
    """Compute the median of values and the two quantiles between which 90 % of them lie.

    Parameters
    ----------
    values : array-like of float
    method : {"linear", "inverted_cdf"}
        A quantile is interpolated between two values, or is one of the values itself. Only the
        latter will do where values may be infinite.

    Returns
    -------
    dict
        `median`, `p5` and `p95`.

    Examples
    --------
    >>> spread(range(101))
    {'median': 50.0, 'p5': 5.0, 'p95': 95.0}
    """
    found = np.quantile(np.asarray(values), list(QUANTILES.values()), method=method)
    return dict(zip(QUANTILES, found.tolist(), strict=True))


def summary(values: Floats) -> Summary:
    """Compute the mean of values, how well it is known, and their spread.

    Returns
    -------
    dict
        `mean`, Student's 95 % interval of it from `lo` to `hi`, the standard deviation `sd`, and
        the quantiles `p5` and `p95`. All are None where a value is not known; `lo`, `hi` and `sd`
        are None of a single value.
    """
    n = len(values)
    found: Summary = dict.fromkeys(("mean", "lo", "hi", "sd", "p5", "p95"))
    if not np.isfinite(values).all():
        return found
    # Sums without rounding: no digit hangs on the order of the runs.
    mean = math.fsum(values) / n
    ends = spread(values)
    found |= {"mean": mean, "p5": ends["p5"], "p95": ends["p95"]}
    if n > 1:
        sd = math.sqrt(math.fsum((values - mean) ** 2) / (n - 1))
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * sd / math.sqrt(n)
        found |= {"lo": mean - half, "hi": mean + half, "sd": sd}
    return found


def wilson(done: int, n: int) -> dict[str, float]:
    """Compute the 95 % interval of a probability, by Wilson's score (1927).

    Parameters
    ----------
    done, n : int
        The event was seen `done` times out of `n`.

    Returns
    -------
    dict
        The ends `lo` and `hi`.

    Examples
    --------
    >>> {key: round(value, 3) for key, value in wilson(90, 100).items()}
    {'lo': 0.826, 'hi': 0.945}
    """
    interval = stats.binomtest(done, n).proportion_ci(CONFIDENCE, method="wilson")
    return {"lo": float(interval.low), "hi": float(interval.high)}
