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
from sim.experiments import store
from sim.experiments.store import Outcome, Point, Store
from sim.results.metrics import check_metric
from sim.scenario import load_scenario
from tests.engine.bare import PLAIN, bare_scenario, pool
from tests.experiments.stand_in import NAMES, unsure

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
        replace(POINT, unknowns={"a": 1.0}),
        replace(POINT, fixed_inputs=True),
    ],
)
def test_whatever_the_numbers_depend_on_makes_another_key(other: Point) -> None:
    assert other.key != POINT.key


def test_the_order_of_pools_counts() -> None:
    body = PLAIN["fleet"]["pool"]
    one, two = (
        load_scenario(PLAIN | {"fleet": dict.fromkeys(names, body)})
        for names in (("a", "b"), ("b", "a"))
    )
    assert Point(one, 1, range(3)).key != Point(two, 1, range(3)).key


def test_constants_that_are_given_make_another_key() -> None:
    one, two, three = (
        replace(POINT, scenario=unsure().given({"checkpoint.load": s})) for s in (0.5, 0.5, 0.6)
    )
    assert one.key == two.key != three.key


def test_another_trace_of_outages_is_another_key(tmp_path: Path) -> None:
    trace, keys = tmp_path / "trace.csv", set()
    for end in (2, 3, 3):
        trace.write_text(f"node,start_day,end_day\na,1,{end}\n")
        keys.add(Point(bare_scenario(fleet=pool(failures={"trace": str(trace)})), 1, range(3)).key)
    assert len(keys) == 2


def test_another_version_of_the_code_is_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "code_version", lambda: "another")
    assert replace(POINT).key != POINT.key


def test_the_code_version_hangs_on_code_and_catalogue(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(store, "PACKAGE", tmp_path)
    (tmp_path / "catalogue").mkdir()
    versions = set()
    for name, text in (
        ("a.py", "1"),
        ("a.py", "2"),
        ("b.py", "2"),
        ("catalogue/c.yaml", "3"),
        ("catalogue/c.yaml", "4"),
    ):
        (tmp_path / name).write_text(text)
        versions.add(store.code_version.__wrapped__())
    assert len(versions) == 5


def test_outcomes_come_back_as_they_were(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.get(POINT) is None
    store.put(POINT, OUTCOMES)
    found = store.get(POINT)
    assert repr(found) == repr(OUTCOMES)  # nan is not equal to itself
    assert [path.name for path in (tmp_path / "points").iterdir()] == [f"{POINT.key}.json"]
    assert "NaN" not in store.path(POINT.key).read_text()


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
    path = store.path(POINT.key)
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
    store.path(other.key).rename(store.path(POINT.key))
    assert store.get(POINT) is None


def test_unknown_constants_that_are_set_stay_and_the_others_are_drawn() -> None:
    point = Point(unsure(), 1, range(1), {"checkpoint.load": 0.25})
    assert point.question.checkpoint.load == 0.25
    assert set(point.question.unknowns()) == set(NAMES) - {"checkpoint.load"}


def test_a_metric_is_checked_before_anything_is_run() -> None:
    check_metric("ettr", bare_scenario())
    with pytest.raises(InputError, match=r'plain: no metric \'etr\' \(did you mean "ettr"\?\)'):
        check_metric("etr", bare_scenario())
