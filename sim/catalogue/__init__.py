"""Facts as data: every value with its unit, source, status and, where known, range.

A table is a YAML file of named entries. An entry gives its values either plainly, then covered by
the entry's own `source` and `status`, or as ``{value, range, source, status, note}``. A value with
a range is an unknown constant: triangular from the low to the high end with the value as its mode.
Values of an entry that are one and the same unknown say so by the same word under ``shared``, those
of several entries by ``shared: NAME.WORD``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sim import documents
from sim.catalogue.kinds import KINDS
from sim.errors import InputError, nearest
from sim.quantities.notation import is_value

FOLDER = Path(__file__).parent
STATUSES = ("measured", "reported", "derived", "assumption")
ENTRY_KEYS = {"source", "status", "note", "values"}
FACT_KEYS = {"value", "range", "source", "status", "note", "shared"}


@dataclass(frozen=True)
class Fact:
    """One value as the catalogue states it."""

    path: str
    value: Any
    source: str
    status: str
    range: tuple[Any, Any] | None = None
    note: str = ""


@dataclass(frozen=True)
class Entry:
    """A named thing of the catalogue and the facts it rests on."""

    kind: str
    name: str
    item: Any
    values: dict[str, Any] = field(repr=False)
    """What the item was made from: what a scenario could say inline."""
    facts: tuple[Fact, ...] = field(repr=False)


def kinds() -> tuple[str, ...]:
    """The tables of the catalogue."""
    return tuple(KINDS)


@cache
def table(kind: str) -> dict[str, Entry]:
    """Every entry of one table by name.

    Raises
    ------
    InputError
        When there is no such table, or an entry lacks a source, a status or a needed value.
    """
    if kind not in KINDS:
        raise InputError(
            f"the catalogue has no table '{kind}'{nearest(kind, KINDS)}; allowed: {', '.join(KINDS)}"
        )
    document = documents.read(FOLDER / f"{kind}.yaml")
    if not isinstance(document.data, dict):
        raise InputError(f"{document.name}: a table is a mapping of names to entries")
    return {name: _entry(document, kind, name, body) for name, body in document.data.items()}


def entry(kind: str, name: str) -> Entry:
    """One entry of the catalogue.

    Examples
    --------
    >>> entry("chips", "H800-SXM-80").item.title
    'NVIDIA H800 SXM 80 GB'
    """
    entries = table(kind)
    if name not in entries:
        raise InputError(
            f"no '{name}' among the {kind}{nearest(name, entries)}; known: {', '.join(entries)}"
        )
    return entries[name]


@cache
def sources() -> dict[str, dict[str, str]]:
    """Where the facts come from: title, address and licence by key."""
    return documents.read(FOLDER / "sources.yaml").data


def _entry(document: documents.Document, kind: str, name: str, body: Any) -> Entry:
    def where(*path: str | int) -> str:
        return document.where((name, "values", *path))

    if (
        not isinstance(body, dict)
        or set(body) - ENTRY_KEYS
        or not isinstance(body.get("values"), dict)
    ):
        raise InputError(
            f"{document.where((name,))}: {kind}.{name}: expected source, status, note and a mapping of values"
        )
    facts: list[Fact] = []
    try:
        values = _values(body["values"], f"{kind}.{name}", body, facts)
    except ValueError as error:
        raise InputError(f"{document.where((name,))}: {error}") from None
    for fact in facts:
        place = where(*fact.path.split(".")[2:])
        if fact.status not in STATUSES:
            raise InputError(
                f"{place}: {fact.path} has status '{fact.status}'; allowed: {', '.join(STATUSES)}"
            )
        if fact.source not in sources():
            hint = nearest(fact.source, sources())
            raise InputError(f"{place}: {fact.path} has the unknown source '{fact.source}'{hint}")
    if "name" in KINDS[kind].model_fields:
        values = {"name": name} | values
    try:
        item = KINDS[kind].model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(
            map(str, (kind, name, *first["loc"], *filter(None, [first.get("ctx", {}).get("key")])))
        )
        raise InputError(
            f"{where(*first['loc'])}: {path}: {first['msg'].removeprefix('Value error, ')}"
        ) from None
    return Entry(kind, name, item, values, tuple(facts))


def _values(value: Any, path: str, default: dict[str, Any], facts: list[Fact]) -> Any:
    """Strip the provenance off `value`, noting it in `facts`; what remains is what a scenario could
    say inline.
    """
    if isinstance(value, dict) and "value" in value:
        ends = value.get("range")
        if unknown := set(value) - FACT_KEYS:
            raise ValueError(
                f"{path}: {', '.join(sorted(unknown))} unknown; allowed: {', '.join(sorted(FACT_KEYS))}"
            )
        if ends is not None and not (isinstance(ends, list) and len(ends) == 2):
            raise ValueError(f"{path}: a range is [low, high]")
        source, status = (str(value.get(key, default.get(key))) for key in ("source", "status"))
        facts.append(
            Fact(
                path,
                value["value"],
                source,
                status,
                tuple(ends) if ends else None,
                value.get("note", ""),
            )
        )
        kind, entry_name = path.split(".")[:2]
        shared = value.get("shared", "")
        name = (
            f"{kind}.{shared}"
            if "." in shared
            else f"{kind}.{entry_name}.{shared}"
            if shared
            else path
        )
        if ends:
            return {"uncertain": [ends[0], value["value"], ends[1]], "name": name}
        stated = value["value"]
        return (
            {"name": name} | stated
            if isinstance(stated, dict) and "uncertain" in stated
            else stated
        )
    if isinstance(value, dict) and not is_value(value):
        return {key: _values(part, f"{path}.{key}", default, facts) for key, part in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [
            _values(p, f"{path}.{p.get('cause', k)}", default, facts) for k, p in enumerate(value)
        ]
    facts.append(Fact(path, value, str(default.get("source")), str(default.get("status"))))
    return value
