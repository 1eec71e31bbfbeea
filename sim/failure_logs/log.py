"""A log of outages as arrays: who was watched when, and who was out of service when."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.errors import InputError
from sim.results.ledger import DAY, Floats

Indices = NDArray[np.int64]
PLANNED = -1
"""The cause of outages that were planned: no failures, but no service either."""


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
    first: float
    last: float
    age: float


@dataclass(frozen=True)
class Log:
    """Outages of nodes while they were watched; times in seconds from the start of the log.

    Attributes
    ----------
    names : sequence of str
        The nodes, in the order in which they were named.
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
    origin : float or None
        Seconds from 1970 to the start, where times are dates.
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
    origin: float | None
    nodes_known: bool = True
    notes: Sequence[str] = ()

    @property
    def seconds(self) -> float:
        """The length of the log."""
        return float(self.windows[:, 2].max())

    @property
    def node_days(self) -> float:
        """Days for which nodes were watched."""
        return float((self.windows[:, 2] - self.windows[:, 1]).sum() / DAY)

    def noting(self, notes: Sequence[str]) -> Log:
        """The log with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    def until(self, time: float) -> Log:
        """The log as it stood at a time."""
        windows = self.windows[self.windows[:, 1] < time].copy()
        windows[:, 2] = np.minimum(windows[:, 2], time)
        known = self.start < time
        return replace(
            self,
            windows=windows,
            node=self.node[known],
            cause=self.cause[known],
            start=self.start[known],
            end=np.minimum(self.end[known], time),
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
        watched = self.windows
        nodes = watched[:, 0].astype(int)
        everyone = np.arange(len(self.names))
        # Each node has a break at the start, so that every time has one before it.
        node = np.concatenate([everyone, nodes, nodes, self.node, self.node])
        start = np.zeros(len(everyone))
        time = np.concatenate([start, watched[:, 1], watched[:, 2], self.start, self.end])
        ones = np.ones(len(nodes))
        outs = np.ones(len(self.node))
        inside = np.concatenate([start, ones, -ones, 0 * outs, 0 * outs])
        down = np.concatenate([start, 0 * ones, 0 * ones, outs, -outs])
        order = np.lexsort((time, node))
        node, time = node[order], time[order]
        # The steps of each node sum to zero, so one sum over all of them begins at zero for each.
        runs = (np.cumsum(inside[order]) > 0) & (np.cumsum(down[order]) == 0)
        spans = np.diff(time, append=time[-1]) * runs
        spans[:-1][np.diff(node) > 0] = 0.0
        done = np.cumsum(spans) - spans
        first = np.searchsorted(node, everyone)
        return self._key(node, time), time, done - done[first][node], runs


def made(
    outages: Sequence[Outage], windows: Sequence[Window], *, dated: bool, nodes_known: bool = True
) -> Log:
    """Make a log of rows in any order.

    Outages of a node that overlap or touch are one, of the cause of the first. What lies outside of
    the time in which its node was watched is left out, and counted in the notes.

    Raises
    ------
    InputError
        When nobody was watched, or no outage is left.
    """
    if not windows:
        raise InputError("no node was watched: the exposure has no rows")
    origin = min(window.first for window in windows)
    joined = _joined(windows)
    names = list(joined)
    numbers = {name: k for k, name in enumerate(names)}
    end = max(last for spans in joined.values() for _, last in spans)
    kept, outside = _apart(outages, joined)
    if not kept:
        raise InputError("there is no outage within the time in which its node was watched")
    failed = [outage for outage in kept if outage.kind != "planned"]
    counts = Counter(outage.cause for outage in failed)
    causes = sorted(counts, key=lambda cause: (-counts[cause], cause))
    kinds = [Counter(o.kind for o in failed if o.cause == cause) for cause in causes]
    place = {cause: k for k, cause in enumerate(causes)}
    ages = dict.fromkeys(names, math.inf)
    for window in windows:
        ages[window.node] = min(ages[window.node], window.age)
    notes = []
    if outside:
        notes.append(f"{outside} outages outside of the time their node was watched were left out")
    if planned := len(kept) - len(failed):
        notes.append(f"{planned} planned outages count as time out of service, not as failures")
    cause = [PLANNED if o.kind == "planned" else place[o.cause] for o in kept]
    spans = [
        (numbers[name], first - origin, last - origin)
        for name, parts in joined.items()
        for first, last in parts
    ]
    return Log(
        names=names,
        causes=causes,
        kinds=[kind.most_common(1)[0][0] for kind in kinds],
        windows=np.array(spans, dtype=float),
        ages=np.array([ages[name] for name in names]),
        node=np.array([numbers[outage.node] for outage in kept]),
        cause=np.array(cause),
        start=np.array([outage.start - origin for outage in kept]),
        end=np.array([min(outage.end, end) - origin for outage in kept]),
        closed=np.array([outage.end <= end for outage in kept]),
        origin=origin if dated else None,
        nodes_known=nodes_known,
        notes=notes,
    )


def _apart(
    outages: Sequence[Outage], joined: dict[str, list[tuple[float, float]]]
) -> tuple[list[Outage], int]:
    """Outages that do not overlap, and how many were left out as nobody watched."""
    kept: list[Outage] = []
    outside = 0
    for outage in sorted(outages, key=lambda outage: (outage.node, outage.start, outage.end)):
        spans = joined.get(outage.node, [])
        # A job's nodes are watched until the very moment at which it is interrupted.
        if not any(first <= outage.start <= last for first, last in spans):
            outside += 1
        elif kept and kept[-1].node == outage.node and outage.start <= kept[-1].end:
            kept[-1] = kept[-1]._replace(end=max(kept[-1].end, outage.end))
        else:
            kept.append(outage)
    return kept, outside


def _joined(windows: Sequence[Window]) -> dict[str, list[tuple[float, float]]]:
    """The spans of each node, those that overlap or touch as one."""
    found: dict[str, list[tuple[float, float]]] = {}
    for window in windows:
        found.setdefault(window.node, [])
    for window in sorted(windows, key=lambda window: window.first):
        spans = found[window.node]
        if spans and window.first <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], window.last)
        else:
            spans.append((window.first, window.last))
    return found
