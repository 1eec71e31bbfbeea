"""The people of a scenario: who answers, and when, and what they plan."""

import datetime as dt
from typing import Annotated, Literal

from sim.catalogue.strict import Duration, Strict
from sim.errors import InputError
from sim.quantities.notation import PositiveSeconds, Quantity, Share

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
HourOfDay = Annotated[float, Quantity(most=24.0)]


class Response(Strict):
    """The people who answer what no machine mends by itself."""

    time: Duration
    """From when a failure is detected, or their hours begin, until somebody acts."""
    off_duty: Duration | None = None
    """The same outside their hours; unless given they answer when their hours begin again."""
    hours: tuple[HourOfDay, HourOfDay] = (0.0, 24.0)
    """When somebody is on duty, by the clock of their zone."""
    days: tuple[Weekday, ...] = WEEKDAYS
    """The days of the week on which somebody is on duty."""
    zone: Annotated[float, Quantity("s", least=-14 * 3600.0, most=14 * 3600.0)] = 0.0
    """How far their clock is ahead of UTC, in which the scenario starts at midnight."""
    automatic: tuple[str, ...] = ()
    """Causes after which a machine restarts the job and nobody need answer."""

    def check(self) -> None:
        first, last = self.hours
        if not first < last <= 24:
            raise InputError("hours must be [from, to] with from < to ≤ 24")
        if not self.days:
            raise InputError("days must name at least one day of the week")


class FailedRestarts(Strict):
    """Restarts that fail."""

    probability: Share
    """Probability that a restart fails."""
    automatic: Annotated[float, Quantity(whole=True)] = 0.0
    """Attempts that a machine makes again; after that somebody answers, and the next succeeds."""


class BadSpares(Strict):
    """Spares that turn out to be bad when the job restarts on them."""

    share: Annotated[float, Quantity(most=0.9)]
    """Share of the spares that are bad."""
    repair: Duration
    """How long each is then under repair."""


class Window(Strict):
    """A planned stop without loss: the job saves, stands still, and restarts."""

    title: str = "planned stop"
    """What it is for, as the time line shows it."""
    date: dt.date | None = None
    """Its one day, or the first of those that come `every` so often."""
    every: PositiveSeconds | None = None
    """From one planned stop to the next; only one unless given."""
    duration: Duration
    """How long the job stands still."""

    def check(self) -> None:
        if self.date is None and self.every is None:
            raise InputError("give date, every or both")
