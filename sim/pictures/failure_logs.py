"""A log of outages, and what the table fitted to its first two thirds foretold of the last."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sim.failure_logs.check import WITHIN, Check
from sim.failure_logs.fit import Fit
from sim.pictures.style import WIDTH, save_figure, styled
from sim.results.ledger import DAY


@styled()
def draw(fitted: Fit, found: Check) -> tuple[Figure, pd.DataFrame]:
    """Draw outages over time, with the forecast of the last third.

    Returns
    -------
    figure, numbers
        The numbers by day: outages until then, and the band of the forecast.
    """
    log = fitted.log
    starts = np.sort(log.start[log.cause >= 0]) / DAY
    before = float(np.sum(starts < log.seconds / DAY * 2 / 3))
    low, high = before + np.quantile(found.foretold, WITHIN, axis=0)
    figure, axes = plt.subplots(figsize=(WIDTH, 4.0))
    axes.step(starts, np.arange(1, len(starts) + 1), where="post", label="log")
    axes.fill_between(found.days, low, high, alpha=0.3, label="nine of ten forecasts")
    axes.set(xlabel="days", ylabel="outages until then")
    axes.legend(loc="upper left")
    numbers = pd.DataFrame({"day": found.days, "seen": before + found.seen, "p5": low, "p95": high})
    return figure, numbers


def save(fitted: Fit, found: Check, folder: Path) -> None:
    """Write the picture as `failure_log` into a folder."""
    figure, numbers = draw(fitted, found)
    alt = (
        f"{len(fitted.log.node)} outages over {fitted.log.seconds / DAY:.0f} days as steps, and "
        "over the last third of them the band within which nine of ten forecasts lay."
    )
    title = "The last third of the log, foretold from the first two"
    save_figure(figure, "failure_log", numbers, folder, title=title, alt=alt)
