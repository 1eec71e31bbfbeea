"""`--csv`: what a spreadsheet reads says no less, and nothing else, than the JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.main import get_command

from sim.cli.app import app
from sim.scenario import load_scenario
from tests.cli.program import Sim
from tests.cli.test_experiments import FAILING

Rows = list[dict[str, Any]]
FEW = ["--replications", "2"]
SPARES = "fleet.pool.cold_spares"


def metrics(point: Any) -> Rows:
    rest = {"finished": point["finished"]}
    return [{"metric": name, **values, **rest} for name, values in point["metrics"].items()]


def split(data: Any) -> Rows:
    rows = metrics(data)
    for row in rows:
        parts = data["split"].get(row["metric"])
        row["share_inputs"] = parts and parts["inputs"]["share"]
    return rows


def both(data: Any) -> Rows:
    parts = {"a": data["a"]["summary"], "b": data["b"]["summary"]}
    parts |= {"difference": data["difference"], "difference_median": data["median"]}
    row = {f"{name}_{key}": x for name, values in parts.items() for key, x in values.items()}
    return [row | {"metric": data["metric"], "unit": "days", "pairs": 2}]


def step(data: Any) -> Rows:
    rows = []
    for name, unit in data["units"].items():
        values = data[name] if isinstance(data[name], dict) else {"": data[name]}
        rows += [{"quantity": name, "of": of, "value": x, "unit": unit} for of, x in values.items()]
    return rows


def tables(data: Any) -> Rows:
    return [row for rows in data.values() if isinstance(rows, list) for row in rows]


CASES: dict[str, tuple[list[str], Callable[[Any], Rows]]] = {
    "run": (["plain.yaml", "--replications", "2", "--split"], split),
    "compare": (["plain.yaml", "plain.yaml", "--set-b", f"{SPARES}=3", *FEW], both),
    "sweep": (
        ["plain.yaml", "--grid", f"{SPARES}=0,3", *FEW],
        lambda data: [point["at"] | row for point in data["points"] for row in metrics(point)],
    ),
    "sensitivity": (
        ["plain.yaml", "--method", "morris", "--samples", "2"],
        lambda data: data["unknowns"],
    ),
    "size-stock": (
        ["plain.yaml", "--by", "2024-01-14", "--fixed-inputs", *FEW],
        lambda data: [{"value": int(n), **share} for n, share in data["tried"].items()],
    ),
    "advise": (
        ["plain.yaml", "--choose", "checkpoint.interval=1 h,20 h"],
        lambda data: [
            {**option.pop("at"), "cost_usd": option.pop("cost"), **option}
            for option in data["options"]
        ],
    ),
    "worlds": (
        ["national-stock", "no-grey-market", "--replications", "1"],
        lambda data: data["largest"],
    ),
    "steptime": (["plain.yaml"], step),
    "validate": (["published"], tables),
    "claims": (["7", "--replications", "1"], lambda data: data["claims"]),
    "fit": (
        [
            "log.csv",
            "--nodes",
            "4",
            "--from",
            "0",
            "--to",
            "400",
            "--unit",
            "days",
            "--no-check",
            "--out",
            "my.yaml",
        ],
        lambda data: [{"parameter": n, **values} for n, values in data["parameters"].items()],
    ),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path) -> Path:
    (tmp_path / "plain.yaml").write_text(json.dumps(FAILING))
    outages = [f"n{day % 4},{day},{day + 1},fan" for day in range(1, 380, 20)]
    (tmp_path / "log.csv").write_text("\n".join(["node,start,end,cause", *outages]))
    return tmp_path


def cell(value: Any) -> str:
    return "" if value is None else str(value)


@pytest.mark.parametrize("command", CASES)
def test_the_rows_are_those_of_the_json_to_the_last_digit(sim: Sim, command: str) -> None:
    words, expected = CASES[command]
    answer = sim(command, *words, "--csv")
    data = json.loads(sim(command, *words, "--json").out)
    table = pd.read_csv(io.StringIO(answer.out))
    assert {"unit", "status"} <= set(table)
    found = list(csv.DictReader(io.StringIO(answer.out)))
    wanted = expected(data)
    assert len(found) == len(table) == len(wanted) > 0
    for row, values in zip(found, wanted, strict=True):
        texts = {key: cell(value) for key, value in values.items()}
        # What is counted is in numbers.
        if texts.get("unit") == "":
            texts["unit"] = "number"
        assert {key: row[key] for key in texts} == texts
    if command not in ("validate", "claims"):
        assert table[["unit", "status"]].notna().all(axis=None)


def test_whatever_answers_with_json_does_so_with_csv() -> None:
    options = {
        name: {flag for option in command.params for flag in option.opts}
        for name, command in get_command(app).commands.items()  # type: ignore[attr-defined]
    }
    assert {name for name, flags in options.items() if "--csv" in flags} == set(CASES)
    assert {name for name, flags in options.items() if "--json" in flags} == set(CASES)


@pytest.mark.parametrize("command", CASES)
def test_one_answer_is_asked_for(sim: Sim, command: str) -> None:
    answer = sim(command, *CASES[command][0], "--csv", "--json")
    assert answer == (2, "", "error: give either --json or --csv, not both\n")


def test_an_error_is_no_row(sim: Sim) -> None:
    wrong = sim("run", "plain.yaml", "--set", "horizon=never", "--csv")
    assert (wrong.code, wrong.out) == (2, "")
    assert "horizon" in wrong.err
    refused = sim("trace", "plain.yaml", "--out", "run.json", "--csv")
    assert (refused.code, refused.out) == (2, "")
    assert "No such option: --csv" in refused.err


def test_no_row_is_taken_for_what_has_happened(sim: Sim, here: Path) -> None:
    """A point, an option or a world is a counterfactual, whatever the scenario itself may be."""
    interval = "checkpoint.interval=30 min,1 h"
    small = ["--set", "horizon=1 d", "--csv"]
    for words in (
        ["sweep", "deepseek-v3", "--grid", interval, "--replications", "1"],
        ["advise", "deepseek-v3", "--choose", interval, "--most", "20"],
    ):
        table = pd.read_csv(io.StringIO(sim(*words, *small).out))
        assert set(table["status"]) == {"counterfactual"}
    other = ["compare", "deepseek-v3", "deepseek-v3", "--set-b", "checkpoint.interval=1 h", *FEW]
    table = pd.read_csv(io.StringIO(sim(*other, *small).out))
    assert list(table["status"]) == ["reconstruction and counterfactual"]
    spares = ["sweep", "deepseek-v3", "--grid", "fleet.good.cold_spares=1,2", *FEW]
    table = pd.read_csv(io.StringIO(sim(*spares, *small).out))
    assert set(table["status"]) == {"reconstruction"}
    (here / "past.yaml").write_text("like: national-stock\nstatus: reconstruction\n")
    other = ["worlds", "past.yaml", "no-grey-market", "--replications", "1", "--csv"]
    table = pd.read_csv(io.StringIO(sim(*other).out))
    statuses = {"as-it-was": "reconstruction", "no-grey-market": "counterfactual"}
    assert dict(zip(table["world"], table["status"], strict=True)) == statuses
    assert load_scenario("past.yaml").in_world("no-grey-market").standing == "counterfactual"
