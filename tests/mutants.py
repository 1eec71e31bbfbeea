"""Small mistakes planted in the engine and in the throughput, one at a time: do tests notice them?

``make mutants`` (``python -m tests.mutants --number 300 --seed 1``) draws mutants with a fixed seed,
runs for each the tests that can see it in a copy of the code, and prints the share that was noticed
("killed") and every one that was not, with file, line and what was changed.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
LIMIT = 300.0
"""Seconds after which a mutant hangs, and counts as killed: many times what its tests take."""
FAST = ("-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider")
ORACLE = "tests/oracles/test_one_job.py"
FAILURES = "tests/engine/test_risks.py"
JOB = "tests/engine/test_job.py"
ROOMS = ("sim/engine", "sim/throughput")
TESTS = {
    "__init__": [JOB],
    "ageing": [FAILURES, ORACLE],
    "checkpoints": ["tests/engine/test_progress.py", ORACLE, JOB],
    "crews": ["tests/engine/test_fleet.py", ORACLE],
    "hidden": [ORACLE, FAILURES],
    "order": [ORACLE],
    "pool": ["tests/engine/test_fleet.py", ORACLE],
    "relapses": [FAILURES, ORACLE],
    "setup": ["tests/engine/test_recovery.py", ORACLE],
    "sleeper": ["tests/engine/test_fleet.py", ORACLE],
    "standstill": [ORACLE, JOB],
    "stops": [ORACLE],
    "training": ["tests/engine/test_progress.py", ORACLE, JOB],
    "chip_worth": ["tests/engine/test_campaign.py"],
    "elastic": ["tests/throughput/test_speeds.py"],
    "layouts": ["tests/throughput/test_planner.py", "tests/throughput/test_speeds.py"],
    "plan": ["tests/throughput/test_speeds.py"],
    "memory": ["tests/throughput/test_memory.py", "tests/throughput/test_stage.py"],
}
"""Tests that see a module for which none is named, or which need more than their own."""
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
    """One change of one file."""

    path: Path
    line: int
    change: str
    source: str


def sites(path: Path) -> list[int]:
    """The nodes of a file that can be changed, by their place in the order of `ast.walk`."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    # Changing a node adds none that are walked later: a test of an `if` is already waiting.
    return [number for number, node in enumerate(nodes) if _mutate(node)]


def planted(path: Path, number: int) -> Mutant:
    """The mutant of a file in which one node is changed."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    node = list(ast.walk(tree))[number]
    before = _first_line(ast.unparse(node))
    _mutate(node)
    change = f"{before}  ->  {_first_line(ast.unparse(node))}"
    line = getattr(node, "lineno", 0)
    return Mutant(path.relative_to(ROOT), line, change, ast.unparse(tree))


def _first_line(source: str) -> str:
    return source.partition("\n")[0][:100]


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
    if isinstance(node, ast.If | ast.While):
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        node.value = ast.Constant(None)
        return True
    return False


def tests_of(path: Path) -> list[str]:
    """The few tests that see a module best: of its own name, and those that the table adds."""
    own = f"tests/{path.parent.name}/test_{path.name}"
    more = [ORACLE] if path.parent.name == "engine" else ["tests/throughput/test_speeds.py"]
    found = [own] if (ROOT / own).exists() else []
    found += TESTS.get(path.stem, more)
    return list(dict.fromkeys(found))


def noticed(tests: list[str], folder: Path) -> bool:
    """Whether any of some tests fails on the code in a folder."""
    # What lies in the folder comes before the installed package.
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", *FAST, *tests]
    try:
        run = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    return run.returncode != 0


def killed(mutant: Mutant, folder: Path) -> bool:
    """Whether the tests notice a mutant that is put into a copy of the code."""
    target = folder / mutant.path
    whole = target.read_text(encoding="utf-8")
    target.write_text(mutant.source, encoding="utf-8")
    try:
        return noticed(tests_of(mutant.path), folder)
    finally:
        target.write_text(whole, encoding="utf-8")


def main() -> None:
    """Draw, plant, test and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    files = [path for room in ROOMS for path in sorted((ROOT / room).glob("*.py"))]
    every = [(path, number) for path in files for number in sites(path)]
    drawn = random.Random(asked.seed).sample(every, min(asked.number, len(every)))
    chosen = [planted(*site) for site in drawn]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("sim", "tests", "benchmarks", "pyproject.toml"):
            copied = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copied(ROOT / part, folder / part)
        used = sorted({test for mutant in chosen for test in tests_of(mutant.path)})
        # Tests that fail anyway would kill every mutant.
        if noticed(used, folder):
            sys.exit("the tests fail without any mutant")
        alive = []
        for number, mutant in enumerate(chosen, 1):
            if not killed(mutant, folder):
                alive.append(mutant)
                print(f"alive: {mutant.path}:{mutant.line}: {mutant.change}", flush=True)
            elif number % 10 == 0:
                print(f"{number} of {len(chosen)}, {len(alive)} alive", file=sys.stderr, flush=True)
    share = 1 - len(alive) / len(chosen)
    print(f"{share:.1%} of {len(chosen)} mutants killed (of {len(every)}, seed {asked.seed})")


if __name__ == "__main__":
    main()
