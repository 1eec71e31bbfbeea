"""One function for each kind of picture: it returns the figure and the very numbers it shows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sim.errors import InputError
from sim.experiments.replicate import Replications
from sim.pictures.style import DASHES, MARKS, TIME_COLOURS, WIDTH, chip_colour, label_ends, styled
from sim.results.ledger import DAY, HOUR, PLACES, TIME, at, levels
from sim.results.run import RunResult

Picture = tuple[Figure, pd.DataFrame]

BADPUT = [category for category in TIME if category != "productive"]
STATE_COLOURS = TIME_COLOURS | {
    "compute": "#D3EDE4"
}  # productive time, pale, so that the stops stand out
PLACE_COLOURS = {
    "research": "#56B4E9",
    "stock": "#8C6BB1",
    "repair_queue": "#E8A6C8",
    "in_transit": "#B8860B",
    "hot_spare": "#E69F00",
    "cold_spare": "#0072B2",
    "repair": "#CC79A7",
    "idle": "#777777",
    "scrap": "#222222",
}
WEEK = 7.0
SPREAD = "5–95 % of runs, chance and unknown inputs"


@styled()
def timeline(result: RunResult) -> Picture:
    """A run as strips, one a week, coloured by state; below, the hours lost to each kind of badput
    so far.

    Raises
    ------
    InputError
        For a programme of runs.
    """
    if result.scenario.runs:
        raise InputError(
            f"{result.scenario.name} is a programme of runs over years; this shows a single run"
        )
    states = _states(result)
    losses = _losses(result)
    figure, (strips, lost) = plt.subplots(2, 1, figsize=(WIDTH, 5.6), height_ratios=[1.15, 1])
    for start, end, state in states.itertuples(index=False):
        for week in range(int(start // WEEK), int(end // WEEK) + 1):
            left, right = max(start, week * WEEK), min(end, (week + 1) * WEEK)
            if right > left:
                colour = STATE_COLOURS[state]
                strips.barh(
                    week,
                    right - left,
                    left=left - week * WEEK,
                    height=0.72,
                    color=colour,
                    ec=colour,
                    lw=1,
                )
    weeks = math.ceil(result.wall / DAY / WEEK)
    strips.set(
        ylim=(weeks - 0.4, -0.6), xlim=(0, WEEK), xlabel="day of the week", ylabel="week of the run"
    )
    strips.set_yticks(range(weeks), [str(k + 1) for k in range(weeks)])
    strips.grid(False)
    names = list(dict.fromkeys(states["state"]))
    for k, state in enumerate(names):
        strips.text(0.18 * k, 1.03, "■", color=STATE_COLOURS[state], transform=strips.transAxes)
        strips.text(0.18 * k, 1.03, f"    {state}", transform=strips.transAxes)
    labels = []
    for key, part in losses.groupby("category", sort=False):
        category = str(key)
        if part["hours_lost"].iloc[-1] > 0:
            evenly = category in ("checkpoint", "stall")
            drawstyle = "default" if evenly else "steps-post"
            lost.plot(
                part["day"],
                part["hours_lost"],
                drawstyle=drawstyle,
                color=TIME_COLOURS[category],
                lw=1.8,
            )
            labels.append((part["hours_lost"].iloc[-1], category, TIME_COLOURS[category]))
    lost.set(
        xlim=(0, result.wall / DAY),
        ylim=(0, None),
        xlabel="day of the run",
        ylabel="hours lost so far",
    )
    label_ends(lost, result.wall / DAY, labels)
    table = pd.concat(
        [
            states.assign(series="state").rename(
                columns={"start_days": "day", "end_days": "until_day", "state": "category"}
            ),
            losses.assign(series="hours lost"),
        ]
    )
    return figure, table[["series", "category", "day", "until_day", "hours_lost"]]


def _losses(result: RunResult) -> pd.DataFrame:
    """Cumulative hours lost by category: phases at their end, rework when the job falls back.

    Checkpoints and stalls accrue while training goes on, so only their sum at the end is kept.
    """
    rows = []
    for start, end, state in _states(result).itertuples(index=False):
        if state in BADPUT:
            rows.append((end, state, (end - start) * 24))
    for event in result.trace.events("rework"):
        rows.append((event.time / DAY, "rework", event.amount / HOUR))
    wall = result.wall / DAY
    frame = pd.DataFrame(rows, columns=["day", "category", "hours"]).sort_values(
        "day", kind="stable"
    )
    parts = []
    for category in BADPUT:
        part = frame[frame["category"] == category]
        days = [0.0, *part["day"], wall]
        hours = [0.0, *part["hours"].cumsum(), result.time[category] / 3600]
        parts.append(pd.DataFrame({"category": category, "day": days, "hours_lost": hours}))
    return pd.concat(parts, ignore_index=True)


@styled()
def time_ledger(replications: Replications) -> Picture:
    """Days lost to each kind of badput: the mean as a bar, 5–95 % of replications as a whisker."""
    frame = replications.frame
    columns = {category: frame[f"time.{category}_days"] for category in BADPUT}
    table = pd.DataFrame(
        [
            (c, v.mean(), v.quantile(0.05), v.quantile(0.95))
            for c, v in columns.items()
            if v.max() > 0
        ],
        columns=["category", "mean_days", "p5_days", "p95_days"],
    ).sort_values("mean_days", ignore_index=True)
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    spread = [table["mean_days"] - table["p5_days"], table["p95_days"] - table["mean_days"]]
    colours = [TIME_COLOURS[c] for c in table["category"]]
    error = {"ecolor": "#333333", "capsize": 3, "lw": 1.2}
    axes.barh(
        table["category"],
        table["mean_days"],
        xerr=np.clip(spread, 0, None),
        color=colours,
        error_kw=error,
    )
    for k, (_, mean, _, high) in enumerate(table.itertuples(index=False)):
        axes.text(high, k, f"  {_time(mean)}", va="center")
    axes.set(xlabel=f"days of wall clock a run (bar: mean, whisker:\n{SPREAD})")
    axes.set_xlim(0, table["p95_days"].max() * 1.18)
    axes.grid(axis="y", visible=False)
    return figure, table


@styled()
def chips_by_place(results: Sequence[RunResult], points: int = 200) -> Picture:
    """Chips that are not active, by place over the days of the run: median and 5–95 % of
    replications.
    """
    last = min(result.wall for result in results) / DAY
    days = np.linspace(0, last, points)
    figure, axes = plt.subplots()
    parts, labels = [], []
    for place in PLACES:
        counts = np.array([at(*levels(result, [place]), days * DAY) for result in results])
        if place == "active" or not counts.any():
            continue
        low, middle, high = np.quantile(counts, [0.05, 0.5, 0.95], axis=0)
        axes.fill_between(
            days, low, high, color=PLACE_COLOURS[place], alpha=0.18, lw=0, step="post"
        )
        axes.step(
            days,
            middle,
            where="post",
            color=PLACE_COLOURS[place],
            lw=1.8,
            ls=DASHES[len(labels) % len(DASHES)],
        )
        labels.append((middle[-1], place.replace("_", " "), PLACE_COLOURS[place]))
        parts.append(
            pd.DataFrame({"place": place, "day": days, "median": middle, "p5": low, "p95": high})
        )
    axes.set(xlim=(0, last), ylim=(0, None), ylabel="chips")
    axes.set_xlabel(f"day of the run (line: median, shaded:\n{SPREAD})")
    label_ends(axes, last, labels)
    return figure, pd.concat(parts, ignore_index=True)


def _states(result: RunResult) -> pd.DataFrame:
    """The states of the job: start and end in days, and the state."""
    rows = [(one.start / DAY, one.end / DAY, one.state) for one in result.timeline]
    return pd.DataFrame(rows, columns=["start_days", "end_days", "state"])


@styled()
def waterfall(table: pd.DataFrame, first: str, last: str, chips: tuple[float, float]) -> Picture:
    """From one number of chips to another through factors that multiply, on a logarithmic axis.

    `table` has a row a factor: `factor`, `detail`, `median`, `p5`, `p95` of the ratio of chips it
    stands for.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 0.55 * len(table) + 2.2))
    left, level, end = chips[1] / 4, chips[0], len(table) + 1
    for row, count, chip in ((0, chips[0], "H100"), (end, chips[1], "H800")):
        axes.barh(row, count - left, left=left, color=chip_colour(chip), height=0.62)
        axes.text(count, row, f" {count:,.0f}", va="center", weight="bold")
    for row, (_, _, median, p5, p95) in enumerate(table.itertuples(index=False), 1):
        axes.plot([level, level], [row - 1.31, row + 0.31], color="#777777", lw=0.8)
        after, low, high = level * median, level * p5, level * p95
        axes.barh(
            row,
            after - level,
            left=level,
            color="#009E73" if median < 1 else "#D55E00",
            height=0.62,
        )
        axes.errorbar(
            after, row, xerr=[[after - low], [high - after]], color="#333333", capsize=4, lw=1.3
        )
        axes.text(
            min(level, after, low),
            row,
            f"{_factor(median)}  ",
            ha="right",
            va="center",
            weight="bold",
        )
        level = after
    axes.plot([level, level], [end - 1.31, end + 0.31], color="#777777", lw=0.8)
    axes.set_xscale("log", base=2)
    axes.set(xlim=(left, chips[0] * 1.9), ylim=(end + 0.5, -0.5))
    axes.set_xlabel(f"chips, logarithmic (whisker: {SPREAD})")
    ticks = [2**k for k in range(8, 16) if left <= 2**k <= chips[0] * 1.9]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    details = [f"{row.factor}\n{' '.join(str(row.detail).split())}" for row in table.itertuples()]
    axes.set_yticks(range(end + 1), [first, *details, last])
    axes.grid(axis="y", visible=False)
    return figure, table.assign(chips_from=chips[0], chips_to=chips[1])


@styled()
def exchange_rate(
    curves: dict[str, pd.DataFrame], levels: dict[str, tuple[float, float, float]], good: int
) -> Picture:
    """Days to finish against weak chips added, a line a chip; below, what one of them is worth in
    good chips.

    Parameters
    ----------
    curves : dict
        From `sim.experiments.exchange_rate.exchange`, by chip.
    levels : dict
        Days (5 %, median, 95 %) without weak chips, and of other fleets, by label; the first is the
        one without.
    good : int
        Number of good chips.
    """
    figure, (days, value) = plt.subplots(
        2, 1, figsize=(WIDTH, 7.2), height_ratios=[1.6, 1], sharex=True
    )
    alone = next(iter(levels.values()))[1]
    ends, worths = (
        [(m, f"{label}: {m:.0f} d", "#444444") for label, (_, m, _) in levels.items()],
        [],
    )
    for (chip, curve), mark in zip(curves.items(), itertools.cycle(MARKS)):
        why = curve["bottleneck"].iloc[-1].split(": ")[-1]
        each = (alone / curve[["days", "p5", "p95"]] - 1).mul(good / curve["chips"], axis=0)
        shown = ((days, curve, ends, f"{chip}:\n{why} binds"), (value, each, worths, chip))
        for axes, frame, labels, label in shown:
            colour = chip_colour(chip)
            axes.fill_between(
                curve["chips"], frame["p5"], frame["p95"], color=colour, alpha=0.16, lw=0
            )
            axes.plot(
                curve["chips"],
                frame["days"],
                color=colour,
                lw=1.8,
                marker=mark,
                ms=5,
                clip_on=False,
            )
            labels.append((frame["days"].iloc[-1], f"{MARKS[mark]} {label}", colour))
    for low, middle, high in levels.values():
        days.axhspan(low, high, color="#777777", alpha=0.13, lw=0)
        days.axhline(middle, color="#444444", lw=1.2, ls="--")
    value.axhline(0, color="#444444", lw=1.2)
    ticks = sorted({int(c) for curve in curves.values() for c in curve["chips"]})
    days.set(
        xscale="log", ylim=(0, None), ylabel="days to finish", xlim=(ticks[0], ticks[-1] * 1.01)
    )
    value.set(ylabel="good chips that one\nweak chip is worth")
    words = f"weak chips added, logarithmic (line: median, shaded:\n{SPREAD};"
    value.set_xlabel(f"{words}\nbelow, against the median without weak chips)")
    value.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    value.minorticks_off()
    label_ends(days, ticks[-1], ends)
    label_ends(value, ticks[-1], worths)
    parts = [curve.assign(series=chip) for chip, curve in curves.items()]
    parts += [
        pd.DataFrame({"series": [k], "days": [m], "p5": [lo], "p95": [hi]})
        for k, (lo, m, hi) in levels.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    return figure, table[["series", *(c for c in table.columns if c != "series")]]


def _factor(ratio: float) -> str:
    return f"÷ {1 / ratio:.3g}" if ratio < 0.9995 else f"× {ratio:.3g}"


def _time(days: float) -> str:
    hours = days * 24
    return f"{days:.1f} d" if hours >= 48 else f"{hours:.1f} h"
