"""From YAML, names and overrides to plain data."""

import datetime as dt
import os
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sim import documents, files
from sim.documents import Document, KeyPath
from sim.errors import InputError, in_file
from sim.quantities.notation import is_value
from sim.scenario.paths import absolute
from sim.scenario.priors import filled

FOLDER = Path(__file__).parents[1] / "scenarios"
KEEPS_NULL = {"like", "changes"}
"""Keys beside or below which null is kept: it takes a key away from what is looked up later."""


@dataclass(frozen=True)
class Source:
    """Merged data of a scenario, and where it comes from."""

    data: dict[str, Any]
    documents: tuple[Document, ...]
    """What it was merged from, nearest first."""
    overrides: tuple[tuple[str, Any], ...] = ()
    """What was set by path after that, the last on top."""
    layers: tuple[str, ...] = ()
    """Worlds that were put on it, the last on top."""

    def override_of(self, path: KeyPath) -> str | None:
        """The path of the last override that leads to `path` or below."""
        names = [str(step) for step in path]
        for key, _ in reversed(self.overrides):
            if names and all(a == b for a, b in zip(names, key.split("."), strict=False)):
                return key
        return None

    def document_of(self, path: KeyPath) -> Document:
        """The nearest document that has as much of `path` as any."""
        return max(self.documents, key=lambda document: _depth(document, path))

    def stated_at(self, path: KeyPath) -> KeyPath:
        """Where documents say what stands at `path`: in the last world that does, or there."""
        for name in reversed(self.layers):
            inside = ("worlds", name, "changes", *path)
            if self.states(inside):
                return inside
        return path

    def states(self, path: KeyPath) -> bool:
        """Whether a document itself has `path`."""
        return _depth(self.document_of(path), path) == len(path)

    def error(self, path: KeyPath, told: str, **known: Any) -> InputError:
        """The error of what stands at `path`: set by an override, or on a line of a file."""
        override = self.override_of(path)
        # Not by which option or function: all of them say the same.
        if override is not None:
            return InputError(f"setting {override}: {told}", **known)
        stated = self.stated_at(path)
        return self.document_of(stated).error(stated, told, **{"key": None} | known)


def merge(base: Any, change: Any, *, keep_null: bool = False) -> Any:
    """Merge plain data.

    Mappings merge by key, null removes a key, and anything else replaces; a distribution is
    replaced as a whole.

    Parameters
    ----------
    base, change : plain data
        Neither is changed.
    keep_null : bool
        Whether null stays. It does so beside a ``like`` or in the ``changes`` of a world, where it
        removes a key of something that is looked up later.

    Examples
    --------
    >>> merge({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 5}, "d": None})
    {'a': {'b': 5, 'c': 2}}
    """
    if not isinstance(change, dict) or is_value(change):
        return change
    if not isinstance(base, dict) or is_value(base):
        base = {}
    keep_null = keep_null or not KEEPS_NULL.isdisjoint({*base, *change})
    merged = dict(base)
    for key, value in change.items():
        merged[key] = merge(base.get(key), value, keep_null=keep_null)
    return {key: value for key, value in merged.items() if keep_null or value is not None}


def names() -> list[str]:
    """The scenarios that come with the project."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def find(name: str, folder: Path = Path()) -> Path:
    """The file of a scenario.

    Parameters
    ----------
    name : str
        Its name or its path.
    folder : Path
        What a path is relative to.

    Raises
    ------
    InputError
        When it is neither.
    """
    known = names()
    if name in known:
        return FOLDER / f"{name}.yaml"
    path = folder / name
    looks_like_one = name.endswith((".yaml", ".yml")) or "/" in name
    if looks_like_one or (name and os.path.exists(path)):
        return path
    more = "; or give a file's path"
    raise InputError.no_such(f"no scenario '{name:.80}'", name, known, more, listed="known")


def located(name: str) -> str:
    """A scenario's name as it is, its path made absolute: the same from every folder.

    Raises
    ------
    InputError
        When it is neither a name nor the path of a file.
    """
    path = find(name)
    if path.parent == FOLDER:
        return name
    if problem := files.unusable(path):
        raise in_file(name, problem)
    return os.path.abspath(path)


def read(scenario: str | Path | Mapping[str, Any]) -> Source:
    """Read a scenario by name, path or mapping, and merge what it is like.

    Raises
    ------
    InputError
        When it cannot be read, is no mapping, or is like itself.
    """
    if isinstance(scenario, Mapping):
        return _merged(Document("scenario", dict(scenario), {}), Path(), ())
    path = find(str(scenario))
    return _merged(documents.read(path), path.parent, (path.resolve(),))


def _merged(document: Document, folder: Path, seen: tuple[Path, ...]) -> Source:
    if not isinstance(document.data, dict):
        problem = "a scenario is a mapping of keys to values"
        raise in_file(document.name, problem, given=document.data)
    data = {str(key): value for key, value in document.data.items()}
    data = absolute(filled(data, document), folder)
    like = data.pop("like", None)
    if like is None:
        return Source(merge({}, data), (document,))
    if not isinstance(like, str):
        allowed = "the name or path of a scenario"
        raise document.error(("like",), f"like takes {allowed}", given=like, allowed=allowed)
    try:
        path = find(like, folder)
        if path.resolve() in seen:
            raise InputError(f"'{like}' is like itself, directly or by way of others")
        source = _merged(documents.read(path), path.parent, (*seen, path.resolve()))
    except InputError as error:
        wrong = f"like: {error}"
        raise document.error(("like",), wrong, given=like, allowed=error.allowed) from None
    # What is like another is not the other.
    own = {"name", "title", "status"}
    inherited = {key: value for key, value in source.data.items() if key not in own}
    return Source(merge(inherited, data), (document, *source.documents))


def override(
    source: Source, changes: Mapping[str, Any], names: Container[str] = ()
) -> Source:
    """A source with values set by dotted path, or by one of the names of unknown constants.

    A name of the catalogue on the way is opened, so that its keys can be set; positions of a list
    count from 0.

    Raises
    ------
    InputError
        When a path leads through something that has no keys.
    """
    data = source.data
    for key, value in changes.items():
        if key in names:
            data = merge(data, {"known": {key: value}})
            continue
        steps = key.split(".")
        if not all(steps):
            raise InputError(f"{key}: expected names joined by single dots", key=key)
        given = filled(value, Document(f"setting {key}", value, {}))
        data = _set(data, steps, absolute(given, Path(), tuple(steps)), key)
    return replace(source, data=data, overrides=(*source.overrides, *changes.items()))


def _set(
    data: Any, steps: list[str], value: Any, key: str, *, keep_null: bool = False
) -> Any:
    if not steps:
        return value
    step, *rest = steps
    if isinstance(data, list):
        last = len(data) - 1
        if not step.isdigit() or int(step) > last:
            problem = f"'{step}' is not one of the {len(data)} positions 0 … {last}"
            raise InputError(f"setting {key}: {problem}", key=key, given=step)
        position = int(step)
        changed = list(data)
        changed[position] = _set(data[position], rest, value, key)
        return changed
    if data is None or data == "auto":
        data = {}
    if isinstance(data, str) and (data[:1].isalpha() or data.startswith(os.sep)):
        data = {"like": data}
    if not isinstance(data, dict):
        raise InputError(
            f"setting {key}: there are no keys below {written(data)}", key=key, given=data
        )
    keep_null = keep_null or not KEEPS_NULL.isdisjoint(data)
    if value is None and not rest and not keep_null:
        return {name: part for name, part in data.items() if name != step}
    part = _set(data.get(step), rest, value, key, keep_null=keep_null)
    return {**data, step: part}


def written(value: Any) -> str:
    """A value as YAML writes it, cut short."""
    words = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    text = str(value) if isinstance(value, dt.date) else repr(value)
    return text if len(text) <= 80 else text[:80] + "…"


def _depth(document: Document, path: KeyPath) -> int:
    """How much of `path` the document itself has."""
    data = document.data
    for depth, step in enumerate(path):
        below = children(data)
        if step not in below:
            return depth
        data = below[step]
    return len(path)


def children(data: Any) -> dict[Any, Any]:
    """What lies directly below plain data, by key or by position."""
    if isinstance(data, dict):
        return data
    return dict(enumerate(data)) if isinstance(data, list) else {}
