"""How quantities, distributions and unknown constants are written in a scenario or the catalogue.

A field annotated with one of the types below accepts text with a unit (``30 min``), an uncertain
number (``{uncertain: [low, mode, high]}``; two with the same ``name`` are one) or, where the unit
may be left out, a bare number.
"""

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
    Gamma,
    Lognormal,
    Mixture,
    Sum,
    Triangular,
    Weibull,
)
from sim.quantities.joint_draws import joint
from sim.quantities.uncertain import Uncertain, highest, lowest
from sim.quantities.units import COUNTED, number, wanted

Read = Callable[[Any], float]
"""Turns one value with its unit into an SI float."""

SMALLEST = 1e-30
LARGEST = 1e30
"""Sizes of numbers in SI units between which everything real lies."""

WRITTEN = {
    "exponential": "{mean: …}",
    "weibull": "{shape: …, scale: … or mean: …}",
    "lognormal": "{median: …, sigma: …} and, if sigma is an estimate, degrees: …",
    "triangular": "[low, mode, high]",
    "empirical": "[[0, …], …, [1, …]]: pairs of probability and value",
    "mixture": "[[weight, distribution], …]",
    "sum": "a list of distributions",
}
"""How each distribution is written, after its name."""
TAILS = {"degrees"}
"""What a lognormal may have besides."""
COUNT = {"events", "node_days"}
"""Keys of a rate that is known from a count; see `Rate`."""


def is_value(data: dict[Any, Any]) -> bool:
    """Whether a mapping is a distribution or an unknown constant, rather than one of named parts.

    Examples
    --------
    >>> is_value({"exponential": {"mean": "2 d"}}), is_value({"uncertain": [1, 2, 3]}), is_value({})
    (True, True, False)
    """
    if "uncertain" in data or data.keys() >= COUNT:
        return True
    return len(data) == 1 and data.keys() <= WRITTEN.keys()


def uncertain(data: Any, read: Read) -> Uncertain:
    """Read an unknown constant.

    Parameters
    ----------
    data : list or mapping
        ``[low, mode, high]`` of a triangular distribution, another distribution, or
        ``{draws: {file: …, column: …}}`` (see `sim.quantities.joint_draws`).
    read : callable
        Turns one value with its unit into an SI float.

    Raises
    ------
    InputError
        When the numbers are out of order or the distribution is unknown.
    """
    if isinstance(data, dict) and data.keys() == {"draws"}:
        return joint(data["draws"])
    if isinstance(data, dict):
        distribution = distribution_from(data, read)
    else:
        distribution = _made("triangular", data, read)
    # A draw at one probability is all that a constant gets.
    if distribution.dims > 1:
        problem = "an unknown constant cannot be a sum; give its distribution directly"
        raise InputError(problem, given=data)
    return Uncertain(distribution.mode, distribution)


def distribution_from(data: Any, read: Read) -> Distribution:
    """Read a distribution of events.

    Parameters
    ----------
    data : number, text or mapping
        A quantity, or a mapping with one of the names in `WRITTEN`: ``2 d``, ``{exponential:
        {mean: 2 d}}``, ``{empirical: [[0, 1 min], …, [1, 90 d]]}``.
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
    if not is_value(data):
        given = ", ".join(map(str, data))
        # Of several names none is the one that was meant.
        hint = nearest(given, WRITTEN) if len(data) == 1 else ""
        problem = f"{{{given:.60}}} is no distribution{hint}"
        listed = f"allowed: a constant or one of {', '.join(WRITTEN)}"
        raise InputError(f"{problem}; {listed}", given=data, allowed=tuple(WRITTEN))
    [(name, body)] = data.items()
    try:
        return _made(name, body, read)
    except InputError as error:
        raise _within(name, error) from None


def _made(name: str, body: Any, read: Read) -> Distribution:
    match name, body:
        case "exponential", {"mean": mean, **rest} if not rest:
            return Weibull(1.0, _size(mean, read, "mean"))
        case "weibull", {"shape": shape, "mean": mean, **rest} if not rest:
            return Weibull(_shape(shape), _size(mean, read, "mean"), by_mean=True)
        case "weibull", {"shape": shape, "scale": scale, **rest} if not rest:
            return Weibull(_shape(shape), _size(scale, read, "scale"))
        case "lognormal", {"median": median, "sigma": sigma, **rest} if rest.keys() <= TAILS:
            middle = _size(median, read, "median")
            width = _pure(sigma, "sigma", most=10.0)
            tails = {key: _pure(value, key, least=1.0) for key, value in rest.items()}
            return Lognormal(middle, width, **tails)
        case "triangular", [_, _, _]:
            return _triangular(body, read)
        case "empirical", [_, _, *_] if _are_pairs(body):
            return _empirical(body, read)
        case "mixture", [_, *_] if _are_pairs(body):
            weights = tuple(_pure(weight, "a weight") for weight, _ in body)
            parts = tuple(distribution_from(part, read) for _, part in body)
            return Mixture(weights, parts)
        case "sum", [_, *_]:
            return Sum(tuple(distribution_from(part, read) for part in body))
    raise expected(WRITTEN[name], body)


def _triangular(body: Any, read: Read) -> Distribution:
    low, peak, high = map(read, body)
    # Each of the three may itself be uncertain, but they must not cross.
    ordered = highest(low) <= lowest(peak) and highest(peak) <= lowest(high)
    if not ordered or low == high:
        given = ", ".join(map(str, body))
        rule = "low ≤ mode ≤ high, and low < high"
        raise InputError(f"expected {rule}, not {given}", given=body, allowed=rule)
    return Triangular(low, peak, high)


def _empirical(body: Any, read: Read) -> Distribution:
    if not all(isinstance(p, (int, float)) for p, _ in body):
        raise expected(WRITTEN["empirical"], body)
    probabilities = [float(p) for p, _ in body]
    values = [_size(value, read, "a value") for _, value in body]
    whole = (probabilities[0], probabilities[-1]) == (0, 1)
    rising = probabilities == sorted(set(probabilities))
    if not whole or not rising or any(highest(a) > lowest(b) for a, b in pairwise(values)):
        rule = "probabilities must rise from 0 to 1, and the values with them"
        raise InputError(rule, given=body, allowed=rule)
    return Empirical(tuple(zip(probabilities, values, strict=True)))


def _are_pairs(body: Any) -> bool:
    return all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in body)


def _size(value: Any, read: Read, name: str) -> float:
    result = read(value)
    if not 0 < result < math.inf:
        raise InputError(f"{name} must be above 0", given=value, allowed="above 0")
    return result


def _shape(value: Any) -> float:
    # Below, the longest lifetimes are beyond what a float can hold.
    return _pure(value, "shape", least=0.05)


def _pure(value: Any, name: str, least: float = 0.0, most: float = math.inf) -> float:
    """A number without unit, above zero and within bounds; it may be uncertain."""
    try:
        return Quantity(least=least, most=most, positive=True).read(value)
    except InputError as error:
        raise _within(name, error) from None


def _within(name: str, error: InputError) -> InputError:
    return InputError(f"{name}: {error}", given=error.given, allowed=error.allowed)


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
            least = f"must be at least {self.least:,.12g}"
            return least if self.least else "must not be negative"
        if highest(result) > self.most:
            return f"must be at most {self.most:,.12g}"
        # Beyond, a product of a few such numbers is none that a float can hold.
        if abs(result) > LARGEST:
            return f"must be at most {LARGEST:g} in SI units"
        # A share that is next to nothing is nothing; what is divided by must be more.
        if 0 < abs(result) < SMALLEST and (self.unit or self.positive):
            return f"must be at least {SMALLEST:g} in SI units"
        unknown = isinstance(result, Uncertain)
        if self.whole and not unknown and result != int(result):
            return "must be a whole number"
        return ""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: Any
    ) -> dict[str, Any]:
        return self.json_schema()

    def json_schema(self) -> dict[str, Any]:
        """What an editor may accept."""
        text = {"type": "string", "pattern": r"^\s*[-+]?[0-9.]"}
        plain: dict[str, Any] = {"const": 0}
        if self.unit in COUNTED:
            bound = "exclusiveMinimum" if self.positive else "minimum"
            plain = {"type": "number", bound: self.least}
        description = f"expected {wanted(self.unit)}"
        return {"anyOf": [text, plain, UNCERTAIN, PRIOR], "description": description}


class Rate(Quantity):
    """Marks a field as a rate per 1,000 node-days, which may be known from a count.

    ``{events: 148, node_days: 110592}`` is an unknown constant: Jeffreys' prior and a Poisson count
    give a gamma distribution with shape ``events + 1/2``. Where single nodes make several of the
    events each tells less: with a ``dispersion`` φ (variance over mean of such counts) the shape
    and the exposure are divided by φ. Its fixed value is the count over the exposure.

    Examples
    --------
    >>> rate = Rate().read({"events": 148, "node_days": 110592})
    >>> round(rate, 4), [round(rate.draw(p), 3) for p in (0.05, 0.95)]
    (1.3383, [1.167, 1.529])
    """

    def _uncertain(self, value: dict[str, Any]) -> Uncertain:
        if not value.keys() >= COUNT:
            return super()._uncertain(value)
        allowed = COUNT | {"dispersion", "name"}
        for key in value.keys() - allowed:
            raise InputError.no_such("is unknown", str(key), sorted(allowed))
        events = _checked(value, "events", 0)
        days = _checked(value, "node_days", None)
        spread = _checked(value, "dispersion", 1)
        scale = 1000 * spread / days
        known = Gamma((events + 0.5) / spread, scale)
        return Uncertain(1000 * events / days, known, str(value.get("name", "")))

    def json_schema(self) -> dict[str, Any]:
        found = super().json_schema()
        return found | {"anyOf": [*found["anyOf"], COUNTED_RATE]}


COUNTED_RATE: dict[str, Any] = {
    "title": "Counted",
    "type": "object",
    "properties": {
        "events": {"type": "number", "minimum": 0},
        "node_days": {"type": "number", "exclusiveMinimum": 0},
        "dispersion": {"type": "number", "minimum": 1},
        "name": {"type": "string"},
    },
    "required": ["events", "node_days"],
    "additionalProperties": False,
}
"""JSON schema of a rate known from a count."""


def _checked(value: dict[str, Any], key: str, least: float | None) -> float:
    """One number of a count: at least `least`, or above zero where that is None."""
    quantity = Quantity(least=least or 0.0, positive=least is None)
    try:
        found = quantity.read(value.get(key, 1))
    except InputError as error:
        raise _within(key, error) from None
    if isinstance(found, Uncertain):
        raise InputError(f"{key} must be a plain number", given=value[key])
    return found


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
PRIOR: dict[str, Any] = {
    "title": "Prior",
    "type": "object",
    "properties": {"prior": {"type": "string"}},
    "required": ["prior"],
    "additionalProperties": False,
}
"""JSON schema of one that the catalogue knows by its name."""
Number = Annotated[float, Quantity()]
Positive = Annotated[float, Quantity(positive=True)]
Share = Annotated[float, Quantity(most=1.0)]
Efficiency = Annotated[float, Quantity(positive=True, most=1.0)]
Multiple = Annotated[float, Quantity(least=1.0)]
Seconds = Annotated[float, Quantity("s")]
PositiveSeconds = Annotated[float, Quantity("s", positive=True)]
Bytes = Annotated[float, Quantity("byte", positive=True)]
BytesPerSecond = Annotated[float, Quantity("byte/s", positive=True)]
FlopPerSecond = Annotated[float, Quantity("FLOP/s", positive=True)]
Watts = Annotated[float, Quantity("W", positive=True)]
Dollars = Annotated[float, Quantity("USD")]
DollarsPerSecond = Annotated[float, Quantity("USD/s")]
PerSecond = Annotated[float, Quantity("1/s")]
PositivePerSecond = Annotated[float, Quantity("1/s", positive=True)]
CountedRate = Annotated[float, Rate(positive=True)]
Tokens = Annotated[float, Quantity("token", least=1.0)]
