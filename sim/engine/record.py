"""What a run leaves behind: the time ledger, the chip ledger and the event trace."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

from sim.results.ledger import TIME, Event

TOLERANCE = 1e-9


class Cell:
    """Chips of one type in one place: how many, since when, and their chip-seconds until then."""

    __slots__ = ("chips", "seconds", "since")

    def __init__(self) -> None:
        self.chips, self.since, self.seconds = 0, 0.0, 0.0

    def change(self, time: float, chips: int) -> None:
        """Some chips come."""
        self.seconds += self.chips * (time - self.since)
        self.since = time
        self.chips += chips


class Way:
    """The way of so many chips of one type from one place to another, and what each of its moves
    leaves behind.
    """

    __slots__ = ("_chips", "_origin", "_to", "_trace", "_words")

    def __init__(self, trace: list[Event], words: str, origin: Cell, to: Cell, chips: int) -> None:
        self._trace, self._words, self._origin, self._to, self._chips = (
            trace,
            words,
            origin,
            to,
            chips,
        )

    def take(self, time: float, entity: str) -> None:
        """Note that the chips, those of `entity`, go this way; both cells changed here, as it
        happens so often.
        """
        self._trace.append((time, "move", entity, self._words))
        origin, to, chips = self._origin, self._to, self._chips
        origin.seconds += origin.chips * (time - origin.since)
        origin.since = time
        origin.chips -= chips
        to.seconds += to.chips * (time - to.since)
        to.since = time
        to.chips += chips
        if origin.chips < 0:
            raise AssertionError(f"{self._words}: only {origin.chips + chips} were there")


class Record:
    """Ledgers and trace of one run, written by the engine as it goes."""

    def __init__(self) -> None:
        self.time: dict[str, float] = dict.fromkeys(TIME, 0.0)
        self.trace: list[Event] = []
        self._cells: dict[str, dict[str, Cell]] = defaultdict(lambda: defaultdict(Cell))
        """By chip type and place."""
        self._ways: dict[tuple[str, str, str, int], Way] = {}
        self._supplied: dict[str, int] = {}
        self._absent: dict[str, float] = {}
        """Chip-seconds before chips arrived."""

    def event(self, time: float, kind: str, entity: str, payload: str | float = "") -> None:
        """Note that something happened."""
        self.trace.append((time, kind, entity, payload))

    def supply(self, chip: str, place: str, chips: int, time: float = 0.0) -> None:
        """Chips that are there from the start of the run, or arrive at `time`."""
        self._supplied[chip] = self._supplied.get(chip, 0) + chips
        self._absent[chip] = self._absent.get(chip, 0.0) + chips * time
        self._cells[chip][place].change(time, chips)
        if time:
            self.event(time, "arrival", chip, f"{place} {chips}")

    def way(self, chip: str, origin: str, destination: str, chips: int) -> Way:
        """The way from one place to another, the same for all that go it."""
        key = chip, origin, destination, chips
        if key not in self._ways:
            cells = self._cells[chip]
            words = f"{origin} {destination} {chips}"
            self._ways[key] = Way(self.trace, words, cells[origin], cells[destination], chips)
        return self._ways[key]

    def move(
        self, time: float, chip: str, entity: str, origin: str, destination: str, chips: int
    ) -> None:
        """Chips that change their place."""
        self.way(chip, origin, destination, chips).take(time, entity)

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """Chips by type and place."""
        return {
            (chip, place): cell.chips
            for chip, cells in self._cells.items()
            for place, cell in cells.items()
        }

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
    if abs(found - total) > TOLERANCE * max(scale, 1.0) or min(
        parts, default=0.0
    ) < -TOLERANCE * max(scale, 1.0):
        raise AssertionError(f"{name} sums to {found!r} s instead of {total!r} s")
