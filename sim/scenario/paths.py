"""The keys of a scenario whose values are paths."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

PATHS = (("failures", "trace"),)
"""Each with the key above it."""


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
    if isinstance(value, str) and path[-2:] in PATHS:
        return os.path.abspath(folder / value)
    return value
