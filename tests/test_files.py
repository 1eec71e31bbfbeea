"""Files are written in one piece or not at all."""

import os
import stat
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from sim import files
from sim.errors import InputError
from sim.files import make_folder, read, write


def test_writes_in_one_piece(tmp_path: Path) -> None:
    path = tmp_path / "new" / "f.txt"
    write(path, "one\n")
    write(path, "two\n")
    assert path.read_bytes() == b"two\n"
    beside = path.with_name("beside")
    beside.touch()
    assert path.stat().st_mode == beside.stat().st_mode, "a result is for whom other files are for"
    beside.unlink()
    assert [p.name for p in path.parent.iterdir()] == ["f.txt"]


def test_a_failed_write_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f.txt"
    write(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(InputError, match=r"f\.txt: cannot be written \(No space left on device\)"):
        write(path, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["f.txt"]
    assert path.read_text() == "old"
    with pytest.raises(InputError, match="cannot be written") as caught:
        write(path / "below" / "a file", "x")
    assert caught.value.file == str(path / "below" / "a file")


def test_ctrl_c_at_any_moment_leaves_no_draft_behind(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    moment = 0
    for moment in range(1000):
        left = moment

        def trace(frame: FrameType, event: str, _argument: object) -> Any:
            nonlocal left
            if event == "line" and frame.f_code is write.__code__:
                left -= 1
                if left < 0:
                    sys.settrace(None)
                    raise KeyboardInterrupt
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            write(path, "x")
            break
        except KeyboardInterrupt:
            assert {file.name for file in tmp_path.iterdir()} <= {"f.txt"}
        finally:
            sys.settrace(before)
    assert moment > 5
    assert path.read_text() == "x"


def test_a_folder_is_made_or_refused_by_name(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    write(tmp_path / "f.txt", b"bytes")
    with pytest.raises(InputError, match=r"f\.txt: cannot be used as a folder") as caught:
        make_folder(tmp_path / "f.txt")
    assert caught.value.file == str(tmp_path / "f.txt")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in folders")
def test_only_regular_files_are_read_and_written(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "link"
    link.symlink_to(pipe)
    for path in (pipe, link, Path("/dev/null")):
        with pytest.raises(InputError, match="is not a regular file"):
            write(path, "x")
        with pytest.raises(InputError, match="is not a regular file"):
            read(path)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    with pytest.raises(InputError, match="is a folder, not a file"):
        write(tmp_path, "x")
    for name in ("a\0b", "loop"):
        (tmp_path / "loop").unlink(missing_ok=True)
        (tmp_path / "loop").symlink_to("loop")
        with pytest.raises(InputError, match="cannot be written"):
            write(tmp_path / name, "x")
    with pytest.raises(InputError, match="cannot be written"):
        write(tmp_path / "half", "\ud83d")
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "link", "loop"}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", "x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "x"
