"""The pictures of a stock show what the results say."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sim.engine import simulate
from sim.pictures import stock
from sim.pictures.style import chip_colour
from sim.results.ledger import YEAR
from sim.results.programme import ProgrammeResult
from sim.scenario import load_scenario


@pytest.fixture(scope="module")
def results() -> list[ProgrammeResult]:
    stock = load_scenario("embargoed-stock")
    found = [simulate(stock, 3, k) for k in range(5)]
    return [result for result in found if isinstance(result, ProgrammeResult)]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_the_table_holds_the_stock_the_need_and_the_dates_of_the_crossing(results):
    effects = pd.DataFrame(
        {
            "mechanism": ["growth"],
            "median": [100.0],
            "p5": [50.0],
            "p95": [120.0],
            "lo": [90.0],
            "hi": [110.0],
            "matters": [True],
            "at_least": [False],
        }
    )
    _, table = stock.stock(results, load_scenario("embargoed-stock"), effects)
    usable = table[table["series"] == "usable"]
    assert usable["median"].iloc[0] == 10_000
    assert (usable["p5"] <= usable["median"]).all() and (usable["median"] <= usable["p95"]).all()
    needs = table[table["series"] == "a run needs"]
    assert needs["median"].iloc[0] == pytest.approx(
        np.median([r.scenario.runs.chips for r in results])
    )
    crossing = table.loc[table["series"] == "crossing", "year"]
    assert sorted(crossing) == pytest.approx(
        sorted(2022 + 279 / 365.25 + r.crossing / YEAR for r in results)
    )
    assert table.loc[table["series"] == "days later without", "median"].tolist() == [100.0]


def test_where_need_and_stock_cross_in_one_programme_the_picture_crosses_too(results):
    table = stock.trajectories(results[:1], points=2000)
    have = table[table["series"] == "a run could have"]["median"].to_numpy()
    need = table[table["series"] == "a run needs"]["median"].to_numpy()
    years = table[table["series"] == "a run needs"]["year"].to_numpy()
    shown = years[np.argmax(need > have)]
    assert shown == pytest.approx(2022 + 279 / 365.25 + results[0].crossing / YEAR, abs=0.005)


def test_what_one_chip_stands_for_is_multiplied_out():
    few = load_scenario("embargoed-stock").override({"represents": 50, "research": 0.3})
    found = [simulate(few, 1, k) for k in range(2)]
    table = stock.trajectories([one for one in found if isinstance(one, ProgrammeResult)])
    assert table[table["series"] == "usable"]["median"].iloc[0] == 10_000


def test_pools_of_one_chip_are_told_apart_and_have_its_colour():
    scenario = load_scenario("embargoed-stock").override({"horizon": "1 yr"})
    pool = scenario.data["fleet"]["a100"]
    both = scenario.override({"fleet.abroad": {**pool, "abroad": True}})
    result = simulate(both, 1)
    assert isinstance(result, ProgrammeResult)
    table = stock.trajectories([result], points=3)
    titles = set(table.loc[table["series"] == "usable", "chip"])
    chip = both.fleet["a100"].chip.name
    assert titles == {f"{chip} (a100)", f"{chip} (abroad)"}
    assert {chip_colour(title) for title in titles} == {chip_colour(chip)}
