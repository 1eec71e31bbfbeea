from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from sim.errors import InputError
from sim.quantities.joint_draws import joint
from sim.quantities.uncertain import Uncertain
from sim.quantities.unknowns import partly, settled, unknowns

TEXT = "a,b\n1.5,10\n1,11\n2,12\n3,13\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mine.draws.csv"
    path.write_text(TEXT)
    return path


def column(path: Path, name: str) -> Uncertain:
    return joint({"file": str(path), "column": name})


def test_columns_are_one_unknown_and_fall_on_one_row(path: Path) -> None:
    item = {"x": column(path, "a"), "y": column(path, "b")}
    assert list(unknowns(item)) == ["mine"]
    assert settled(item, {}) == {"x": 1.5, "y": 10}
    number = unknowns(item)["mine"]
    found = {tuple(settled(item, {"mine": number.draw(u)}).values()) for u in (0, 0.3, 0.5, 0.99)}
    assert found == {(1, 11), (2, 12), (3, 13)}
    assert partly(item, {"mine": 2.0}) == {"x": 2, "y": 12}
    assert item["x"].support == (1, 3)


def test_a_column_is_copied_with_all_it_knows(path: Path) -> None:
    number = column(path, "a")
    for other in (pickle.loads(pickle.dumps(number)), copy.deepcopy(number), number.named("z")):
        assert (float(other), other.of(2), other.name) == (1.5, 2, "mine")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n", "at least one draw"),
        ("", "at least one draw"),
        ("a,b\n1,2\n3,x\n", "line 3: b must be a number, not 'x'"),
        ("a,b\n1,2\n3\n", "line 3: b must be a number"),
        ("b\n1\n2\n", "no column 'a'"),
    ],
)
def test_a_file_that_is_none_is_named(path: Path, text: str, told: str) -> None:
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        column(path, "a")


def test_another_form_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected \{draws: "):
        joint({"file": "x.csv"})
