"""Indices of a function whose indices are known."""

from __future__ import annotations

import pytest

from sim import sensitivity
from sim.errors import InputError
from sim.streams import stream
from tests.experiments.stand_in import NAMES, stand_in, sure, unsure


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Variances 1/6, 4/6 and 0 of a sum, beside much luck."""
    return stand_in(
        monkeypatch,
        lambda q, luck: luck.normal(100, 10) + q.checkpoint.blocking + 2 * q.checkpoint.load,
    )


def test_sobol_gives_each_its_share_of_the_variance(seen: list[int]) -> None:
    result = sensitivity(unsure(), samples=256, seed=0)
    table = result.frame.set_index("unknown")
    assert result.frame["unknown"].tolist() == [NAMES[1], NAMES[0], NAMES[2]]
    for name, share in zip(NAMES, (0.2, 0.8, 0.0), strict=True):
        assert table.loc[name, "S1"] == pytest.approx(share, abs=0.05)
        assert table.loc[name, "ST"] == pytest.approx(share, abs=0.05)
    assert result.sd**2 == pytest.approx(5 / 6, rel=0.05)
    assert result.runs == len(seen) == 256 * 5
    assert set(seen) == {0}, "every point has the same luck"


def test_an_interplay_is_in_the_total_and_not_in_the_first_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand_in(
        monkeypatch, lambda q, luck: 100 + (q.checkpoint.blocking - 1) * (q.checkpoint.load - 1)
    )
    table = sensitivity(unsure(), samples=256).frame.set_index("unknown")
    for name in NAMES[:2]:
        assert table.loc[name, "S1"] == pytest.approx(0, abs=0.1)
        assert table.loc[name, "ST"] == pytest.approx(1, abs=0.15)


def test_morris_gives_the_change_over_the_range(seen: list[int]) -> None:
    result = sensitivity(unsure(), method="morris", samples=10)
    table = result.frame.set_index("unknown")
    low, high = (unsure().unknowns()["checkpoint.load"].draw(u) for u in (0.025, 0.975))
    assert table.loc["checkpoint.load", "mu_star"] == pytest.approx(2 * (high - low), rel=0.15)
    assert table.loc["checkpoint.blocking", "mu"] == pytest.approx(high - low, rel=0.15)
    assert table.loc["constants.model_error", "mu_star"] == 0
    assert result.runs == 10 * 4


@pytest.mark.parametrize("method", ["sobol", "morris"])
@pytest.mark.parametrize("seed", [0, 5])
def test_the_same_seed_gives_the_same_indices_and_another_does_not(
    method, seed: int, monkeypatch
) -> None:
    stand_in(
        monkeypatch,
        lambda q, luck: luck.normal(100, 10) + q.checkpoint.blocking * q.checkpoint.load,
    )
    one, two, other = (
        sensitivity(unsure(), method=method, samples=8, seed=s).frame
        for s in (seed, seed, seed + 1)
    )
    assert one.equals(two)
    assert not one.equals(other)


def test_replications_are_averaged_at_each_point(seen: list[int]) -> None:
    result = sensitivity(unsure(), samples=4, n=3)
    assert sorted(set(seen)) == [0, 1, 2]
    assert result.runs == 4 * 5 * 3


def test_unfinished_runs_are_counted(seen: list[int]) -> None:
    low, high = sorted(stream(1, 0, "days").normal(100, 10) + ends for ends in (0.5, 5.5))
    assert (
        0
        < sensitivity(unsure(horizon=f"{(low + high) / 2} d"), samples=16, seed=1).censored
        < 16 * 5
    )
    with pytest.raises(InputError, match="wall_days is the same at every point"):
        sensitivity(unsure(horizon="1 d"), method="morris", samples=2)


def test_what_cannot_be_answered_is_refused(seen: list[int]) -> None:
    with pytest.raises(InputError, match="powers of two"):
        sensitivity(unsure(), samples=12)
    with pytest.raises(InputError, match="cost_rental_usd is not known"):
        sensitivity(unsure(), "cost_rental_usd", samples=2)
    with pytest.raises(InputError, match="no metric 'wall'"):
        sensitivity(unsure(), "wall", samples=2)
    with pytest.raises(InputError, match="there are no unknown constants"):
        sensitivity(sure(), samples=2)
