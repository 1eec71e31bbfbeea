"""A row of a validation table: what was simulated, what is right, and whether the two can be told
apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_Z = 4.0
"""Standard errors within which a simulated number agrees with an exact one."""


@dataclass(frozen=True)
class ClosedForm:
    """A simulated number beside the exact one.

    A row can carry a *twin*: what would be right if one thing in the model were wrong. A check that
    accepts its twin too has shown nothing and is not `ok`.
    """

    id: str
    title: str
    simulated: float
    exact: float
    standard_error: float
    z: float | None
    """Simulated less exact in standard errors; None where a tolerance decides."""
    ok: bool
    tolerance: float | None = None
    wrong: str = ""
    """What is wrong in the model of the twin."""
    twin: float | None = None
    twin_z: float | None = None


def by_z(
    id: str,
    title: str,
    values: Sequence[float],
    exact: float,
    wrong: str = "",
    twin: float | None = None,
) -> ClosedForm:
    """A row that independent replications of one number decide.

    Examples
    --------
    >>> tosses = [0.0, 1.0, 0.0, 1.0, 1.0, 0.0]
    >>> row = by_z("X", "fair coins", tosses, 0.5, "a coin with two heads", 1.0)
    >>> row.z, row.twin_z < -2, row.ok
    (0.0, True, False)
    """
    mean = float(np.mean(values))
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    z = (mean - exact) / error
    twin_z = None if twin is None else (mean - twin) / error
    ok = abs(z) <= MOST_Z and (twin_z is None or abs(twin_z) > MOST_Z)
    return ClosedForm(id, title, mean, exact, error, z, ok, None, wrong, twin, twin_z)


def within(
    id: str,
    title: str,
    simulated: float,
    exact: float,
    tolerance: float = 1e-9,
    wrong: str = "",
    twin: float | None = None,
    standard_error: float = 0.0,
) -> ClosedForm:
    """A row that a tolerance decides, as a share of the exact number (of one where that is zero).

    Examples
    --------
    >>> within("X", "a rule of thumb", 1.02, 1.0, tolerance=0.05, wrong="a worse one", twin=1.2).ok
    True
    """

    def near(value: float) -> bool:
        return abs(simulated - value) <= tolerance * (abs(value) or 1.0)

    ok = near(exact) and not (twin is not None and near(twin))
    return ClosedForm(id, title, simulated, exact, standard_error, None, ok, tolerance, wrong, twin)


@dataclass(frozen=True)
class PeerRow:
    """A number of ours beside a closed form, or the mean of a re-implemented peer, and beside the
    peer's own.
    """

    case: str
    quantity: str
    ours: float
    standard_error: float
    expected: float
    against: str
    """``closed form``, or ``N seeds``."""
    peer: float | None
    """What the peer itself says."""
    z: float
    ok: bool
