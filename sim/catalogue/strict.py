"""What every kind of thing in the catalogue and every part of a scenario has in common: frozen,
strict, drawn times.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, ClassVar, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from sim.errors import nearest
from sim.quantities.distributions import Distribution
from sim.quantities.notation import READERS, Quantity, distribution_from
from sim.quantities.units import whole


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
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    allowed = (*cls.also, *cls.model_fields)
                    context = {
                        "key": str(key),
                        "hint": nearest(str(key), allowed),
                        "allowed": ", ".join(allowed),
                    }
                    raise PydanticCustomError(
                        "unknown_key", "is unknown{hint}; allowed: {allowed}", context
                    )
        return data

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any, info: ValidationInfo) -> Any:
        """Neither true nor text for a whole number, and no number for a date."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        types = {annotation, *(() if get_origin(annotation) is tuple else get_args(annotation))}
        if int in types and value is not None:
            return whole(value)
        if dt.date in types and isinstance(value, (int, float)):
            raise ValueError("expected a date like 2024-06-01")
        return value


def misplaced(key: str, message: str) -> PydanticCustomError:
    """An error that is told of a key below the part that finds it."""
    return PydanticCustomError("size", "{message}", {"key": key, "message": message})


def _drawn(unit: str) -> BeforeValidator:
    read = Quantity(unit).read
    return BeforeValidator(
        lambda value: value if isinstance(value, Distribution) else distribution_from(value, read)
    )


_SHAPES = {
    "type": "object",
    "propertyNames": {"enum": list(READERS)},
    "minProperties": 1,
    "maxProperties": 1,
}
_DISTRIBUTION = {
    "anyOf": [*Quantity("s").json_schema()["anyOf"], _SHAPES],
    "description": "a time, or times drawn anew",
}

Duration = Annotated[Distribution, _drawn("s"), WithJsonSchema(_DISTRIBUTION)]
"""A distribution of times, drawn per event."""

Lots = Annotated[Distribution, _drawn("chip"), WithJsonSchema(_DISTRIBUTION)]
"""A distribution of numbers of chips, drawn per event."""


class Inline(Strict):
    """Something of the catalogue that a scenario may also spell out, whole or ``like`` an entry."""

    also: ClassVar[tuple[str, ...]] = ("like",)
