"""Closed forms of reliability: what can be worked out without simulating, with the source of each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.integrate import quad
from scipy.special import log_ndtr


def daly(M: float, tau: float, delta: float, R: float, D: float, segments: int) -> float:
    """Expected makespan ``(M + D)·e^{R/M}·(e^{(τ+δ)/M} − 1)`` a segment (Daly, FGCS 22, 2006, eq.
    13, D added).

    Failures are exponential with mean M, during checkpoints and restarts too; each costs a downtime
    D, in which nothing fails anew, and a restart R; each of `segments` segments of work τ ends with
    a checkpoint δ.
    """
    return segments * (M + D) * math.exp(R / M) * math.expm1((tau + delta) / M)


def lost_in_period(mean: float, period: float) -> float:
    """Mean work lost at a failure with exponential failures and a fresh start each `period`: 1/λ −
    θ/(e^{λθ} − 1).
    """
    return mean - period / math.expm1(period / mean)


def repairman(units: int, failure: float, repair: float, crew: int) -> list[float]:
    """Long-run probabilities of 0, 1, … units down: the machine-repair model (Feller I, ch. XVII)."""
    weights = [1.0]
    for down in range(1, units + 1):
        weights.append(weights[-1] * (units - down + 1) * failure / (min(down, crew) * repair))
    return [weight / math.fsum(weights) for weight in weights]


def harmonic(fewest: int, most: int) -> float:
    """1/fewest + … + 1/most: the mean of a hypo-exponential time with those rates."""
    return math.fsum(1 / j for j in range(fewest, most + 1))


def pooled(nodes: int, size: int, least: int, rate: float) -> float:
    """Mean time until fewer than `least` of `nodes` nodes of `size` chips work, each death mended
    from broken nodes.

    Chips in working nodes die at `rate`, parked ones not at all, so d deaths leave ``(nodes·size −
    d) // size`` nodes.

    Examples
    --------
    >>> round(pooled(6, 8, 4, 0.01), 2)
    47.08
    >>> round(harmonic(4, 6) / (8 * 0.01), 2)  # with broken nodes left alone
    7.71
    """
    up = ((nodes * size - dead) // size for dead in range((nodes - least) * size + 1))
    return math.fsum(1 / (size * rate * count) for count in up)


def renewal_function(shape: float, mean: float, t: float, steps: int = 2000) -> float:
    """Expected renewals by t of Weibull lives, new at 0: ``M = F + ∫ M dF`` as a midpoint sum (Xie,
    1989).

    Examples
    --------
    >>> round(renewal_function(1.0, 20.0, 30.0), 4)  # exponential: t / mean
    1.5
    """
    scale, step = mean / math.gamma(1 + 1 / shape), t / steps
    whole = -np.expm1(-((np.arange(steps + 1) * step / scale) ** shape))
    middle = -np.expm1(-(((np.arange(steps) + 0.5) * step / scale) ** shape))
    M = np.zeros(steps + 1)
    for i in range(1, steps + 1):
        past = np.sum(
            np.diff(M[:i]) * middle[i - 1 : 0 : -1]
        )  # a dot product's last digit hangs on the processor
        M[i] = (whole[i] + past - M[i - 1] * middle[0]) / (1 - middle[0])
    return float(M[-1])


def any_bad(share: float, bad: float, t: float, pods: int) -> float:
    """Mean share of [0, t] in which any of `pods` two-state chains, all good at first, is in its
    bad state.

    A chain of bad periods with mean `bad` that is bad for a `share` π of the time is good at u with
    probability 1 − π + π·e^{−κu}, κ = 1/(bad·(1 − π)).
    """
    settled, kappa = (1 - share) ** pods, 1 / (bad * (1 - share))
    above = quad(
        lambda u: (1 - share + share * math.exp(-kappa * u)) ** pods - settled,
        0,
        min(t, 50 / kappa),
    )[0]
    return 1 - settled - above / t


def expected_maximum(n: int) -> float:
    """Mean of the largest of n standard normal numbers, as ``n·∫ x·φ(x)·Φ(x)^{n−1} dx`` (David and
    Nagaraja, 2003).
    """

    def density(x: float) -> float:
        return math.exp(-x * x / 2 + (n - 1) * log_ndtr(x)) / math.sqrt(2 * math.pi)

    return n * quad(lambda x: x * density(x), -12, 12, limit=400)[0]


def exact_1f1b(forward: Sequence[float], backward: Sequence[float], microbatches: int) -> float:
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
    stages, orders = len(forward), []
    for warm in range(stages, 0, -1):
        order = [("F", k) for k in range(min(warm, microbatches))]
        order += [
            pass_
            for k in range(microbatches)
            for pass_ in (("B", k), ("F", warm + k))
            if pass_[1] < microbatches
        ]
        orders.append(order)
    done: dict[tuple[str, int, int], float] = {}
    free, position = [0.0] * stages, [0] * stages
    while any(position[s] < len(orders[s]) for s in range(stages)):
        for s in range(stages):
            while position[s] < len(orders[s]):
                kind, k = orders[s][position[s]]
                before = ("F", s - 1, k) if kind == "F" else ("B", s + 1, k)
                if kind == "B" and s == stages - 1:
                    before = ("F", s, k)
                ready = 0.0 if kind == "F" and s == 0 else done.get(before)
                if ready is None:
                    break
                free[s] = max(free[s], ready) + (forward[s] if kind == "F" else backward[s])
                done[kind, s, k] = free[s]
                position[s] += 1
    return max(free)
