"""The score counts what it says: places, hits and their range, and a plain rival."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sim import catalogue
from sim.validation import score
from sim.validation.score import Forecast, crps

DRAWS = np.linspace(0.0, 1.0, 1001)


def forecast(published: float, kind: str = "jobs", family: str = "A") -> Forecast:
    return Forecast(kind, family, "x", "a job", "S", published, DRAWS, np.array([0.5]))


@pytest.fixture
def made(monkeypatch):
    """A score of forecasts of mine."""

    def rows_of(*forecasts: Forecast):
        monkeypatch.setattr(score, "forecasts", lambda n, seed: list(forecasts))
        return score.rows(10)

    return rows_of


def test_the_place_is_the_share_below_and_a_hit_is_within_the_central_band():
    assert forecast(0.2).place == pytest.approx(0.2, abs=1e-3)
    assert forecast(0.2).hit(0.9)
    assert not forecast(0.2).hit(0.5)
    assert not forecast(0.96).hit(0.9)
    same = replace(forecast(1.0), sample=np.ones(4))
    assert same.place == 0.5, "a tie lies in the middle of what it ties with"


def test_the_score_of_a_sample_is_that_of_its_definition():
    sample = np.random.default_rng(1).normal(size=200)
    apart = np.abs(sample[:, None] - sample[None, :]).mean() / 2
    assert crps(sample, 0.3) == pytest.approx(np.abs(sample - 0.3).mean() - apart)


def test_hits_are_judged_by_the_binomial_range(made):
    places = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.99]
    rows = {(row.id, row.quantity): row for row in made(*map(forecast, places))}
    hits = rows["hits.90", "jobs"]
    assert (hits.ours, hits.count, hits.lo, hits.hi, hits.ok) == (9, 10, 7, 10, True)
    assert rows["hits.50", "jobs"].ours == 5
    assert rows["hits.90", "A"].ours == 9
    short = {(row.id, row.quantity): row for row in made(*[forecast(0.99) for _ in range(10)])}
    assert not short["hits.90", "jobs"].ok


def test_a_family_counts_once_by_its_median_row(made):
    one = [forecast(published) for published in (0.5, 0.99, 0.995)]
    other = [forecast(0.5, family="B")]
    rows = {(row.id, row.quantity): row for row in made(*one, *other)}
    by_family = rows["hits.90", "jobs by family"]
    assert (by_family.ours, by_family.count) == (1, 2)
    assert rows["hits.90", "A"].ours == 1
    assert rows["hits.90", "A"].ok, "rows of a family are not independent"


def test_a_rival_that_is_always_right_wins(made):
    rows = {row.id: row for row in made(*[forecast(0.5) for _ in range(4)])}
    assert rows["crps"].ours > 0
    assert not rows["crps"].ok
    better = {row.id: row for row in made(*[replace(forecast(0.5), rival=np.zeros(1))] * 4)}
    assert better["crps"].ok


def test_the_width_is_held_against_what_the_errors_call_for(made):
    rows = {row.id: row for row in made(forecast(0.4), forecast(0.6))}
    assert rows["width"].ours == pytest.approx(0.9)
    assert rows["width"].expected == pytest.approx(2 * 1.6449 * 0.1, rel=1e-3)


def test_only_validation_without_bounds_counts_and_one_row_of_a_run():
    found = score.forecasts(4, 0)
    names = {(row.kind, row.id) for row in found}
    assert ("jobs", "byterobust") in names
    assert not {("jobs", "llama-3"), ("jobs", "rsc-1-60min"), ("jobs", "greyhound-32")} & names
    assert ("logbooks", "glm-130b-from-11-may") not in names, "part of it is what was fitted to"
    assert [row.id for row in found if row.id.startswith("dsv3")] == ["dsv3_step_time"]


def test_every_kind_and_family_covers_and_beats_its_rival():
    table = score.rows(100)
    summary = [row for row in table if row.id in ("hits.50", "hits.90", "crps")]
    assert {row.quantity for row in summary} >= {"step times", "jobs", "logbooks"}
    assert [row.name for row in summary if not row.ok] == []


def test_the_sentence_counts_each_kind(made):
    rows = made(forecast(0.5), forecast(0.99), forecast(0.5, kind="logbooks", family="B"))
    table = pd.DataFrame([vars(row) for row in rows]).assign(kind=[row.quantity for row in rows])
    assert score.line(table) == (
        "Our 90 % bands hold 1 of 2 published jobs (1 to 2 would be right), "
        "1 of 1 published logbooks (0 to 1 would be right)."
    )


def test_without_people_every_logbook_is_missed():
    from sim.validation import jobs

    rows = [row for row in jobs.rows(60, table="logbooks") if row.role == "validation"]
    assert len(rows) == len(catalogue.table("logbooks")) - 1
    assert [row.id for row in rows if row.twin_ok] == []
    assert sum((row.p5 or 0) <= row.expected <= (row.p95 or 1) for row in rows) >= 4
