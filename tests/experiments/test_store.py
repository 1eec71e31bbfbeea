"""Points are known by all their numbers depend on, and come back from disk as they were, or not at
all.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sim.errors import InputError
from sim.experiments.store import COMPUTE, PACKAGE, Outcome, Point, Store, code_version
from sim.results.metrics import check_metric
from sim.scenario import load_scenario
from tests.engine.bare import PLAIN, bare_scenario, pool
from tests.experiments.stand_in import NAMES, ten_days, unsure

POINT = Point(bare_scenario(), 1, range(3))
OUTCOMES = [
    Outcome(k, k > 0, {"wall_days": 0.1 + k / 3, "price": math.nan}, f"f{k}") for k in range(3)
]


@pytest.mark.parametrize(
    "other",
    [
        replace(POINT, scenario=bare_scenario(checkpoint={"interval": "2 h"})),
        replace(POINT, seed=2),
        replace(POINT, replications=range(1, 3)),
        replace(POINT, replications=range(4)),
        replace(POINT, fixed_inputs=True),
    ],
)
def test_whatever_the_numbers_depend_on_makes_another_key(other: Point, tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.key(other) != store.key(POINT)


def test_outcomes_of_another_simulator_are_not_taken_for_those_of_the_engine(
    tmp_path: Path,
) -> None:
    store, other = Store(tmp_path), Store(tmp_path, ten_days)
    other.put(POINT, OUTCOMES)
    assert store.get(POINT) is None
    assert repr(other.get(POINT)) == repr(OUTCOMES)


def test_the_order_of_pools_counts() -> None:
    body = PLAIN["fleet"]["pool"]
    one, two = (
        load_scenario(PLAIN | {"fleet": dict.fromkeys(names, body)})
        for names in (("a", "b"), ("b", "a"))
    )
    assert repr(Point(one, 1, range(3)).content) != repr(Point(two, 1, range(3)).content)


def test_constants_that_are_given_make_another_key() -> None:
    one, two, three = (
        replace(POINT, scenario=unsure().given({"checkpoint.load": s})) for s in (0.5, 0.5, 0.6)
    )
    assert one.content == two.content != three.content
    four, five = (
        replace(POINT, scenario=unsure(), unknowns={"checkpoint.load": s}) for s in (0.5, 0.6)
    )
    assert four.content != five.content


def test_another_trace_of_outages_is_another_key(tmp_path: Path) -> None:
    trace, keys = tmp_path / "trace.csv", set()
    for end in (2, 3, 3):
        trace.write_text(f"node,start_day,end_day\na,1,{end}\n")
        scenario = bare_scenario(fleet=pool(failures={"trace": str(trace)}))
        keys.add(Store(tmp_path).key(Point(scenario, 1, range(3))))
    assert len(keys) == 2


def versions(package: Path, *names: str) -> list[str]:
    """The version of the code after each of these files has been changed."""
    found = []
    for k, name in enumerate(names):
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(k))
        code_version.cache_clear()
        found.append(code_version(package))
    return found


def test_what_computes_makes_another_version(tmp_path: Path) -> None:
    changed = (
        "streams.py",
        "streams.py",
        "engine/job.py",
        "quantities/units.py",
        "results/metrics.py",
        "scenario/parts.py",
        "throughput/plan.py",
        "catalogue/kinds.py",
        "catalogue/chips.yaml",
        "catalogue/chips.yaml",
    )
    assert len(set(versions(tmp_path, *changed))) == len(changed)


def test_a_comment_in_a_picture_makes_no_stored_sweep_stale(tmp_path: Path) -> None:
    changed = (
        "streams.py",
        "pictures/run.py",
        "publish/pages.py",
        "cli/app.py",
        "experiments/sweep.py",
        "validation/report.py",
        "scenarios/mine.yaml",
        "errors.py",
    )
    assert len(set(versions(tmp_path, *changed))) == 1


def test_every_part_that_computes_is_there() -> None:
    assert [name for name in COMPUTE if not (PACKAGE / name).exists()] == []


def test_outcomes_come_back_as_they_were(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.get(POINT) is None
    store.put(POINT, OUTCOMES)
    found, key = store.get(POINT), store.key(POINT)
    assert repr(found) == repr(OUTCOMES)  # nan is not equal to itself
    assert [path.name for path in (tmp_path / "points").iterdir()] == [f"{key}.json"]
    assert "NaN" not in store.path(key).read_text()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[1, 2]",
        lambda text: "\x00" * len(text),
        lambda text: text.replace("0.1,", "0.2,"),
        lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "sha256"}),
    ],
)
def test_a_damaged_file_is_named_and_not_used(
    damage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path)
    store.put(POINT, OUTCOMES)
    path = store.path(store.key(POINT))
    before = path.read_text()
    path.write_text(damage(before))
    assert path.read_text() != before
    assert store.get(POINT) is None
    assert str(path) in capsys.readouterr().err
    store.put(POINT, OUTCOMES)
    assert path.read_text() == before


def test_the_file_of_another_point_is_not_taken_for_this_one(tmp_path: Path) -> None:
    store, other = Store(tmp_path), replace(POINT, seed=2)
    store.put(other, OUTCOMES)
    store.path(store.key(other)).rename(store.path(store.key(POINT)))
    assert store.get(POINT) is None


def test_unknown_constants_that_are_set_stay_and_the_others_are_drawn() -> None:
    point = Point(unsure(), 1, range(1), {"checkpoint.load": 0.25})
    assert point.known_scenario.checkpoint.load == 0.25
    assert set(point.known_scenario.unknowns()) == set(NAMES) - {"checkpoint.load"}


def test_a_metric_is_checked_before_anything_is_run() -> None:
    check_metric("ettr", bare_scenario())
    with pytest.raises(InputError, match=r'plain: no metric \'etr\' \(did you mean "ettr"\?\)'):
        check_metric("etr", bare_scenario())


def test_a_trace_that_cannot_be_read_is_no_damaged_file(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("node,start_day,end_day\na,1,2\n")
    point = Point(bare_scenario(fleet=pool(failures={"trace": str(trace)})), 1, range(1))
    trace.unlink()
    with pytest.raises(InputError, match="the trace cannot be read"):
        Store(tmp_path).get(point)


def test_infinite_metrics_are_kept_and_deep_nesting_is_damage(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(POINT, [Outcome(0, True, {"a": math.inf, "b": -math.inf, "c": 1.0}, "f")])
    found = store.get(POINT)
    assert found
    assert found[0].metrics == {"a": math.inf, "b": -math.inf, "c": 1.0}
    store.path(store.key(POINT)).write_text("[" * 100_000)
    assert store.get(POINT) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in folders")
def test_a_pipe_in_the_store_is_named_before_anything_is_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.path(store.key(POINT))
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(InputError, match="is not a regular file"):
        store.get(POINT)


def test_a_folder_keeps_one_experiment(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.record("sweep", [({"x": 1}, POINT)])
    # The same again, with more replications.
    store.record("sweep", [({"x": 1}, replace(POINT, replications=range(9)))])
    before = (tmp_path / "record.json").read_text()
    others = [
        ("run", [({"x": 1}, POINT)]),
        ("sweep", [({"x": 2}, POINT)]),
        ("sweep", [({"x": 1}, replace(POINT, seed=7))]),
    ]
    for experiment, points in others:
        with pytest.raises(InputError, match="holds the record of something else"):
            store.record(experiment, points)
    assert (tmp_path / "record.json").read_text() == before
    store.record("sweep", [({"x": 1}, POINT), ({"x": 2}, POINT)])
    with pytest.raises(InputError, match="holds the record of something else"):
        store.record("sweep", [({"x": 1}, POINT)])


def test_a_processor_with_other_last_digits_is_another_version() -> None:
    words = [sys.executable, "-c", "from sim.experiments.store import code_version, _digits\n"]
    words[-1] += "import numpy as np; print(np.log(np.arange(1, 9999) / 9999).sum().hex())\n"
    words[-1] += "print(sum(np.exp(np.arange(999) / 9)).hex(), code_version())"
    found = set()
    for off in ("", "X86_V4 AVX512_ICL AVX512_SPR", "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"):
        environment = os.environ | {"NPY_DISABLE_CPU_FEATURES": off}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        found.add(tuple(done.stdout.split()))
    digits = {numbers[:2] for numbers in found}
    assert len({version for *_, version in found}) >= len(digits)
