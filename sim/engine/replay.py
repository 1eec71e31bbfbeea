"""Recorded outages in place of drawn failures.

A trace is a CSV file with a header and a row for each outage, in any order. Its columns are `node`
(any name; nodes that never fail need not appear), `start_day` and `end_day` (days from the start of
the run); others are ignored. Outages of a node that overlap or touch are one; one of zero length
interrupts and is over at once. Nodes of the trace take the places of the pool in the order in which
the file names them: active nodes first, then hot spares.
"""

from __future__ import annotations

import csv
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

from sim.catalogue.failures import Cause
from sim.engine.ageing import Ageing, Failure
from sim.errors import InputError
from sim.results.ledger import DAY

COLUMNS = ("node", "start_day", "end_day")
OUTAGE = Cause(cause="outage", per_1000_node_days=0)


def outages(path: str) -> tuple[tuple[float, float, int], ...]:
    """Start and end (seconds) and node of every outage, in order of start; nodes numbered as they
    first appear.

    Raises
    ------
    InputError
        When the file cannot be read, lacks a column, or has a bad row, which is named.
    """
    try:
        return _outages(path, Path(path).stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: the trace cannot be read ({error})") from None


@lru_cache(maxsize=8)
def _outages(path: str, _changed: int) -> tuple[tuple[float, float, int], ...]:
    """The outages of a file as of the time it was last changed."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if missing := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
            needed = ", ".join(COLUMNS)
            raise InputError(f"{path}: no column {', '.join(missing)}; a trace needs {needed}")
        rows = [_outage(row, f"{path}, line {reader.line_num}") for row in reader]
    numbers = {name: k for k, name in enumerate(dict.fromkeys(name for name, _, _ in rows))}
    merged: list[tuple[float, float, int]] = []
    last: dict[int, int] = {}
    for start, end, node in sorted((start, end, numbers[name]) for name, start, end in rows):
        before = last.get(node)
        if before is not None and start <= merged[before][1]:
            merged[before] = (merged[before][0], max(end, merged[before][1]), node)
        else:
            last[node] = len(merged)
            merged.append((start, end, node))
    return tuple(merged)


def _outage(row: dict[str, Any], where: str) -> tuple[str, float, float]:
    node, *days = ((row[column] or "").strip() for column in COLUMNS)
    try:
        start, end = map(float, days)
    except ValueError:
        raise InputError(
            f"{where}: start_day and end_day must be numbers, not '{days[0]}' and '{days[1]}'"
        ) from None
    if not node:
        raise InputError(f"{where}: the node has no name")
    if not 0 <= start <= end < math.inf:
        raise InputError(f"{where}: expected 0 ≤ start_day ≤ end_day, not {days[0]} and {days[1]}")
    return node, start * DAY, end * DAY


class Replay(Ageing):
    """The outages of a trace as the one risk of a pool; they run on wall time, wherever a node may
    be.
    """

    def __init__(self, path: str, nodes: int) -> None:
        super().__init__("powered", nodes)
        found = outages(path)
        named = 1 + max((node for _, _, node in found), default=-1)
        if named > nodes:
            raise InputError(
                f"{path}: the trace names {named} nodes, the pool has {nodes} (active and spare)"
            )
        self._ahead: dict[int, list[tuple[float, float]]] = {}
        """Outages of each node to come, the next last."""
        for start, end, node in reversed(found):
            self._ahead.setdefault(node, []).append((start, end))
        for node, ahead in self._ahead.items():
            self._due[node] = ahead[-1][0]

    def strike(self, node: int) -> Failure:
        """The outage that now begins."""
        start, end = self._ahead[node].pop()
        self._run(node, self._ahead[node][-1][0] if self._ahead[node] else math.inf)
        return Failure(node, OUTAGE, detect=0.0, repair=end - start)

    def start(self, node: int, clock: float) -> None:
        """Wall time runs anyway."""

    def stop(self, node: int, clock: float) -> None:
        """Wall time never stands still."""
