"""Worlds side by side: how large a run could be staffed in each, under the same luck."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Unpack

import numpy as np
import pandas as pd

from sim.engine import worth_of
from sim.errors import InputError
from sim.experiments.dates import day_of, days_to, shift_told, shifts, when
from sim.experiments.executors import Execution
from sim.experiments.intervals import (
    band,
    digits,
    figures,
    median_interval,
    proportion,
    spread,
)
from sim.experiments.replicate import Replications
from sim.experiments.sweep import study
from sim.results.ledger import DAY, Floats
from sim.scenario import Scenario
from sim.scenario.guards import check_list, check_scenario
from sim.scenario.worlds import overlaps

AS_IT_WAS = "as-it-was"
"""The scenario without a layer, with which the others are compared."""
MEDIAN = ("median", "lo", "hi")
RATIO = ("ratio", "ratio_lo", "ratio_hi")
SHIFT = ("shift", "shift_lo", "shift_hi")
"""Columns of numbers with their 95 % intervals."""
Row = dict[Hashable, Any]
QUANTITIES = {
    "chips": "reference chips",
    "home": "on chips at home",
    "h100": "H100 by BF16 peak",
    "flop": "FLOP",
}


@dataclass(frozen=True)
class Worlds:
    """Replications of a scenario and of its worlds; replication k has the same luck in all.

    Attributes
    ----------
    scenario : Scenario
        As it was.
    runs : mapping of str to Replications
        By world, the scenario as it was first.
    titles : mapping of str to str
    worth : mapping of str to float
        What a chip of each pool is worth, in chips of the reference pool.
    notes : sequence of str
        Keys on which two layers of a stack differ, and which of them holds.
    """

    scenario: Scenario
    runs: Mapping[str, Replications]
    titles: Mapping[str, str]
    worth: Mapping[str, float]
    notes: Sequence[str] = field(default_factory=tuple)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row for each world, date and quantity.

        `median` with its 95 % interval from `lo` to `hi` (order statistics), `p5` and `p95` of the
        outcomes, and the median over pairs of the ratio to the world as it was, from `ratio_lo` to
        `ratio_hi`, in which needs and one run's part of a fleet cancel. The quantity `home` is the
        largest run on chips at home: where chips abroad staff a larger one, they hide what a
        control did at home.
        """
        rows = []
        for world, date in itertools.product(self.runs, self.scenario.dates):
            for quantity, metric in self._metrics(world, date):
                about = {"world": world, "date": date, "quantity": quantity}
                rows.append(about | self._numbers(world, metric))
        return pd.DataFrame(rows)

    def _metrics(self, world: str, date: dt.date) -> Iterator[tuple[str, str]]:
        for quantity in QUANTITIES:
            yield quantity, f"largest.{date}_{quantity}"
        for need, _ in self._needs(world):
            yield f"reach of {need}", f"reach.{need}.{date}"

    def _needs(self, world: str) -> Iterator[tuple[str, str]]:
        """The needs of a world and their titles, without a trend that is the real world's own."""
        assert self.scenario.outlook is not None
        for name, need in self.scenario.outlook.needs.items():
            if world == AS_IT_WAS or not need.as_it_was:
                yield name, need.title or name

    def _numbers(self, world: str, metric: str) -> dict[str, Any]:
        values = self._values(world, metric)
        # A need that begins later has no reach yet, and that is not a number.
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = median_interval(values / self._values(AS_IT_WAS, metric), RATIO)
        # The columns stand in this order in the tables that were published.
        known = {"lo": None, "hi": None} | median_interval(values, MEDIAN)
        return {**known, **band(values), **ratio}

    def _values(self, world: str, metric: str) -> Floats:
        return self.runs[world].values(metric)

    @cached_property
    def abroad(self) -> pd.DataFrame:
        """In which `share` of the replications the largest run stands abroad, by world and date.

        With its 95 % interval from `lo` to `hi` (Wilson). Empty where no chips stand abroad.
        """
        rows = []
        if any(pool.abroad for pool in self.scenario.fleet.values()):
            for world, date in itertools.product(self.runs, self.scenario.dates):
                largest = self._values(world, f"largest.{date}_chips")
                away = largest > self._values(world, f"largest.{date}_home")
                rows.append({"world": world, "date": date, **proportion(away, "share")})
        return pd.DataFrame(rows)

    @cached_property
    def met(self) -> pd.DataFrame:
        """When a run could first be staffed that meets a need: a row for each world and need.

        `share` of the replications in which that comes before the horizon, with its 95 % interval
        (Wilson), `never` the others, the dates `p5`, `median` and `p95` (None where most come
        later or never), and the `shift` in days against the world as it was: a median over pairs,
        from `shift_lo` to `shift_hi`, infinite where most pairs never come to it.
        """
        rows = [
            {"world": world, "need": need, **self._when(world, need)}
            for world in self.runs
            for need, _ in self._needs(world)
        ]
        return pd.DataFrame(rows)

    def _when(self, world: str, need: str) -> dict[str, Any]:
        days = self._days(world, need)
        known = proportion(np.isfinite(days), "share")
        quantiles = spread(days, "inverted_cdf")
        dates = {name: day_of(self.scenario, day) for name, day in quantiles.items()}
        # Of a pair that comes to it in neither world nothing is known.
        shift = median_interval(shifts(days, self._days(AS_IT_WAS, need)), SHIFT)
        return {**known, "never": 1 - known["share"], **dates, **shift}

    def _days(self, world: str, need: str) -> Floats:
        return days_to(self.runs[world], f"met.{need}_days")

    def curve(self, world: str, need: str) -> pd.DataFrame:
        """The share of replications in which a need is met by a date: `date` and `share`."""
        days = self._days(world, need)
        seen = np.sort(days[np.isfinite(days)])
        shares = np.arange(1, len(seen) + 1) / len(days)
        dates = [day_of(self.scenario, day) for day in seen]
        return pd.DataFrame({"date": dates, "share": shares})

    def unchanged(self) -> list[str]:
        """Worlds in which every number is the same as it was: their layer touches nothing."""
        base = self.runs[AS_IT_WAS].frame
        found = []
        for name, runs in self.runs.items():
            # A world may have pools that the others lack.
            shared = base.columns.intersection(runs.frame.columns)
            if name != AS_IT_WAS and runs.frame[shared].equals(base[shared]):
                found.append(name)
        return found

    def report(self) -> dict[str, Any]:
        """Everything the command line prints as JSON."""
        base = self.runs[AS_IT_WAS]
        return {
            "scenario": base.scenario,
            "seed": base.seed,
            "replications": len(base.outcomes),
            "represents": self.scenario.represents,
            "titles": dict(self.titles),
            "worth": dict(self.worth),
            "notes": [*self.notes],
            "unchanged": self.unchanged(),
            "largest": _plain(self.frame),
            "abroad": _plain(self.abroad),
            "met": _plain(self.met),
        }

    def __str__(self) -> str:
        base = self.runs[AS_IT_WAS]
        outlook = self.scenario.outlook
        assert outlook is not None
        reference = self.scenario.fleet[self.scenario.reference_pool].chip.name
        worth = ", ".join(f"{pool} {value:.2f}" for pool, value in self.worth.items())
        lines = [
            f"{len(base.outcomes)} replications of each world, the same luck in all; one simulated "
            f"chip stands for {self.scenario.represents:,g}",
            f"a run of {outlook.length / DAY:g} days, shares by route {outlook.shares.route}; "
            f"chips in {reference} at {self.scenario.run.model.name}: {worth}",
            "medians with their 95 % intervals; × as it was: median of pairs, in which needs and "
            "one run's part of a fleet cancel; no run spans chips at home and abroad",
        ]
        for date in self.scenario.dates:
            lines += ["", f"largest run that could be staffed on {date}", self._table(date)]
        lines += ["", *self._sentences(), *self.notes]
        lines += [f"{self.titles[name]}: this changes nothing" for name in self.unchanged()]
        return "\n".join(lines)

    def _table(self, date: dt.date) -> str:
        quantities = dict(QUANTITIES)
        abroad = not self.abroad.empty
        if not abroad:
            quantities.pop("home")
        table = {}
        for world in self.runs:
            rows = {row["quantity"]: row for row in _rows(self.frame, world=world, date=date)}
            cells = {name: _told(rows[key], MEDIAN) for key, name in quantities.items()}
            for need, _ in self._needs(world):
                cells[f"over {need}"] = _told(rows[f"reach of {need}"], MEDIAN)
            cells["× as it was"] = _told(rows["chips"], RATIO)
            if abroad:
                cells["× at home"] = _told(rows["home"], RATIO)
                [away] = _rows(self.abroad, world=world, date=date)
                cells["stands abroad in"] = f"{away['share']:.0%}"
            table[self.titles[world]] = cells
        return pd.DataFrame(table).T.fillna("").to_string()

    def _sentences(self) -> list[str]:
        """When each need is met in each world, and in which share of the draws it never is."""
        found = []
        for world in self.runs:
            for need, title in self._needs(world):
                what = f"{self.titles[world]}: {title} comes in reach"
                words = when(self.scenario, self._days(world, need), what, "reaches it")
                found.append(words + self._shift(world, need))
        return found

    def _shift(self, world: str, need: str) -> str:
        """By how much later than as it was, in the median pair; as a bound where most never do."""
        [row] = _rows(self.met, world=world, need=need)
        value, low, high = _known(row, SHIFT)
        if world == AS_IT_WAS or value is None:
            return ""
        if value == low == high == 0:
            return "; as early as it was"
        side = "later"
        if value < 0 and low is not None and high is not None:
            side = "earlier"
            value, low, high = -value, -high, -low
        return f"; {side} than as it was by {shift_told(value, low, high)}, median of pairs"


def _rows(table: pd.DataFrame, **at: Any) -> list[Row]:
    """The rows of a table that have some values in some columns."""
    return [row for row in table.to_dict("records") if at.items() <= row.items()]


def _known(row: Row, names: Sequence[str]) -> list[float | None]:
    """Numbers of a row of a table, which has nan for what is not known."""
    return [None if pd.isna(row[name]) else float(row[name]) for name in names]


def _told(row: Row, names: Sequence[str]) -> str:
    """A number with its interval, no digit finer than that; nothing where it is not known."""
    value, lo, hi = _known(row, names)
    if value is None:
        return ""
    if lo is None or hi is None:
        return digits(value, None, None)
    told, start, end = (figures(one, lo, hi) for one in (value, lo, hi))
    return told if start == end else f"{told} ({start} … {end})"


def _plain(table: pd.DataFrame) -> list[Row]:
    """The rows of a table, with None for what JSON does not know."""
    strange = [math.inf, -math.inf, math.nan]
    return table.replace(dict.fromkeys(strange)).to_dict("records")


def worlds(
    scenario: Scenario,
    names: Sequence[str] = (),
    n: int = 100,
    *,
    at: Sequence[dt.date] = (),
    seed: int = 0,
    fixed_inputs: bool = False,
    **execution: Unpack[Execution],
) -> Worlds:
    """Put the worlds of a scenario side by side on common random numbers.

    Parameters
    ----------
    scenario : Scenario
        With an outlook.
    names : sequence of str
        Its worlds, all unless given; ``a+b`` puts the layer b on top of a.
    n : int
        Replications of each.
    at : sequence of datetime.date
        Dates at which the largest run is told; those of the outlook unless given.
    seed, fixed_inputs, **execution
        As for `replicate`.

    Raises
    ------
    InputError
        When the scenario has no outlook, or no such world.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> both = worlds(load_scenario("national-stock"), ["h20-never-blocked"], n=4)
    >>> list(both.runs)
    ['as-it-was', 'h20-never-blocked']
    """
    check_scenario(scenario)
    check_list("names", names)
    check_list("at", at)
    if scenario.outlook is None:
        raise InputError(
            f"{scenario.name}: the scenario has no outlook, so no worlds to compare"
        )
    if at:
        scenario = scenario.override({"outlook.dates": [str(date) for date in at]})
    scenarios = {AS_IT_WAS: scenario}
    titles = {AS_IT_WAS: "as it was"}
    notes = []
    for name in names or scenario.worlds:
        layers = str(name).split("+")
        scenarios[name] = scenario.in_world(*layers)
        titles[name] = " + ".join(scenario.worlds[layer].title or layer for layer in layers)
        notes += overlaps([(layer, scenario.worlds[layer]) for layer in layers])
    worth: dict[str, float] = {}
    for one in scenarios.values():
        worth |= worth_of(one)
    runs = study("world", scenarios, n, seed, fixed_inputs=fixed_inputs, **execution)
    return Worlds(scenario, runs, titles, worth, notes)
