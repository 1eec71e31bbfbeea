"""What chips are worth to a run, when a growing need outruns them, and what a programme of runs
leaves behind.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sim.results.ledger import DAY, HOUR, USABLE, YEAR
from sim.results.run import RunResult, economics
from sim.scenario import Pool
from sim.scenario.stock import Programme
from sim.throughput.chip_worth import Exchange

Floats = NDArray[np.float64]
NO_POOLS = Exchange((), (), ())


def growth_of(programme: Programme) -> float:
    """Factor a year by which the need of a run grows."""
    return programme.growth * YEAR


def crossing(
    times: Floats,
    available: Floats,
    chips: float,
    growth: float,
    horizon: float,
    start: float = 0.0,
) -> float:
    """When a need of ``chips · growth^years`` first exceeds what is available; nan if not before
    the horizon.

    Parameters
    ----------
    times, available : array of float
        Seconds at which what is available changes, beginning with 0, and what it is from then on.
    start : float
        Seconds at which the need begins, and its years.

    Examples
    --------
    >>> round(crossing(np.array([0.0]), np.array([10000.0]), 2048, 2.4, 10 * YEAR) / YEAR, 3)
    1.811
    """
    ends, begins = np.append(times[1:], horizon), np.maximum(times, start)
    most = chips * np.maximum(
        growth ** ((ends - start) / YEAR), growth ** ((begins - start) / YEAR)
    )
    late = (ends > start) & (available < most * (1 - 1e-12))
    if not late.any():
        return math.nan
    k = int(np.argmax(late))
    if available[k] < chips * growth ** ((begins[k] - start) / YEAR):
        return float(begins[k])
    return float(start + YEAR * math.log(available[k] / chips) / math.log(growth))


def first_due(programme: Programme, start: dt.date) -> float:
    """Seconds from the start of the scenario to the first run of a growing programme."""
    return (programme.first - start).days * DAY if programme.first else 0.0


def _nodes(pool: Pool) -> int:
    """Nodes of a pool that work when the scenario starts."""
    return pool.active_nodes + round(pool.hot_spares) + round(pool.cold_spares)


def _gain(move: str) -> int:
    """Chips by which a move, in the words of the trace, makes those in working nodes more."""
    origin, place, chips = move.split()
    return int(chips) * ((place in USABLE) - (origin in USABLE))


@dataclass(frozen=True)
class Outcome:
    """One run of a programme (seconds from the start); without `started` it could not be staffed."""

    number: int
    due: float
    needed: float
    available: float
    started: float = math.nan
    ended: float = math.nan
    finished: bool = False
    chips: Mapping[str, int] = field(default_factory=dict)
    tokens: float = 0.0
    productive: float = 0.0
    interruptions: int = 0

    @property
    def staffed(self) -> bool:
        return not math.isnan(self.started)

    @property
    def chip_hours(self) -> float:
        return (
            sum(self.chips.values()) * (self.ended - self.started) / HOUR if self.staffed else 0.0
        )


@dataclass(frozen=True)
class ProgrammeResult(RunResult):
    """A programme over years: every run, and what became of the chips. `wall` is the horizon."""

    runs: tuple[Outcome, ...] = ()
    exchange: Exchange = NO_POOLS
    repairs: int = 0
    bought: tuple[tuple[float, str, int, float], ...] = ()
    """Time, pool, chips and premium of all that was there or arrived."""

    @cached_property
    def stock(self) -> tuple[Floats, Floats]:
        """Times, and the chips in working nodes from then on, a column for each pool of `exchange`."""
        pools = self.exchange.pools
        fleet, column = self.question.fleet, {name: k for k, name in enumerate(pools)}
        changes = [
            (0.0, column[name], _nodes(fleet[name]) * fleet[name].chip.node_size) for name in pools
        ]
        gains = {words: _gain(words) for _, kind, _, words in self.trace if kind == "move"}
        for time, kind, entity, words in self.trace:
            if kind == "move" and gains[words]:
                changes.append((time, column[entity.rpartition(".")[0]], gains[words]))
        when, which, chips = (np.array(series) for series in zip(*changes, strict=True))
        times, place = np.unique(when, return_inverse=True)
        steps = np.zeros((len(times), len(pools)))
        np.add.at(steps, (place, which), chips)
        return times, np.cumsum(steps, axis=0)

    @cached_property
    def crossing(self) -> float:
        """Seconds until the fleet first cannot staff the next run; nan if that is not before the
        horizon.

        Of a growing programme the moment at which the need passes what is available, between runs
        too; of a list the date of the first run that could not be staffed.
        """
        programme = self.question.runs
        if isinstance(programme, Programme):
            times, chips = self.stock
            available = self.exchange.available(chips)
            due, horizon = first_due(programme, self.question.start), self.question.horizon
            return crossing(times, available, programme.chips, growth_of(programme), horizon, due)
        return min((run.due for run in self.runs if not run.staffed), default=math.nan)

    @property
    def crossed(self) -> bool:
        return not math.isnan(self.crossing)

    @cached_property
    def costs(self) -> economics.Costs:
        """Rental, amortised purchase and energy of the chips that the runs held."""
        question, fleet = self.question, self.question.fleet
        held = [
            economics.cost_of(
                [fleet[name] for name in run.chips],
                list(run.chips.values()),
                run.ended - run.started,
                question.start + dt.timedelta(seconds=run.started),
                question.costs,
                bought=question.start,
            )
            for run in self.runs
            if run.staffed
        ]
        return economics.Costs(
            *(math.fsum(getattr(c, key) for c in held) for key in ("rental", "amortised", "energy"))
        )

    @cached_property
    def bill(self) -> economics.Bill:
        """What the whole stock has cost: purchase, premium, repair, and the energy of all powered
        chips.
        """
        powered = {name: 0.0 for name in self.question.fleet}
        for (name, place), seconds in self.chip_seconds.items():
            powered[name] += seconds * (place in ("active", "hot_spare", "research"))
        return economics.bill(self.question, self.bought, self.repairs, powered)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """As of a run, summed over the runs of the programme, and what became of the stock.

        `crossing_days` is the horizon where the need does not outgrow the stock before it
        (`crossed` 0).
        """
        staffed = [run for run in self.runs if run.staffed]
        held = math.fsum(run.ended - run.started for run in staffed)
        bill, ends = self.bill, self.stock[1][-1]
        metrics = super().metrics | {
            "ettr": self.time["productive"] / held if held else math.nan,
            "goodput_tokens_per_s": self.tokens / held if held else math.nan,
            "mfu": math.nan,
            "gpu_hours_computing": self.active_chip_seconds / HOUR,
            "gpu_hours_allocated": math.fsum(run.chip_hours for run in staffed),
            "energy_mwh": bill.joules / 3.6e9,
            "runs_due": float(len(self.runs)),
            "runs_staffed": float(len(staffed)),
            "runs_finished": float(sum(run.finished for run in self.runs)),
            "crossing_days": min(self.crossing if self.crossed else math.inf, self.wall) / DAY,
            "crossed": float(self.crossed),
            "servers_usd": bill.servers,
            "network_usd": bill.network,
            "premium_usd": bill.premium,
            "repair_usd": bill.repair,
            "cost_full_usd": bill.total,
            "repairs": float(self.repairs),
        }
        return metrics | {
            f"usable.{n}_end": float(c) for n, c in zip(self.exchange.pools, ends, strict=True)
        }
