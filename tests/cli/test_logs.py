"""The commands about logs, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from sim.errors import InputError

SMALL = """\
like: infinitehbd
horizon: 200 d
fleet: {servers: {nodes: 60, hot_spares: 0}}
checkpoint: {interval: 1 d}
run: {batch: {sequences: 480}}
"""


def said(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


def test_from_a_cluster_to_a_log_to_a_table_to_a_run(here: Path) -> None:
    said("log", "small.yaml", "--out", "log.csv", "--exposure", "nodes.csv", "--seed", "3")
    fit = ("fit", "log.csv", "--exposure", "nodes.csv", "--out", "my.yaml")
    text = said(*fit)
    for words in ("node-days", "kept", "nine of ten runs", "what the table cannot show"):
        assert words in text
    assert "servers-" not in text + "".join(path.read_text() for path in here.glob("my.*"))
    answer = json.loads(said(*fit, "--no-check", "--json"))
    assert answer["status"] == "fitted"
    assert answer["asked"].items() >= {"exposure": "nodes.csv", "ahead": 365.25}.items()
    assert answer["parameters"]["fault.rate" if "fault.rate" in text else "fault.scale"]["best"] > 0
    table = "fleet.servers.failures=my.yaml"
    ran = json.loads(said("run", "small.yaml", "--set", table, "--replications", "2", "--json"))
    assert ran["replications"] == 2


def test_the_table_is_a_yaml_file(here: Path) -> None:
    with pytest.raises(InputError, match=r"expected a \.yaml file"):
        said("fit", "log.csv", "--out", "my.csv")


def test_columns_are_pairs(here: Path) -> None:
    with pytest.raises(InputError, match="--columns node: expected NAME=VALUE"):
        said("fit", "log.csv", "--out", "my.yaml", "--columns", "node")
    with pytest.raises(InputError, match="--columns node is given twice: Host and Name"):
        said("fit", "log.csv", "--out", "my.yaml", "--columns", "node=Host, node = Name")


def test_a_folder_of_facts_is_given_in_short(here: Path) -> None:
    with pytest.raises(
        InputError, match=r"setting catalogue: .*there is no folder '.*my facts: mine'"
    ):
        said("run", "small.yaml", "--catalogue", "my facts: mine")


def test_nothing_that_is_read_is_written_over(here: Path) -> None:
    """A log called like the trace that is written beside the table was gone, and its names too."""
    text = "node,start,end\na,1,2\n"
    (here / "my.trace.csv").write_text(text)
    fit = ["--nodes", "3", "--from", "0", "--to", "9", "--unit", "days", "--no-check"]
    with pytest.raises(InputError, match=r"my\.trace\.csv: would be written over"):
        said("fit", "my.trace.csv", *fit, "--out", "./my.yaml")
    assert (here / "my.trace.csv").read_text() == text
    with pytest.raises(InputError, match=r"small\.yaml: would be written over"):
        said("log", "small.yaml", "--out", "small.yaml", "--exposure", "nodes.csv")
    with pytest.raises(InputError, match=r"log\.csv: would be written over"):
        said("log", "small.yaml", "--out", "log.csv", "--exposure", "log.csv")
