"""What a file of the user's own says in place of an entry: a failure table, or a model's shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sim import documents
from sim.catalogue import model_files
from sim.errors import in_file

SUFFIXES = {"failures": (".yaml", ".yml"), "models": (".json",)}
"""The files that may stand for an entry, by table."""


def is_file(kind: str, value: str) -> bool:
    """Whether a value names a file, rather than an entry of a table."""
    return value.endswith(SUFFIXES.get(kind, ()) or ("\0",))


def values(kind: str, path: str) -> dict[str, Any]:
    """What a file says, as a scenario could say it inline.

    Parameters
    ----------
    kind : str
        Table of the catalogue that has such entries.
    path : str
        Files that it names are relative to its folder.

    Raises
    ------
    InputError
        When the file cannot be used.
    """
    if kind == "models":
        return model_files.shape(path).values
    data = documents.read(path).data
    if not isinstance(data, dict):
        raise in_file(path, f"expected the keys of one of the {kind}", given=data)
    return _beside(data, Path(path).parent)


def _beside(data: Any, folder: Path) -> Any:
    """Data with the files of draws that it names as seen from here."""
    if isinstance(data, dict):
        found = {key: _beside(part, folder) for key, part in data.items()}
        if found.keys() == {"file", "column"}:
            found["file"] = str(folder / str(found["file"]))
        return found
    return [_beside(part, folder) for part in data] if isinstance(data, list) else data
