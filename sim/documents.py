"""YAML documents that know on which line each key stands."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from sim.errors import InputError

Path_ = tuple[str | int, ...]

LARGEST = 2_000_000
DEEPEST = 40


@dataclass(frozen=True)
class Document:
    """What a YAML file says, and the line of each of its keys by path."""

    name: str
    data: Any
    lines: dict[Path_, int]

    def where(self, path: Path_) -> str:
        """``file, line N`` of the deepest key on `path` that the document has."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return f"{self.name}, line {self.lines[path[:end]]}"
        return self.name


def read(path: Path | str) -> Document:
    """Read a YAML 1.2 file with the safe loader.

    Raises
    ------
    InputError
        When the file is missing, empty, binary, not YAML, repeats a key or carries a tag that would build an object.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder, not a file")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if len(raw) > LARGEST:
        raise InputError(f"{path}: is larger than {LARGEST:,} bytes, too large for a scenario")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not a text file (UTF-8 expected)") from None
    return parse(text, str(path))


def parse(text: str, name: str) -> Document:
    """Like `read`, of text that came from `name`."""
    loader = YAML(typ="safe", pure=True)
    try:
        node = loader.compose(text)
        if node is None:
            raise InputError(f"{name}: is empty")
        lines: dict[Path_, int] = {}
        _index(node, (), lines, name)
        return Document(name, loader.load(text), lines)
    except DuplicateKeyError as error:
        raise InputError(f"{name}, line {_line(error)}: the key is there twice ({_first(error.problem)})") from None
    except ConstructorError as error:
        raise InputError(f"{name}, line {_line(error)}: a tag is not allowed ({_first(error.problem)})") from None
    except MarkedYAMLError as error:
        raise InputError(f"{name}, line {_line(error)}: is not YAML ({_first(error.problem)})") from None
    except (YAMLError, ValueError) as error:
        raise InputError(f"{name}: is not YAML ({_first(str(error))})") from None


def merge(base: Any, change: Any) -> Any:
    """Mappings merge by key, null removes a key, anything else replaces.

    Examples
    --------
    >>> merge({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 5}, "d": None})
    {'a': {'b': 5, 'c': 2}}
    """
    if not (isinstance(base, dict) and isinstance(change, dict)):
        return change
    kept = {key: value for key, value in base.items() if not (key in change and change[key] is None)}
    return kept | {key: merge(base.get(key), value) for key, value in change.items() if value is not None}


def write(path: Path, text: str) -> None:
    """Write a file in one piece: it is there whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8", newline="\n") as draft:
            draft.write(text)
        os.chmod(draft.name, 0o644)
        os.replace(draft.name, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None


def _index(node: Node, path: Path_, lines: dict[Path_, int], name: str) -> None:
    if len(path) > DEEPEST:
        raise InputError(f"{name}: is nested more than {DEEPEST} levels deep")
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            lines[inner] = key.start_mark.line + 1
            _index(value, inner, lines, name)
    elif isinstance(node, SequenceNode):
        for position, value in enumerate(node.value):
            _index(value, (*path, position), lines, name)


def _line(error: MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return mark.line + 1 if mark else 1


def _first(text: str | None) -> str:
    return (text or "").strip().splitlines()[0] if text else "unreadable"
