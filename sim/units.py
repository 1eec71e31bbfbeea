"""Quantities with units: parsed at the edge by pint, plain SI floats inside.

A field annotated with one of the types below accepts text with a unit (``30 min``), an uncertain number
(``{uncertain: [low, mode, high]}``; two with the same ``name`` are one) or, where the unit is none, a bare number.
What the program sees is always a float in SI units: seconds, bytes, bytes per second, FLOP per second, watts, US
dollars.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from numbers import Real
from typing import Annotated, Any

import pint
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from sim.distribution_data import uncertain
from sim.distributions import Uncertain, highest, lowest
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
"""One number and names of units multiplied or divided: no sums, powers or calls for pint to work out."""


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
    except Exception:  # pint raises anything from OffsetUnitCalculusError to AttributeError on odd units
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


@dataclass(frozen=True)
class Quantity:
    """Marks a pydantic field as a quantity in `unit`, within ``[least, most]``; `positive` shuts out zero.

    `whole` asks for a whole number where the number is plain; an unknown one may fall between.
    """

    unit: str = ""
    least: float = 0.0
    most: float = math.inf
    positive: bool = False
    whole: bool = False

    def read(self, value: Any) -> float:
        """Parse and check one value; an ``{uncertain: …}`` mapping becomes an `Uncertain`."""
        if isinstance(value, Uncertain):
            return value
        if isinstance(value, dict):
            name = value.get("name", "")
            if not {"uncertain"} <= set(value) <= {"uncertain", "name"} or not isinstance(name, str):
                raise ValueError(f"{wanted(self.unit)}, or {{uncertain: [low, mode, high]}}")
            result = uncertain(value["uncertain"], lambda part: number(part, self.unit)).named(name)
        else:
            result = number(value, self.unit)
        if self.positive and result <= 0:
            raise ValueError("must be above zero")
        if lowest(result) < self.least:
            raise ValueError(f"must be at least {self.least:,.12g}" if self.least else "must not be negative")
        if highest(result) > self.most:
            raise ValueError(f"must be at most {self.most:,.12g}")
        if self.whole and not isinstance(result, Uncertain) and result != int(result):
            raise ValueError("must be a whole number")
        return result

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return self.json_schema()

    def json_schema(self) -> dict[str, Any]:
        """What an editor may accept."""
        text = {"type": "string", "pattern": r"^\s*[-+]?[0-9.]"}
        plain = {"type": "number"} if self.unit in COUNTED else {"const": 0}
        if self.unit in COUNTED and self.least > -math.inf:
            plain |= {"exclusiveMinimum" if self.positive else "minimum": self.least}
        return {"anyOf": [text, plain, UNCERTAIN], "description": wanted(self.unit)}


UNCERTAIN: dict[str, Any] = {
    "title": "Uncertain",
    "type": "object",
    "properties": {
        "uncertain": {"anyOf": [{"type": "array", "minItems": 3, "maxItems": 3}, {"type": "object"}]},
        "name": {"type": "string"},
    },
    "required": ["uncertain"],
    "additionalProperties": False,
}
"""JSON schema of an unknown constant."""


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


Number = Annotated[float, Quantity()]
Positive = Annotated[float, Quantity(positive=True)]
Share = Annotated[float, Quantity(most=1.0)]
Seconds = Annotated[float, Quantity("s")]
PositiveSeconds = Annotated[float, Quantity("s", positive=True)]
Bytes = Annotated[float, Quantity("byte", positive=True)]
BytesPerSecond = Annotated[float, Quantity("byte/s", positive=True)]
FlopPerSecond = Annotated[float, Quantity("FLOP/s", positive=True)]
Watts = Annotated[float, Quantity("W", positive=True)]
Dollars = Annotated[float, Quantity("USD")]
DollarsPerSecond = Annotated[float, Quantity("USD/s")]
PerSecond = Annotated[float, Quantity("1/s")]
Tokens = Annotated[float, Quantity("token", positive=True)]
