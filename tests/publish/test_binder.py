"""What Binder will do with the repository, replayed without Docker; needs a package index."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sim import documents
from sim.publish import figures

pytestmark = pytest.mark.prove

TOOL = "jupyter-repo2docker==2026.4.0"


def test_repo2docker_sees_the_python_the_lock_and_the_package(
    done: Callable[..., str], clone: Path, tmp_path: Path
) -> None:
    done([sys.executable, "-m", "venv", tmp_path / "tool"], tmp_path)
    done([tmp_path / "tool/bin/pip", "install", "--quiet", TOOL], tmp_path)
    recipe = done([tmp_path / "tool/bin/jupyter-repo2docker", "--no-build", "--debug", "."], clone)
    assert "Building conda environment for python=3.12" in recipe
    steps = [
        recipe.index(step)
        for step in ("src/ ${REPO_DIR}/", '--file "environment.yml"', "RUN ./postBuild")
    ]
    assert steps == sorted(steps), "the lock is there before it is installed, the package after"
    assert "pip install -r requirements.lock" in (clone / "postBuild").read_text()


def test_the_same_steps_in_a_fresh_environment_end_with_figures(
    done: Callable[..., str], clone: Path, tmp_path: Path
) -> None:
    python = os.environ.get("PYTHON", sys.executable)
    home = tmp_path / "fresh"
    done([python, "-m", "venv", home], tmp_path)
    environment = documents.read(clone / "environment.yml").data
    [listed] = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
    for words in listed:
        done([home / "bin/pip", "install", "--quiet", *words.split()], clone)
    done(["bash", "postBuild"], clone, home / "bin")
    assert str(clone) in done(
        [home / "bin/python", "-c", "import sim; print(sim.__file__)"], tmp_path
    )
    done([home / "bin/sim", "figures", "--profile", "quick", "--jobs", "2"], clone)
    drawn = {entry["notebook"] for entry in figures.manifest(clone / "build" / "quick").values()}
    assert drawn == {path.name for path in (clone / "notebooks").glob("*.ipynb")}
    assert done(["git", "status", "--porcelain"], clone).strip() == ""
