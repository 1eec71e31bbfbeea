"""Files: those read are regular ones; those written are there whole or not at all."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from sim.errors import InputError, in_file


def make_folder(folder: Path) -> None:
    """Make a folder, unless it is there.

    Raises
    ------
    InputError
        When it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise in_file(str(folder), f"cannot be used as a folder ({_reason(error)})") from None


def unusable(path: Path | str) -> str:
    """Say why something is no file that can be read; nothing, if it is one.

    Examples
    --------
    >>> unusable(__file__)
    ''
    >>> unusable("/nowhere/trace.csv")
    'cannot be read (No such file or directory)'
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        return f"cannot be read ({_reason(error)})"
    if stat.S_ISDIR(mode):
        return "is a folder, not a file"
    # A pipe or a device may keep its reader waiting, or never end.
    return "" if stat.S_ISREG(mode) else "is not a regular file; write what it holds into one"


def read(path: Path | str, most: int = -1) -> bytes:
    """Read a file.

    Parameters
    ----------
    path : path or str
    most : int
        How many bytes to read; all, if negative.

    Raises
    ------
    InputError
        When it cannot be read, or is not a regular file.
    """
    if problem := unusable(path):
        raise in_file(str(path), problem)
    try:
        with open(path, "rb") as file:
            return file.read(most)
    except OSError as error:
        raise in_file(str(path), f"cannot be read ({_reason(error)})") from None


def text(path: Path | str, most: int = -1) -> str:
    """Read a file of text.

    Parameters
    ----------
    path : path or str
    most : int
        The most bytes that it may have; any number, if negative.

    Raises
    ------
    InputError
        When it cannot be read, is too large or is no text.
    """
    raw = read(path, most + 1 if most >= 0 else most)
    if len(raw) > most >= 0:
        raise in_file(str(path), f"is larger than {most:,} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "; a spreadsheet saves as 'CSV UTF-8'" if str(path).endswith(".csv") else ""
        problem = f"is no UTF-8 text from byte {error.start} on{hint}"
        raise in_file(str(path), problem) from None


def check_apart(written: Iterable[Path | str], read: Iterable[Path | str]) -> None:
    """Refuse to write over what is read, or over what has just been written.

    Raises
    ------
    InputError
        When two names are of one file.

    Examples
    --------
    >>> check_apart(["log.csv", "./log.csv"], ["mine.yaml"])
    Traceback (most recent call last):
    sim.errors.InputError: ./log.csv: would be written over; give another name
    """
    taken = {os.path.realpath(path) for path in read}
    for path in written:
        place = os.path.realpath(path)
        if place in taken:
            raise in_file(str(path), "would be written over; give another name")
        taken.add(place)


def write(path: Path, content: str | bytes) -> None:
    """Write a file, and the folders it lies in, in one piece.

    Raises
    ------
    InputError
        When it cannot be written, or is there and not a regular file; what was there before is
        then still there.
    """
    try:
        data = content.encode() if isinstance(content, str) else content
        # A link stays a link, and what it leads to is written.
        target = path.resolve()
        if target.exists() and (problem := unusable(target)):
            raise in_file(str(path), problem)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Its name is known before it is there, so that Ctrl-C leaves none behind at any moment.
        draft = target.with_name(f"tmp{uuid4().hex}")
        try:
            # Renaming within a folder cannot be seen half done; writing in place can.
            draft.write_bytes(data)
            os.replace(draft, target)
        finally:
            draft.unlink(missing_ok=True)
    except InputError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        # A loop of links is a RuntimeError, a zero byte in the name or half a letter a ValueError.
        raise in_file(str(path), f"cannot be written ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
