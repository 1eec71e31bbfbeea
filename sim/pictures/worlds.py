"""Pictures of worlds side by side: each returns the figure and the numbers it shows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from sim.experiments.worlds import AS_IT_WAS, Worlds
from sim.pictures.marks import name_rows, whiskers
from sim.pictures.style import WIDTH, Picture, headline, styled

HAVE, INK, RATIO = "#0072B2", "#555555", "#D55E00"


@styled()
def worlds(result: Worlds, date: dt.date | None = None) -> Picture:
    """The largest run that each world could staff on a date, and its ratio to the world as it was.

    Parameters
    ----------
    result : Worlds
    date : datetime.date, optional
        One of the outlook's; the last unless given.
    """
    date = date or result.scenario.dates[-1]
    frame = result.frame
    table = frame[(frame["date"] == date) & (frame["quantity"] == "h100")].reset_index(drop=True)
    size = (WIDTH * 1.3, 0.42 * len(table) + 1.6)
    figure, (left, right) = plt.subplots(1, 2, figsize=size, width_ratios=[1.4, 1], sharey=True)
    rows = range(len(table))
    # The thin whisker is what nobody knows, the thick one how well the median is known.
    whiskers(left, table["median"], rows, table["p5"], table["p95"], ecolor=INK, lw=0.9)
    whiskers(
        left, table["median"], rows, table["lo"], table["hi"],
        fmt="o", color=HAVE, ecolor=HAVE, lw=2.4, capsize=0,
    )  # fmt: skip
    left.set(xscale="log", xlabel=f"largest run on {date}, H100 by BF16 peak")
    others = table[table["world"] != AS_IT_WAS]
    whiskers(
        right, others["ratio"], others.index, others["ratio_lo"], others["ratio_hi"],
        fmt="s", color=RATIO, ecolor=RATIO, lw=1.8,
    )  # fmt: skip
    right.axvline(1, color=INK, lw=0.8)
    right.set_xlabel("× as it was")
    name_rows(left, [result.titles[world] for world in table["world"]])
    left.invert_yaxis()
    figure.supxlabel(
        "dot: median; thick: its 95 % interval; thin: 5–95 % of replications", fontsize="small"
    )
    return figure, table


@styled()
def met(result: Worlds, need: str) -> Picture:
    """The share of replications in which a need is in reach by a date, world by world.

    Parameters
    ----------
    result : Worlds
    need : str
        One of the outlook's.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 3.6))
    parts = []
    for world in result.runs:
        if (result.met["world"] == world).any():
            curve = result.curve(world, need)
            axes.step(curve["date"], curve["share"], where="post", label=result.titles[world])
            parts.append(curve.assign(world=world))
    axes.set(ylim=(0, 1), ylabel="share of replications")
    axes.legend(fontsize="small", frameon=False)
    return figure, pd.concat(parts, ignore_index=True)


def draw(result: Worlds, path: Path) -> None:
    """Draw the worlds into a file; InputError where its ending names no kind of picture."""
    figure, _ = worlds(result)
    headline(figure, result.scenario.title)
    figure.savefig(path, bbox_inches="tight")
    plt.close(figure)
