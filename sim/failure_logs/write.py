"""The fitted table as files: the table, its joint draws, and the log as a trace to be replayed."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from sim.failure_logs.fit import Fit
from sim.failure_logs.log import PLANNED, Log
from sim.files import write
from sim.results.ledger import DAY

SECONDS = (".scale", ".after")
"""How the columns of draws end that are times."""


def table(fit: Fit, draws: str) -> dict[str, Any]:
    """The failure table as plain data.

    Parameters
    ----------
    fit : Fit
    draws : str
        The file with its joint draws.
    """

    def drawn(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: part if key == "cause" else drawn(part) for key, part in value.items()}
        if isinstance(value, str) and value in fit.draws:
            return {"uncertain": {"draws": {"file": draws, "column": value}}}
        return value

    log = fit.log
    days = log.seconds / DAY
    found: dict[str, Any] = {
        "title": f"{len(log.names)} nodes, {len(log.node)} outages in {days:,.0f} days",
        "causes": [drawn(cause) for cause in fit.causes],
    }
    if fit.choice.bad_nodes:
        # Whether repairs cure a node the class was not asked: its nodes were bad all along.
        found["bad_nodes"] = {
            "share": drawn("bad_nodes.share"),
            "factor": drawn("bad_nodes.factor"),
            "cured": 0,
        }
    return found


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
    draws = path.with_suffix(".draws.csv")
    trace = path.with_suffix(".trace.csv")
    data = table(fit, draws.name)
    lines = ["# A failure table fitted to a log by `sim fit`; the file of draws belongs to it."]
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
    return path, draws, trace


def trace_of(log: Log, *, keep_names: bool = False) -> str:
    """The outages as `failures: {trace: FILE}` reads them."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["node", "start_day", "end_day", "cause"])
    rows = zip(log.node, log.start / DAY, log.end / DAY, log.cause, strict=True)
    for node, start, end, cause in sorted(rows, key=lambda row: (row[1], row[0])):
        name = log.names[node] if keep_names else f"node-{node + 1:05}"
        why = "planned" if cause == PLANNED else log.causes[cause]
        writer.writerow([name, f"{start:.6f}", f"{end:.6f}", why])
    return file.getvalue()
