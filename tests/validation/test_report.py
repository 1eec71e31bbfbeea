"""Rows are decided as they say, and `sim validate` prints them and ends with a code that tells."""

from __future__ import annotations

import json
import sys

import pytest

from sim import catalogue, validation
from sim.__main__ import main
from sim.validation import closed_forms
from sim.validation.report import MOST_Z, Row, by_z, text, within

GOOD = by_z("X", "a row that holds", [0.9, 1.1] * 20, 1.0, "twice as much", 2.0)
BAD = by_z("Y", "a row that does not", [0.9, 1.1] * 20, 2.0)


def test_a_row_fails_beyond_four_standard_errors_or_when_it_accepts_its_twin():
    values = [0.9, 1.1] * 50
    row = by_z("X", "x", values, 1.0)
    assert row.ok
    assert row.standard_error is not None
    assert by_z("X", "x", values, 1.0 + (MOST_Z - 0.1) * row.standard_error).ok
    assert not by_z("X", "x", values, 1.0 + (MOST_Z + 0.1) * row.standard_error).ok
    assert by_z("X", "x", values, 1.0 + (MOST_Z + 0.1) * row.standard_error, widened=2).ok
    assert not by_z("X", "x", values, 1.0, "no difference", 1.001).ok
    assert by_z("X", "x", values, 1.0, "a difference", 1.1).ok


def test_replications_that_are_all_alike_agree_with_their_own_value_alone():
    assert by_z("X", "x", [2.0] * 5, 2.0).ok
    assert not by_z("X", "x", [2.0] * 5, 2.1).ok


def test_a_tolerance_is_a_share_of_what_is_exact():
    assert within("X", "x", 1.04, 1.0, tolerance=0.05).ok
    assert not within("X", "x", 1.06, 1.0, tolerance=0.05).ok
    assert not within("X", "x", 1.04, 1.0, "as close", 1.05, tolerance=0.05).ok
    assert within("X", "x", 1e-12, 0.0).ok


def test_a_table_shows_the_columns_in_which_a_row_says_something():
    heading, good, bad = text([GOOD, BAD]).splitlines()
    assert heading.split() == ["ours", "standard_error", "expected", "error", "z", "twin"]
    assert good.startswith("  ok validation")
    assert good.endswith("X, a row that holds; twin: twice as much")
    assert bad.startswith("FAIL validation")
    assert bad.endswith("Y, a row that does not")


def validate(monkeypatch, capsys, *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["sim", "validate", *words])
    try:
        main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    answer = capsys.readouterr()
    return code, answer.out, answer.err


@pytest.fixture
def table(monkeypatch) -> list[Row]:
    """Two rows of mine in place of the simulated ones."""
    mine: list[Row] = [GOOD]
    monkeypatch.setattr(closed_forms, "CHECKS", {"X": lambda effort: iter(mine)})
    return mine


def test_it_ends_with_0_when_all_rows_hold_and_with_1_naming_those_that_do_not(
    table, monkeypatch, capsys
):
    code, out, _ = validate(monkeypatch, capsys, "closed-forms")
    assert code == 0
    assert "a row that holds; twin: twice as much" in out
    table.append(BAD)
    code, out, err = validate(monkeypatch, capsys, "closed-forms")
    assert code == 1
    assert "FAIL" in out
    assert "1 of 2 rows: Y, a row that does not" in err


def test_as_json_it_is_one_object_whose_rows_all_have_the_same_keys(table, monkeypatch, capsys):
    table.append(BAD)
    code, out, _ = validate(monkeypatch, capsys, "closed-forms", "--json")
    report = json.loads(out)
    good, bad = report["closed-forms"]
    assert (code, report["ok"]) == (1, False)
    assert (good["ok"], bad["ok"]) == (True, False)
    assert (good["twin"], bad["twin"]) == (2.0, None)
    assert list(good) == list(bad) == list(Row.__dataclass_fields__)


def test_a_table_that_is_none_is_refused(monkeypatch, capsys):
    assert validate(monkeypatch, capsys, "closed-form")[0] == 2


@pytest.mark.parametrize("name", ["published", "jobs", "logbooks", "trace", "peers", "score"])
def test_every_table_reads_in_a_terminal_and_can_be_written_as_json(name, monkeypatch, capsys):
    one = {"airesim-weibull-2": catalogue.table("peers")["airesim-weibull-2"]}
    everything = catalogue.table

    def with_one_peer(kind, own=None):
        return one if kind == "peers" else everything(kind, own)

    monkeypatch.setattr(catalogue, "table", with_one_peer)
    rows = validation.rows(name, 0.1)
    _, *lines = text(rows).splitlines()
    assert len(lines) == len(rows)
    assert all(line.startswith(("  ok", "FAIL")) for line in lines)
    _, out, _ = validate(monkeypatch, capsys, name, "--effort", "0.1", "--json")
    assert [row["title"] for row in json.loads(out)[name]] == [row.title for row in rows]
