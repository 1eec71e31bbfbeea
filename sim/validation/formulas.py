"""Formulas of reliability: what can be worked out without simulating, and the source of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy.integrate import quad
from scipy.special import log_ndtr


def daly(M: float, tau: float, delta: float, R: float, D: float, segments: int) -> float:
    """Expected makespan ``(M + D)·e^{R/M}·(e^{(τ+δ)/M} − 1)`` a segment.

    Daly, FGCS 22, 2006, equation 13, with D added.

    Parameters
    ----------
    M : float
        Mean of the exponential times between failures, which strike checkpoints and restarts too.
    tau, delta : float
        Work of a segment, and the checkpoint at its end.
    R, D : float
        Restart after each failure, and the downtime before it, in which nothing fails.
    segments : int
    """
    return segments * (M + D) * math.exp(R / M) * math.expm1((tau + delta) / M)


def lost_in_period(mean: float, period: float) -> float:
    """Mean work lost at an exponential failure, with a fresh start each `period`.

    With a rate λ and a period θ it is 1/λ − θ/(e^{λθ} − 1).
    """
    return mean - period / math.expm1(period / mean)


def repairman(units: int, failure: float, repair: float, crew: int) -> list[float]:
    """Long-run probabilities of 0, 1, … units down: the machine-repair model (Feller I, ch. XVII).

    Parameters
    ----------
    units : int
    failure, repair : float
        Rates of a unit that is up, and of one that a repairer works on.
    crew : int
        Repairers.
    """
    weights = [1.0]
    for down in range(1, units + 1):
        up = units - down + 1
        weights.append(weights[-1] * up * failure / (min(down, crew) * repair))
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def harmonic(fewest: int, most: int) -> float:
    """1/fewest + … + 1/most: the mean of a hypo-exponential time with those rates."""
    return math.fsum(1 / j for j in range(fewest, most + 1))


def pooled(nodes: int, size: int, least: int, rate: float) -> float:
    """Mean time until fewer than `least` of some nodes work, mended from those that are broken.

    Chips in working nodes die at `rate`, parked ones not at all, so d deaths leave ``(nodes·size −
    d) // size`` nodes of `size` chips.

    Examples
    --------
    >>> round(pooled(6, 8, 4, 0.01), 2)
    47.08
    >>> round(harmonic(4, 6) / (8 * 0.01), 2)  # with broken nodes left alone
    7.71
    """
    chips = nodes * size
    up = [(chips - dead) // size for dead in range((nodes - least) * size + 1)]
    return math.fsum(1 / (size * rate * count) for count in up)


def renewal_function(shape: float, mean: float, t: float) -> float:
    """Expected renewals by t of Weibull lives, new at 0.

    The equation ``M = F + ∫ M dF`` as a midpoint sum (Xie, 1989).

    Examples
    --------
    >>> round(renewal_function(1.0, 20.0, 30.0), 4)  # exponential: t / mean
    1.5
    """
    steps = 2000
    scale = mean / math.gamma(1 + 1 / shape)
    step = t / steps

    def distribution(multiples: np.ndarray) -> np.ndarray:
        return -np.expm1(-((multiples * step / scale) ** shape))

    whole = distribution(np.arange(steps + 1))
    middle = distribution(np.arange(steps) + 0.5)
    M = np.zeros(steps + 1)
    for i in range(1, steps + 1):
        # Not a dot product, whose last digit depends on the processor.
        past = np.sum(np.diff(M[:i]) * middle[i - 1 : 0 : -1])
        M[i] = (whole[i] + past - M[i - 1] * middle[0]) / (1 - middle[0])
    return float(M[-1])


def any_bad(share: float, bad: float, t: float, pods: int) -> float:
    """Mean share of [0, t] in which any of `pods` two-state chains is in its bad state.

    All are good at first. A chain of bad periods with mean `bad` that is bad for a `share` π of the
    time is good at u with probability 1 − π + π·e^{−κu}, κ = 1/(bad·(1 − π)).
    """
    settled = (1 - share) ** pods
    kappa = 1 / (bad * (1 - share))

    def above(u: float) -> float:
        return (1 - share + share * math.exp(-kappa * u)) ** pods - settled

    # Over a long stretch that is nothing but zero, the quadrature would miss the beginning.
    area = quad(above, 0, min(t, 50 / kappa))[0]
    return 1 - settled - area / t


def expected_maximum(n: int) -> float:
    """Mean of the largest of n standard normal numbers.

    It is ``n·∫ x·φ(x)·Φ(x)^{n−1} dx`` (David and Nagaraja, 2003).
    """

    def integrand(x: float) -> float:
        # In logarithms, as the power of a small probability would be zero.
        exponent = -x * x / 2 + (n - 1) * log_ndtr(x)
        return x * (math.exp(exponent) / math.sqrt(2 * math.pi))

    return n * quad(integrand, -12, 12, limit=400)[0]


def exact_1f1b(
    forward: Sequence[float], backward: Sequence[float], microbatches: int
) -> float:
    """Length of a one forward-one backward schedule on stages of any speed, by its own recursion.

    Each stage runs its warm-up forwards, then alternates, then drains; an operation starts when the
    stage is free and its input is there.

    Parameters
    ----------
    forward, backward : sequence of float
        Seconds of one micro-batch on each stage.
    microbatches : int

    Examples
    --------
    >>> exact_1f1b([1.0] * 4, [2.0] * 4, 8)  # equal stages: (m + p − 1)(F + B)
    33.0
    """
    stages = len(forward)

    # The k-th forward of a stage waits for an earlier backward, once those of its warm-up are done:
    # there are as many as stages from this one to the last.
    @cache
    def forward_end(stage: int, k: int) -> float:
        if stage < 0 or k < 0:
            return 0.0
        warm = stages - stage
        free = max(forward_end(stage, k - 1), backward_end(stage, k - warm))
        return max(free, forward_end(stage - 1, k)) + forward[stage]

    @cache
    def backward_end(stage: int, k: int) -> float:
        if stage == stages or k < 0:
            return 0.0
        warm = stages - stage
        last = min(k + warm, microbatches) - 1
        free = max(forward_end(stage, last), backward_end(stage, k - 1))
        return max(free, backward_end(stage + 1, k)) + backward[stage]

    return backward_end(0, microbatches - 1)
