"""Faults that are not noticed at once: silent corruption, and stragglers.

A hidden fault belongs to its node, wherever the node goes, until it is found at its time or the
node leaves service. What a corrupt node spoilt belongs to the job, until the job falls back behind
it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sim.engine.ageing import Failure
from sim.engine.checkpoints import Mark
from sim.engine.progress import Progress


@dataclass(eq=False)
class Fault:
    """A hidden fault of a node.

    Attributes
    ----------
    pool : str
    failure : Failure
    found_at : float
        Wall time (s).
    """

    pool: str
    failure: Failure
    found_at: float

    @property
    def node(self) -> int:
        """The node that has it."""
        return self.failure.node

    @property
    def silent(self) -> bool:
        """Whether it corrupts what is trained; otherwise it slows every step."""
        return self.failure.cause.silent


@dataclass(frozen=True)
class Spoilt:
    """What a silent fault did to the state that is trained."""

    clean: Mark
    """The newest checkpoint begun before."""
    tokens: float
    """The position from which on all is corrupt."""


class Corruption:
    """What silent faults have spoilt of a job's state, by fault."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.spoilt: dict[Fault, Spoilt] = {}

    def begin(self, fault: Fault, now: float) -> None:
        """A node of the job computes wrong numbers from now on."""
        if fault not in self.spoilt:
            clean = self._progress.checkpoints.begun(now)
            self.spoilt[fault] = Spoilt(clean, self._progress.tokens)

    def resume(self, faults: Iterable[Fault], now: float) -> None:
        """The job trains again, with these faults in its nodes.

        What lies ahead of its position is forgotten: a job that fell back behind it is clean. A
        node that is still there spoils it again.
        """
        here = self._progress.tokens
        self.spoilt = {
            fault: spoilt for fault, spoilt in self.spoilt.items() if spoilt.tokens < here
        }
        for fault in faults:
            if fault.silent:
                self.begin(fault, now)

    def find(self, fault: Fault) -> Mark | None:
        """The checkpoint free of what a fault spoilt; None if nothing of that is left."""
        spoilt = self.spoilt.pop(fault, None)
        if spoilt is None or spoilt.tokens >= self._progress.tokens:
            return None
        return spoilt.clean
