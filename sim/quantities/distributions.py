"""Distributions of events (drawn each time) and unknown constants (drawn once a replication).

Every distribution turns uniform numbers into draws, so the same uniforms give comparable draws
under two scenarios and no distribution ever touches a random generator.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]


class Distribution(ABC):
    """A distribution of non-negative numbers that needs `dims` independent uniforms a draw."""

    dims = 1

    @abstractmethod
    def draw(self, uniforms: Floats) -> Floats:
        """Draws from uniforms in (0, 1): shape ``(..., dims)`` in, ``(...)`` out."""

    def one(self, *uniforms: float) -> float:
        """One draw from `dims` uniforms; like `draw`, to the last digit or two."""
        return float(self.draw(np.array([uniforms]))[0])

    @property
    @abstractmethod
    def mean(self) -> float: ...

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
    """Weibull with shape `shape` and its scale, or (`by_mean`) its mean, as `size`; shape 1 is
    exponential.
    """

    shape: float
    size: float
    by_mean: bool = False

    @cached_property
    def scale(self) -> float:
        return self.size / math.gamma(1 + 1 / self.shape) if self.by_mean else float(self.size)

    def draw(self, uniforms: Floats) -> Floats:
        hazard = -np.log1p(-uniforms[..., 0])
        return self.scale * (hazard if self.shape == 1.0 else hazard ** (1 / self.shape))

    def one(self, *uniforms: float) -> float:
        hazard = -math.log1p(-uniforms[0])
        return self.scale * (hazard if self.shape == 1.0 else hazard ** (1 / self.shape))

    @property
    def mean(self) -> float:
        return float(self.size) if self.by_mean else self.size * math.gamma(1 + 1 / self.shape)

    @property
    def mode(self) -> float:
        return self.scale * (max(self.shape - 1, 0) / self.shape) ** (1 / self.shape)


@dataclass(frozen=True)
class Lognormal(Distribution):
    median: float
    sigma: float

    def draw(self, uniforms: Floats) -> Floats:
        return self.median * np.exp(self.sigma * ndtri(uniforms[..., 0]))

    def one(self, *uniforms: float) -> float:
        return self.median * math.exp(self.sigma * float(ndtri(uniforms[0])))

    @property
    def mean(self) -> float:
        return self.median * math.exp(self.sigma**2 / 2)

    @property
    def mode(self) -> float:
        return self.median * math.exp(-(self.sigma**2))


@dataclass(frozen=True)
class Triangular(Distribution):
    low: float
    peak: float
    high: float

    def draw(self, uniforms: Floats) -> Floats:
        u, width = uniforms[..., 0], self.high - self.low
        left, right = self.peak - self.low, self.high - self.peak
        rising = self.low + np.sqrt(u * width * left)
        falling = self.high - np.sqrt((1 - u) * width * right)
        return np.where(u * width < left, rising, falling)

    def one(self, *uniforms: float) -> float:
        u, width, left = uniforms[0], self.high - self.low, self.peak - self.low
        if u * width < left:
            return self.low + math.sqrt(u * width * left)
        return self.high - math.sqrt((1 - u) * width * (self.high - self.peak))

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
    """Quantiles ``(probability, value)`` from 0 to 1, the value interpolated log-linearly between
    them.
    """

    quantiles: tuple[tuple[float, float], ...]

    @cached_property
    def _grid(self) -> tuple[Floats, Floats]:
        probability, value = np.array(self.quantiles).T
        return probability, np.log(value)

    def draw(self, uniforms: Floats) -> Floats:
        return np.exp(np.interp(uniforms[..., 0], *self._grid))

    def one(self, *uniforms: float) -> float:
        k = min(bisect_right(self.quantiles, (uniforms[0], math.inf)), len(self.quantiles) - 1)
        (p, value), (q, above) = self.quantiles[k - 1 : k + 1]
        return value * (above / value) ** ((uniforms[0] - p) / (q - p))

    @property
    def mean(self) -> float:
        probability, logs = self._grid
        step = np.diff(logs)
        flat = np.where(step == 0, 1.0, step)
        pieces = np.where(step == 0, np.exp(logs[:-1]), np.diff(np.exp(logs)) / flat)
        return float(np.sum(np.diff(probability) * pieces))

    @property
    def support(self) -> tuple[float, float]:
        return self.quantiles[0][1], self.quantiles[-1][1]


@dataclass(frozen=True)
class Mixture(Distribution):
    """One of several distributions, chosen with the given weights by the first uniform, which is
    then stretched.
    """

    weights: tuple[float, ...]
    parts: tuple[Distribution, ...]

    @property
    def dims(self) -> int:  # type: ignore[override]
        return max(part.dims for part in self.parts)

    def draw(self, uniforms: Floats) -> Floats:
        edges = np.concatenate([[0.0], np.cumsum(self.weights)]) / math.fsum(self.weights)
        chosen = np.clip(
            np.searchsorted(edges, uniforms[..., 0], side="right") - 1, 0, len(self.parts) - 1
        )
        result = np.empty(uniforms.shape[:-1])
        for k, part in enumerate(self.parts):
            here = chosen == k
            own = np.array(uniforms[here][..., : part.dims])
            own[..., 0] = np.clip(
                (own[..., 0] - edges[k]) / (edges[k + 1] - edges[k]), 0.0, 1 - 2**-53
            )
            result[here] = part.draw(own)
        return result

    @property
    def mean(self) -> float:
        return math.fsum(
            w * p.mean for w, p in zip(self.weights, self.parts, strict=True)
        ) / math.fsum(self.weights)

    @property
    def support(self) -> tuple[float, float]:
        return min(p.support[0] for p in self.parts), max(p.support[1] for p in self.parts)


@dataclass(frozen=True)
class Sum(Distribution):
    parts: tuple[Distribution, ...]

    @property
    def dims(self) -> int:  # type: ignore[override]
        return sum(part.dims for part in self.parts)

    def draw(self, uniforms: Floats) -> Floats:
        ends = np.cumsum([part.dims for part in self.parts])
        return np.sum(
            [p.draw(uniforms[..., e - p.dims : e]) for p, e in zip(self.parts, ends, strict=True)],
            axis=0,
        )

    @property
    def mean(self) -> float:
        return math.fsum(part.mean for part in self.parts)

    @property
    def support(self) -> tuple[float, float]:
        return math.fsum(p.support[0] for p in self.parts), math.fsum(
            p.support[1] for p in self.parts
        )


class Uncertain(float):
    """An unknown constant: a float with the value of its mode that knows its distribution and its
    name.

    Used as it stands it is the mode (``--fixed-inputs``); `sim.scenario.resolve` replaces it by a
    draw.

    Examples
    --------
    >>> x = Uncertain(0.97, Triangular(0.93, 0.97, 1.0), "mixing.efficiency")
    >>> x * 100, x.distribution.support
    (97.0, (0.93, 1.0))
    """

    distribution: Distribution
    name: str

    def __new__(cls, mode: float, distribution: Distribution, name: str = "") -> Uncertain:
        self = super().__new__(cls, mode)
        self.distribution, self.name = distribution, name
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Uncertain, (float(self), self.distribution, self.name)

    def named(self, name: str) -> Uncertain:
        """The same constant under `name`, unless it has one: a catalogue value keeps its own."""
        return self if self.name else Uncertain(float(self), self.distribution, name)

    def draw(self, uniform: float) -> float:
        return float(self.distribution.draw(np.full(self.distribution.dims, uniform)))


def lowest(number: float) -> float:
    """The smallest value a number can take."""
    return number.distribution.support[0] if isinstance(number, Uncertain) else number


def highest(number: float) -> float:
    """The largest value a number can take."""
    return number.distribution.support[1] if isinstance(number, Uncertain) else number
