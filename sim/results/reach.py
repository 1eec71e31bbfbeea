"""How large a run a stock could staff, and how that compares with what a run needs.

Neither is cut off by a horizon: both are known at every moment that is watched.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sim import catalogue
from sim.catalogue.market import Need
from sim.results.ledger import DAY, YEAR, Floats, at
from sim.throughput.chip_worth import ChipWorth

if TYPE_CHECKING:  # a programme asks this module for its outlook, not the other way round
    from sim.results.programme import ProgrammeResult
    from sim.scenario import Scenario
    from sim.scenario.stock import Outlook

UNIT = "H100-SXM-80"
"""Chip by whose dense BF16 peak others are counted."""
ALMOST = 1 - 1e-12
"""A need that is met but for the last digits is met."""


def first_time(
    times: Floats,
    have: Floats,
    need: float,
    growth: float,
    begin: float,
    horizon: float,
    *,
    met: bool,
) -> float:
    """When a need of ``need · growth^years`` is first met by what there is, or first not.

    Parameters
    ----------
    times, have : array of float
        Seconds at which what there is changes, beginning with 0, and what it is from then on.
    need : float
        The need at first, in the unit of `have`.
    growth : float
        Factor a year; below 1 the need falls.
    begin : float
        Seconds at which the need begins, and its years; before it nothing is looked for.
    horizon : float
        Seconds to which it is looked for.
    met : bool
        Whether a need that is met is looked for, or one that is not.

    Returns
    -------
    float
        Seconds; nan if it does not come before the horizon.

    Examples
    --------
    >>> have, end = (np.array([0.0]), np.array([1e24])), 10 * YEAR
    >>> first_time(*have, 8e24, 0.5, 0.0, end, met=True) / YEAR
    3.0
    >>> round(first_time(*have, 2e23, 2.4, 0.0, end, met=False) / YEAR, 3)
    1.838
    """
    begins = np.maximum(times, begin)
    ends = np.append(times[1:], horizon)
    at_once, at_last = (
        (have >= need * growth ** ((when - begin) / YEAR) * ALMOST) == met
        for when in (begins, ends)
    )
    found = (ends > begins) & (at_once | at_last)
    if not found.any():
        return math.nan
    k = int(np.argmax(found))
    if at_once[k]:
        return float(begins[k])
    # What is met but for the last digits may have passed the need just before.
    return max(begins[k], float(begin + YEAR * math.log(have[k] / need) / math.log(growth)))


def access(scenario: Scenario, when: Floats) -> Floats:
    """Share of the chips abroad that runs may use at some times, as the last control on it says."""
    share = np.ones_like(when)
    for event in sorted(scenario.policy.values(), key=lambda event: event.date):
        if event.access is not None:
            share[when >= _seconds(scenario, event.date)] = event.access
    return share


def _seconds(scenario: Scenario, date: dt.date) -> float:
    return (date - scenario.start).days * DAY


@dataclass(frozen=True)
class Reach:
    """What one run could have of the stock of a result, at any time.

    Attributes
    ----------
    result : ProgrammeResult
        Of a scenario with an outlook.
    """

    result: ProgrammeResult

    @property
    def scenario(self) -> Scenario:
        """What was simulated, with a plain number in place of each unknown constant."""
        return self.result.scenario

    @property
    def outlook(self) -> Outlook:
        """The shares, the needs and the length of a run."""
        outlook = self.scenario.outlook
        assert outlook is not None
        return outlook

    @cached_property
    def times(self) -> Floats:
        """Seconds at which what a run could have may change, beginning with 0."""
        scenario = self.scenario
        dates = [event.date for event in scenario.policy.values() if event.access is not None]
        controls = [_seconds(scenario, date) for date in dates]
        inside = [time for time in controls if 0 < time < scenario.horizon]
        return np.unique(np.concatenate([self.result.owned[0], inside]))

    @cached_property
    def chips(self) -> Floats:
        """Chips of each pool of `worth` that one run could have, from each of the times on."""
        fleet = self.scenario.fleet
        shares = self.outlook.shares
        part = shares.of_fleet(self.outlook.length / YEAR)
        allowed = access(self.scenario, self.times)
        stock = at(*self.result.owned, self.times) * self.scenario.represents
        columns = []
        for column, pool in enumerate(self.result.worth.pools):
            share: float | Floats = shares.owner * part
            if fleet[pool].abroad:
                share = shares.owner_abroad * part * allowed
            columns.append(stock[:, column] * share)
        return np.column_stack(columns)

    @cached_property
    def _worth(self) -> ChipWorth:
        # What others hold is in the shares.
        return replace(self.result.worth, research=0.0, offload=())

    @cached_property
    def _places(self) -> list[Floats]:
        """The chips that one run could have at home, and those it could have abroad."""
        fleet = self.scenario.fleet
        abroad = np.array([fleet[pool].abroad for pool in self._worth.pools])
        return [np.where(abroad == there, self.chips, 0.0) for there in (False, True)]

    @cached_property
    def reference_chips(self) -> Floats:
        """The largest run in chips of the reference pool, from each of the times on."""
        return np.max([self._worth.available(chips) for chips in self._places], axis=0)

    @cached_property
    def home_chips(self) -> Floats:
        """The largest run at home in chips of the reference pool, from each of the times on."""
        return self._worth.available(self._places[0])

    @cached_property
    def unit_chips(self) -> Floats:
        """The chips of the largest run, each counted by its BF16 peak over that of an H100."""
        fleet = self.scenario.fleet
        unit = catalogue.entry("chips", UNIT).item.bf16
        peaks = np.array([fleet[pool].chip.bf16 / unit for pool in self._worth.pools])
        best = np.zeros(len(self.times))
        counted = np.zeros(len(self.times))
        for chips in self._places:
            together = self._worth.together(chips)
            last = together.argmax(axis=-1)
            used = np.arange(chips.shape[-1]) <= last[:, None]
            used &= self._worth.free(chips) > 0
            larger = together.max(axis=-1) > best
            best = np.maximum(best, together.max(axis=-1))
            counted = np.where(larger, (chips * used * peaks).sum(axis=-1), counted)
        return counted

    @cached_property
    def flop(self) -> Floats:
        """The largest run in FLOP, six for each active parameter and token, in its whole length."""
        plan = self.result.plan
        per_chip = plan.tokens_per_s / sum(plan.used_chips.values())
        per_token = 6.0 * self.scenario.run.model.active_parameters
        return self.reference_chips * per_chip * per_token * self.outlook.length

    def on(self, date: dt.date, series: Floats) -> float:
        """A series of the above on the evening of a date."""
        evening = _seconds(self.scenario, date) + DAY
        return float(at(self.times, series, np.array([evening]))[0])

    def ratio(self, need: str, date: dt.date) -> float:
        """The largest run on a date over a need; nan before the need begins."""
        item = self.outlook.needs[need]
        if date < item.date:
            return math.nan
        years = (date - item.date).days * DAY / YEAR
        return self.on(date, self.flop) / (item.flop * (item.growth * YEAR) ** years)

    def met(self, need: str) -> float:
        """Seconds until a run could first be staffed that meets a need; nan if not watched."""
        item: Need = self.outlook.needs[need]
        begin = max(_seconds(self.scenario, item.date), 0.0)
        years = begin / YEAR - _seconds(self.scenario, item.date) / YEAR
        growth = item.growth * YEAR
        return first_time(
            self.times,
            self.flop,
            item.flop * growth**years,
            growth,
            begin,
            self.scenario.horizon,
            met=True,
        )
