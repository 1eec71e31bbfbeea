"""What people do and machines do not: answer a failure, plan a stop.

One incident has one response. What fails while somebody is on the way, or after they have come,
joins the incident; only when the job trains again does the next failure begin another.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Sequence
from heapq import heapify, heappop, heappush

from sim.catalogue.failures import Cause
from sim.quantities.distributions import Distribution
from sim.results.ledger import DAY, HOUR
from sim.scenario.operators import WEEKDAYS, BadSpares, Response, Window
from sim.scenario.parts import Recovery
from sim.streams import Field, Luck


class Incident:
    """What has happened since the job last trained.

    Attributes
    ----------
    answered : bool
        Whether somebody has come.
    failed : int
        Restarts that have failed.
    """

    def __init__(self) -> None:
        self.answered = False
        self.failed = 0


class People:
    """Those who answer, and the restarts and spares that make them come.

    Parameters
    ----------
    recovery : Recovery
    start : datetime.date
        Of the scenario, at midnight UTC.
    automatic : collection of str
        Causes for which nobody is waited for.
    luck : Luck
    label : str
        Tells the draws of several jobs apart.
    """

    def __init__(
        self,
        recovery: Recovery,
        start: dt.date,
        automatic: Collection[str],
        luck: Luck,
        label: str,
    ) -> None:
        self.follow(recovery)
        self._weekday = start.weekday()
        self._automatic = frozenset(automatic)
        self._field = luck.field(f"response{label}")
        self._counts: dict[str, int] = {}

    def follow(self, recovery: Recovery) -> None:
        """Answer as in a phase of the run."""
        self._response = recovery.response
        self._restarts = recovery.failed_restarts
        self.bad_spares: BadSpares | None = recovery.bad_spares

    def answer(self, cause: Cause, incident: Incident, now: float) -> float:
        """Seconds until somebody acts on a failure; none if a machine does, or they are there."""
        response = self._response
        automatic = cause.cause in self._automatic
        if (
            response is None
            or incident.answered
            or automatic
            or cause.cause in response.automatic
        ):
            return 0.0
        incident.answered = True
        return self._seconds(response, now)

    def fails(self, incident: Incident) -> bool:
        """Whether a restart fails; never the one after the machine has given up."""
        restarts = self._restarts
        if restarts is None or incident.failed > restarts.automatic:
            return False
        failed = self._uniform("restart") < restarts.probability
        if failed:
            incident.failed += 1
        return failed

    def again(self, incident: Incident, now: float) -> float:
        """Seconds until a restart that failed is tried again."""
        restarts = self._restarts
        assert restarts
        response = self._response
        if response is None or incident.answered or incident.failed <= restarts.automatic:
            return 0.0
        incident.answered = True
        return self._seconds(response, now)

    def bad_spare(self) -> float | None:
        """How long the next spare is under repair if it turns out to be bad (s), else None."""
        bad = self.bad_spares
        if bad is None or self._uniform("spare") >= bad.share:
            return None
        return self._draw("spare.repair", bad.repair)

    def _seconds(self, response: Response, now: float) -> float:
        until = self._until_duty(response, now)
        if until == 0:
            return self._draw("time", response.time)
        if response.off_duty:
            return self._draw("off-duty", response.off_duty)
        return until + self._draw("time", response.time)

    def _until_duty(self, response: Response, now: float) -> float:
        """Seconds until somebody is on duty: 0 within their hours."""
        local = now + response.zone
        first, last = (hour * HOUR for hour in response.hours)
        days = {WEEKDAYS.index(day) for day in response.days}
        today = math.floor(local / DAY)
        # Of eight days in a row one is a day of duty that has not yet begun or goes on.
        on_duty = (
            day
            for day in range(today, today + 8)
            if (self._weekday + day) % 7 in days and local < day * DAY + last
        )
        return max(next(on_duty) * DAY + first - local, 0.0)

    def _uniform(self, what: str) -> float:
        [uniform] = self._row(what, 1)
        return uniform

    def _draw(self, what: str, distribution: Distribution) -> float:
        return distribution.one(*self._row(what, distribution.dims))

    def _row(self, what: str, columns: int) -> Sequence[float]:
        count = self._counts.get(what, 0)
        self._counts[what] = count + 1
        return self._field.row(self._field.purpose(what), count, 0, columns)


class Windows:
    """Planned stops, in order of time.

    Parameters
    ----------
    windows : sequence of Window
    start : datetime.date
        Of the scenario.
    now : float
        When the job begins (s): those of before are past.
    luck : Luck
    label : str
    """

    def __init__(
        self, windows: Sequence[Window], start: dt.date, now: float, luck: Luck, label: str
    ) -> None:
        self._windows = windows
        self._field: Field = luck.field(f"windows{label}")
        self._counts = [0] * len(windows)
        self._heap: list[tuple[float, int]] = []
        for number, window in enumerate(windows):
            first = window.every or 0.0
            if window.date:
                first = (window.date - start).days * DAY
            if window.every:
                first += max(math.ceil((now - first) / window.every), 0) * window.every
            if window.every or first >= now:
                self._heap.append((first, number))
        heapify(self._heap)

    @property
    def due(self) -> float:
        """When the next begins (s), or as soon as the job trains after that."""
        return self._heap[0][0] if self._heap else math.inf

    def begin(self, now: float) -> float:
        """Begin the next; how long it takes (s)."""
        due, number = heappop(self._heap)
        window = self._windows[number]
        count = self._counts[number]
        self._counts[number] = count + 1
        if window.every:
            # Those that fell into a time when the job stood still are made up for by this one.
            missed = max(math.floor((now - due) / window.every), 0)
            heappush(self._heap, (due + (missed + 1) * window.every, number))
        purpose = self._field.purpose(f"{number}")
        return window.duration.one(*self._field.row(purpose, count, 0, window.duration.dims))
