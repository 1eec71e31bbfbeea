"""What a scenario takes from the catalogue: by its name, spelt out, or ``like`` an entry."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo

from sim import catalogue
from sim.catalogue import from_file
from sim.catalogue.failures import Congestion, FailureTable, Flaps
from sim.catalogue.hardware import Chip, Model, Stack, StepTime
from sim.catalogue.kinds import KINDS
from sim.catalogue.market import CostMethod, Flow, RepairShop
from sim.errors import expected
from sim.scenario.reading import merge


def own_folder(info: ValidationInfo) -> str | None:
    """The folder with facts of the user's own, while a scenario that names one is checked."""
    return (info.context or {}).get("catalogue")


def from_catalogue(kind: str, default: str | None = None) -> BeforeValidator:
    """A validator of a field that holds something of the catalogue.

    It takes the name of an entry, the entry's keys, or ``{like: NAME, KEY: VALUE…}``; in place of
    a name also a file of the user's own, where there are such.

    Parameters
    ----------
    kind : str
        Table of the catalogue.
    default : str, optional
        The entry that keys without ``like`` are like.
    """

    type_ = KINDS[kind]

    def look_up(value: Any, info: ValidationInfo) -> Any:
        own = own_folder(info)
        if isinstance(value, str):
            if from_file.is_file(kind, value):
                return from_file.values(kind, value)
            return catalogue.entry(kind, value, own).item
        if isinstance(value, type_):
            return value
        if not isinstance(value, dict):
            raise expected(f"a name from the catalogue's {kind}, or its keys inline", value)
        name = value.get("like", default)
        if not name:
            return value
        name = str(name)
        if from_file.is_file(kind, name):
            base = from_file.values(kind, name)
        else:
            base = catalogue.entry(kind, name, own).values
        change = {key: part for key, part in value.items() if key != "like"}
        return merge(base, change)

    return BeforeValidator(look_up, json_schema_input_type=str | type_)


ChipRef = Annotated[Chip, from_catalogue("chips")]
ModelRef = Annotated[Model, from_catalogue("models")]
StackRef = Annotated[Stack, from_catalogue("stacks")]
FailuresRef = Annotated[FailureTable, from_catalogue("failures")]
ConstantsRef = Annotated[StepTime, from_catalogue("constants", "step-time")]
CostsRef = Annotated[CostMethod, from_catalogue("costs", "epoch")]
CongestionRef = Annotated[Congestion, from_catalogue("fabrics")]
FlapsRef = Annotated[Flaps, from_catalogue("flaps")]
RepairRef = Annotated[RepairShop, from_catalogue("repair")]
FlowRef = Annotated[Flow, from_catalogue("supply")]
