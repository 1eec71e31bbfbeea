"""The house: who may import whom, and what an import may load."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SIM = Path(__file__).parents[1] / "sim"
ROOMS = (
    "errors",
    "compiled",
    "worker_processes",
    "files",
    "documents",
    "quantities",
    "streams",
    "catalogue",
    "scenario",
    "throughput",
    "results",
    "engine",
    "experiments",
    "validation",
    "failure_logs",
    "pictures",
    "publish",
    "cli",
)
"""In the order in which a question walks: each imports only those before it."""
LIBRARIES = {
    "simpy": {"engine"},
    "matplotlib": {"pictures"},
    "seaborn": {"pictures"},
    "papermill": {"publish"},
    "nbclient": {"publish"},
    "typer": {"cli"},
    "ruamel": {"documents"},
    "pint": {"quantities"},
}
"""Libraries that one room has for itself."""
FILES = sorted(path for path in SIM.rglob("*.py") if "__pycache__" not in path.parts)


def module(path: Path) -> str:
    parts = path.relative_to(SIM.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else "sim"


def imports(path: Path) -> Iterator[str]:
    """Modules that a file imports when it runs, at its top or later."""
    tree = ast.parse(path.read_text())
    for_types = [
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for statement in branch.body
        for node in ast.walk(statement)
    ]
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = SIM.parent / node.module.replace(".", "/")
            for alias in node.names:
                whole = (inner / f"{alias.name}.py").exists() or (inner / alias.name).is_dir()
                yield f"{node.module}.{alias.name}" if whole else node.module


def test_nothing_lives_on_the_ground_floor_but_what_is_named() -> None:
    data = {"__init__", "__main__", "scenarios", "py", "__pycache__"}
    assert {path.stem for path in SIM.iterdir()} - data == set(ROOMS)


@pytest.mark.parametrize("path", FILES, ids=module)
def test_a_room_imports_only_the_rooms_before_it(path: Path) -> None:
    own = room(module(path))
    if own not in ROOMS:
        return
    for name in imports(path):
        if name.startswith("sim."):
            other = room(name)
            assert ROOMS.index(other) <= ROOMS.index(own), f"{own} imports {other}"


@pytest.mark.parametrize("path", FILES, ids=module)
def test_a_library_of_one_room_is_used_there_alone(path: Path) -> None:
    for name in imports(path):
        homes = LIBRARIES.get(name.split(".")[0])
        assert homes is None or room(module(path)) in homes, name


def test_there_is_no_import_circle() -> None:
    names = {module(path) for path in FILES}
    graph = {module(path): set(imports(path)) & names - {module(path)} for path in FILES}
    order = list(TopologicalSorter(graph).static_order())
    assert order.index("sim.errors") < order.index("sim.cli.app")


def test_the_engine_loads_nothing_that_only_pictures_and_tables_need() -> None:
    code = "import sim.engine, sys; print({'pandas','matplotlib','scipy.stats'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("code", "late"),
    [
        ("import sim", {"numpy", "pandas", "scipy", "pint", "pydantic", "simpy", "typer"}),
        (
            "from sim.cli.app import run; run(['--help'])",
            {"numpy", "pandas", "scipy", "pint", "pydantic", "simpy", "ruamel", "tqdm"},
        ),
        (
            "from sim.cli.app import run; run('run deepseek-v3 --replications 2'.split())",
            {"pint", "pandas", "scipy.stats", "scipy.integrate", "matplotlib", "SALib", "dask"},
        ),
    ],
)
def test_a_command_loads_only_what_it_needs(code: str, late: set[str]) -> None:
    command = [sys.executable, "-c", f"{code}; import sys; print('loaded:', *sys.modules)"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.rpartition("loaded:")[2].split())
    assert "sim" in loaded
    assert not late & loaded
