"""What a stranger gets who installs the package, outside of any clone; needs a package index."""

import json
import os
import sys
import tarfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from subprocess import run

import pytest

pytestmark = pytest.mark.prove

BUILD = "build>=1.6"
PYTHON = os.environ.get("PYTHON", sys.executable)
LARGEST = 330e6
"""Bytes of the core and of all it needs, with the bytecode that pip writes beside it."""
LOG = "node,start_day,end_day\n" + "".join(
    f"n{k % 16},{1 + 2 * k},{1.2 + 2 * k}\n" for k in range(40)
)
Done = Callable[..., str]


@pytest.fixture
def built(done: Done, clone: Path, tmp_path: Path) -> Path:
    """A folder with the source distribution and the wheel that is built from it."""
    done([PYTHON, "-m", "venv", tmp_path / "tool"], tmp_path)
    done([tmp_path / "tool/bin/pip", "install", "--quiet", BUILD], tmp_path)
    done([tmp_path / "tool/bin/python", "-m", "build", "--outdir", tmp_path / "dist"], clone)
    return tmp_path / "dist"


def size(folder: Path) -> int:
    """Bytes of what is installed."""
    tools = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
    return sum(
        path.lstat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(tools)
    )


def test_the_wheel_works_in_a_clean_environment(done: Done, built: Path, tmp_path: Path) -> None:
    [wheel] = built.glob("*.whl")
    home = tmp_path / "fresh"
    scripts = home / "bin"
    away = tmp_path / "away"
    away.mkdir()
    done([PYTHON, "-m", "venv", home], away)
    done([scripts / "pip", "install", "--quiet", wheel], away)
    listed = json.loads(done([scripts / "pip", "list", "--format=json"], away).splitlines()[0])
    needed = {one["name"] for one in listed} - {"pip", "setuptools", "mixedfleet"}
    assert len(needed) - 12 <= 30, needed
    [packages] = home.glob("lib/*/site-packages")
    assert size(packages) <= LARGEST

    assert version("mixedfleet") in done([scripts / "mixedfleet", "--version"], away)
    assert "wall_days" in done([scripts / "sim", "run", "deepseek-v3", "--replications", "2"], away)
    (away / "log.csv").write_text(LOG)
    watched = ["--nodes", "16", "--from", "0", "--to", "100", "--unit", "days"]
    columns = ["--columns", "start=start_day,end=end_day", "--out", "table.yaml"]
    told = done([scripts / "sim", "fit", "log.csv", *watched, *columns], away)
    assert told.startswith("40 outages of 16 nodes over 100.0 days")
    assert (away / "table.yaml").is_file()
    # Pictures need an extra, and say so before they begin.
    refused = run([scripts / "sim", "sensitivity", "deepseek-v3"], capture_output=True, text=True)
    assert "pip install 'mixedfleet[figures]'" in refused.stderr and refused.returncode == 2
    done([scripts / "sim", "notebooks", "--copy", "mine"], away)
    copies = sorted((away / "mine").glob("*.ipynb"))
    assert [path.name for path in copies][:1] == ["00_start_here.ipynb"]

    done([scripts / "pip", "install", "--quiet", f"{wheel}[notebooks]"], away)
    notebook = away / "mine" / "01_what_happens_in_one_training_run.ipynb"
    done([scripts / "papermill", notebook, "out.ipynb"], away, scripts)
    assert "<img alt=" in (away / "out.ipynb").read_text().replace("\\", "")


def test_the_source_holds_all_that_a_clone_has_and_passes_its_own_tests(
    done: Done, clone: Path, built: Path, tmp_path: Path
) -> None:
    [source] = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    [home] = (tmp_path / "source").iterdir()
    tracked = done(["git", "ls-files"], clone).splitlines()
    assert [name for name in tracked if not (home / name).is_file()] == []
    # Those that look at files; what is simulated is the same code.
    told = ["tests/test_packaging.py", "tests/publish", "tests/site", "tests/catalogue"]
    done([sys.executable, "-m", "pytest", "-q", *told], home)
