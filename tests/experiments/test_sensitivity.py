"""Indices of a function whose indices are known."""

from __future__ import annotations

import math

import pytest

from sim import sensitivity
from sim.errors import InputError
from sim.experiments.sensitivity import Method
from sim.scenario import load_scenario
from sim.streams import stream
from tests.experiments.stand_in import NAMES, stand_in, sure, unsure

SUM = stand_in(lambda q, luck: luck.normal(100, 10) + q.checkpoint.blocking + 2 * q.checkpoint.load)
"""With variances 1/6, 4/6 and 0, and much luck."""


def test_sobol_gives_each_its_share_of_the_variance() -> None:
    result = sensitivity(unsure(), samples=256, seed=0, simulator=SUM)
    table = result.frame.set_index("unknown")
    assert result.frame["unknown"].tolist() == [NAMES[1], NAMES[0], NAMES[2]]
    for name, share in zip(NAMES, (0.2, 0.8, 0.0), strict=True):
        assert table.loc[name, "S1"] == pytest.approx(share, abs=0.05)
        assert table.loc[name, "ST"] == pytest.approx(share, abs=0.05)
    assert result.sd**2 == pytest.approx(5 / 6, rel=0.05)
    assert result.runs == 256 * 5


def test_every_point_has_the_same_luck() -> None:
    seen: list[int] = []
    result = sensitivity(
        unsure(), samples=4, simulator=stand_in(lambda q, luck: q.checkpoint.load, seen)
    )
    assert len(seen) == result.runs == 4 * 5
    assert set(seen) == {0}


def test_an_interplay_is_in_the_total_and_not_in_the_first_order() -> None:
    product = stand_in(lambda q, luck: 100 + (q.checkpoint.blocking - 1) * (q.checkpoint.load - 1))
    table = sensitivity(unsure(), samples=256, simulator=product).frame.set_index("unknown")
    for name in NAMES[:2]:
        assert table.loc[name, "S1"] == pytest.approx(0, abs=0.1)
        assert table.loc[name, "ST"] == pytest.approx(1, abs=0.15)


def test_morris_gives_the_change_over_the_range() -> None:
    result = sensitivity(unsure(), method="morris", samples=10, simulator=SUM)
    table = result.frame.set_index("unknown")
    low, high = (unsure().unknowns()["checkpoint.load"].draw(u) for u in (0.025, 0.975))
    assert table.loc["checkpoint.load", "mu_star"] == pytest.approx(2 * (high - low), rel=0.15)
    assert table.loc["checkpoint.blocking", "mu"] == pytest.approx(high - low, rel=0.15)
    assert table.loc["constants.model_error", "mu_star"] == 0
    assert result.runs == 10 * 4


@pytest.mark.parametrize("method", ["sobol", "morris"])
@pytest.mark.parametrize("seed", [0, 5])
def test_the_same_seed_gives_the_same_indices_and_another_does_not(
    method: Method, seed: int
) -> None:
    simulator = stand_in(
        lambda q, luck: luck.normal(100, 10) + q.checkpoint.blocking * q.checkpoint.load
    )
    one, two, other = (
        sensitivity(unsure(), method=method, samples=8, seed=s, simulator=simulator).frame
        for s in (seed, seed, seed + 1)
    )
    assert one.equals(two)
    assert not one.equals(other)


def test_replications_are_averaged_at_each_point() -> None:
    seen: list[int] = []
    simulator = stand_in(lambda q, luck: luck.normal(100, 10) + q.checkpoint.load, seen)
    result = sensitivity(unsure(), samples=4, n=3, simulator=simulator)
    assert sorted(set(seen)) == [0, 1, 2]
    assert result.runs == 4 * 5 * 3


def test_unfinished_runs_are_counted() -> None:
    low, high = sorted(stream(1, 0, "days").normal(100, 10) + ends for ends in (0.5, 5.5))
    watched = unsure(horizon=f"{(low + high) / 2} d")
    result = sensitivity(watched, samples=16, seed=1, simulator=SUM)
    assert 0 < result.censored < 16 * 5
    with pytest.raises(InputError, match="wall_days is the same at every point"):
        sensitivity(unsure(horizon="1 d"), method="morris", samples=2, simulator=SUM)


def test_what_cannot_be_answered_is_refused() -> None:
    with pytest.raises(InputError, match="cost_rental_usd is not known"):
        sensitivity(unsure(), "cost_rental_usd", samples=2, simulator=SUM)


def test_wrong_input_is_refused_before_anything_is_run() -> None:
    seen: list[int] = []
    simulator = stand_in(lambda q, luck: 1.0, seen)
    with pytest.raises(InputError, match="powers of two"):
        sensitivity(unsure(), samples=12, simulator=simulator)
    with pytest.raises(InputError, match="no metric 'wall'"):
        sensitivity(unsure(), "wall", samples=2, simulator=simulator)
    with pytest.raises(InputError, match="there are no unknown constants"):
        sensitivity(sure(), samples=2, simulator=simulator)
    with pytest.raises(InputError, match=r"no unknown constant 'checkpoint\.lod' \(did you mean"):
        sensitivity(unsure(), among=["checkpoint.lod"], samples=2, simulator=simulator)
    assert seen == []


def test_rounding_is_not_taken_for_an_effect() -> None:
    simulator = stand_in(lambda q, luck: 20 + 1e-14 * q.checkpoint.load)
    for method in ("sobol", "morris"):
        with pytest.raises(InputError, match="wall_days is the same at every point"):
            sensitivity(unsure(), method=method, samples=8, simulator=simulator)


def test_what_moves_nothing_has_no_row() -> None:
    simulator = stand_in(lambda q, luck: 20 + q.checkpoint.load)
    result = sensitivity(unsure(), method="morris", samples=8, simulator=simulator)
    table, idle = str(result).rsplit("\n", 1)
    assert idle.startswith("no effect to speak of: ")
    assert set(idle[23:].split(", ")) == {"checkpoint.blocking", "constants.model_error"}
    assert "model_error" not in table
    assert len(result.report()["unknowns"]) == 3


def errors(scenario, luck) -> float:
    pools = scenario.fleet.values()
    return 100 + 10 * scenario.constants.model_error * math.prod(p.residual for p in pools)


@pytest.mark.parametrize("method", ["sobol", "morris"])
def test_the_errors_of_all_chips_and_stacks_are_one_input(method: Method) -> None:
    mixed = load_scenario("two-thousand-plus")
    singly = [name for name in mixed.unknowns() if name.startswith("constants.residual.")]
    assert len(singly) == 2
    among = ["checkpoint.load", "constants.residual"]
    found = sensitivity(mixed, method=method, samples=64, among=among, simulator=stand_in(errors))
    key = {"sobol": "ST", "morris": "mu_star"}[method]
    table = found.frame.set_index("unknown")[key]
    assert table.index.tolist() == ["constants.residual", "checkpoint.load"]
    assert table["checkpoint.load"] == 0
    assert found.runs == 64 * {"sobol": 4, "morris": 3}[method]
    if method == "sobol":
        # Nothing else moves the days, and no interplay with anything else is left out.
        whole = found.frame.iloc[0]
        assert whole["ST_conf"] < 0.3
        assert whole["ST"] == pytest.approx(1, abs=1.5 * whole["ST_conf"])
    assert found.report()["unknowns"][0].get("sigma", None) is None


def test_one_of_them_can_still_be_asked_for_alone() -> None:
    mixed = load_scenario("two-thousand-plus")
    [alone, *_] = (name for name in mixed.unknowns() if name.startswith("constants.residual."))
    found = sensitivity(mixed, samples=2, among=[alone], simulator=stand_in(errors))
    assert found.frame["unknown"].tolist() == [alone]
