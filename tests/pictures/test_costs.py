"""The picture of costs shows its table, and what was reported."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from sim.pictures import costs


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_costs_are_drawn_from_the_table_with_what_was_reported():
    table = pd.DataFrame(
        {
            "question": ["rent", "own"],
            "kind": ["at the margin", "in full"],
            "low": [5e6, 1.5e9],
            "median": [5.6e6, 1.6e9],
            "high": [6e6, 1.7e9],
            "reported": [5.576e6, math.nan],
        }
    )
    figure, shown = costs.answers(table)
    pd.testing.assert_frame_equal(shown, table)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert {"$5.6 M", "$1.6 B", "reported: $5.6 M"} <= set(words)
