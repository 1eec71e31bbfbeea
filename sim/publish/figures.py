"""Run the notebooks, keep the account of the figures they draw (`manifest.json`), and verify the
committed ones.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import as_completed
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tqdm import tqdm

import sim
from sim import documents, worker_processes
from sim.errors import CheckFailed, InputError, nearest
from sim.files import make_folder, write
from sim.publish.notebook_parameters import check, execute, parameters

FOLDERS = {"full": "figures", "quick": "build/quick"}
FILES = ("csv", "png", "svg")
SAME = 1e-9  # relative: what library maths may differ by between processors


def repository(root: Path | None = None) -> Path:
    """Return the folder that holds `notebooks/`; raise InputError if the package was installed
    without it.
    """
    root = (root or Path(sim.__file__).parents[1]).resolve()
    if not (root / "notebooks").is_dir():
        raise InputError(
            f"There are no notebooks in {root}: the figures need a clone of the repository, not only `sim`."
        )
    return root


def notebooks(root: Path | None = None) -> list[Path]:
    """Return the notebooks in their reading order."""
    return sorted((repository(root) / "notebooks").glob("*.ipynb"))


def make_figures(
    names: Sequence[str] = (),
    profile: str = "full",
    given: Mapping[str, str] | None = None,
    jobs: int = 2,
    out: str | Path | None = None,
    root: Path | None = None,
) -> Path:
    """Run notebooks and put what they draw, with its manifest, into a folder, all of it or nothing.

    Parameters
    ----------
    names : sequence of str
        Notebooks by file name, with or without ending. None: all of them, and figures no longer
        drawn are removed.
    profile : {"full", "quick"}
        `quick` takes the values in `notebooks/quick.yaml`, for a first look.
    given : mapping of str to str
        Values for the notebooks that have a parameter of that name.
    jobs : int
        Notebooks to run at a time.
    out : str or pathlib.Path, optional
        The folder; `figures/` (full) or `build/quick/` (quick) if left out.
    root : pathlib.Path, optional
        The repository, if it is not the one the package lies in.

    Returns
    -------
    pathlib.Path
        The folder. The notebooks as they ran are in `build/notebooks/PROFILE/`.

    Raises
    ------
    InputError
        For wrong names or values, before anything is run.
    CheckFailed
        If a notebook fails, or two draw a figure of one name.
    """
    base = repository(root)
    if profile not in FOLDERS:
        raise InputError(
            f'There is no profile "{profile}"{nearest(profile, FOLDERS)}; there are: {", ".join(FOLDERS)}.'
        )
    values = _values(_choose(names, base), profile, given or {}, base)
    folder = Path(out) if out else base / FOLDERS[profile]
    make_folder(folder)
    (base / "build").mkdir(exist_ok=True)
    with TemporaryDirectory(
        dir=base / "build", prefix="figures-", ignore_cleanup_errors=True
    ) as draft:
        _run(values, Path(draft), base / "build" / "notebooks" / profile, jobs)
        _publish(values, Path(draft), folder, _digest(base / "requirements.lock"), whole=not names)
    return folder


def _choose(names: Sequence[str], base: Path) -> list[Path]:
    every = {path.stem: path for path in notebooks(base)}
    wanted = [name.removesuffix(".ipynb") for name in names]
    for stem in wanted:
        if stem not in every:
            raise InputError(
                f'There is no notebook "{stem}"{nearest(stem, every)}; there are: {", ".join(every)}.'
            )
    return [path for stem, path in every.items() if stem in wanted or not wanted]


def _values(
    chosen: list[Path], profile: str, given: Mapping[str, str], base: Path
) -> dict[Path, dict[str, Any]]:
    known = {notebook: parameters(notebook) for notebook in chosen}
    for notebook in chosen:
        if "out" not in known[notebook]:
            raise InputError(
                f"{notebook.name} has no parameter `out`: the folder to save its figures in."
            )
    settable = {name for names in known.values() for name in names} - {"out"}
    for name in given:
        if name not in settable:
            raise InputError(
                f'None of these notebooks has a parameter "{name}"{nearest(name, settable)}.'
            )
    quick = _quick(base) if profile == "quick" else {}
    values = {}
    for notebook in chosen:
        own = {name: value for name, value in given.items() if name in known[notebook]}
        values[notebook] = check(notebook, quick.get(notebook.stem, {}) | own)
    return values


def _quick(base: Path) -> dict[str, dict[str, Any]]:
    document = documents.read(base / "notebooks" / "quick.yaml")
    if not isinstance(document.data, dict) or not all(
        isinstance(values, dict) for values in document.data.values()
    ):
        raise InputError(
            f"{document.name}: must give, for each notebook, its parameters and their values."
        )
    for stem, values in document.data.items():
        [notebook] = _choose([stem], base)
        check(notebook, values, where=document.where((stem,)))
    return document.data


def _run(values: dict[Path, dict[str, Any]], draft: Path, executed: Path, jobs: int) -> None:
    executed.mkdir(parents=True, exist_ok=True)
    failures: list[str] = []
    with worker_processes.pool(jobs) as pool:
        futures = [
            pool.submit(
                execute, path, given | {"out": str(draft / path.stem)}, executed / path.name
            )
            for path, given in values.items()
        ]
        for future in tqdm(
            as_completed(futures), total=len(futures), desc="notebooks", unit="notebook"
        ):
            if not future.cancelled() and (failure := future.result()):
                failures.append(failure)
                for other in futures:
                    other.cancel()
    if failures:
        raise CheckFailed("\n".join([*failures, "No figure has been changed."]))


def _publish(
    values: dict[Path, dict[str, Any]], draft: Path, folder: Path, lock: str, whole: bool
) -> None:
    """Move the drafted figures over, then what says where they are from, and drop those no longer
    drawn.
    """
    drawn: dict[str, dict[str, Any]] = {}
    for notebook, given in values.items():
        written = set((draft / notebook.stem).glob("*"))
        for words in sorted(path for path in written if path.suffix == ".json"):
            files = [words.with_suffix(f".{suffix}") for suffix in FILES]
            if not written.issuperset(files):
                raise CheckFailed(
                    f'{notebook.name} wrote "{words.name}" without its figure: use `sim.pictures.style.save_figure`.'
                )
            if words.stem in drawn:
                raise CheckFailed(
                    f'{notebook.name} and {drawn[words.stem]["notebook"]} both draw "{words.stem}".'
                )
            drawn[words.stem] = json.loads(words.read_text(encoding="utf-8")) | {
                "notebook": notebook.name,
                "parameters": given,
                "data": _digest(files[0]),
                "files": {file.name: _digest(file) for file in files},
                "lock": lock,
            }
    before = manifest(folder)
    ran = {notebook.name for notebook in values}
    kept = (
        {}
        if whole
        else {name: entry for name, entry in before.items() if entry["notebook"] not in ran}
    )
    for entry in drawn.values():
        for file in entry["files"]:
            write(folder / file, (draft / Path(entry["notebook"]).stem / file).read_bytes())
    for name in before.keys() - kept.keys() - drawn.keys():
        for suffix in FILES:
            (folder / f"{name}.{suffix}").unlink(missing_ok=True)
    account = (
        json.dumps({"figures": kept | drawn}, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    )
    write(folder / "manifest.json", account)


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what the folder's `manifest.json` says of each figure; nothing, if there is none."""
    path = folder / "manifest.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))["figures"] if path.exists() else {}
    except (ValueError, KeyError) as error:
        raise InputError(
            f"{path} cannot be read ({error}): delete it and draw all figures again."
        ) from None


def verify(jobs: int = 2, root: Path | None = None) -> str:
    """Check the committed figures against their manifest, then draw them all again elsewhere and
    compare.

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
        raise CheckFailed(
            "\n".join(
                [*altered, "The figures are not those of their manifest; nothing was drawn again."]
            )
        )
    with TemporaryDirectory() as temporary:
        again = Path(temporary)
        make_figures(jobs=jobs, out=again, root=base)
        drawn = manifest(again)
        names = sorted(committed | drawn)
        found = {
            name: _compared(name, committed.get(name), drawn.get(name), folder, again)
            for name in names
        }
    numbers, exact = (
        sum(hold for hold, _ in found.values()),
        sum(not note for _, note in found.values()),
    )
    told = [f"{name}: {note}" for name, (_, note) in found.items() if note]
    told.append(
        f"Of {len(found)} figures {numbers} hold in their numbers (to {SAME:g}), {exact} in every byte."
    )
    if numbers < len(found):
        raise CheckFailed("\n".join(told))
    return "\n".join(told)


def _altered(folder: Path, committed: dict[str, dict[str, Any]]) -> list[str]:
    """Say which files are not those the manifest describes."""
    described = {
        file: (name, digest)
        for name, entry in committed.items()
        for file, digest in entry["files"].items()
    }
    present = {path.name for path in folder.glob("*") if path.suffix[1:] in FILES}
    found = [
        f"{file}: in the folder, but not in the manifest"
        for file in sorted(present - described.keys())
    ]
    for file, (name, digest) in described.items():
        if file not in present:
            found.append(f"{name}: {file} is missing")
        elif _digest(folder / file) != digest:
            found.append(f"{name}: {file} has been changed since it was drawn")
    return found


def _compared(
    name: str,
    committed: dict[str, Any] | None,
    drawn: dict[str, Any] | None,
    folder: Path,
    again: Path,
) -> tuple[bool, str]:
    """Whether the numbers of a figure hold, and what is other than it was; nothing, if every byte
    is the same.
    """
    if committed is None or drawn is None:
        return (
            False,
            "drawn by a notebook, but not committed"
            if drawn
            else "committed, but drawn by no notebook",
        )
    if difference := _difference(folder / f"{name}.csv", again / f"{name}.csv"):
        return False, difference
    other = [key for key in sorted(committed | drawn) if committed.get(key) != drawn.get(key)]
    return True, f"numbers hold, bytes do not ({', '.join(other)})" if other else ""


def _difference(committed: Path, drawn: Path) -> str:
    """Say where two tables first differ in more than the last digits of a number; nothing, if they
    do not.
    """
    tables = [
        list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
        for path in (committed, drawn)
    ]
    header = tables[0][0]
    for line, (was, now) in enumerate(zip_longest(*tables, fillvalue=[]), start=1):
        if len(was) != len(now):
            return f"line {line} of its data has {len(was)} values, drawn again {len(now)}"
        for column, (a, b) in enumerate(zip(was, now, strict=True)):
            if a != b and not _close(a, b):
                return f"{header[column]} in line {line} of its data is {a}, drawn again {b}"
    return ""


def _close(a: str, b: str) -> bool:
    try:
        return math.isclose(float(a), float(b), rel_tol=SAME)
    except ValueError:
        return False


def binder_badge(notebook: str, root: Path | None = None) -> str:
    """Return the Markdown badge that opens a notebook of this release on Binder; the address is
    CITATION.cff's.

    Parameters
    ----------
    notebook : str
        Its file name.
    root : pathlib.Path, optional
        The repository, if it is not the one the package lies in.
    """
    base = repository(root)
    [path] = _choose([notebook], base)
    citation = documents.read(base / "CITATION.cff").data
    project = citation["repository-code"].removeprefix("https://github.com/")
    address = f"https://mybinder.org/v2/gh/{project}/v{citation['version']}?urlpath=lab/tree/notebooks/{path.name}"
    return f"[![Binder](https://mybinder.org/badge_logo.svg)]({address})"
