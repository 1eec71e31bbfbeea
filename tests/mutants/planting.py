"""Which small mistakes there are, and what a file looks like with one of them."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
ROOMS = ("sim/engine", "sim/throughput")
SWAPPED: dict[type[ast.AST], ast.AST] = {
    ast.Lt: ast.LtE(),
    ast.LtE: ast.Lt(),
    ast.Gt: ast.GtE(),
    ast.GtE: ast.Gt(),
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.Add: ast.Sub(),
    ast.Sub: ast.Add(),
    ast.Mult: ast.Div(),
    ast.Div: ast.Mult(),
    ast.And: ast.Or(),
    ast.Or: ast.And(),
}


class Mutant(NamedTuple):
    """One change of one file; `lines` are those of its statement, none outside of a function."""

    path: str
    line: int
    lines: range
    function: str
    change: str
    source: str

    @property
    def name(self) -> str:
        """What tells a mutant from others, however the lines move."""
        return f"{self.path}: {self.function}: {self.change}"

    @property
    def key(self) -> str:
        """What a verdict belongs to: this change of this text."""
        return hashlib.sha256(f"{self.path} {self.source}".encode()).hexdigest()[:16]


def mutants(path: Path) -> Iterator[Mutant]:
    """All mutants of a file, without their sources."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parents = {below: node for node in ast.walk(tree) for below in ast.iter_child_nodes(node)}
    for number, node in enumerate(ast.walk(tree)):
        changed = deepcopy(node)
        if not _mutate(changed):
            continue
        function, lines = _place(node, parents)
        change = f"{_first_line(node)}  ->  {_first_line(changed)}"
        line = getattr(node, "lineno", 0)
        yield Mutant(str(path.relative_to(ROOT)), line, lines, function, change, str(number))


def planted(mutant: Mutant) -> Mutant:
    """A mutant with its source."""
    tree = ast.parse((ROOT / mutant.path).read_text(encoding="utf-8"))
    _mutate(list(ast.walk(tree))[int(mutant.source)])
    return mutant._replace(source=ast.unparse(tree))


def _first_line(node: ast.AST) -> str:
    return ast.unparse(node).partition("\n")[0][:100]


def _place(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> tuple[str, range]:
    """The function in which a node stands, and the lines of the statement there."""
    statement = node
    part = node
    while not isinstance(statement, ast.stmt):
        part = statement
        statement = parents[statement]
    # Of a statement that holds others only the head belongs to the mutant.
    if isinstance(statement, ast.If | ast.While):
        part = statement.test
    elif not hasattr(statement, "body"):
        part = statement
    first = getattr(part, "lineno", statement.lineno)
    lines = range(first, (getattr(part, "end_lineno", None) or first) + 1)
    names = []
    runs = False
    while statement in parents:
        above = parents[statement]
        if isinstance(above, ast.FunctionDef | ast.ClassDef):
            names.append(above.name)
        # A default of an argument is computed when the function is made, not when it is called.
        runs = runs or (isinstance(above, ast.FunctionDef) and statement in above.body)
        statement = above
    return ".".join(reversed(names)) or "module", lines if runs else range(0)


def _mutate(node: ast.AST) -> bool:
    """Change a node in its place; False if there is nothing about it to change."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPPED:
        node.ops[0] = SWAPPED[type(node.ops[0])]  # type: ignore[assignment]
        return True
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(node.op) in SWAPPED:
        # A union of types is no sum of numbers, and text is joined by a plus as well.
        node.op = SWAPPED[type(node.op)]  # type: ignore[assignment]
        return True
    if (
        isinstance(node, ast.Constant)
        and type(node.value) is not bool
        and isinstance(node.value, int | float)
    ):
        node.value = node.value + 1
        return True
    if isinstance(node, ast.If | ast.While) and ast.unparse(node.test) != "TYPE_CHECKING":
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        node.value = ast.Constant(None)
        return True
    return False


def drawn(number: int, seed: int) -> tuple[list[Mutant], int]:
    """Some mutants of all files, and how many there are.

    Each has a place of its own in the draw, so that a change of one line leaves the others drawn.
    """
    files = [path for room in ROOMS for path in sorted((ROOT / room).glob("*.py"))]
    seen: Counter[str] = Counter()
    ranked = []
    for mutant in (each for path in files for each in mutants(path)):
        seen[mutant.name] += 1
        ticket = f"{seed} {mutant.name} {seen[mutant.name]}"
        ranked.append((hashlib.sha256(ticket.encode()).digest(), mutant))
    ranked.sort(key=lambda pair: pair[0])
    return [planted(mutant) for _, mutant in ranked[:number]], len(ranked)
