from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sim.pictures import trust
from sim.validation.report import PeerRow


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
    rows = [("rate", "a day", 4.0, 5.0, 4.5, 6.0, 2.0), ("worst", "", 0.5, 0.5, 0.6, 0.7, 0.25)]
    columns = ["title", "unit", "measured", "ours", "p5", "p95", "independent"]
    figure, data = trust.trace(pd.DataFrame(rows, columns=columns))
    [axes] = figure.axes
    assert marks(figure) == {"o": [1.25, 1.0], "D": [0.5, 0.5]}
    assert whiskers(figure) == [[1.125, 1.5], [1.0, 1.4]], (
        "a pooled value beyond the spread has no whisker on that side"
    )
    assert [label.get_text() for label in axes.get_yticklabels()] == ["rate: 4 a day", "worst: 0.5"]
    assert axes.get_xscale() == "log"
    assert "5–95 % of runs" in axes.get_xlabel()
    assert {axes.get_title("left"), axes.get_title("right")} == {
        "● the fitted table",
        "◇ independent failures",
    }
    assert len(data) == 2


def test_a_peer_without_numbers_of_its_own_has_no_diamond():
    rows = [
        PeerRow("a", "failures", 11.0, 0.5, 10.0, "closed form", None, 2.0, True),
        PeerRow("a", "left over", 0.0, 0.0, 0.0, "closed form", None, 0.0, True),
    ]
    figure, data = trust.peer(rows)
    assert marks(figure)["o"] == pytest.approx([1.1])
    assert np.isnan(marks(figure)["D"]).all()
    assert whiskers(figure)[0] == pytest.approx([0.9, 1.3])
    assert figure.axes[0].get_yticklabels()[0].get_text() == "a: failures*"
    assert len(data) == 1
