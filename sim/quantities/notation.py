"""How quantities, distributions and unknown constants are written in a scenario or the catalogue.

A field annotated with one of the types below accepts text with a unit (``30 min``), an uncertain
number (``{uncertain: [low, mode, high]}``; two with the same ``name`` are one) or, where the unit
may be left out, a bare number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from sim.errors import InputError, expected, nearest
from sim.quantities.distributions import (
    Constant,
    Distribution,
    Empirical,
    Lognormal,
    Mixture,
    Sum,
    Triangular,
    Uncertain,
    Weibull,
    highest,
    lowest,
)
from sim.quantities.units import COUNTED, number, wanted

Read = Callable[[Any], float]
"""Turns one value with its unit into an SI float."""


def is_value(data: dict[Any, Any]) -> bool:
    """Whether a mapping is a distribution or an unknown constant, rather than one of named parts.

    Examples
    --------
    >>> is_value({"exponential": {"mean": "2 d"}}), is_value({"uncertain": [1, 2, 3]}), is_value({})
    (True, True, False)
    """
    return "uncertain" in data or (len(data) == 1 and data.keys() <= READERS.keys())


def uncertain(data: Any, read: Read) -> Uncertain:
    """Read an unknown constant.

    Parameters
    ----------
    data : list or mapping
        ``[low, mode, high]`` of a triangular distribution, or another distribution.
    read : callable
        Turns one value with its unit into an SI float.

    Raises
    ------
    InputError
        When the numbers are out of order or the distribution is unknown.
    """
    reader = distribution_from if isinstance(data, dict) else _triangular
    distribution = reader(data, read)
    # A draw at one probability is all that a constant gets.
    if distribution.dims > 1:
        problem = "an unknown constant cannot be a sum; give its distribution directly"
        raise InputError(problem, given=data)
    return Uncertain(distribution.mode, distribution)


def distribution_from(data: Any, read: Read) -> Distribution:
    """Read a distribution of events: a quantity, or a mapping with one of the names in `READERS`.

    Parameters
    ----------
    data : number, text or mapping
        As in a scenario: ``2 d``, ``{exponential: {mean: 2 d}}``, ``{empirical: [[0, 1 min], …, [1,
        90 d]]}``.
    read : callable
        Turns one value with its unit into an SI float.

    Raises
    ------
    InputError
        With what is allowed, when the data does not describe a distribution.

    Examples
    --------
    >>> distribution_from({"weibull": {"shape": 2, "mean": 10}}, float).mean
    10.0
    """
    if not isinstance(data, dict) or "uncertain" in data:
        return Constant(read(data))
    names = tuple(READERS)
    if not is_value(data):
        given = ", ".join(map(str, data))
        hint = nearest(given, names) if len(data) == 1 else ""
        raise InputError(
            f"{{{given:.60}}} is no distribution{hint}; "
            f"allowed: a constant or one of {', '.join(names)}",
            given=data,
            allowed=names,
        )
    [(name, body)] = data.items()
    try:
        return READERS[name](body, read)
    except InputError as error:
        raise _within(name, error) from None


def _within(name: str, error: InputError) -> InputError:
    return InputError(f"{name}: {error}", given=error.given, allowed=error.allowed)


def _fields(body: Any, *required: str, one_of: tuple[str, ...] = ()) -> dict[str, Any]:
    """The mapping, if it has just the required keys, and one of a choice if there is a choice."""
    wanted_keys = [f"{key}: …" for key in required]
    right = [set(required)]
    if one_of:
        wanted_keys.append(" or ".join(f"{key}: …" for key in one_of))
        right = [{*required, key} for key in one_of]
    if not isinstance(body, dict) or set(body) not in right:
        raise expected(f"{{{', '.join(wanted_keys)}}}", body)
    return body


def _size(value: Any, read: Read, name: str) -> float:
    result = read(value)
    if not 0 < result < math.inf:
        raise InputError(f"{name} must be above 0", given=value, allowed="above 0")
    return result


def _pure(value: Any, name: str, least: float = 0.0, most: float = math.inf) -> float:
    """A number without unit, above zero and within bounds; it may be uncertain."""
    try:
        return Quantity(least=least, most=most, positive=True).read(value)
    except InputError as error:
        raise _within(name, error) from None


def _exponential(body: Any, read: Read) -> Distribution:
    fields = _fields(body, "mean")
    return Weibull(1.0, _size(fields["mean"], read, "mean"))


def _weibull(body: Any, read: Read) -> Distribution:
    fields = _fields(body, "shape", one_of=("scale", "mean"))
    # Below, the longest lifetimes are beyond what a float can hold.
    shape = _pure(fields["shape"], "shape", least=0.05)
    size = "scale" if "scale" in fields else "mean"
    return Weibull(shape, _size(fields[size], read, size), by_mean=size == "mean")


def _lognormal(body: Any, read: Read) -> Distribution:
    fields = _fields(body, "median", "sigma")
    median = _size(fields["median"], read, "median")
    return Lognormal(median, _pure(fields["sigma"], "sigma", most=10.0))


def _triangular(body: Any, read: Read) -> Distribution:
    if not isinstance(body, (list, tuple)) or len(body) != 3:
        raise expected("[low, mode, high]", body)
    low, peak, high = (read(part) for part in body)
    # Each of the three may itself be uncertain, but they must not cross.
    ordered = highest(low) <= lowest(peak) and highest(peak) <= lowest(high)
    if not ordered or low == high:
        given = ", ".join(map(str, body))
        rule = "low ≤ mode ≤ high, and low < high"
        raise InputError(f"expected {rule}, not {given}", given=body, allowed=rule)
    return Triangular(low, peak, high)


def _empirical(body: Any, read: Read) -> Distribution:
    listed = _are_pairs(body) and len(body) > 1
    if not listed or not all(isinstance(p, (int, float)) for p, _ in body):
        raise expected("[[0, …], …, [1, …]]: pairs of probability and value", body)
    pairs = tuple((float(p), _size(value, read, "a value")) for p, value in body)
    rising = all(p < q and highest(a) <= lowest(b) for (p, a), (q, b) in pairwise(pairs))
    if pairs[0][0] != 0 or pairs[-1][0] != 1 or not rising:
        rule = "probabilities must rise from 0 to 1, and the values with them"
        raise InputError(rule, given=body, allowed=rule)
    return Empirical(pairs)


def _are_pairs(body: Any) -> bool:
    listed = isinstance(body, (list, tuple)) and len(body) > 0
    return listed and all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in body)


def _mixture(body: Any, read: Read) -> Distribution:
    if not _are_pairs(body):
        raise expected("[[weight, distribution], …]", body)
    weights = tuple(_pure(weight, "a weight") for weight, _ in body)
    return Mixture(weights, tuple(distribution_from(part, read) for _, part in body))


def _sum(body: Any, read: Read) -> Distribution:
    if not isinstance(body, (list, tuple)) or not body:
        raise expected("a list of distributions", body)
    return Sum(tuple(distribution_from(part, read) for part in body))


READERS: dict[str, Callable[[Any, Read], Distribution]] = {
    "exponential": _exponential,
    "weibull": _weibull,
    "lognormal": _lognormal,
    "triangular": _triangular,
    "empirical": _empirical,
    "mixture": _mixture,
    "sum": _sum,
}


@dataclass(frozen=True)
class Quantity:
    """Marks a pydantic field as a quantity.

    Parameters
    ----------
    unit : str
        The SI unit, ``""`` for a pure number.
    least, most : float
        Bounds, which are themselves allowed.
    positive : bool
        Whether zero is shut out.
    whole : bool
        Whether a plain number must be whole; an unknown one may fall between.
    """

    unit: str = ""
    least: float = 0.0
    most: float = math.inf
    positive: bool = False
    whole: bool = False

    def read(self, value: Any) -> float:
        """Parse and check one value; an ``{uncertain: …}`` mapping becomes an `Uncertain`.

        Raises
        ------
        InputError
            When it is no such quantity, or out of bounds.
        """
        if isinstance(value, Uncertain):
            return value
        if isinstance(value, dict):
            result: float = self._uncertain(value)
        else:
            result = number(value, self.unit)
        rule = self._broken_rule(result)
        if rule:
            raise InputError(rule, given=value, allowed=rule)
        return result

    def _uncertain(self, value: dict[str, Any]) -> Uncertain:
        name = value.get("name", "")
        right = {"uncertain"} <= set(value) <= {"uncertain", "name"}
        if not right or not isinstance(name, str):
            raise expected(f"{wanted(self.unit)}, or {{uncertain: [low, mode, high]}}", value)
        # Its parts are plain: an end that is uncertain itself would be drawn twice.
        found = uncertain(value["uncertain"], lambda part: number(part, self.unit))
        return found.named(name)

    def _broken_rule(self, result: float) -> str:
        if self.positive and result <= 0:
            return "must be above zero"
        if lowest(result) < self.least:
            return f"must be at least {self.least:,.12g}" if self.least else "must not be negative"
        if highest(result) > self.most:
            return f"must be at most {self.most:,.12g}"
        if self.whole and not isinstance(result, Uncertain) and result != int(result):
            return "must be a whole number"
        return ""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return self.json_schema()

    def json_schema(self) -> dict[str, Any]:
        """What an editor may accept."""
        text = {"type": "string", "pattern": r"^\s*[-+]?[0-9.]"}
        plain: dict[str, Any] = {"const": 0}
        if self.unit in COUNTED:
            bound = "exclusiveMinimum" if self.positive else "minimum"
            plain = {"type": "number", bound: self.least}
        description = f"expected {wanted(self.unit)}"
        return {"anyOf": [text, plain, UNCERTAIN], "description": description}


UNCERTAIN: dict[str, Any] = {
    "title": "Uncertain",
    "type": "object",
    "properties": {
        "uncertain": {
            "anyOf": [{"type": "array", "minItems": 3, "maxItems": 3}, {"type": "object"}]
        },
        "name": {"type": "string"},
    },
    "required": ["uncertain"],
    "additionalProperties": False,
}
"""JSON schema of an unknown constant."""
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
