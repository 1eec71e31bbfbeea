"""Pictures of a run, of many, and of fleets: each returns the figure and the numbers it shows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sim.errors import InputError
from sim.experiments.replicate import Replications
from sim.pictures.marks import (
    DARK,
    MARKED,
    band,
    bars,
    name_rows,
    sheet,
    spread,
    thousands,
    whiskers,
)
from sim.pictures.style import (
    DASHES,
    MARKS,
    SPREAD,
    TIME_COLOURS,
    Picture,
    chip_colour,
    label_ends,
    styled,
)
from sim.results.ledger import DAY, HOUR, PLACES, TIME, at, levels
from sim.results.run import RunResult

BADPUT = [category for category in TIME if category != "productive"]
# Training, which fills most of a run, is pale so that the stops stand out.
STATE_COLOURS = TIME_COLOURS | {"compute": "#D3EDE4"}
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
GREY = "#777777"
LEVEL = "#444444"


@styled()
def timeline(result: RunResult) -> Picture:
    """A run as strips, one a week, coloured by state, and the hours lost so far to each badput.

    Raises
    ------
    InputError
        For a programme of runs.
    """
    if result.scenario.runs:
        raise InputError(
            f"{result.scenario.name} is a programme of runs over years; this shows a single run"
        )
    states = pd.DataFrame(
        [(one.state, one.start / DAY, one.end / DAY) for one in result.timeline],
        columns=["category", "day", "until_day"],
    )
    losses = _losses(result, states)
    figure, (strips, lost) = sheet(5.6, 2, height_ratios=[1.15, 1])
    _strips(strips, states, math.ceil(result.wall / DAY / WEEK))
    labels = []
    for category, part in losses.groupby("category", sort=False):
        colour = TIME_COLOURS[str(category)]
        end = part["hours_lost"].iloc[-1]
        if end > 0:
            # Only the end is known of what accrues while training goes on: a straight line to it.
            style = "default" if category in ("checkpoint", "stall") else "steps-post"
            lost.plot(
                part["day"],
                part["hours_lost"],
                drawstyle=style,
                color=colour,
                lw=1.8,
            )
            labels.append((end, str(category), colour))
    lost.set(xlim=(0, result.wall / DAY), ylim=(0, None))
    lost.set(xlabel="day of the run", ylabel="hours lost so far")
    label_ends(lost, result.wall / DAY, labels)
    table = pd.concat([states.assign(series="state"), losses.assign(series="hours lost")])
    return figure, table[["series", "category", "day", "until_day", "hours_lost"]]


def _strips(axes: Axes, states: pd.DataFrame, weeks: int) -> None:
    """The states of a run, a row for each week of it."""
    for state, start, end in states.itertuples(index=False):
        colour = STATE_COLOURS[state]
        for week in range(int(start // WEEK), int(end // WEEK) + 1):
            left = max(start, week * WEEK)
            width = min(end, (week + 1) * WEEK) - left
            if width > 0:
                axes.barh(
                    week,
                    width,
                    left=left - week * WEEK,
                    height=0.72,
                    color=colour,
                    ec=colour,
                    lw=1,
                )
    axes.set(ylim=(weeks - 0.4, -0.6), xlim=(0, WEEK))
    axes.set(xlabel="day of the week", ylabel="week of the run")
    axes.set_yticks(range(weeks), [str(k + 1) for k in range(weeks)])
    axes.grid(False)
    # The names stay black: some colours are too pale for letters.
    for k, state in enumerate(states["category"].unique()):
        axes.text(
            0.18 * k,
            1.03,
            "■",
            color=STATE_COLOURS[state],
            transform=axes.transAxes,
        )
        axes.text(0.18 * k, 1.03, f"    {state}", transform=axes.transAxes)


def _losses(result: RunResult, states: pd.DataFrame) -> pd.DataFrame:
    """Cumulative hours lost by category: phases at their end, rework when the job falls back.

    Checkpoints and stalls accrue while training goes on, so only their sum at the end is kept.
    """
    phases = states.assign(
        day=states["until_day"], hours=(states["until_day"] - states["day"]) * 24
    )
    falls = [(e.time / DAY, e.amount / HOUR) for e in result.trace.events("rework")]
    rework = pd.DataFrame(falls, columns=["day", "hours"])
    parts = []
    for category in BADPUT:
        lost = rework if category == "rework" else phases[phases["category"] == category]
        days = [0.0, *lost["day"], result.wall / DAY]
        hours = [0.0, *lost["hours"].cumsum(), result.time[category] / HOUR]
        parts.append(pd.DataFrame({"category": category, "day": days, "hours_lost": hours}))
    return pd.concat(parts, ignore_index=True)


@styled()
def time_ledger(replications: Replications) -> Picture:
    """Days lost to each kind of badput: the mean as a bar, 5–95 % of replications as a whisker."""
    frame = replications.frame[[f"time.{category}_days" for category in BADPUT]]
    table = spread(frame, category=BADPUT, mean=frame.mean().array)
    table = table[(frame.max() > 0).array].sort_values("mean", ignore_index=True)
    figure, axes = sheet(3.2)
    bars(axes, table, "category", "mean", table["category"].map(TIME_COLOURS), lw=1.2)
    # What is rare has a mean beyond its 95 % quantile.
    ends = table[["mean", "p95"]].max(axis=1)
    for k, (end, mean) in enumerate(zip(ends, table["mean"], strict=True)):
        axes.text(end, k, f"  {_time(mean)}", va="center")
    axes.set(xlabel=f"days of wall clock a run (bar: mean, whisker:\n{SPREAD})")
    axes.set_xlim(0, ends.max() * 1.18)
    names = ["category", "mean_days", "p5_days", "p95_days"]
    return figure, table[["category", "mean", "p5", "p95"]].set_axis(names, axis="columns")


@styled()
def chips_by_place(results: Sequence[RunResult]) -> Picture:
    """Chips that are not active, by place over the days of the run.

    Median and 5–95 % of replications.
    """
    # Beyond the end of the shortest run there would be no quantiles of all.
    last = min(result.wall for result in results) / DAY
    days = np.linspace(0, last, 200)
    figure, axes = sheet(3.8)
    parts, labels = [], []
    for place in PLACES:
        counts = np.array([at(*levels(result, [place]), days * DAY) for result in results])
        if place == "active" or not counts.any():
            continue
        part = spread(counts, place=place, day=days)
        end = band(
            axes,
            part,
            "day",
            "median",
            PLACE_COLOURS[place],
            place.replace("_", " "),
            alpha=0.18,
            step="post",
            drawstyle="steps-post",
            lw=1.8,
            ls=DASHES[len(labels) % len(DASHES)],
        )
        labels.append(end)
        parts.append(part)
    # A stock of thousands would press what is idle or dead flat on the axis.
    axes.set_yscale("symlog", linthresh=10)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set(xlim=(0, last), ylim=(0, None), ylabel="chips, logarithmic beyond 10")
    axes.set_xlabel(f"day of the run (line: median, shaded:\n{SPREAD})")
    label_ends(axes, last, labels)
    table = pd.concat(parts, ignore_index=True)
    return figure, table[["place", "day", "median", "p5", "p95"]]


@styled()
def waterfall(
    table: pd.DataFrame, first: str, last: str, chips: tuple[float, float]
) -> Picture:
    """From one number of chips to another through factors that multiply, on a logarithmic axis.

    Parameters
    ----------
    table : pandas.DataFrame
        A row for each factor: `factor`, `detail`, and `median`, `p5`, `p95` of the ratio of chips
        that it stands for.
    first, last : str
        Names of the two fleets.
    chips : tuple of float
        Their numbers of chips.
    """
    figure, axes = sheet(0.55 * len(table) + 2.2)
    # A logarithmic axis has no zero: the bars of both fleets begin at its left end.
    left, end = chips[1] / 4, len(table) + 1
    for row, count, chip in ((0, chips[0], "H100"), (end, chips[1], "H800")):
        axes.barh(
            row,
            count - left,
            left=left,
            height=0.62,
            color=chip_colour(chip),
        )
        axes.text(count, row, f" {count:,.0f}", va="center", weight="bold")
    level = chips[0]
    for row, factor in enumerate(table.itertuples(index=False), 1):
        _link(axes, level, row)
        level = _factor(axes, level, row, factor)
    _link(axes, level, end)
    right = chips[0] * 1.9
    axes.set_xscale("log", base=2)
    axes.set(xlim=(left, right), ylim=(end + 0.5, -0.5))
    axes.set_xlabel(f"chips, logarithmic (whisker: {SPREAD})")
    thousands(axes, [2**k for k in range(8, 16) if left <= 2**k <= right])
    details = [
        f"{row.factor}\n{' '.join(str(row.detail).split())}" for row in table.itertuples()
    ]
    name_rows(axes, [first, *details, last])
    return figure, table.assign(chips_from=chips[0], chips_to=chips[1])


def _link(axes: Axes, level: float, row: int) -> None:
    """A line from the end of one bar to the beginning of the next."""
    axes.plot(
        [level, level],
        [row - 1.31, row + 0.31],
        color=GREY,
        lw=0.8,
    )


def _factor(axes: Axes, level: float, row: int, factor: Any) -> float:
    """A factor as a bar from one number of chips to the next, which is returned."""
    after, low, high = level * factor.median, level * factor.p5, level * factor.p95
    fewer = factor.median < 1
    axes.barh(
        row,
        after - level,
        left=level,
        height=0.62,
        color="#009E73" if fewer else "#D55E00",
    )
    whiskers(
        axes,
        after,
        row,
        low,
        high,
        fmt="",
        color=DARK,
        capsize=4,
        lw=1.3,
    )
    # A factor of one is neither.
    words = (
        f"÷ {1 / factor.median:.3g}" if factor.median < 0.9995 else f"× {factor.median:.3g}"
    )
    axes.text(
        min(level, after, low),
        row,
        f"{words}  ",
        ha="right",
        va="center",
        weight="bold",
    )
    return after


@styled()
def exchange_rate(
    curves: dict[str, pd.DataFrame], levels: dict[str, tuple[float, float, float]], good: int
) -> Picture:
    """Days to finish against weak chips added, and what one of them is worth in good chips.

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
    figure, (days, value) = sheet(7.2, 2, height_ratios=[1.6, 1], sharex=True)
    alone = next(iter(levels.values()))[1]
    ends = [
        (middle, f"{label}: {middle:.0f} d", LEVEL)
        for label, (_, middle, _) in levels.items()
    ]
    worths = []
    # A cycle of marks: there may be more kinds of chips than marks.
    for (chip, curve), mark in zip(curves.items(), itertools.cycle(MARKS)):
        why = curve["bottleneck"].iloc[-1].split(": ")[-1]
        each = (alone / curve[["days", "p5", "p95"]] - 1).mul(good / curve["chips"], axis=0)
        worth = each.assign(chips=curve["chips"])
        name = f"{MARKS[mark]} {chip}"
        colour = chip_colour(chip)
        words = f"{name}:\n{why} binds"
        ends.append(band(days, curve, "chips", "days", colour, words, marker=mark, **MARKED))
        worths.append(
            band(value, worth, "chips", "days", colour, name, marker=mark, **MARKED)
        )
    for low, middle, high in levels.values():
        days.axhspan(low, high, color=GREY, alpha=0.13, lw=0)
        days.axhline(middle, color=LEVEL, lw=1.2, ls="--")
    value.axhline(0, color=LEVEL, lw=1.2)
    ticks = sorted({int(count) for curve in curves.values() for count in curve["chips"]})
    days.set(xscale="log", xlim=(ticks[0], ticks[-1] * 1.01), ylim=(0, None))
    days.set_ylabel("days to finish")
    value.set(ylabel="good chips that one\nweak chip is worth")
    words = f"weak chips added, logarithmic (line: median, shaded:\n{SPREAD};"
    value.set_xlabel(f"{words}\nbelow, against the median without weak chips)")
    thousands(value, ticks)
    label_ends(days, ticks[-1], ends)
    label_ends(value, ticks[-1], worths)
    fleets = [(label, middle, low, high) for label, (low, middle, high) in levels.items()]
    parts = [curve.assign(series=chip) for chip, curve in curves.items()]
    parts.append(pd.DataFrame(fleets, columns=["series", "days", "p5", "p95"]))
    table = pd.concat(parts, ignore_index=True)
    return figure, table[["series", *table.columns.drop("series")]]


def _time(days: float) -> str:
    # Below two days a figure of days would have a single digit.
    hours = days * 24
    return f"{days:.1f} d" if hours >= 48 else f"{hours:.1f} h"
