"""Quantities with units: parsed at the edge by pint, plain SI floats inside.

A field annotated with one of the types below accepts text with a unit (``30 min``), an uncertain number
(``{uncertain: [low, mode, high]}``; two with the same ``name`` are one) or, where the unit is none, a bare number.
What the program sees is always a float in SI units: seconds, bytes, bytes per second, FLOP per second, watts, US dollars.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Annotated, Any

import pint
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from sim.distributions import Uncertain, uncertain

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
}


@cache
def registry() -> pint.UnitRegistry:
    """The one unit registry: pint's, with the field's own units added."""
    units = pint.UnitRegistry()
    for definition in ("FLOP = [work]", "USD = [currency]", "chip = 1", "node = 1", "sequence = 1", "token = 1"):
        units.define(definition)
    return units


@lru_cache(maxsize=4096)
def parse(text: str, unit: str) -> float:
    """Turn text with a unit into a float in `unit`.

    Parameters
    ----------
    text : str
        A number and a unit, such as ``200 Gbit/s``.
    unit : str
        The SI unit wanted, ``""`` for a pure number.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        When the text is not a quantity, or one of another kind.

    Examples
    --------
    >>> parse("30 min", "s"), parse("200 Gbit/s", "byte/s"), parse("1 yr", "day")
    (1800.0, 25000000000.0, 365.25)
    """
    wanted = f"expected a quantity in {unit}, like '{EXAMPLES.get(unit, '1 ' + unit)}'" if unit else "expected a number"
    try:
        quantity = registry().Quantity(text)
        return float(quantity.to(unit or "dimensionless").magnitude)
    except pint.UndefinedUnitError as error:
        raise ValueError(f"{error}; {wanted}") from None
    except pint.DimensionalityError:
        raise ValueError(f"'{text}' is a quantity of another kind; {wanted}") from None
    except Exception:  # pint raises anything from TokenError to AttributeError on text that is no quantity
        raise ValueError(f"'{text}' cannot be read; {wanted}") from None


def number(value: Any, unit: str = "") -> float:
    """A bare number or text with a unit as a float in `unit`; see `parse`.

    Examples
    --------
    >>> number("2 h", "s"), number(3)
    (7200.0, 3.0)
    """
    if isinstance(value, str):
        result = parse(value.strip(), unit)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if unit and value != 0:
            raise ValueError(f"a unit is missing; write it as in '{EXAMPLES.get(unit, '1 ' + unit)}'")
        result = float(value)
    else:
        wanted = f"a quantity like '{EXAMPLES.get(unit, '1 ' + unit)}'" if unit else "a number"
        raise ValueError(f"expected {wanted}")
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
            if not {"uncertain"} <= set(value) <= {"uncertain", "name"}:
                raise ValueError("expected a number or {uncertain: [low, mode, high]}")
            result = uncertain(value["uncertain"], lambda part: number(part, self.unit)).named(value.get("name", ""))
            for bound in (*result.distribution.support, float(result)):
                self.check(bound)
            return result
        result = number(value, self.unit)
        self.check(result)
        if self.whole and result != int(result):
            raise ValueError("must be a whole number")
        return result

    def check(self, value: float) -> None:
        if self.positive and value <= 0:
            raise ValueError("must be above zero")
        if value < self.least:
            raise ValueError(f"must be at least {self.least:g}" if self.least else "must not be negative")
        if value > self.most:
            raise ValueError(f"must be at most {self.most:g}")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(_plain)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        kinds: list[dict[str, Any]] = [
            {"type": "string", "examples": [EXAMPLES[self.unit]]} if self.unit in EXAMPLES else {"type": "number"},
            {"$ref": "#/$defs/Uncertain"},
        ]
        return {"anyOf": kinds, "description": f"in {self.unit or 'pure numbers'}"}


def _plain(value: float) -> Any:
    return value.as_data() if isinstance(value, Uncertain) else value


Number = Annotated[float, Quantity()]
Signed = Annotated[float, Quantity(least=-math.inf)]
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
