"""Joint draws of several unknown constants: a CSV file with a column for each."""

import csv
import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sim import files
from sim.errors import InputError, expected, in_file
from sim.quantities.distributions import Distribution, Floats
from sim.quantities.uncertain import Uncertain

FORM = "{draws: {file: FILE.csv, column: NAME}}"


@dataclass(frozen=True)
class Rows(Distribution):
    """The number of a row in a table of joint draws; row 0, the best fit, is the mode."""

    count: int
    """Rows after that."""
    table: str
    """A hash of the whole table, by which two of them differ."""

    def draw(self, uniforms: Floats) -> Floats:
        return 1.0 + np.minimum(np.floor(uniforms[..., 0] * self.count), self.count - 1)

    @property
    def mean(self) -> float:
        return (self.count + 1) / 2

    @property
    def mode(self) -> float:
        return 0.0

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, float(self.count)


def joint(data: Any) -> Uncertain:
    """A column of a file of joint draws, in the SI unit of where it stands.

    The first row is the best fit. All columns of a file are drawn together, under its name.

    Parameters
    ----------
    data : mapping
        ``{file: …, column: …}``.

    Raises
    ------
    InputError
        When there is no such file or column, or a value is no number.
    """
    if not isinstance(data, dict) or data.keys() != {"file", "column"}:
        raise expected(FORM, data)
    path = Path(str(data["file"]))
    if problem := files.unusable(path):
        raise in_file(str(path), problem)
    columns, digest = _columns(path, path.stat().st_mtime_ns)
    name = str(data["column"])
    if name not in columns:
        raise InputError.no_such(f"{path}: no column '{name}'", name, columns)
    column = columns[name]
    rows = Rows(len(column) - 1, digest)
    return Uncertain(column[0], rows, path.name.partition(".")[0], column)


@lru_cache(maxsize=8)
def _columns(path: Path, _changed: int) -> tuple[dict[str, tuple[float, ...]], str]:
    """The columns of a file as of the time it was last changed, and a hash of it."""
    text = files.text(path)
    reader = csv.DictReader(text.splitlines())
    columns: dict[str, list[float]] = {name: [] for name in reader.fieldnames or ()}
    for row in reader:
        for name, values in columns.items():
            try:
                value = float(row[name])
            except (TypeError, ValueError):
                value = math.nan
            if not math.isfinite(value):
                problem = f"{name} must be a number, not '{row[name]}'"
                raise in_file(str(path), problem, reader.line_num)
            values.append(value)
    if any(len(values) < 2 for values in columns.values()) or not columns:
        raise in_file(str(path), "expected a best fit and at least one draw")
    found = {name: tuple(values) for name, values in columns.items()}
    return found, hashlib.sha256(text.encode()).hexdigest()
