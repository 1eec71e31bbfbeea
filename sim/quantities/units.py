"""Quantities with units: parsed at the edge by pint, plain SI floats inside.

What the program sees is always a float in SI units: seconds, bytes, bytes per second, FLOP per
second, watts, US dollars.
"""

from __future__ import annotations

import math
import re
from functools import cache, lru_cache
from numbers import Real
from typing import TYPE_CHECKING, Any

from sim.errors import InputError, expected, nearest

if TYPE_CHECKING:
    import pint

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
    "s": (
        "seconds",
        "min",
        "minutes",
        "h",
        "hours",
        "d",
        "days",
        "weeks",
        "months",
        "yr",
        "years",
    ),
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

COMMON = {
    "s": {
        "us": 1e-6,
        "ms": 1e-3,
        "s": 1.0,
        "min": 60.0,
        "h": 3600.0,
        "d": 86400.0,
        "week": 604800.0,
        "weeks": 604800.0,
        "months": 2629800.0,
        "yr": 31557600.0,
    },
    "byte": {"byte": 1.0, "GB": 1e9},
    "byte/s": {"GB/s": 1e9, "TB/s": 1e12},
    "FLOP/s": {"TFLOP/s": 1e12},
    "W": {"W": 1.0},
    "USD": {"USD": 1.0},
    "USD/s": {"USD/h": 1 / 3600},
    "USD/J": {"USD/kWh": 1 / 3.6e6},
    "1/s": {"per month": 1 / 2629800, "per yr": 1 / 31557600, "per year": 1 / 31557600},
    "chip": {"chips": 1.0},
}
"""Units of the catalogue by what they measure: pint takes longer to load than twenty runs take. A
test holds them against pint.
"""

LONGEST = 60
_NAME = r"(?:[^\W\d_]\w*|%)"
QUANTITY = re.compile(
    rf"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    rf"\s*((?:(?:1\s*)?/|per\s)?\s*{_NAME}(?:\s*(?:[/*]|\sper\s)\s*{_NAME})*)?"
)
"""One number and names of units multiplied or divided: no sums, powers or calls for pint to do."""


@cache
def registry() -> pint.UnitRegistry:
    """The one unit registry: pint's, with the field's own units added."""
    # Loaded and made when first needed, as both take longer than all of this package.
    import pint

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
    InputError
        When the text is not a quantity, or one of another kind.

    Examples
    --------
    >>> parse("30 min", "s"), parse("200 Gbit/s", "byte/s"), parse("1 yr", "day")
    (1800.0, 25000000000.0, 365.25)
    """
    # Both patterns and pint take long over long text, and a message must stay readable.
    short = len(text) <= LONGEST
    match = QUANTITY.fullmatch(text) if short else None
    if not match:
        shown = text if short else text[:LONGEST] + "…"
        raise expected(wanted(unit), text, f"'{shown}' cannot be read")
    amount, name = match.groups()
    if not name:
        return number(float(amount), unit)
    size = COMMON.get(unit, {}).get(name)
    if size is not None:
        return float(amount) * size
    import pint

    hint = ""
    # A single letter is close to any other.
    if len(name) > 1:
        hint = nearest(name, SPELLINGS.get(unit, ()))
    try:
        quantity = registry().Quantity(text)
        return float(quantity.to(unit or "dimensionless").magnitude)
    except pint.UndefinedUnitError:
        wrong = f"'{text}' has no known unit{hint}"
    except pint.DimensionalityError:
        wrong = f"'{text}' is a quantity of another kind{hint}"
    except Exception:
        # Odd units make pint raise anything from OffsetUnitCalculusError to AttributeError.
        wrong = f"'{text}' cannot be read"
    raise expected(wanted(unit), text, wrong)


def wanted(unit: str) -> str:
    """What has to be given where a quantity in `unit` stands, in words.

    Examples
    --------
    >>> wanted("s"), wanted("")
    ("a quantity in s, like '30 min'", 'a plain number')
    """
    if not unit:
        return "a plain number"
    kind = f"number of {unit}s" if unit in COUNTED else f"quantity in {unit}"
    return f"a {kind}, like '{EXAMPLES.get(unit, '1 ' + unit)}'"


def number(value: Any, unit: str = "") -> float:
    """A bare number, or text with a unit, as a float.

    Parameters
    ----------
    value : float or str
    unit : str
        The SI unit wanted, ``""`` for a pure number.

    Raises
    ------
    InputError
        When it is neither, lacks a unit that cannot be left out, or is not finite.

    Examples
    --------
    >>> number("2 h", "s"), number(3)
    (7200.0, 3.0)
    """
    if isinstance(value, str):
        result = parse(value.strip(), unit)
    elif _is_number(value):
        # Zero is the same in every unit.
        if unit not in COUNTED and value != 0:
            raise expected(wanted(unit), value, "a unit is missing")
        result = _float(value)
    else:
        raise expected(wanted(unit), value)
    if not math.isfinite(result):
        raise InputError("must be finite", given=value, allowed="a finite number")
    # Adding nothing turns -0.0 into 0.0, which every product would carry on.
    return result + 0.0


def whole(value: Any) -> int:
    """A whole number as it stands in YAML; unlike a quantity it cannot be uncertain.

    Raises
    ------
    InputError
        When it is anything else.

    Examples
    --------
    >>> whole(8), whole(1e3)
    (8, 1000)
    """
    if not _is_number(value) or not _float(value).is_integer():
        raise expected("a whole number", value)
    return int(_float(value))


def _is_number(value: Any) -> bool:
    # Python takes true for 1.
    return isinstance(value, Real) and not isinstance(value, bool)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
