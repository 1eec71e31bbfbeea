"""From YAML, names and overrides to plain data, and from validation errors to sentences a user can act on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sim import documents
from sim.documents import Document, Path_, merge
from sim.errors import InputError, nearest

FOLDER = Path(__file__).parents[1] / "scenarios"
MOST_SHOWN = 5


@dataclass(frozen=True)
class Source:
    """Merged data of a scenario, the documents it was merged from (nearest first) and the overrides on top."""

    data: dict[str, Any]
    documents: tuple[Document, ...]
    overrides: tuple[tuple[str, Any], ...] = ()

    def where(self, path: Path_) -> str:
        """The override, or the file and line, that says what stands at `path`."""
        for key, _ in reversed(self.overrides):
            steps = tuple(key.split("."))
            if tuple(map(str, path))[: len(steps)] == steps:
                return f"--set {key}"
        best = max(self.documents, key=lambda document: _depth(document, path))
        return best.where(path)


def names() -> list[str]:
    """The scenarios that come with the project."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def find(name: str) -> Path:
    """The file of a scenario given by name or path."""
    if name in names():
        return FOLDER / f"{name}.yaml"
    if name.endswith((".yaml", ".yml")) or "/" in name or Path(name).exists():
        return Path(name)
    raise InputError(
        f"no scenario '{name}'{nearest(name, names())}; known: {', '.join(names())}; or give a file's path"
    )


def read(name: str | Path | Mapping[str, Any]) -> Source:
    """Read a scenario by name, path or mapping, and merge what it is like.

    Raises
    ------
    InputError
        When it cannot be read, is no mapping, or is like itself.
    """
    if isinstance(name, Mapping):
        return _merged(Document("scenario", dict(name), {}), ())
    return _merged(documents.read(find(str(name))), ())


def _merged(document: Document, seen: tuple[str, ...]) -> Source:
    if not isinstance(document.data, dict):
        raise InputError(f"{document.name}: a scenario is a mapping of keys to values")
    data = {str(key): value for key, value in document.data.items()}
    base = data.pop("like", None)
    if base is None:
        return Source(data, (document,))
    if not isinstance(base, str):
        raise InputError(f"{document.where(('like',))}: like takes the name or path of a scenario")
    if base in seen:
        raise InputError(f"{document.where(('like',))}: '{base}' is like itself")
    try:
        source = _merged(documents.read(find(base)), (*seen, base))
    except InputError as error:
        raise InputError(f"{document.where(('like',))}: {error}") from None
    return Source(merge(source.data, data), (document, *source.documents))


def override(source: Source, changes: Mapping[str, Any]) -> Source:
    """`source` with values set by dotted path; a catalogue name on the way is opened, so its keys can be set too.

    Raises
    ------
    InputError
        When a path leads through something that has no keys.
    """
    data = source.data
    for key, value in changes.items():
        data = _set(data, key.split("."), value, f"--set {key}")
    return Source(data, source.documents, (*source.overrides, *changes.items()))


def _set(data: Any, steps: list[str], value: Any, where: str) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(data, list):
        if not step.isdigit() or int(step) >= len(data):
            raise InputError(f"{where}: '{step}' is not one of the {len(data)} positions 0 … {len(data) - 1}")
        return [_set(part, rest, value, where) if k == int(step) else part for k, part in enumerate(data)]
    if data is None:
        data = {}
    if isinstance(data, str) and data != "auto":
        data = {"like": data}
    if not isinstance(data, dict):
        raise InputError(f"{where}: there are no keys below '{data}'")
    if value is None and not rest:
        return {key: part for key, part in data.items() if key != step}
    return {**data, step: _set(data.get(step), rest, value, where)}


def explain(error: ValidationError, source: Source) -> InputError:
    """One line for each thing wrong: where it stands, the key, what was given, and what is allowed."""
    lines = []
    for problem in error.errors():
        path = tuple(part for part in problem["loc"] if part in _steps(source.data, problem["loc"]))
        message = problem["msg"].removeprefix("Value error, ")
        context = problem.get("ctx", {})
        if problem["type"] == "unknown_key":
            path = (*path, str(context["key"]))
        key = ".".join(map(str, path)) or "the scenario"
        if problem["type"] == "missing":
            lines.append(f"{source.where(path[:-1])}: {'.'.join(map(str, problem['loc']))} is missing")
        elif problem["type"] == "unknown_key":
            lines.append(f"{source.where(path)}: {key} {message}")
        else:
            given = problem["input"]
            shown = f" = {given!r}" if isinstance(given, (str, int, float, bool, list)) else ""
            lines.append(f"{source.where(path)}: {key}{shown:.120}: {message}")
    unique = list(dict.fromkeys(lines))
    more = [f"… and {len(unique) - MOST_SHOWN} more"] if len(unique) > MOST_SHOWN else []
    return InputError("\n".join(unique[:MOST_SHOWN] + more))


def _steps(data: Any, path: tuple[int | str, ...]) -> list[int | str]:
    """The parts of `path` that are keys of the data; the rest are names pydantic gives to branches of a union."""
    steps: list[int | str] = []
    for step in path:
        if isinstance(data, dict) and step in data:
            steps.append(step)
            data = data[step]
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            steps.append(step)
            data = data[step]
        elif isinstance(data, (dict, str)) and step == path[-1]:
            steps.append(step)
    return steps


def _depth(document: Document, path: Path_) -> int:
    return max((k for k in range(len(path) + 1) if path[:k] in document.lines), default=-1)
