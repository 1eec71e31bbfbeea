"""The keys of a scenario whose values are paths."""

import os
from pathlib import Path
from typing import Any

from sim.catalogue.from_file import is_file
from sim.documents import KeyPath, mapped

KINDS = {"model": "models", "failures": "failures"}
"""Keys whose value may be the path of a file in place of a name, with their table."""


def absolute(value: Any, folder: Path, path: KeyPath = ()) -> Any:
    """Plain data with every path made absolute, as seen from a folder.

    At once: wherever it is needed later, another folder may be the current one.

    Parameters
    ----------
    value : plain data
    folder : Path
    path : tuple of str
        The keys that lead to the value.

    Examples
    --------
    >>> absolute({"failures": {"trace": "log.csv"}}, Path("/data"))
    {'failures': {'trace': '/data/log.csv'}}
    """

    def seen(part: Any, path: KeyPath) -> Any:
        if isinstance(part, str) and _is_path(part, path):
            return os.path.abspath(folder / part)
        return part

    return mapped(value, seen, path)


def _is_path(value: str, path: KeyPath) -> bool:
    if path == ("catalogue",) or path[-2:] == ("failures", "trace"):
        return True
    # What something is like stands one level deeper than its name alone.
    key = path[-2:-1] if path[-1:] == ("like",) else path[-1:]
    return is_file(KINDS.get("".join(map(str, key)), ""), value)
