"""A log of outages as arrays: who was watched when, and who was out of service when."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.errors import InputError
from sim.results.ledger import DAY, Floats

Indices = NDArray[np.int64]
PLANNED = -1
"""The cause of outages that were planned: no failures, but no service either."""


BEGUN = "begun"
"""The kind of outages that began before their node was watched, so that nobody saw it fail."""


class Outage(NamedTuple):
    """A node out of service, in seconds; the end is infinite while the outage lasts."""

    node: str
    start: float
    end: float
    cause: str
    kind: str


class Window(NamedTuple):
    """A time in which a node was watched, in seconds, and the age it had when that began."""

    node: str
    start: float
    end: float
    age: float


Span = TypeVar("Span", Outage, Window)


@dataclass(frozen=True)
class Log:
    """Outages of nodes while they were watched; times in seconds from the start of the log.

    Attributes
    ----------
    names : sequence of str
        The nodes, by name.
    causes, kinds : sequence of str
        The causes of failure, and the kind of each.
    windows : array of shape (windows, 3)
        Node, first and last second.
    ages : array of shape (nodes,)
        Seconds for which each node had run when it was first watched.
    node, cause : array of int
        Of each outage; outages of a node do not overlap.
    start, end : array
        Of each outage, the end no later than the log's.
    closed : array of bool
        Whether the node is known to have come back.
    nodes_known : bool
        Whether it is known which node failed.
    notes : sequence of str
        What was left out.
    """

    names: Sequence[str]
    causes: Sequence[str]
    kinds: Sequence[str]
    windows: Floats
    ages: Floats
    node: Indices
    cause: Indices
    start: Floats
    end: Floats
    closed: NDArray[np.bool_]
    nodes_known: bool
    notes: Sequence[str]

    @property
    def seconds(self) -> float:
        """The length of the log."""
        return float(self.windows[:, 2].max())

    @property
    def node_days(self) -> float:
        """Days for which nodes were watched."""
        return float(np.diff(self.windows[:, 1:]).sum() / DAY)

    def until(self, time: float, since: float = 0.0) -> Log:
        """The log as it stood at a time, as if it had begun at another."""
        windows = self.windows[(self.windows[:, 1] < time) & (self.windows[:, 2] > since)]
        # A job is watched until it fails, so the last outage may begin as the log ends.
        known = (self.start >= since) & ((self.start < time) | (time >= self.seconds))
        return replace(
            self,
            windows=np.clip(windows, [0, since, since], [math.inf, time, time])
            - [0, since, since],
            node=self.node[known],
            cause=self.cause[known],
            start=self.start[known] - since,
            end=np.minimum(self.end[known], time) - since,
            closed=(self.closed & (self.end <= time))[known],
        )

    def service(self, node: Indices, time: Floats) -> Floats:
        """Seconds for which nodes had been watched and in service by some times."""
        keys, since, done, runs = self._breaks
        at = np.searchsorted(keys, self._key(node, time), side="right") - 1
        return done[at] + runs[at] * (time - since[at])

    def _key(self, node: Indices, time: Floats) -> Floats:
        """One number that orders by node, then by time."""
        return node * (self.seconds + DAY) + time

    @cached_property
    def _breaks(self) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
        """Where service begins or ends: key, time, seconds of service till then, and if it runs."""
        watched, first, last = self.windows.T
        everyone = np.arange(len(self.names))
        # Each node has a break at the start, so that every time has one before it.
        node = np.concatenate([everyone, watched, watched, self.node, self.node]).astype(int)
        start = np.zeros(len(everyone))
        time: Floats = np.concatenate([start, first, last, self.start, self.end])
        counts = np.array([len(everyone), *[len(watched)] * 2, *[len(self.node)] * 2])
        steps = np.repeat([0, 1, -1, -1, 1], counts)
        order = np.lexsort((time, node))
        node, time = node[order], time[order]
        # The steps of each node sum to zero, so one sum over all of them begins at zero for each.
        runs = np.cumsum(steps[order]) == 1
        spans = np.diff(time, append=time[-1]) * runs
        spans[:-1][np.diff(node) > 0] = 0.0
        done = np.cumsum(spans) - spans
        begins = np.searchsorted(node, everyone)
        return self._key(node, time), time, done - done[begins][node], runs


def made(
    outages: Iterable[Outage],
    windows: Iterable[Window],
    *,
    nodes_known: bool = True,
    notes: Sequence[str] = (),
) -> Log:
    """Make a log of rows in any order.

    Outages of a node that overlap or touch are one, of the cause of the first. What lies outside of
    the time in which its node was watched is left out, and what began before it is time out of
    service and no failure; both are counted in the notes.

    Raises
    ------
    InputError
        When nobody was watched, or no outage is left.
    """
    watched = joined(windows)
    if not watched:
        raise InputError("no node was watched: the exposure has no rows")
    origin = min(window.start for window in watched)
    end = max(window.end for window in watched)
    by_node: dict[str, list[Window]] = {}
    for window in watched:
        by_node.setdefault(window.node, []).append(window)
    rows = list(outages)
    placed = [_seen(row, by_node.get(row.node, ())) for row in rows]
    seen = [row for row in placed if row]
    kept = pd.DataFrame(joined(seen), columns=list(Outage._fields))
    if kept.empty:
        raise InputError(_why_none(rows, origin, end))
    planned = kept["kind"].isin(["planned", BEGUN])
    kinds = kept[~planned].groupby("cause")["kind"]
    # The most frequent first; those alike stay in the order of their names.
    causes = kinds.size().sort_values(ascending=False, kind="stable").index
    names = pd.Index(list(by_node))
    places = [(names.get_loc(w.node), w.start - origin, w.end - origin) for w in watched]
    return Log(
        names=list(names),
        causes=list(causes),
        kinds=[kinds.get_group(cause).mode()[0] for cause in causes],
        windows=np.array(places),
        ages=np.array([spans[0].age for spans in by_node.values()]),
        node=names.get_indexer(pd.Index(kept["node"])),
        # No cause is that of a planned outage, and what is in no index is at the place −1.
        cause=causes.get_indexer(pd.Index(kept["cause"].where(~planned))),
        start=kept["start"].to_numpy() - origin,
        end=kept["end"].clip(upper=end).to_numpy() - origin,
        closed=(kept["end"] <= end).to_numpy(),
        nodes_known=nodes_known,
        notes=[*notes, *_left_out(len(rows), len(seen), kept["kind"])],
    )


def _seen(row: Outage, windows: Sequence[Window]) -> Outage | None:
    """What was seen of an outage while its node was watched; None if nothing was."""
    for window in windows:
        # A job's nodes are watched until the very moment at which it is interrupted.
        if window.start <= row.start <= window.end:
            return row
        if row.start < window.start < row.end:
            return row._replace(start=window.start, kind=BEGUN)
    return None


def _left_out(rows: int, seen: int, kinds: pd.Series) -> list[str]:
    """What of a log counts for nothing, for less, or for something else."""
    counts = kinds.value_counts()
    found = {
        "outages outside of the time their node was watched were left out": rows - seen,
        "outages began before their node was watched and count as planned ones": counts.get(
            BEGUN
        ),
        "outages repeat, overlap or touch one of their node and count as that": seen
        - len(kinds),
        "planned outages count as time out of service, not as failures": counts.get(
            "planned"
        ),
    }
    return [f"{number} {words}" for words, number in found.items() if number]


def _why_none(rows: Sequence[Outage], first: float, last: float) -> str:
    """Why no outage is left: when they were, and when nodes were watched."""
    if not rows:
        return "there is no outage"
    times = [min(row.start for row in rows), max(row.start for row in rows), first, last]
    said = [f"{time / DAY:,.6g}" for time in times]
    return (
        "there is no outage within the time in which its node was watched: they begin on days "
        f"{said[0]} to {said[1]}, nodes were watched from day {said[2]} to {said[3]} "
        "(dates are days since 1970)"
    )


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans by node and time, where those of a node that overlap or touch are one."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: span[:3]):
        if found and found[-1].node == span.node and span.start <= found[-1].end:
            found[-1] = found[-1]._replace(end=max(found[-1].end, span.end))
        else:
            found.append(span)
    return found
