"""The pictures of a stock show what the results say."""

from __future__ import annotations

import datetime as dt

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from sim.engine import simulate
from sim.pictures import stock
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
            "matters": [True],
        }
    )
    _, table = stock.stock(results, load_scenario("embargoed-stock"), effects, scale=2.0)
    usable = table[table["series"] == "usable"]
    assert usable["median"].iloc[0] == 20_000
    assert (usable["p5"] <= usable["median"]).all() and (usable["median"] <= usable["p95"]).all()
    needs = table[table["series"] == "a run needs"]
    assert needs["median"].iloc[0] == pytest.approx(
        2 * np.median([r.scenario.runs.chips for r in results])
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


def test_months_are_those_of_the_crossing(results):
    start = dt.date(2022, 10, 7)
    middle = start + dt.timedelta(seconds=float(np.median([r.crossing for r in results])))
    assert stock.months(results)[1] == f"{middle:%B %Y}"


def test_effects_are_drawn_in_months():
    table = pd.DataFrame(
        {"mechanism": ["a"], "median": [365.25], "p5": [0.0], "p95": [730.5], "matters": [True]}
    )
    figure, _ = stock.effects(table)
    [bar] = figure.axes[0].patches
    assert isinstance(bar, Rectangle) and bar.get_width() == pytest.approx(12)
