from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sim.cli.answers import fit as fit_text
from sim.failure_logs.check import STATISTICS, check, report
from sim.failure_logs.fit import fit
from sim.failure_logs.log import Outage, Window, made
from sim.pictures.failure_logs import save
from sim.results.ledger import DAY
from tests.failure_logs.truths import log_of


@pytest.mark.parametrize("truth", ["bad nodes", "bursts"])
def test_a_fitted_table_has_the_statistics_of_its_log(truth: str, tmp_path: Path) -> None:
    fitted = fit(log_of(truth, 2))
    found = check(fitted, runs=40)
    inside = [row.title for row in found.statistics.itertuples() if row.inside]
    # Nine of ten each, of nine that hang together.
    assert len(inside) >= len(STATISTICS) - 2
    assert 0.5 <= found.coverage <= 1
    told = report(fitted, found)
    assert told["outages"] == len(fitted.log.node)
    save(fitted, found, tmp_path)
    assert (tmp_path / "failure_log.csv").read_text().startswith("day,seen,p5,p95")


def test_a_parameter_has_a_unit_and_repairs_that_take_one_time_are_no_contradiction() -> None:
    """The days 1.2 less 1 and 3.2 less 3 differ in the last digits only."""
    rows = [
        Outage(f"n{k % 16}", (1 + 2 * k) * DAY, (1.2 + 2 * k) * DAY, "outage", "hardware")
        for k in range(40)
    ]
    fitted = fit(made(rows, [Window(f"n{k}", 0.0, 100 * DAY, 0.0) for k in range(16)]))
    found = check(fitted, runs=10)
    told = report(fitted, found)
    assert {row["title"]: row["inside"] for row in told["statistics"]}[STATISTICS["repair.p90"]]
    assert told["units"] == {"outage.rate": "per 1,000 node-days"}
    assert re.search(r"outage\.rate .* per 1,000 node-days\n", fit_text(told))


def test_what_cannot_be_told_apart_is_said() -> None:
    fitted = fit(log_of("ageing", 1))
    limits = " ".join(report(fitted, None)["limits"])
    assert "no `installed`" in limits
    assert "remove `age`" in limits


@pytest.mark.parametrize("days", [3.0, 40.0])
@pytest.mark.parametrize("outages", [1, 4])
def test_a_short_log_of_a_few_outages_is_no_error(days: float, outages: int) -> None:
    windows = [Window(name, 0.0, days * DAY, 0.0) for name in "abc"]
    rows = [
        Outage("abc"[k % 3], (k + 1) * days * DAY / 5, (k + 1.2) * days * DAY / 5, "x", "unknown")
        for k in range(outages)
    ]
    fitted = fit(made(rows, windows))
    told = report(fitted, check(fitted, runs=5))
    assert json.dumps(told, allow_nan=False)
    assert fit_text(told)
    assert {trial["mechanism"] for trial in told["tried"]} == {"drift"}


def test_interruptions_alone_make_a_table_without_repairs() -> None:
    windows = [Window(name, 0.0, 90 * DAY, 0.0) for name in "abcd"]
    rows = [Outage("abcd"[k % 4], k * DAY, k * DAY, "x", "unknown") for k in range(1, 30)]
    fitted = fit(made(rows, windows, nodes_known=False))
    assert "repair" not in fitted.causes[0]
    limits = " ".join(report(fitted, check(fitted, runs=5))["limits"])
    assert "no repairs" in limits
    assert "Which node of a job failed" in limits
