"""Notebooks for those who have installed the package and no clone."""

from pathlib import Path

import pytest

from sim.errors import InputError
from sim.publish import figures
from sim.publish.notebook_parameters import copy, shipped


def test_the_notebooks_that_are_shipped_are_those_of_the_repository(tmp_path: Path) -> None:
    assert shipped() == figures.notebooks()
    copies = copy(tmp_path / "mine")
    assert [path.read_bytes() for path in copies] == [path.read_bytes() for path in shipped()]


def test_a_copy_overwrites_nothing(tmp_path: Path) -> None:
    changed = tmp_path / shipped()[3].name
    changed.write_text("my own")
    with pytest.raises(InputError, match=r"is there already"):
        copy(tmp_path)
    assert list(tmp_path.iterdir()) == [changed]
    assert changed.read_text() == "my own"
