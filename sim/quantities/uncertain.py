"""An unknown constant: a number that does not change, and that nobody knows."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.quantities.distributions import Distribution


class Uncertain(float):
    """An unknown constant: a float with the value of its mode that knows its distribution.

    Used as it stands it is the mode (``--fixed-inputs``); `Scenario.resolve` puts a draw in its
    place.

    Parameters
    ----------
    mode : float
    distribution : Distribution
        In the unit of the constant.
    name : str
        Constants of one name are one and the same.

    Examples
    --------
    >>> from sim.quantities.distributions import Triangular
    >>> x = Uncertain(0.97, Triangular(0.93, 0.97, 1.0), "mixing.efficiency")
    >>> x * 100, x.distribution.support
    (97.0, (0.93, 1.0))
    """

    distribution: Distribution
    name: str

    def __new__(cls, mode: float, distribution: Distribution, name: str = "") -> Uncertain:
        self = super().__new__(cls, mode)
        self.distribution = distribution
        self.name = name
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # A float is pickled by its value alone.
        return Uncertain, (float(self), self.distribution, self.name)

    def named(self, name: str) -> Uncertain:
        """The constant under `name`, unless it has one: a catalogue value keeps its own."""
        return self if self.name else Uncertain(float(self), self.distribution, name)

    def draw(self, uniform: float) -> float:
        """The value at a probability."""
        uniforms = np.full(self.distribution.dims, uniform)
        return float(self.distribution.draw(uniforms))

    def of(self, drawn: float) -> float:
        """The number that a draw stands for: itself."""
        return drawn

    @property
    def support(self) -> tuple[float, float]:
        """The smallest and the largest value."""
        return self.distribution.support


def lowest(number: float) -> float:
    """The smallest value that a number, unknown or not, can take."""
    return number.support[0] if isinstance(number, Uncertain) else number


def highest(number: float) -> float:
    """The largest value that a number, unknown or not, can take."""
    return number.support[1] if isinstance(number, Uncertain) else number
