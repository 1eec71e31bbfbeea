"""Pictures of what failures and stalls cost: each returns the figure and the very numbers it shows."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sim.pictures import Picture
from sim.plots import styled

COLOURS = ["#D55E00", "#0072B2", "#009E73", "#CC79A7"]
MEASURED, OURS = "#222222", "#0072B2"


@styled()
def ettr_by_size(table: pd.DataFrame, published: pd.DataFrame) -> Picture:
    """Productive share of the time against the nodes of a job, and beside it what is reported of whole jobs."""
    figure, (axes, beside) = plt.subplots(1, 2, figsize=(10.4, 4.6), width_ratios=[1.35, 1])
    for k, (variant, part) in enumerate(table.groupby("variant", sort=False)):
        _line(axes, part, "nodes", COLOURS[k])
        axes.text(0.99, 0.97 - 0.07 * k, str(variant), color=COLOURS[k], ha="right", va="top", transform=axes.transAxes)
    sizes = sorted(table["nodes"].unique())
    axes.set(xscale="log", ylim=(0, 1.02), xlim=(sizes[0], sizes[-1]))
    axes.set(xlabel="nodes of the job (8 chips each)", ylabel="productive share of the time")
    ticks = sizes[:: 2 if len(sizes) > 6 else 1]
    axes.set_xticks(ticks, [f"{size:,}" for size in ticks])
    axes.minorticks_off()
    axes.text(
        0.01, 0.02, "shaded: 5–95 % of runs, chance and unknown inputs", transform=axes.transAxes, color="#555555"
    )
    for y, job in enumerate(published.itertuples(index=False)):
        beside.plot([job.p5, job.p95], [y, y], color=OURS, lw=5, alpha=0.3, solid_capstyle="butt")
        beside.plot(job.ours, y, "o", color=OURS)
        beside.plot(job.measured, y, ">" if job.bound else "D", color=MEASURED, mfc="none", ms=8, mew=1.5)
        say = f"{'over ' if job.bound else ''}{job.measured:.0%} reported, {job.ours:.1%} simulated"
        beside.text(0.66, y - 0.28, f"{job.title}, {job.chips:,} chips", va="center", weight="bold")
        beside.text(0.66, y + 0.26, f"{say} ({job.role})", va="center", fontsize=8.5)
    beside.set(ylim=(len(published) - 0.4, -0.6), xlim=(0.65, 1.0), xlabel="productive share of the time", yticks=[])
    beside.set_title("◇ reported   ▷ reported as more than   ● ours", fontsize=9)
    return figure, pd.concat([table, published.rename(columns={"ours": "mean", "title": "variant"})], ignore_index=True)


@styled()
def ettr_by_interval(table: pd.DataFrame) -> Picture:
    """Productive share against the checkpoint interval for jobs of several sizes, with the best and Daly's."""
    figure, axes = plt.subplots(figsize=(7.6, 4.6))
    labels = []
    for k, (nodes, part) in enumerate(table.groupby("nodes", sort=False)):
        part = part.reset_index(drop=True)
        _line(axes, part, "minutes", COLOURS[k])
        best, daly = part.loc[part["mean"].idxmax()], part["daly_minutes"].iloc[0]
        axes.plot(best["minutes"], best["mean"], "o", color=COLOURS[k], ms=7)
        height = float(np.interp(math.log(daly), np.log(part["minutes"]), part["mean"]))
        axes.plot(daly, height, "|", color="#222222", ms=18, mew=2)
        labels.append((part["mean"].iloc[-1], f"{nodes:,} nodes", COLOURS[k]))
    minutes = sorted(table["minutes"].unique())
    _label_ends(axes, minutes[-1], labels, 0.06)
    axes.set(xscale="log", xlim=(minutes[0], minutes[-1] * 2.1), ylim=(0, 1))
    axes.set(xlabel="minutes of computing between checkpoints", ylabel="productive share of the time")
    axes.set_xticks(minutes[::2], [f"{minute:g}" for minute in minutes[::2]])
    axes.minorticks_off()
    words = "dot: best of those tried    bar: Daly's interval    shaded: 5–95 % of runs, chance and unknown inputs"
    axes.set_title(words, fontsize=9)
    return figure, table


@styled()
def time_by_fabric(table: pd.DataFrame, published: pd.DataFrame, names: dict[str, str]) -> Picture:
    """How much longer jobs take on each fabric, and what was measured where it was."""
    figure, axes = plt.subplots(figsize=(8.4, 4.8))
    fabrics = list(dict.fromkeys(table["fabric"]))
    for row, (job, part) in enumerate(table.groupby("job", sort=False)):
        for k, point in enumerate(part.itertuples(index=False)):
            y = row + (k - 1.5) * 0.17
            low, high = 100 * (point.mean - point.p5), 100 * (point.p95 - point.mean)
            axes.errorbar(
                100 * point.mean, y, xerr=[[max(low, 0)], [max(high, 0)]], fmt="o", color=COLOURS[k], capsize=3
            )
            axes.text(100 * point.p95, y, f"  {100 * point.mean:.1f} %", va="center", color=COLOURS[k], fontsize=8.5)
        for measured in published.loc[published["scenario"] == job, "measured"]:
            axes.plot(100 * measured, row + 0.085, "D", mfc="none", color=MEASURED, ms=11, mew=1.5)
    for k, fabric in enumerate(fabrics):
        axes.text(0.98, 0.97 - 0.06 * k, fabric, color=COLOURS[k], ha="right", va="top", transform=axes.transAxes)
    axes.text(
        0.98,
        0.72,
        "◇ measured (the shared fabric\nis fitted to these two)",
        ha="right",
        va="top",
        transform=axes.transAxes,
    )
    jobs = list(dict.fromkeys(table["job"]))
    axes.set_yticks(range(len(jobs)), [names[job] for job in jobs])
    axes.set(ylim=(len(jobs) - 0.5, -0.5), xlim=(0, 100 * table["p95"].max() * 1.35))
    axes.set_xlabel(
        "per cent longer than on a network that never slows (whisker: 5–95 % of runs, chance and unknown inputs)"
    )
    axes.grid(axis="y", visible=False)
    return figure, table.assign(title=table["job"].map(names))


@styled()
def days_by_policy(table: pd.DataFrame, horizon_days: float) -> Picture:
    """Days to finish against the spares, fewer to the right, under each policy; at the top are runs that never do."""
    figure, axes = plt.subplots(figsize=(8.2, 4.8))
    top = horizon_days * 1.0
    labels = []
    for k, (policy, part) in enumerate(table.groupby("policy", sort=False)):
        shown = part.assign(**{key: part[key].clip(upper=top) for key in ("median", "p5", "p95")})
        _line(axes, shown.rename(columns={"median": "mean"}), "spares", COLOURS[k])
        last = part.loc[part["spares"].idxmin()]
        say = "never" if math.isinf(last["median"]) else f"{last['median']:.0f} d"
        labels.append((min(last["median"], top), f"{policy}: {say}", COLOURS[k]))
    spares = sorted(table["spares"].unique())
    axes.set(xlim=(spares[-1], spares[0] - 0.28 * spares[-1]), ylim=(0, top * 1.06), yticks=range(0, int(top) + 1, 25))
    _label_ends(axes, spares[0], labels, top * 0.05)
    axes.axhline(top, color="#777777", lw=1)
    axes.text(spares[-1], top, f"  not finished after {top:.0f} days", va="bottom", color="#555555")
    axes.set_xticks(spares, [str(count) for count in spares])
    axes.set_xlabel(
        "hot spare nodes; there are no others (line: median, shaded: 5–95 % of runs, chance and unknown inputs)"
    )
    axes.set_ylabel("days to finish")
    return figure, table.replace(math.inf, np.nan)


def _line(axes: Axes, part: pd.DataFrame, x: str, colour: str) -> None:
    axes.fill_between(part[x], part["p5"], part["p95"], color=colour, alpha=0.15, lw=0)
    axes.plot(part[x], part["mean"], color=colour, lw=1.8)


def _label_ends(axes: Axes, x: float, labels: list[tuple[float, str, str]], gap: float) -> None:
    """Names at the ends of lines, pushed apart where they would overlap."""
    floor = -math.inf
    for y, text, colour in sorted(labels):
        floor = max(y, floor + gap)
        axes.text(x, floor, f"  {text}", color=colour, va="center")
