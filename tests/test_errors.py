"""Errors: what they say to a program besides their message, and the hints at the nearest name."""

import pickle
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from sim.errors import InputError, Problem, expected, in_file, nearest, optional


def test_what_is_not_known_is_none() -> None:
    error = InputError("no such thing")
    assert str(error) == "no such thing"
    known = (error.file, error.line, error.key, error.given, error.allowed)
    assert known == (None, None, None, None, None)
    assert error.problems == (Problem("no such thing"),)


def test_its_own_fields_are_those_of_the_first_problem() -> None:
    first = Problem("a: wrong", file="f.yaml", line=3, key="a", given=1, allowed=("x", "y"))
    error = InputError("two are wrong", problems=(first, Problem("b: wrong", key="b")))
    assert (error.file, error.line, error.key) == ("f.yaml", 3, "a")
    assert (error.given, error.allowed) == (1, ("x", "y"))
    assert [problem.key for problem in error.problems] == ["a", "b"]


def test_a_field_that_there_is_not_is_refused() -> None:
    with pytest.raises(TypeError, match="fiel"):
        InputError("x", fiel="f.yaml")


def test_it_survives_the_way_between_processes() -> None:
    error = InputError("wrong", file="f.yaml", line=3, key="a.b", given={"x": 1}, allowed="text")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == "wrong"
    assert copy.problems == error.problems
    assert (copy.file, copy.line, copy.key) == ("f.yaml", 3, "a.b")
    assert (copy.given, copy.allowed) == ({"x": 1}, "text")


def test_what_was_expected_is_said_and_kept() -> None:
    error = expected("a number", "x", wrong="'x' cannot be read")
    assert str(error) == "'x' cannot be read; expected a number"
    assert (error.given, error.allowed) == ("x", "a number")


def test_a_file_is_said_and_kept() -> None:
    error = in_file("f.yaml", "is wrong", 7, key="a")
    assert str(error) == "f.yaml, line 7: is wrong"
    assert (error.file, error.line, error.key) == ("f.yaml", 7, "a")


def test_a_name_that_there_is_not_comes_with_the_nearest_and_all() -> None:
    error = InputError.no_such("no table 'chps'", "chps", ["chips", "models"], "; or none")
    assert str(error) == "no table 'chps' (did you mean \"chips\"?); or none"
    assert (error.given, error.allowed) == ("chps", ("chips", "models"))


@pytest.mark.parametrize(
    ("given", "allowed", "hint"),
    [
        ("CHPS", ["chips", "Chips"], "chips"),
        ("spares", ["hot_spares_of_the_pool", "chips"], "hot_spares_of_the_pool"),
        ("h80o", ["H800-SXM-80", "H100-SXM-80"], "H800-SXM-80"),
        ("a10o", ["A100-PCIe-40", "A100-SXM-80"], "A100-PCIe-40"),
        ("a", ["chips", "nodes", "layout"], ""),
        ("", ["chips"], ""),
        ("fleet", [], ""),
    ],
    ids=[
        "case",
        "part",
        "first word",
        "first of several",
        "one letter",
        "empty",
        "nothing allowed",
    ],
)
def test_the_nearest_name(given: str, allowed: Sequence[str], hint: str) -> None:
    assert nearest(given, allowed) == (f' (did you mean "{hint}"?)' if hint else "")


def test_a_package_of_an_extra_is_asked_for() -> None:
    told = r"no_package is not installed; pip install 'mixedfleet\[figures\]'"
    with pytest.raises(InputError, match=told):
        optional("no_package.part", "figures")
    assert optional("json", "figures").loads("1") == 1


def test_a_figure_that_cannot_be_drawn_is_refused_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "sim.pictures.failure_logs", None)
    log = tmp_path / "log.csv"
    log.write_text("node,start,end\na,1,2\n")
    words = f"fit {log} --nodes 1 --from 0 --to 9 --unit days --out {tmp_path}/t.yaml"
    ran = CliRunner().invoke(app, [*words.split(), "--picture", str(tmp_path / "f")])
    assert isinstance(ran.exception, InputError)
    assert list(tmp_path.iterdir()) == [log]
