"""Files written in one piece: there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from sim.errors import in_file


def make_folder(folder: Path) -> None:
    """Make a folder, unless it is there.

    Raises
    ------
    InputError
        When it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise in_file(str(folder), f"cannot be used as a folder ({reason})") from None


def write(path: Path, content: str | bytes) -> None:
    """Write a file, and the folders it lies in, in one piece.

    Raises
    ------
    InputError
        When it cannot be written; what was there before is then still there.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Renaming within a folder cannot be seen half done; writing in place can.
        with NamedTemporaryFile(dir=path.parent, delete=False) as draft:
            try:
                draft.write(data)
                draft.close()
                # Temporary files are private to their owner; results are for everyone.
                os.chmod(draft.name, 0o644)
                os.replace(draft.name, path)
            except BaseException:
                os.unlink(draft.name)
                raise
    except OSError as error:
        reason = error.strerror or error
        raise in_file(str(path), f"cannot be written ({reason})") from None
