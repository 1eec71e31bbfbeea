"""What a run notes as it goes: kinds of time, places of chips, and a trace of events and moves.

This is the one place that writes a move and reads it again. It needs neither SimPy nor pandas.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # a result asks this module what its trace says, not the other way round
    from sim.results.run import RunResult

Floats: TypeAlias = NDArray[np.float64]
Chips: TypeAlias = NDArray[np.int64]

DAY = 86400.0
HOUR = 3600.0
YEAR = 365.25 * DAY

TIME = {
    "productive": "Computing that was kept.",
    "checkpoint": "The job blocked while a checkpoint was written.",
    "rework": "Computing since the last usable checkpoint, lost at an interruption.",
    "detect": "From a failure until it was noticed.",
    "respond": "From then until somebody acted, where no machine restarts the job.",
    "restart": "Choosing and installing nodes, starting the job, loading the checkpoint.",
    "stall": "Time lost to a slow network and to stragglers while computing.",
    "wait": "No node could take the place of a missing one.",
    "reconfigure": "Taking nodes into a job that had gone on with fewer.",
    "planned": "Planned windows: the job is saved and stands still.",
}
"""Categories of a job's wall clock, the productive one and the badput, and what they mean."""

PLACES = {
    "active": "in a job",
    "research": "in nodes that do research and can be called",
    "hot_spare": "in powered spares of the job",
    "cold_spare": "in spare nodes that are boxed, or have come back from repair",
    "stock": "loose in the depot",
    "repair_queue": "waiting for repair",
    "repair": "under repair",
    "in_transit": "on the way from their maker",
    "idle": "in nodes that no layout uses, or that lack a chip",
    "scrap": "dead",
}
"""Where a chip can be, in words as well; it is in exactly one place."""

USABLE = frozenset({"active", "hot_spare", "cold_spare", "research"})
"""Places of chips in nodes that work."""

MENDED = frozenset({"repair_queue", "repair"})
"""Places of what is mended: of a whole node that a crew puts right, or of a dead chip in a shop."""

STOCK = ("cold_spare", "stock")
"""Places of chips that wait to be used."""

WHERE = ("evicted", "repair", "dead")
"""Where the nodes of a pool are that has run out of spares."""

NO_NODE = -1
"""The node of an event that concerns no single one, and of loose chips."""


class Event(NamedTuple):
    """Something that happened at a time (seconds).

    Which fields say anything depends on the kind: `failure`, `interruption`, `found` and `evicted`
    have a pool, a node and (but for the last) the cause in `what`; `state` has the job's new state
    in `what`; `depleted` a pool, and in `what` where its nodes are; `rework` the seconds lost in
    `amount`; `arrival` the pool, the place in `what` and the chips in `amount`; `policy` and `run`
    a `name`, and in `what` a title and an outcome.
    """

    time: float
    kind: str
    pool: str = ""
    node: int = NO_NODE
    what: str = ""
    amount: float = 0.0
    name: str = ""


class Move(NamedTuple):
    """Chips of a pool, those of a node or loose ones, that changed place (time in seconds)."""

    time: float
    pool: str
    node: int
    origin: str
    place: str
    chips: int


class Way:
    """The way of so many chips of a pool from one place to another: what all such moves share."""

    def __init__(self, pool: str, origin: str, place: str, chips: int) -> None:
        self.pool = pool
        self.origin = origin
        self.place = place
        self.chips = chips
        # Of a move in words only the node differs from those of its kind.
        self.head = f"move\n{pool}."
        self.tail = f"\n{origin} {place} {chips}"

    def gain(self, places: Collection[str]) -> int:
        """Chips that come to some places, or (below zero) leave them."""
        come = self.place in places
        if come == (self.origin in places):
            return 0
        return self.chips if come else -self.chips


class Passages(NamedTuple):
    """All the moves of one kind: when chips went a way, in nodes or loose (times in seconds)."""

    way: Way
    loose: bool
    times: Floats


Row = tuple[Any, ...]
FIELDS = len(Event._fields)


class Trace:
    """Events and moves of a run in their order; iterating gives an `Event` or a `Move` each.

    A run has many thousands, so the fields of all stand in one list, one after another: the garbage
    collector would look at a tuple for each. A move has the fields of an `Event` too: its time, its
    way in place of a kind, and its node; the others are empty.
    """

    def __init__(self, fields: list[Any] | None = None) -> None:
        self.fields: list[Any] = fields if fields is not None else []
        self._passages: list[Passages] = []
        self._sorted_until = 0

    def __len__(self) -> int:
        return len(self.fields) // FIELDS

    def __iter__(self) -> Iterator[Event | Move]:
        for row in self._rows():
            way = row[1]
            if isinstance(way, str):
                yield Event(*row)
            else:
                yield Move(row[0], way.pool, row[3], way.origin, way.place, way.chips)

    def _rows(self) -> Iterator[Row]:
        # One iterator, asked for as many fields in turn as a row has.
        return zip(*[iter(self.fields)] * FIELDS, strict=True)

    def events(self, *kinds: str) -> list[Event]:
        """All events of these kinds."""
        return [Event(*row) for row in self._rows() if row[1] in kinds]

    def passages(self) -> list[Passages]:
        """The moves by their ways, which are a few dozen; an arrival comes from no place."""
        # Pools and places are asked for in turn: each time through all rows would take long.
        if self._sorted_until == len(self.fields):
            return self._passages
        nodes: dict[Way, list[float]] = defaultdict(list)
        loose: dict[Way, list[float]] = defaultdict(list)
        arrivals: dict[Row, Way] = {}
        columns = (self.fields[column::FIELDS] for column in (0, 1, 3))
        for number, (time, way, node) in enumerate(zip(*columns, strict=True)):
            if not isinstance(way, str):
                found = loose if node == NO_NODE else nodes
                found[way].append(time)
            elif way == "arrival":
                kind = Event(*self.fields[number * FIELDS : (number + 1) * FIELDS])
                key = kind.pool, kind.what, kind.amount
                if key not in arrivals:
                    arrivals[key] = Way(kind.pool, "", kind.what, round(kind.amount))
                nodes[arrivals[key]].append(time)
        self._passages = [
            Passages(way, False, np.array(times)) for way, times in nodes.items()
        ]
        self._passages += [
            Passages(way, True, np.array(times)) for way, times in loose.items()
        ]
        self._sorted_until = len(self.fields)
        return self._passages

    def moves(self) -> list[Move]:
        """All moves."""
        return [item for item in self if isinstance(item, Move)]

    def fingerprint(self) -> str:
        """SHA-256 of the trace: the times as little-endian doubles, then all else as words."""
        # Doubles are hashed as they are: text of them would depend on how it is printed.
        times = np.array(self.fields[::FIELDS], "<f8")
        words = "\n".join([_words(row) for row in self._rows()])
        return hashlib.sha256(times.tobytes() + words.encode()).hexdigest()


def _words(row: Row) -> str:
    """A row without its time, in words that no rewriting of the code may change."""
    _, kind, pool, node, what, amount, name = row
    if not isinstance(kind, str):
        return f"{kind.head}{'depot' if node == NO_NODE else node}{kind.tail}"
    if kind == "arrival":
        return f"arrival\n{pool}\n{what} {amount:.0f}"
    if kind == "rework":
        return f"rework\njob\n{amount}"
    whose = f"{pool}.{node}" if pool else name or "job"
    return f"{kind}\n{whose}\n{what}"


def levels(
    result: RunResult, places: Collection[str], pool: str | None = None, *, loose: bool = True
) -> tuple[Floats, Chips]:
    """Times (seconds) at which the chips in any of some places change, and how many from then on.

    Parameters
    ----------
    result : RunResult
    places : collection of str
        Of `PLACES`. Moves among them change nothing.
    pool : str, optional
        Chips of this pool only; of all unless given.
    loose : bool
        Whether dead chips in a shop count, as if they began in none of the places, or only nodes.

    Returns
    -------
    times, chips : array of shape (changes + 1,)
        The first time is 0.
    """
    # Counted back from the end, as only the end knows every place a chip was in at the start.
    end = sum(
        count
        for (name, place), count in result.counts.items()
        if place in places and pool in (None, name)
    )
    times = [np.zeros(1)]
    steps = [0]
    for found in result.trace.passages():
        gain = found.way.gain(places) if pool in (None, found.way.pool) else 0
        if found.loose and not loose:
            end -= gain * len(found.times)
        elif gain:
            times.append(found.times)
            steps += [gain] * len(found.times)
    when = np.concatenate(times)
    order = when.argsort(kind="stable")
    when = when[order]
    total = np.array(steps)[order].cumsum()
    # Of several changes at one instant only the last level ever holds.
    last: NDArray[np.bool_] = np.append(when[1:] != when[:-1], True)
    return when[last], (end - total[-1] + total)[last]


def at(times: Floats, levels: NDArray[Any], when: Floats) -> NDArray[Any]:
    """The levels that hold at some times, as `levels` tells when they change."""
    return levels[np.clip(np.searchsorted(times, when, side="right") - 1, 0, None)]


@dataclass(frozen=True)
class Outage:
    """A node out of service, from `start` to `end` in seconds; the run's end closes an open one."""

    pool: str
    node: int
    start: float
    end: float
    cause: str
    """What failed, here or where it took this node with it."""


def outages(result: RunResult) -> tuple[Outage, ...]:
    """Every outage of a node, in order of its start."""
    since: dict[tuple[str, int], tuple[float, str]] = {}
    found = []
    cause = ""
    for item in result.trace:
        if isinstance(item, Event):
            cause = item.what if item.kind in ("failure", "found") else cause
            continue
        node = item.pool, item.node
        # A move has no cause of its own: that of the event just before it holds.
        if item.origin in USABLE and item.place not in USABLE:
            since[node] = item.time, cause
        elif item.origin not in USABLE and item.place in USABLE and node in since:
            start, why = since.pop(node)
            found.append(Outage(*node, start, item.time, why))
    found += [Outage(*node, start, result.wall, why) for node, (start, why) in since.items()]
    return tuple(sorted(found, key=lambda outage: (outage.start, outage.pool, outage.node)))


@dataclass(frozen=True)
class Stretch:
    """A state of the job, from `start` to `end` in seconds."""

    start: float
    end: float
    state: str


def timeline(result: RunResult) -> tuple[Stretch, ...]:
    """The states of the job in their order; those of no length are left out."""
    states = result.trace.events("state")
    ends = [event.time for event in states[1:]] + [result.wall]
    return tuple(
        Stretch(event.time, end, event.what)
        for event, end in zip(states, ends, strict=True)
        if end > event.time
    )
