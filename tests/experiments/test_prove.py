"""Slow proofs: a cluster that loses a worker and a sweep that is killed end with the bytes of an
undisturbed one.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.prove

GRID = "checkpoint.interval=" + ",".join(f"{k} min" for k in range(10, 40))
SWEEP = [
    sys.executable,
    "-m",
    "sim",
    "sweep",
    "deepseek-v3",
    "--grid",
    GRID,
    "--replications",
    "60",
    "--seed",
    "5",
]


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def points(folder: Path) -> int:
    return len(list(folder.glob("points/*.json")))


def wait(for_what: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while not for_what():
        assert time.monotonic() < until, "took too long"
        assert process.poll() is None, f"{process.args} ended"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    subprocess.run([*SWEEP, "--out", folder], check=True, stdout=subprocess.DEVNULL)
    assert points(folder) == 30
    return files(folder)


@contextmanager
def started(*command: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (
        log.open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=out, cwd=log.parent) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def test_a_sweep_that_is_killed_and_started_again(
    undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    command = [*SWEEP, "--jobs", "2", "--out", str(tmp_path / "out")]
    with started(*command, log=tmp_path / "log") as process:
        wait(lambda: points(tmp_path / "out") > 5, process)
        process.send_signal(signal.SIGKILL)
    assert 5 < points(tmp_path / "out") < 30
    again = subprocess.run(command, check=True, capture_output=True)
    assert again.stderr == b""
    assert files(tmp_path / "out") == undisturbed


def test_a_cluster_that_loses_a_worker(undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    program = "from distributed.cli import {0}; {0}.main()"
    scheduler = [
        sys.executable,
        "-c",
        program.format("dask_scheduler"),
        "--port",
        "0",
        "--no-dashboard",
    ]
    log, out = tmp_path / "scheduler.log", tmp_path / "out"
    with started(*scheduler, "--host", "127.0.0.1", log=log) as head:
        wait(lambda: re.search(rb"Scheduler at: +tcp://([\d.:]+)", log.read_bytes()), head)
        [address] = set(re.findall(r"Scheduler at: +tcp://([\d.:]+)", log.read_text()))
        worker = [
            sys.executable,
            "-c",
            program.format("dask_worker"),
            f"tcp://{address}",
            "--no-dashboard",
        ]
        worker += ["--no-nanny", "--nthreads", "1", "--local-directory", str(tmp_path)]
        with (
            started(*worker, log=tmp_path / "one.log") as one,
            started(*worker, log=tmp_path / "two.log"),
            started(
                *SWEEP,
                "--executor",
                f"dask://{address}",
                "--out",
                str(out),
                log=tmp_path / "sweep.log",
            ) as sweep,
        ):
            wait(lambda: points(out) > 5, sweep)
            one.send_signal(signal.SIGKILL)
            wait(lambda: b"Remove worker" in log.read_bytes(), sweep)
            killed_at = points(out)
            assert sweep.wait(300) == 0, (tmp_path / "sweep.log").read_text()
    assert killed_at < 30
    assert files(out) == undisturbed
