"""Every key of a scenario, for readers: meaning, unit, what it may be, its default, an example."""

import ast
import datetime as dt
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from sim import catalogue
from sim.catalogue.kinds import KINDS
from sim.catalogue.strict import A_DATE, Strict
from sim.quantities.distributions import Distribution
from sim.quantities.notation import Quantity
from sim.quantities.units import COMMON, EXAMPLES
from sim.scenario import Scenario, names
from sim.scenario.reading import children, read

NAME = "NAME"
"""In a path: any name that the user has chosen, as of a pool."""
SIZES = {name: COMMON["s"][name] for name in ("yr", "d", "h", "min", "s")}
"""Seconds of what a time is written in."""


@dataclass(frozen=True)
class Key:
    """A key of a scenario, or of an entry of the catalogue.

    Attributes
    ----------
    path : str
        Where it stands: `NAME` is any name, `0` the position in a list.
    holder : type
        What it is a key of.
    meaning, unit, allowed, default, example : str
    """

    path: str
    holder: type[Strict]
    meaning: str
    unit: str
    allowed: str
    default: str
    example: str


@cache
def meanings(type_: type[Strict]) -> dict[str, str]:
    """What each key of a type means: the docstring below its field.

    Examples
    --------
    >>> from sim.catalogue.hardware import Chip
    >>> meanings(Chip)["nic"]
    'Network line rate per chip.'
    """
    found: dict[str, str] = {}
    for base in reversed(type_.__mro__):
        if issubclass(base, Strict):
            [body] = ast.parse(inspect.getsource(base)).body
            assert isinstance(body, ast.ClassDef)
            for field, after in zip(body.body, body.body[1:], strict=False):
                if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr):
                    text = inspect.cleandoc(ast.literal_eval(after.value))
                    found[ast.unparse(field.target)] = " ".join(text.split())
    return found


@cache
def keys(type_: type[Strict] = Scenario, path: str = "") -> dict[str, Key]:
    """Every key below a type, by its path.

    Examples
    --------
    >>> keys()["fleet.NAME.hot_spares"].unit, keys()["recovery.crew"].default
    ('node', 'none')
    """
    found = {}
    for name, field in type_.model_fields.items():
        here = f"{path}.{name}".lstrip(".")
        found[here] = _key(here, type_, name, field)
        for step, part in _below(field.annotation):
            found |= keys(part, here + step)
    return found


def named(path: str) -> list[str]:
    """The names on a path, without positions in lists."""
    return [part for part in path.split(".") if not part.isdigit()]


def same_path(path: str, given: str) -> bool:
    """Whether a path with the user's own names is one of ours, with positions in lists or without.

    Examples
    --------
    >>> same_path("fleet.NAME.chips", "fleet.weak.chips"), same_path("runs.chips", "chips")
    (True, False)
    >>> same_path("run.phases.0.until", "run.phases.1.until")
    True
    >>> same_path("run.phases.0.until", "run.phases.until")
    True
    """
    ours = named(path)
    theirs = named(given)
    same = (a in (NAME, b) for a, b in zip(ours, theirs, strict=False))
    return len(ours) == len(theirs) and all(same)


def _key(path: str, holder: type[Strict], name: str, field: FieldInfo) -> Key:
    parts = [part for top in (field.annotation, *field.metadata) for part in _parts(top)]
    units = [part.unit for part in parts if isinstance(part, Quantity)]
    unit = units[0] if units else ""
    allowed = list(dict.fromkeys(filter(None, map(_words, parts))))
    shown = _examples().get((holder, name)) or _made_up(parts, unit)
    default = _default(field, unit)
    # What a phase leaves out is not what its type has by default.
    if path.startswith("run.phases.") and name != "until" and not field.is_required():
        default = "as in the scenario"
    return Key(
        path,
        holder,
        meanings(holder).get(name, ""),
        unit,
        "; ".join(allowed) or "text",
        default,
        shown,
    )


def _parts(annotation: Any) -> Iterator[Any]:
    """All types, literals and marks of which an annotation is made."""
    yield annotation
    inner = () if get_origin(annotation) is Literal else get_args(annotation)
    if isinstance(annotation, BeforeValidator):
        inner = (annotation.json_schema_input_type,)
    elif isinstance(annotation, FieldInfo):
        inner = annotation.metadata
    for part in inner:
        yield from _parts(part)


def _below(annotation: Any, step: str = "") -> Iterator[tuple[str, type[Strict]]]:
    """The types with keys of their own below a key, and the steps that lead to each."""
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        yield step, annotation
    origin = get_origin(annotation)
    more = {dict: f".{NAME}", tuple: ".0"}.get(origin, "") if isinstance(origin, type) else ""
    inner = get_args(annotation)[:1] if origin is Annotated else get_args(annotation)
    for part in inner:
        yield from _below(part, step + more)


def _words(part: Any) -> str:
    """What one part of an annotation lets a key be."""
    if get_origin(part) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(part))
    if isinstance(part, Quantity):
        return _range(part)
    if isinstance(part, Ge):
        return f"at least {part.ge:,}"
    if isinstance(part, Le):
        return f"at most {part.le:,}"
    if isinstance(part, type) and issubclass(part, Strict):
        return "keys of its own"
    plain = {
        bool: "true or false",
        dt.date: A_DATE,
        Distribution: "one value or a distribution",
    }
    return plain.get(part, "") if isinstance(part, type) else ""


def _range(quantity: Quantity) -> str:
    least = "above 0" if quantity.positive else f"at least {quantity.least:,g}"
    most = f", at most {quantity.most:,g}" if quantity.most < float("inf") else ""
    whole = ", whole" if quantity.whole else ""
    return least + most + whole


def _default(field: FieldInfo, unit: str) -> str:
    value = field.default
    if field.is_required():
        return "must be given"
    if isinstance(value, Distribution):
        value = value.mean
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and unit == "s":
        name = next((n for n, size in SIZES.items() if value and not value % size), "s")
        return f"{value / SIZES[name]:g} {name}"
    if isinstance(value, float) and unit == "1/s":
        return f"{value * SIZES['yr']:g} per year"
    if isinstance(value, (int, float)):
        return f"{value:,g} {unit}".strip()
    if isinstance(value, (str, dt.date)) and value:
        return str(value)
    if isinstance(value, tuple) and value:
        return ", ".join(f"{part:g}" if isinstance(part, float) else part for part in value)
    return "its keys' own" if isinstance(value, Strict) else "none"


@cache
def _examples() -> dict[tuple[type, str], str]:
    """One value of each key as it is written in our own files, by its holder and name."""
    found: dict[tuple[type, str], str] = {}
    for name in names():
        _collect(Scenario, read(name).data, found)
    for kind, type_ in KINDS.items():
        for entry in catalogue.table(kind).values():
            _collect(type_, entry.values, found)
    return found


def _collect(type_: type[Strict], data: Any, found: dict[tuple[type, str], str]) -> None:
    for name, field in type_.model_fields.items():
        value = data.get(name) if isinstance(data, Mapping) else None
        # Longer ones are parts with keys of their own, each of which has its own example.
        if value is not None and len(str(value)) <= 60:
            text = str(value)
            found.setdefault((type_, name), text.lower() if isinstance(value, bool) else text)
        for step, part in _below(field.annotation):
            for one in children(value).values() if step else [value]:
                _collect(part, one, found)


def _made_up(parts: list[Any], unit: str) -> str:
    """An example of a key that none of our files has."""
    for part in parts:
        if get_origin(part) is Literal:
            return str(get_args(part)[0])
    if unit:
        return EXAMPLES.get(unit, f"1 {unit}")
    kinds = {bool: "true", dt.date: "2024-06-01", str: "a name", float: "1", int: "1"}
    return next((kinds[part] for part in parts if part in kinds), "{…}")
