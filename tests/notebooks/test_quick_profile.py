"""The quick profile as a whole: on a small machine, and the same to the byte however it is run."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim.publish import figures
from sim.publish.figures import make_figures

pytestmark = pytest.mark.prove

MOST_SECONDS = 120.0
"""Of processor time: what the wall clock shows when nothing else runs on the one core."""
MOST_BYTES = 1e9


def family(root: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found


def resident(processes: list[int]) -> int:
    """Bytes in memory; what processes share counts once (proportional set size)."""
    total = 0
    for process in processes:
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux")
def test_it_fits_the_smallest_machine(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sim",
        "figures",
        "--profile",
        "quick",
        "--jobs",
        "1",
        "--out",
        str(tmp_path),
    ]
    command = ["taskset", "-c", "0", *command] if shutil.which("taskset") else command
    before = os.times()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        peak = 0
        while run.poll() is None:
            peak = max(peak, resident(family(run.pid)))
            time.sleep(0.2)
    after = os.times()
    seconds = (
        after.children_user - before.children_user + after.children_system - before.children_system
    )
    print(f"quick profile on one core: {seconds:.0f} s of processor time, {peak / 1e6:.0f} MB")
    assert run.returncode == 0
    drawn = {entry["notebook"] for entry in figures.manifest(tmp_path).values()}
    assert drawn == {notebook.name for notebook in figures.notebooks()}
    assert 5 < seconds <= MOST_SECONDS
    assert 1e8 < peak <= MOST_BYTES


def test_it_is_the_same_to_the_byte_in_another_folder_with_other_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = []
    for jobs, seed in ((1, "1"), (3, "2")):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        folders.append(make_figures(profile="quick", jobs=jobs, out=tmp_path / f"with-{jobs}"))
    first, second = (
        {path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders
    )
    assert len(first) > 30
    assert first == second
