"""From YAML, names and overrides to plain data, and from validation errors to sentences a user can
act on.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sim import documents
from sim.documents import Document, Path_
from sim.errors import InputError, nearest
from sim.quantities.notation import is_value

FOLDER = Path(__file__).parents[1] / "scenarios"
MOST_SHOWN = 5

PLAINLY = {
    "model_type": "expected a mapping of keys to values",
    "dict_type": "expected a mapping of keys to values",
    "tuple_type": "expected a list",
    "string_type": "expected text; put it in quotes",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
}


@dataclass(frozen=True)
class Source:
    """Merged data of a scenario, the documents it was merged from (nearest first) and the overrides
    on top.
    """

    data: dict[str, Any]
    documents: tuple[Document, ...]
    overrides: tuple[tuple[str, Any], ...] = ()

    def where(self, path: Path_) -> str:
        """The override, or the file and line, that says what stands at `path`."""
        for key, _ in reversed(self.overrides):
            if path and all(a == b for a, b in zip(map(str, path), key.split("."), strict=False)):
                return f"--set {key}"
        best = max(self.documents, key=lambda document: _depth(document, path))
        return best.where(path)


def merge(base: Any, change: Any, *, keep_null: bool = False) -> Any:
    """Mappings merge by key, null removes a key, anything else replaces; a distribution is replaced
    as a whole.

    Below a ``like`` null stays (`keep_null`): it removes a key of something that is looked up
    later.

    Examples
    --------
    >>> merge({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 5}, "d": None})
    {'a': {'b': 5, 'c': 2}}
    """
    if not isinstance(change, dict) or is_value(change):
        return change
    base = base if isinstance(base, dict) and not is_value(base) else {}
    keep_null = keep_null or "like" in base or "like" in change
    merged = base | {
        key: merge(base.get(key), value, keep_null=keep_null) for key, value in change.items()
    }
    return {key: value for key, value in merged.items() if keep_null or value is not None}


def names() -> list[str]:
    """The scenarios that come with the project."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def find(name: str, beside: Path = Path()) -> Path:
    """The file of a scenario given by name or by path, as seen from the folder `beside`."""
    if name in names():
        return FOLDER / f"{name}.yaml"
    path = beside / name
    if name.endswith((".yaml", ".yml")) or "/" in name or (name and os.path.exists(path)):
        return path
    raise InputError(
        f"no scenario '{name:.80}'{nearest(name, names())}; known: {', '.join(names())}; or give a file's path"
    )


def read(name: str | Path | Mapping[str, Any]) -> Source:
    """Read a scenario by name, path or mapping, and merge what it is like.

    Raises
    ------
    InputError
        When it cannot be read, is no mapping, or is like itself.
    """
    if isinstance(name, Mapping):
        return _merged(Document("scenario", dict(name), {}), Path(), ())
    path = find(str(name))
    return _merged(documents.read(path), path.parent, (path.resolve(),))


def _merged(document: Document, folder: Path, seen: tuple[Path, ...]) -> Source:
    if not isinstance(document.data, dict):
        raise InputError(f"{document.name}: a scenario is a mapping of keys to values")
    data = {str(key): value for key, value in document.data.items()}
    base = data.pop("like", None)
    if base is None:
        return Source(merge({}, data), (document,))
    if not isinstance(base, str):
        raise InputError(f"{document.where(('like',))}: like takes the name or path of a scenario")
    try:
        path = find(base, folder)
        if path.resolve() in seen:
            raise InputError(f"'{base}' is like itself, directly or by way of others")
        source = _merged(documents.read(path), path.parent, (*seen, path.resolve()))
    except InputError as error:
        raise InputError(f"{document.where(('like',))}: like: {error}") from None
    own = {"name", "title", "status"}  # what is like another is not the other
    data = merge({key: value for key, value in source.data.items() if key not in own}, data)
    return Source(data, (document, *source.documents))


def override(source: Source, changes: Mapping[str, Any]) -> Source:
    """`source` with values set by dotted path; a catalogue name on the way is opened, so its keys
    can be set too.

    Raises
    ------
    InputError
        When a path leads through something that has no keys.
    """
    data = source.data
    for key, value in changes.items():
        if not all(key.split(".")):
            raise InputError(f"--set {key}: expected names joined by single dots")
        data = _set(data, key.split("."), value, f"--set {key}")
    return Source(data, source.documents, (*source.overrides, *changes.items()))


def _set(data: Any, steps: list[str], value: Any, where: str, *, keep_null: bool = False) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(data, list):
        if not step.isdigit() or int(step) >= len(data):
            raise InputError(
                f"{where}: '{step}' is not one of the {len(data)} positions 0 … {len(data) - 1}"
            )
        return [
            _set(part, rest, value, where) if k == int(step) else part
            for k, part in enumerate(data)
        ]
    if data is None or data == "auto":
        data = {}
    if isinstance(data, str) and data[:1].isalpha():
        data = {"like": data}
    if not isinstance(data, dict):
        raise InputError(f"{where}: there are no keys below {_shown(data)}")
    keep_null = keep_null or "like" in data
    if value is None and not rest and not keep_null:
        return {key: part for key, part in data.items() if key != step}
    return {**data, step: _set(data.get(step), rest, value, where, keep_null=keep_null)}


def explain(error: ValidationError, source: Source) -> InputError:
    """One line for each thing wrong: where it stands, the key, what was given, and what is allowed."""
    unique = list(dict.fromkeys(_line(problem, source) for problem in error.errors()))
    more = [f"… and {len(unique) - MOST_SHOWN} more"] if len(unique) > MOST_SHOWN else []
    return InputError("\n".join(unique[:MOST_SHOWN] + more))


def _line(problem: ErrorDetails, source: Source) -> str:
    kind, given, context = problem["type"], problem["input"], problem.get("ctx", {})
    path = tuple(_steps(source.data, problem["loc"]))
    if kind == "missing":
        name = ".".join(map(str, path))
        spot = path if _stated(path[:-1], source) else path[:-1]
        return f"{source.where(spot)}: {name} is missing{_misspelt(path[:-1], source)}"
    message = sentence(problem)
    if "key" in context:
        path = (*path, *str(context["key"]).split("."))
    name = ".".join(map(str, path)) or "the scenario"
    where = source.where(path)
    place = "--set " if where == f"--set {name}" else f"{where}: "
    if kind == "unknown_key":
        return f"{place}{name} {problem['msg']}"
    told = "key" in context or isinstance(given, (dict, BaseModel)) or f"'{given}'" in message
    told = told or message.startswith("'")
    return f"{place}{name}{'' if told else ' = ' + _shown(given)}: {message}"


def sentence(problem: ErrorDetails) -> str:
    """What is allowed instead, in the words of this project where pydantic's are about its own
    types.
    """
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "literal_error":
        options = re.findall("'([^']*)'", context["expected"])
        return f"expected {context['expected']}{nearest(str(problem['input']), options)}"
    if kind == "greater_than_equal":
        return f"must be at least {context['ge']}"
    if kind.startswith("date"):
        return "expected a date like 2024-06-01"
    return PLAINLY.get(kind, problem["msg"].removeprefix("Value error, "))


def _misspelt(path: Path_, source: Source) -> str:
    """A hint when `path` exists by an override alone and comes close to a name beside it."""
    if _stated(path, source):
        return ""
    siblings: Any = source.data
    for step in path[:-1]:
        siblings = siblings[step]
    return nearest(str(path[-1]), [str(key) for key in siblings if key != path[-1]])


def _stated(path: Path_, source: Source) -> bool:
    """Whether a document itself has `path`."""
    return not path or any(_depth(document, path) == len(path) for document in source.documents)


def _shown(value: Any) -> str:
    """A value as YAML writes it, cut short."""
    words = {None: "null", True: "true", False: "false"}
    text = words[value] if value is None or isinstance(value, bool) else repr(value)
    if isinstance(value, dt.date):
        text = str(value)
    return text if len(text) <= 80 else text[:80] + "…"


def _steps(data: Any, path: tuple[int | str, ...]) -> list[int | str]:
    """The parts of `path` that are keys of the data; the rest are names pydantic gives to branches
    of a union.
    """
    steps: list[int | str] = []
    for step in path:
        if step in _children(data):
            steps.append(step)
            data = _children(data)[step]
        elif isinstance(data, (dict, str)) and step == path[-1] != "[key]":
            steps.append(step)
    return steps


def _depth(document: Document, path: Path_) -> int:
    """How much of `path` the document itself has."""
    data = document.data
    for depth, step in enumerate(path):
        if step not in _children(data):
            return depth
        data = _children(data)[step]
    return len(path)


def _children(data: Any) -> dict[Any, Any]:
    return (
        data if isinstance(data, dict) else dict(enumerate(data)) if isinstance(data, list) else {}
    )
