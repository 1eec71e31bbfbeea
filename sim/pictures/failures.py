"""Pictures of what failures and stalls cost: each returns the figure and the very numbers it shows."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sim.pictures.run import SPREAD, Picture
from sim.pictures.style import MARKS, SMALL, WIDTH, ink, label_ends, styled

COLOURS = ["#D55E00", "#0072B2", "#009E73", "#CC79A7"]
SHAPES = list(MARKS)
MEASURED, OURS = "#222222", "#0072B2"


@styled()
def ettr_by_size(table: pd.DataFrame, published: pd.DataFrame) -> Picture:
    """Productive share of the time against the nodes of a job, and below it what is reported of
    whole jobs.
    """
    figure, (axes, below) = plt.subplots(2, 1, figsize=(WIDTH, 7.2), height_ratios=[1.2, 1])
    for k, (variant, part) in enumerate(table.groupby("variant", sort=False)):
        _line(axes, part, "nodes", k, SHAPES[k])
        words, colour = f"{MARKS[SHAPES[k]]} {variant}", ink(COLOURS[k])
        axes.text(0.03, 0.08 + 0.09 * k, words, color=colour, transform=axes.transAxes)
    sizes = sorted(table["nodes"].unique())
    axes.set(
        xscale="log",
        ylim=(0, 1.02),
        xlim=(sizes[0], sizes[-1] * 1.01),
        ylabel="productive share of the time",
    )
    axes.set_xlabel(f"nodes of the job, 8 chips each\n(line: mean, shaded: {SPREAD})")
    ticks = sizes[:: 2 if len(sizes) > 6 else 1]
    axes.set_xticks(ticks, [f"{size:,}" for size in ticks])
    axes.minorticks_off()
    for y, job in enumerate(published.itertuples(index=False)):
        below.plot([job.p5, job.p95], [y, y], color=OURS, lw=6, alpha=0.3, solid_capstyle="butt")
        below.plot(job.ours, y, "o", color=OURS)
        below.plot(
            job.measured, y, ">" if job.bound else "D", color=MEASURED, mfc="none", ms=9, mew=1.5
        )
        say = f"{'over ' if job.bound else ''}{job.measured:.0%} reported, {job.ours:.1%} simulated"
        below.text(0.655, y + 0.36, say, va="center", fontsize=SMALL)
    names = [f"{job.title}\n{job.chips:,} chips" for job in published.itertuples(index=False)]
    below.set_yticks(range(len(names)), names)
    below.set(ylim=(len(published) - 0.4, -0.6), xlim=(0.65, 1.0))
    below.set_xlabel("productive share of the time (bar: 5–95 % of runs)")
    below.grid(axis="y", visible=False)
    roles = " and ".join(dict.fromkeys(published["role"]))
    below.set_title(f"{roles}:  ◇ reported   ▷ more than   ● ours")
    return figure, pd.concat(
        [table, published.rename(columns={"ours": "mean", "title": "variant"})], ignore_index=True
    )


@styled()
def ettr_by_interval(table: pd.DataFrame) -> Picture:
    """Productive share against the checkpoint interval for jobs of several sizes, with the best and
    Daly's.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 4.4))
    labels = []
    for k, (nodes, part) in enumerate(table.groupby("nodes", sort=False)):
        _line(axes, part, "minutes", k)
        times, ettr, daly = (
            part["minutes"].to_numpy(),
            part["mean"].to_numpy(),
            float(part["daly_minutes"].iloc[0]),
        )
        axes.plot(times[ettr.argmax()], ettr.max(), "o", color=COLOURS[k], ms=7)
        height = float(np.interp(math.log(daly), np.log(times), ettr))
        axes.plot(daly, height, "|", color=MEASURED, ms=18, mew=2)
        labels.append((float(ettr[-1]), f"{nodes:,} nodes", COLOURS[k]))
    minutes = sorted(table["minutes"].unique())
    axes.set(
        xscale="log",
        xlim=(minutes[0], minutes[-1] * 1.01),
        ylim=(0, 1),
        ylabel="productive share of the time",
    )
    axes.set_xlabel(f"minutes of computing between checkpoints\n(line: mean, shaded: {SPREAD})")
    axes.set_xticks(minutes[::2], [f"{minute:g}" for minute in minutes[::2]])
    axes.minorticks_off()
    axes.set_title("● best of those tried    ❙ Daly's interval")
    label_ends(axes, minutes[-1], labels)
    return figure, table


@styled()
def time_by_fabric(table: pd.DataFrame, published: pd.DataFrame, names: dict[str, str]) -> Picture:
    """How much longer jobs take on each fabric, and what was measured where it was."""
    figure, axes = plt.subplots(figsize=(WIDTH, 5.0))
    for row, (job, part) in enumerate(table.groupby("job", sort=False)):
        for k, (fabric, mean, p5, p95) in enumerate(
            part[["fabric", "mean", "p5", "p95"]].itertuples(index=False)
        ):
            y = row + (k - 1.5) * 0.2
            axes.plot([p5, p95], [y, y], color=COLOURS[k], lw=5, alpha=0.3, solid_capstyle="butt")
            axes.plot(mean, y, SHAPES[k], color=COLOURS[k], ms=5)
            name = f" {fabric}" if row == 0 else ""
            axes.text(max(p95, 0.004), y, f"  {mean:.1%}{name}", va="center", color=ink(COLOURS[k]))
        for measured in published.loc[published["scenario"] == job, "measured"]:
            axes.plot(measured, row + 0.1, "D", mfc="none", color=MEASURED, ms=11, mew=1.5)
    axes.set_title("◇ measured; the shared fabric is fitted to these two", loc="right")
    jobs = list(dict.fromkeys(table["job"]))
    axes.set_yticks(range(len(jobs)), [names[job] for job in jobs])
    axes.set(ylim=(len(jobs) - 0.5, -0.5), xlim=(-0.01, table["p95"].max() * 1.25))
    axes.set_xticks(np.arange(0, table["p95"].max() + 0.05, 0.1))
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.set_xlabel(f"longer than on a network that never slows\n(mark: mean, bar: {SPREAD})")
    axes.grid(axis="y", visible=False)
    return figure, table.assign(title=table["job"].map(names))


@styled()
def days_by_policy(table: pd.DataFrame, horizon_days: float) -> Picture:
    """Days to finish against the spares, fewer to the right, under each policy; at the top are runs
    that never do.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 4.4))
    spares, top = sorted(table["spares"].unique(), reverse=True), 0.94 * horizon_days
    labels = []
    for k, (policy, part) in enumerate(table.groupby("policy", sort=False)):
        part = part.assign(at=part["spares"].map(spares.index), mean=part["median"]).sort_values(
            "at"
        )
        _line(axes, part.where(part["finished"] == 1), "at", k, SHAPES[k])
        for at, finished in part.loc[part["finished"] < 1, ["at", "finished"]].to_numpy():
            axes.text(
                at,
                top,
                f"{finished:.0%}",
                ha="center",
                va="center",
                color=ink(COLOURS[k]),
                fontsize=SMALL,
            )
        last = float(part["median"].iloc[-1])
        say = f"{last:.0f} d" if last < math.inf else "share\nthat finishes"
        labels.append((min(last, top), f"{MARKS[SHAPES[k]]} {policy}: {say}", COLOURS[k]))
    axes.set(xlim=(0, len(spares) - 0.8), ylim=(0, horizon_days), ylabel="days to finish")
    axes.set_xticks(range(len(spares)), [str(count) for count in spares])
    axes.set_xlabel(f"hot spare nodes; there are no others\n(line: median, shaded: {SPREAD})")
    axes.grid(axis="x", visible=False)
    label_ends(axes, len(spares) - 0.8, labels)
    return figure, table.replace(math.inf, np.nan)


def _line(axes: Axes, part: pd.DataFrame, x: str, k: int, mark: str = "") -> None:
    axes.fill_between(part[x], part["p5"], part["p95"], color=COLOURS[k], alpha=0.15, lw=0)
    axes.plot(part[x], part["mean"], color=COLOURS[k], lw=1.8, marker=mark, ms=5, clip_on=False)
