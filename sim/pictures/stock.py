"""Pictures of a stock over years and of what it cost: each returns the figure and the very numbers
it shows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sim.pictures.run import SPREAD, Picture
from sim.pictures.style import DASHES, MARKS, SMALL, WIDTH, chip_colour, ink, label_ends, styled
from sim.results.ledger import DAY, YEAR
from sim.results.programme import ProgrammeResult, first_due, growth_of
from sim.scenario import Scenario
from sim.scenario.stock import Programme

NEED, HAVE, INK = "#D55E00", "#333333", "#555555"
QUANTILES = (0.05, 0.5, 0.95)


def year_of(date: dt.date) -> float:
    """A date as a year with its fraction.

    Examples
    --------
    >>> round(year_of(dt.date(2024, 7, 2)), 2)
    2024.5
    """
    return date.year + (date - dt.date(date.year, 1, 1)).days / 365.25


def month_of(year: float) -> str:
    """A year with its fraction as a month.

    Examples
    --------
    >>> month_of(2024.5)
    'July 2024'
    """
    day = dt.date(int(year), 1, 1) + dt.timedelta(days=(year - int(year)) * 365.25)
    return f"{day:%B %Y}"


def months(results: Sequence[ProgrammeResult]) -> list[str]:
    """The months of the crossing at 5, 50 and 95 % of results; after the horizon where it does not
    come before.
    """
    start, end = year_of(results[0].scenario.start), results[0].scenario.horizon / YEAR
    years = [result.crossing / YEAR if result.crossed else np.inf for result in results]
    quantiles = np.quantile(years, QUANTILES, method="nearest")
    return [
        month_of(start + y) if y < np.inf else f"after {int(start + end - 0.01)}" for y in quantiles
    ]


def trajectories(
    results: Sequence[ProgrammeResult], scale: float = 1.0, points: int = 240
) -> pd.DataFrame:
    """What was usable of each pool, what a run could have and what it needed: quantiles over
    replications by date.

    `scale` multiplies all numbers of chips: how many chips one simulated chip stands for.
    """
    question = results[0].scenario
    seconds = np.linspace(0.0, question.horizon, points)
    years = year_of(question.start) + seconds / YEAR
    usable: dict[str, list[np.ndarray]] = {name: [] for name in question.fleet}
    have, need = [], []
    for result in results:
        times, chips = result.stock
        here = np.clip(np.searchsorted(times, seconds, side="right") - 1, 0, None)
        for k, name in enumerate(result.worth.pools):
            usable[name].append(chips[here, k])
        have.append(result.worth.available(chips)[here])
        need.append(_need(result, seconds))
    series = {("usable", name): np.array(values) for name, values in usable.items()}
    series |= {("a run could have", ""): np.array(have), ("a run needs", ""): np.array(need)}
    parts = []
    for (what, name), values in series.items():
        low, middle, high = scale * np.quantile(values, QUANTILES, axis=0)
        chip = question.fleet[name].chip.name if name else ""
        frame = {
            "series": what,
            "chip": chip,
            "year": years,
            "p5": low,
            "median": middle,
            "p95": high,
        }
        parts.append(pd.DataFrame(frame))
    return pd.concat(parts, ignore_index=True)


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
    question: Scenario,
    effects: pd.DataFrame | None = None,
    scale: float = 1.0,
) -> Picture:
    """Usable chips by type and what one run could have of them, against what it needs; when the two
    cross.

    `effects` is a table of `sim.experiments.ablate`: how much later they would cross without each
    mechanism.
    """
    table = trajectories(results, scale)
    start, end = year_of(question.start), year_of(question.start) + question.horizon / YEAR
    crossings = np.array([result.crossing for result in results]) / YEAR + start
    heights = [1, 1.3] if effects is None else [1, 1.3, 0.8]
    size = (WIDTH, 3 * sum(heights))
    figure, (chips, runs, *below) = plt.subplots(
        len(heights), 1, figsize=size, height_ratios=heights
    )
    for axes in (chips, runs):
        axes.set(xlim=(start, end), xticks=range(int(np.ceil(start)), int(end) + 1))
        axes.grid(axis="x", visible=False)
    chips.set_xticklabels([])
    parts = [table, pd.DataFrame({"series": "crossing", "year": np.sort(crossings)})]
    if effects is not None:
        _effects(below[0], effects)
        below[0].set_ylabel("without")
        parts.append(effects.assign(series="days later without"))
    reference = question.fleet[question.reference_pool].chip.name
    note = "" if scale == 1 else f";\none server in {scale:g} simulated"
    runs.set(
        xlabel=f"year (line: median, shaded: {SPREAD}{note})",
        ylabel=f"chips, counted in {reference}",
    )
    figure.supxlabel(
        _controls(chips, runs, question), x=0.01, ha="left", fontsize=SMALL, linespacing=1.4
    )
    _types(chips, table[table["series"] == "usable"])
    _runs(runs, table[(table["series"] != "usable") & table["median"].notna()])
    _crossings(runs, crossings)
    for axes in (chips, runs):
        axes.yaxis.set_major_formatter("{x:,.0f}")
    return figure, pd.concat(parts, ignore_index=True)


def _types(axes: Axes, table: pd.DataFrame) -> None:
    """Chips in working nodes by type."""
    ends = []
    for name, part in table.groupby("chip", sort=False):
        colour, there = chip_colour(str(name)), part[part["median"] > 0]
        axes.fill_between(part["year"], part["p5"], part["p95"], color=colour, alpha=0.2, lw=0)
        axes.plot(
            there["year"], there["median"], color=colour, lw=2, ls=DASHES[len(ends) % len(DASHES)]
        )
        ends.append((float(there["median"].iloc[-1]), str(name), colour))
    top, least = table["p95"].max(), min(end for end, _, _ in ends)
    if top > 5 * least:
        axes.set(yscale="log", ylim=(least / 12, top * 1.8))
    else:
        axes.set(ylim=(0, top * 1.15))
    axes.set_ylabel("chips in working nodes")
    label_ends(axes, table["year"].max(), ends)


def _runs(axes: Axes, table: pd.DataFrame) -> None:
    """What one run needs, and what it could have from the first one on."""
    needs, has = (table[table["series"] == what] for what in ("a run needs", "a run could have"))
    has = has[has["year"] >= needs["year"].min()]
    ends = []
    for part, colour, label in (
        (has, HAVE, "one run\ncould have"),
        (needs, NEED, "one run\nneeds"),
    ):
        axes.fill_between(part["year"], part["p5"], part["p95"], color=colour, alpha=0.16, lw=0)
        axes.plot(part["year"], part["median"], color=colour, lw=2.2)
        ends.append((float(part["median"].iloc[-1]), label, colour))
    low = min(part["p5"][part["p5"] > 0].min() for part in (has, needs))
    axes.set(yscale="log", ylim=(low / 8, max(has["p95"].max(), needs["p95"].max()) * 3))
    label_ends(axes, table["year"].max(), ends)


def _crossings(axes: Axes, crossings: np.ndarray) -> None:
    """The dates of the crossing, as bars along the bottom."""
    seen = crossings[~np.isnan(crossings)]
    if not len(seen):
        return
    counts, edges = np.histogram(seen, bins=np.arange(seen.min() - 0.1, seen.max() + 0.3, 0.2))
    low, high = axes.get_ylim()
    tops = low * (high / low) ** (0.15 * counts / counts.max())
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
    middle = float(np.quantile(np.where(np.isnan(crossings), np.inf, crossings), 0.5))
    if middle < np.inf:
        axes.plot([middle] * 2, [low, low * (high / low) ** 0.17], color=INK, lw=1.2)
        words = f"dates of the crossing\nmedian {month_of(middle)}"
        paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
        above = low * (high / low) ** 0.18
        axes.text(
            middle, above, words, ha="center", va="bottom", color=INK, fontsize=SMALL, bbox=paper
        )


def _controls(top: Axes, bottom: Axes, question: Scenario) -> str:
    """A numbered line on the date of each policy event; returns the key to them."""
    start, end = year_of(question.start), year_of(question.start) + question.horizon / YEAR
    events = sorted(question.policy.values(), key=lambda event: event.date)
    shown = [(year_of(e.date), e) for e in events if start - 0.02 <= year_of(e.date) <= end]
    before = -np.inf
    for k, (x, _) in enumerate(shown, 1):
        for axes in (top, bottom):
            axes.axvline(x, color=INK, lw=0.7, ls=(0, (4, 3)), zorder=0)
        raised = x - before < 0.03 * (end - start)
        before = -np.inf if raised else x
        height = 1.07 if raised else 1.01
        top.text(
            x, height, str(k), transform=top.get_xaxis_transform(), ha="center", fontsize=SMALL
        )
    lines = [f"{k}  {event.date:%b %Y}  {event.title}" for k, (_, event) in enumerate(shown, 1)]
    return "\n".join(lines)


def _effects(axes: Axes, effects: pd.DataFrame) -> None:
    """How many months later the crossing would be without each mechanism, as bars with whiskers."""
    months = effects[["median", "p5", "p95"]] * DAY / (YEAR / 12)
    spread = [months["median"] - months["p5"], months["p95"] - months["median"]]
    error = {"ecolor": INK, "capsize": 2, "lw": 0.9}
    axes.barh(
        range(len(effects)),
        months["median"],
        xerr=np.clip(spread, 0, None),
        color="#56B4E9",
        error_kw=error,
    )
    for k, (middle, high) in enumerate(zip(months["median"], months["p95"], strict=True)):
        axes.text(max(high, 0), k, f" {middle:+.1f}".replace("-", "−"), va="center")
    axes.axvline(0, color=INK, lw=0.8)
    axes.set_yticks(range(len(effects)), list(effects["mechanism"]))
    axes.set_xlim(min(months["p5"].min(), 0) * 1.1 - 0.5, months["p95"].max() * 1.25 + 1)
    axes.invert_yaxis()
    axes.set_xlabel(
        "months by which the crossing comes later\n(bar: median, whisker: 5–95 % of pairs)"
    )
    axes.grid(axis="y", visible=False)


@styled()
def effects(table: pd.DataFrame) -> Picture:
    """What changes do to the date of the crossing, in months: the median of pairs, 5–95 % of them
    as a whisker.

    `table` is one of `sim.experiments.ablate`.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 0.4 * len(table) + 1.2))
    _effects(axes, table)
    return figure, table


@styled()
def answers(table: pd.DataFrame) -> Picture:
    """Costs as answers to different questions, on one logarithmic axis.

    `table` has a row an answer: `question`, `kind`, `low`, `median`, `high` in US dollars, and
    `reported`, nan where nobody has.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 0.62 * len(table) + 1.3))
    looks = {
        "at the margin": ("#56B4E9", "o"),
        "the cluster": ("#0072B2", "s"),
        "in full": (NEED, "D"),
    }
    columns = table[["kind", "low", "median", "high", "reported"]]
    for k, (kind, low, middle, high, reported) in enumerate(
        columns.itertuples(index=False, name=None)
    ):
        colour, mark = looks[kind]
        axes.plot([low, high], [k, k], color=colour, lw=11, alpha=0.5, solid_capstyle="butt")
        axes.plot(middle, k, mark, color=ink(colour), ms=3.5)
        axes.text(
            high * 1.25,
            k,
            dollars(middle),
            va="center",
            weight="bold",
            color=ink(colour),
            parse_math=False,
        )
        if reported > 0:
            axes.plot(reported, k - 0.3, "v", color=INK, ms=5)
            words = f"reported: {dollars(reported)}"
            axes.text(
                reported * 1.2,
                k - 0.32,
                words,
                va="center",
                color=INK,
                fontsize=SMALL,
                parse_math=False,
            )
    for k, (kind, (colour, mark)) in enumerate(looks.items()):
        axes.text(
            0.35 * k, 1.02, f"{MARKS[mark]} {kind}", transform=axes.transAxes, color=ink(colour)
        )
    axes.set_yticks(range(len(table)), list(table["question"]))
    axes.set(
        xscale="log",
        xlim=(table["low"].min() / 2, table["high"].max() * 5),
        ylim=(len(table) - 0.5, -0.7),
    )
    axes.set_xlabel(
        "US dollars, logarithmic (mark: median,\nbar: 5–95 %, chance and unknown inputs)"
    )
    axes.xaxis.set_major_formatter(lambda x, _: dollars(x).replace("$", r"\$").replace(".0 ", " "))
    axes.grid(axis="y", visible=False)
    return figure, table


def dollars(amount: float) -> str:
    """An amount as it is spoken of.

    Examples
    --------
    >>> dollars(5.576e6), dollars(1.6e9)
    ('$5.6 M', '$1.6 B')
    """
    unit, name = (1e9, "B") if amount >= 9.995e8 else (1e6, "M")
    return f"${amount / unit:.0f} {name}" if amount / unit >= 10 else f"${amount / unit:.1f} {name}"
