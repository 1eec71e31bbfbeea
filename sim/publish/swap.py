"""A folder that another takes the place of, whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from sim.errors import in_file
from sim.files import make_folder

try:
    import fcntl
except ImportError:
    # Windows has none: what killed runs leave stays there.
    fcntl = None


@contextmanager
def draft(folder: Path) -> Iterator[Path]:
    """Provide a new folder beside another, and remove those that killed runs have left.

    Raises
    ------
    InputError
        When none can be made there.
    """
    make_folder(folder.parent)
    prefix = f".{folder.name}-draft-"
    for left in folder.parent.glob(f"{prefix}*"):
        unused = _locked(left)
        if unused is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(unused)
    _restore(folder)
    try:
        made = Path(mkdtemp(prefix=prefix, dir=folder.parent))
    except OSError as error:
        raise in_file(str(folder), f"cannot be written ({error.strerror})") from None
    mark = _locked(made)
    try:
        yield made
    finally:
        # A kernel that is slow to end may still hold a file.
        shutil.rmtree(made, ignore_errors=True)
        if mark is not None:
            os.close(mark)


def take_place(new: Path, folder: Path) -> None:
    """Put a folder in the place of another, which is gone then.

    Raises
    ------
    InputError
        When it cannot be done; the other is then where it was.
    """
    before = _before(folder)
    try:
        if folder.exists():
            os.rename(folder, before)
        os.rename(new, folder)
    except OSError as error:
        raise in_file(str(folder), f"cannot be replaced ({error.strerror})") from None
    finally:
        _restore(folder)


def _restore(folder: Path) -> None:
    """Bring back what was moved aside, or remove it if something has taken its place."""
    before = _before(folder)
    if folder.exists():
        shutil.rmtree(before, ignore_errors=True)
    elif before.exists():
        os.rename(before, folder)


def _before(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}-before")


def _locked(folder: Path) -> int | None:
    """A lock on a folder that ends with this process, however it ends; None if others have one."""
    if fcntl is None:
        return None
    mark = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(mark)
        return None
    return mark
