"""Recorded outages in place of drawn failures.

A trace is a CSV file with a header and a row for each outage, in any order. Its columns are `node`
(any name; nodes that never fail need not appear), `start_day` and `end_day` (days from the start of
the run), and `cause` if causes are to be told apart; others are ignored. Without an `end_day` an
outage lasts to the end. Outages of a node that overlap or touch are one, of the cause of the first;
one of zero length interrupts and is over at once. The time in which a node had not come yet, or had
gone, is an outage too: `sim fit` writes it with the cause `absent`.

Which node of the trace takes which place of the pool is drawn in every replication: a file sorted
by time would else put the nodes that fail first among the active ones. The trace ends with the day
of its last row, unless `trace_until` says that it was kept longer.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from sim.catalogue.failures import Cause
from sim.engine.ageing import Ageing, Failure
from sim.errors import InputError
from sim.results.ledger import DAY
from sim.streams import Field

COLUMNS = ("node", "start_day", "end_day")


class Span(NamedTuple):
    """An outage of a node, in seconds."""

    start: float
    end: float
    node: int
    cause: str


def outages(path: str) -> tuple[Span, ...]:
    """Every outage in order of start; nodes are numbered in the order of their names.

    Raises
    ------
    InputError
        When the file cannot be read, lacks a column, has no rows, or has a bad one, which is named.
    """
    try:
        return _outages(path, Path(path).stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: the trace cannot be read ({error})") from None


@lru_cache(maxsize=8)
def _outages(path: str, _changed: int) -> tuple[Span, ...]:
    """The outages of a file as of the time it was last changed."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if missing := [
            column for column in COLUMNS if column not in (reader.fieldnames or ())
        ]:
            needed = ", ".join(COLUMNS)
            raise InputError(
                f"{path}: no column {', '.join(missing)}; a trace needs {needed}"
            )
        rows = [_outage(row, f"{path}, line {reader.line_num}") for row in reader]
    if not rows:
        raise InputError(
            f"{path}: the trace has a header and no rows: nothing would ever fail"
        )
    numbers = {name: k for k, name in enumerate(sorted({name for name, *_ in rows}))}
    merged: list[Span] = []
    last: dict[int, int] = {}
    for span in sorted(
        Span(start, end, numbers[name], why) for name, start, end, why in rows
    ):
        before = last.get(span.node)
        if before is not None and span.start <= merged[before].end:
            merged[before] = merged[before]._replace(end=max(span.end, merged[before].end))
        else:
            last[span.node] = len(merged)
            merged.append(span)
    return tuple(merged)


def _outage(row: dict[str, Any], where: str) -> tuple[str, float, float, str]:
    node, *days = ((row[column] or "").strip() for column in COLUMNS)
    try:
        start = float(days[0])
        # A row that breaks off is no outage that is still open.
        is_open = row["end_day"] is not None and not days[1]
        end = math.inf if is_open else float(days[1])
    except ValueError:
        raise InputError(
            f"{where}: start_day and end_day must be numbers, not '{days[0]}' and '{days[1]}'"
        ) from None
    if not node:
        raise InputError(f"{where}: the node has no name")
    if not 0 <= start <= end or math.isinf(start if is_open else end):
        raise InputError(
            f"{where}: expected 0 ≤ start_day ≤ end_day, not {days[0]} and {days[1]}"
        )
    return node, start * DAY, end * DAY, (row.get("cause") or "").strip() or "outage"


def told(path: str, found: Sequence[Span]) -> str:
    """What a trace holds, in words: the span of its outages, their number, and their rate."""
    first, last = found[0].start, _last(found)
    nodes = len({span.node for span in found})
    days = nodes * last / DAY
    rate = f", {1000 * len(found) / days:.3g} per 1,000 node-days" if days else ""
    span = f"from day {first / DAY:,.10g} to day {last / DAY:,.10g}"
    return (
        f"{path}: the trace tells of {len(found):,} outages of {nodes:,} nodes, {span}{rate}"
    )


def _last(found: Sequence[Span]) -> float:
    """The last moment that a trace names (s)."""
    return max(span.start if span.end == math.inf else span.end for span in found)


def check(
    path: str, found: Sequence[Span], nodes: int, until: float | None, horizon: float
) -> None:
    """Check that a trace can tell what happens to a pool to the horizon.

    Raises
    ------
    InputError
        When it has more nodes, begins after the horizon, or ends before it.
    """
    named = 1 + max(span.node for span in found)
    if named > nodes:
        raise InputError(
            f"{path}: the trace names {named} nodes, the pool has {nodes} (active and spare)"
        )
    said = told(path, found)
    first = found[0].start
    if first >= horizon:
        dates = first > 1e6 * DAY
        hint = "; are these seconds since 1970? It wants days from the start" if dates else ""
        raise InputError(
            f"{said}, and none by the horizon on day {horizon / DAY:,.10g}{hint}"
        )
    # Who writes down days has watched to the end of the last one.
    end = math.ceil(_last(found) / DAY) * DAY if until is None else until
    if horizon > end:
        raise InputError(
            f"{said}; nothing is known from day {end / DAY:,.10g} on, and the horizon is day "
            f"{horizon / DAY:,.10g}: shorten it, or say with trace_until when the trace was ended"
        )


class Replay(Ageing):
    """The outages of a trace as the one risk of a pool.

    They run on wall time, wherever a node may be.

    Parameters
    ----------
    path : str
    nodes : int
        Places of the pool.
    until : float or None
        When the trace was ended (s).
    horizon : float
        Seconds.
    field : Field
    """

    def __init__(
        self, path: str, nodes: int, until: float | None, horizon: float, field: Field
    ) -> None:
        super().__init__("powered", nodes)
        found = outages(path)
        check(path, found, nodes, until, horizon)
        place = places(nodes, field)
        self._causes = {span.cause: _cause(span.cause) for span in found}
        self._ahead: dict[int, list[Span]] = {}
        """Outages of each node to come, the next last."""
        for span in reversed(found):
            self._ahead.setdefault(place[span.node], []).append(span)
        for node, ahead in self._ahead.items():
            self._due[node] = ahead[-1].start

    def strike(self, node: int) -> Failure:
        """The outage that now begins."""
        span = self._ahead[node].pop()
        self._run(node, self._ahead[node][-1].start if self._ahead[node] else math.inf)
        return Failure(
            node, self._causes[span.cause], detect=0.0, repair=span.end - span.start
        )

    def start(self, node: int, clock: float) -> None:
        """Wall time runs anyway."""

    def stop(self, node: int, clock: float) -> None:
        """Wall time never stands still."""


def _cause(name: str) -> Cause:
    """A cause that strikes at its recorded times only."""
    return Cause(cause=name, per_1000_node_days=0)


def places(nodes: int, field: Field) -> list[int]:
    """The place of each node of a trace, all orders being equally likely.

    A shuffle from the first place on (Fisher and Yates): one place more moves one node.
    """
    place = list(range(nodes))
    draws = field.block(field.purpose("places"), nodes, 1)[:, 0].tolist()
    for last, uniform in enumerate(draws):
        other = int(uniform * (last + 1))
        place[last], place[other] = place[other], place[last]
    return place
