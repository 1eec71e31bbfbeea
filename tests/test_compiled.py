"""The compiled engine against the engine as it is written: the same digits, or it is of no use."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sim.publish import figures

pytestmark = pytest.mark.prove

ROOT = figures.repository()
DIGITS = """
import json
from benchmarks import questions
from sim import load_scenario, simulate
from sim.engine import job
from sim.scenario.reading import names

everything = questions.everything().override({"horizon": "100 d"})
found = {}
for scenario in [*map(load_scenario, names()), everything]:
    runs = [simulate(scenario, 3, k) for k in range(2)]
    found[scenario.name] = [(run.fingerprint, repr(run.metrics)) for run in runs]
print(json.dumps([job.__file__, found]))
"""


def digits(folder: Path) -> tuple[str, dict[str, Any]]:
    """The file of the engine used, and what two replications of every scenario come to."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (folder, ROOT)))}
    command = [sys.executable, "-P", "-c", DIGITS]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    file, found = json.loads(ran.stdout)
    return file, found


def test_the_compiled_engine_gives_the_same_digits_in_every_scenario() -> None:
    if not (shutil.which("cc") and shutil.which("make")):
        pytest.skip("needs make and a C compiler")
    subprocess.run(["make", "fast"], cwd=ROOT, check=True)
    (source, written), (library, compiled) = digits(ROOT), digits(ROOT / "build" / "fast")
    assert (Path(source).suffix, Path(library).suffix) in {(".py", ".so"), (".py", ".pyd")}
    assert len(written) > 20
    assert compiled == written
