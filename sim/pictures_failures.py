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
SPREAD = "5–95 % of runs, chance and unknown inputs"


@styled()
def ettr_by_size(table: pd.DataFrame, published: pd.DataFrame) -> Picture:
    """Productive share of the time against the nodes of a job, and beside it what is reported of whole jobs."""
    figure, (axes, beside) = plt.subplots(1, 2, figsize=(10.4, 4.6), width_ratios=[1.25, 1])
    for k, (variant, part) in enumerate(table.groupby("variant", sort=False)):
        _line(axes, part, "nodes", COLOURS[k])
        axes.text(0.03, 0.1 + 0.07 * k, str(variant), color=COLOURS[k], transform=axes.transAxes)
    sizes = sorted(table["nodes"].unique())
    axes.set(xscale="log", ylim=(0, 1.02), xlim=(sizes[0], sizes[-1]), ylabel="productive share of the time")
    axes.set_xlabel(f"nodes of the job, 8 chips each (shaded: {SPREAD})", fontsize=9.5)
    ticks = sizes[:: 2 if len(sizes) > 6 else 1]
    axes.set_xticks(ticks, [f"{size:,}" for size in ticks])
    axes.minorticks_off()
    for y, job in enumerate(published.itertuples(index=False)):
        beside.plot([job.p5, job.p95], [y, y], color=OURS, lw=6, alpha=0.3, solid_capstyle="butt")
        beside.plot(job.ours, y, "o", color=OURS)
        beside.plot(job.measured, y, ">" if job.bound else "D", color=MEASURED, mfc="none", ms=9, mew=1.5)
        say = f"{'over ' if job.bound else ''}{job.measured:.0%} reported, {job.ours:.1%} simulated"
        beside.text(0.665, y + 0.34, say, va="center", fontsize=8.5, color="#333333")
    names = [f"{job.title}\n{job.chips:,} chips" for job in published.itertuples(index=False)]
    beside.set_yticks(range(len(names)), names, fontsize=8.5)
    beside.set(ylim=(len(published) - 0.4, -0.6), xlim=(0.65, 1.0))
    beside.set_xlabel("productive share of the time", fontsize=9.5)
    beside.grid(axis="y", visible=False)
    roles = " and ".join(dict.fromkeys(published["role"]))
    beside.set_title(f"{roles}:  ◇ reported   ▷ reported as more than   ● ours", fontsize=9)
    return figure, pd.concat([table, published.rename(columns={"ours": "mean", "title": "variant"})], ignore_index=True)


@styled()
def ettr_by_interval(table: pd.DataFrame) -> Picture:
    """Productive share against the checkpoint interval for jobs of several sizes, with the best and Daly's."""
    figure, axes = plt.subplots(figsize=(8.2, 4.6))
    labels = []
    for k, (nodes, part) in enumerate(table.groupby("nodes", sort=False)):
        _line(axes, part, "minutes", COLOURS[k])
        times, ettr, daly = part["minutes"].to_numpy(), part["mean"].to_numpy(), float(part["daly_minutes"].iloc[0])
        axes.plot(times[ettr.argmax()], ettr.max(), "o", color=COLOURS[k], ms=7)
        height = float(np.interp(math.log(daly), np.log(times), ettr))
        axes.plot(daly, height, "|", color=MEASURED, ms=18, mew=2)
        labels.append((float(ettr[-1]), f"{nodes:,} nodes", COLOURS[k]))
    minutes = sorted(table["minutes"].unique())
    _label_ends(axes, minutes[-1], labels, 0.06)
    axes.set(xscale="log", xlim=(minutes[0], minutes[-1] * 2.3), ylim=(0, 1), ylabel="productive share of the time")
    axes.set_xlabel("minutes of computing between checkpoints")
    axes.set_xticks(minutes[::2], [f"{minute:g}" for minute in minutes[::2]])
    axes.minorticks_off()
    axes.set_title(f"● best of those tried    ❙ Daly's interval    shaded: {SPREAD}", fontsize=9)
    return figure, table


@styled()
def time_by_fabric(table: pd.DataFrame, published: pd.DataFrame, names: dict[str, str]) -> Picture:
    """How much longer jobs take on each fabric, and what was measured where it was."""
    figure, axes = plt.subplots(figsize=(8.4, 4.8))
    for row, (job, part) in enumerate(table.groupby("job", sort=False)):
        for k, (mean, p5, p95) in enumerate(part[["mean", "p5", "p95"]].to_numpy()):
            y = row + (k - 1.5) * 0.18
            axes.plot([p5, p95], [y, y], color=COLOURS[k], lw=5, alpha=0.3, solid_capstyle="butt")
            axes.plot(mean, y, "o", color=COLOURS[k])
            axes.text(max(p95, 0.004), y, f"  {mean:.1%}", va="center", color=COLOURS[k], fontsize=8.5)
        for measured in published.loc[published["scenario"] == job, "measured"]:
            axes.plot(measured, row + 0.09, "D", mfc="none", color=MEASURED, ms=11, mew=1.5)
    for k, fabric in enumerate(dict.fromkeys(table["fabric"])):
        axes.text(1.0, 0.97 - 0.06 * k, str(fabric), color=COLOURS[k], ha="right", va="top", transform=axes.transAxes)
    fitted = "◇ measured; the shared\nfabric is fitted to these two"
    axes.text(1.0, 0.72, fitted, ha="right", va="top", transform=axes.transAxes, fontsize=9)
    jobs = list(dict.fromkeys(table["job"]))
    axes.set_yticks(range(len(jobs)), [names[job] for job in jobs])
    axes.set(ylim=(len(jobs) - 0.5, -0.5), xlim=(-0.01, table["p95"].max() * 1.45))
    axes.set_xticks(np.arange(0, table["p95"].max() + 0.05, 0.1))
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.set_xlabel(f"longer than on a network that never slows (bars: {SPREAD})")
    axes.grid(axis="y", visible=False)
    return figure, table.assign(title=table["job"].map(names))


@styled()
def days_by_policy(table: pd.DataFrame, horizon_days: float) -> Picture:
    """Days to finish against the spares, fewer to the right, under each policy; at the top are runs that never do."""
    figure, axes = plt.subplots(figsize=(8.6, 4.8))
    spares, top = sorted(table["spares"].unique(), reverse=True), 0.94 * horizon_days
    labels = []
    for k, (policy, part) in enumerate(table.groupby("policy", sort=False)):
        part = part.assign(at=part["spares"].map(spares.index), mean=part["median"]).sort_values("at")
        _line(axes, part.where(part["finished"] == 1), "at", COLOURS[k])
        for at, finished in part.loc[part["finished"] < 1, ["at", "finished"]].to_numpy():
            axes.text(at, top, f"{finished:.0%}", ha="center", va="center", color=COLOURS[k])
        last = float(part["median"].iloc[-1])
        say = f"{last:.0f} d" if last < math.inf else "share that finishes"
        labels.append((min(last, top), f"{policy}: {say}", COLOURS[k]))
    axes.set(xlim=(0, len(spares) * 1.32), ylim=(0, horizon_days), ylabel="days to finish")
    _label_ends(axes, len(spares) - 0.8, labels, horizon_days * 0.055)
    axes.set_xticks(range(len(spares)), [str(count) for count in spares])
    axes.set_xlabel(f"hot spare nodes; there are no others (line: median, shaded: {SPREAD})", fontsize=9.5)
    axes.grid(axis="x", visible=False)
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
