"""YAML documents that know on which line each key stands."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from sim import files
from sim.errors import InputError, in_file

KeyPath = tuple[str | int, ...]
V = TypeVar("V")

LARGEST = 500_000
DEEPEST = 40
MOST_NODES = 100_000
TAG = "tag:yaml.org,2002:"
PLAIN = ("map", "seq", "str", "null", "bool", "int", "float", "timestamp", "merge")
TEXT = (TAG + "str", TAG + "merge")
FEW = 3
"""Entries that are read one by one; whoever asks for more is likely to want them all."""
HEAD = re.compile(r"^[^\s#].*?:(?=\s)", re.MULTILINE)
"""A key at the beginning of a line."""


@dataclass(frozen=True)
class Document:
    """What a YAML file says, and the line of each of its keys by path.

    Plain data that was never text has no lines.
    """

    name: str
    data: Any
    lines: dict[KeyPath, int]

    @property
    def file(self) -> str | None:
        """Its name, if it was text."""
        return self.name if self.lines else None

    def line(self, path: KeyPath) -> int | None:
        """The line of the deepest key on `path` that the document has."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None

    def where(self, path: KeyPath) -> str:
        """``file, line N`` of the deepest key on `path` that the document has."""
        line = self.line(path)
        return self.name if line is None else f"{self.name}, line {line}"

    def error(self, path: KeyPath, problem: str, **known: Any) -> InputError:
        """The error of what stands at `path`, which is its key unless another is given."""
        known = {"key": dotted(path), "file": self.file, "line": self.line(path)} | known
        return InputError(f"{self.where(path)}: {problem}", **known)


def dotted(path: KeyPath) -> str:
    """A path as ``--set`` takes it.

    Examples
    --------
    >>> dotted(("fleet", "good", "chips"))
    'fleet.good.chips'
    """
    return ".".join(map(str, path))


def mapped(data: Any, change: Callable[[Any, KeyPath], Any], path: KeyPath = ()) -> Any:
    """Plain data in which each part, from the innermost, is what `change` makes of it and its path.

    Examples
    --------
    >>> mapped({"a": [1, 2]}, lambda part, path: f"{dotted(path)}={part}" if part == 2 else part)
    {'a': [1, 'a.1=2']}
    """
    if isinstance(data, Mapping):
        data = {key: mapped(part, change, (*path, key)) for key, part in data.items()}
    elif isinstance(data, list):
        data = [mapped(part, change, (*path, place)) for place, part in enumerate(data)]
    return change(data, path)


def read(path: Path | str) -> Document:
    """Read a YAML 1.2 file with the safe loader.

    Raises
    ------
    InputError
        When the file is missing, empty, binary, not YAML, repeats a key or carries a tag for
        anything but plain data.
    """
    return parse(files.text(Path(path), LARGEST), str(Path(path)))


def parse(text: str, name: str) -> Document:
    """Read YAML 1.2 text with the safe loader.

    Parameters
    ----------
    text : str
    name : str
        Where the text comes from, as messages call it.

    Raises
    ------
    InputError
        When the text is empty, not YAML, repeats a key or carries a tag for anything but plain
        data.
    """
    loader = YAML(typ="safe", pure=True)
    try:
        root = loader.compose(text)
        if root is None:
            raise in_file(name, "is empty")
        lines = _lines(root, name, loader.constructor)
        return Document(name, loader.constructor.construct_document(root), lines)
    except InputError:
        raise
    except (YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = str(getattr(error, "problem", None) or error).strip() or "unreadable"
        line = mark.line + 1 if mark else None
        raise in_file(name, f"is not YAML ({problem.splitlines()[0]})", line) from None
    except RecursionError:
        raise in_file(name, f"is nested more than {DEEPEST} levels deep") from None


class Lazy(Mapping[str, V]):
    """Entries by name, each read when it is first asked for: most never are.

    Parameters
    ----------
    names : collection of str
    read : callable
        Reads the entry of a name.
    """

    def __init__(self, names: Collection[str], read: Callable[[str], V]) -> None:
        self._names = names
        self._read = cache(read)

    def __getitem__(self, name: str) -> V:
        return self._read(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Pieces(Lazy[Any]):
    """The entries of a file of ours, each read when it is first asked for.

    Every entry begins with its key at the beginning of a line.

    Parameters
    ----------
    path : pathlib.Path
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        text = path.read_text(encoding="utf-8")
        heads = list(HEAD.finditer(text))
        ends = [*(head.start() for head in heads[1:]), len(text)]
        self._above = text[: heads[0].start()].count("\n")
        self._pieces = {
            head[0].rstrip(":"): text[head.start() : end]
            for head, end in zip(heads, ends, strict=True)
        }
        self._documents: dict[str, Document] = {}
        super().__init__(self._pieces, lambda key: self.document(key).data[key])

    def document(self, key: str) -> Document:
        """The file as far as an entry needs it, on the lines where that stands."""
        if len(self._documents) == FEW and key not in self._documents:
            self._documents = dict.fromkeys(self._pieces, read(self._path))
        if key not in self._documents:
            aliases = set(re.findall(r"\*(\w+)", self._pieces[key]))
            text = "\n" * self._above
            for name, piece in self._pieces.items():
                needed = name == key or not aliases.isdisjoint(re.findall(r"&(\w+)", piece))
                # The lines of what is left out stay, so that the others keep their numbers.
                text += piece if needed else "\n" * piece.count("\n")
            self._documents[key] = parse(text, str(self._path))
        return self._documents[key]


def _lines(root: Node, name: str, constructor: SafeConstructor) -> dict[KeyPath, int]:
    """The line of every key and value; refuses what plain data cannot hold."""
    lines: dict[KeyPath, int] = {}
    for path, node, is_key in _nodes(root, ()):
        line = node.start_mark.line + 1
        try:
            # Aliases can make a few bytes stand for billions of values, or for themselves: both
            # are noticed on the way, before anything is built.
            if len(path) > DEEPEST:
                raise ValueError(
                    f"is nested more than {DEEPEST} levels deep, or refers to itself"
                )
            if len(lines) > MOST_NODES:
                raise ValueError(
                    f"has more than {MOST_NODES:,} values, written out or by aliases"
                )
            _check_tag(node)
            if isinstance(node, ScalarNode):
                node.value = _joined(node.value)
            if is_key:
                _check_key(node, lines.get(path))
            elif isinstance(node, ScalarNode):
                _check_scalar(node, constructor)
        except ValueError as error:
            key = dotted(path) or None
            given = node.value if isinstance(node, ScalarNode) else None
            raise in_file(name, str(error), line, key=key, given=given) from None
        lines.setdefault(path, line)
    return lines


def _nodes(node: Node, path: KeyPath) -> Iterator[tuple[KeyPath, Node, bool]]:
    """A node and all below it, each with its path and whether it is a key."""
    yield path, node, False
    if isinstance(node, MappingNode):
        for key, value in node.value:
            # A key that is no text has no name; it is refused before its value is looked at.
            below = (*path, key.value if isinstance(key, ScalarNode) else "?")
            yield below, key, True
            yield from _nodes(value, below)
    elif isinstance(node, SequenceNode):
        for position, value in enumerate(node.value):
            yield from _nodes(value, (*path, position))


def _joined(text: str) -> str:
    """Text with one letter in place of two halves, as JSON writes letters beyond U+FFFF."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise ValueError(f"'{text:.60}' has half a letter (a lone surrogate)") from None


def _check_tag(node: Node) -> None:
    prefix, _, kind = str(node.tag).rpartition(TAG)
    if prefix or kind not in PLAIN:
        tag = str(node.tag).replace(TAG, "!!")
        raise ValueError(f"the tag {tag:.60} is not allowed; only plain data is")


def _check_key(key: Node, line: int | None) -> None:
    if not isinstance(key, ScalarNode):
        raise ValueError("a key must be text, not a list or mapping")
    if str(key.tag) not in TEXT:
        raise ValueError(f"the key {key.value} is not text; put it in quotes")
    if line is not None:
        raise ValueError(f"the key '{key.value}' is already there on line {line}")


def _check_scalar(value: ScalarNode, constructor: SafeConstructor) -> None:
    try:
        constructor.construct_object(value)
    except ValueError as error:
        raise ValueError(f"'{value.value:.60}' cannot be read ({error})") from None
