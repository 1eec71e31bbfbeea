"""What many values say together: how widely they spread, and how well their mean is known."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from sim.results.ledger import Floats

# Tables take longer to load than twenty runs take; whoever makes one waits for them.
if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95
DEVIATIONS = float(ndtri(0.5 + 0.5 * CONFIDENCE))
"""Standard deviations of a normal number to either side of its mean, by that confidence."""
ROUNDING = 1e-12
"""Differences below this share of the values are the rounding of their sums."""
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


def band(values: ArrayLike) -> dict[str, Any]:
    """Compute the two quantiles `p5` and `p95` between which 90 % of values lie."""
    found = spread(values)
    return {"p5": found["p5"], "p95": found["p95"]}


def alike(values: Floats) -> bool:
    """Whether values differ by no more than their rounding.

    Examples
    --------
    >>> alike(np.array([0.1 + 0.2, 0.3])), alike(np.array([0.3, 0.3001]))
    (True, False)
    """
    return bool(np.ptp(values) <= ROUNDING * np.abs(values).max())


def summary(values: Floats, least: float = -math.inf, most: float = math.inf) -> Summary:
    """Compute the mean of values, how well it is known, and their spread.

    Parameters
    ----------
    values : array of float
    least, most : float
        What no value can pass, and so no interval either. Of values that are all 0 or 1 and can be
        nothing beyond, the interval is Wilson's.

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
    found |= {"mean": mean, **band(values)}
    if n == 1:
        return found
    sd = 0.0
    # What differs by its rounding alone has no spread.
    if not alike(values):
        sd = math.sqrt(math.fsum((values - mean) ** 2) / (n - 1))
    found["sd"] = sd
    if (least, most) == (0, 1) and set(values) <= {0, 1}:
        return found | wilson(round(math.fsum(values)), n)
    half = float(stdtrit(n - 1, (1 + CONFIDENCE) / 2)) * sd / math.sqrt(n)
    lo = max(mean - half, least)
    hi = min(mean + half, most)
    # A mean may pass its bound by its own rounding.
    return found | {"lo": min(lo, mean), "hi": max(hi, mean)}


def median_interval(
    values: Floats, names: Sequence[str] = ("value", "lo", "hi")
) -> dict[str, float | None]:
    """Compute the median of values and its 95 % interval, which assumes no distribution.

    The ends are order statistics: as the number of values below the true median is binomial, they
    hold it with at least that probability.

    Parameters
    ----------
    values : array of float
    names : sequence of str
        What the median and the ends of its interval are called.

    Returns
    -------
    dict
        By these names; the ends are None of fewer than six values, all None where a value is not
        known, or there is none.

    Examples
    --------
    >>> median_interval(np.arange(10.0))
    {'value': 4.5, 'lo': 1.0, 'hi': 8.0}
    """
    value, lo, hi = names
    found: dict[str, float | None] = dict.fromkeys(names)
    if np.isnan(values).any() or not len(values):
        return found
    ranked = np.sort(values)
    n = len(ranked)
    found[value] = float(np.median(ranked))
    # Loaded here, as it takes longer to load than twenty runs take.
    from scipy import stats

    # So many values may be cut off at either side.
    cut = int(stats.binom.ppf((1 - CONFIDENCE) / 2, n, 0.5))
    if cut > 0:
        found |= {lo: float(ranked[cut - 1]), hi: float(ranked[n - cut])}
    return found


def survival(days: Floats, happened: NDArray[np.bool_], name: str) -> pd.DataFrame:
    """Kaplan and Meier's estimate of an event by a day, with its 95 % band.

    Parameters
    ----------
    days : array of float
        When it happened, or until when each run was watched.
    happened : array of bool
    name : str
        Of the column with the probability.
    """
    import pandas as pd

    if not happened.any():
        return pd.DataFrame(columns=["days", name, "lo", "hi"], dtype=float)
    # Loaded here, as it takes longer to load than twenty runs take.
    from scipy import stats

    curve = stats.ecdf(stats.CensoredData.right_censored(days, ~happened)).cdf
    with warnings.catch_warnings():
        # The band is undefined before it has happened in any run, and once it has in all.
        warnings.simplefilter("ignore", RuntimeWarning)
        band = curve.confidence_interval(CONFIDENCE, method="log-log")
    table = pd.DataFrame({"days": curve.quantiles, name: curve.probabilities})
    table["lo"] = pd.Series(band.low.probabilities).ffill().fillna(0.0)
    table["hi"] = pd.Series(band.high.probabilities).fillna(1.0)
    return table


def digits(value: float, low: float | None, high: float | None) -> str:
    """Write a number with no digit finer than its interval supports.

    A step of the last digit is at most half of the interval's half-width, and at least a twentieth
    of it: a finer one would print what the next sample changes.

    Parameters
    ----------
    value : float
        The number, or an end of the interval.
    low, high : float or None
        The interval; None where there is none, which leaves five figures.

    Examples
    --------
    >>> digits(-3.4218, -14.1, 2.3), digits(57.123, 56.8, 57.4), digits(1234.0, 1100.0, 1400.0)
    ('-3', '57.1', '1,230')
    """
    half = math.nan
    if low is not None and high is not None:
        half = (high - low) / 2
    # Of one value, or of values that are all alike, nothing says how well they are known.
    if not ROUNDING * abs(value) < half < math.inf:
        return f"{value + 0.0:,.5g}"
    places = -math.floor(math.log10(half / 2))
    # Adding nothing turns a rounded -0.0 into 0.0.
    return f"{round(value, places) + 0.0:,.{max(places, 0)}f}"


def figures(value: float, low: float | None, high: float | None) -> str:
    """Write a number, however large, with no digit finer than its interval supports.

    Examples
    --------
    >>> figures(4.66e25, 3.9e25, 5.8e25), figures(34_512, 31_000, 38_000)
    ('4.7e25', '35,000')
    """
    # FLOP have too many zeros to be written out.
    if low is None or high is None or abs(high) < 1e9:
        return digits(value, low, high)
    power = math.floor(math.log10(high))
    unit = 10.0**power
    return f"{digits(value / unit, low / unit, high / unit)}e{power}"


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
    # By hand, as scipy.stats takes longer to load than twenty runs take; a test compares both.
    p = done / n
    square = DEVIATIONS**2
    middle = (2 * n * p + square) / (2 * (n + square))
    half = DEVIATIONS / (2 * (n + square)) * math.sqrt(4 * n * p * (1 - p) + square)
    # At the ends rounding would leave a remainder.
    return {"lo": middle - half if done else 0.0, "hi": middle + half if done < n else 1.0}


def proportion(happened: ArrayLike, name: str) -> dict[str, float]:
    """Compute in which share of runs something happened, and its 95 % interval (Wilson).

    Parameters
    ----------
    happened : array-like of bool
    name : str
        What the share is called.
    """
    seen = np.asarray(happened)
    done = int(seen.sum())
    return {name: done / len(seen), **wilson(done, len(seen))}


def told(value: float | None, low: float | None, high: float | None, unit: str = "") -> str:
    """Write a value with its unit and its 95 % interval, in the digits that this supports.

    Examples
    --------
    >>> told(57.1234, 56.8, 57.4, "days"), told(3.0, None, None), told(None, None, None)
    ('57.1 days (95 %: 56.8 … 57.4)', '3 (no interval)', 'unknown')
    """
    if value is None:
        return "unknown"
    words = f"{digits(value, low, high)} {unit}".strip()
    if low is None or high is None:
        return f"{words} (no interval)"
    return f"{words} (95 %: {digits(low, low, high)} … {digits(high, low, high)})"
