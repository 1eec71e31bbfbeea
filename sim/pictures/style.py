"""One style for all pictures: colours of chips and of kinds of time, and how a figure is saved."""

from __future__ import annotations

import json
import math
import os
import re
import tempfile
import textwrap
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any
from zlib import crc32

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from seaborn.utils import relative_luminance

PROFILE = "SIM_PROFILE"
"""The variable of the environment that tells a notebook's process which profile runs."""
# Inches, and points of the smallest letters: eight pixels high where a figure is 450 pixels wide.
WIDTH, SMALL = 6.4, 8.5

# Everything is set from matplotlib's own defaults, so that a reader's matplotlibrc changes no
# figure.
STYLE: dict[Any, Any] = {
    **{
        key: value
        for key, value in matplotlib.rcParamsDefault.items()
        if not key.startswith(("backend", "interact"))
    },
    **sns.axes_style("whitegrid", {"axes.spines.right": False, "axes.spines.top": False}),
    **sns.plotting_context("paper", font_scale=1.05),
    "axes.titlelocation": "left",
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "figure.figsize": (WIDTH, 3.8),
    "font.family": ["DejaVu Sans"],
    "font.sans-serif": ["DejaVu Sans"],
    "legend.frameon": False,
    "savefig.dpi": 160,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "mixedfleet",
}

# Okabe and Ito's colours, told apart with any common colour blindness, for the chips that share a
# figure most often.
CHIP_COLOURS = {
    "H800": "#0072B2",
    "H100": "#56B4E9",
    "H200": "#1B3A5C",
    "H20": "#8C6BB1",
    "A100-SXM": "#009E73",
    "A100-PCIe": "#7CB950",
    "A800": "#00614A",
    "Ascend-910B": "#D55E00",
    "Ascend-910C": "#E69F00",
    "Ascend": "#A6611A",
    "L20": "#CC79A7",
    "B200": "#444444",
    "GB200": "#222222",
    "B30A": "#777777",
}
OTHER_CHIPS = ["#B8860B", "#6A3D9A", "#B15928", "#2F7F86", "#9E4A7B", "#5B8C2A"]

TIME_COLOURS = {
    "productive": "#009E73",
    "stall": "#F0E442",
    "checkpoint": "#56B4E9",
    "rework": "#D55E00",
    "detect": "#CC79A7",
    "respond": "#8C564B",
    "restart": "#E69F00",
    "wait": "#999999",
    "reconfigure": "#0072B2",
    "planned": "#C5B0D5",
}

# What is told apart by colour is told apart by shape or dashes too, and the shape can be written
# before its name.
MARKS = {"o": "●", "s": "■", "^": "▲", "D": "◆"}
DASHES = ("-", "--", "-.", ":")

SPREAD = "5–95 % of runs, chance and unknown inputs"
"""What bands and whiskers show, unless a picture says otherwise."""

Picture = tuple[Figure, pd.DataFrame]
"""A figure and the numbers that it shows."""

End = tuple[float, str, str]
"""The height at which a line ends, its name and its colour."""


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the project's style: decorates a drawing function, or wraps a block."""
    with matplotlib.rc_context(STYLE):
        yield


def chip_colour(chip: str) -> str:
    """Return the colour of a chip's family.

    A chip of no known family always gets the same one of a few others.

    Examples
    --------
    >>> chip_colour("A100-PCIe-40") == CHIP_COLOURS["A100-PCIe"]
    True
    >>> chip_colour("910B3") == CHIP_COLOURS["Ascend-910B"]
    True
    """
    # Where several pools have one chip their own names follow it.
    chip = chip.split(" (")[0]
    # Ascend chips are often named without their family: 910B3.
    families = {name: (name, name.removeprefix("Ascend-")) for name in CHIP_COLOURS}
    own = [name for name, starts in families.items() if chip.startswith(starts)]
    if own:
        return CHIP_COLOURS[max(own, key=len)]
    return OTHER_CHIPS[crc32(chip.encode()) % len(OTHER_CHIPS)]


def ink(colour: str) -> str:
    """Return a colour darkened until it can be read as text on white.

    That is a contrast of 4.5 to 1 (WCAG 2.1).

    Examples
    --------
    >>> ink("#00614A"), ink("#FFFFFF")
    ('#00614a', '#767676')
    """
    rgb = np.array(to_rgb(colour))
    # White has a luminance of 1, so this is the one of 4.5 to 1: (1 + 0.05) / 4.5 − 0.05.
    while relative_luminance(tuple(rgb)) > 0.1833:
        rgb *= 0.99
    return to_hex(tuple(rgb))


def label_ends(axes: Axes, x: float, labels: list[End]) -> None:
    """Write names to the right of lines that end at `x`, pushed up where they would overlap.

    The limits of the axes must be set before.
    """
    figure = axes.figure
    assert isinstance(figure, Figure)
    engine = figure.get_layout_engine()
    assert engine
    # Only a layout that is done knows where a height lies on the paper.
    engine.execute(figure)
    # From the lowest upwards, each name at its line or just above the name before.
    floor = -math.inf
    for y, text, colour in sorted(labels):
        height = 1.25 * matplotlib.rcParams["font.size"] * (1 + text.count("\n"))
        here = axes.transData.transform((x, y))[1] * 72 / figure.dpi
        middle = max(here, floor + height / 2)
        floor = middle + height / 2
        axes.annotate(
            text,
            (x, y),
            xytext=(5, middle - here),
            textcoords="offset points",
            annotation_clip=False,
            va="center",
            color=ink(colour),
        )


@styled()
def headline(figure: Figure, title: str) -> None:
    """Set the title of a figure, in as many lines as it takes."""
    title = " ".join(title.split()).replace(" %", "\N{NO-BREAK SPACE}%")
    lines = math.ceil(len(title) / (10 * figure.get_figwidth()))
    # Lines of about one length look better than full ones and a short rest.
    words = textwrap.fill(title, len(title) // lines + 8)
    figure.suptitle(
        words,
        x=0.01,
        ha="left",
        weight="bold",
        fontsize=11,
        parse_math=False,
    )


def save_figure(
    figure: Figure,
    name: str,
    data: pd.DataFrame,
    out: str | Path | None,
    *,
    title: str,
    alt: str,
) -> None:
    """Write a figure as NAME.svg and NAME.png, its numbers as NAME.csv, its words as NAME.json.

    The same figure gives the same bytes at any time and in any folder. Its heading is set in the
    project's style. A notebook shows it, with its description.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    name : str
        Small letters, digits and underscores; anything else raises ValueError.
    data : pandas.DataFrame
        Just what the figure shows: who has the CSV file can draw it again. Its index is not
        written.
    out : str, pathlib.Path or None
        The folder, made if it is missing. An empty one (or None) writes nothing.
    title, alt : str
        The heading, unless the figure has one of its own, and the description for those who cannot
        see the picture. Empty ones raise ValueError.
    """
    if not re.fullmatch("[a-z0-9_]+", name) or name == "manifest":
        allowed = 'small letters, digits and underscores, but not "manifest"'
        raise ValueError(f'"{name}" cannot name a figure; allowed: {allowed}')
    if not (title.strip() and alt.strip() and data.size):
        raise ValueError(f'figure "{name}" needs a title, a description (alt) and data')
    # Whoever meets a figure of few runs elsewhere must see that it is one.
    mark = "quick: " if os.environ.get(PROFILE) == "quick" else ""
    headline(figure, mark + (figure.get_suptitle() or title))
    words = {"title": mark + title, "alt": mark + alt}
    if out:
        _write(figure, Path(out), name, data, words)
    if "inline" in matplotlib.get_backend():
        from IPython.display import HTML, display

        display(HTML(html(figure, words["alt"])))
        # Else the notebook would show it again, without its description.
        plt.close(figure)


def _write(
    figure: Figure, folder: Path, name: str, data: pd.DataFrame, words: dict[str, str]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # Everything is written elsewhere first: a figure is never left with the numbers of another.
    with styled(), tempfile.TemporaryDirectory(dir=folder) as temporary:
        path = Path(temporary, name)
        # Neither a date nor a version may change the bytes.
        for suffix, metadata in {".svg": {"Date": None}, ".png": {"Software": None}}.items():
            figure.savefig(path.with_suffix(suffix), bbox_inches="tight", metadata=metadata)
        table = data.to_csv(index=False, lineterminator="\n")
        path.with_suffix(".csv").write_text(table, encoding="utf-8", newline="\n")
        text = json.dumps(words, ensure_ascii=False, indent=2) + "\n"
        path.with_suffix(".json").write_text(text, encoding="utf-8", newline="\n")
        for written in Path(temporary).iterdir():
            os.replace(written, folder / written.name)


def html(figure: Figure, alt: str) -> str:
    """A figure as HTML with its description, which notebooks show of no other kind of picture."""
    with BytesIO() as file:
        figure.savefig(file, format="png", bbox_inches="tight", dpi="figure")
        data = b64encode(file.getvalue()).decode()
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{data}">'
