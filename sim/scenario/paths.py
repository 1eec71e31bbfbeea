"""The keys of a scenario whose values are paths."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

PATHS = (("failures", "trace"),)
"""Each with the key above it."""
ENDINGS = {"model": (".json",), "failures": (".yaml", ".yml")}
"""Keys whose value is a name, or the path of a file with one of these endings."""


def absolute(value: Any, folder: Path, path: tuple[str, ...] = ()) -> Any:
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
    if isinstance(value, dict):
        return {key: absolute(part, folder, (*path, key)) for key, part in value.items()}
    if isinstance(value, str) and _is_path(value, path):
        return os.path.abspath(folder / value)
    return value


def _is_path(value: str, path: tuple[str, ...]) -> bool:
    if path == ("catalogue",) or path[-2:] in PATHS:
        return True
    # What something is like stands one level deeper than its name alone.
    key = path[-2:-1] if path[-1:] == ("like",) else path[-1:]
    return bool(key) and value.endswith(ENDINGS.get(key[0], ("\0",)))
