"""The compiled engine against the engine as it is written: the same digits, or it is of no use."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from sim import compiled
from sim.errors import InputError
from sim.publish import figures
from sim.scenario import names

ROOT = figures.repository()
DIGITS = """
import json, sys
from benchmarks import questions
from sim import compiled, load_scenario, simulate

everything = questions.everything().override({"horizon": "100 d"})
found = {}
for scenario in [*map(load_scenario, sys.argv[1:]), everything]:
    runs = [simulate(scenario, 3, k) for k in range(2)]
    found[scenario.name] = [(run.fingerprint, repr(run.metrics)) for run in runs]
print(json.dumps([compiled.engine(), found]))
"""


def digits(scenarios: list[str], plain: str) -> tuple[str, dict[str, Any]]:
    """The engine that ran, and what two replications of each scenario come to."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "SIM_PLAIN": plain}
    command = [sys.executable, "-P", "-c", DIGITS, *scenarios]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    engine, found = json.loads(ran.stdout)
    return engine, found


def compare(scenarios: list[str]) -> None:
    """Both engines in these scenarios, and with every mechanism on."""
    (plain, written), (other, found) = digits(scenarios, "1"), digits(scenarios, "")
    assert (plain, other) == ("as written", "compiled")
    assert len(written) == len(scenarios) + 1
    assert found == written


def test_the_compiled_engine_gives_the_same_digits_in_a_dozen_scenarios() -> None:
    if not compiled.folder().is_dir():
        pytest.skip("has not been compiled (`make fast`)")
    compare(names()[:11])


@pytest.mark.prove
def test_the_compiled_engine_gives_the_same_digits_in_every_scenario() -> None:
    if not (shutil.which("cc") and find_spec("mypyc")):
        pytest.skip("needs mypyc and a C compiler")
    compiled.build()
    compare(list(names()))


def test_a_build_is_found_by_the_sources_and_only_if_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    build = compiled.folder()
    assert build.parent == tmp_path / "mixedfleet"
    (build / "sim" / "engine").mkdir(parents=True)
    file = build / "sim" / "engine" / f"__init__{compiled.SUFFIX}"
    file.touch()
    compiled.use()
    assert compiled.engine() == "as written"
    monkeypatch.setenv("SIM_PLAIN", "0")
    compiled.use()
    assert compiled.engine() == "compiled"
    finder = sys.meta_path[0]
    assert isinstance(finder, compiled.Finder)
    spec = finder.find_spec("sim.engine", None)
    assert spec is not None
    assert spec.origin == str(file)
    assert finder.find_spec("sim.scenario", None) is None
    monkeypatch.setattr(compiled, "sources", lambda: [file])
    assert compiled.folder() != build


def test_what_is_left_as_written_is_there() -> None:
    """A file that is given another name must not be compiled unseen."""
    assert {path.stem for path in compiled.PACKAGE.glob("engine/*.py")} >= compiled.ONCE
    assert not compiled.ONCE & {path.stem for path in compiled.sources()}


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compiled, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'mixedfleet\[compile\]'"):
        compiled.build()
    monkeypatch.setattr(compiled, "find_spec", lambda name: name)
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(InputError, match="'no-such-compiler' is not found"):
        compiled.build()
