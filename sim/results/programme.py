"""A programme of runs: what became of each, of the chips, and when a growing need outruns them."""

from __future__ import annotations

import datetime as dt
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from sim.results import economics
from sim.results.economics import Bill, Costs
from sim.results.ledger import DAY, HOUR, MENDED, USABLE, YEAR, Floats, at, levels
from sim.results.reach import Reach, first_time
from sim.results.run import RunResult
from sim.scenario.stock import Programme
from sim.throughput.chip_worth import ChipWorth

NO_POOLS = ChipWorth((), (), ())
POWERED = ("active", "hot_spare", "research")
"""Places of chips that draw power."""


def growth_of(programme: Programme) -> float:
    """Factor a year by which the need of a run grows."""
    return programme.growth * YEAR


def first_due(programme: Programme, start: dt.date) -> float:
    """Seconds from the start of the scenario to the first run of a growing programme."""
    return (programme.first - start).days * DAY if programme.first else 0.0


@dataclass(frozen=True)
class ProgrammeRun:
    """One run of a programme (seconds from the start); without `started` it was not staffed.

    It was `short` of chips if it would have been even with all nodes under repair. One that is
    neither was still to come when the scenario ended: others trained, or too many nodes were out.
    """

    number: int
    due: float
    needed: float
    available: float = math.nan
    short: bool = False
    started: float = math.nan
    ended: float = math.nan
    finished: bool = False
    chips: Mapping[str, int] = field(default_factory=dict)
    tokens: float = 0.0
    productive: float = 0.0
    interruptions: int = 0

    @property
    def staffed(self) -> bool:
        """Whether there were chips enough."""
        return not math.isnan(self.started)

    @property
    def chip_hours(self) -> float:
        """Hours that the chips of the run were held."""
        if not self.staffed:
            return 0.0
        return sum(self.chips.values()) * (self.ended - self.started) / HOUR


@dataclass(frozen=True, repr=False)
class ProgrammeResult(RunResult):
    """A programme over years: every run, and what became of the chips. `wall` is the horizon.

    Attributes
    ----------
    runs : tuple of ProgrammeRun
    worth : ChipWorth
    repairs : int
        Chips that a repair shop took on.
    bought : tuple of (seconds, pool, chips, premium)
        All that was there or arrived, at how many times its price.
    """

    runs: tuple[ProgrammeRun, ...] = ()
    worth: ChipWorth = NO_POOLS
    repairs: int = 0
    bought: tuple[tuple[float, str, int, float], ...] = ()

    def __str__(self) -> str:
        end = "never short of chips"
        if self.crossed:
            end = f"short of chips from day {self.crossing / DAY:,.0f}"
        staffed = len(self.staffed_runs)
        return (
            f"{self.scenario.name}, seed {self.seed}, replication {self.replication}: {staffed} of "
            f"{len(self.runs)} runs staffed in {self.wall / YEAR:.1f} years; {end}"
        )

    @property
    def staffed_runs(self) -> list[ProgrammeRun]:
        """The runs for which there were chips enough."""
        return [run for run in self.runs if run.staffed]

    @property
    def exchange(self) -> ChipWorth:
        """The old name of `worth`."""
        warnings.warn(
            "`exchange` of a result is now `worth`", DeprecationWarning, stacklevel=2
        )
        return self.worth

    @cached_property
    def stock(self) -> tuple[Floats, Floats]:
        """Times, and the chips in working nodes from then on, a column for each pool of `worth`."""
        return self._nodes_in(USABLE)

    @cached_property
    def owned(self) -> tuple[Floats, Floats]:
        """As `stock`, with the chips in nodes that are under repair: an outage outgrows none."""
        return self._nodes_in(USABLE | MENDED)

    def _nodes_in(self, places: frozenset[str]) -> tuple[Floats, Floats]:
        series = [levels(self, places, pool, loose=False) for pool in self.worth.pools]
        # Pools change at different times: all are asked at each of them.
        times = np.unique(np.concatenate([times for times, _ in series]))
        return times, np.column_stack([at(*one, times) for one in series]).astype(float)

    @cached_property
    def crossing(self) -> float:
        """Seconds until the fleet first cannot staff the next run.

        Of a growing programme the moment at which the need passes what is available, between runs
        too; of a list the date of the first run that was short of chips. nan if that does not come
        before the horizon. A node under repair is still there: an outage outgrows no stock.
        """
        scenario, programme = self.scenario, self.scenario.runs
        if not isinstance(programme, Programme):
            return min((run.due for run in self.runs if run.short), default=math.nan)
        times, chips = self.owned
        return first_time(
            times,
            self.worth.available(chips),
            programme.chips,
            growth_of(programme),
            first_due(programme, scenario.start),
            scenario.horizon,
            met=False,
        )

    @cached_property
    def reach(self) -> Reach:
        """How large a run the stock could staff; the scenario must have an outlook."""
        return Reach(self)

    @property
    def crossed(self) -> bool:
        """Whether that came before the horizon."""
        return not math.isnan(self.crossing)

    @cached_property
    def costs(self) -> Costs:
        """Rental, amortised purchase and energy of the chips that the runs held."""
        held = [self._cost_of(run) for run in self.staffed_runs]
        return Costs(
            rental=math.fsum(cost.rental for cost in held),
            amortised=math.fsum(cost.amortised for cost in held),
            energy=math.fsum(cost.energy for cost in held),
        )

    def _cost_of(self, run: ProgrammeRun) -> Costs:
        scenario = self.scenario
        return economics.cost_of(
            [scenario.fleet[name] for name in run.chips],
            list(run.chips.values()),
            run.ended - run.started,
            scenario.start + dt.timedelta(seconds=run.started),
            scenario.costs,
            # A programme owns its chips: they lose value from its start on, in a run or not.
            bought=scenario.start,
        )

    @cached_property
    def bill(self) -> Bill:
        """What the whole stock has cost: purchase, premium, repair, energy of all powered chips."""
        powered = dict.fromkeys(self.scenario.fleet, 0.0)
        for (name, place), seconds in self.chip_seconds.items():
            if place in POWERED:
                powered[name] += seconds
        return economics.bill(self.scenario, self.bought, self.repairs, powered)
