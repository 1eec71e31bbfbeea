"""Points are known by all their numbers depend on, and come back from disk as they were, or not at
all.
"""

from __future__ import annotations

import json
import math
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
KNOWN = min(POINT.scenario.unknowns())
"""One of its unknown constants."""
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
        replace(POINT, unknowns={KNOWN: float(POINT.scenario.unknowns()[KNOWN])}),
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
