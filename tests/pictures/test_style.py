import json
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from sim.pictures.style import (
    CHIP_COLOURS,
    TIME_COLOURS,
    chip_colour,
    headline,
    html,
    ink,
    label_ends,
    save_figure,
    styled,
)

DATA = pd.DataFrame(
    {"x": [0.1, 0.2, 0.3], "y": np.array([1, 2, 3]) / 3, "chip": ["H800", "H20", None]}
)
WORDS = {"title": "Ein Maß", "alt": "It rises."}


@styled()
def line() -> Figure:
    figure = Figure()
    axes = figure.subplots()
    axes.fill_between(DATA["x"], DATA["y"], label="H800")
    axes.legend()
    return figure


def test_a_figure_is_saved_with_its_numbers_and_words(tmp_path: Path) -> None:
    save_figure(line(), "line_1", DATA, tmp_path / "new", **WORDS)
    folder = tmp_path / "new"
    assert {path.name for path in folder.iterdir()} == {
        "line_1.csv",
        "line_1.json",
        "line_1.png",
        "line_1.svg",
    }
    assert json.loads((folder / "line_1.json").read_text(encoding="utf-8")) == WORDS
    pd.testing.assert_frame_equal(pd.read_csv(folder / "line_1.csv"), DATA, check_exact=True)
    assert b"\r" not in (folder / "line_1.csv").read_bytes()


def test_the_bytes_hang_neither_on_the_folder_nor_on_the_reader_s_settings(tmp_path: Path) -> None:
    save_figure(line(), "line", DATA, tmp_path / "a", **WORDS)
    with matplotlib.rc_context(
        {"savefig.dpi": 40, "lines.linewidth": 9, "svg.hashsalt": None, "font.size": 30}
    ):
        save_figure(line(), "line", DATA, tmp_path / "b", **WORDS)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("out", ["", None])
def test_without_a_folder_nothing_is_written(
    out: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_figure(line(), "line", DATA, out, **WORDS)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_in_a_notebook_has_its_description() -> None:
    shown = html(line(), 'It "rises" <fast>.')
    assert shown.startswith('<img alt="It &quot;rises&quot; &lt;fast&gt;." src="data:image/png;')


@pytest.mark.parametrize("name", ["", "Line", "a line", "../line", "line.1", "manifest", "line\n"])
def test_a_name_that_is_no_file_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot name a figure"):
        save_figure(line(), name, DATA, tmp_path, **WORDS)


@pytest.mark.parametrize("missing", ["title", "alt"])
def test_a_figure_without_words_is_refused(missing: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a title, a description"):
        save_figure(line(), "line", DATA, tmp_path, **(WORDS | {missing: " "}))
    assert list(tmp_path.iterdir()) == []


def test_a_family_keeps_its_colour_and_families_differ() -> None:
    assert chip_colour("A100-PCIe-40") == chip_colour("A100-PCIe-80") != chip_colour("A100-SXM-80")
    assert chip_colour("GB200") != chip_colour("B200")
    assert chip_colour("Ascend-910B3") == chip_colour("910B") != chip_colour("Ascend-920")
    assert chip_colour("Biren-BR100") == chip_colour("Biren-BR100") not in CHIP_COLOURS.values()
    for colours in (CHIP_COLOURS, TIME_COLOURS):
        assert len(set(colours.values())) == len(colours)


@pytest.mark.parametrize("colour", [*CHIP_COLOURS.values(), *TIME_COLOURS.values()])
def test_letters_stand_out_from_white_and_keep_their_hue(colour: str) -> None:
    before, after = np.array(to_rgb(colour)), np.array(to_rgb(ink(colour)))
    linear = np.where(after > 0.04045, ((after + 0.055) / 1.055) ** 2.4, after / 12.92)
    assert 1.05 / (linear @ (0.2126, 0.7152, 0.0722) + 0.05) >= 4.45
    np.testing.assert_allclose(after * before.max(), before * after.max(), atol=0.01)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_names_at_the_ends_of_lines_do_not_overlap(scale: str) -> None:
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(1, 100), yscale=scale)
    label_ends(
        axes,
        1,
        [(2.0, "b", "black"), (2.1, "c\nd", "black"), (1.9, "a", "black"), (90.0, "e", "black")],
    )
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert [text.get_text() for text in axes.texts] == ["a", "b", "c\nd", "e"]
    assert all(low.y1 <= high.y0 for low, high in pairwise(boxes))
    assert all(box.x0 >= axes.get_window_extent().x1 for box in boxes)


def test_a_long_headline_takes_lines_of_about_one_length_and_stays_over_the_figure() -> None:
    figure = Figure(figsize=(6.4, 3), layout="constrained")
    headline(
        figure,
        "With 16,384 of the weaker chips the run takes 30 days; $5 M\nand $6 M are not what it costs (counterfactual)",
    )
    figure.draw_without_rendering()
    lines = figure.get_suptitle().split("\n")
    assert len(lines) == 2 and abs(len(lines[0]) - len(lines[1])) < 20
    assert figure.get_tightbbox().x1 <= 6.4 - 0.01
