"""The command line under any terminal: encodings, closed and full streams, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim import __main__ as command_line

PROGRAM = (sys.executable, "-m", "sim")
COMPARE = (
    "compare",
    "deepseek-v3",
    "deepseek-v3",
    "--set-b",
    "checkpoint.interval=4 h",
    "--replications",
    "3",
)
LONG = "x" * 100_000


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of a line in which `sim` is the program."""
    line = line.replace("sim", f"{sys.executable} -m sim", 1)
    return subprocess.run(
        ["sh", "-c", line], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_any_encoding_shows_a_result(tmp_path: Path, encoding: str) -> None:
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    answer = subprocess.run(
        [*PROGRAM, *COMPARE], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, b"")
    assert b"wall_days, b - a: " in answer.stdout.replace(b"\x96", b"-")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("sim scenarios >/dev/full", "error: the output cannot be used (No space left on device)\n"),
        ("sim scenarios >&-", "error: standard output is closed\n"),
        ("sim run nothing 2>/dev/full", ""),
        ("sim run nothing 2>&-", ""),
    ],
)  # fmt: skip
def test_a_stream_that_takes_nothing_is_told_in_a_line(
    tmp_path: Path, line: str, says: str
) -> None:
    answer = shell(tmp_path, line)
    assert (answer.returncode, answer.stdout, answer.stderr) == (2, "", says)


@pytest.mark.parametrize(
    "words",
    [
        ["run", LONG],
        [LONG],
        ["run", "deepseek-v3", "--replications", LONG],
        ["run", "deepseek-v3", "--set", f"{LONG}=1"],
        ["run", "deepseek-v3", "--set", f"horizon={LONG}"],
        ["run", "deepseek-v3", "--set", f"horizon={'x ' * 50_000}"],
        ["run", "\x1b[31mred\x07"],
        ["\x1b[31mred"],
        ["run", "deepseek-v3", "--set", "\x1b[31mred=1"],
    ],
    ids=range(9),
)
def test_what_was_given_is_repeated_in_short_and_harmless(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sim", *words])
    with pytest.raises(SystemExit, match="2"):
        command_line.main()
    out, err = capsys.readouterr()
    assert out == ""
    assert 0 < len(err) < 2500
    assert "\x1b" not in err


def test_help_has_a_short_name_and_no_command_shows_help(tmp_path: Path) -> None:
    helped = shell(tmp_path, "sim run -h")
    assert helped.returncode == 0
    assert "Simulate a scenario many times" in helped.stdout
    bare = shell(tmp_path, "sim")
    assert (bare.returncode, bare.stderr) == (2, "")
    assert "Usage: sim" in bare.stdout


def test_it_runs_without_docstrings_and_assertions(tmp_path: Path) -> None:
    words = (sys.executable, "-OO", "-m", "sim", *COMPARE)
    answer = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")


STARTED = """
import sys
from sim.__main__ import main
from sim.cli import terminal
terminal.PATIENCE = float(sys.argv[1])
print("up", flush=True)
sys.argv = ["sim", *sys.argv[2:]]
main()
"""


@pytest.mark.parametrize(
    ("delay", "patience"),
    # The last is as on a machine that has too much to do to tidy up in time.
    [(0.05, 1.0), (0.6, 1.0), (4.0, 1.0), (4.0, 0.0)],
)
@pytest.mark.parametrize(
    "words",
    [
        ("run", "deepseek-v3", "--replications", "100000", "--jobs", "2"),
        ("figures", "00_start_here", "--out", "new"),
    ],
    ids=["runs", "notebooks"],
)
def test_ctrl_c_ends_in_one_line_at_any_time(
    tmp_path: Path, words: tuple[str, ...], delay: float, patience: float
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STARTED, str(patience), *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # What a shell runs in the background, perhaps these tests, does not hear Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout
    assert process.stdout.readline() == b"up\n"
    time.sleep(delay)
    start = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    # Two seconds on a machine that has nothing else to do.
    assert time.monotonic() - start < 8
    assert process.returncode == 130
    assert errors.startswith(b"interrupted; ")
    assert errors.count(b"\n") == 1
    assert not (tmp_path / "new").exists()
