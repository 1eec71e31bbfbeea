"""How far fleets are apart, and the months of one: where the factors on failure tables come from.

What it computes is what the catalogue says; a test keeps the two together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import polygamma

from sim import catalogue


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


def changes() -> list[tuple[float, float]]:
    """By how much the rates of the catalogue's fleets changed from one half to the next.

    Returns
    -------
    list of (float, float)
        The logarithm of the later rate over the earlier, and the variance that its two counts give
        it: that of the logarithm of a gamma distribution is the trigamma function of its shape.
    """
    found = []
    for entry in catalogue.table("drifts").values():
        earlier = entry.item.earlier
        later = entry.item.later
        shapes = [rate.distribution.shape for rate in (earlier, later)]
        found.append((math.log(later / earlier), float(polygamma(1, shapes).sum())))
    return found


def drift_spread(changes: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The width of the factor from the time in which a fleet was counted to a later one.

    A change has no mean that anybody knows, so its logarithm is normal around zero. Its variance is
    the mean square of the changes seen, less what their counts alone make of it (the method of
    moments). As it rests on `n` of them, one more is Student's t with ``n`` degrees of freedom.

    Parameters
    ----------
    changes : sequence of (float, float)
        As `changes` gives them.

    Returns
    -------
    tuple of float
        Scale of the logarithm, and degrees of freedom.

    Examples
    --------
    >>> drift_spread([(0.5, 0.16), (-0.3, 0.0)])
    (0.3, 2)
    """
    beyond = math.fsum(change**2 - by_chance for change, by_chance in changes)
    return math.sqrt(max(beyond, 0.0) / len(changes)), len(changes)
