"""Pictures of what failures and stalls cost: each returns the figure and the numbers it shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sim.pictures.marks import MARKED, band, interval, key, name_rows, sheet, thousands
from sim.pictures.style import MARKS, SMALL, SPREAD, Picture, ink, label_ends, styled
from sim.pictures.trust import job_table
from sim.validation.report import Row

COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7")
SHAPES = tuple(MARKS)
MEASURED, OURS = "#222222", "#0072B2"
LINE: dict[str, Any] = {"alpha": 0.15} | MARKED
RING: dict[str, Any] = {"mfc": "none", "color": MEASURED, "mew": 1.5}
"""A hollow mark for what was measured."""


@styled()
def ettr_by_size(table: pd.DataFrame, published: Sequence[Row]) -> Picture:
    """Productive share of the time by the size of a job, and what is reported of whole jobs."""
    figure, (axes, below) = sheet(7.2, 2, height_ratios=[1.2, 1])
    for k, (variant, part) in enumerate(table.groupby("variant", sort=False)):
        band(axes, part, "nodes", "mean", COLOURS[k], marker=SHAPES[k], **LINE)
        key(
            axes,
            0.03,
            0.08 + 0.09 * k,
            SHAPES[k],
            str(variant),
            COLOURS[k],
        )
    sizes = sorted(table["nodes"].unique())
    axes.set(xscale="log", ylim=(0, 1.02), xlim=(sizes[0], sizes[-1] * 1.01))
    axes.set_ylabel("productive share of the time")
    axes.set_xlabel(f"nodes of the job, 8 chips each\n(line: mean, shaded: {SPREAD})")
    # More than six labels of sizes would run into each other.
    thousands(axes, sizes[:: 2 if len(sizes) > 6 else 1])
    for y, job in enumerate(published):
        interval(
            below,
            y,
            job.p5,
            job.ours,
            job.p95,
            OURS,
            lw=6,
        )
        below.plot(
            job.expected,
            y,
            ">" if job.bound else "D",
            ms=9,
            **RING,
        )
        over = "over " if job.bound else ""
        words = f"{over}{job.expected:.0%} reported, {job.ours:.1%} simulated"
        below.text(0.655, y + 0.36, words, va="center", fontsize=SMALL)
    name_rows(below, [f"{job.title}\n{job.chips:,} chips" for job in published])
    below.set(ylim=(len(published) - 0.4, -0.6), xlim=(0.65, 1.0))
    below.set_xlabel("productive share of the time (bar: 5–95 % of runs)")
    roles = " and ".join(dict.fromkeys(job.role for job in published))
    below.set_title(f"{roles}:  ◇ reported   ▷ more than   ● ours")
    jobs = job_table(published).rename(columns={"ours": "mean", "title": "variant"})
    return figure, pd.concat([table, jobs], ignore_index=True)


@styled()
def ettr_by_interval(table: pd.DataFrame) -> Picture:
    """Productive share against the checkpoint interval, with the best interval and Daly's."""
    figure, axes = sheet(4.4)
    labels = []
    for k, (nodes, part) in enumerate(table.groupby("nodes", sort=False)):
        name = f"{nodes:,} nodes"
        labels.append(band(axes, part, "minutes", "mean", COLOURS[k], name, **LINE))
        times, ettr = part["minutes"].to_numpy(), part["mean"].to_numpy()
        best = ettr.argmax()
        axes.plot(
            times[best],
            ettr[best],
            "o",
            color=COLOURS[k],
            ms=7,
        )
        daly = float(part["daly_minutes"].iloc[0])
        # On the line as it is drawn: straight between points of a logarithmic axis.
        height = float(np.interp(math.log(daly), np.log(times), ettr))
        axes.plot(daly, height, "|", color=MEASURED, ms=18, mew=2)
    minutes = sorted(table["minutes"].unique())
    axes.set(xscale="log", xlim=(minutes[0], minutes[-1] * 1.01), ylim=(0, 1))
    axes.set_ylabel("productive share of the time")
    axes.set_xlabel(
        f"minutes of computing between checkpoints\n(line: mean, shaded: {SPREAD})"
    )
    thousands(axes, minutes[::2])
    axes.set_title("● best of those tried    ❙ Daly's interval")
    label_ends(axes, minutes[-1], labels)
    return figure, table


@styled()
def time_by_fabric(
    table: pd.DataFrame, published: Sequence[Row], names: dict[str, str]
) -> Picture:
    """How much longer jobs take on each fabric, and what was measured where it was."""
    figure, axes = sheet(5.0)
    for row, (job, part) in enumerate(table.groupby("job", sort=False)):
        for k, one in enumerate(part.to_dict("records")):
            y = row + (k - 1.5) * 0.2
            interval(
                axes,
                y,
                one["p5"],
                one["mean"],
                one["p95"],
                COLOURS[k],
                SHAPES[k],
                lw=5,
                ms=5,
            )
            words = f"  {one['mean']:.1%}"
            if row == 0:
                words += f" {one['fabric']}"
            axes.text(
                max(one["p95"], 0.004),
                y,
                words,
                va="center",
                color=ink(COLOURS[k]),
            )
        for measured in published:
            if measured.scenario == job:
                axes.plot(measured.expected, row + 0.1, "D", ms=11, **RING)
    axes.set_title("◇ measured; the shared fabric is fitted to these two", loc="right")
    jobs = table["job"].unique()
    name_rows(axes, [names[job] for job in jobs])
    most = table["p95"].max()
    axes.set(ylim=(len(jobs) - 0.5, -0.5), xlim=(-0.01, most * 1.25))
    axes.set_xticks(np.arange(0, most + 0.05, 0.1))
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.set_xlabel(f"longer than on a network that never slows\n(mark: mean, bar: {SPREAD})")
    return figure, table.assign(title=table["job"].map(names))


@styled()
def days_by_policy(table: pd.DataFrame, horizon_days: float) -> Picture:
    """Days to finish against the spares, fewer to the right, under each policy.

    At the top stand the shares of runs that finish, where not all do.
    """
    figure, axes = sheet(4.4)
    spares = sorted(table["spares"].unique(), reverse=True)
    top = 0.94 * horizon_days
    labels = []
    for k, (policy, part) in enumerate(table.groupby("policy", sort=False)):
        part = part.assign(at=part["spares"].map(spares.index))
        part = part.sort_values("at")
        # Where some runs never finish the quantiles of the days are infinite or misleading.
        all_finish = part["finished"] == 1
        whole = part.where(all_finish)
        band(axes, whole, "at", "median", COLOURS[k], marker=SHAPES[k], **LINE)
        for some in part[~all_finish].to_dict("records"):
            axes.text(
                some["at"],
                top,
                f"{some['finished']:.0%}",
                ha="center",
                va="center",
                color=ink(COLOURS[k]),
                fontsize=SMALL,
            )
        last = float(part["median"].iloc[-1])
        days = f"{last:.0f} d" if last < math.inf else "share\nthat finishes"
        labels.append((min(last, top), f"{MARKS[SHAPES[k]]} {policy}: {days}", COLOURS[k]))
    right = len(spares) - 0.8
    axes.set(xlim=(0, right), ylim=(0, horizon_days), ylabel="days to finish")
    axes.set_xticks(range(len(spares)), [str(count) for count in spares])
    axes.set_xlabel(f"hot spare nodes; there are no others\n(line: median, shaded: {SPREAD})")
    axes.grid(axis="x", visible=False)
    label_ends(axes, right, labels)
    return figure, table.replace(math.inf, np.nan)
