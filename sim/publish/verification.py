"""Do the committed figures hold: are they what their manifest says, and are they drawn again?"""

from __future__ import annotations

import csv
import math
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from sim.errors import CheckFailed
from sim.publish.figures import (
    FILES,
    FOLDERS,
    SAME,
    Figures,
    Values,
    digest,
    make_figures,
    manifest,
    repository,
)


def verify(jobs: int = 2, root: Path | None = None) -> str:
    """Check the committed figures against their manifest, then draw them all again and compare.

    Parameters
    ----------
    jobs : int
        Notebooks to run at a time.
    root : pathlib.Path, optional
        The repository, if it is not the one the package lies in.

    Returns
    -------
    str
        If all numbers hold (to 1e-9, relative): a line for each figure whose bytes differ, as they
        may with the platform, and a closing sentence.

    Raises
    ------
    CheckFailed
        Naming the figures that are not what the manifest says, are missing, are drawn by no
        notebook any more, or differ in their numbers.
    """
    base = repository(root)
    folder = base / FOLDERS["full"]
    committed = manifest(folder)
    if altered := _altered(folder, committed):
        closing = "The figures are not those of their manifest; nothing was drawn again."
        raise CheckFailed("\n".join([*altered, closing]))
    with TemporaryDirectory() as temporary:
        again = Path(temporary) / FOLDERS["full"]
        make_figures(jobs=jobs, out=again, root=base)
        drawn = manifest(again)
        names = sorted(committed | drawn)
        wrong = {name: _wrong(name, committed, drawn, folder, again) for name in names}
    other = {name: _other(committed[name], drawn[name]) for name in names if not wrong[name]}
    notes = {name: wrong[name] or other[name] for name in names}
    exact = list(notes.values()).count("")
    told = [f"{name}: {note}" for name, note in notes.items() if note]
    told.append(
        f"Of {len(names)} figures {len(other)} hold in their numbers (to {SAME:g}), "
        f"{exact} in every byte."
    )
    if any(wrong.values()):
        raise CheckFailed("\n".join(told))
    return "\n".join(told)


def _altered(folder: Path, committed: Figures) -> list[str]:
    """Say which files are not those the manifest describes."""
    described = {
        file: (name, was)
        for name, entry in committed.items()
        for file, was in entry["files"].items()
    }
    present = {path.name for path in folder.glob("*") if path.suffix[1:] in FILES}
    strange = sorted(present - described.keys())
    found = [f"{file}: in the folder, but not in the manifest" for file in strange]
    for file, (name, was) in described.items():
        if file not in present:
            found.append(f"{name}: {file} is missing")
        elif digest(folder / file) != was:
            found.append(f"{name}: {file} has been changed since it was drawn")
    return found


def _wrong(name: str, committed: Figures, drawn: Figures, folder: Path, again: Path) -> str:
    """Say why the numbers of a figure do not hold; nothing, if they do."""
    if name not in committed:
        return "drawn by a notebook, but not committed"
    if name not in drawn:
        return "committed, but drawn by no notebook"
    return _difference(folder / f"{name}.csv", again / f"{name}.csv")


def _other(committed: Values, drawn: Values) -> str:
    """Say what of a figure is other than it was; nothing, if every byte is the same."""
    keys = [key for key in sorted(committed | drawn) if committed.get(key) != drawn.get(key)]
    return f"numbers hold, bytes do not ({', '.join(keys)})" if keys else ""


def _difference(committed: Path, drawn: Path) -> str:
    """Say where two tables first differ in more than the last digits of a number."""
    header, *_ = table = _rows(committed)
    lines = zip_longest(table, _rows(drawn), fillvalue=[])
    for line, (was, now) in enumerate(lines, start=1):
        if len(was) != len(now):
            return f"line {line} of its data has {len(was)} values, drawn again {len(now)}"
        for column, a, b in zip(header, was, now, strict=False):
            if not _same(a, b):
                return f"{column} in line {line} of its data is {a}, drawn again {b}"
    return ""


def _rows(table: Path) -> list[list[str]]:
    return list(csv.reader(table.read_text(encoding="utf-8").splitlines()))


def _same(a: str, b: str) -> bool:
    if a == b:
        return True
    try:
        return math.isclose(float(a), float(b), rel_tol=SAME)
    except ValueError:
        return False
