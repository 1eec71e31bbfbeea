"""YAML documents that know on which line each key stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from sim.errors import InputError

Path_ = tuple[str | int, ...]

LARGEST = 500_000
DEEPEST = 40
MOST_NODES = 100_000
TAG = "tag:yaml.org,2002:"
PLAIN = ("map", "seq", "str", "null", "bool", "int", "float", "timestamp", "merge")


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
        When the file is missing, empty, binary, not YAML, repeats a key or carries a tag for
        anything but plain data.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder, not a file")
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})"
        ) from None
    if len(raw) > LARGEST:
        raise InputError(f"{path}: is larger than {LARGEST:,} bytes, too large for a scenario")
    try:
        text = raw.decode("utf-8-sig")
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
        _index(node, (), lines, name, loader.constructor)
        return Document(name, loader.constructor.construct_document(node), lines)
    except MarkedYAMLError as error:
        raise InputError(
            f"{name}, line {_line(error)}: is not YAML ({_first(error.problem)})"
        ) from None
    except (YAMLError, ValueError) as error:
        raise InputError(f"{name}: is not YAML ({_first(str(error))})") from None
    except RecursionError:
        raise InputError(f"{name}: is nested more than {DEEPEST} levels deep") from None


def _index(
    node: Node, path: Path_, lines: dict[Path_, int], name: str, constructor: SafeConstructor
) -> None:
    """Note the line of every key below `node`, and refuse what plain data cannot hold."""
    where = f"{name}, line {node.start_mark.line + 1}"
    if len(path) > DEEPEST:
        raise InputError(f"{where}: is nested more than {DEEPEST} levels deep, or refers to itself")
    if len(lines) > MOST_NODES:
        raise InputError(f"{where}: has more than {MOST_NODES:,} values, written out or by aliases")
    _refuse_tag(node, where)
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            _refuse_tag(key, f"{name}, line {line}")
            if not isinstance(key, ScalarNode):
                raise InputError(f"{name}, line {line}: a key must be text, not a list or mapping")
            if str(key.tag) not in (TAG + "str", TAG + "merge"):
                raise InputError(
                    f"{name}, line {line}: the key {key.value} is not text; put it in quotes"
                )
            if key.value in seen:
                raise InputError(
                    f"{name}, line {line}: the key '{key.value}' is already there on line {seen[key.value]}"
                )
            seen[key.value] = line
            lines[*path, key.value] = line
            _index(value, (*path, key.value), lines, name, constructor)
    elif isinstance(node, SequenceNode):
        for position, value in enumerate(node.value):
            _index(value, (*path, position), lines, name, constructor)
    else:
        try:
            constructor.construct_object(node)
        except ValueError as error:
            raise InputError(f"{where}: '{node.value:.60}' cannot be read ({error})") from None


def _refuse_tag(node: Node, where: str) -> None:
    prefix, _, kind = str(node.tag).rpartition(TAG)
    if prefix or kind not in PLAIN:
        tag = str(node.tag).replace(TAG, "!!")
        raise InputError(f"{where}: the tag {tag:.60} is not allowed; only plain data is")


def _line(error: MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return mark.line + 1 if mark else 1


def _first(text: str | None) -> str:
    return (text or "").strip().splitlines()[0] if text else "unreadable"
