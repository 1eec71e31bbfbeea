"""Run the notebooks, and keep the account of the figures they draw (`manifest.json`)."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import as_completed
from hashlib import sha256
from pathlib import Path
from typing import Any

from tqdm import tqdm

import sim
from sim import documents, worker_processes
from sim.errors import CheckFailed, InputError, in_file
from sim.files import make_folder, read, write
from sim.publish import swap
from sim.publish.notebook_parameters import check, execute, parameters

FOLDERS = {"full": "figures", "quick": "build/quick"}
FILES = ("csv", "png", "svg")
NAME = re.compile("[a-z0-9_]+")
"""What figures may be called."""
SAME = 1e-9
"""Relative difference of numbers to which library maths may differ between processors."""

Values = dict[str, Any]
Figures = dict[str, dict[str, Any]]
"""What a manifest says, by name of the figure."""


def repository(root: Path | None = None) -> Path:
    """Return the folder that holds `notebooks/`.

    Parameters
    ----------
    root : pathlib.Path, optional
        The folder to take; the one the package lies in unless given.

    Raises
    ------
    InputError
        When the package was installed without it.
    """
    root = (root or Path(sim.__file__).parents[1]).resolve()
    if not (root / "notebooks").is_dir():
        raise InputError(
            f"There are no notebooks in {root}: the figures need a clone of the repository; "
            "`sim notebooks --copy DIR` gives you the notebooks without one."
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
        problem = f'There is no profile "{profile}"'
        raise InputError.no_such(problem, profile, FOLDERS, ".", listed="there are")
    values = _values(_choose(names, base), profile, given or {}, base)
    folder = (Path(out) if out else base / FOLDERS[profile]).resolve()
    # Whatever is wrong with the folder is found before anything runs.
    _check_folder(folder)
    before = manifest(folder)
    executed = base / "build" / "notebooks" / profile
    make_folder(executed)
    with swap.draft(folder) as draft:
        order = longest_first(values, seconds_of(base))
        _run({path: values[path] for path in order}, draft, executed, profile, jobs)
        drawn = _drawn(values, draft, lock=digest(base / "requirements.lock"))
        kept = {}
        if names:
            # Notebooks replace their own figures only.
            ran = {notebook.name for notebook in values}
            kept = {
                name: entry for name, entry in before.items() if entry["notebook"] not in ran
            }
        _publish(drawn, draft, folder, before, kept)
    return folder


def _check_folder(folder: Path) -> None:
    """Refuse a folder that figures cannot take the place of.

    Raises
    ------
    InputError
        When it is no folder, the current one, or holds other things.
    """
    if folder.exists() and not folder.is_dir():
        raise in_file(str(folder), "cannot be used as a folder (Not a directory)")
    # Whoever stands in it would be left standing in one that is gone.
    if Path.cwd().is_relative_to(folder):
        raise in_file(
            str(folder), "is the current folder, or above it; give one for figures only"
        )
    for path in folder.glob("[!.]*"):
        known = path.name == "manifest.json" or path.suffix[1:] in FILES
        if not (known and path.is_file()):
            problem = (
                f'holds "{path.name}", which is no figure; give a folder for figures only'
            )
            raise in_file(str(folder), problem)


def _choose(names: Sequence[str], base: Path) -> list[Path]:
    """The notebooks of these names, in their reading order; all if none is named."""
    every = {path.stem: path for path in notebooks(base)}
    # A shell completes a name to a path.
    wanted = [Path(name).name.removesuffix(".ipynb") for name in names]
    for stem in wanted:
        if stem not in every:
            problem = f'There is no notebook "{stem}"'
            raise InputError.no_such(problem, stem, every, ".", listed="there are")
    return [path for stem, path in every.items() if stem in wanted or not wanted]


def _values(
    chosen: list[Path], profile: str, given: Mapping[str, str], base: Path
) -> dict[Path, Values]:
    """The values that each notebook is to run with, checked."""
    known = {notebook: parameters(notebook) for notebook in chosen}
    for notebook, names in known.items():
        if "out" not in names:
            raise InputError(
                f"{notebook.name} has no parameter `out`: the folder to save its figures in."
            )
    settable = set().union(*known.values()) - {"out"}
    for name in given:
        if name not in settable:
            problem = f'None of these notebooks has a parameter "{name}"'
            raise InputError.no_such(problem, name, settable, ".")
    quick = _quick(base) if profile == "quick" else {}
    values = {}
    for notebook, names in known.items():
        own = {name: value for name, value in given.items() if name in names}
        values[notebook] = check(notebook, quick.get(notebook.stem, {}) | own)
    return values


def _quick(base: Path) -> dict[str, Values]:
    """The values of the quick profile by notebook, all of them checked, asked for or not."""
    document = documents.read(base / "notebooks" / "quick.yaml")
    profile = document.data
    if not isinstance(profile, dict) or not all(
        isinstance(v, dict) for v in profile.values()
    ):
        raise InputError(
            f"{document.name}: must give, for each notebook, its parameters and their values."
        )
    for stem, values in profile.items():
        [notebook] = _choose([stem], base)
        check(notebook, values, where=document.where((stem,)))
    return profile


def seconds_of(base: Path) -> dict[str, float]:
    """How long each notebook takes, as far as that was measured."""
    path = base / "notebooks" / "times.yaml"
    return documents.read(path).data if path.exists() else {}


def longest_first(paths: Iterable[Path], seconds: Mapping[str, float]) -> list[Path]:
    """The order in which notebooks begin: a long one that began last would end alone."""
    return sorted(paths, key=lambda path: (-seconds.get(path.stem, 0.0), path.stem))


def _run(
    values: dict[Path, Values], draft: Path, executed: Path, profile: str, jobs: int
) -> None:
    """Run notebooks, each drawing into a folder of its own below `draft`."""
    failures = []
    with worker_processes.pool(jobs) as processes:
        futures = []
        for path, given in values.items():
            told = given | {"out": str(draft / path.stem)}
            futures.append(
                processes.submit(execute, path, told, executed / path.name, profile)
            )
        # None means: no bar where standard error is not a terminal.
        done = tqdm(as_completed(futures), "notebooks", len(futures), disable=None)
        for future in done:
            if future.cancelled():
                continue
            if failure := future.result():
                failures.append(failure)
                # Nothing will be published, so what has not begun is not worth its time.
                for other in futures:
                    other.cancel()
    if failures:
        raise CheckFailed("\n".join([*failures, "No figure has been changed."]))


def _drawn(values: dict[Path, Values], draft: Path, lock: str) -> Figures:
    """What the manifest will say of each figure that notebooks have drawn below `draft`."""
    drawn: Figures = {}
    for notebook, given in values.items():
        for words in sorted((draft / notebook.stem).glob("*.json")):
            name = words.stem
            files = [words.with_suffix(f".{suffix}") for suffix in FILES]
            if not all(file.exists() for file in files):
                raise CheckFailed(
                    f'{notebook.name} wrote "{words.name}" without its figure: '
                    "use `sim.pictures.style.save_figure`."
                )
            if name in drawn:
                other = drawn[name]["notebook"]
                raise CheckFailed(f'{notebook.name} and {other} both draw "{name}".')
            drawn[name] = {
                **json.loads(words.read_text(encoding="utf-8")),
                "notebook": notebook.name,
                "parameters": given,
                "data": digest(files[0]),
                "files": {file.name: digest(file) for file in files},
                "lock": lock,
            }
    return drawn


def _publish(
    drawn: Figures, draft: Path, folder: Path, before: Figures, kept: Figures
) -> None:
    """Put drawn figures, and what says where they are from, into the place of those of before.

    Parameters
    ----------
    drawn : dict
    draft, folder : pathlib.Path
        Where they are, and where they are to be.
    before, kept : dict
        The figures of the folder, and those of them that stay.
    """
    new = draft / ".new"
    if folder.exists():
        shutil.copytree(folder, new, symlinks=True)
    else:
        new.mkdir()
    for name in before.keys() - kept.keys():
        for suffix in FILES:
            (new / f"{name}.{suffix}").unlink(missing_ok=True)
    for entry in drawn.values():
        own = draft / Path(entry["notebook"]).stem
        for file in entry["files"]:
            shutil.copyfile(own / file, new / file)
    account = {"figures": kept | drawn}
    text = json.dumps(account, ensure_ascii=False, indent=2, sort_keys=True)
    write(new / "manifest.json", text + "\n")
    swap.take_place(new, folder)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return sha256(path.read_bytes()).hexdigest()


def manifest(folder: Path) -> Figures:
    """Return what the folder's `manifest.json` says of each figure; nothing, if there is none.

    Raises
    ------
    InputError
        When it cannot be read, or tells of other files than those of figures.
    """
    path = folder / "manifest.json"
    if not path.exists():
        return {}
    try:
        found = json.loads(read(path))["figures"]
        for name, entry in found.items():
            # What it names is replaced or removed: it must not lead elsewhere.
            files = {f"{name}.{suffix}" for suffix in FILES}
            known = {**entry["files"], "notebook": entry["notebook"]}
            texts = all(isinstance(value, str) for value in known.values())
            if not (NAME.fullmatch(name) and entry["files"].keys() == files and texts):
                raise ValueError(f"'{name}' is no figure")
        return found
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path} cannot be read ({error}): delete it and draw all figures again."
        ) from None
