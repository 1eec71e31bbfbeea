"""The score counts what it says: places, hits and their range, and a plain rival."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sim import catalogue
from sim.validation import jobs, score
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


def test_a_row_beyond_its_band_is_no_pass_unless_it_does_not_count(made):
    beyond = replace(forecast(0.99), id="y", cause_of_miss="a flood")
    fitted = replace(forecast(0.99), id="z", role="fitted")
    rows = {row.id: row for row in made(*[forecast(0.5)] * 9, beyond, fitted)}
    assert (rows["x"].ok, rows["y"].ok, rows["z"].ok) == (True, False, True)
    assert rows["y"].cause_of_miss == "a flood"
    assert (rows["hits.90"].ours, rows["hits.90"].count, rows["hits.90"].ok) == (9, 10, True)


def test_a_family_counts_once_by_its_share_of_hits(made):
    one = [forecast(published) for published in (0.5, 0.99, 0.995, 0.999)]
    other = [forecast(0.5, family="B")]
    rows = {(row.id, row.quantity): row for row in made(*one, *other)}
    by_family = rows["hits.90", "jobs by family"]
    assert (by_family.ours, by_family.count) == (1.25, 2)
    assert ("hits.90", "B") not in rows, "of one row any number of hits is right"


def test_a_family_that_misses_together_fails_and_says_why(made):
    rows = {(row.id, row.quantity): row for row in made(*[forecast(0.8) for _ in range(6)])}
    family = rows["hits.50", "A"]
    assert (family.ours, family.ok, family.cause_of_miss) == (0, False, score.SHARED)
    assert rows["hits.90", "A"].cause_of_miss == ""


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


def test_runs_whose_errors_set_the_width_of_the_bands_do_not_count():
    found = {row.id: row.role for row in score.forecasts(2, 0)}
    fitted = {name for name, role in found.items() if role == "fitted"}
    assert fitted == {"ff_moe16b_80", "l3_tflops_16k", "l3_tflops_128k"}
    assert set(found.values()) == {"fitted", "validation"}


def test_one_logbook_is_missed_and_hits_of_all_kinds_and_families_are_as_many_as_chance_allows():
    table = score.rows(100)
    [missed] = [row for row in table if not row.ok]
    assert (missed.id, missed.place) == ("opt-175b-2", pytest.approx(0.01, abs=0.03))
    assert "holiday" in missed.cause_of_miss
    assert {row.quantity for row in table} >= {"step times by family", "MEGASCALE", "OPTLOG"}


def test_the_sentence_counts_each_kind(made):
    rows = made(forecast(0.5), forecast(0.99), forecast(0.5, kind="logbooks", family="B"))
    table = pd.DataFrame([vars(row) for row in rows]).assign(kind=[row.quantity for row in rows])
    assert score.line(table) == (
        "Our 90 % bands hold 1 of 2 published jobs (1 to 2 would be right; by source 0.5 of 1), "
        "1 of 1 published logbooks (0 to 1 would be right; by source 1 of 1). "
        "Numbers of one source err together, so a source counts once, by its hits."
    )


def test_without_people_every_logbook_is_missed_and_with_them_one():
    rows = [row for row in jobs.rows(60, table="logbooks") if row.role == "validation"]
    assert len(rows) == len(catalogue.table("logbooks")) - 1
    assert [row.id for row in rows if row.twin_ok] == []
    assert [row.id for row in rows if not row.ok] == ["opt-175b-2"]
