from __future__ import annotations

from pathlib import Path

import pytest

from sim.failure_logs.check import STATISTICS, check, report
from sim.failure_logs.fit import fit
from sim.pictures.failure_logs import save
from tests.failure_logs.truths import log_of


@pytest.mark.parametrize("truth", ["bad nodes", "bursts"])
def test_a_fitted_table_has_the_statistics_of_its_log(truth: str, tmp_path: Path) -> None:
    fitted = fit(log_of(truth, 2))
    found = check(fitted, runs=40)
    inside = [row.title for row in found.statistics if row.inside]
    # Nine of ten each, of nine that hang together.
    assert len(inside) >= len(STATISTICS) - 2
    assert 0.5 <= found.coverage <= 1
    told = report(fitted, found)
    assert told["outages"] == len(fitted.log.node)
    save(fitted, found, tmp_path)
    assert (tmp_path / "failure_log.csv").read_text().startswith("day,seen,p5,p95")


def test_what_cannot_be_told_apart_is_said() -> None:
    fitted = fit(log_of("ageing", 1))
    limits = " ".join(report(fitted, None)["limits"])
    assert "no `installed`" in limits
    assert "remove `age`" in limits
