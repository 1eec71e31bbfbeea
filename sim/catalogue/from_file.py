"""What a file of the user's own says in place of an entry: a failure table, or a model's shape."""

from pathlib import Path
from typing import Any

from sim import documents
from sim.catalogue import model_files
from sim.documents import KeyPath, mapped
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

    def beside(part: Any, _: KeyPath) -> Any:
        """A file of draws as seen from here."""
        if isinstance(part, dict) and part.keys() == {"file", "column"}:
            return part | {"file": str(Path(path).parent / str(part["file"]))}
        return part

    return mapped(data, beside)
