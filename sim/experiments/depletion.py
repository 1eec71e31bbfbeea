"""How many runs ran out of spares, of what, why, and by which day."""

from __future__ import annotations

from typing import Any

import pandas as pd

from sim.experiments.intervals import survival, wilson


def report(frame: pd.DataFrame) -> dict[str, Any]:
    """Sum up the depletion of runs.

    Parameters
    ----------
    frame : pandas.DataFrame
        The metrics of each replication, one a row.

    Returns
    -------
    dict
        `share` of the runs with its 95 % interval `lo`, `hi`; `median_day` of those that did;
        `where` most nodes were, and which of the `pools` was the first, as shares of all runs; and
        the `curve` of the first day, Kaplan and Meier's estimate (1958) with its 95 % band, as runs
        that end before are censored.
    """
    out = frame["depleted"].to_numpy(dtype=bool)
    days = frame["depleted_days"].to_numpy(dtype=float)
    return {
        "share": float(out.mean()),
        **wilson(int(out.sum()), len(out)),
        "median_day": float(pd.Series(days[out]).median()) if out.any() else None,
        "where": _means(frame, "depleted_by."),
        "pools": _means(frame, "depleted."),
        "curve": survival(days, out, "depleted").to_dict("records"),
    }


def _means(frame: pd.DataFrame, beginning: str) -> dict[str, float]:
    names = [name for name in map(str, frame.columns) if name.startswith(beginning)]
    return {name.removeprefix(beginning): float(frame[name].mean()) for name in names}
