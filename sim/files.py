"""Files written in one piece: there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from sim.errors import InputError


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
        raise InputError(
            f"{folder}: cannot be used as a folder ({error.strerror or error})"
        ) from None


def write(path: Path, content: str | bytes) -> None:
    """Write a file in one piece: it is there whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, delete=False) as draft:
            try:
                draft.write(content.encode() if isinstance(content, str) else content)
                draft.close()
                os.chmod(draft.name, 0o644)
                os.replace(draft.name, path)
            except BaseException:
                os.unlink(draft.name)
                raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
