"""How many events a run may have: a bound on what would take for ever, with a word about why."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from sim.errors import InputError, expected
from sim.results.ledger import DAY
from sim.scenario.bounds import MOST_EVENTS

LOOK = 20_000
"""After so many events, less than a second's worth, it is first asked where they lead."""
FAR = 10
"""A run that is on its way to so many times the bound need not be waited for."""


class Budget:
    """The events that a run may still have."""

    def __init__(self) -> None:
        self._most = MOST_EVENTS
        self._spent = 0
        self._look = LOOK
        self._counts: dict[str, int] = {}
        self._before = (0, 0.0)
        """Events and time when that was last asked."""
        self._end: Callable[[float], float] | None = None

    def limit(self, most: int | None, nodes: int, end: Callable[[float], float]) -> None:
        """Set the bound.

        Parameters
        ----------
        most : int or None
            `MOST_EVENTS` if None.
        nodes : int
            That may fail three times each before it is asked where that leads: a whole fleet may
            die within an hour, and then nothing happens any more.
        end : callable
            When the run is likely to end (s), as it goes at a time.

        Raises
        ------
        InputError
            When `most` is below 1.
        """
        if most is not None:
            if most < 1:
                raise expected("a whole number of events, at least 1", most, "max_events")
            self._most = most
        self._look = min(max(LOOK, 3 * nodes), self._most)
        self._end = end

    def spend(self, what: str, now: float, events: int = 1) -> None:
        """Note some events.

        Raises
        ------
        InputError
            When there are more than the run may have, or soon will be.
        """
        self._counts[what] = self._counts.get(what, 0) + events
        self._spent += events
        if self._spent > self._look:
            self._judge(now)

    def _judge(self, now: float) -> None:
        end = self._end(now) if self._end else now
        events, time = self._before
        # As it went of late: a fleet may begin with many failures, and a job may be stuck since.
        rate = (self._spent - events) / (now - time) if now > time else math.inf
        ahead = self._spent + rate * (end - now) if end > now else self._spent
        self._before = (self._spent, now)
        if self._spent > self._most or ahead > FAR * self._most:
            what = max(self._counts, key=lambda name: self._counts[name])
            raise InputError(
                f"too many events: {self._spent:,} by day {now / DAY:.4g} of {end / DAY:.4g}, "
                f"most of them {what}; a run may have {self._most:,} (max_events)",
                key="max_events",
                given=self._most,
            )
        self._look = min(2 * self._spent, self._most)


def bounded(number: float, what: str, most: int = MOST_EVENTS) -> int:
    """A number of things, as a whole one.

    Raises
    ------
    InputError
        When there are more of them than can be worked through.
    """
    # Not a number is too many as well.
    if not number <= most:
        raise InputError(
            f"{what}: {number:,.4g} of them are too many; at most {most:,} are possible"
        )
    return int(number)


def extremes(data: Any, path: str = "") -> Iterator[str]:
    """Name the numbers in plain data that no measurement could have given.

    Examples
    --------
    >>> list(extremes({"checkpoint": {"interval": 5e-324, "load": 60.0}}))
    ['checkpoint.interval = 4.94066e-324']
    """
    if isinstance(data, dict):
        for key, value in data.items():
            yield from extremes(value, f"{path}.{key}" if path else str(key))
    elif isinstance(data, tuple | list):
        for number, value in enumerate(data):
            yield from extremes(value, f"{path}.{number}")
    elif isinstance(data, float) and data and not 1e-100 < abs(data) < 1e100:
        yield f"{path} = {data:g}"
