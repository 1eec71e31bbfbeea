"""A folder takes another's place whole, and what killed runs left is tidied up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sim.errors import InputError
from sim.publish import swap

HOLDER = """
import sys, time
from pathlib import Path
from sim.publish import swap
with swap.draft(Path(sys.argv[1])) as draft:
    print(draft, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "figures"
    made.mkdir()
    (made / "old").write_text("old")
    return made


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_draft_takes_the_place_of_a_folder_and_leaves_nothing(folder: Path) -> None:
    with swap.draft(folder) as draft:
        assert draft.parent == folder.parent
        new = draft / "new"
        new.mkdir()
        (new / "new").write_text("new")
        swap.take_place(new, folder)
    assert names(folder) == ["new"]
    assert names(folder.parent) == ["figures"]


def test_what_fails_leaves_the_folder_as_it_was(folder: Path) -> None:
    with pytest.raises(InputError, match=r"figures: cannot be replaced \(No such file"):
        swap.take_place(folder.parent / "nothing", folder)
    assert names(folder) == ["old"]
    assert names(folder.parent) == ["figures"]


def test_what_a_killed_run_left_is_removed_and_a_living_one_keeps_its_draft(folder: Path) -> None:
    words = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        held = Path(holder.stdout.readline().strip())
        with swap.draft(folder):
            assert held.exists()
        holder.send_signal(signal.SIGKILL)
    assert held.exists()
    with swap.draft(folder):
        assert not held.exists()
    # Killed when one was moved aside, and the other not yet in its place.
    os.rename(folder, folder.with_name(".figures-before"))
    with swap.draft(folder):
        assert names(folder) == ["old"]
    assert names(folder.parent) == ["figures"]
