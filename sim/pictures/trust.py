"""Pictures of how far the simulation can be trusted: each returns the figure and its numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import gmean

from sim.pictures.marks import DARK, name_rows, sheet, whiskers
from sim.pictures.style import MARKS, SMALL, SPREAD, Picture, ink, styled
from sim.quantities.uncertain import Uncertain
from sim.validation.report import MOST_Z, Row

OURS, THEIRS, PALE = "#0072B2", "#D55E00", "#DDDDDD"
ROLES = {
    "validation": ("o", OURS),
    "interpolation": ("s", "#D55E00"),
    "fitted": ("D", "#777777"),
}
GREY: dict[str, Any] = {"color": PALE, "lw": 0, "alpha": 0.5}
DOT: dict[str, Any] = {"fmt": "o", "ms": 5, "color": OURS, "ecolor": OURS}
RING: dict[str, Any] = {"mfc": "none", "color": THEIRS}


def columns(rows: Sequence[Row], names: str, **of: str) -> pd.DataFrame:
    """Attributes of rows as a table: the names of its columns, and what rows call some of them."""
    found = {}
    for name in names.split():
        found[name] = [getattr(row, of.get(name, name)) for row in rows]
    return pd.DataFrame(found)


def job_table(rows: Sequence[Row]) -> pd.DataFrame:
    """The numbers of the rows of `sim.validation.jobs`, and whether ours is beyond a bound."""
    names = (
        "job scenario title role quantity chips measured bound cause_of_miss "
        "ours p5 p95 agrees ok source"
    )
    table = columns(rows, names, job="id", measured="expected", agrees="bound")
    return table.assign(agrees=(table["ours"] >= table["measured"]).where(table["bound"]))


@styled()
def step_times(rows: Sequence[Row]) -> Picture:
    """Error of each published step time, marked by what it is evidence of.

    First-year and research stacks are hollow.
    """
    # From below: rows are drawn upwards, and evidence stands on top.
    ranks = list(reversed(ROLES))
    shown = sorted(rows, key=lambda row: (ranks.index(row.role), bool(row.mature), row.error))
    figure, axes = _rows(shown, 0.19 * len(shown) + 1.2, 0)
    axes.axvspan(-15, 15, **GREY)
    for k, row in enumerate(shown):
        _mark(axes, 100 * row.error, k, *ROLES[row.role], row.mature)
    axes.set_xlabel("ours over published, % (grey: ±15 %)")
    words: dict[str, Any] = {"ha": "right", "backgroundcolor": "white"}
    for k, (role, (mark, colour)) in enumerate(ROLES.items()):
        axes.text(58, 5 - 1.4 * k, f"{MARKS[mark]} {role}", color=colour, **words)
    axes.text(58, 6.4, "hollow: first-year or\nresearch stack, or\nlayout not known", **words)
    names = "id title role mature unit published ours error cause_of_miss"
    return figure, columns(shown, names, published="expected")


@styled()
def step_families(rows: Sequence[Row]) -> Picture:
    """Predicted over published step times of the families left out of every fit, and of the others.

    Whiskers are 90 % bands; hollow marks lie outside of the domain.
    """
    shown = [row for row in rows if row.case][::-1]
    figure, axes = _rows(shown, 0.22 * len(shown) + 1.4, 1)
    for k, row in enumerate(shown):
        mark, colour = ROLES[row.role]
        if row.p5 and row.p95:
            axes.hlines(k, row.p5 / row.expected, row.p95 / row.expected, color=colour)
        _mark(axes, row.ours / row.expected, k, mark, colour, "OUTSIDE" not in row.against)
    axes.set_xlabel("ours over published (line: 90 % band)")
    axes.set_title("● left out of every fit (hollow: outside)", color=OURS)
    axes.set_title("◆ fitted", color=ROLES["fitted"][1], loc="right")
    names = "run title role domain published ours p5 p95"
    return figure, columns(shown, names, published="expected", run="case", domain="against")


@styled()
def z_scores(rows: Sequence[Row]) -> Picture:
    """Simulated less exact, in standard errors, and less the answer of a model with a mistake."""
    decided = [row for row in rows if row.z is not None]
    names = "id title simulated exact standard_error z wrong twin twin_z"
    table = columns(decided, names, simulated="ours", exact="expected")
    # Rows are drawn upwards.
    shown = decided[::-1]
    figure, axes = sheet(0.33 * len(shown) + 1.2)
    axes.axvspan(-MOST_Z, MOST_Z, **GREY)
    axes.axvline(0, color=DARK, lw=1)
    axes.plot(
        table["z"][::-1],
        range(len(shown)),
        "o",
        ms=5,
        color=OURS,
    )
    for k, row in enumerate(shown):
        if row.twin_z is not None:
            x = abs(row.twin_z)
            axes.plot(x, k, "D", ms=5, **RING)
            axes.text(
                x * 1.8,
                k,
                textwrap.fill(row.wrong, 22),
                fontsize=SMALL,
                va="center",
            )
    titles = [textwrap.fill(f"{row.title} ({row.id})", 44) for row in shown]
    name_rows(axes, titles, fontsize=SMALL)
    axes.set_xscale("symlog", linthresh=MOST_Z, linscale=0.8)
    axes.set(xlim=(-5, 1e6), ylim=(-1, len(shown)))
    axes.set_xticks([-4, 0, 4, 100, 10_000], ["−4", "0", "4", "100", "10,000"])
    axes.set_xlabel(
        f"standard errors from the exact answer ●\nor a wrong model’s ◇ (grey: within {MOST_Z:g})"
    )
    axes.minorticks_off()
    return figure, table


@styled()
def peer(rows: Sequence[Row]) -> Picture:
    """Ours over what is right, with four standard errors, and the other simulator's own number."""
    # No ratio to nothing: whether the minutes add up is not drawn.
    names = "case quantity ours standard_error expected against peer z ok"
    table = columns([row for row in rows if row.expected], names, case="title")
    stars = np.where(table["against"] == "closed form", "*", "")
    error = MOST_Z * table["standard_error"]
    figure, axes = _ratios(
        table["case"] + ": " + table["quantity"] + stars,
        table["expected"],
        table["ours"],
        table["ours"] - error,
        table["ours"] + error,
        table["peer"].astype(float),
    )
    axes.set(
        xlim=(0.04, 14), xlabel="over the closed form (*) or\nthe mean of a re-implementation"
    )
    _legend(axes, f"● ours, ± {MOST_Z:g} standard errors", "◇ the peer itself")
    return figure, table


@styled()
def trace(rows: Sequence[Row]) -> Picture:
    """Statistics of outages over the measured ones: of the fitted table, and of its twin."""
    names = "trace id title role unit measured ours p5 p95 independent ok independent_ok"
    table = columns(
        rows,
        names,
        trace="case",
        measured="expected",
        independent="twin",
        independent_ok="twin_ok",
    )
    titles = table["title"] + table["measured"].map(": {:g} ".format) + table["unit"]
    numbers = [table[name] for name in ("measured", "ours", "p5", "p95", "independent")]
    figure, axes = _ratios(titles, *numbers)
    words = "over the measured value, logarithmic\n(dot: all runs pooled, whisker: 5–95 % of runs)"
    axes.set(xlim=(0.014, 3), xlabel=words)
    _legend(axes, "● the fitted table", "◇ independent failures")
    return figure, table


@styled()
def jobs(rows: Sequence[Row]) -> Picture:
    """Shares of time whole jobs are reported to have used or lost, and ours with 5–95 % of runs."""
    shown = rows[::-1]
    figure, axes = sheet(0.4 * len(shown) + 1.3)
    for k, row in enumerate(shown):
        whiskers(axes, row.ours, k, row.p5, row.p95, **DOT)
        axes.plot(
            row.expected,
            k,
            ">" if row.bound else "D",
            ms=6,
            **RING,
        )
    axes.set_yticks(range(len(shown)), [f"{row.title}\n({row.role})" for row in shown])
    axes.set(xlim=(0, 1.05), ylim=(-0.7, len(shown) - 0.3))
    axes.set_xlabel(f"share of time\n(whisker: {SPREAD})")
    _legend(axes, "● ours", "◇ reported (▷ more than)")
    return figure, job_table(rows)


@styled()
def score(rows: Sequence[Row]) -> Picture:
    """Where each published number lies in our predictive distribution, within 50 and 90 % bands.

    The numbers of the picture are those of all rows of `sim.validation.score`.
    """
    shown = [row for row in rows if row.place is not None][::-1]
    kinds = list(dict.fromkeys(row.quantity for row in reversed(shown)))
    figure, axes = _rows(shown, 0.24 * len(shown) + 1.4, 50)
    for half in (45, 25):
        axes.axvspan(50 - half, 50 + half, **GREY)
    for k, row in enumerate(shown):
        mark = "oDs"[kinds.index(row.quantity)]
        _mark(axes, 100 * (row.place or 0.0), k, mark, OURS, row.role == "validation")
    words = (
        "share of our predictions below the published number, %\n"
        "(grey: 50 and 90 % bands; hollow: went into their width)"
    )
    axes.set(xlim=(-2, 102), xlabel=words)
    marks = [f"{MARKS[mark]} {kind}" for mark, kind in zip("oDs", kinds, strict=False)]
    axes.set_title("   ".join(marks), color=OURS)
    names = (
        "id title role kind family published ours p5 p95 place crps rival_crps lo hi count ok"
    )
    renamed = {"kind": "quantity", "family": "against", "published": "expected"}
    return figure, columns(rows, names, **renamed)


@styled()
def fleets(
    rates: Sequence[float], halves: Mapping[str, float], factors: Mapping[str, Uncertain]
) -> Picture:
    """How far fleets are apart, and the halves of one, with the band of the factor for either.

    Parameters
    ----------
    rates : sequence of float
        Of fleets, in any unit; drawn over their middle.
    halves : mapping of str to float
        The later half of what was watched of a fleet over the earlier.
    factors : mapping of str to Uncertain
        The factor for another fleet, and that for a later time.
    """
    apart = {f"fleet {k + 1}": rate for k, rate in enumerate(sorted(rates / gmean(rates)))}
    parts = zip(factors.items(), (apart, halves), strict=True)
    figure, axes = sheet(2.6)
    rows = []
    for y, ((what, factor), seen) in enumerate(parts):
        low, high = factor.draw(0.05), factor.draw(0.95)
        axes.hlines(y, low, high, color=PALE, lw=14)
        axes.plot(list(seen.values()), [y] * len(seen), "o", ms=6, color=OURS, alpha=0.7)
        found = {"factor": what, "p5": low, "p95": high}
        rows += [found | {"of": name, "ratio": ratio} for name, ratio in seen.items()]
    axes.axvline(1, color=DARK, lw=1)
    axes.set_yticks(range(len(factors)), list(factors))
    axes.set(xscale="log", ylim=(len(factors) - 0.4, -0.6))
    axes.set_xticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
    axes.minorticks_off()
    axes.set_xlabel("rate of failure over that of the table (grey: 90 % of the factor)")
    axes.set_title(
        "● counted: over the middle of all fleets; later half over earlier", color=OURS
    )
    return figure, pd.DataFrame(rows)


def _rows(rows: Sequence[Row], height: float, middle: float) -> tuple[Figure, Axes]:
    """A figure with a line for each row, from below, across one at which all would be."""
    figure, axes = sheet(height)
    axes.axvline(middle, color=DARK, lw=1)
    axes.set_yticks(range(len(rows)), [row.title for row in rows], fontsize=SMALL)
    axes.set_ylim(-1, len(rows))
    return figure, axes


def _mark(axes: Axes, x: float, y: float, mark: str, colour: str, full: bool | None) -> None:
    axes.plot(x, y, mark, ms=5, mec=colour, mfc=colour if full else "white")


def _ratios(names: pd.Series, right: pd.Series, *numbers: pd.Series) -> tuple[Figure, Axes]:
    """Ours as a dot with whiskers from low to high, theirs as a ring, all over what is right."""
    ours, low, high, theirs = (number / right for number in numbers)
    figure, axes = sheet(0.28 * len(names) + 1.5)
    axes.axvline(1, color=DARK, lw=1)
    heights = range(len(names))[::-1]
    whiskers(axes, ours, heights, low, high, **DOT)
    axes.plot(theirs, heights, "D", ms=5, **RING)
    axes.set_yticks(heights, names.str.strip())
    axes.set_xscale("log")
    axes.set_xticks([0.02, 0.1, 0.5, 1, 2, 10], ["0.02", "0.1", "0.5", "1", "2", "10"])
    axes.minorticks_off()
    return figure, axes


def _legend(axes: Axes, ours: str, theirs: str) -> None:
    axes.set_title(ours, color=OURS)
    axes.set_title(theirs, color=ink(THEIRS), loc="right")
