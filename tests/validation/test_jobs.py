from __future__ import annotations

import pandas as pd
import pytest

from sim.validation import jobs
from sim.validation.jobs import rows


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return rows(12, seed=0).set_index("job")


def test_jobs_reported_to_be_productive_for_more_than_a_share_of_the_time_are(table: pd.DataFrame):
    bounds = table[table["bound"]]
    assert list(bounds.index) == ["llama-3", "megascale"]
    assert bounds["agrees"].all()


@pytest.mark.parametrize("job", ["rsc-1-60min", "rsc-1-5min", "byterobust"])
def test_reported_shares_are_met(table: pd.DataFrame, job: str):
    assert table.loc[job, "role"] == "validation"
    assert table.loc[job, "ours"] == pytest.approx(table.loc[job, "measured"], abs=0.03)


def test_a_row_of_validation_that_misses_is_not_ok(
    table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
):
    assert table["ok"].all()
    monkeypatch.setattr(jobs, "MOST", 0.001)
    assert rows(5)[lambda found: ~found["ok"]]["job"].tolist() == [
        "byterobust",
        "rsc-1-60min",
        "rsc-1-5min",
    ]


@pytest.mark.parametrize("job", ["greyhound-32", "greyhound-512"])
def test_the_jobs_the_shared_fabric_is_fitted_to_are_said_to_be(table: pd.DataFrame, job: str):
    assert table.loc[job, "role"] == "fitted"
    assert table.loc[job, "ours"] == pytest.approx(table.loc[job, "measured"], rel=0.2)
