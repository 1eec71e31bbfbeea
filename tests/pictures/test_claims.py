import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.lines import Line2D

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
    rows = [
        {
            "claim": "a",
            "reading": "short",
            "status": "reconstruction",
            "bound": "at most",
            "limit": 61.0,
        },
        {
            "claim": "a",
            "reading": "other",
            "status": "reconstruction",
            "bound": "at most",
            "limit": 61.0,
        },
        {
            "claim": "b",
            "reading": "long",
            "status": "counterfactual",
            "bound": "at least",
            "limit": 2.0,
        },
        {"claim": "c", "reading": "", "status": "", "bound": "", "limit": np.nan},
    ]
    words = {
        "translation": "said",
        "verdict": "supported",
        "unit": "days",
        "against": "",
        "decides": True,
    }
    frame = pd.DataFrame(rows).assign(**words)
    frame["decides"] = [True, False, True, True]
    frame["median"], frame["p5"], frame["p95"] = (
        [30.5, 9.0, 1.0, np.nan],
        [30.5, 9.0, 0.5, np.nan],
        [61.0, 9.0, 1.5, np.nan],
    )
    frame["share_lo"] = [0.9, 0.9, 0.0, np.nan]
    return frame


def test_verdicts_lie_beyond_or_short_of_the_limit_and_differ_in_shape(table: pd.DataFrame) -> None:
    figure, data = verdicts(table)
    [axes] = figure.axes
    points = [
        line for line in axes.lines if isinstance(line, Line2D) and line.get_marker() in ("o", "D")
    ]
    assert [(line.get_marker(), float(np.asarray(line.get_xdata())[0])) for line in points] == [
        ("o", 2.0),
        ("D", 0.5),
    ]
    assert [line.get_markerfacecolor() == "white" for line in points] == [False, True]
    words = " ".join(text.get_text() for text in axes.texts)
    assert f"long{MARK}" in words
    assert f"short{MARK}" not in words
    assert "counterfactual" in axes.get_xlabel()
    assert len(data) == 4
    plt.close(figure)
