"""Pictures of a stock over years: each returns the figure and the numbers it shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sim.experiments.dates import month_of
from sim.experiments.intervals import digits
from sim.pictures.marks import band, name_rows, sheet, spread, whiskers
from sim.pictures.style import (
    DASHES,
    SMALL,
    SPREAD,
    Picture,
    chip_colour,
    label_ends,
    styled,
)
from sim.pictures.words import pool_titles
from sim.results.ledger import DAY, YEAR, at
from sim.results.programme import ProgrammeResult, first_due, growth_of
from sim.scenario import Scenario
from sim.scenario.stock import Programme

NEED, HAVE, INK = "#D55E00", "#333333", "#555555"
MONTH = YEAR / 12


def year_of(date: dt.date) -> float:
    """A date as a year with its fraction.

    Examples
    --------
    >>> round(year_of(dt.date(2024, 7, 2)), 2)
    2024.5
    """
    return date.year + (date - dt.date(date.year, 1, 1)).days / 365.25


def years_of(scenario: Scenario) -> tuple[float, float]:
    """The years, with their fractions, between which a scenario is watched."""
    start = year_of(scenario.start)
    return start, start + scenario.horizon / YEAR


def trajectories(results: Sequence[ProgrammeResult], points: int = 240) -> pd.DataFrame:
    """Chips by date: usable of each pool, what a run could have and what it needs, with quantiles.

    Parameters
    ----------
    results : sequence of ProgrammeResult
        Replications of one scenario.
    points : int
        Number of dates.
    """
    scenario = results[0].scenario
    seconds = np.linspace(0.0, scenario.horizon, points)
    year = year_of(scenario.start) + seconds / YEAR
    chips = np.array([at(*result.stock, seconds) for result in results])
    have = [one.worth.available(stock) for one, stock in zip(results, chips, strict=True)]
    need = [_need(result, seconds) for result in results]
    series = []
    for name, label in pool_titles(scenario.fleet).items():
        column = results[0].worth.pools.index(name)
        series.append(("usable", label, chips[:, :, column]))
    series += [("a run could have", "", np.array(have)), ("a run needs", "", np.array(need))]
    parts = [
        spread(values, series=what, chip=chip, year=year) for what, chip, values in series
    ]
    table = pd.concat(parts, ignore_index=True)
    table[["p5", "median", "p95"]] *= scenario.represents
    return table


def _need(result: ProgrammeResult, seconds: np.ndarray) -> np.ndarray:
    programme = result.scenario.runs
    if not isinstance(programme, Programme):
        raise ValueError("only a growing programme has a line of need")
    begin = first_due(programme, result.scenario.start)
    grown = programme.chips * growth_of(programme) ** ((seconds - begin) / YEAR)
    return np.where(seconds >= begin, grown, np.nan)


@styled()
def stock(
    results: Sequence[ProgrammeResult],
    scenario: Scenario,
    effects: pd.DataFrame,
) -> Picture:
    """Usable chips by type, and what one run could have of them against what it needs.

    Parameters
    ----------
    results : sequence of ProgrammeResult
    scenario : Scenario
        What was simulated.
    effects : pandas.DataFrame
        From `sim.experiments.ablate`: how much later the two cross without each mechanism.
    """
    table = trajectories(results)
    start, end = years_of(scenario)
    crossings = np.array([result.crossing for result in results]) / YEAR + start
    heights = [1, 1.3, 0.8]
    figure, (chips, runs, below) = sheet(3 * sum(heights), 3, height_ratios=heights)
    for axes in (chips, runs):
        axes.set(xlim=(start, end), xticks=range(int(np.ceil(start)), int(end) + 1))
        axes.grid(axis="x", visible=False)
    chips.set_xticklabels([])
    crossing = pd.DataFrame({"series": "crossing", "year": np.sort(crossings)})
    parts = [table, crossing, effects.assign(series="days later without")]
    _effects(below, effects)
    below.set_ylabel("without")
    reference = scenario.fleet[scenario.reference_pool].chip.name
    many = scenario.represents
    note = "" if many == 1 else f";\none server in {many:g} simulated"
    runs.set_xlabel(f"year (line: median, shaded: {SPREAD}{note})")
    runs.set_ylabel(f"chips, counted in {reference}")
    events = _controls((chips, runs), scenario)
    figure.supxlabel(events, x=0.01, ha="left", fontsize=SMALL, linespacing=1.4)
    _types(chips, table[table["series"] == "usable"])
    _runs(runs, table[(table["series"] != "usable") & table["median"].notna()])
    _crossings(runs, crossings, scenario)
    for axes in (chips, runs):
        axes.yaxis.set_major_formatter("{x:,.0f}")
    return figure, pd.concat(parts, ignore_index=True)


def _types(axes: Axes, table: pd.DataFrame) -> None:
    """Chips in working nodes by type."""
    ends = []
    for name, part in table.groupby("chip", sort=False):
        # No line before the first chips of a type have come, as a logarithm has no zero.
        shown = part.assign(line=part["median"].where(part["median"] > 0))
        end = band(
            axes,
            shown,
            "year",
            "line",
            chip_colour(str(name)),
            str(name),
            alpha=0.2,
            lw=2,
            ls=DASHES[len(ends) % len(DASHES)],
        )
        ends.append(end)
    top = table["p95"].max()
    least = min(end for end, _, _ in ends)
    # Types of very different numbers need a logarithm; others are truer to the eye without.
    if top > 5 * least:
        axes.set(yscale="log", ylim=(least / 12, top * 1.8))
    else:
        axes.set(ylim=(0, top * 1.15))
    axes.set_ylabel("chips in working nodes")
    label_ends(axes, table["year"].max(), ends)


def _runs(axes: Axes, table: pd.DataFrame) -> None:
    """What one run needs, and what it could have from the first one on."""
    needs = table[table["series"] == "a run needs"]
    has = table[table["series"] == "a run could have"]
    has = has[has["year"] >= needs["year"].min()]
    ends = [
        band(axes, has, "year", "median", HAVE, "one run\ncould have", lw=2.2),
        band(axes, needs, "year", "median", NEED, "one run\nneeds", lw=2.2),
    ]
    shown = pd.concat([has, needs])
    low = shown["p5"][shown["p5"] > 0].min()
    axes.set(yscale="log", ylim=(low / 8, shown["p95"].max() * 3))
    label_ends(axes, table["year"].max(), ends)


def _crossings(axes: Axes, crossings: np.ndarray, scenario: Scenario) -> None:
    """The dates of the crossing, as bars along the bottom."""
    seen = crossings[~np.isnan(crossings)]
    if not len(seen):
        return
    # Bars of a fifth of a year, the first of which begins before any date.
    counts, edges = np.histogram(
        seen, bins=np.arange(seen.min() - 0.1, seen.max() + 0.3, 0.2)
    )
    low, high = axes.get_ylim()

    def height(share: Any) -> Any:
        return low * (high / low) ** share

    tops = height(0.15 * counts / counts.max())
    axes.bar(
        edges[:-1],
        tops - low,
        bottom=low,
        width=np.diff(edges),
        align="edge",
        color=NEED,
        alpha=0.75,
        lw=0,
    )
    # Programmes that never cross count as later than any date.
    middle = float(np.quantile(np.where(np.isnan(crossings), np.inf, crossings), 0.5))
    if middle < np.inf:
        axes.plot(
            [middle] * 2,
            [low, height(0.17)],
            color=INK,
            lw=1.2,
        )
        start, _ = years_of(scenario)
        words = f"dates of the crossing\nmedian {month_of(scenario, (middle - start) * YEAR / DAY)}"
        paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
        axes.text(
            middle,
            height(0.18),
            words,
            ha="center",
            va="bottom",
            color=INK,
            fontsize=SMALL,
            bbox=paper,
        )


def _controls(pictures: tuple[Axes, Axes], scenario: Scenario) -> str:
    """A numbered line on the date of each policy event; returns the key to them."""
    start, end = years_of(scenario)
    events = sorted(scenario.policy.values(), key=lambda event: event.date)
    shown = [event for event in events if start - 0.02 <= year_of(event.date) <= end]
    before = -np.inf
    for k, event in enumerate(shown, 1):
        x = year_of(event.date)
        for axes in pictures:
            axes.axvline(
                x,
                color=INK,
                lw=0.7,
                ls=(0, (4, 3)),
                zorder=0,
            )
        # Of two numbers that would touch, the second is raised, and leaves room for a third.
        raised = x - before < 0.03 * (end - start)
        before = -np.inf if raised else x
        top = pictures[0]
        top.text(
            x,
            1.07 if raised else 1.01,
            str(k),
            transform=top.get_xaxis_transform(),
            ha="center",
            fontsize=SMALL,
        )
    return "\n".join(f"{k}  {one.date:%b %Y}  {one.title}" for k, one in enumerate(shown, 1))


def _effects(axes: Axes, effects: pd.DataFrame) -> None:
    """How many months later the crossing would be without each mechanism, as bars with whiskers.

    What the horizon cuts off is a bar without whiskers, and told as "more than".
    """
    months = effects[["median", "p5", "p95", "lo", "hi"]].astype(float) * DAY / MONTH
    cut = effects["at_least"]
    middle = months["median"]
    low, high = (months[end].where(~cut, middle) for end in ("p5", "p95"))
    axes.barh(range(len(effects)), middle, color="#56B4E9")
    whiskers(axes, middle, range(len(effects)), low, high, ecolor=INK, lw=0.9)
    shown = zip(middle, months["lo"], months["hi"], high, cut, strict=True)
    for k, (median, lo, hi, end, beyond) in enumerate(shown):
        # Nobody can use less than a tenth of a month, however well it is known.
        told = digits(median, min(lo, median - 0.2), max(hi, median + 0.2)).replace("-", "−")
        if beyond:
            told = f"more than {median:.0f}: beyond the horizon"
        axes.text(max(end, 0), k, f" {told}", va="center")
    axes.axvline(0, color=INK, lw=0.8)
    name_rows(axes, list(effects["mechanism"]))
    axes.set_xlim(min(low.min(), 0) * 1.1 - 0.5, high.max() * 1.25 + 1)
    axes.invert_yaxis()
    axes.set_xlabel(
        "months by which the crossing comes later\n(bar: median; whisker: 5–95 % of pairs)"
    )
