"""The pictures of the notebooks that introduce the project and judge the article."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sim.experiments import Replications
from sim.pictures.run import Picture
from sim.pictures.style import DASHES, SMALL, WIDTH, styled

COLOURS = ("#0072B2", "#D55E00")
MARK = "†"


def longer(difference: Mapping[str, float]) -> str:
    """In words, by how many days something takes longer or shorter.

    Examples
    --------
    >>> longer({"mean": -2.0, "lo": -2.5, "hi": -1.5})
    '2.0 days less (95 % interval 1.5 to 2.5)'
    >>> longer({"mean": 0.1, "lo": -0.2, "hi": 0.4})
    'neither longer nor shorter that one could tell (95 % interval -0.2 to 0.4 days)'
    """
    mean, low, high = (difference[key] for key in ("mean", "lo", "hi"))
    if low <= 0 <= high:
        return f"neither longer nor shorter that one could tell (95 % interval {low:.1f} to {high:.1f} days)"
    low, high = sorted((abs(low), abs(high)))
    return f"{abs(mean):.1f} days {'more' if mean > 0 else 'less'} (95 % interval {low:.1f} to {high:.1f})"


@styled()
def completion(runs: Mapping[str, Replications]) -> Picture:
    """The share of runs that have finished by each day, with 95 % bands, for two scenarios."""
    figure, axes = plt.subplots(figsize=(WIDTH, 3.6))
    parts = []
    curves = {label: _completion(one) for label, one in runs.items()}
    first = min(curves, key=lambda label: curves[label]["days"].median())
    for (label, curve), colour, style in zip(curves.items(), COLOURS, DASHES, strict=False):
        axes.fill_between(
            curve["days"], curve["lo"], curve["hi"], step="post", color=colour, alpha=0.15, lw=0
        )
        axes.step(curve["days"], curve["finished"], where="post", color=colour, ls=style, lw=1.8)
        at, key, ha, va = (
            (0.65, "hi", "right", "bottom") if label == first else (0.35, "lo", "left", "top")
        )
        words = "\n".join(f"  {line}  " for line in textwrap.wrap(label, 19))
        day = curve["days"].where(curve[key] >= at, curve["days"].max()).min()
        axes.text(day, at, words, color=colour, ha=ha, va=va)
        parts.append(curve.assign(runs=label))
    axes.set(
        ylim=(0, 1.02),
        xlabel="day (shaded: 95 % band of the share)",
        ylabel="share of runs finished",
    )
    return figure, pd.concat(parts, ignore_index=True)


def _completion(runs: Replications) -> pd.DataFrame:
    """Its curve, or a line at zero up to the horizon where no run has finished."""
    ends = [0.0, runs.frame["wall_days"].max()]
    nobody = pd.DataFrame({"days": ends, "finished": 0.0, "lo": 0.0, "hi": 0.0})
    return runs.completion() if runs.frame["finished"].any() else nobody


@styled()
def verdicts(claims: pd.DataFrame) -> Picture:
    """How far the deciding reading of each claim is from its limit, on a logarithmic axis; the
    table of `judge`.
    """
    rows = claims[claims["decides"]].sort_values(
        "reading", key=lambda r: r == "", kind="stable", ignore_index=True
    )
    figure, axes = plt.subplots(figsize=(WIDTH, 0.53 * len(rows) + 0.9))
    axes.axvspan(1, 8, color="#0072B2", alpha=0.08, lw=0)
    axes.axvline(1, color="#333333", lw=1.5)
    for k, row in enumerate(rows.to_dict("records")):
        axes.text(
            -0.02,
            k,
            _claim(row),
            ha="right",
            va="center",
            fontsize=SMALL,
            transform=axes.get_yaxis_transform(),
        )
        if not row["reading"]:
            continue
        ends = np.array([row["p5"], row["median"], row["p95"]]) / row["limit"]
        low, middle, high = np.clip(1 / ends if row["bound"] == "at most" else ends, 1 / 8, 8)
        holds = row["share_lo"] > 0.5
        colour = "#0072B2" if holds else "#D55E00"
        axes.plot([low, high], [k, k], color=colour, lw=2)
        axes.plot(
            [middle],
            [k],
            "o" if holds else "D",
            ms=8,
            mew=1.8,
            color=colour,
            mfc=colour if holds else "white",
        )
        told = (
            f"{row['median']:.3g} {row['unit']}",
            row["against"],
            f"({row['bound']} {row['limit']:.3g})",
        )
        beside = {"x": 1.25, "ha": "left"} if middle < 1 else {"x": 0.8, "ha": "right"}
        axes.text(y=k, s="\n".join(filter(None, told)), va="center", fontsize=SMALL, **beside)
    axes.set_xscale("log", base=2)
    axes.set(xlim=(1 / 8, 8), ylim=(len(rows) - 0.4, -0.7), yticks=[])
    axes.set_xticks([1 / 4, 1 / 2, 1, 2, 4], ["4 ×", "2 ×", "limit", "2 ×", "4 ×"])
    axes.set_xlabel(
        "short of it    |    beyond what would have to be true\n"
        "(mark: median, bar: 5–95 % of runs,\nchance and unknown inputs)\n"
        f"{MARK} counterfactual: nobody has reported such a run"
    )
    axes.grid(axis="y", visible=False)
    return figure, claims


def _claim(row: dict[Any, Any]) -> str:
    words = textwrap.shorten(row["translation"], 40, placeholder=" …")
    return f"“{words}”\n{row['verdict']}" + (
        f":\n{row['reading']}{MARK * (row['status'] == 'counterfactual')}" if row["reading"] else ""
    )
