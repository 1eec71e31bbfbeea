"""How far fleets are apart: what the rates of one say about another."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sim import catalogue


def fleet_rates() -> list[float]:
    """The hardware failures of the catalogue's fleets, per 1,000 node-days."""
    return [float(entry.item.per_1000_node_days) for entry in catalogue.table("fleets").values()]


def fleet_spread(rates: Sequence[float]) -> tuple[float, float]:
    """The width of the factor from a table to a fleet that nobody has counted yet.

    The logarithms of the rates are taken as a normal sample. What it predicts for one more of them
    is Student's t with ``n − 1`` degrees of freedom and the scale ``s · √(1 + 1/n)``: the sample's
    own standard deviation, wider as both its middle and its width come from ``n`` fleets only
    (Gelman et al., Bayesian Data Analysis, 3rd ed., section 3.2).

    Parameters
    ----------
    rates : sequence of float
        One for each fleet, in any unit.

    Returns
    -------
    tuple of float
        Scale of the logarithm, and degrees of freedom.

    Examples
    --------
    >>> scale, degrees = fleet_spread([1.0, 2.0, 4.0])
    >>> round(scale, 3), degrees
    (0.8, 2)
    """
    count = len(rates)
    scale = float(np.std(np.log(rates), ddof=1)) * math.sqrt(1 + 1 / count)
    return scale, count - 1
