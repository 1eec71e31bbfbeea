"""How a job lets time pass, and is woken when a node comes back."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy


@dataclass(frozen=True)
class Woken:
    """Why a sleep ended."""

    on_time: bool
    """It took as long as was asked: nothing that comes earlier turned up meanwhile."""
    by_return: bool
    """A node came back, for which the sleeper had asked to be woken."""


ON_TIME = Woken(True, False)
EARLY = Woken(False, False)


class Sleeper:
    """Whoever waits for the next event of a fleet: its job, or a programme between two runs."""

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._process: simpy.Process | None = None
        self._until = -math.inf
        """When it will wake; long ago while nobody sleeps."""
        self._returned: simpy.Event | None = None

    def sleep(
        self, now: float, until: float, *, for_return: bool = False
    ) -> Generator[simpy.Event, Any, Woken]:
        """Let time pass to `until`.

        Parameters
        ----------
        now, until : float
        for_return : bool
            Wake when a node comes back, too. Without it one that comes back wakes the sleeper only
            if it would itself fail before `until`.
        """
        env = self._env
        pause = env.timeout(max(until - now, 0.0))
        self._process = env.active_process
        self._until = until
        returned = self._returned = env.event() if for_return else None
        try:
            yield pause if returned is None else pause | returned
        except simpy.Interrupt:
            # SimPy lets an interrupt overtake the return that came with it.
            return Woken(False, True) if returned and returned.triggered else EARLY
        finally:
            # An interrupt for a sleep that is over would strike whatever the process does next.
            self._until = -math.inf
            self._returned = None
        if returned is None:
            return ON_TIME
        return Woken(pause.processed, returned.triggered)

    def node_back(self, next_failure: float) -> None:
        """A node works again, and the next failure of all that are powered is at a wall time."""
        if self._returned and not self._returned.triggered:
            self._returned.succeed()
        # A node that fails before the sleeper would wake must not be slept over.
        if next_failure < self._until:
            assert self._process
            # Another node that returns at this instant must not interrupt a second time.
            self._until = -math.inf
            self._process.interrupt()
