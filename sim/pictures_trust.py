"""Pictures of how far the simulation can be trusted: each returns the figure and the very numbers it shows."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sim.plots import styled
from sim.validation.published import Row
from sim.validation.rows import MOST_Z, ClosedForm, PeerRow

Picture = tuple[Figure, pd.DataFrame]

OURS, THEIRS, TWIN, BAND = "#0072B2", "#D55E00", "#CC79A7", "#DDDDDD"
ROLES = {"validation": OURS, "interpolation": "#56B4E9", "fitted": "#BBBBBB"}


@styled()
def step_times(rows: Sequence[Row]) -> Picture:
    """Error of each published step time, coloured by what it is evidence of; first-year and research stacks hollow."""
    table = pd.DataFrame([vars(row) for row in rows])
    table["rank"] = table["role"].map({role: k for k, role in enumerate(reversed(ROLES))})
    table = table.sort_values(["rank", "mature", "error"], kind="stable", ignore_index=True)
    figure, axes = plt.subplots(figsize=(7.6, 0.17 * len(table) + 1.2))
    axes.axvspan(-15, 15, color=BAND, lw=0, alpha=0.5)
    axes.axvline(0, color="#333333", lw=1)
    for k, (_, row) in enumerate(table.iterrows()):
        colour = ROLES[row["role"]]
        axes.plot(100 * row["error"], k, "o", ms=5, mec=colour, mfc=colour if row["mature"] else "white")
    axes.set_yticks(range(len(table)), table["title"], fontsize=6.6)
    axes.set(xlabel="ours over published, % (grey: ±15 %)", ylim=(-1, len(table)))
    at = {"ha": "right", "transform": axes.transAxes, "backgroundcolor": "white", "fontsize": 8}
    for k, (role, colour) in enumerate(ROLES.items()):
        axes.text(0.98, 0.03 + 0.03 * k, f"● {role}", **at, color=colour)
    axes.text(0.98, 0.12, "○ first-year or research stack", **at, color="#555555")
    return figure, table[["id", "title", "role", "mature", "unit", "published", "ours", "error", "cause_of_miss"]]


@styled()
def z_scores(rows: Sequence[ClosedForm]) -> Picture:
    """Simulated less exact, in standard errors; beside it how surely the same numbers reject a model with a mistake."""
    shown = [row for row in rows if row.z is not None][::-1]
    figure, (ours, twins) = plt.subplots(
        1, 2, figsize=(8.6, 0.165 * len(shown) + 1.2), sharey=True, width_ratios=[1, 1]
    )
    ours.axvspan(-MOST_Z, MOST_Z, color=BAND, lw=0, alpha=0.5)
    ours.axvline(0, color="#333333", lw=1)
    ours.plot([row.z for row in shown], range(len(shown)), "o", ms=5, color=OURS)
    twins.axvspan(0.1, MOST_Z, color=BAND, lw=0, alpha=0.5)
    for k, row in enumerate(shown):
        if row.twin_z is not None:
            twins.plot(abs(row.twin_z), k, "d", ms=4, color=TWIN)
            twins.text(abs(row.twin_z) * 1.25, k, row.wrong, fontsize=6, va="center", color="#555555")
    ours.set_yticks(range(len(shown)), [f"{row.title}  ({row.id})" for row in shown], fontsize=6.2)
    ours.set(xlim=(-5.5, 5.5), xlabel="standard errors\nfrom the exact answer", ylim=(-1, len(shown)))
    twins.set(xscale="log", xlim=(1, 2e5), xlabel="standard errors\nfrom a wrong model’s")
    columns = ["id", "title", "simulated", "exact", "standard_error", "z", "wrong", "twin", "twin_z"]
    return figure, pd.DataFrame([vars(row) for row in shown[::-1]])[columns]


@styled()
def peer(rows: Sequence[PeerRow]) -> Picture:
    """Ours over what is right, with four standard errors, beside the other simulator's own number."""
    shown = [row for row in rows if row.expected][::-1]
    figure, axes = plt.subplots(figsize=(7.6, 0.26 * len(shown) + 1.2))
    axes.axvline(1, color="#333333", lw=1)
    for k, row in enumerate(shown):
        half = MOST_Z * row.standard_error / row.expected
        axes.errorbar(row.ours / row.expected, k, xerr=half, fmt="o", ms=5, color=OURS, capsize=2, lw=1)
        if row.peer is not None:
            axes.plot(row.peer / row.expected, k, "D", ms=5, mfc="none", color=THEIRS)
    labels = [f"{row.case}: {row.quantity}{'*' * (row.against == 'closed form')}" for row in shown]
    axes.set_yticks(range(len(shown)), labels, fontsize=7.5)
    axes.set(xscale="log", xlim=(0.04, 14), xlabel="over the closed form (*) or the mean of a re-implementation")
    axes.set_xticks([0.1, 0.5, 1, 2, 10], ["0.1", "0.5", "1", "2", "10"])
    axes.minorticks_off()
    for k, (text, colour) in enumerate((("● ours, ± 4 standard errors", OURS), ("◇ the peer itself", THEIRS))):
        axes.text(0.02, 0.2 - 0.06 * k, text, color=colour, va="top", transform=axes.transAxes, fontsize=8)
    return figure, pd.DataFrame([vars(row) for row in shown[::-1]])


@styled()
def jobs(table: pd.DataFrame) -> Picture:
    """Shares of time whole jobs are reported to have used or lost, beside ours with 5 to 95 % of runs."""
    shown = table[::-1].reset_index(drop=True)
    figure, axes = plt.subplots(figsize=(7.6, 0.36 * len(shown) + 1.1))
    for k, (_, row) in enumerate(shown.iterrows()):
        spread = [[row["ours"] - row["p5"]], [row["p95"] - row["ours"]]]
        axes.errorbar(row["ours"], k, xerr=np.clip(spread, 0, None), fmt="o", ms=5, color=OURS, capsize=2, lw=1)
        axes.plot(row["measured"], k, ">" if row["bound"] else "D", ms=6, mfc="none", color=THEIRS)
    names = [f"{row['title']} ({row['role']})" for _, row in shown.iterrows()]
    axes.set_yticks(range(len(shown)), names, fontsize=7.5)
    axes.set(xlim=(0, 1.05), ylim=(-0.7, len(shown) - 0.3), xlabel="share of time")
    axes.set_title("● ours, 5–95 % of runs", color=OURS, fontsize=9)
    axes.set_title("◇ reported (▷ more than)", color=THEIRS, fontsize=9, loc="right")
    return figure, table
