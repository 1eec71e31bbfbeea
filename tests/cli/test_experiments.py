"""The commands that carry out experiments: one JSON object, a record, and errors that say what to
do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from sim.errors import InputError
from sim.experiments import load
from tests.engine.bare import PLAIN
from tests.experiments.stand_in import stand_in

COUNTER = "plain (counterfactual: no published run has done this)"
GRID_TWICE = ["--grid", "horizon=1 d", "--grid", "horizon=2 d"]
UNSURE = PLAIN | {"checkpoint": {"load": {"uncertain": ["0 s", "1 s", "2 s"]}}}


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A scenario file; its runs take ten days or so, and spares help."""
    stand_in(
        monkeypatch,
        lambda q, luck: luck.normal(10, 1) + q.checkpoint.load - 0.01 * q.fleet["pool"].cold_spares,
    )
    path = tmp_path / "plain.yaml"
    path.write_text(json.dumps(UNSURE))
    return str(path)


def said(*words: str) -> str:
    result = CliRunner().invoke(app, words)
    if result.exception:
        raise result.exception
    return result.stdout


def answered(*words: str) -> Any:
    return json.loads(said(*words, "--json"))


def test_a_run_can_tell_where_its_spread_comes_from(plain: str) -> None:
    without = answered("run", plain, "--replications", "40")
    apart = answered("run", plain, "--replications", "40", "--split")
    split = apart.pop("split")
    assert apart == without
    assert set(split["wall_days"]) == {"monte_carlo", "run_to_run", "inputs", "model"}


def test_a_comparison_of_a_scenario_with_itself_changed(plain: str) -> None:
    words = (
        "compare",
        plain,
        plain,
        "--set-b",
        "fleet.pool.cold_spares=100",
        "--replications",
        "20",
    )
    report = answered(*words)
    assert report["difference"]["mean"] == pytest.approx(-1)
    assert (report["pairs"], report["censored"]) == (20, 0)
    a, b, difference = said(*words).strip().split("\n")
    assert (a, b) == (f"a: {COUNTER}", f"b: {COUNTER}; fleet.pool.cold_spares = 100")
    assert difference == "wall_days, b − a: -1 (95 %: -1 … -1), 20 pairs"


def test_a_sweep_leaves_a_record(plain: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    grid = (
        "--grid",
        "fleet.pool.cold_spares=0,100",
        "--grid",
        "checkpoint.load=1 s,{uncertain: [0 s, 1 s, 9 s]}",
    )
    words = ("sweep", plain, *grid)
    report = answered(*words, "--replications", "5", "--out", str(out))
    assert [point["at"]["fleet.pool.cold_spares"] for point in report["points"]] == [0, 0, 100, 100]
    assert json.loads((out / "summary.json").read_text()) == report == load(out).report()
    assert (
        (out / "sweep.csv")
        .read_text()
        .startswith("fleet.pool.cold_spares,checkpoint.load,finished,metric,mean")
    )
    assert said(*words, "--replications", "5").count("wall_days") == 4


def test_a_design_needs_no_grid(plain: str) -> None:
    report = answered("sweep", plain, "--design", "sobol", "--samples", "4", "--replications", "2")
    assert len(report["points"]) == 4
    assert len({point["at"]["checkpoint.load"] for point in report["points"]}) == 4


def test_the_inputs_that_matter(plain: str) -> None:
    report = answered("sensitivity", plain, "--method", "morris", "--samples", "4")
    assert report["unknowns"][0]["unknown"] == "checkpoint.load"
    assert "checkpoint.load" in said("sensitivity", plain, "--samples", "4")


def test_the_spares_it_takes(plain: str) -> None:
    words = (
        "size-stock",
        plain,
        "--by",
        "2024-01-11",
        "--probability",
        "0.8",
        "--replications",
        "50",
    )
    report = answered(*words)
    assert 100 < report["value"] < 300
    assert (
        report["tried"][str(report["value"])]["p"]
        >= 0.8
        > report["tried"][str(report["value"] - 1)]["p"]
    )
    assert "fleet.pool.cold_spares to finish by 2024-01-11 with probability 0.8" in said(*words)


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
