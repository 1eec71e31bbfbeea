from __future__ import annotations

import os

import numpy as np
import pytest

from sim import catalogue, load_scenario, simulate
from sim.catalogue.evidence import MeasuredTrace
from sim.engine.replay import outages
from sim.validation import trace
from sim.validation.report import Row
from sim.validation.trace import DAY, outages_of, rows, statistics

NODES, DAYS = 400, 349.0
TRACE = catalogue.entry("traces", "infinitehbd").item
assert isinstance(TRACE, MeasuredTrace)
CLUSTERED = {
    "again.1d",
    "again.7d",
    "again.30d",
    "worst_tenth",
    "daily_variance_to_mean",
    "down.p99",
}


def of(*rows: tuple[float, float, int], nodes: int = 10, days: float = 100.0) -> dict[str, float]:
    return statistics([[(start * DAY, end * DAY, node) for start, end, node in rows]], nodes, days)


def test_rate_and_repair_times():
    found = of((0, 1, 0), (10, 13, 1), (20, 25, 2))
    assert found["rate"] == pytest.approx(3.0)
    assert (found["repair.p50"], found["repair.mean"]) == pytest.approx((3.0, 3.0))


def test_again_counts_the_gap_after_a_repair_and_leaves_out_the_last_thirty_days():
    found = of((0, 1, 0), (1.5, 2, 0), (20, 21, 0), (22, 23, 1), (71, 72, 2), (72.1, 73, 2))
    # Four repairs can be watched for 30 days: followed after 0.5 and 18 days, or not at all.
    assert [found[f"again.{days}d"] for days in ("0.25", "1", "14", "30")] == [0, 0.25, 0.25, 0.5]


def test_the_worst_tenth_is_a_tenth_of_all_nodes_failed_or_not():
    assert of((0, 1, 3), (2, 3, 3), (4, 5, 3), (0, 1, 4))["worst_tenth"] == 0.75
    # A tenth of four nodes is one of them: it was none, which stood for all.
    found = statistics([[(0.0, 1.0, 0), (2.0, 3.0, 0), (2.0, 3.0, 1)]], nodes=4, days=40)
    assert found["worst_tenth"] == pytest.approx(2 / 3)


def test_nodes_down_are_weighted_by_time():
    found = of((0, 50, 0), (0, 10, 1), (40, 60, 2), (5, 5, 3))
    assert found["down.mean"] == pytest.approx(0.8)
    assert found["down.max"] == 2
    assert (found["down.p50"], found["down.p90"]) == (1, 2)
    assert statistics([[(0.0, 30 * DAY, node) for node in range(6)]], 10, 100.0)[
        "up_to.4"
    ] == pytest.approx(0.7)


def test_daily_counts_of_a_poisson_process_vary_as_their_mean_and_those_of_groups_more():
    generator = np.random.default_rng(0)
    starts = generator.random(4000) * 1000 * DAY
    alone = [(start, start, k % 50) for k, start in enumerate(starts)]
    groups = [(start, start, k) for start in starts[:500] for k in range(8)]
    assert statistics([alone], 50, 1000)["daily_variance_to_mean"] == pytest.approx(
        1, abs=4 * (2 / 1000) ** 0.5
    )
    assert statistics([groups], 50, 1000)["daily_variance_to_mean"] == pytest.approx(
        8, abs=8 * 4 * (2 / 500) ** 0.5
    )


def test_runs_are_pooled():
    once = [(0.0, DAY, 0), (2 * DAY, 3 * DAY, 1)]
    one, two = statistics([once], 10, 40), statistics([once, once], 10, 40)
    assert one == two
    assert statistics([once, []], 10, 40)["rate"] == one["rate"] / 2
    assert statistics([once, []], 10, 40)["down.mean"] == one["down.mean"] / 2


def test_no_outages_have_no_statistics():
    with pytest.raises(ValueError, match="no outages"):
        statistics([[]], 10, 40)


def test_the_outages_of_a_run_are_its_failures_bursts_included():
    result = simulate(load_scenario("infinitehbd"), seed=3)
    found = outages_of(result)
    assert len(found) > sum(result.failures.values())
    assert len({start for start, _, _ in found}) == sum(result.failures.values())
    down = sum(end - start for start, end, _ in found)
    places = sum(s for (_, place), s in result.chip_seconds.items() if place in ("repair", "idle"))
    assert 8 * down == pytest.approx(places)


@pytest.fixture(scope="module")
def table() -> list[Row]:
    return rows(80)


def missed(table: list[Row]) -> set[str]:
    """The statistics that independent failures miss."""
    return {row.id for row in table if not row.twin_ok}


def test_a_few_years_of_the_table_look_like_the_trace(table: list[Row]):
    for row in table:
        assert row.ok, row
        assert row.p5 is not None and row.p95 is not None
        assert row.p5 < row.ours < row.p95, row


def test_a_few_years_of_independent_failures_do_not(table: list[Row]):
    assert missed(table) == CLUSTERED


def test_no_row_is_said_to_be_evidence(table: list[Row]):
    assert {row.id for row in table if row.role == "input"} == {"repair.p50", "repair.p90"}
    assert {row.role for row in table} == {"input", "fitted"}


def test_a_table_without_bursts_and_repeats_is_not_ok(monkeypatch: pytest.MonkeyPatch):
    worse = load_scenario(TRACE.scenario).override(TRACE.independent)
    monkeypatch.setattr(trace, "load_scenario", lambda name: worse)
    found = rows(5)
    assert {row.id for row in found if not row.ok} >= CLUSTERED
    assert [row.ours for row in found] == [row.twin for row in found]


def test_the_usual_model_differs_in_independence_alone():
    ours, usual = (
        load_scenario(TRACE.scenario).override(changes).fleet["servers"].failures
        for changes in (TRACE.changes, TRACE.independent)
    )
    [cause] = usual.causes
    assert cause.repair == ours.causes[0].repair
    assert (cause.burst, cause.refail) == (None, None)


def test_each_statistic_was_measured_within_its_own_tolerance():
    assert all(row.least < row.measured < row.most for row in TRACE.rows)


@pytest.mark.prove
def test_the_table_has_the_statistics_of_the_trace_and_independent_failures_do_not():
    found = rows(120)
    assert all(row.ok for row in found)
    assert missed(found) == CLUSTERED
    [down] = [row.twin for row in found if row.id == "down.p99"]
    assert down is not None
    assert 14 <= down <= 19


@pytest.mark.prove
def test_the_trace_itself_has_its_published_statistics():
    path = os.environ.get("TRACE")
    if not path:
        pytest.skip("no trace given: make prove TRACE=FILE")
    found = statistics([[span[:3] for span in outages(path)]], NODES, DAYS)
    cdf = {
        4: 0.315,
        8: 0.6194,
        12: 0.8079,
        16: 0.8304,
        20: 0.8623,
        24: 0.9443,
        28: 0.9769,
        32: 0.9979,
        35: 1.0,
    }
    assert [found[f"up_to.{k}"] for k in cdf] == pytest.approx(list(cdf.values()), abs=0.002)
    down = {"mean": 9.26, "p50": 7, "p90": 22, "p95": 26, "max": 35}
    assert [found[f"down.{name}"] for name in down] == pytest.approx(list(down.values()), abs=0.01)
    assert (found["repair.mean"], found["repair.p99"]) == pytest.approx((5.54, 81.9), rel=0.005)
    again = {"0.25d": 0.168, "3d": 0.256, "14d": 0.357}
    assert [found[f"again.{name}"] for name in again] == pytest.approx(
        list(again.values()), abs=0.005
    )
    near = {"rate": 0.02, "repair.p50": 0.004, "daily_variance_to_mean": 0.05}
    for row in TRACE.rows:
        close = near.get(row.id, 0.005 * max(row.measured, 1))
        assert found[row.id] == pytest.approx(row.measured, abs=close), row.id
