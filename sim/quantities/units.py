"""Quantities with units: parsed at the edge by pint, plain SI floats inside.

A field annotated with one of the types below accepts text with a unit (``30 min``), an uncertain
number (``{uncertain: [low, mode, high]}``; two with the same ``name`` are one) or, where the unit
is none, a bare number. What the program sees is always a float in SI units: seconds, bytes, bytes
per second, FLOP per second, watts, US dollars.
"""

from __future__ import annotations

import math
import re
from functools import cache, lru_cache
from numbers import Real
from typing import Any

import pint

from sim.errors import nearest

EXAMPLES = {
    "s": "30 min",
    "byte": "80 GB",
    "byte/s": "400 Gbit/s",
    "FLOP/s": "989 TFLOP/s",
    "W": "700 W",
    "USD": "2 USD",
    "USD/s": "2 USD/h",
    "USD/J": "0.08 USD/kWh",
    "1/s": "500 per month",
    "chip": "64 chips",
    "node": "8 nodes",
    "token": "14.8e12 tokens",
    "step": "100 steps",
}

COUNTED = ("", "chip", "node", "token")
"""Units that may be left out."""

SPELLINGS = {
    "s": ("seconds", "min", "minutes", "h", "hours", "d", "days", "weeks", "months", "yr", "years"),
    "byte": ("kB", "MB", "GB", "TB", "GiB"),
    "byte/s": ("Gbit/s", "Tbit/s"),
    "FLOP/s": ("TFLOP/s", "PFLOP/s"),
    "W": ("kW", "MW"),
    "1/s": ("per hour", "per day", "per week", "per month", "per year"),
    "chip": ("chips",),
    "node": ("nodes",),
    "token": ("tokens",),
}
"""What a misspelt unit is compared with."""

LONGEST = 60
_NAME = r"(?:[^\W\d_]\w*|%)"
QUANTITY = re.compile(
    rf"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    rf"\s*((?:(?:1\s*)?/|per\s)?\s*{_NAME}(?:\s*(?:[/*]|\sper\s)\s*{_NAME})*)?"
)
"""One number and names of units multiplied or divided: no sums, powers or calls for pint to work
out.
"""


@cache
def registry() -> pint.UnitRegistry:
    """The one unit registry: pint's, with the field's own units added."""
    units = pint.UnitRegistry()
    for name in ("FLOP", "USD", "chip", "node", "token", "step"):
        units.define(f"{name} = [{name}]")
    return units


@lru_cache(maxsize=4096)
def parse(text: str, unit: str) -> float:
    """Turn text with a unit into a float in `unit`.

    Parameters
    ----------
    text : str
        A number and a unit, such as ``200 Gbit/s``.
    unit : str
        The SI unit wanted, ``""`` for a pure number. Chips, nodes and tokens may leave theirs out.

    Raises
    ------
    ValueError
        When the text is not a quantity, or one of another kind.

    Examples
    --------
    >>> parse("30 min", "s"), parse("200 Gbit/s", "byte/s"), parse("1 yr", "day")
    (1800.0, 25000000000.0, 365.25)
    """
    match = QUANTITY.fullmatch(text) if len(text) <= LONGEST else None
    if not match:
        shown = text if len(text) <= LONGEST else text[:LONGEST] + "…"
        raise ValueError(f"'{shown}' cannot be read; {wanted(unit)}")
    amount, name = match.groups()
    if not name:
        return number(float(amount), unit)
    hint = nearest(name, SPELLINGS.get(unit, ())) if len(name) > 1 else ""
    try:
        return float(registry().Quantity(text).to(unit or "dimensionless").magnitude)
    except pint.UndefinedUnitError:
        raise ValueError(f"'{text}' has no known unit{hint}; {wanted(unit)}") from None
    except pint.DimensionalityError:
        raise ValueError(f"'{text}' is a quantity of another kind{hint}; {wanted(unit)}") from None
    except (
        Exception
    ):  # pint raises anything from OffsetUnitCalculusError to AttributeError on odd units
        raise ValueError(f"'{text}' cannot be read; {wanted(unit)}") from None


def wanted(unit: str) -> str:
    """What is expected where a quantity in `unit` stands."""
    if not unit:
        return "expected a plain number"
    kind = f"number of {unit}s" if unit in COUNTED else f"quantity in {unit}"
    return f"expected a {kind}, like '{EXAMPLES.get(unit, '1 ' + unit)}'"


def number(value: Any, unit: str = "") -> float:
    """A bare number or text with a unit as a float in `unit`; see `parse`.

    Examples
    --------
    >>> number("2 h", "s"), number(3)
    (7200.0, 3.0)
    """
    if isinstance(value, str):
        result = parse(value.strip(), unit)
    elif isinstance(value, Real) and not isinstance(value, bool):
        if unit not in COUNTED and value != 0:
            raise ValueError(f"a unit is missing; {wanted(unit)}")
        result = _float(value)
    else:
        raise ValueError(wanted(unit))
    if not math.isfinite(result):
        raise ValueError("must be finite")
    return result


def whole(value: Any) -> int:
    """A whole number as it stands in YAML; unlike a quantity it cannot be uncertain.

    Examples
    --------
    >>> whole(8), whole(1e3)
    (8, 1000)
    """
    plain = isinstance(value, Real) and not isinstance(value, bool)
    if not plain or not _float(value).is_integer():
        raise ValueError("expected a whole number")
    return int(_float(value))


def _float(value: Real) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
