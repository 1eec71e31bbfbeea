"""How distributions and unknown constants are written in a scenario or the catalogue."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from sim.errors import nearest
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


def is_value(data: dict[Any, Any]) -> bool:
    """Whether a mapping describes one value, a distribution or an unknown constant, rather than
    named parts.

    Examples
    --------
    >>> is_value({"exponential": {"mean": "2 d"}}), is_value({"uncertain": [1, 2, 3]}), is_value({})
    (True, True, False)
    """
    return "uncertain" in data or (len(data) == 1 and next(iter(data)) in READERS)


def uncertain(data: Any, read: Read) -> Uncertain:
    """Read ``[low, mode, high]`` (triangular) or a distribution as an unknown constant.

    Raises
    ------
    ValueError
        When the numbers are out of order or the distribution is unknown.
    """
    if isinstance(data, dict):
        distribution = distribution_from(data, read)
        if distribution.dims > 1:
            raise ValueError("an unknown constant cannot be a sum; give its distribution directly")
        return Uncertain(distribution.mode, distribution)
    triangle = _triangular(data, read)
    return Uncertain(triangle.peak, triangle)


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
    ValueError
        With what is allowed, when the data does not describe a distribution.

    Examples
    --------
    >>> distribution_from({"weibull": {"shape": 2, "mean": 10}}, float).mean
    10.0
    """
    if not isinstance(data, dict) or "uncertain" in data:
        return Constant(read(data))
    if len(data) != 1 or next(iter(data)) not in READERS:
        given = ", ".join(map(str, data))
        hint = nearest(given, READERS) if len(data) == 1 else ""
        raise ValueError(
            f"{{{given:.60}}} is no distribution{hint}; allowed: a constant or one of {', '.join(READERS)}"
        )
    ((name, body),) = data.items()
    try:
        return READERS[name](body, read)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _fields(body: Any, required: Sequence[str], one_of: Sequence[str] = ()) -> dict[str, Any]:
    wanted = [f"{key}: …" for key in required] + (
        [" or ".join(f"{key}: …" for key in one_of)] if one_of else []
    )
    problem = f"expected {{{', '.join(wanted)}}}"
    if (
        not isinstance(body, dict)
        or set(body) - set(required) - set(one_of)
        or set(required) - set(body)
    ):
        raise ValueError(problem)
    if one_of and len(set(one_of) & set(body)) != 1:
        raise ValueError(problem)
    return body


def _positive(value: float, name: str) -> float:
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be above 0")
    return value


def _pure(value: Any, name: str, least: float = 0.0, most: float = math.inf) -> float:
    """A number without unit, above zero and within bounds; it may be uncertain."""
    try:
        return Quantity(least=least, most=most, positive=True).read(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _exponential(body: Any, read: Read) -> Distribution:
    return Weibull(1.0, _positive(read(_fields(body, ["mean"])["mean"]), "mean"))


def _weibull(body: Any, read: Read) -> Distribution:
    fields = _fields(body, ["shape"], ["scale", "mean"])
    shape = _pure(fields["shape"], "shape", least=0.05)
    size = "scale" if "scale" in fields else "mean"
    return Weibull(shape, _positive(read(fields[size]), size), by_mean=size == "mean")


def _lognormal(body: Any, read: Read) -> Distribution:
    fields = _fields(body, ["median", "sigma"])
    return Lognormal(
        _positive(read(fields["median"]), "median"), _pure(fields["sigma"], "sigma", most=10.0)
    )


def _triangular(body: Any, read: Read) -> Triangular:
    if not isinstance(body, (list, tuple)) or len(body) != 3:
        raise ValueError("expected [low, mode, high]")
    low, peak, high = (read(part) for part in body)
    if not (highest(low) <= lowest(peak) and highest(peak) <= lowest(high)) or low == high:
        raise ValueError(
            f"expected low ≤ mode ≤ high, and low < high, not {', '.join(map(str, body))}"
        )
    return Triangular(low, peak, high)


def _empirical(body: Any, read: Read) -> Distribution:
    if (
        not _are_pairs(body)
        or len(body) < 2
        or not all(isinstance(p, (int, float)) for p, _ in body)
    ):
        raise ValueError("expected [[0, …], …, [1, …]]: pairs of probability and value")
    pairs = tuple((float(p), _positive(read(value), "a value")) for p, value in body)
    rising = all(a[0] < b[0] and highest(a[1]) <= lowest(b[1]) for a, b in pairwise(pairs))
    if pairs[0][0] != 0 or pairs[-1][0] != 1 or not rising:
        raise ValueError("probabilities must rise from 0 to 1, and the values with them")
    return Empirical(pairs)


def _are_pairs(body: Any) -> bool:
    listed = isinstance(body, (list, tuple)) and len(body) > 0
    return listed and all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in body)


def _mixture(body: Any, read: Read) -> Distribution:
    if not _are_pairs(body):
        raise ValueError("expected [[weight, distribution], …]")
    weights = tuple(_pure(weight, "a weight") for weight, _ in body)
    return Mixture(weights, tuple(distribution_from(part, read) for _, part in body))


def _sum(body: Any, read: Read) -> Distribution:
    if not isinstance(body, (list, tuple)) or not body:
        raise ValueError("expected a list of distributions")
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
    """Marks a pydantic field as a quantity in `unit`, within ``[least, most]``; `positive` shuts
    out zero.

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
            if not {"uncertain"} <= set(value) <= {"uncertain", "name"} or not isinstance(
                name, str
            ):
                raise ValueError(f"{wanted(self.unit)}, or {{uncertain: [low, mode, high]}}")
            result = uncertain(value["uncertain"], lambda part: number(part, self.unit)).named(name)
        else:
            result = number(value, self.unit)
        if self.positive and result <= 0:
            raise ValueError("must be above zero")
        if lowest(result) < self.least:
            raise ValueError(
                f"must be at least {self.least:,.12g}" if self.least else "must not be negative"
            )
        if highest(result) > self.most:
            raise ValueError(f"must be at most {self.most:,.12g}")
        if self.whole and not isinstance(result, Uncertain) and result != int(result):
            raise ValueError("must be a whole number")
        return result

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
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
