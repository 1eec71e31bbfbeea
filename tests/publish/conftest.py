"""Commands as somebody would give them who has nothing of this environment."""

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sim.publish import figures


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


@pytest.fixture(name="done")
def _done() -> Callable[..., str]:
    return done


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The repository as it is committed."""
    done(["git", "clone", "--quiet", figures.repository(), tmp_path / "clone"], tmp_path)
    return tmp_path / "clone"
