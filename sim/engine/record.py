"""What a run leaves behind: the time ledger, the chip ledger and the event trace."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

from sim.results import TIME, USABLE, Event

TOLERANCE = 1e-9


class Cell:
    """Chips of one type in one place: how many, since when, and their chip-seconds until then."""

    __slots__ = ("chips", "seconds", "since")

    def __init__(self) -> None:
        self.chips, self.since, self.seconds = 0, 0.0, 0.0

    def change(self, time: float, chips: int) -> None:
        """Some chips come or, with a negative number, go."""
        self.seconds += self.chips * (time - self.since)
        self.since = time
        self.chips += chips
        if self.chips < 0:
            raise AssertionError(f"{-chips} chips left a place where only {self.chips - chips} were")


class Record:
    """Ledgers and trace of one run, written by the engine as it goes."""

    def __init__(self) -> None:
        self.time: dict[str, float] = dict.fromkeys(TIME, 0.0)
        self.trace: list[Event] = []
        self._cells: dict[str, dict[str, Cell]] = {}
        """By chip type and place."""
        self._words: dict[tuple[str, str, int], str] = {}
        """What moves of one kind leave in the trace: one string for all of them."""
        self._supplied: dict[str, int] = {}
        self._absent: dict[str, float] = {}
        """Chip-seconds before chips arrived."""
        self.usable: dict[str, list[tuple[float, int]]] = {}
        """Changes of the number of chips in nodes that work, by time."""

    def event(self, time: float, kind: str, entity: str, payload: str = "") -> None:
        """Note that something happened."""
        self.trace.append((time, kind, entity, payload))

    def supply(self, chip: str, place: str, chips: int, time: float = 0.0) -> None:
        """Chips that are there from the start of the run, or arrive at `time`."""
        self._supplied[chip] = self._supplied.get(chip, 0) + chips
        self._absent[chip] = self._absent.get(chip, 0.0) + chips * time
        cells = self._cells.setdefault(chip, defaultdict(Cell))
        cells[place].change(time, chips)
        self._use(time, chip, chips * (place in USABLE))
        if time:
            self.event(time, "arrival", chip, f"{place} {chips}")

    def move(self, time: float, chip: str, entity: str, origin: str, destination: str, chips: int) -> None:
        """Chips that change their place."""
        key = origin, destination, chips
        words = self._words.get(key)
        if words is None:
            words = self._words[key] = f"{origin} {destination} {chips}"
        self.trace.append((time, "move", entity, words))
        cells = self._cells[chip]
        cells[origin].change(time, -chips)
        cells[destination].change(time, chips)
        if (destination in USABLE) != (origin in USABLE):
            self._use(time, chip, chips if destination in USABLE else -chips)

    def _use(self, time: float, chip: str, change: int) -> None:
        if change:
            self.usable.setdefault(chip, []).append((time, change))

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """Chips by type and place."""
        return {(chip, place): cell.chips for chip, cells in self._cells.items() for place, cell in cells.items()}

    def chip_seconds(self, end: float) -> dict[tuple[str, str], float]:
        """Chip-seconds by chip type and place from the start of the run to `end`."""
        return {
            (chip, place): cell.seconds + cell.chips * (end - cell.since)
            for chip, cells in self._cells.items()
            for place, cell in cells.items()
        }

    def close(self, end: float) -> None:
        """Assert that both ledgers sum: wall clock by category, chips and chip-hours by place."""
        _agree("the time ledger", self.time.values(), end, end)
        chip_seconds = self.chip_seconds(end)
        for chip, supplied in self._supplied.items():
            there = sum(cell.chips for cell in self._cells[chip].values())
            if there != supplied:
                raise AssertionError(f"{supplied} {chip} were supplied, {there} are there")
            parts = [seconds for (name, _), seconds in chip_seconds.items() if name == chip]
            present = supplied * end - self._absent[chip]
            _agree(f"the {chip} ledger", parts, present, present)


def _agree(name: str, parts: Iterable[float], total: float, scale: float) -> None:
    parts = list(parts)
    found = math.fsum(parts)
    if abs(found - total) > TOLERANCE * max(scale, 1.0) or min(parts, default=0.0) < -TOLERANCE * max(scale, 1.0):
        raise AssertionError(f"{name} sums to {found!r} s instead of {total!r} s")
