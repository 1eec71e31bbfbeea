"""What a scenario takes from the catalogue: by its name, spelt out, or ``like`` an entry."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo

from sim import catalogue
from sim.catalogue import Entry, from_file
from sim.catalogue.failures import Congestion, FailureTable, Flaps
from sim.catalogue.hardware import Chip, Model, Stack, StepTime
from sim.catalogue.kinds import KINDS
from sim.catalogue.market import CostMethod, Flow, Need, Production, RepairShop, Shares
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
        # A trace takes the place of the causes, and of all that is said about these.
        if change.get("trace") and not change.get("causes"):
            return {key: part for key, part in change.items() if key.startswith("trace")}
        return merge(base, change)

    return BeforeValidator(look_up, json_schema_input_type=str | type_)


TABLES = {
    "model": "models",
    "chip": "chips",
    "stack": "stacks",
    "failures": "failures",
    "congestion": "fabrics",
    "flaps": "flaps",
    "repair": "repair",
    "constants": "constants",
    "costs": "costs",
}
"""The table behind each key that takes a name of the catalogue."""


def entries(data: Any, kind: str = "", own: str | None = None) -> Iterator[Entry]:
    """The entries of the catalogue that the plain data of a scenario names.

    Parameters
    ----------
    data : plain data
    kind : str
        The table in which a name that stands here is looked up.
    own : str, optional
        The folder with facts of the user's own.
    """
    parts = data if isinstance(data, dict) else {}
    name = parts.get("like", data)
    if kind and isinstance(name, str) and name in catalogue.table(kind, own):
        yield catalogue.entry(kind, name, own)
    for key, part in parts.items():
        if key == "policy":
            known = catalogue.table(key, own)
            yield from (known[event] for event in part if event in known)
        elif key == "supply":
            for flow in part.values():
                yield from entries(flow, key, own)
        else:
            yield from entries(part, TABLES.get(key, ""), own)


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
ProductionRef = Annotated[Production, from_catalogue("production")]
SharesRef = Annotated[Shares, from_catalogue("shares")]
NeedRef = Annotated[Need, from_catalogue("needs")]
