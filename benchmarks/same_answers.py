"""Do two versions of the project give the same answers? Run as ``python -m benchmarks.same_answers
REVISION``.

Compares this working tree with a revision of git: fingerprint and metrics of every scenario and of
a few that use every mechanism, and the bytes of every figure. It names what differs and ends with 1
if anything does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from tarfile import TarFile
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]

# What both versions are asked, run by the `sim` that lies in a folder: so it uses only what every
# version has.
PROBE = """
import hashlib, json, sys
import sim
from benchmarks import questions
from sim.scenario import names

stress = {
    "everything": questions.everything(),
    "flaps": questions.flaps(1000),
    "size": questions.size(1024),
    "re-plan": sim.load_scenario("two-thousand-plus").override(
        {"recovery.policy": "re-plan", "fleet.weak.cold_spares": 0}
    ),
    "re-route": sim.load_scenario("deepseek-v3").override(
        {"recovery.policy": "re-route", "fleet.good.hot_spares": 0, "fleet.good.cold_spares": 0}
    ),
}
asked = {name: sim.load_scenario(name) for name in names()} | stress
found = {}
for name, scenario in asked.items():
    for replication in range(int(sys.argv[1])):
        result = sim.simulate(scenario, 1, replication)
        metrics = hashlib.sha256(repr(sorted(result.metrics.items())).encode()).hexdigest()
        found[f"{name}, replication {replication}"] = [result.fingerprint, metrics]
print(json.dumps(found))
"""


def answers(folder: Path, replications: int) -> dict[str, list[str]]:
    """Fingerprint and hash of the metrics of each run, computed by the version that lies in a
    folder.
    """
    command = [sys.executable, "-P", "-c", PROBE, str(replications)]
    ran = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise SystemExit(ran.stderr)
    return json.loads(ran.stdout)


def unpack(revision: str, folder: Path) -> None:
    """Write a revision of the project into a folder."""
    packed = subprocess.run(
        ["git", "archive", revision], cwd=ROOT, capture_output=True, check=True
    ).stdout
    with TarFile(fileobj=BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


def figures(folder: Path) -> dict[str, bytes]:
    """The bytes of every drawn file."""
    return {
        path.name: path.read_bytes()
        for path in (folder / "figures").glob("*.*")
        if path.suffix != ".json"
    }


def main(revision: str, replications: int = 2) -> int:
    """Print what differs; 1 if anything does."""
    with TemporaryDirectory() as temporary:
        before = Path(temporary)
        unpack(revision, before)
        was, now = answers(before, replications), answers(ROOT, replications)
        drawn, redrawn = figures(before), figures(ROOT)
    moved = [name for name in was | now if was.get(name, [""])[0] != now.get(name, [""])[0]]
    other = [
        name for name in was | now if was.get(name) != now.get(name) and name not in moved
    ]
    pictures = [name for name in drawn | redrawn if drawn.get(name) != redrawn.get(name)]
    for title, names in (
        ("fingerprint", moved),
        ("metrics only", other),
        ("figure", pictures),
    ):
        for name in names:
            print(f"{title} differs: {name}")
    same = len(was | now) - len(moved) - len(other)
    print(
        f"{same} of {len(was | now)} runs and "
        f"{len(drawn) - len(pictures)} of {len(drawn)} drawn files are the same"
    )
    return int(bool(moved or other or pictures))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
