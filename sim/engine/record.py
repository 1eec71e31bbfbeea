"""The ledgers and the trace of one run, written by the engine as it goes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeVar

from sim.engine.budget import Budget
from sim.results.ledger import NO_NODE, TIME, Trace, Way

Key = TypeVar("Key")
TOLERANCE = 1e-9
RESIDUE = 1e-12
"""Share of a run below which a sum of times is nothing but its rounding."""
COUNTS = (
    "interruptions",
    "planned_stops",
    "selections",
    "provisioned",
    "failed_restarts",
    "bad_spares",
)
"""What is counted: the metrics of these names."""


class Cell:
    """Chips of one pool in one place: how many, since when, and their chip-seconds until then."""

    __slots__ = ("chips", "seconds", "since")

    def __init__(self) -> None:
        self.chips = 0
        self.since = 0.0
        self.seconds = 0.0

    def change(self, time: float, chips: int) -> None:
        """Some chips come, or (below zero) leave."""
        self.seconds += self.chips * (time - self.since)
        self.since = time
        self.chips += chips


class CountedWay(Way):
    """A way from place to place that keeps the ledger of both and the trace up to date."""

    def __init__(
        self,
        trace: Trace,
        pool: str,
        origin: str,
        place: str,
        chips: int,
        cells: dict[str, Cell],
    ) -> None:
        super().__init__(pool, origin, place, chips)
        self.fields = trace.fields
        self._from = cells[origin]
        self._into = cells[place]

    def take(self, time: float, node: int = NO_NODE) -> None:
        """Note that a node, or loose chips, go this way."""
        self.fields.extend((time, self, "", node, "", 0.0, ""))
        # Both cells are changed here and not by `Cell.change`: no line of the engine runs as often.
        left = self._from
        left.seconds += left.chips * (time - left.since)
        left.since = time
        left.chips -= self.chips
        into = self._into
        into.seconds += into.chips * (time - into.since)
        into.since = time
        into.chips += self.chips
        if left.chips < 0:
            there = left.chips + self.chips
            raise AssertionError(
                f"{self.chips} {self.pool} leave {self.origin}, {there} were there"
            )


class Record:
    """Ledgers and trace of one run, and the budget of its events."""

    def __init__(self) -> None:
        self.budget = Budget()
        self.time: dict[str, float] = dict.fromkeys(TIME, 0.0)
        """Seconds of wall clock by category."""
        self.counts: dict[str, int] = dict.fromkeys(COUNTS, 0)
        self.trace = Trace()
        self._fields = self.trace.fields
        self._cells: dict[str, dict[str, Cell]] = defaultdict(lambda: defaultdict(Cell))
        """By pool and place."""
        self._ways: dict[tuple[str, str, str, int], CountedWay] = {}
        self._supplied: dict[str, int] = {}
        self._absent: dict[str, float] = {}
        """Chip-seconds before chips arrived."""

    def event(
        self,
        time: float,
        kind: str,
        pool: str = "",
        node: int = NO_NODE,
        what: str = "",
        amount: float = 0.0,
        name: str = "",
    ) -> None:
        """Note that something happened; `sim.results.ledger.Event` says what the fields mean."""
        self._fields.extend((time, kind, pool, node, what, amount, name))

    def count(self, what: str) -> None:
        """Note one more of the things that are counted."""
        self.counts[what] += 1

    def supply(self, pool: str, place: str, chips: int, time: float = 0.0) -> None:
        """Chips that are there from the start of the run, or arrive at `time`."""
        self._supplied[pool] = self._supplied.get(pool, 0) + chips
        self._absent[pool] = self._absent.get(pool, 0.0) + chips * time
        self._cells[pool][place].change(time, chips)
        if time:
            self.event(time, "arrival", pool, what=place, amount=chips)

    def way(self, pool: str, origin: str, place: str, chips: int) -> CountedWay:
        """The way from one place to another, the same for all that go it."""
        key = pool, origin, place, chips
        if key not in self._ways:
            cells = self._cells[pool]
            self._ways[key] = CountedWay(self.trace, pool, origin, place, chips, cells)
        return self._ways[key]

    def hand_over(self) -> Trace:
        """The trace of a run that has ended."""
        trace = self.trace
        self.trace = Trace()
        self._fields = self.trace.fields
        # Ways and fields that named each other would stay in memory until somebody looks for those.
        for way in self._ways.values():
            way.fields = self._fields
        return trace

    @property
    def chips(self) -> dict[tuple[str, str], int]:
        """Chips by pool and place."""
        return {
            (pool, place): cell.chips
            for pool, cells in self._cells.items()
            for place, cell in cells.items()
        }

    def chip_seconds(self, end: float) -> dict[tuple[str, str], float]:
        """Chip-seconds by pool and place from the start of the run to `end`."""
        return {
            (pool, place): cell.seconds + cell.chips * (end - cell.since)
            for pool, cells in self._cells.items()
            for place, cell in cells.items()
        }

    def settled(self, seconds: Mapping[Key, float]) -> dict[Key, float]:
        """A ledger without residues: what is left of sums that should be zero."""
        least = RESIDUE * math.fsum(self.time.values())
        return {name: value if value > least else 0.0 for name, value in seconds.items()}

    def close(self, end: float) -> None:
        """Assert that both ledgers sum: wall clock by category, chips and chip-hours by place."""
        _agree("the time ledger", self.time.values(), end)
        chip_seconds = self.chip_seconds(end)
        for pool, supplied in self._supplied.items():
            there = sum(cell.chips for cell in self._cells[pool].values())
            if there != supplied:
                raise AssertionError(
                    f"{supplied} chips of {pool} were supplied, {there} are there"
                )
            parts = [seconds for (name, _), seconds in chip_seconds.items() if name == pool]
            _agree(f"the ledger of {pool}", parts, supplied * end - self._absent[pool])


def _agree(name: str, parts: Iterable[float], total: float) -> None:
    """Raise AssertionError unless the parts sum to the total and none is below zero."""
    parts = list(parts)
    found = math.fsum(parts)
    room = TOLERANCE * max(total, 1.0)
    if abs(found - total) > room or min(parts, default=0.0) < -room:
        raise AssertionError(f"{name} sums to {found!r} s instead of {total!r} s")
