"""What Binder will do with the repository, replayed without Docker; needs a package index."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from sim.publish import figures

pytestmark = pytest.mark.prove

ROOT = figures.repository()
TOOL = "jupyter-repo2docker==2026.4.0"


def done(command: Sequence[str | Path], folder: Path, path: Path | None = None) -> str:
    """What a command says; without anything of this environment but its packages' index."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    if path:
        environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    return ran.stdout + ran.stderr


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The repository as it is committed."""
    done(["git", "clone", "--quiet", ROOT, tmp_path / "clone"], tmp_path)
    return tmp_path / "clone"


def test_repo2docker_sees_the_python_the_lock_and_the_package(clone: Path, tmp_path: Path) -> None:
    done([sys.executable, "-m", "venv", tmp_path / "tool"], tmp_path)
    done([tmp_path / "tool/bin/pip", "install", "--quiet", TOOL], tmp_path)
    recipe = done([tmp_path / "tool/bin/jupyter-repo2docker", "--no-build", "--debug", "."], clone)
    assert "Building conda environment for python=3.12" in recipe
    steps = [
        recipe.index(step)
        for step in ("src/ ${REPO_DIR}/", '--file "environment.yml"', "RUN ./postBuild")
    ]
    assert steps == sorted(steps), "the lock is there before it is installed, the package after"
    assert "-r requirements.lock" in (clone / "environment.yml").read_text()


def test_the_same_steps_in_a_fresh_environment_end_with_figures(
    clone: Path, tmp_path: Path
) -> None:
    python = os.environ.get("PYTHON", sys.executable)
    home = tmp_path / "fresh"
    done([python, "-m", "venv", home], tmp_path)
    done([home / "bin/pip", "install", "--quiet", "--requirement", "requirements.lock"], clone)
    done(["bash", "postBuild"], clone, home / "bin")
    assert str(clone) in done(
        [home / "bin/python", "-c", "import sim; print(sim.__file__)"], tmp_path
    )
    done([home / "bin/sim", "figures", "--profile", "quick", "--jobs", "2"], clone)
    drawn = {entry["notebook"] for entry in figures.manifest(clone / "build" / "quick").values()}
    assert drawn == {path.name for path in (clone / "notebooks").glob("*.ipynb")}
    assert done(["git", "status", "--porcelain"], clone).strip() == ""
