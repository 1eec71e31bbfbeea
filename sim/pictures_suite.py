"""The pictures of the notebooks that introduce the project and judge the article."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sim.experiments import Replications
from sim.pictures import Picture
from sim.plots import styled

COLOURS = ("#0072B2", "#D55E00")
STYLES = ("-", "--")
MARK = "†"


@styled()
def completion(runs: Mapping[str, Replications]) -> Picture:
    """The share of runs that have finished by each day, with 95 % bands, for two scenarios."""
    figure, axes = plt.subplots(figsize=(7.2, 3.6))
    parts = []
    for (label, one), colour, style, at in zip(runs.items(), COLOURS, STYLES, (0.9, 0.1), strict=True):
        curve = one.completion()
        axes.fill_between(curve["days"], curve["lo"], curve["hi"], step="post", color=colour, alpha=0.15, lw=0)
        axes.step(curve["days"], curve["finished"], where="post", color=colour, ls=style, lw=1.8)
        middle = curve["days"].iloc[int((curve["finished"] - at).abs().idxmin())]
        axes.text(middle, at, f"    {label}    ", color=colour, va="center", ha="right" if at > 0.5 else "left")
        parts.append(curve.assign(runs=label))
    axes.set(ylim=(0, 1.02), xlabel="day (shaded: 95 % band of the share)", ylabel="share of runs finished")
    return figure, pd.concat(parts, ignore_index=True)


@styled()
def verdicts(claims: pd.DataFrame) -> Picture:
    """How far the deciding reading of each claim is from its limit, on a logarithmic axis; the table of `judge`."""
    rows = claims[claims["decides"]].sort_values("reading", key=lambda r: r == "", kind="stable", ignore_index=True)
    figure, axes = plt.subplots(figsize=(7.2, 0.5 * len(rows) + 0.6))
    axes.axvspan(1, 8, color="#0072B2", alpha=0.08, lw=0)
    axes.axvline(1, color="#333333", lw=1.5)
    for k, row in enumerate(rows.to_dict("records")):
        axes.text(-0.02, k, _claim(row), ha="right", va="center", fontsize=8, transform=axes.get_yaxis_transform())
        if not row["reading"]:
            continue
        ends = np.array([row["p5"], row["median"], row["p95"]]) / row["limit"]
        low, middle, high = np.clip(1 / ends if row["bound"] == "at most" else ends, 1 / 8, 8)
        holds = row["share_lo"] > 0.5
        colour = "#0072B2" if holds else "#D55E00"
        axes.plot([low, high], [k, k], color=colour, lw=2)
        axes.plot([middle], [k], "o" if holds else "D", ms=8, mew=1.8, color=colour, mfc=colour if holds else "white")
        told = f"{row['median']:.3g} {row['unit']} {row['against']}".strip() + f" ({row['bound']} {row['limit']:.3g})"
        beside = {"x": 1.25, "ha": "left"} if middle < 1 else {"x": 0.8, "ha": "right"}
        axes.text(y=k, s=told.replace(" (", "\n("), va="center", fontsize=8, **beside)
    axes.set_xscale("log", base=2)
    axes.set(xlim=(1 / 8, 8), ylim=(len(rows) - 0.4, -0.7), yticks=[])
    axes.set_xticks([1 / 4, 1 / 2, 1, 2, 4], ["4 ×", "2 ×", "limit", "2 ×", "4 ×"])
    axes.set_xlabel(
        "short of it    |    beyond what would have to be true\n(bar: 5–95 % of runs, chance and unknown inputs)\n"
        f"{MARK} counterfactual: nobody has reported such a run"
    )
    axes.grid(axis="y", visible=False)
    return figure, claims


def _claim(row: dict[Any, Any]) -> str:
    words = textwrap.shorten(row["translation"], 52, placeholder=" …")
    return f"“{words}”\n{row['verdict']}" + (
        f": {row['reading']}{MARK * (row['status'] == 'counterfactual')}" if row["reading"] else ""
    )
