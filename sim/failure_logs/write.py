"""The fitted table as files: the table, its joint draws, and the log as a trace to be replayed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.documents import KeyPath, mapped
from sim.failure_logs.fit import Column, Fit
from sim.failure_logs.log import Log
from sim.failure_logs.model import BAD, EVERY
from sim.files import write
from sim.results.ledger import DAY


def table(fit: Fit, draws: str) -> dict[str, Any]:
    """The failure table as plain data.

    Parameters
    ----------
    fit : Fit
    draws : str
        The file with its joint draws.
    """

    log = fit.log
    days = log.seconds / DAY
    found: dict[str, Any] = {
        "title": f"{len(log.names)} nodes, {len(log.node)} outages in {days:,.0f} days",
        "causes": fit.causes,
    }
    if (BAD, EVERY) in fit.choice.kept:
        # Whether repairs cure a node the class was not asked: its nodes were bad all along.
        share, factor = Column("bad_nodes.share"), Column("bad_nodes.factor")
        found["bad_nodes"] = {"share": share, "factor": factor, "cured": 0}

    def drawn(part: Any, _: KeyPath) -> Any:
        """A part, where each column of the draws is named with its file."""
        if isinstance(part, Column):
            return {"uncertain": {"draws": {"file": draws, "column": part}}}
        return part

    return mapped(found, drawn)


def names(path: Path) -> tuple[Path, Path, Path]:
    """The files of a table: itself, its draws, and the log as a trace."""
    return path, path.with_suffix(".draws.csv"), path.with_suffix(".trace.csv")


def save(fit: Fit, path: Path, *, keep_names: bool = False) -> tuple[Path, Path, Path]:
    """Write table, draws and trace beside each other.

    Parameters
    ----------
    fit : Fit
    path : Path
        Of the table.
    keep_names : bool
        Whether the trace has the nodes' names, which are numbers else.

    Returns
    -------
    table, draws, trace : Path
    """
    written = names(path)
    draws, trace = written[1:]
    data = table(fit, draws.name)
    lines = [
        "# A failure table fitted to a log by `sim fit`; the file of draws belongs to it."
    ]
    lines += [f"title: {json.dumps(data['title'])}", "causes:"]
    for cause in data["causes"]:
        # JSON is YAML, and one key a line can be read.
        marks = ["- ", *["  "] * (len(cause) - 1)]
        parts = zip(marks, cause.items(), strict=True)
        lines += [f"  {mark}{key}: {json.dumps(value)}" for mark, (key, value) in parts]
    if "bad_nodes" in data:
        lines.append(f"bad_nodes: {json.dumps(data['bad_nodes'])}")
    write(draws, fit.draws.to_csv(index=False, lineterminator="\n", float_format="%.8g"))
    write(trace, trace_of(fit.log, keep_names=keep_names))
    write(path, "\n".join(lines) + "\n")
    return written


def trace_of(log: Log, *, keep_names: bool = False) -> str:
    """The outages as `failures: {trace: FILE}` reads them.

    Where single nodes are known, one that was not watched is out with the cause `absent`.
    """
    # The last of them is that of the cause −1, which stands for planned outages.
    causes = np.array([*log.causes, "planned"])[log.cause]
    rows = pd.DataFrame(
        {"node": log.node, "start": log.start, "end": log.end, "cause": causes}
    )
    if log.nodes_known:
        rows = pd.concat([rows, _absent(log)])
    shown = log.names if keep_names else [f"node-{k + 1:05}" for k in range(len(log.names))]
    rows["node"] = np.array(shown)[rows["node"]]
    rows["start_day"] = rows.pop("start") / DAY
    rows["end_day"] = rows.pop("end") / DAY
    rows = rows.sort_values(["start_day", "node"])
    return rows.to_csv(index=False, lineterminator="\n", float_format="%.6f")


def _absent(log: Log) -> pd.DataFrame:
    """The times in which nodes were not watched: before, between and after their windows."""
    windows = pd.DataFrame(log.windows, columns=["node", "start", "end"])
    windows["node"] = windows["node"].astype(int)
    by_node = windows.groupby("node")
    before = windows.assign(start=by_node["end"].shift(fill_value=0.0), end=windows["start"])
    after = by_node["end"].last().reset_index(name="start").assign(end=log.seconds)
    gaps = pd.concat([before, after])
    return gaps[gaps["start"] < gaps["end"]].assign(cause="absent")
