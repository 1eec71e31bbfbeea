"""The few marks that pictures are drawn from: lines with bands, bars and dots with whiskers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.pictures.style import MARKS, WIDTH, End, ink

DARK = "#333333"
MARKED: dict[str, Any] = {"lw": 1.8, "ms": 5, "clip_on": False}
"""The look of a line whose points are marked, also where they lie on the frame."""


def sheet(height: float, parts: int = 1, **look: Any) -> tuple[Figure, Any]:
    """A figure as wide as all are, with axes one below the other."""
    return plt.subplots(parts, figsize=(WIDTH, height), **look)


def spread(values: Any, **columns: Any) -> pd.DataFrame:
    """Median, 5 % and 95 % of values over their first axis, after columns given by name."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95], axis=0)
    return pd.DataFrame({**columns, "p5": low, "median": middle, "p95": high})


def band(
    axes: Axes,
    table: pd.DataFrame,
    x: str,
    y: str,
    colour: str,
    name: str = "",
    *,
    alpha: float = 0.16,
    step: Any = None,
    **line: Any,
) -> End:
    """A line through the columns `x` and `y` of a table, in a band from its `p5` to its `p95`.

    Returns
    -------
    End
        Where the line ends, its name and its colour, for `label_ends`.
    """
    low, high = table["p5"], table["p95"]
    axes.fill_between(
        table[x],
        low,
        high,
        color=colour,
        alpha=alpha,
        lw=0,
        step=step,
    )
    axes.plot(table[x], table[y], color=colour, **line)
    return table[y].ffill().iloc[-1], name, colour


def whiskers(
    axes: Axes,
    x: Any,
    y: Any,
    low: Any,
    high: Any,
    *,
    fmt: str = "none",
    ecolor: str = DARK,
    capsize: float = 2,
    lw: float | None = 1,
    **dot: Any,
) -> None:
    """Whiskers at the points (x, y) from low to high ends, with dots if there is a format."""
    # A mean may lie outside of 90 % of its values: then there is no whisker on that side.
    # An end that is None, as few runs know none, is none here either.
    ends = np.reshape([x - low, high - x], (2, -1)).astype(float)
    axes.errorbar(
        x,
        y,
        xerr=np.clip(ends, 0, None),
        fmt=fmt,
        ecolor=ecolor,
        capsize=capsize,
        lw=lw,
        **dot,
    )


def bars(
    axes: Axes, table: pd.DataFrame, names: str, value: str, colours: Any, **look: Any
) -> None:
    """A bar for each row of a table, with a whisker from its `p5` to its `p95`."""
    axes.barh(table[names], table[value], color=colours)
    low, high = table["p5"], table["p95"]
    whiskers(
        axes,
        table[value],
        table.index,
        low,
        high,
        capsize=3,
        **look,
    )
    axes.grid(axis="y", visible=False)


def interval(
    axes: Axes,
    y: float,
    low: Any,
    middle: Any,
    high: Any,
    colour: str,
    mark: str = "o",
    *,
    lw: float,
    alpha: float = 0.3,
    **dot: Any,
) -> None:
    """A pale bar from low to high with a mark at the middle."""
    axes.plot(
        [low, high],
        [y, y],
        color=colour,
        lw=lw,
        alpha=alpha,
        solid_capstyle="butt",
    )
    dot.setdefault("color", colour)
    axes.plot(middle, y, mark, **dot)


def name_rows(axes: Axes, names: Sequence[str], **look: Any) -> None:
    """Names of rows that stand at 0, 1, 2 …, without lines between them."""
    axes.set_yticks(range(len(names)), names, **look)
    axes.grid(axis="y", visible=False)


def thousands(axes: Axes, ticks: Sequence[float]) -> None:
    """Ticks of a logarithmic axis at whole numbers, and none between them."""
    axes.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
    axes.minorticks_off()


def key(axes: Axes, x: float, y: float, mark: str, words: str, colour: str) -> None:
    """A name with its mark, at a place in shares of the axes."""
    text = f"{MARKS[mark]} {words}"
    axes.text(
        x,
        y,
        text,
        color=ink(colour),
        transform=axes.transAxes,
    )
