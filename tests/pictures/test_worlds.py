"""Pictures of worlds show the numbers of their tables."""

from __future__ import annotations

import datetime as dt
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sim import worlds
from sim.pictures import worlds as pictures
from sim.scenario import load_scenario

DATE = dt.date(2025, 12, 31)
COUNTRY = load_scenario("national-stock")


@pytest.fixture(scope="module")
def result():
    return worlds(COUNTRY, ["no-grey-market"], 8, progress=False)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def test_every_world_has_a_row_and_the_base_no_ratio_dot(result):
    figure, table = pictures.worlds(result, DATE)
    left, right = figure.axes[:2]
    assert [text.get_text() for text in left.get_yticklabels()] == ["as it was", "No grey market"]
    assert np.size(right.lines[0].get_xdata()) == 1
    assert set(table["date"]) == {DATE, COUNTRY.dates[-1]}


def test_a_curve_of_each_world_ends_at_its_share(result):
    _, table = pictures.met(result, "same-model")
    assert set(table["world"]) == {"as-it-was", "no-grey-market"}
    assert table.groupby("world")["share"].max().le(1).all()


def test_the_map_is_in_proportion_to_the_share():
    (_, table), title = pictures.reach_map(COUNTRY, "frontier", DATE)
    level = table[table["growth"] == table["growth"].iloc[0]]
    ratio = level["reach"] / level["share"]
    assert ratio.max() == pytest.approx(ratio.min())
    assert (table.groupby("share")["reach"].diff().dropna() <= 0).all()
    # With this growth the reach of the share in the title is 1.
    percent, growth = map(float, re.findall(r"([0-9.]+)(?:%| times)", title)[:2])
    nearest = (table["share"] - percent / 100).abs() + (table["growth"] - growth).abs()
    assert table["reach"][nearest.idxmin()] == pytest.approx(1, rel=0.1)


def test_a_picture_is_drawn_into_a_file(result, tmp_path):
    pictures.draw(result, tmp_path / "worlds.svg")
    assert (tmp_path / "worlds.svg").read_text().startswith("<?xml")


@pytest.mark.filterwarnings("error")
def test_a_picture_of_few_runs_has_no_whiskers_of_medians_and_no_warnings(tmp_path):
    pictures.draw(worlds(COUNTRY, ["no-grey-market"], 2, progress=False), tmp_path / "few.svg")
    assert (tmp_path / "few.svg").exists()
