"""Whatever is given: an answer, or a line that says what is wrong with it; never a traceback."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path

import pytest

from sim import __main__ as command_line
from sim import documents, load_scenario, simulate
from sim.errors import InputError
from tests.fuzz.generated import Generator

MOST_SECONDS = 20.0
"""Of processor time for one scenario, on any machine: what hangs takes longer."""
MOST_EVENTS = 2000


def outcome(number: int) -> str:
    """What becomes of the scenario of a number: `ran` or `refused`."""
    text = json.dumps(Generator(number).scenario())
    start = time.process_time()
    try:
        result = simulate(load_scenario(documents.parse(text, "f").data), max_events=MOST_EVENTS)
    except InputError as error:
        told = "refused"
        assert 0 < len(str(error)) < 12_000
        assert str(error).isprintable() or "\n" in str(error)
    else:
        told = "ran"
        for name, value in result.metrics.items():
            assert not math.isinf(value), name
            assert value or math.copysign(1.0, value) == 1.0, name
    assert time.process_time() - start < MOST_SECONDS
    return told


def hold(numbers: range) -> None:
    """Find that every scenario of these numbers runs or is refused, and enough do either."""
    wrong = []
    found = []
    for number in numbers:
        try:
            found.append(outcome(number))
        except Exception as error:
            wrong.append(f"{number}: {type(error).__name__}: {error}")
    assert not wrong, "\n".join(wrong)
    assert found.count("ran") > 0.1 * len(found)
    assert found.count("refused") > 0.1 * len(found)


def test_a_generated_scenario_runs_or_is_refused() -> None:
    hold(range(60))


@pytest.mark.prove
@pytest.mark.parametrize("start", range(0, 10_000, 1000))
def test_ten_thousand_generated_scenarios_run_or_are_refused(start: int) -> None:
    hold(range(start, start + 1000))


def call(
    number: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Give the command of a number in a folder, and look at all that is left of it."""
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "mine.yaml").write_text(json.dumps(Generator(number).scenario()))
    words = Generator(number).command()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["sim", *words])
    with pytest.raises(SystemExit) as end:
        command_line.main()
    out, err = capsys.readouterr()
    assert end.value.code in (0, 2), words
    assert len(err) < 15_000, words
    assert "Traceback" not in err, words
    if end.value.code == 2:
        assert out == "", words
        assert err.strip(), words
    elif "--json" in words:
        json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    left = {path.name for path in folder.iterdir()} - {"pipe", "mine.yaml"}
    assert left <= {"out"}, words
    for path in folder.glob("out/**/*"):
        assert path.suffix in ("", ".json", ".csv"), words
        if path.suffix == ".json":
            json.loads(path.read_text())


def test_a_generated_command_answers_or_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(12):
        call(number, tmp_path / str(number), monkeypatch, capsys)


@pytest.mark.prove
@pytest.mark.parametrize("start", range(0, 300, 50))
def test_three_hundred_generated_commands_answer_or_say_what_is_wrong(
    start: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number in range(start, start + 50):
        call(number, tmp_path / str(number), monkeypatch, capsys)
