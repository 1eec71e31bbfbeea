"""The engine compiled: the same files made faster by mypyc, kept in the user's cache.

A build is found by a hash of the sources and the Python that it was made for, so a stale one is
never used. With `SIM_PLAIN=1` in the environment the engine runs as it is written.
"""

import hashlib
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

PACKAGE = Path(__file__).parent
SUFFIX = EXTENSION_SUFFIXES[0]
OPTIONS = ("--follow-imports=skip", "--ignore-missing-imports")
"""Of mypyc: what a file imports is taken on trust, as pyright has checked it."""

C_COMPILER = {"MYPYC_OPT_LEVEL": "1", "MYPYC_DEBUG_LEVEL": "0"}
"""Its effort: with more a build takes a third longer, and runs are no faster."""

ONCE = {"__init__", "campaign", "phases", "setup", "supply"}
"""Files of the engine that a run goes through once or twice: a third of the time of a build."""


def sources() -> list[Path]:
    """The files that are compiled: those that a run goes through again and again."""
    every = sorted(PACKAGE.glob("engine/*.py"))
    engine = [path for path in every if path.stem not in ONCE]
    return [*engine, PACKAGE / "streams.py", PACKAGE / "results" / "ledger.py"]


def folder() -> Path:
    """Where the build of these sources for this Python lies, if there is one."""
    digest = hashlib.sha256(SUFFIX.encode())
    for path in sources():
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "mixedfleet" / digest.hexdigest()[:16]


class Finder(MetaPathFinder):
    """Finds the modules of a build before Python finds the sources of the same names."""

    def __init__(self, build: Path) -> None:
        self.build = build
        self._files = dict(_modules(build))

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The compiled module of that name, or None."""
        file = self._files.get(fullname)
        return spec_from_file_location(fullname, file) if file else None


def _modules(build: Path) -> Iterator[tuple[str, Path]]:
    """Names and files of the compiled modules, with that of mypyc that holds all their code."""
    for file in build.rglob(f"*{SUFFIX}"):
        parts = (*file.relative_to(build).parts[:-1], file.name.removesuffix(SUFFIX))
        yield ".".join(part for part in parts if part != "__init__"), file


def use() -> None:
    """Run the compiled engine from now on, if it has been built and is wanted."""
    if os.environ.get("SIM_PLAIN") == "1":
        return
    build = folder()
    if build.is_dir():
        sys.meta_path.insert(0, Finder(build))


def engine() -> str:
    """Which engine runs, in words."""
    found = any(isinstance(finder, Finder) for finder in sys.meta_path)
    return "compiled" if found else "as written"


def build() -> Path:
    """Compile the engine into the user's cache; what has been built is left as it is.

    Raises
    ------
    InputError
        When mypyc or a C compiler is missing.
    CheckFailed
        When it does not compile.
    """
    # Every process of the package loads this file, and few ever compile.
    import shutil
    import tempfile

    from sim.errors import CheckFailed, InputError

    target = folder()
    if target.is_dir():
        return target
    if not find_spec("mypyc"):
        raise InputError("mypyc is not installed; pip install 'mixedfleet[compile]'")
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if not shutil.which(compiler):
        raise InputError(f"there is no C compiler: '{compiler}' is not found; install one")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        # In a copy, as mypyc leaves what it makes beside the sources.
        shutil.copytree(PACKAGE, Path(scratch) / "sim")
        files = [str(path.relative_to(PACKAGE.parent)) for path in sources()]
        ran = subprocess.run(
            [sys.executable, "-P", "-m", "mypyc", *OPTIONS, *files],
            cwd=scratch,
            env=os.environ | C_COMPILER | {"PYTHONPATH": scratch, "SIM_PLAIN": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if ran.returncode:
            raise CheckFailed(f"the engine does not compile:\n{ran.stdout[-2000:]}")
        made = Path(scratch) / "made"
        # All are found before the first is copied: copies in the same folder would be found too.
        for _, file in list(_modules(Path(scratch))):
            # What the build keeps for itself would be found twice.
            if "build" not in file.relative_to(scratch).parts:
                place = made / file.relative_to(scratch)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, place)
        # Whole or not at all: another process may be looking, or building the same.
        if not target.is_dir():
            made.rename(target)
    return target
