"""The pictures of one run and of fleets show the numbers they return, in letters and shapes that
can be told apart.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from sim.engine import simulate
from sim.errors import InputError
from sim.pictures import run
from sim.pictures.style import SMALL
from sim.scenario import load_scenario


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def smallest(figure) -> float:
    return min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text().strip())


def curve(days: list[float]) -> pd.DataFrame:
    frame = pd.DataFrame({"chips": [512, 2048], "days": days, "bottleneck": "weak: compute"})
    return frame.assign(p5=frame["days"] - 5, p95=frame["days"] + 5)


def test_what_one_weak_chip_is_worth_is_drawn_with_its_band():
    curves = {"H20-96": curve([60.0, 40.0]), "A100-SXM-80": curve([80.0, 50.0])}
    figure, table = run.exchange_rate(
        curves, {"alone": (50.0, 60.0, 70.0), "many": (14.0, 15.0, 16.0)}, 2048
    )
    days, value = figure.axes
    assert days.texts[0].get_text() == "many: 15 d"
    assert {"● H20-96", "■ A100-SXM-80"} == {text.get_text() for text in value.texts}
    lines = {line.get_marker(): np.asarray(line.get_ydata()) for line in value.lines}
    np.testing.assert_allclose(lines["o"], [0, (60 / 40 - 1)])
    low, high = value.collections[0].get_datalim(value.transData).intervaly
    assert (low, high) == pytest.approx(((60 / 65 - 1) * 4, 60 / 35 - 1))
    assert "5–95 % of runs" in value.get_xlabel()
    assert len(table) == 6
    assert smallest(figure) >= SMALL


def test_factors_lead_from_one_number_of_chips_to_the_other():
    rows = [("work", "2\n3", 0.25, 0.2, 0.3), ("days", "", 2.0, 2.0, 2.0)]
    table = pd.DataFrame(rows, columns=["factor", "detail", "median", "p5", "p95"])
    figure, data = run.waterfall(table, "A", "B", (4096, 2048))
    [axes] = figure.axes
    bars = [bar for bar in axes.patches if isinstance(bar, Rectangle)]
    ends = {round(bar.get_y() + 0.31): bar.get_x() + bar.get_width() for bar in bars}
    assert ends == pytest.approx({0: 4096, 1: 1024, 2: 2048, 3: 2048})
    assert [text.get_text().strip() for text in axes.texts] == ["4,096", "2,048", "÷ 4", "× 2"]
    assert [label.get_text() for label in axes.get_yticklabels()][1] == "work\n2 3"
    assert "5–95 % of runs" in axes.get_xlabel()
    assert data["chips_to"].tolist() == [2048, 2048]


def test_a_run_and_its_chips_end_where_the_axes_end():
    results = [simulate(load_scenario("deepseek-v3"), 1, k) for k in range(2)]
    last = min(result.wall for result in results) / 86400
    figure, table = run.chips_by_place(results)
    assert figure.axes[0].get_xlim() == pytest.approx((0, last))
    assert table["day"].max() == pytest.approx(last)
    styles = [line.get_linestyle() for line in figure.axes[0].lines]
    assert len(set(styles)) == min(len(styles), 4)
    strips, lost = run.timeline(results[0])[0].axes
    assert lost.get_xlim() == pytest.approx((0, results[0].wall / 86400))
    hours = sum(bar.get_width() for bar in strips.patches if isinstance(bar, Rectangle)) * 24
    assert hours == pytest.approx(results[0].wall / 3600)


def test_a_programme_is_no_timeline():
    with pytest.raises(InputError, match="embargoed-stock is a programme of runs over years"):
        run.timeline(simulate(load_scenario("embargoed-stock"), 0))
