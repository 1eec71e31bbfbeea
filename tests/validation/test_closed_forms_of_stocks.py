"""A stock with one thing wrong breaks the closed form that is about it."""

from __future__ import annotations

import pytest

from sim.validation import closed_forms_of_stocks
from sim.validation.bare_scenario import runs
from sim.validation.closed_forms import closed_forms

FAST = 0.05
DEATHS = {"cause": "dead", "scope": "chip", "per_1000_node_days": 11, "permanent": 1}
AS_COLD = {"fleet.pool.nodes": 200, "depot.stock.pool": 300, "horizon": "210 d"}


@pytest.mark.parametrize(
    ("id", "check", "changes"),
    [
        pytest.param(
            "O8",
            "stock-O8-O9",
            {"fleet.pool.nodes": 500, "depot.stock.pool": 0},
            id="spares age",
        ),
        pytest.param("O9", "stock-O8-O9", AS_COLD, id="spares do not age"),
        pytest.param(
            "O10",
            "stock-O10",
            {"fleet.pool.failures": {"causes": [DEATHS]}},
            id="a tenth more deaths",
        ),
        pytest.param("O18", "O18", {"depot.repair.capacity": "100 per day"}, id="nobody waits"),
        pytest.param("O20", "O20", {"depot.repair.success": 0.4}, id="repair fails more often"),
        pytest.param(
            "O21",
            "O21",
            {"depot.repair.turnaround.lognormal.median": "20 d"},
            id="the mean is taken for the median",
        ),
        pytest.param("O22", "O22", {"depot.cannibalise": False}, id="broken nodes left alone"),
        pytest.param(
            "crossing", "crossing", {"runs.first": "2022-02-01"}, id="first run a month late"
        ),
    ],
)
def test_a_stock_with_one_thing_wrong_fails(id, check, changes, monkeypatch):
    def wrong(scenario, *arguments):
        return runs(scenario.override(changes), *arguments)

    monkeypatch.setattr(closed_forms_of_stocks, "runs", wrong)
    rows = [row for row in closed_forms(FAST, [check]) if row.id == id]
    assert rows
    assert not any(row.ok for row in rows)
