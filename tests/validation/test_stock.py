"""The stock of a country is that of its sources, and runs that happened could be staffed."""

from __future__ import annotations

import pytest

from sim import catalogue
from sim.validation import rows, stock


@pytest.fixture(scope="module")
def table():
    return {row.id: row for row in rows("stock", 0.2)}


def test_every_count_and_every_run_of_the_catalogue_has_a_row(table):
    assert set(table) == {*catalogue.table("stocks"), *catalogue.table("trained")}


def test_all_rows_hold(table):
    assert [row.name for row in table.values() if not row.ok] == []


def test_only_what_fed_no_line_and_what_happened_counts_as_evidence(table):
    evidence = {name for name, row in table.items() if row.role == "validation"}
    assert evidence == {
        *catalogue.table("trained"),
        "grey-epoch-2024",
        "grey-cnas-2025",
        "huawei-2025",
    }


@pytest.mark.parametrize(
    ("row", "change"),
    [
        ("h20-2025", {"depot.supply.h20.scale": 1.6}),
        ("h800-2025", {"policy.us-2023-10-17.date": "2024-10-17"}),
        ("910c-2025", {"depot.production.huawei.stacks.bank.chips": [["2023-01-01", 3_000_000]]}),
        ("longcat-2-50k", {"outlook.shares.run": 0.02}),
    ],
)
def test_a_line_with_one_thing_wrong_fails(row, change, monkeypatch):
    right = stock.load_scenario
    monkeypatch.setattr(stock, "load_scenario", lambda name: right(name).override(change))
    stock._coming.cache_clear()
    try:
        [wrong] = [one for one in rows("stock", 0.2) if one.id == row]
    finally:
        stock._coming.cache_clear()
    assert not wrong.ok
