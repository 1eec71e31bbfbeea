"""The pictures of what is not known show the numbers they return."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sim.experiments.sensitivity import Sensitivity
from sim.pictures.unknowns import finding, importance, mattering, sources


def found(method: str, **columns: list[float]) -> Sensitivity:
    frame = pd.DataFrame({"unknown": ["chips.X.power", "research", "fabric.noise"], **columns})
    return Sensitivity("wall_days", method, frame, 50.0, 5.0, 10, 0)


SHARES = found(
    "sobol", ST=[0.7, 0.4, 0.1], ST_conf=[0.1] * 3, S1=[0.6, 0.3, -0.05], S1_conf=[0.1] * 3
)
SCREEN = found(
    "morris",
    mu_star=[200.0, 10.0, 9.9],
    mu_star_conf=[1.0] * 3,
    mu=[-200.0, 10.0, 0.99],
    sigma=[1.0] * 3,
)


def widths(figure: Figure) -> list[float]:
    return [bar.get_width() for bar in figure.axes[0].patches if isinstance(bar, Rectangle)]


def texts(figure: Figure) -> list[str]:
    return [text.get_text().strip() for text in figure.axes[0].texts]


def test_what_matters_is_at_least_a_share_of_the_largest_effect() -> None:
    assert mattering(SCREEN, 0.05) == ["chips.X.power", "research"]


def test_a_title_names_what_the_intervals_tell_apart() -> None:
    assert finding(SHARES, SCREEN, "the run") == (
        "Power matters most for the run, of 3 unknowns: 60% to 80% of its spread"
    )
    wide = found("sobol", ST=[0.7, 0.6, 0.1], ST_conf=[0.1] * 3)
    assert finding(wide, SCREEN, "the run") == (
        "Power and share held for research matter most for the run, of 3 unknowns"
    )


def test_bars_are_the_shares_and_labels_the_effects() -> None:
    figure, table = importance(SHARES, SCREEN)
    assert widths(figure) == pytest.approx([0.1, 0.4, 0.7, 0.0, 0.3, 0.6])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "noise (fabric)",
        "share held for research",
        "power (X)",
    ]
    assert {"−200 days", "+10 days", "+0.99 days"} <= set(texts(figure))
    assert table["effect"].tolist() == [0.99, 10.0, -200.0]


def test_sources_are_labelled_with_their_days() -> None:
    part = {"share": 0.2, "lo": 0.1, "hi": 0.3, "sd": 12.3}
    split = {"run_to_run": part, "inputs": part | {"sd": 0.25}, "model": part | {"share": 0.6}}
    figure, table = sources({"time": split, "cost": split})
    assert texts(figure).count("chance: ± 12 days") == 2
    assert "inputs: ± 0.25 days" in texts(figure)
    assert sorted(widths(figure)) == [0.2] * 4 + [0.6] * 2
    assert table.shape == (6, 7)


def test_a_source_cut_off_at_zero_is_told_by_the_end_of_its_interval() -> None:
    chance = {"share": 1.0, "lo": 0.9, "hi": 1.0, "sd": 10.0}
    none = {"share": 0.0, "lo": 0.0, "hi": 0.09, "sd": 0.0}
    figure, _ = sources({"time": {"run_to_run": chance, "inputs": none, "model": none}})
    assert "inputs: ± 3 days at most (95 %)" in texts(figure)
