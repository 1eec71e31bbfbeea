"""Facts as data: every value with its unit, source, status and, where known, range.

A table is a YAML file of named entries. An entry gives its values either plainly, then covered by
the entry's own `source` and `status`, or as ``{value, range, source, status, note}``. A value with
a range is an unknown constant: triangular from the low to the high end with the value as its mode.
Values of an entry that are one and the same unknown say so by the same word under ``shared``, those
of several entries by ``shared: NAME.WORD``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sim import documents
from sim.catalogue.kinds import KINDS
from sim.catalogue.strict import refusal
from sim.documents import Document, KeyPath, Lazy, Pieces, dotted
from sim.errors import InputError, in_file, nearest
from sim.quantities.notation import COUNT, is_value

FOLDER = Path(__file__).parent
STATUSES = ("measured", "reported", "derived", "fitted", "assumption")
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


def table(kind: str, own: str | None = None) -> Mapping[str, Entry]:
    """Every entry of one table by name.

    Parameters
    ----------
    kind : str
    own : str, optional
        A folder with tables of the user's own, written as those of the catalogue are; it may have
        a `sources.yaml`.

    Raises
    ------
    InputError
        When there is no such table, or one of the user's own has the name of one that is there;
        and, once an entry is asked for that lacks a source, a status or a needed value.
    """
    entries = _table(kind, FOLDER)
    if own is None:
        return entries
    path = Path(own) / f"{kind}.yaml"
    if not path.exists():
        return entries
    mine = _table(kind, path.parent, path.stat().st_mtime_ns)
    for name in mine.keys() & entries.keys():
        raise InputError(f"{path}: the catalogue has a '{name}'; choose another name")
    return {**entries, **mine}


@cache
def _table(kind: str, folder: Path, _changed: int = 0) -> Lazy[Entry]:
    if kind not in KINDS:
        problem = f"the catalogue has no table '{kind}'"
        raise InputError.no_such(problem, kind, KINDS, listed="allowed")
    path = folder / f"{kind}.yaml"
    if folder == FOLDER:
        pieces = Pieces(path)
        return Lazy(pieces, lambda name: _read(pieces.document(name), kind, name, sources()))
    whole = documents.read(path)
    if not isinstance(whole.data, dict):
        raise in_file(whole.name, "a table is a mapping of names to entries")
    return Lazy(whole.data, lambda name: _read(whole, kind, name, sources(folder)))


def _read(document: Document, kind: str, name: str, known: Mapping[str, Any]) -> Entry:
    return _Reader(document, (kind, name), document.data[name], known).entry()


def entry(kind: str, name: str, own: str | None = None) -> Entry:
    """One entry of the catalogue, or of a folder of the user's own.

    Raises
    ------
    InputError
        When there is no such table or no such entry.

    Examples
    --------
    >>> entry("chips", "H800-SXM-80").item.title
    'NVIDIA H800 SXM 80 GB'
    """
    entries = table(kind, own)
    if name not in entries:
        problem = f"no '{name}' among the {kind}"
        raise InputError.no_such(problem, name, entries, listed="known")
    return entries[name]


def sources(own: Path | None = None) -> Mapping[str, dict[str, str]]:
    """Where facts come from: title, address and licence by key, those of a folder of the user's own
    included.

    Raises
    ------
    InputError
        When the user's file cannot be used.
    """
    known = _known_sources()
    if own is None or not (own / "sources.yaml").exists():
        return known
    # Read each time, as it may be mended in the course of a session.
    listed = documents.read(own / "sources.yaml")
    if not isinstance(listed.data, dict):
        raise in_file(listed.name, "sources are a mapping of keys to title, url and licence")
    return {**known, **listed.data}


@cache
def _known_sources() -> Mapping[str, dict[str, str]]:
    return Pieces(FOLDER / "sources.yaml")


@dataclass(frozen=True)
class _Reader:
    """Reads one entry of a table: strips the provenance off its values, and notes it as facts."""

    document: Document
    path: tuple[str, str]
    """Table and name; all paths below begin with them."""
    body: Any
    sources: Mapping[str, Any]
    facts: list[Fact] = field(default_factory=list)

    def entry(self) -> Entry:
        """The entry, made and checked."""
        kind, name = self.path
        stated = self.body.get("values") if isinstance(self.body, dict) else None
        if not isinstance(stated, dict) or set(self.body) - ENTRY_KEYS:
            allowed = "source, status, note and a mapping of values"
            raise self._error(self.path, f": expected {allowed}", self.body, allowed)
        values = self._stripped(stated, self.path)
        if "name" in KINDS[kind].model_fields:
            values = {"name": name} | values
        try:
            item = KINDS[kind].model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            wrong = refusal(first)
            below = (wrong.key,) if wrong.key else ()
            path = (*self.path, *first["loc"], *below)
            raise self._error(path, f": {wrong}", wrong.given, wrong.allowed) from None
        return Entry(kind, name, item, values, tuple(self.facts))

    def _stripped(self, value: Any, path: KeyPath) -> Any:
        """A value without its provenance: what a scenario could say inline."""
        match value:
            case {"value": _}:
                return self._stated(value, path)
            case dict() if not is_value(value):
                return {
                    key: self._stripped(part, (*path, key)) for key, part in value.items()
                }
            case [dict(), *_]:
                # A cause of failure goes by its name: its place changes when one is added.
                labels = [part.get("cause", k) for k, part in enumerate(value)]
                pairs = zip(labels, value, strict=True)
                return [self._stripped(part, (*path, label)) for label, part in pairs]
        self._note(path, value, {})
        return value

    def _stated(self, body: dict[str, Any], path: KeyPath) -> Any:
        """The value of ``{value, range, source, status, note, shared}``."""
        unknown = ", ".join(sorted(set(body) - FACT_KEYS))
        if unknown:
            allowed = tuple(sorted(FACT_KEYS))
            problem = f": {unknown} unknown; allowed: {', '.join(allowed)}"
            raise self._error(path, problem, unknown, allowed)
        ends = body.get("range")
        if ends is not None and not (isinstance(ends, list) and len(ends) == 2):
            raise self._error(path, ": a range is [low, high]", ends, "[low, high]")
        value = body["value"]
        self._note(path, value, body)
        name = dotted(path)
        shared = body.get("shared")
        if shared:
            # With a dot the word names an owner as well, which may be no entry: a chip's die.
            owner = self.path[:1] if "." in shared else self.path
            name = dotted((*owner, shared))
        if ends:
            return {"uncertain": [ends[0], value, ends[1]], "name": name}
        if isinstance(value, dict) and ("uncertain" in value or value.keys() >= COUNT):
            return {"name": name} | value
        return value

    def _note(self, path: KeyPath, value: Any, own: dict[str, Any]) -> None:
        """Note a fact, whose provenance is the entry's where it has none of its own."""
        stated = self.body | own
        source = str(stated.get("source"))
        status = str(stated.get("status"))
        if status not in STATUSES:
            problem = f" has status '{status}'; allowed: {', '.join(STATUSES)}"
            raise self._error(path, problem, status, STATUSES)
        if source not in self.sources:
            hint = f"{nearest(source, self.sources)}; sources.yaml lists them"
            problem = f" has the unknown source '{source}'{hint}"
            raise self._error(path, problem, source, tuple(self.sources))
        ends = tuple(own["range"]) if own.get("range") else None
        note = own.get("note", "")
        self.facts.append(Fact(dotted(path), value, source, status, ends, note))

    def _error(self, path: KeyPath, problem: str, given: Any, allowed: Any) -> InputError:
        """An error about a key, whose name the problem continues."""
        key = dotted(path)
        _, name, *rest = path
        place = (name, "values", *rest)
        return self.document.error(
            place, key + problem, key=key, given=given, allowed=allowed
        )
