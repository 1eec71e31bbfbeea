import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sim.experiments.claim_checks import CONTRADICTED, INPUTS, OUTSIDE, SUPPORTED
from sim.experiments.replicate import Replications
from sim.experiments.store import Outcome
from sim.pictures.claims import MARK, completion, verdicts


def runs(days: list[float]) -> Replications:
    return Replications(
        "one", 0, tuple(Outcome(k, True, {"wall_days": d}, "") for k, d in enumerate(days))
    )


def test_completion_shows_the_share_finished_by_each_day() -> None:
    figure, data = completion({"before": runs([10, 20, 30, 40]), "after": runs([20, 30, 40, 50])})
    [axes] = figure.axes
    assert [text.get_text().strip() for text in axes.texts] == ["before", "after"]
    after = data[data["runs"] == "after"]
    assert list(after["days"]) == [20, 30, 40, 50]
    assert list(after["finished"]) == [0.25, 0.5, 0.75, 1.0]
    assert [line.get_linestyle() for line in axes.lines] == ["-", "--"], "told apart in greyscale"
    plt.close(figure)


def test_where_nobody_finishes_the_share_stays_at_zero() -> None:
    unfinished = Replications(
        "one", 0, tuple(Outcome(k, False, {"wall_days": 54.0}, "") for k in range(3))
    )
    figure, data = completion({"before": unfinished, "after": runs([20, 30, 40])})
    assert data[data["runs"] == "before"][["days", "finished"]].to_numpy().tolist() == [
        [0, 0],
        [54, 0],
    ]
    plt.close(figure)


@pytest.fixture
def table() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "row": [1, 1, 2, 3],
            "reading": ["short", "other", "long", "untested"],
            "status": ["reconstruction", "reconstruction", "counterfactual", ""],
            "bound": ["at most", "at most", "at least", ""],
            "limit": [61.0, 61.0, 2.0, np.nan],
            "found": [SUPPORTED, INPUTS, CONTRADICTED, OUTSIDE],
            "unit": "days",
            "runs": 60,
            "p5": [30.5, 61.0, 0.5, np.nan],
            "median": [30.5, 61.0, 1.0, np.nan],
            "p95": [61.0, 61.0, 1.5, np.nan],
        }
    )
    return frame


def test_verdicts_lie_beyond_or_short_of_the_limit_and_differ_in_shape(table: pd.DataFrame) -> None:
    figure, data = verdicts(table)
    [axes] = figure.axes
    points = [line for line in axes.lines if line.get_marker() in ("o", "D", "s")]
    assert [(line.get_marker(), float(np.asarray(line.get_xdata())[0])) for line in points] == [
        ("o", 2.0),
        ("s", 1.0),
        ("D", 0.5),
    ]
    assert [line.get_markerfacecolor() == "white" for line in points] == [False, True, True]
    words = " ".join(text.get_text() for text in axes.texts)
    assert f"long{MARK}" in words
    assert f"short{MARK}" not in words
    assert "untested" not in words
    assert "counterfactual" in axes.get_xlabel()
    assert len(data) == 4
    plt.close(figure)


def test_too_few_runs_are_drawn_without_a_verdict(table: pd.DataFrame) -> None:
    figure, _ = verdicts(table.assign(runs=4))
    words = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert "no verdict" in words
    assert SUPPORTED not in words
    plt.close(figure)
