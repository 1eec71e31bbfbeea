"""Pictures of a log of outages: the table fitted to it, its forecast, and what to choose by it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sim.experiments.advice import Advice
from sim.failure_logs.check import WITHIN, Check, outages
from sim.failure_logs.fit import Fit
from sim.pictures.marks import name_rows, sheet, whiskers
from sim.pictures.style import CHIP_COLOURS, save_figure, styled
from sim.pictures.words import plain
from sim.results.ledger import DAY

COLOUR = CHIP_COLOURS["H800"]
MOST_OPTIONS = 12
"""Settings that are shown, the pick first."""


@styled()
def statistics(found: Check) -> tuple[Figure, pd.DataFrame]:
    """Draw where runs of the fitted table put each number of the log, as multiples of it.

    Returns
    -------
    figure, numbers
        A row for each statistic whose value in the log is not zero.
    """
    # A number that was not seen has no ratio.
    rows = found.statistics.query("log > 0").iloc[::-1].reset_index(drop=True)
    figure, axes = sheet(3.8)
    low, high = rows["p5"] / rows["log"], rows["p95"] / rows["log"]
    axes.hlines(rows.index, low, high, color=COLOUR, lw=4)
    # An interval of no length would have no mark.
    axes.plot((low + high) / 2, rows.index, "o", color=COLOUR)
    axes.axvline(1.0, color="black", lw=0.8)
    axes.set(xlabel="nine of ten runs of the fitted table, as a multiple of the log")
    name_rows(axes, rows["title"].tolist())
    return figure, rows


@styled()
def forecast(fitted: Fit, found: Check) -> tuple[Figure, pd.DataFrame]:
    """Draw outages over time, with the forecast of the last third.

    Returns
    -------
    figure, numbers
        The numbers by day: outages until then, and the band of the forecast.
    """
    log = fitted.log
    # What is foretold, and so what is drawn, leaves out mere reboots.
    starts = np.sort([start for start, _, _ in outages(log)]) / DAY
    before = float(np.sum(starts < log.seconds / DAY * 2 / 3))
    low, high = before + np.quantile(found.foretold, WITHIN, axis=0)
    figure, axes = sheet(4.0)
    axes.step(starts, np.arange(1, len(starts) + 1), where="post", label="log")
    axes.fill_between(found.days, low, high, alpha=0.3, label="nine of ten forecasts")
    axes.set(xlabel="days", ylabel="outages until then")
    axes.legend(loc="upper left")
    numbers = pd.DataFrame(
        {"day": found.days, "seen": before + found.seen, "p5": low, "p95": high}
    )
    return figure, numbers


@styled()
def decision(advice: Advice) -> tuple[Figure, pd.DataFrame]:
    """Draw by how much other settings are worse than the pick, with their 95 % intervals.

    Returns
    -------
    figure, numbers
        A row for each setting, the pick first.
    """
    columns = ["days", "cost", "behind", "lo", "hi", "best", "alike"]
    numbers = pd.DataFrame(
        [{name: getattr(o, name) for name in columns} for o in advice.options]
    )
    numbers.insert(0, "setting", [_told(option.at) for option in advice.options])
    numbers = numbers.head(MOST_OPTIONS)
    shown = numbers.iloc[::-1].reset_index(drop=True)
    figure, axes = sheet(1.2 + 0.28 * len(shown))
    ends = shown["lo"], shown["hi"]
    whiskers(axes, shown["behind"], shown.index, *ends, fmt="o", color=COLOUR, ecolor=COLOUR)
    axes.axvline(0.0, color="black", lw=0.8)
    axes.axvspan(0.0, advice.within, alpha=0.15)
    unit = {"days": "days", "cost": "US dollars", "finish": "probability"}[advice.goal]
    axes.set(xlabel=f"{unit} behind the setting that was picked; shaded: near enough")
    name_rows(axes, shown["setting"].tolist())
    return figure, numbers


def _told(at: Mapping[str, Any]) -> str:
    """Values of a setting as one would say them, where a command line names paths."""
    return ", ".join(f"{plain(path)} {value}" for path, value in at.items())


def save(fitted: Fit, found: Check, folder: Path | str) -> None:
    """Write the picture of the forecast as `failure_log` into a folder."""
    figure, numbers = forecast(fitted, found)
    last = found.forecast.iloc[0]
    title = (
        f"The last {fitted.log.seconds / DAY / 3:.0f} days brought {last.log:.0f} outages; "
        f"foretold from the days before were {last.p5:.0f} to {last.p95:.0f}"
    )
    alt = (
        f"{len(fitted.log.node)} outages over {fitted.log.seconds / DAY:.0f} days as steps, and "
        f"over the last third of them the band within which nine of ten forecasts lay. {title}."
    )
    save_figure(figure, "failure_log", numbers, folder, title=title, alt=alt)
