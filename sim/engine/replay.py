"""Recorded outages in place of drawn failures.

A trace is a CSV file with a header and a row for each outage. Columns: `node` (a name or number; nodes that never fail
need not appear), `start_day` and `end_day` (days from the start of the run); any others are ignored. Overlapping outages
of a node are merged; one of zero length interrupts and is over at once.
"""

from __future__ import annotations

import csv
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

from sim.catalogue.kinds import Cause
from sim.engine.failures import Clock, Failure
from sim.errors import InputError

DAY = 86400.0
COLUMNS = ("node", "start_day", "end_day")
OUTAGE = Cause(cause="outage", per_1000_node_days=0)


@lru_cache(maxsize=8)
def outages(path: str) -> tuple[tuple[float, float, int], ...]:
    """Start and end (seconds) and node of every outage, in order of start; nodes numbered as they first appear.

    Raises
    ------
    InputError
        When the file cannot be read, lacks a column, or has a bad row, which is named.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise InputError(f"{path}: the trace has no column {', '.join(missing)}; needed: {', '.join(COLUMNS)}")
            rows = [_outage(row, f"{path}, line {reader.line_num}") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: the trace cannot be read ({error})") from None
    numbers = {name: k for k, name in enumerate(dict.fromkeys(name for name, _, _ in rows))}
    merged: list[tuple[float, float, int]] = []
    last: dict[int, int] = {}
    for start, end, node in sorted((start, end, numbers[name]) for name, start, end in rows):
        before = last.get(node)
        if before is not None and start < merged[before][1]:
            merged[before] = (merged[before][0], max(end, merged[before][1]), node)
        else:
            last[node] = len(merged)
            merged.append((start, end, node))
    return tuple(merged)


def _outage(row: dict[str, Any], where: str) -> tuple[str, float, float]:
    try:
        start, end = float(row["start_day"]) * DAY, float(row["end_day"]) * DAY
    except (TypeError, ValueError):
        raise InputError(f"{where}: start_day and end_day must be numbers") from None
    if not (row["node"] and 0 <= start <= end < math.inf):
        raise InputError(f"{where}: expected a node and 0 ≤ start_day ≤ end_day")
    return row["node"], start, end


class Replay:
    """The outages of a trace as the one risk of a pool; they run on wall time, wherever a node may be."""

    clock: Clock = "powered"

    def __init__(self, path: str, nodes: int) -> None:
        self._outages = outages(path)
        self._at = 0
        most = 1 + max((node for _, _, node in self._outages), default=-1)
        if most > nodes:
            raise InputError(f"{path}: the trace names {most} nodes, the pool has {nodes}")

    def next(self) -> tuple[float, int]:
        """Time and node of the next outage."""
        return self._outages[self._at][::2] if self._at < len(self._outages) else (math.inf, -1)  # type: ignore[return-value]

    def node_of(self, unit: int) -> int:
        """Units are nodes here."""
        return unit

    def strike(self, unit: int) -> Failure:
        """The outage that now begins."""
        start, end, node = self._outages[self._at]
        self._at += 1
        return Failure(node, OUTAGE, detect=0.0, repair=end - start)

    def likewise(self, node: int, cause: Cause, clock: float, *, weak: bool) -> Failure:
        """An outage takes no neighbours."""
        raise AssertionError

    def renew(self, unit: int, clock: float, *, weak: bool) -> None: ...
    def replace(self, node: int, *, weak: bool) -> None: ...
    def cure(self, node: int) -> None: ...
    def start(self, node: int, clock: float) -> None: ...
    def stop(self, node: int, clock: float) -> None: ...
