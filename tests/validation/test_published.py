"""Published step times: what the constants rest on is met, what is evidence comes close."""

from __future__ import annotations

import pytest

from sim.catalogue import table
from sim.validation import published
from sim.validation.published import counts, parts, rows, summary
from sim.validation.report import Row


@pytest.fixture(scope="module")
def found() -> list[Row]:
    return rows()


def test_every_constant_meets_the_rows_it_rests_on(found: list[Row]) -> None:
    fitted = [row for row in found if row.role == "fitted"]
    assert len(fitted) >= 15
    # More runs than constants are met on average only.
    several = {"megatron-2021-gpt", "megatron-core-llama"}
    loosely = {run for name in several for run in table("families")[name].item.runs}
    for row in fitted:
        assert abs(row.error) < (0.1 if row.case in loosely else 0.005), row.id


def test_rows_between_the_fitted_ones_are_close(found: list[Row]) -> None:
    assert max(abs(row.error) for row in found if row.role == "interpolation") < 0.015


def test_what_was_not_looked_at_comes_within_six_per_cent_on_average(found: list[Row]) -> None:
    result = summary(found)
    assert result.runs >= 13
    assert result.mean <= 0.06
    assert result.worst <= 0.15


def test_deepseek_v3_is_predicted_with_its_parts(found: list[Row]) -> None:
    step = next(row for row in found if row.id == "dsv3_step_time")
    assert (step.role, step.expected) == ("validation", 19.926)
    assert abs(step.error) < 0.06
    of = {row.id: row for row in parts()}
    assert abs(of["dsv3_part_compute"].error) < 0.1
    assert abs(of["dsv3_part_bubble"].error) < 0.1
    assert of["dsv3_part_optimizer"].cause_of_miss


def test_every_large_miss_has_a_likely_cause(found: list[Row]) -> None:
    assert [row.id for row in found if abs(row.error) > 0.05 and not row.cause_of_miss] == []


def test_first_year_stacks_are_shown_apart(found: list[Row]) -> None:
    assert {row.case for row in found if not row.mature} >= {
        "pangu-ultra-moe",
        "sailor-pipeline-2",
        "hapmoe-s",
    }


def test_ids_are_unique_and_sources_known(found: list[Row]) -> None:
    table_ids = [row.id for row in found]
    assert len(set(table_ids)) == len(table_ids)
    assert all(row.source for row in found)
    assert {row.case for row in found} == set(table("runs"))


def test_rows_fail_when_the_worst_or_the_mean_error_is_too_large(found, monkeypatch) -> None:
    assert all(row.ok for row in found)
    monkeypatch.setattr(published, "WORST_ERROR", 0.05)
    failed = [row for row in rows() if not row.ok]
    assert failed
    assert all(counts(row) and abs(row.error) > 0.05 for row in failed)
    monkeypatch.setattr(published, "MEAN_ERROR", summary(found).mean / 2)
    assert [row for row in rows() if not row.ok] == [row for row in rows() if counts(row)]
