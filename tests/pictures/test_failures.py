"""The pictures of failures and stalls show their table, and what was reported or measured."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sim.pictures import failures
from sim.validation.report import Row


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def words(figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_jobs_by_size_are_shown_with_what_is_reported():
    table = pd.DataFrame(
        [(v, n, 0.9, 0.8, 0.95) for v in ("a", "b") for n in (256, 1024)],
        columns=["variant", "nodes", "mean", "p5", "p95"],
    )
    job = Row("x", "X", 0.92, 0.9, True, p5=0.9, p95=0.94, bound=True, chips=8)
    figure, data = failures.ettr_by_size(table, [job])
    assert {"● a", "■ b", "over 90% reported, 92.0% simulated"} <= set(words(figure))
    assert data["variant"].tolist() == ["a", "a", "b", "b", "X"]
    assert data["measured"].iloc[-1] == 0.9


def test_the_best_interval_is_marked_and_so_is_dalys():
    rows = [(256, m, 5.0, e, e, e) for m, e in ((1.0, 0.5), (10.0, 0.9), (100.0, 0.7))]
    table = pd.DataFrame(rows, columns=["nodes", "minutes", "daly_minutes", "mean", "p5", "p95"])
    figure, data = failures.ettr_by_interval(table)
    marks = {
        line.get_marker(): float(np.ravel(line.get_xdata())[0]) for line in figure.axes[0].lines
    }
    assert (marks["o"], marks["|"]) == (10.0, 5.0)
    assert data.equals(table)


def test_measured_jobs_are_marked_on_the_fabrics():
    table = pd.DataFrame(
        [("j", 8, "shared fabric", 0.2, 0.1, 0.3)],
        columns=["job", "chips", "fabric", "mean", "p5", "p95"],
    )
    published = [
        Row("x", "X", 0.2, 0.25, True, scenario="j"),
        Row("y", "Y", 0.2, 0.5, True, scenario="k"),
    ]
    figure, data = failures.time_by_fabric(table, published, {"j": "Job"})
    rings = [line for line in figure.axes[0].lines if line.get_marker() == "D"]
    assert [float(np.ravel(line.get_xdata())[0]) for line in rings] == [0.25]
    assert data["title"].tolist() == ["Job"]
    assert "  20.0% shared fabric" in words(figure)


def test_runs_that_never_finish_are_a_share_and_no_line():
    rows = [
        ("wait", 0, np.inf, 60.0, np.inf, 0.25),
        ("wait", 8, 60.0, 55.0, 65.0, 1.0),
        ("re-plan", 0, 62.0, 60, 66, 1.0),
    ]
    table = pd.DataFrame(
        [*rows, ("re-plan", 8, 60.0, 55.0, 65.0, 1.0)],
        columns=["policy", "spares", "median", "p5", "p95", "finished"],
    )
    figure, data = failures.days_by_policy(table, 200)
    assert {"25%", "● wait: share\nthat finishes", "■ re-plan: 62 d"} <= set(words(figure))
    assert data["median"].isna().sum() == 1
