"""Distributions: of events, drawn each time, and of unknown constants, drawn once a replication.

Every distribution turns uniform numbers into draws, so the same uniforms give comparable draws
under two scenarios, and no distribution ever touches a random generator. Sizes, values and draws
share one unit, that of the field in which the distribution stands: seconds for times.
"""

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtri, stdtrit

Floats = NDArray[np.float64]

BELOW_ONE = 1 - 2**-53
"""The largest float below 1: at 1 itself the tail of a distribution is infinite."""


@dataclass(frozen=True)
class Distribution(ABC):
    """A distribution of non-negative numbers."""

    # Single draws have formulas of their own (`one`) as numpy takes ten times as long over one
    # number; the two may differ in the last digit, so neither can stand for the other.

    dims: ClassVar[int] = 1
    """Independent uniforms that a draw needs."""

    @abstractmethod
    def draw(self, uniforms: Floats) -> Floats:
        """Draws from uniforms in (0, 1): shape ``(..., dims)`` in, ``(...)`` out."""

    def one(self, *uniforms: float) -> float:
        """One draw from `dims` uniforms; as `draw` gives it, to the last digit or two."""
        return float(self.draw(np.array([uniforms]))[0])

    @property
    @abstractmethod
    def mean(self) -> float:
        """The mean."""

    @property
    def mode(self) -> float:
        """The most likely value; the median where no closed form is at hand."""
        return float(self.draw(np.full(self.dims, 0.5)))

    @property
    def support(self) -> tuple[float, float]:
        """The smallest and the largest value possible."""
        return 0.0, math.inf


@dataclass(frozen=True)
class Constant(Distribution):
    """Always the same value."""

    value: float

    def draw(self, uniforms: Floats) -> Floats:
        return np.full(uniforms.shape[:-1], self.value)

    def one(self, *uniforms: float) -> float:
        return float(self.value)

    @property
    def mean(self) -> float:
        return self.value

    @property
    def support(self) -> tuple[float, float]:
        return self.value, self.value


@dataclass(frozen=True)
class Weibull(Distribution):
    """Weibull distribution; the exponential one if its shape is 1.

    Parameters
    ----------
    shape : float
    size : float
        Its scale, or its mean.
    by_mean : bool
        Whether `size` is the mean.

    Examples
    --------
    >>> Weibull(1.0, 3.0).mean, Weibull(0.7, 3.0, by_mean=True).mean
    (3.0, 3.0)
    """

    shape: float
    size: float
    by_mean: bool = False

    @cached_property
    def scale(self) -> float:
        """The scale, whichever of the two was given."""
        return self.size / self._mean_over_scale if self.by_mean else float(self.size)

    @property
    def _mean_over_scale(self) -> float:
        return math.gamma(1 + 1 / self.shape)

    def draw(self, uniforms: Floats) -> Floats:
        return self._at(-np.log1p(-uniforms[..., 0]))

    def one(self, *uniforms: float) -> float:
        return self._at(-math.log1p(-uniforms[0]))

    def _at(self, hazard: Any) -> Any:
        """When a cumulative hazard is reached."""
        # A power of 1 takes as long as any other.
        if self.shape == 1.0:
            return self.scale * hazard
        return self.scale * hazard ** (1 / self.shape)

    @property
    def mean(self) -> float:
        return float(self.size) if self.by_mean else self.size * self._mean_over_scale

    @property
    def mode(self) -> float:
        hazard = max(self.shape - 1, 0) / self.shape
        return self.scale * hazard ** (1 / self.shape)


@dataclass(frozen=True)
class Lognormal(Distribution):
    """Lognormal distribution, by its median and the standard deviation of its logarithm.

    Parameters
    ----------
    median, sigma : float
    degrees : float
        Degrees of freedom of the estimate of `sigma`: the logarithm then follows Student's t, whose
        tails are longer as the width itself is not known well. Infinite unless given.

    Examples
    --------
    >>> round(Lognormal(1.0, 0.5).one(0.95), 2), round(Lognormal(1.0, 0.5, 4.0).one(0.95), 2)
    (2.28, 2.9)
    """

    median: float
    sigma: float
    degrees: float = math.inf

    def draw(self, uniforms: Floats) -> Floats:
        return self.median * np.exp(self.sigma * self._standard(uniforms[..., 0]))

    def one(self, *uniforms: float) -> float:
        return self.median * math.exp(self.sigma * float(self._standard(uniforms[0])))

    def _standard(self, uniform: Any) -> Any:
        # Student's quantile takes far longer than the normal one, and most widths are given.
        if self.degrees == math.inf:
            return ndtri(uniform)
        return stdtrit(self.degrees, uniform)

    @property
    def mean(self) -> float:
        # The logarithm's long tails leave no finite mean.
        if self.degrees < math.inf:
            return math.inf
        return self.median * math.exp(self.sigma**2 / 2)

    @property
    def mode(self) -> float:
        # The density of a logarithmic Student's t rises without end at zero.
        if self.degrees < math.inf:
            return self.median
        return self.median * math.exp(-(self.sigma**2))


@dataclass(frozen=True)
class Gamma(Distribution):
    """Gamma distribution, by its shape and scale: what is known of a rate from a count.

    Examples
    --------
    >>> Gamma(8.5, 0.5).mean, round(Gamma(8.5, 0.5).one(0.95), 2)
    (4.25, 6.9)
    """

    shape: float
    scale: float

    def draw(self, uniforms: Floats) -> Floats:
        return self.scale * gammaincinv(self.shape, uniforms[..., 0])

    @property
    def mean(self) -> float:
        return self.shape * self.scale

    @property
    def mode(self) -> float:
        return max(self.shape - 1, 0) * self.scale


@dataclass(frozen=True)
class Triangular(Distribution):
    """Triangular distribution from a low to a high value, with its mode in between."""

    low: float
    peak: float
    high: float

    def draw(self, uniforms: Floats) -> Floats:
        u = uniforms[..., 0]
        width = self.high - self.low
        left = self.peak - self.low
        right = self.high - self.peak
        rising = self.low + np.sqrt(u * width * left)
        falling = self.high - np.sqrt((1 - u) * width * right)
        return np.where(u * width < left, rising, falling)

    def one(self, *uniforms: float) -> float:
        u = uniforms[0]
        width = self.high - self.low
        left = self.peak - self.low
        right = self.high - self.peak
        if u * width < left:
            return self.low + math.sqrt(u * width * left)
        return self.high - math.sqrt((1 - u) * width * right)

    @property
    def mean(self) -> float:
        return (self.low + self.peak + self.high) / 3

    @property
    def mode(self) -> float:
        return self.peak

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high


@dataclass(frozen=True)
class Empirical(Distribution):
    """Quantiles of something measured, interpolated log-linearly.

    Parameters
    ----------
    quantiles : tuple of (probability, value)
        Both rise; the first probability is 0 and the last 1.
    """

    quantiles: tuple[tuple[float, float], ...]

    @cached_property
    def _grid(self) -> tuple[Floats, Floats]:
        probability, value = np.array(self.quantiles).T
        return probability, np.log(value)

    def draw(self, uniforms: Floats) -> Floats:
        return np.exp(np.interp(uniforms[..., 0], *self._grid))

    def one(self, *uniforms: float) -> float:
        above = bisect_right(self.quantiles, (uniforms[0], math.inf))
        # A uniform of 1 lies beyond the last quantile.
        k = min(above, len(self.quantiles) - 1)
        (p, low), (q, high) = self.quantiles[k - 1 : k + 1]
        share = (uniforms[0] - p) / (q - p)
        return low * (high / low) ** share

    @property
    def mean(self) -> float:
        probability, logs = self._grid
        step = np.diff(logs)
        rise = np.diff(np.exp(logs))
        # The mean of a piece is its rise over that of its logarithm; its value if both are zero.
        flat = step == 0
        means = rise / np.where(flat, 1.0, step)
        pieces = np.where(flat, np.exp(logs[:-1]), means)
        return float(np.sum(np.diff(probability) * pieces))

    @property
    def support(self) -> tuple[float, float]:
        return self.quantiles[0][1], self.quantiles[-1][1]


@dataclass(frozen=True)
class Mixture(Distribution):
    """One of several distributions, chosen at random with weights that need not add up to 1."""

    weights: tuple[float, ...]
    parts: tuple[Distribution, ...]

    @cached_property
    def dims(self) -> int:  # type: ignore[override]
        return max(part.dims for part in self.parts)

    def draw(self, uniforms: Floats) -> Floats:
        first = uniforms[..., 0]
        sums = np.concatenate([[0.0], np.cumsum(self.weights)])
        edges = sums / math.fsum(self.weights)
        chosen = np.searchsorted(edges, first, side="right") - 1
        # Rounding can leave the last edge below a uniform close to 1.
        chosen = np.clip(chosen, 0, len(self.parts) - 1)
        result = np.empty(first.shape)
        for k, part in enumerate(self.parts):
            here = chosen == k
            # The uniform that chose the part is as good as new when stretched to (0, 1): so a
            # mixture needs no more uniforms than its parts, and its draws rise within each.
            own = np.array(uniforms[here][..., : part.dims])
            width = edges[k + 1] - edges[k]
            stretched = (own[..., 0] - edges[k]) / width
            own[..., 0] = np.clip(stretched, 0.0, BELOW_ONE)
            result[here] = part.draw(own)
        return result

    @property
    def mean(self) -> float:
        pairs = zip(self.weights, self.parts, strict=True)
        total = math.fsum(weight * part.mean for weight, part in pairs)
        return total / math.fsum(self.weights)

    @property
    def support(self) -> tuple[float, float]:
        lows, highs = zip(*(part.support for part in self.parts), strict=True)
        return min(lows), max(highs)


@dataclass(frozen=True)
class Sum(Distribution):
    """The sum of independent draws, one from each of several distributions."""

    parts: tuple[Distribution, ...]

    @cached_property
    def dims(self) -> int:  # type: ignore[override]
        return sum(part.dims for part in self.parts)

    def draw(self, uniforms: Floats) -> Floats:
        drawn = []
        start = 0
        for part in self.parts:
            end = start + part.dims
            drawn.append(part.draw(uniforms[..., start:end]))
            start = end
        return np.sum(drawn, axis=0)

    @property
    def mean(self) -> float:
        return math.fsum(part.mean for part in self.parts)

    @property
    def support(self) -> tuple[float, float]:
        lows, highs = zip(*(part.support for part in self.parts), strict=True)
        return math.fsum(lows), math.fsum(highs)
