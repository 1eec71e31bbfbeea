"""The pictures of trust show ours and theirs over what is right, and return those numbers."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sim.pictures import trust
from sim.quantities.distributions import Lognormal
from sim.quantities.uncertain import Uncertain
from sim.validation.report import Row


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def marks(figure) -> dict[str, list[float]]:
    """Where the points of each shape lie, the first row first."""
    lines = [line for line in figure.axes[0].lines if line.get_marker() in ("o", "D")]
    assert all(list(line.get_ydata()) == list(range(len(line.get_ydata())))[::-1] for line in lines)
    return {line.get_marker(): np.asarray(line.get_xdata()).tolist() for line in lines}


def whiskers(figure) -> list[list[float]]:
    [bars] = figure.axes[0].collections
    return [np.asarray(path.vertices)[:, 0].tolist() for path in bars.get_paths()]


def test_statistics_of_a_trace_are_over_the_measured_ones():
    rows = [
        Row("rate", "rate", 5.0, 4.0, True, unit="a day", p5=4.5, p95=6.0, twin=2.0),
        Row("worst", "worst", 0.5, 0.5, True, p5=0.6, p95=0.7, twin=0.25),
    ]
    figure, data = trust.trace(rows)
    [axes] = figure.axes
    assert marks(figure) == {"o": [1.25, 1.0], "D": [0.5, 0.5]}
    assert whiskers(figure) == [[1.125, 1.5], [1.0, 1.4]], (
        "a pooled value beyond the spread has no whisker on that side"
    )
    assert [label.get_text() for label in axes.get_yticklabels()] == ["rate: 4 a day", "worst: 0.5"]
    assert axes.get_xscale() == "log"
    assert "5–95 % of runs" in axes.get_xlabel()
    titles = {axes.get_title("left"), axes.get_title("right")}
    assert titles == {"● the fitted table", "◇ independent failures"}
    assert data["independent"].tolist() == [2.0, 0.25]


def test_a_peer_without_numbers_of_its_own_has_no_diamond():
    about = {"title": "a", "standard_error": 0.5, "against": "closed form"}
    rows = [
        Row("x", ours=11.0, expected=10.0, ok=True, quantity="failures", z=2.0, **about),
        Row("x", ours=0.0, expected=0.0, ok=True, quantity="left over", z=0.0, **about),
    ]
    figure, data = trust.peer(rows)
    assert marks(figure)["o"] == pytest.approx([1.1])
    assert np.isnan(marks(figure)["D"]).all()
    assert whiskers(figure)[0] == pytest.approx([0.9, 1.3])
    assert figure.axes[0].get_yticklabels()[0].get_text() == "a: failures*"
    assert len(data) == 1


def test_first_year_stacks_are_hollow_and_evidence_stands_on_top():
    rows = [
        Row("a", "A", 1.1, 1.0, True, mature=True),
        Row("b", "B", 0.9, 1.0, True, mature=False),
        Row("c", "C", 1.0, 1.0, True, role="fitted", mature=True),
    ]
    figure, data = trust.step_times(rows)
    [axes] = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["C", "B", "A"]
    points = [line for line in axes.lines if line.get_marker() in ("o", "D")]
    assert [line.get_markerfacecolor() == "white" for line in points] == [False, True, False]
    assert [float(np.ravel(line.get_xdata())[0]) for line in points] == pytest.approx([0, -10, 10])
    assert data["error"].tolist() == pytest.approx([0, -0.1, 0.1])


def test_a_closed_form_is_drawn_with_its_twin_and_one_that_a_tolerance_decides_is_not():
    rows = [
        Row("O1", "exact", 1.0, 1.0, True, tolerance=1e-9),
        Row("O2", "by chance", 1.0, 1.1, True, z=-1.0, wrong="no bubble", twin=2.0, twin_z=-10.0),
    ]
    figure, data = trust.z_scores(rows)
    assert marks(figure) == {"o": [-1.0], "D": [10.0]}
    assert [text.get_text() for text in figure.axes[0].texts] == ["no bubble"]
    assert data["id"].tolist() == ["O2"]


def test_a_job_beyond_its_bound_agrees_and_has_a_mark_of_its_own():
    about = {"p5": 0.85, "p95": 0.95, "quantity": "ettr"}
    rows = [
        Row("a", "A", 0.92, 0.9, True, bound=True, **about),
        Row("b", "B", 0.92, 0.9, True, bound=False, **about),
    ]
    figure, data = trust.jobs(rows)
    [axes] = figure.axes
    points = [line.get_marker() for line in axes.lines if line.get_marker() in (">", "D")]
    assert points == ["D", ">"]
    assert data["agrees"].tolist()[0] is True
    assert data["agrees"].isna().tolist() == [False, True]


def test_places_are_drawn_in_their_bands_and_every_row_of_the_score_is_told():
    placed = Row("a", "one", 1.0, 1.1, True, quantity="jobs", against="F", place=0.8, crps=0.1)
    fitted = Row("b", "two", 1.0, 1.1, True, role="fitted", quantity="jobs", place=0.2)
    hits = Row("hits.90", "hits", 1, 0.9, True, quantity="jobs", lo=0, hi=1, count=1)
    figure, data = trust.score([placed, hits, fitted])
    [axes] = figure.axes
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    faces = {np.asarray(dot.get_xdata())[0]: dot.get_markerfacecolor() for dot in dots}
    assert faces == {20.0: "white", 80.0: trust.OURS}
    assert data["id"].tolist() == ["a", "hits.90", "b"]
    numbers = data[["kind", "ours", "lo", "hi", "count"]]
    assert numbers.to_numpy()[1].tolist() == ["jobs", 1, 0, 1, 1]


def test_families_are_over_the_published_ones_hollow_outside():
    rows = [
        Row("a", "a", 11.0, 10.0, True, p5=9.0, p95=13.0, against="x, inside", case="run"),
        Row("b", "b", 4.0, 8.0, True, p5=3.0, p95=9.0, against="y, OUTSIDE", case="run"),
        Row("c", "c", 5.0, 5.0, True, role="fitted", case="run"),
        Row("hits", "hits", 1.0, 2.0, True),
    ]
    figure, data = trust.step_families(rows)
    lines = figure.axes[0].lines[1:]
    places = [float(np.asarray(line.get_xdata())[0]) for line in lines]
    assert places == pytest.approx([1.0, 0.5, 1.1])
    faces = [line.get_markerfacecolor() for line in lines]
    assert faces[1] == "white" != faces[2]
    bands = []
    for drawn in figure.axes[0].collections:
        bands += [np.asarray(path.vertices)[:, 0].tolist() for path in drawn.get_paths()]
    assert sorted(bands) == [[0.375, 1.125], [0.9, 1.3]]
    assert data["published"].tolist() == [5.0, 8.0, 10.0]


def test_fleets_are_over_their_middle_and_lie_in_the_band_of_their_factor():
    factors = {
        "another": Uncertain(1.0, Lognormal(1.0, 1.0)),
        "later": Uncertain(1.0, Lognormal(1.0, 0.1)),
    }
    figure, data = trust.fleets([2.0, 8.0], {"a half": 1.1}, factors)
    [axes] = figure.axes
    drawn = [np.asarray(line.get_xdata()).tolist() for line in axes.lines[:2]]
    assert drawn == [pytest.approx([0.5, 2.0]), [1.1]]
    paths = [path for bar in axes.collections for path in bar.get_paths()]
    ends = {float(x) for path in paths for x in np.asarray(path.vertices)[:, 0]}
    assert ends == {*data["p5"], *data["p95"]}
    assert data.groupby("factor")["p95"].first()["another"] == pytest.approx(np.exp(1.6449), 1e-3)
