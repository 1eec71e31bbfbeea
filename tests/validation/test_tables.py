"""`sim validate`: every table in words and as data, and an exit code that says whether all rows
hold.
"""

from __future__ import annotations

import json
import sys

import pytest

from sim.__main__ import main
from sim.validation import closed_forms, published, tables
from sim.validation.report import ClosedForm, by_z

GOOD = by_z("X", "a row that holds", [0.9, 1.1] * 20, 1.0, "twice as much", 2.0)
BAD = by_z("Y", "a row that does not", [0.9, 1.1] * 20, 2.0)


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
def table(monkeypatch) -> list[ClosedForm]:
    """Two rows of mine in place of the simulated ones."""
    mine: list[ClosedForm] = [GOOD]
    monkeypatch.setattr(closed_forms, "CHECKS", {"X": lambda effort: iter(mine)})
    return mine


def test_it_ends_with_0_when_all_rows_hold_and_with_1_naming_those_that_do_not(
    table, monkeypatch, capsys
):
    code, out, _ = validate(monkeypatch, capsys, "closed-forms")
    assert code == 0
    assert "a row that holds" in out
    assert "rejects: twice as much (2)" in out
    table.append(BAD)
    code, out, err = validate(monkeypatch, capsys, "closed-forms")
    assert code == 1
    assert "FAIL Y" in out
    assert "1 of 2 rows: a row that does not" in err


def test_as_json_it_is_one_object(table, monkeypatch, capsys):
    table.append(BAD)
    code, out, _ = validate(monkeypatch, capsys, "closed-forms", "--json")
    report = json.loads(out)
    assert (code, report["ok"]) == (1, False)
    assert [row["ok"] for row in report["closed-forms"]] == [True, False]
    assert report["closed-forms"][0]["exact"] == 1.0


def test_a_table_that_is_none_is_refused(monkeypatch, capsys):
    assert validate(monkeypatch, capsys, "closed-form")[0] == 2


def test_published_rows_fail_when_the_worst_or_the_mean_error_is_too_large(monkeypatch):
    assert all(row["ok"] for row in tables.rows("published"))
    monkeypatch.setattr(tables, "WORST_ERROR", 0.05)
    failed = [row for row in tables.rows("published") if not row["ok"]]
    assert failed
    assert all(
        row["role"] == "validation" and row["mature"] and abs(row["error"]) > 0.05 for row in failed
    )
    monkeypatch.setattr(tables, "MEAN_ERROR", published.summary(published.rows()).mean / 2)
    assert len([row for row in tables.rows("published") if not row["ok"]]) > len(failed)


@pytest.mark.parametrize("name", ["published", "jobs", "trace", "peers"])
def test_every_table_reads_in_a_terminal(name, monkeypatch):
    monkeypatch.setattr(tables.catalogue, "table", _first(tables.catalogue.table))
    found = tables.rows(name, 0.1)
    lines = tables.text(name, found).splitlines()
    assert len(lines) == 1 + len(found)
    assert all(line.startswith(("  ok", "FAIL")) for line in lines[1:])


def _first(table):
    """The catalogue with one peer's case only."""
    return lambda kind: (
        {"airesim-weibull-2": table(kind)["airesim-weibull-2"]} if kind == "peers" else table(kind)
    )
