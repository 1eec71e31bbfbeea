"""The commands that carry out experiments: one JSON object, a record, and errors that say what to
do.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import sim
from sim.cli.app import app
from sim.errors import InputError
from sim.experiments.sweep import load
from sim.scenario import Scenario
from sim.scenario.reading import merge
from tests.engine.bare import PLAIN, cause, pool

ABOUT = {
    "asked",
    "status",
    "units",
    "sources",
    "domain",
    "idle_chips",
    "layouts",
    "taken_as_none",
    "tokens_per_s",
    "planner_tokens_per_s",
    "checkpoint_interval_s",
    "best_checkpoint_interval_s",
}
"""What every answer says of its scenario."""
PLAN = "plain (plan)"
GRID_TWICE = ["--grid", "horizon=1 d", "--grid", "horizon=2 d"]
FAILING = merge(
    PLAIN,
    {
        "checkpoint": {"load": {"uncertain": ["0 s", "10 min", "20 min"]}},
        "fleet": pool(failures={"causes": [cause(per_1000_node_days=100, repair="1 d")]}),
    },
)
"""Ten days of work, half a failure a day, and without spares a day of waiting at each."""


@pytest.fixture
def plain(tmp_path: Path) -> str:
    """The file of a scenario."""
    path = tmp_path / "plain.yaml"
    path.write_text(json.dumps(FAILING))
    return str(path)


def changed(**changes: Any) -> Scenario:
    return sim.load_scenario(FAILING).override(changes)


def as_json(report: dict[str, Any]) -> Any:
    return json.loads(json.dumps(report, default=str))


def said(*words: str) -> str:
    result = CliRunner().invoke(app, words)
    if result.exception:
        raise result.exception
    return result.stdout


def answered(*words: str) -> Any:
    return json.loads(said(*words, "--json"))


def beyond(report: Any, answer: Any) -> set[str]:
    """What an answer says besides a report, all of which it must repeat."""
    assert {key: answer[key] for key in report} == report
    return answer.keys() - report.keys()


def test_a_run_can_tell_where_its_spread_comes_from(plain: str) -> None:
    without = answered("run", plain, "--replications", "40")
    apart = answered("run", plain, "--replications", "40", "--split")
    split = apart.pop("split")
    groups = apart.pop("split_by_group")
    assert apart == without
    assert set(groups) <= set(split)
    assert set(split["wall_days"]) == {"monte_carlo", "run_to_run", "inputs", "model"}


def test_a_comparison_of_a_scenario_with_itself_changed(plain: str) -> None:
    spares = "fleet.pool.cold_spares"
    words = (
        "compare",
        plain,
        plain,
        "--set-b",
        f"{spares}=3",
        "--replications",
        "20",
        "--seed",
        "2",
    )
    other = changed(**{spares: 3})
    result = sim.compare(changed(), other, n=20, seed=2)
    answer = answered(*words)
    sides = {side: answer.pop(side) for side in ("a", "b")}
    report = as_json(result.report())
    for side, told in sides.items():
        assert beyond(report.pop(side), told) == ABOUT
    assert beyond(report, answer) == {"schema", "version"}
    assert (sides["a"]["asked"], sides["b"]["asked"]) == ({}, {spares: 3})
    assert result.difference["mean"] is not None
    assert result.difference["mean"] < -1
    lines = said(*words).strip().split("\n")
    changed_plan = f"b: {PLAN}; fleet.pool.cold_spares = 3"
    assert lines[0] == f"a: {PLAN}"
    assert changed_plan in lines
    assert "   pool: 0 chips idle; tensor 1, pipeline 1" in lines[1]
    assert said(*words).strip().endswith(str(result))


def test_a_sweep_leaves_a_record(plain: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    grid = (
        "--grid",
        "fleet.pool.cold_spares=0,3",
        "--grid",
        "checkpoint.load=1 s,{uncertain: [0 s, 1 s, 9 s]}",
    )
    words = ("sweep", plain, *grid)
    report = answered(*words, "--replications", "5", "--out", str(out))
    assert [point["at"]["fleet.pool.cold_spares"] for point in report["points"]] == [0, 0, 3, 3]
    assert json.loads((out / "summary.json").read_text()) == report
    assert beyond(load(out).report(), report) == ABOUT | {"schema", "version"}
    assert (
        (out / "sweep.csv")
        .read_text()
        .startswith("fleet.pool.cold_spares,checkpoint.load,finished,metric,mean")
    )
    assert said(*words, "--replications", "5").count("wall_days") == 4


def test_a_sweep_of_single_runs_has_no_intervals(plain: str) -> None:
    text = said("sweep", plain, "--grid", "fleet.pool.cold_spares=0,3", "--replications", "1")
    assert [len(line.split()) for line in text.splitlines()[-2:]] == [6, 6]


def test_a_design_needs_no_grid(plain: str) -> None:
    report = answered("sweep", plain, "--design", "sobol", "--samples", "4", "--replications", "2")
    assert len(report["points"]) == 4
    assert len({point["at"]["checkpoint.load"] for point in report["points"]}) == 4


def test_the_inputs_that_matter(plain: str) -> None:
    words = ("sensitivity", plain, "--method", "morris", "--samples", "4", "--replications", "2")
    result = sim.sensitivity(changed(), method="morris", samples=4, n=2)
    about = ABOUT | {"schema", "version"}
    assert beyond(as_json(result.report()), answered(*words)) == about
    assert said(*words) == f"{PLAN}\n{result}\n"


def test_the_spares_it_takes(plain: str) -> None:
    words = ("size-stock", plain, "--by", "2024-01-14", "--probability", "0.8")
    result = sim.size_stock(changed(), dt.date(2024, 1, 14), 0.8, n=30, fixed_inputs=True)
    assert result.value is not None
    assert result.value > 0
    words = (*words, "--replications", "30", "--fixed-inputs")
    about = ABOUT | {"schema", "version"}
    assert beyond(as_json(result.report()), answered(*words)) == about
    assert "fleet.pool.cold_spares to finish by 2024-01-14 with probability 0.8" in said(*words)


def test_settings_are_chosen_and_the_line_that_runs_them_is_told(plain: str) -> None:
    choose = ["--choose", "checkpoint.interval=1 h,20 h", "--choose", "recovery.policy=wait"]
    answer = answered("advise", plain, *choose, "--within", "0.05", "--set", "title=mine")
    assert answer.keys() >= ABOUT
    assert answer["asked"] == {"title": "mine"}
    [pick, other] = answer["options"]
    assert pick["at"] == {"checkpoint.interval": "1 h", "recovery.policy": "wait"}
    assert other["behind"] > 0
    assert pick["command"].startswith(f"sim run {plain} --set title=mine --set ")
    assert " --set 'checkpoint.interval=1 h'" in pick["command"]
    assert "cannot be told from it" in said("advise", plain, *choose)


def test_worlds_say_what_was_asked_of_which_scenario() -> None:
    share = ("--set", "outlook.shares.run=0.1")
    answer = answered("worlds", "national-stock", "no-grey-market", "--replications", "1", *share)
    assert answer.keys() >= ABOUT
    assert (answer["asked"], answer["status"]) == ({"outlook.shares.run": 0.1}, "counterfactual")


def test_a_row_of_the_claims_is_one_object() -> None:
    rows = answered("claims", "7", "--replications", "1", "--jobs", "2")["claims"]
    assert {row["claim"] for row in rows} == {"official-numbers"}
    assert rows[0]["found"] == "undecided (more runs)"
    assert rows[1]["median"] is None
    assert "no verdict below 60 runs" in said("claims", "7", "--replications", "1")


def test_the_example_of_another_text_is_judged() -> None:
    path = "examples/claims_of_another_text.yaml"
    rows = answered("claims", path, "3", "2", "--replications", "1")["claims"]
    assert [row["claim"] for row in rows] == ["best", "hardly-failed"]


@pytest.mark.parametrize("command", ["run", "compare", "sweep", "sensitivity", "size-stock"])
def test_every_experiment_takes_the_same_options(command: str) -> None:
    text = said(command, "--help")
    shared = ["--set ", "--replications", "--seed", "--jobs", "--executor", "--max-events"]
    shared += ["--out", "--json", "--csv"]
    places = [text.index(option) for option in shared]
    assert places == sorted(places)
    assert ("--fixed-inputs" in text) == (command != "sensitivity")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["run", "--replications", "5", "--precision", "0.1"],
            "either --replications or --precision",
        ),
        (["run", "--fixed-inputs", "--split"], "nothing to split"),
        (["run", "--executor", "slurm"], "no executor 'slurm'"),
        (["sweep"], "at least one --grid, or a --design"),
        (["sweep", "--grid", "fleet.pool.cold_spares"], "expected NAME=VALUE"),
        (["sweep", "--grid", "horizon=1 d", "--metric", "wall"], "no metric 'wall'"),
        (["sensitivity", "--metric", "wall"], "no metric 'wall'"),
        (["size-stock", "--by", "2020-01-01"], "is not after the start"),
    ],
)
def test_wrong_input_is_named(plain: str, words: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        said(words[0], plain, *words[1:])


def test_what_is_said_twice_is_refused(plain: str) -> None:
    for words in (
        ["run", plain, "--set", "horizon=1 d", "--set", "horizon=2 d"],
        ["sweep", plain, *GRID_TWICE],
    ):
        with pytest.raises(InputError, match="is given twice: 1 d and 2 d"):
            CliRunner().invoke(app, words, catch_exceptions=False)
