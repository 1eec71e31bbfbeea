"""How many runs ran out of spares, of what, why, and by which day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.experiments.intervals import proportion, survival

if TYPE_CHECKING:
    from sim.experiments.replicate import Replications


def report(runs: Replications) -> dict[str, Any]:
    """Sum up the depletion of runs.

    Parameters
    ----------
    runs : Replications

    Returns
    -------
    dict
        `share` of the runs with its 95 % interval `lo`, `hi`; `median_day` of those that did;
        `where` most nodes were, and which of the `pools` was the first, as shares of all runs; and
        the `curve` of the first day, Kaplan and Meier's estimate (1958) with its 95 % band, as runs
        that end before are censored.
    """
    out = runs.values("depleted") > 0
    days = runs.values("depleted_days")
    # Without an event there is no curve, and a table takes long to load.
    curve = survival(days, out, "depleted").to_dict("records") if out.any() else []
    return {
        **proportion(out, "share"),
        "median_day": float(np.median(days[out])) if out.any() else None,
        "where": _means(runs, "depleted_by."),
        "pools": _means(runs, "depleted."),
        "curve": curve,
    }


def _means(runs: Replications, beginning: str) -> dict[str, float]:
    names = [name for name in runs.metrics if name.startswith(beginning)]
    return {name.removeprefix(beginning): float(runs.values(name).mean()) for name in names}
