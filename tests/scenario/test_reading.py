"""Reading: from names, paths and mappings to merged data, and from pydantic's errors to sentences."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from sim.documents import Document
from sim.errors import InputError
from sim.scenario import load_case, load_scenario
from sim.scenario.reading import FOLDER, Source, find, located, names, override, read

TWO = Source(
    {"a": {"b": 1, "c": 2}, "d": 3},
    (
        Document("near", {"a": {"b": 1}}, {(): 1, ("a",): 2, ("a", "b"): 3}),
        Document("far", {"a": {"c": 2}, "d": 3}, {(): 1, ("a",): 5, ("a", "c"): 6, ("d",): 7}),
    ),
)


def test_names_are_the_files_of_the_folder() -> None:
    assert {"deepseek-v3", "llama-3-405b", "two-thousand-plus"} <= set(names())
    assert all(find(name) == FOLDER / f"{name}.yaml" for name in names())


def test_a_path_is_told_from_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text("a: 1")
    (tmp_path / "deepseek-v3").write_text("a: 1")
    assert find("mine") == Path("mine")
    assert find("not/there") == Path("not/there")
    assert find("not-there.yml") == Path("not-there.yml")
    assert find("mine", tmp_path) == tmp_path / "mine"
    assert find("deepseek-v3") == FOLDER / "deepseek-v3.yaml", (
        "a name of ours wins; ./deepseek-v3 is the file"
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("deepsek-v3", "no scenario 'deepsek-v3' (did you mean \"deepseek-v3\"?); known: "),
        ("", "no scenario ''; known: "),
        ("x" * 5000, "or give a file's path"),
    ],
    ids=["misspelt", "empty", "long"],
)
def test_an_unknown_name(name: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        find(name)
    assert says in str(caught.value)
    # What was typed is cut off; the known names are as many as they are.
    assert "x" * 100 not in str(caught.value)


@pytest.mark.parametrize("text", ["- 1\n", "hello\n", "3\n", "null\n"])
def test_a_scenario_is_a_mapping(tmp_path: Path, text: str) -> None:
    (tmp_path / "f.yaml").write_text(text)
    with pytest.raises(InputError, match=r"f\.yaml: a scenario is a mapping of keys to values"):
        read(tmp_path / "f.yaml")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("a", "b"), "near, line 3"),
        (("a", "c"), "far, line 6"),
        (("a", "x"), "near, line 2"),
        (("d",), "far, line 7"),
        (("x",), "near, line 1"),
        ((), "near, line 1"),
    ],
)
def test_a_value_stands_in_the_nearest_document_that_says_it(
    path: tuple[str, ...], place: str
) -> None:
    assert str(TWO.error(path, "wrong")) == f"{place}: wrong"


def test_an_override_comes_before_every_document() -> None:
    source = override(override(TWO, {"a.c": 1, "x.y": 2}), {"a.c": 3})
    assert source.data == {"a": {"b": 1, "c": 3}, "d": 3, "x": {"y": 2}}
    assert TWO.data["a"]["c"] == 2
    places = {
        ("a", "c"): "setting a.c",
        ("x", "y"): "setting x.y",
        ("x",): "setting x.y",
        ("d",): "far, line 7",
    }
    assert {path: str(source.error(path, "wrong")) for path in places} == {
        path: f"{place}: wrong" for path, place in places.items()
    }


def test_inherited_mistakes_are_named_where_they_stand(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("like: deepseek-v3\n\nhorizn: 3 d\n")
    (tmp_path / "mine.yaml").write_text("like: base.yaml\nhorizon: 3 GB\n")
    with pytest.raises(
        InputError, match=r"base\.yaml, line 3: horizn is unknown \(did you mean \"horizon\"\?\)"
    ):
        load_scenario(tmp_path / "mine.yaml")
    (tmp_path / "base.yaml").write_text("like: deepseek-v3\n")
    with pytest.raises(
        InputError, match=r"mine\.yaml, line 2: horizon: '3 GB' is a quantity of another kind"
    ):
        load_scenario(tmp_path / "mine.yaml")


def test_several_mistakes_are_all_named_up_to_five() -> None:
    mistakes = {key: "3 GB" for key in ("interval", "blocking", "flush", "load")}
    with pytest.raises(InputError) as caught:
        load_scenario(
            {
                "like": "deepseek-v3",
                "checkpoint": mistakes,
                "horizon": "x",
                "status": "y",
                "start": 3,
            }
        )
    lines = str(caught.value).splitlines()
    assert len(lines) == 6
    assert lines[-1] == "… and 2 more"
    assert all(line.startswith("scenario: ") for line in lines[:-1])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"status": "bench"}, "status = 'bench': expected 'reconstruction', 'counterfactual', 'benchmark' or 'plan' (did you"),
        ({"title": 3}, "title = 3: expected text; put it in quotes"),
        ({"title": {"en": "A"}}, "title: expected text"),
        ({"title": ["A"]}, "title = ['A']: expected text"),
        ({"checkpoint": 3}, "checkpoint = 3: expected a mapping of keys to values"),
        ({"checkpoint": {"final": "maybe"}}, "checkpoint.final = 'maybe': expected true or false"),
        ({"checkpoint": {"flush": "x" * 9000}}, "…' cannot be read; expected a quantity in s"),
        ({"fleet": [1, 2]}, "fleet = [1, 2]: expected a mapping of keys to values"),
        ({"fleet": {"good": {"failures": {"causes": 3}}}}, "fleet.good.failures.causes = 3: expected a list"),
        (
            {"fleet": {"good": {"failures": {"causes": [{"cause": "x", "scop": "node"}]}}}},
            'fleet.good.failures.causes.0.scop is unknown (did you mean "scope"?)',
        ),
        ({"fabric": {"step_noise": [1] * 900}}, "… = [1, 1, 1"[2:]),
        ({"start": "soon"}, "start = 'soon': expected a date like 2024-06-01"),
    ],
    ids=str,
)  # fmt: skip
def test_messages_are_in_our_own_words_and_short(changes: dict[str, object], says: str) -> None:
    with pytest.raises(InputError) as caught:
        load_scenario({"like": "deepseek-v3", **changes})
    message = str(caught.value)
    assert says in message
    assert len(message) < 400
    assert "Input should" not in message
    assert "pydantic" not in message


def traced(folder: Path) -> Path:
    """A scenario that replays the trace beside it."""
    folder.mkdir()
    (folder / "trace.csv").write_text("node,start_day,end_day\na,1,2\n")
    text = "like: infinitehbd\nfleet: {servers: {failures: {trace: trace.csv}}}\n"
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def test_a_trace_is_found_beside_the_scenario_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = traced(tmp_path / "own")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "like.yaml").write_text("like: ../own/mine.yaml\n")
    expected = str(tmp_path / "own" / "trace.csv")
    for folder, name in ((tmp_path, "own/mine.yaml"), (tmp_path / "other", "like.yaml")):
        monkeypatch.chdir(folder)
        scenario = load_scenario(name)
        assert scenario.fleet["servers"].failures.trace == expected
        # So its record can be run wherever it lies.
        assert load_scenario(scenario.data).fleet["servers"].failures.trace == expected
    monkeypatch.chdir(path.parent)
    whole = {"fleet.servers.failures": {"trace": "trace.csv"}}
    for base, change in (
        ("infinitehbd", whole),
        ("mine.yaml", {"fleet.servers.failures.trace": "trace.csv"}),
    ):
        changed = load_scenario(base).override(change)
        assert changed.fleet["servers"].failures.trace == expected


@pytest.mark.parametrize("name", ["nowhere.csv", "/dev/zero", "."])
def test_a_trace_that_is_no_file_is_named_with_its_line(tmp_path: Path, name: str) -> None:
    path = traced(tmp_path / "own")
    path.write_text(path.read_text().replace("trace.csv", name))
    with pytest.raises(InputError, match=r"line 2: fleet.servers.failures.trace: '.*' (is|cannot)"):
        load_scenario(path)


def test_a_scenario_is_located_once() -> None:
    assert located("deepseek-v3") == "deepseek-v3"
    own = FOLDER / "deepseek-v3.yaml"
    assert located(os.path.relpath(own)) == str(own)
    with pytest.raises(InputError, match="no scenario"):
        located("deepsek-v3")
    with pytest.raises(InputError, match="cannot be read"):
        located("nowhere/mine.yaml")


def test_a_constant_is_set_by_the_name_that_the_tool_prints() -> None:
    base = load_scenario("deepseek-v3")
    name = "chips.Hopper-SXM.kernel_efficiency"
    by_name = base.override({name: 0.5})
    by_path = base.override({"fleet.good.chip.kernel_efficiency": 0.5})
    assert by_name.fleet["good"].chip == by_path.fleet["good"].chip
    assert name not in by_name.unknowns()
    assert load_case("deepseek-v3", {name: 0.5}).fleet["good"].chip == by_path.fleet["good"].chip
    # It is kept in what a record holds, and may be set again.
    again = load_scenario(by_name.data).override({name: "60 %"})
    assert again.fleet["good"].chip.kernel_efficiency == 0.6


@pytest.mark.parametrize("scenario", ["deepseek-v3", "national-stock", "embargoed-stock"])
def test_every_name_of_an_unknown_constant_can_be_set(scenario: str) -> None:
    base = load_scenario(scenario)
    for name, number in base.unknowns().items():
        # As a path it takes the units of its key, and as a name the same.
        for unit in ("", " s", " USD", " USD/J", " USD/s", " 1/s", " W", " chip"):
            value = f"{float(number)}{unit}" if unit else float(number)
            with suppress(InputError):
                assert name not in base.override({name: value}).unknowns()
                break
        else:
            raise AssertionError(name)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("costs.epoch.electricity", "5 min", "costs.epoch.electricity: '5 min' is a quantity"),
        ("chips.Hopper-SXM.kernel_eficiency", 1, 'mean "chips.Hopper-SXM.kernel_efficiency"'),
        ("known", {"chips.Hoper": 1}, "no unknown constant is called 'chips.Hoper'"),
    ],
)  # fmt: skip
def test_a_name_or_value_of_a_constant_that_is_wrong(key: str, value: object, says: str) -> None:
    with pytest.raises(InputError) as caught:
        load_scenario("deepseek-v3").override({key: value})
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("repair", "says"),
    [
        ("[{tme: 1 d}]", 'repair.0.tme is unknown (did you mean "time"?)'),
        ("[{time: 1}]", "repair.0.time = 1: a unit is missing"),
        ("[5]", "repair.0 = 5: expected a mapping of keys to values"),
        ("{tme: 1 d}", "repair: {tme} is no distribution"),
        ("5", "repair = 5: a unit is missing"),
    ],
)
def test_a_mistake_in_a_repair_is_one_line(tmp_path: Path, repair: str, says: str) -> None:
    path = tmp_path / "mine.yaml"
    cause = f"{{cause: a, per_1000_node_days: 1,\n repair: {repair}}}"
    path.write_text(f"like: deepseek-v3\nfleet: {{good: {{failures: {{causes: [{cause}]}}}}}}\n")
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    assert str(caught.value).startswith(f"{path}, line 3: fleet.good.failures.causes.0.{says}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("runs", "says"),
    [
        ("{chips: 8}", "runs.every is missing"),
        ("[{chips: 8}]", "runs.0.date is missing"),
        ("5", "runs = 5: expected a mapping of keys to values"),
        ("[{date: 2024-01-01, chps: 8}]", 'runs.0.chps is unknown (did you mean "chips"?)'),
    ],
)
def test_a_mistake_in_runs_is_one_line(tmp_path: Path, runs: str, says: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"like: deepseek-v3\nruns: {runs}\n")
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    assert str(caught.value).startswith(f"{path}, line 2: {says}")
    assert "\n" not in str(caught.value)
