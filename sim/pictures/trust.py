"""Pictures of how far the simulation can be trusted: each returns the figure and the very numbers
it shows.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.pictures.run import SPREAD, Picture
from sim.pictures.style import MARKS, SMALL, WIDTH, ink, styled
from sim.validation.published import Row
from sim.validation.report import MOST_Z, ClosedForm, PeerRow

OURS, THEIRS, BAND = "#0072B2", "#D55E00", "#DDDDDD"
ROLES = {"validation": ("o", OURS), "interpolation": ("s", "#D55E00"), "fitted": ("D", "#777777")}


@styled()
def step_times(rows: Sequence[Row]) -> Picture:
    """Error of each published step time, marked by what it is evidence of; first-year and research
    stacks hollow.
    """
    table = pd.DataFrame([vars(row) for row in rows])
    table["rank"] = table["role"].map({role: k for k, role in enumerate(reversed(ROLES))})
    table = table.sort_values(["rank", "mature", "error"], kind="stable", ignore_index=True)
    figure, axes = plt.subplots(figsize=(WIDTH, 0.19 * len(table) + 1.2))
    axes.axvspan(-15, 15, color=BAND, lw=0, alpha=0.5)
    axes.axvline(0, color="#333333", lw=1)
    for k, (_, row) in enumerate(table.iterrows()):
        mark, colour = ROLES[row["role"]]
        axes.plot(
            100 * row["error"], k, mark, ms=5, mec=colour, mfc=colour if row["mature"] else "white"
        )
    axes.set_yticks(range(len(table)), table["title"], fontsize=SMALL)
    axes.set(xlabel="ours over published, % (grey: ±15 %)", ylim=(-1, len(table)))
    for k, (role, (mark, colour)) in enumerate(ROLES.items()):
        axes.text(
            58,
            5 - 1.4 * k,
            f"{MARKS[mark]} {role}",
            color=colour,
            ha="right",
            backgroundcolor="white",
        )
    hollow = "hollow: first-year or\nresearch stack, or\nlayout not known"
    axes.text(58, 6.4, hollow, ha="right", backgroundcolor="white")
    return figure, table[
        ["id", "title", "role", "mature", "unit", "published", "ours", "error", "cause_of_miss"]
    ]


@styled()
def z_scores(rows: Sequence[ClosedForm]) -> Picture:
    """Simulated less exact, in standard errors, and on the same axis less the answer of a model
    with a mistake.
    """
    shown = [row for row in rows if row.z is not None][::-1]
    figure, axes = plt.subplots(figsize=(WIDTH, 0.33 * len(shown) + 1.2))
    axes.axvspan(-MOST_Z, MOST_Z, color=BAND, lw=0, alpha=0.5)
    axes.axvline(0, color="#333333", lw=1)
    axes.plot([row.z or 0.0 for row in shown], range(len(shown)), "o", ms=5, color=OURS)
    for k, row in enumerate(shown):
        if row.twin_z is not None:
            axes.plot(abs(row.twin_z), k, "D", ms=5, mfc="none", color=THEIRS)
            axes.text(
                abs(row.twin_z) * 1.8, k, textwrap.fill(row.wrong, 22), fontsize=SMALL, va="center"
            )
    titles = [textwrap.fill(f"{row.title} ({row.id})", 44) for row in shown]
    axes.set_yticks(range(len(shown)), titles, fontsize=SMALL)
    axes.set_xscale("symlog", linthresh=MOST_Z, linscale=0.8)
    axes.set(xlim=(-5, 1e6), ylim=(-1, len(shown)))
    axes.set_xticks([-4, 0, 4, 100, 10_000], ["−4", "0", "4", "100", "10,000"])
    axes.set_xlabel(
        f"standard errors from the exact answer ●\nor a wrong model’s ◇ (grey: within {MOST_Z:g})"
    )
    axes.minorticks_off()
    axes.grid(axis="y", visible=False)
    columns = [
        "id",
        "title",
        "simulated",
        "exact",
        "standard_error",
        "z",
        "wrong",
        "twin",
        "twin_z",
    ]
    return figure, pd.DataFrame([vars(row) for row in shown[::-1]])[columns]


@styled()
def peer(rows: Sequence[PeerRow]) -> Picture:
    """Ours over what is right, with four standard errors, beside the other simulator's own number."""
    table = pd.DataFrame([vars(row) for row in rows if row.expected])
    stars = table["against"].map({"closed form": "*"}).fillna("")
    names = table["case"] + ": " + table["quantity"] + stars
    low, high = (table["ours"] + sign * MOST_Z * table["standard_error"] for sign in (-1, 1))
    figure, axes = _ratios(
        names, table["expected"], table["ours"], low, high, table["peer"].astype(float)
    )
    axes.set(xlim=(0.04, 14), xlabel="over the closed form (*) or\nthe mean of a re-implementation")
    axes.set_title(f"● ours, ± {MOST_Z:g} standard errors", color=OURS)
    axes.set_title("◇ the peer itself", color=ink(THEIRS), loc="right")
    return figure, table


@styled()
def trace(table: pd.DataFrame) -> Picture:
    """Statistics of outages over the measured ones: of the table made from them, and of independent
    failures.
    """
    names = table["title"] + table["measured"].map(": {:g} ".format) + table["unit"]
    figure, axes = _ratios(
        names, *(table[key] for key in ("measured", "ours", "p5", "p95", "independent"))
    )
    words = "over the measured value, logarithmic\n(dot: all runs pooled, whisker: 5–95 % of runs)"
    axes.set(xlim=(0.014, 3), xlabel=words)
    axes.set_title("● the fitted table", color=OURS)
    axes.set_title("◇ independent failures", color=ink(THEIRS), loc="right")
    return figure, table


def _ratios(names: pd.Series, right: pd.Series, *numbers: pd.Series) -> tuple[Figure, Axes]:
    """Ours as a dot, its low and high end as whiskers and theirs as a hollow diamond, all over what
    is right.
    """
    ours, low, high, theirs = (number / right for number in numbers)
    figure, axes = plt.subplots(figsize=(WIDTH, 0.28 * len(names) + 1.5))
    axes.axvline(1, color="#333333", lw=1)
    heights, spread = range(len(names))[::-1], np.clip([ours - low, high - ours], 0, None)
    axes.errorbar(ours, heights, xerr=spread, fmt="o", ms=5, color=OURS, capsize=2, lw=1)
    axes.plot(theirs, heights, "D", ms=5, mfc="none", color=THEIRS)
    axes.set_yticks(heights, names.str.strip())
    axes.set_xscale("log")
    axes.set_xticks([0.02, 0.1, 0.5, 1, 2, 10], ["0.02", "0.1", "0.5", "1", "2", "10"])
    axes.minorticks_off()
    return figure, axes


@styled()
def jobs(table: pd.DataFrame) -> Picture:
    """Shares of time whole jobs are reported to have used or lost, beside ours with 5 to 95 % of
    runs.
    """
    shown = table[::-1].reset_index(drop=True)
    figure, axes = plt.subplots(figsize=(WIDTH, 0.4 * len(shown) + 1.3))
    for k, (_, row) in enumerate(shown.iterrows()):
        spread = [[row["ours"] - row["p5"]], [row["p95"] - row["ours"]]]
        axes.errorbar(
            row["ours"],
            k,
            xerr=np.clip(spread, 0, None),
            fmt="o",
            ms=5,
            color=OURS,
            capsize=2,
            lw=1,
        )
        axes.plot(row["measured"], k, ">" if row["bound"] else "D", ms=6, mfc="none", color=THEIRS)
    names = [f"{row['title']}\n({row['role']})" for _, row in shown.iterrows()]
    axes.set_yticks(range(len(shown)), names)
    axes.set(
        xlim=(0, 1.05), ylim=(-0.7, len(shown) - 0.3), xlabel=f"share of time\n(whisker: {SPREAD})"
    )
    axes.set_title("● ours", color=OURS)
    axes.set_title("◇ reported (▷ more than)", color=ink(THEIRS), loc="right")
    return figure, table
