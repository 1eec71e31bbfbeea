"""What tests of the command line share."""

from pathlib import Path

import pytest

from tests.cli.program import Sim, program


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Sim:
    """The command line in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return program(monkeypatch, capsys)
