"""One table of timings, as ratios to a bare SimPy loop on the same machine: ratios travel where
seconds do not.

Everything is measured twice, with the engine as it is written and, if it has been built (`sim
compile`), compiled, each in a process of its own.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import peer, picture
from sim import compiled
from sim.files import write

FOLDER = Path(__file__).parent
PLAIN = {"written": "1", "compiled": "0"}
"""What `SIM_PLAIN` is for each engine."""


def main() -> None:
    """Measure, print the table, and write it with its figure beside this file."""
    engines = list(PLAIN) if compiled.folder().is_dir() else ["written"]
    builds = {name: _measured(PLAIN[name]) for name in engines}
    rows = [
        _joined(dict(zip(builds, row, strict=True)))
        for row in zip(*builds.values(), strict=True)
    ]
    heads = "".join(f"{engine:>24}" for engine in engines)
    print(f"{'':68}{heads}  {'at most (or as said)':22}")
    for row in rows:
        cells = "".join(_cells(row, engine) for engine in engines)
        print(f"{row['what']:68}{cells}  {row['target']:22}{row['peer']}")
    machine = {name: version(name) for name in ("simpy", "numpy", "scipy")} | {
        "python": platform.python_version()
    }
    # Half a table is not kept in place of a whole one.
    if len(engines) < len(PLAIN):
        return
    data = {"machine": machine, "peer": peer.NAME, "rows": rows}
    write(FOLDER / "results.json", json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    picture.draw(rows, FOLDER)


def _measured(plain: str) -> list[dict[str, Any]]:
    """The rows, measured in a process of its own with one of the engines."""
    with TemporaryDirectory() as scratch:
        found = Path(scratch) / "rows.json"
        environment = os.environ | {"PYTHONPATH": str(FOLDER.parent), "SIM_PLAIN": plain}
        command = [sys.executable, "-P", "-m", "benchmarks.rows", str(found)]
        subprocess.run(command, env=environment, check=True)
        return json.loads(found.read_text(encoding="utf-8"))


def _joined(by_build: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One row of the same thing measured with each build."""
    row = dict(by_build["written"])
    for key in ("value", "timeouts"):
        row[key] = {build: measured[key] for build, measured in by_build.items()}
    return row


def _cells(row: dict[str, Any], build: str) -> str:
    timeouts = row["timeouts"][build]
    worth = "" if timeouts is None else f"{timeouts:,.0f}"
    return f"{row['value'][build]:9,.3g} {row['unit']:4}{worth:>10}"


if __name__ == "__main__":
    main()
