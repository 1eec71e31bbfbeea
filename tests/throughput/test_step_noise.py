"""The slowest of many."""

import numpy as np
import pytest

from sim.throughput.step_noise import expected_maximum, straggler_factor


@pytest.mark.parametrize(
    ("participants", "mean"), [(128, 2.59), (256, 2.83), (2048, 3.44), (16384, 3.97)]
)
def test_the_mean_maximum_of_normals_is_that_of_the_tables(participants: int, mean: float) -> None:
    assert expected_maximum(participants) == pytest.approx(mean, abs=0.005)


def test_it_agrees_with_simulation() -> None:
    drawn = np.random.Generator(np.random.PCG64DXSM(7)).standard_normal((20_000, 64)).max(axis=1)
    error = drawn.std() / np.sqrt(len(drawn))
    assert abs(drawn.mean() - expected_maximum(64)) < 4 * error
    assert (
        abs(drawn.mean() - expected_maximum(48)) > 4 * error
    )  # a wrong number of participants would show


def test_a_fleet_without_noise_or_company_waits_for_nobody() -> None:
    assert straggler_factor(0.0, 10_000) == straggler_factor(0.02, 1) == 1.0
    assert straggler_factor(0.01, 256) == pytest.approx(1.0283, abs=1e-4)
