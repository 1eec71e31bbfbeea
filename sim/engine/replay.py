"""Recorded outages in place of drawn failures.

A trace is a CSV file with a header and a row for each outage, in any order. Its columns are `node`
(any name; nodes that never fail need not appear), `start_day` and `end_day` (days from the start of
the run) and, if it has one, `cause`; others are ignored. Outages of a node that overlap or touch
are one; one of zero length interrupts and is over at once. Nodes of the trace take the places of
the pool in the order in which the file names them, active nodes first, then hot spares; or at
random (`places: drawn`), for an order by time puts those that fail first where it hurts most.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sim.catalogue.failures import Cause, FailureTable
from sim.engine.ageing import Ageing, Failure
from sim.errors import InputError
from sim.results.ledger import DAY
from sim.streams import Field

COLUMNS = ("node", "start_day", "end_day")
OUTAGE = "outage"
"""The cause of outages that name none."""


class Recorded(NamedTuple):
    """An outage of a trace: start and end in seconds, the number of the node, and the cause."""

    start: float
    end: float
    node: int
    cause: str


def outages(path: str) -> tuple[Recorded, ...]:
    """Every outage, in order of start; nodes are numbered as they first appear.

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
def _outages(path: str, _changed: int) -> tuple[Recorded, ...]:
    """The outages of a file as of the time it was last changed."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if missing := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
            needed = ", ".join(COLUMNS)
            raise InputError(f"{path}: no column {', '.join(missing)}; a trace needs {needed}")
        rows = [_outage(row, f"{path}, line {reader.line_num}") for row in reader]
    numbers: dict[str, int] = {}
    for name, _ in rows:
        numbers.setdefault(name, len(numbers))
    merged: list[Recorded] = []
    last: dict[int, int] = {}
    for found in sorted(outage._replace(node=numbers[name]) for name, outage in rows):
        before = last.get(found.node)
        if before is not None and found.start <= merged[before].end:
            longest = max(found.end, merged[before].end)
            merged[before] = merged[before]._replace(end=longest)
        else:
            last[found.node] = len(merged)
            merged.append(found)
    return tuple(merged)


def _outage(row: dict[str, Any], where: str) -> tuple[str, Recorded]:
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
    cause = (row.get("cause") or "").strip() or OUTAGE
    return node, Recorded(start * DAY, end * DAY, 0, cause)


class Replay(Ageing):
    """The outages of a trace as the one risk of a pool; they run on wall time, wherever a node may
    be.
    """

    def __init__(self, path: str, nodes: int, places: Sequence[int]) -> None:
        super().__init__("powered", nodes)
        found = outages(path)
        named = 1 + max((outage.node for outage in found), default=-1)
        if named > nodes:
            raise InputError(
                f"{path}: the trace names {named} nodes, the pool has {nodes} (active and spare)"
            )
        self._causes = {
            name: Cause(cause=name, per_1000_node_days=0)
            for name in sorted({outage.cause for outage in found})
        }
        self._ahead: dict[int, list[Recorded]] = {}
        """Outages of each node to come, the next last."""
        for outage in reversed(found):
            self._ahead.setdefault(places[outage.node], []).append(outage)
        for node, ahead in self._ahead.items():
            self._due[node] = ahead[-1].start

    def strike(self, node: int) -> Failure:
        """The outage that now begins."""
        now = self._ahead[node].pop()
        self._run(node, self._ahead[node][-1].start if self._ahead[node] else math.inf)
        return Failure(node, self._causes[now.cause], detect=0.0, repair=now.end - now.start)

    def start(self, node: int, clock: float) -> None:
        """Wall time runs anyway."""

    def stop(self, node: int, clock: float) -> None:
        """Wall time never stands still."""


def places_of(table: FailureTable, nodes: int, field: Field) -> Sequence[int]:
    """The place in the pool of each node of a trace: as they are named, or drawn."""
    if table.places == "named":
        return range(nodes)
    return np.argsort(field.block(field.purpose("places"), nodes, 1)[:, 0]).tolist()
