"""Worlds side by side: the same luck in all, ratios in which shares and needs cancel."""

from __future__ import annotations

import datetime as dt
import json
import math

import numpy as np
import pandas as pd
import pytest

from sim import worlds
from sim.errors import InputError
from sim.experiments.worlds import AS_IT_WAS
from sim.publish import figures
from sim.scenario import load_scenario

DATE = dt.date(2025, 12, 31)
COUNTRY = load_scenario("national-stock").override({"outlook.dates": [str(DATE)]})
IDLE = {"worlds.idle": {"changes": {"policy": {"nothing": {"date": "2024-05-05", "trickle": 1}}}}}


@pytest.fixture(scope="module")
def some():
    names = ["no-grey-market", "h20-never-blocked", "no-grey-market+h20-never-blocked", "idle"]
    return worlds(COUNTRY.override(IDLE), names, 12, seed=3, progress=False)


def ratio(result, world, quantity="chips") -> float:
    frame = result.frame
    asked = (frame["world"] == world) & (frame["date"] == DATE) & (frame["quantity"] == quantity)
    return frame.loc[asked, "ratio"].item()


def test_the_world_as_it_was_comes_first_and_is_once_itself(some):
    assert next(iter(some.runs)) == AS_IT_WAS
    assert ratio(some, AS_IT_WAS) == 1.0


def test_smugglers_add_and_blocks_take_away(some):
    assert ratio(some, "no-grey-market") < 1 < ratio(some, "h20-never-blocked")
    both = ratio(some, "no-grey-market+h20-never-blocked")
    assert ratio(some, "no-grey-market") < both < ratio(some, "h20-never-blocked")


def test_a_ratio_does_not_hang_on_the_part_of_one_run_or_on_needs(some):
    other = COUNTRY.override({"outlook.shares.run": 0.2, "outlook.length": "45 d"})
    again = worlds(other, ["h20-never-blocked"], 12, seed=3, progress=False)
    assert ratio(again, "h20-never-blocked") == pytest.approx(
        ratio(some, "h20-never-blocked"), rel=0.02
    )
    for need in ("same-model", "frontier"):
        assert ratio(some, "no-grey-market", f"reach of {need}") == pytest.approx(
            ratio(some, "no-grey-market", "flop")
        )


def test_a_layer_that_touches_nothing_is_told(some):
    assert some.unchanged() == ["idle"]
    assert "this changes nothing" in str(some)


def test_the_trend_of_the_real_world_is_no_need_of_another(some):
    rows = some.frame[some.frame["quantity"] == "reach of chinese-trend"]
    assert set(rows["world"]) == {AS_IT_WAS}


def test_a_control_at_home_shows_at_home_where_the_largest_run_stands_abroad():
    abroad = COUNTRY.override({"depot.supply.abroad.scale": 40, "outlook.shares.owner_abroad": 1})
    result = worlds(abroad, ["h20-never-blocked"], 8, seed=3, progress=False)
    assert ratio(result, "h20-never-blocked") == 1.0
    assert ratio(result, "h20-never-blocked", "home") > 1.01
    shares = result.abroad.set_index("world")["share"]
    assert (shares == 1.0).all()
    assert "× at home" in str(result)


def test_where_nothing_stands_abroad_nothing_is_told_of_it():
    fleet = {"fleet.abroad.abroad": False}
    result = worlds(COUNTRY.override(fleet), ["h20-never-blocked"], 6, progress=False)
    assert result.abroad.empty
    assert "at home" not in str(result).splitlines()[5]


def test_a_date_comes_with_its_interval_its_shift_and_the_share_that_never_sees_it(some):
    told = str(some)
    assert "the frontier comes in reach in no replication before January 2028" in told
    lines = [line for line in told.splitlines() if "the model of March 2023 again" in line]
    assert all("95 % interval of the median" in line for line in lines)
    assert all("than as it was" in line or "as early as it was" in line for line in lines[1:])


def test_the_report_is_json_without_what_json_does_not_know(some):
    text = json.dumps(some.report(), allow_nan=False, default=str)
    assert set(json.loads(text)["titles"]) == set(some.runs)


def test_what_never_comes_is_counted_and_not_taken_for_the_horizon(some):
    row = some.met.set_index(["world", "need"]).loc[(AS_IT_WAS, "frontier")]
    days = some.runs[AS_IT_WAS].frame["met.frontier"]
    assert row["never"] == pytest.approx(1 - days.mean())
    assert row["median"] is None or row["median"] < dt.date(2028, 1, 1)
    horizon = COUNTRY.horizon / 86400
    shifts = some.met["shift"].dropna()
    finite = shifts[np.isfinite(shifts)]
    assert not np.isclose(finite, horizon).any()


def test_a_completion_curve_ends_at_the_share_that_comes_to_it(some):
    curve = some.curve(AS_IT_WAS, "same-model")
    assert curve["share"].is_monotonic_increasing
    assert curve["share"].iloc[-1] == some.runs[AS_IT_WAS].frame["met.same-model"].mean()


def test_intervals_of_the_median_hold_it(some):
    frame = some.frame.dropna(subset=["median", "lo", "hi"])
    assert (frame["lo"] <= frame["median"]).all()
    assert (frame["median"] <= frame["hi"]).all()
    assert not math.isnan(frame["median"].iloc[0])


def test_a_scenario_without_an_outlook_has_no_worlds():
    with pytest.raises(InputError, match="no outlook"):
        worlds(load_scenario("deepseek-v3"))


@pytest.mark.prove
def test_other_seeds_tell_the_same_effects_as_the_figures():
    drawn = figures.manifest(figures.repository() / "figures")["worlds"]["parameters"]
    pairs = drawn["replications"]
    assert pairs >= 400
    country = load_scenario("national-stock")
    end = country.horizon / 86400
    tables = []
    for seed in (1, 2, 3):
        result = worlds(country, n=pairs, seed=seed, jobs=2, progress=False)
        effects = result.frame.set_index(["world", "date", "quantity"])[["ratio_lo", "ratio_hi"]]
        shifts = result.met.set_index(["world", "need"])[["shift_lo", "shift_hi"]]
        came = {key: result._days(*key) for key in shifts.index}
        met = result.met
        for world, need, shift in zip(met["world"], met["need"], met["shift"], strict=True):
            base = np.median(came[AS_IT_WAS, need])
            assert not np.isclose(shift or 0.0, end - base), (world, need)
        others = [table.drop(AS_IT_WAS, level=0) for table in (effects, shifts.dropna())]
        for table in others:
            table.columns = ["lo", "hi"]
        tables.append(pd.concat(others))
    both = pd.concat(tables, axis=1, keys=range(3)).dropna()
    assert len(both) > 100
    alike = both.xs("lo", axis=1, level=1).max(axis=1) <= both.xs("hi", axis=1, level=1).min(axis=1)
    assert alike.mean() >= 0.95, alike[~alike]


@pytest.mark.filterwarnings("error")
def test_a_ratio_to_no_chips_at_all_is_not_known() -> None:
    country = load_scenario("national-stock")
    first = worlds(country, ["no-controls"], 1, at=[country.start], progress=False)
    assert first.frame["ratio"].isna().any()
