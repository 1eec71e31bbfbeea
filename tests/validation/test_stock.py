"""Every closed form of a stock holds, and would not if one thing were wrong."""

from __future__ import annotations

import pytest

from sim.validation.stock import ROWS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__)
def test_a_closed_form_holds_and_its_twin_fails(row):
    found = row(0.06)
    assert found.ok, found
    if found.z is None:
        assert abs(found.simulated - found.exact) <= 1e-9 * found.exact
    else:
        assert abs(found.z) <= 4 < abs(found.twin_z)
        assert found.standard_error <= 0.03 * found.exact


@pytest.mark.prove
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__)
def test_a_closed_form_holds_to_a_standard_error_of_one_percent_or_less(row):
    found = row(1.0)
    assert found.ok, found
    assert found.standard_error <= 0.01 * found.exact
