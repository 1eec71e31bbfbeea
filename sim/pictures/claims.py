"""Pictures of the notebooks that introduce the project and judge the article."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sim.experiments.claim_checks import CONTRADICTED, FEWEST, SUPPORTED
from sim.experiments.replicate import Replications
from sim.pictures.marks import DARK, band, sheet
from sim.pictures.style import DASHES, SMALL, Picture, styled

COLOURS = BLUE, ORANGE = ("#0072B2", "#D55E00")
MARK = "†"
LOOKS = {SUPPORTED: (BLUE, "o"), CONTRADICTED: (ORANGE, "D")}
"""Colour and mark of a verdict; what is undecided is dark."""
FARTHEST = 8
"""Times the limit, or a part of it, at which the axis of verdicts ends."""


def longer(difference: Mapping[str, float]) -> str:
    """In words, by how many days something takes longer or shorter.

    Examples
    --------
    >>> longer({"mean": -2.0, "lo": -2.5, "hi": -1.5})
    '2.0 days less (95 % interval 1.5 to 2.5)'
    >>> longer({"mean": 0.1, "lo": -0.2, "hi": 0.4})
    'neither longer nor shorter that one could tell (95 % interval -0.2 to 0.4 days)'
    """
    low, high = difference["lo"], difference["hi"]
    if low <= 0 <= high:
        interval = f"(95 % interval {low:.1f} to {high:.1f} days)"
        return f"neither longer nor shorter that one could tell {interval}"
    low, high = sorted((abs(low), abs(high)))
    more = "more" if difference["mean"] > 0 else "less"
    return (
        f"{abs(difference['mean']):.1f} days {more} (95 % interval {low:.1f} to {high:.1f})"
    )


@styled()
def completion(runs: Mapping[str, Replications]) -> Picture:
    """The share of runs that have finished by each day, with 95 % bands, for two scenarios."""
    figure, axes = sheet(3.6)
    curves = {label: _completion(one) for label, one in runs.items()}
    first = min(curves, key=lambda label: curves[label]["days"].median())
    for k, (label, curve) in enumerate(curves.items()):
        band(
            axes,
            curve.rename(columns={"lo": "p5", "hi": "p95"}),
            "days",
            "finished",
            COLOURS[k],
            alpha=0.15,
            step="post",
            drawstyle="steps-post",
            ls=DASHES[k],
            lw=1.8,
        )
        # Names stand outside of the two curves: before the earlier one, after the later one.
        if label == first:
            share, end, side, height = 0.65, "hi", "right", "bottom"
        else:
            share, end, side, height = 0.35, "lo", "left", "top"
        days = curve["days"]
        day = days.where(curve[end] >= share, days.max()).min()
        words = "\n".join(f"  {line}  " for line in textwrap.wrap(label, 19))
        axes.text(
            day,
            share,
            words,
            color=COLOURS[k],
            ha=side,
            va=height,
        )
    axes.set(ylim=(0, 1.02), ylabel="share of runs finished")
    axes.set_xlabel("day (shaded: 95 % band of the share)")
    parts = [curve.assign(runs=label) for label, curve in curves.items()]
    return figure, pd.concat(parts, ignore_index=True)


def _completion(runs: Replications) -> pd.DataFrame:
    """Its curve, or a line at zero up to the horizon where no run has finished."""
    if runs.frame["finished"].any():
        return runs.completion()
    ends = [0.0, runs.frame["wall_days"].max()]
    return pd.DataFrame(
        {
            "days": ends,
            "finished": 0.0,
            "lo": 0.0,
            "hi": 0.0,
        }
    )


@styled()
def verdicts(claims: pd.DataFrame) -> Picture:
    """How far each reading that was simulated is from its limit, on a logarithmic axis.

    Parameters
    ----------
    claims : pandas.DataFrame
        From `sim.experiments.claim_checks.judge`.
    """
    rows = claims[claims["bound"] != ""].to_dict("records")
    figure, axes = sheet(0.45 * len(rows) + 1.1)
    axes.axvspan(1, FARTHEST, color=BLUE, alpha=0.08, lw=0)
    axes.axvline(1, color=DARK, lw=1.5)
    for k, row in enumerate(rows):
        axes.text(
            -0.02,
            k,
            _claim(row),
            ha="right",
            va="center",
            fontsize=SMALL,
            transform=axes.get_yaxis_transform(),
        )
        _verdict(axes, k, row)
    axes.set_xscale("log", base=2)
    axes.set(xlim=(1 / FARTHEST, FARTHEST), ylim=(len(rows) - 0.4, -0.7), yticks=[])
    axes.set_xticks([1 / 4, 1 / 2, 1, 2, 4], ["4 ×", "2 ×", "limit", "2 ×", "4 ×"])
    axes.set_xlabel(
        "short of it    |    beyond what would have to be true\n"
        "(mark: median, bar: 5–95 % of runs,\nchance and unknown inputs)\n"
        f"{MARK} counterfactual: nobody has reported such a run"
    )
    axes.grid(axis="y", visible=False)
    return figure, claims


def _verdict(axes: Axes, k: int, row: dict[Any, Any]) -> None:
    """The spread of a reading, and its numbers on the side where there is room."""
    ends = np.array([row["p5"], row["median"], row["p95"]]) / row["limit"]
    if row["bound"] == "at most":
        ends = 1 / ends
    # What lies farther out than the axis goes is drawn at its end.
    low, middle, high = np.clip(ends, 1 / FARTHEST, FARTHEST)
    colour, mark = LOOKS.get(row["found"], (DARK, "s"))
    axes.plot([low, high], [k, k], color=colour, lw=2)
    inside = colour if mark == "o" else "white"
    axes.plot([middle], [k], mark, ms=7, mew=1.8, color=colour, mfc=inside)
    words = f"{row['median']:.3g} {row['unit']}\n({row['bound']} {row['limit']:.3g})"
    # Numbers stand beyond the limit, and beyond the bar where that crosses it.
    if middle < 1:
        x, side = max(1.25, 1.15 * max(low, high)), "left"
    else:
        x, side = min(0.8, max(min(low, high) / 1.15, 0.5)), "right"
    axes.text(x, k, words, ha=side, va="center", fontsize=SMALL)


def _claim(row: dict[Any, Any]) -> str:
    mark = MARK if row["status"] == "counterfactual" else ""
    words = textwrap.shorten(row["reading"], 52, placeholder=" …")
    # Fewer runs than a verdict needs are told without one.
    verdict = row["found"] if row["runs"] >= FEWEST else "no verdict"
    return f"{row['row']}. {words}{mark}\n{verdict}"
