"""What is wrong with a scenario, as data: for programs that ask where the message only tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim import catalogue
from sim.errors import InputError, in_file
from sim.scenario import load_case, load_scenario, names
from sim.scenario.parts import Pool
from sim.scenario.stock import Delivery

MINE = """\
like: deepseek-v3
horizon: 80 d
fleet:
  good:
    hot_spares: 4
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of_file(folder: Path, text: str) -> InputError:
    """The error of a scenario's file."""
    (folder / "mine.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        load_scenario("mine.yaml")
    return caught.value


def of_override(path: str, value: Any, name: str = "two-thousand-plus") -> InputError:
    """The error of an override."""
    with pytest.raises(InputError) as caught:
        load_scenario(name).override({path: value})
    return caught.value


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "given", "allowed"),
    [
        ("80 d", "3 GB", 2, "horizon", "3 GB", "a quantity in s, like '30 min'"),
        ("80 d", "80", 2, "horizon", 80, "a quantity in s, like '30 min'"),
        ("80 d", "-1 d", 2, "horizon", "-1 d", "must be above zero"),
        ("80 d", "{uncertain: [2 d, 1 d, 3 d]}", 2, "horizon", {"uncertain": ["2 d", "1 d", "3 d"]}, "low ≤ mode ≤ high, and low < high"),
        ("hot_spares", "hot_spears", 5, "fleet.good.hot_spears", "hot_spears", None),
        ("hot_spares: 4", "chips: 2047", 5, "fleet.good.chips", 2047, "multiples of 8"),
        ("hot_spares: 4", "chip: H800-SXM-8O", 5, "fleet.good.chip", "H800-SXM-8O", tuple(catalogue.table("chips"))),
        ("horizon: 80 d", "status: mine", 2, "status", "mine", ("reconstruction", "counterfactual", "benchmark", "plan")),
        ("horizon: 80 d", "title: 3", 2, "title", 3, "text; put it in quotes"),
        ("horizon: 80 d", "start: soon", 2, "start", "soon", "a date like 2024-06-01"),
        ("horizon: 80 d", "run: {batch: {micro: 0}}", 2, "run.batch.micro", 0, "must be at least 1"),
        ("horizon: 80 d", "run: {batch: {micro: 1.5}}", 2, "run.batch.micro", 1.5, "a whole number"),
        ("horizon: 80 d", "recovery: {restart: {weibul: {}}}", 2, "recovery.restart", {"weibul": {}}, None),
        ("horizon: 80 d", "recovery: {restart: {exponential: 3}}", 2, "recovery.restart", {"exponential": 3}, "{mean: …}"),
        ("horizon: 80 d", "run: {tokens: null}", 2, "run.tokens", None, None),
        ("horizon: 80 d", "offload: {weak: 0.5}", 2, "offload", "weak", ("good", "H800-SXM-80")),
        ("horizon: 80 d", "policy: {us-1999: {}}", 2, "policy", {"us-1999": {}}, tuple(catalogue.table("policy"))),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_what_is_wrong_in_a_file(
    folder: Path, old: str, new: str, line: int, key: str, given: Any, allowed: Any
) -> None:
    assert MINE.count(old) == 1
    error = of_file(folder, MINE.replace(old, new))
    assert (error.file, error.line, error.key) == ("mine.yaml", line, key)
    assert error.given == given
    if allowed is not None:
        assert error.allowed == allowed
    assert str(error).startswith(f"mine.yaml, line {line}: ")
    assert len(error.problems) == 1
    assert error.problems[0].message == str(error)


def test_an_unknown_key_comes_with_all_that_are_known(folder: Path) -> None:
    error = of_file(folder, MINE.replace("hot_spares", "hot_spears"))
    assert error.allowed == tuple(Pool.model_fields)


def test_an_unknown_distribution_comes_with_all_that_are_known(folder: Path) -> None:
    error = of_file(folder, MINE.replace("horizon: 80 d", "recovery: {restart: {weibul: {}}}"))
    assert error.allowed is not None
    assert {"exponential", "weibull", "sum"} <= set(error.allowed)


def test_several_mistakes_are_each_told_with_their_place(folder: Path) -> None:
    text = MINE.replace("80 d", "3 GB").replace("hot_spares: 4", "hot_spares: -1")
    error = of_file(folder, text)
    places = [(p.file, p.line, p.key, p.given) for p in error.problems]
    assert places == [
        ("mine.yaml", 5, "fleet.good.hot_spares", -1),
        ("mine.yaml", 2, "horizon", "3 GB"),
    ]
    assert [problem.message for problem in error.problems] == str(error).splitlines()
    first = error.problems[0]
    assert (error.file, error.line, error.key) == (first.file, first.line, first.key)
    assert (error.given, error.allowed) == (first.given, first.allowed)


def test_all_mistakes_are_kept_also_those_that_the_message_only_counts() -> None:
    parts = dict.fromkeys(("blocking", "flush", "load"), "3 GB")
    changes = {"checkpoint": parts, "horizon": "x", "status": "y", "start": 3, "title": 3}
    with pytest.raises(InputError, match="… and 2 more") as caught:
        load_scenario({"like": "deepseek-v3", **changes})
    assert len({problem.key for problem in caught.value.problems}) == 7


def test_what_is_inherited_stands_in_the_other_file(folder: Path) -> None:
    (folder / "base.yaml").write_text("like: deepseek-v3\n\nhorizn: 3 d\n")
    error = of_file(folder, MINE.replace("deepseek-v3", "base.yaml"))
    assert (error.file, error.line, error.key) == ("base.yaml", 3, "horizn")


@pytest.mark.parametrize(
    ("like", "allowed"),
    [
        ("deepseek-v4", tuple(names())),
        ("mine.yaml", None),
        ("nowhere.yaml", None),
        ("[a, b]", "the name or path of a scenario"),
    ],
)
def test_what_a_file_is_like(folder: Path, like: str, allowed: Any) -> None:
    error = of_file(folder, MINE.replace("deepseek-v3", like))
    assert (error.file, error.line, error.key) == ("mine.yaml", 1, "like")
    assert error.given == (["a", "b"] if like[0] == "[" else like)
    assert error.allowed == allowed


def test_a_mapping_has_neither_file_nor_line() -> None:
    with pytest.raises(InputError) as caught:
        load_scenario({"like": "deepseek-v3", "horizon": "3 GB"})
    error = caught.value
    assert (error.file, error.line, error.key, error.given) == (None, None, "horizon", "3 GB")


def test_a_name_of_a_scenario() -> None:
    with pytest.raises(InputError) as caught:
        load_scenario("deepsek-v3")
    assert caught.value.given == "deepsek-v3"
    assert caught.value.allowed == tuple(names())


@pytest.mark.parametrize(
    ("path", "value", "key", "given", "allowed"),
    [
        ("fleet.good.chps", 64, "fleet.good.chps", "chps", tuple(Pool.model_fields)),
        ("checkpoint.flush", "3 GB", "checkpoint.flush", "3 GB", "a quantity in s, like '30 min'"),
        ("fleet.good.chips", 2047, "fleet.good.chips", 2047, "multiples of 8"),
        ("fleet.weka.chips", 64, "fleet.weka.chip", None, None),
        ("fleet..chips", 64, "fleet..chips", None, None),
        ("checkpoint.flush.x", 3, "checkpoint.flush.x", "2 min", None),
        ("checkpoint.interval.uncertain.7", 3, "checkpoint.interval.uncertain.7", "7", None),
        (
            "depot.deliveries",
            [{"chip": "good", "chips": 8, "date": "2024-07-01", "by": 1}],
            "depot.deliveries.0.by",
            "by",
            tuple(Delivery.model_fields),
        ),
    ],
)
def test_what_is_wrong_in_an_override_stands_in_no_file(
    path: str, value: Any, key: str, given: Any, allowed: Any
) -> None:
    error = of_override(path, value)
    assert (error.file, error.line) == (None, None)
    assert (error.key, error.given, error.allowed) == (key, given, allowed)


def test_an_override_can_make_wrong_what_stands_in_a_file() -> None:
    error = of_override("runs", None, "frontier-run")
    assert Path(str(error.file)).name == "frontier-run.yaml"
    assert (error.key, error.line is None) == ("fleet.a100", False)


def test_a_mistake_in_the_catalogue_keeps_the_key_of_the_scenario(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(kind: str, name: str, own: str | None = None) -> None:
        raise in_file("chips.yaml", "chips.x.power: wrong", 9, key="chips.x.power")

    monkeypatch.setattr(catalogue, "entry", broken)
    error = of_file(folder, "run: {}\nfleet: {good: {chip: x}}\n")
    [problem] = [p for p in error.problems if p.key == "fleet.good.chip"]
    assert problem.message.endswith(
        "fleet.good.chip = 'x': chips.yaml, line 9: chips.x.power: wrong"
    )
    assert (problem.file, problem.line, problem.given) == ("mine.yaml", 2, "x")


def test_a_case_says_it_too() -> None:
    with pytest.raises(InputError) as caught:
        load_case("deepseek-v3", {"fleet.good.chips": "3 GB"})
    assert (caught.value.key, caught.value.given) == ("fleet.good.chips", "3 GB")
    assert caught.value.allowed == "a number of chips, like '64 chips'"


def test_two_unknown_constants_of_one_name() -> None:
    flush = {"uncertain": ["1 s", "2 s", "3 s"], "name": "x"}
    load = {"uncertain": ["1 s", "2 s", "4 s"], "name": "x"}
    with pytest.raises(InputError, match="two unknown constants are called 'x'") as caught:
        load_scenario({"like": "deepseek-v3", "checkpoint": {"flush": flush, "load": load}})
    assert caught.value.given == "x"
