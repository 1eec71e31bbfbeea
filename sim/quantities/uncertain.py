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
    column : tuple of float
        Of a table of joint draws: what is drawn is then the row, under one name for all columns.

    Examples
    --------
    >>> from sim.quantities.distributions import Triangular
    >>> x = Uncertain(0.97, Triangular(0.93, 0.97, 1.0), "mixing.efficiency")
    >>> x * 100, x.distribution.support
    (97.0, (0.93, 1.0))
    """

    distribution: Distribution
    name: str
    column: tuple[float, ...]

    def __new__(
        cls,
        mode: float,
        distribution: Distribution,
        name: str = "",
        column: tuple[float, ...] = (),
    ) -> Uncertain:
        self = super().__new__(cls, mode)
        self.distribution = distribution
        self.name = name
        self.column = column
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # A float is pickled by its value alone.
        return Uncertain, (float(self), self.distribution, self.name, self.column)

    def named(self, name: str) -> Uncertain:
        """The constant under `name`, unless it has one: a catalogue value keeps its own."""
        if self.name:
            return self
        return Uncertain(float(self), self.distribution, name, self.column)

    def draw(self, uniform: float) -> float:
        """The value at a probability."""
        uniforms = np.full(self.distribution.dims, uniform)
        return float(self.distribution.draw(uniforms))

    def of(self, drawn: float) -> float:
        """The number that a draw stands for: itself, or what its row holds."""
        return self.column[round(drawn)] if self.column else drawn

    @property
    def support(self) -> tuple[float, float]:
        """The smallest and the largest value."""
        if self.column:
            return min(self.column), max(self.column)
        return self.distribution.support


def lowest(number: float) -> float:
    """The smallest value that a number, unknown or not, can take."""
    return number.support[0] if isinstance(number, Uncertain) else number


def highest(number: float) -> float:
    """The largest value that a number, unknown or not, can take."""
    return number.support[1] if isinstance(number, Uncertain) else number
