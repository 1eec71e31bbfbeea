import json
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from sim.plots import CHIP_COLOURS, TIME_COLOURS, chip_colour, save_figure, styled

DATA = pd.DataFrame({"x": [0.1, 0.2, 0.3], "y": np.array([1, 2, 3]) / 3, "chip": ["H800", "H20", None]})
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
    assert {path.name for path in folder.iterdir()} == {"line_1.csv", "line_1.json", "line_1.png", "line_1.svg"}
    assert json.loads((folder / "line_1.json").read_text(encoding="utf-8")) == WORDS
    pd.testing.assert_frame_equal(pd.read_csv(folder / "line_1.csv"), DATA, check_exact=True)
    assert b"\r" not in (folder / "line_1.csv").read_bytes()


def test_the_bytes_hang_neither_on_the_folder_nor_on_the_reader_s_settings(tmp_path: Path) -> None:
    save_figure(line(), "line", DATA, tmp_path / "a", **WORDS)
    with matplotlib.rc_context({"savefig.dpi": 40, "lines.linewidth": 9, "svg.hashsalt": None, "font.size": 30}):
        save_figure(line(), "line", DATA, tmp_path / "b", **WORDS)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("out", ["", None])
def test_without_a_folder_nothing_is_written(out: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_figure(line(), "line", DATA, out, **WORDS)
    assert list(tmp_path.iterdir()) == []


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
