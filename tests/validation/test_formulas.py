"""The formulas in limits that are known otherwise."""

from __future__ import annotations

import math

import pytest
from scipy.stats import binom

from sim.validation.formulas import (
    any_bad,
    daly,
    expected_maximum,
    harmonic,
    lost_in_period,
    renewal_function,
    repairman,
)


def test_daly_without_failures_is_the_work_and_its_checkpoints():
    assert daly(1e9, 10.0, 1.0, 0.0, 0.0, 5) == pytest.approx(55.0)


def test_half_a_period_is_lost_where_failures_are_rare_and_all_of_it_where_they_are_frequent():
    assert lost_in_period(1e6, 10.0) == pytest.approx(5.0, rel=1e-4)
    assert lost_in_period(1.0, 100.0) == pytest.approx(1.0)


def test_as_many_repairers_as_units_make_them_independent():
    exact = [binom.pmf(k, 5, 0.2 / 0.7) for k in range(6)]
    assert repairman(5, 0.2, 0.5, 5) == pytest.approx(exact)


def test_one_repairer_of_two_units_is_in_balance_by_hand():
    assert repairman(2, 1.0, 1.0, 1) == pytest.approx([0.2, 0.4, 0.4])
    assert math.fsum(repairman(5, 0.2, 0.5, 2)) == pytest.approx(1.0)


def test_the_renewal_function_of_exponential_lives_is_linear():
    assert renewal_function(1.0, 2.0, 10.0) == pytest.approx(5.0, rel=1e-4)


@pytest.mark.parametrize("shape", [0.7, 2.0])
def test_the_elementary_renewal_theorem_holds(shape):
    square = math.gamma(1 + 2 / shape) / math.gamma(1 + 1 / shape) ** 2  # E[L²] / E[L]²
    assert renewal_function(shape, 1.0, 30.0) == pytest.approx(30 + square / 2 - 1, rel=1e-3)


def test_any_bad_is_the_share_itself_in_the_long_run_and_nothing_at_first():
    assert any_bad(0.2, 1.0, 1e6, 1) == pytest.approx(0.2, rel=1e-4)
    assert any_bad(0.2, 1.0, 1e6, 3) == pytest.approx(1 - 0.8**3, rel=1e-4)
    assert any_bad(0.2, 1.0, 1e-6, 3) == pytest.approx(0.0, abs=1e-5)


def test_the_largest_of_two_and_three_normal_numbers():
    assert expected_maximum(2) == pytest.approx(1 / math.sqrt(math.pi))
    assert expected_maximum(3) == pytest.approx(1.5 / math.sqrt(math.pi))


def test_a_harmonic_sum():
    assert harmonic(2, 3) == pytest.approx(5 / 6)
