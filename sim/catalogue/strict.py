"""What all kinds of the catalogue and all parts of a scenario have in common."""

import datetime as dt
from operator import attrgetter
from typing import Annotated, Any, ClassVar, NoReturn, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from sim.catalogue.unsaid import unsaid
from sim.errors import InputError, expected
from sim.quantities.distributions import Distribution
from sim.quantities.notation import WRITTEN, Quantity, distribution_from
from sim.quantities.units import whole

A_DATE = "a date like 2024-06-01"


class UnknownKey(InputError):
    """A key that its mapping does not have; the message goes on where the key's name ends."""


class Strict(BaseModel):
    """Frozen; an unknown key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, protected_namespaces=()
    )
    also: ClassVar[tuple[str, ...]] = ()
    """Keys taken care of before it comes to this type."""

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        # Before pydantic's own check, which knows neither the allowed names nor the nearest.
        names = data if isinstance(data, dict) else {}
        allowed = (*cls.also, *cls.model_fields)
        listed = f"; allowed: {', '.join(allowed)}"
        for name in map(str, names):
            if name not in cls.model_fields:
                more = unsaid(name) + listed
                raise UnknownKey.no_such("is unknown", name, allowed, more, key=name)
        return data

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any, info: ValidationInfo) -> Any:
        """Neither true nor text for a whole number, and no number for a date."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        # A list of whole numbers is checked by pydantic; what is optional is checked here.
        inner = () if get_origin(annotation) is tuple else get_args(annotation)
        # Of a type with bounds the plain one counts.
        types = {annotation, *(getattr(part, "__origin__", part) for part in inner)}
        if int in types and value is not None:
            return whole(value)
        if dt.date in types and isinstance(value, (int, float)):
            raise expected(A_DATE, value)
        return value

    @model_validator(mode="after")
    def _checked(self) -> Self:
        self.check()
        return self

    def check(self) -> None:
        """Refuse what does not fit together: each type says what that is."""

    def refuse(self, key: str, problem: str) -> NoReturn:
        """Refuse what stands at a dotted key."""
        raise InputError(problem, key=key, given=attrgetter(key)(self))

    def but(self, **changes: Any) -> Self:
        """A copy with other values, which are not checked."""
        return self.model_copy(update=changes)


def refusal(problem: ErrorDetails) -> InputError:
    """The error behind what pydantic collected: one of ours, or its own in its own words."""
    error = problem.get("ctx", {}).get("error")
    if isinstance(error, InputError):
        return error
    # Where a key is missing the input is all of the mapping that lacks it.
    given = None if problem["type"] == "missing" else problem["input"]
    return InputError(problem["msg"].removeprefix("Value error, "), given=given)


def _drawn(unit: str) -> BeforeValidator:
    quantity = Quantity(unit)

    def read(value: Any) -> Distribution:
        if isinstance(value, Distribution):
            return value
        return distribution_from(value, quantity.read)

    # The reference tells the unit by it; in a schema the shapes below take its place.
    return BeforeValidator(read, json_schema_input_type=Annotated[float, quantity])


_SHAPES = {
    "type": "object",
    "propertyNames": {"enum": list(WRITTEN)},
    "minProperties": 1,
    "maxProperties": 1,
}


def _distribution(unit: str, what: str) -> WithJsonSchema:
    shapes = [*Quantity(unit).json_schema()["anyOf"], _SHAPES]
    words = f"{what}, or a distribution from which each is drawn"
    return WithJsonSchema({"anyOf": shapes, "description": words})


Duration = Annotated[Distribution, _drawn("s"), _distribution("s", "a time")]
"""A distribution of times, drawn per event."""

Lots = Annotated[Distribution, _drawn("chip"), _distribution("chip", "a number of chips")]
"""A distribution of numbers of chips, drawn per event."""


class Inline(Strict):
    """Something of the catalogue that a scenario may also spell out, whole or ``like`` an entry."""

    also = ("like",)


class Titled(Inline):
    """What may be spelt out in a scenario and has a title."""

    title: str = ""
    """One line that says what it is."""


def _listed(value: object) -> str:
    return "[list]" if isinstance(value, (list, tuple)) else "[one]"


LISTED = Discriminator(_listed)
"""Tells a list from what it may stand for, so that a mistake is told of what was meant alone."""
