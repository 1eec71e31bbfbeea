"""Facts as data: every value with its unit, source, status and, where known, range.

A table is a YAML file of named entries. An entry gives its values either plainly, then covered by the entry's own
`source` and `status`, or as ``{value, range, source, status, note}``. A value with a range is an unknown constant:
triangular from the low to the high end with the value as its mode. Values of an entry that are one and the same unknown
say so by the same word under ``shared``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sim import documents
from sim.catalogue.kinds import KINDS, Strict
from sim.errors import InputError, nearest

FOLDER = Path(__file__).parent
STATUSES = ("measured", "reported", "derived", "assumption")
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
    item: Strict
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
        raise InputError(f"the catalogue has no table '{kind}'{nearest(kind, KINDS)}; allowed: {', '.join(KINDS)}")
    document = documents.read(FOLDER / f"{kind}.yaml")
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
        raise InputError(f"no '{name}' among the {kind}{nearest(name, entries)}; known: {', '.join(entries)}")
    return entries[name]


@cache
def sources() -> dict[str, dict[str, str]]:
    """Where the facts come from: title, address and licence by key."""
    return documents.read(FOLDER / "sources.yaml").data


def _entry(document: documents.Document, kind: str, name: str, body: Any) -> Entry:
    where = document.where((name,))
    if not isinstance(body, dict) or set(body) - {"source", "status", "note", "values"} or "values" not in body:
        raise InputError(f"{where}: an entry has source, status, note and values")
    facts: list[Fact] = []
    values = _values(body["values"], f"{kind}.{name}", body, facts)
    for fact in facts:
        if fact.status not in STATUSES:
            raise InputError(f"{where}: {fact.path} has status '{fact.status}'; allowed: {', '.join(STATUSES)}")
        if fact.source not in sources():
            raise InputError(f"{where}: {fact.path} has the unknown source '{fact.source}'")
    if "name" in KINDS[kind].model_fields:
        values = {"name": name} | values
    try:
        item = KINDS[kind].model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return Entry(kind, name, item, values, tuple(facts))


def _values(value: Any, path: str, default: dict[str, Any], facts: list[Fact]) -> Any:
    """Strip the provenance off `value`, noting it in `facts`; what remains is what a scenario could say inline."""
    if isinstance(value, dict) and "value" in value and not set(value) - FACT_KEYS:
        ends = value.get("range")
        facts.append(
            Fact(
                path,
                value["value"],
                str(value.get("source", default.get("source"))),
                str(value.get("status", default.get("status"))),
                (ends[0], ends[1]) if ends else None,
                value.get("note", ""),
            )
        )
        if not ends:
            return value["value"]
        name = ".".join([*path.split(".")[:2], value["shared"]]) if "shared" in value else path
        return {"uncertain": [ends[0], value["value"], ends[1]], "name": name}
    if isinstance(value, dict) and not _is_distribution(value):
        return {key: _values(part, f"{path}.{key}", default, facts) for key, part in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [_values(p, f"{path}.{p.get('cause', k)}", default, facts) for k, p in enumerate(value)]
    facts.append(Fact(path, value, str(default.get("source")), str(default.get("status"))))
    return value


def _is_distribution(value: dict[str, Any]) -> bool:
    from sim.distributions import READERS

    return len(value) == 1 and next(iter(value)) in READERS
