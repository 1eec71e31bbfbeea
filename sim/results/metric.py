"""What a metric is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Metric:
    """A number that every result of a kind has.

    Attributes
    ----------
    name, unit, meaning : str
    of : callable
        Works it out from a result; nan where it is not known.
    """

    name: str
    unit: str
    meaning: str
    of: Callable[[Any], float]
