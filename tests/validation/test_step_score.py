"""Families left out of every fit, the fit itself, and that the catalogue says what came of it."""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean

import pytest
from scipy.integrate import quad
from scipy.stats import norm

from benchmarks import fit_steptime
from benchmarks.fit_steptime import CONSTANTS, fit
from sim.throughput.domain import reach, rule
from sim.validation.report import by_family, hits
from sim.validation.step_score import (
    Scored,
    case_of,
    crps,
    families,
    fitted_runs,
    points,
    rows,
    scores,
)


@pytest.fixture(scope="module")
def found() -> list[Scored]:
    return scores()


def test_the_fit_finds_the_constants_of_the_catalogue_from_elsewhere_too() -> None:
    start = {c: c.stated * (1.1 if k % 2 else 0.95) for k, c in enumerate(CONSTANTS)}
    for constant, value in fit(fitted_runs(), start).items():
        assert value == pytest.approx(constant.stated, rel=3e-4), constant


def test_the_fit_looks_at_no_run_of_a_validation_family() -> None:
    left = {run for family in families("validation").values() for run in family.runs}
    assert not left & set(fitted_runs())


def test_the_domain_of_the_catalogue_is_that_of_the_fit() -> None:
    values = {constant: constant.stated for constant in CONSTANTS}
    runs = fit_steptime.left_out(values)
    near, slope = fit_steptime.error_model(runs)
    domain = rule()
    assert domain.near == pytest.approx(near, abs=1e-4)
    assert domain.slope == pytest.approx(slope, abs=1e-4)
    assert domain.limit == pytest.approx(fit_steptime.limit(runs, near, slope), abs=1e-3)
    assert domain.unseen == pytest.approx(fit_steptime.stack_spread(values), abs=1e-4)
    assert domain.shared == pytest.approx(fit_steptime.common_share(runs), abs=1e-3)
    for stack, known in points().items():
        for ours, stated in zip(known.values(), domain.points[stack], strict=True):
            assert stated == pytest.approx(ours, rel=1e-3)


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_bands_hit_as_often_as_they_say_by_row_and_by_family(found, level: float) -> None:
    for groups in ([[row] for row in found], by_family(found)):
        number, low, high = hits(groups, level)
        assert low <= number <= high


def test_the_prediction_is_better_than_a_constant_utilisation(found) -> None:
    assert fmean(row.crps for row in found) < 0.5 * fmean(row.crps_mfu for row in found)


def test_most_rows_are_inside_and_bands_there_are_narrow(found) -> None:
    inside = [row for row in found if row.inside]
    assert len(inside) >= 0.6 * len(found)
    assert sorted(1.6449 * row.spread for row in inside)[len(inside) // 2] < 0.15
    assert fmean(abs(row.error) for row in inside) < 0.07


def test_no_run_is_missed_and_those_furthest_off_say_why() -> None:
    runs = [row for row in rows() if row.unit or row.quantity in {"mfu", "hfu"}]
    assert all(row.ok for row in runs)
    far = {row.id: row.cause_of_miss for row in runs if abs(row.error) > 0.1}
    assert far.keys() == {"bridge_dsv3_b200", "bridge_deepseek_v3", "msmoe", "glm_4224"}
    assert all(far.values())


def test_outside_the_98_per_cent_range_covers_and_spans_at_most_a_factor_of_four(found) -> None:
    outside = [row for row in found if not row.inside]
    assert outside
    assert all(row.hit(0.98) and 2 * 2.3263 * row.spread <= 1.3863 for row in outside)


def test_the_score_is_the_integral_it_stands_for() -> None:
    def missed(x: float) -> float:
        return float((norm.cdf(x / 0.3) - (x >= 0.5)) ** 2)

    assert crps(0.5, 0.3) == pytest.approx(quad(missed, -3, 4, points=[0.5])[0], rel=1e-6)


def test_the_error_grows_smoothly_with_the_distance() -> None:
    _, case = case_of("deepseek-v3")
    [pool] = case.fleet.values()
    [here] = [at for name, at in points()["hai-llm"].items() if name == "deepseek-v3"]
    spreads = []
    for k in range(60):
        away = here._replace(width=here.width * 1.1**k)
        spreads.append(reach(pool, case.run.model, away).spread)
    assert spreads == sorted(spreads)
    assert max(b - a for a, b in pairwise(spreads)) < 0.01
    assert spreads[0] == pytest.approx(rule().near)
    assert spreads[-1] <= rule().most
