"""The words of a run's ledger: kinds of time, places of chips, moves and outages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DAY, HOUR = 86400.0, 3600.0


TIME = ("productive", "checkpoint", "rework", "detect", "restart", "stall", "wait", "reconfigure")
"""Categories of a job's wall clock: the productive one and the badput."""


PLACES = (
    "active",
    "research",
    "hot_spare",
    "cold_spare",
    "stock",
    "repair_queue",
    "repair",
    "in_transit",
    "idle",
    "scrap",
)
"""Where a chip can be; it is in exactly one place."""


USABLE = frozenset({"active", "hot_spare", "cold_spare", "research"})
"""Places of chips in nodes that work."""


STOCK = ("cold_spare", "stock")
"""Places of chips that wait to be used."""


Event = tuple[float, str, str, Any]
"""Time in seconds, kind, entity, and what else there is to say: words, or the seconds of a rework.
"""


@dataclass(frozen=True)
class Move:
    """Chips that changed their place at a time (seconds)."""

    time: float
    origin: str
    to: str
    chips: int


@dataclass(frozen=True)
class Outage:
    """A node out of service, from `start` to `end` in seconds; the run ends one that is still open."""

    pool: str
    node: int
    start: float
    end: float
    cause: str
    """What failed, here or where it took this node with it."""


YEAR = 365.25 * DAY
