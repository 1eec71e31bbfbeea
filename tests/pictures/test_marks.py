"""The marks show what they are given, and nothing where there is nothing."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sim.pictures.marks import band, interval, spread, thousands, whiskers


@pytest.fixture
def axes():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def test_a_spread_is_taken_over_the_first_axis():
    table = spread([[0.0, 1.0], [10.0, 1.0]], day=[1, 2])
    assert list(table.columns) == ["day", "p5", "median", "p95"]
    assert table["median"].tolist() == [5.0, 1.0]
    assert list(table.loc[0, ["p5", "p95"]]) == pytest.approx([0.5, 9.5])


def test_a_band_returns_where_its_line_ends_though_it_may_be_broken_off(axes):
    table = pd.DataFrame({"x": [0, 1, 2], "y": [1.0, 2.0, np.nan], "p5": 0.0, "p95": 3.0})
    assert band(axes, table, "x", "y", "#000000", "a line") == (2.0, "a line", "#000000")
    [filled] = axes.collections
    assert filled.get_datalim(axes.transData).intervaly.tolist() == [0.0, 3.0]


@pytest.mark.parametrize(("low", "high"), [(1.0, 3.0), (2.5, 3.0)])
def test_whiskers_reach_from_low_to_high_and_never_across_their_point(axes, low, high):
    whiskers(axes, 2.0, 0, low, high)
    [bars] = axes.collections
    [path] = bars.get_paths()
    assert np.asarray(path.vertices)[:, 0].tolist() == [min(low, 2.0), high]


def test_the_mark_of_an_interval_has_its_colour_unless_given_another(axes):
    interval(axes, 0, 1.0, 2.0, 3.0, "#111111", lw=5)
    interval(axes, 1, 1.0, 2.0, 3.0, "#111111", lw=5, color="#222222")
    assert [line.get_color() for line in axes.lines] == ["#111111"] * 3 + ["#222222"]


def test_ticks_are_written_as_short_as_they_can_be(axes):
    axes.set_xscale("log")
    thousands(axes, [1.5, 2.0, 131072])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1.5", "2", "131,072"]
