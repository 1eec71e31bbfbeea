"""A stock with one thing wrong breaks the closed form that is about it."""

from __future__ import annotations

from typing import Any

import pytest

from sim.validation import closed_forms_of_stocks
from sim.validation.closed_forms import closed_forms

FAST = 0.05
MORE_DEATHS = {
    "causes": [{"cause": "dead", "scope": "chip", "per_1000_node_days": 11, "permanent": 1}]
}
MISTAKES = {
    "O8": ("stock-O8-O9", "spares age", {"fleet.pool.nodes": 500, "depot.stock.pool": 0}),
    "O9": (
        "stock-O8-O9",
        "spares do not age",
        {"fleet.pool.nodes": 200, "depot.stock.pool": 300, "horizon": "210 d"},
    ),
    "O10": ("stock-O10", "a tenth more deaths", {"fleet.pool.failures": MORE_DEATHS}),
    "O18": ("O18", "nobody waits", {"depot.repair.capacity": "100 per day"}),
    "O20": ("O20", "repair succeeds less often", {"depot.repair.success": 0.4}),
    "O21": (
        "O21",
        "the mean is taken for the median",
        {"depot.repair.turnaround.lognormal.median": "20 d"},
    ),
    "O22": ("O22", "broken nodes are left alone", {"depot.cannibalise": False}),
    "crossing": ("crossing", "the first run is due a month late", {"runs.first": "2022-02-01"}),
}


@pytest.mark.parametrize("id", MISTAKES)
def test_a_stock_with_one_thing_wrong_fails(id: str, monkeypatch: pytest.MonkeyPatch):
    check, _, changes = MISTAKES[id]
    right = closed_forms_of_stocks._run

    def wrong(asked: Any, *arguments: Any, **keys: Any) -> Any:
        return right(asked.override(changes), *arguments, **keys)

    monkeypatch.setattr(closed_forms_of_stocks, "_run", wrong)
    rows = [row for row in closed_forms(FAST, [check]) if row.id == id]
    assert rows
    assert not any(row.ok for row in rows)
