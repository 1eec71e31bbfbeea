"""Worlds side by side: how large a run could be staffed in each, under the same luck."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Unpack

import numpy as np
import pandas as pd

from sim.engine import worth_of
from sim.errors import InputError
from sim.experiments.dates import day_of, days_to, shift_told, shifts, when
from sim.experiments.executors import Execution
from sim.experiments.intervals import digits, figures, median_interval, spread, wilson
from sim.experiments.replicate import Replications
from sim.experiments.sweep import study
from sim.results.ledger import DAY, Floats
from sim.scenario import Scenario
from sim.scenario.worlds import overlaps

AS_IT_WAS = "as-it-was"
"""The scenario without a layer, with which the others are compared."""
Row = dict[str, Any]
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
        return _table(self._largest, ("world", "date", "quantity"))

    @cached_property
    def _largest(self) -> dict[tuple[Any, ...], Row]:
        """What `frame` says, by world, date and quantity."""
        return {
            (world, date, quantity): self._numbers(world, metric)
            for world in self.runs
            for date in self.scenario.dates
            for quantity, metric in self._metrics(world, date)
        }

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

    def _numbers(self, world: str, metric: str) -> Row:
        values = self._values(world, metric)
        found: dict[str, float | None] = median_interval(values)
        found["median"] = found.pop("value")
        # A need that begins later has no reach yet.
        known = not np.isnan(values).any()
        ends = spread(values) if known else {"p5": None, "p95": None}
        ratio = median_interval(values / self._values(AS_IT_WAS, metric))
        return found | {
            "p5": ends["p5"],
            "p95": ends["p95"],
            "ratio": ratio["value"],
            "ratio_lo": ratio["lo"],
            "ratio_hi": ratio["hi"],
        }

    def _values(self, world: str, metric: str) -> Floats:
        return self.runs[world].frame[metric].to_numpy(dtype=float)

    @cached_property
    def abroad(self) -> pd.DataFrame:
        """In which `share` of the replications the largest run stands abroad, by world and date.

        With its 95 % interval from `lo` to `hi` (Wilson). Empty where no chips stand abroad.
        """
        return _table(self._abroad, ("world", "date"))

    @cached_property
    def _abroad(self) -> dict[tuple[Any, ...], Row]:
        """What `abroad` says, by world and date."""
        found = {}
        if any(pool.abroad for pool in self.scenario.fleet.values()):
            for world, date in itertools.product(self.runs, self.scenario.dates):
                largest, home = (
                    self._values(world, f"largest.{date}_{name}") for name in ("chips", "home")
                )
                away = int((largest > home).sum())
                found[world, date] = {"share": away / len(home), **wilson(away, len(home))}
        return found

    @cached_property
    def met(self) -> pd.DataFrame:
        """When a run could first be staffed that meets a need: a row for each world and need.

        `share` of the replications in which that comes before the horizon, with its 95 % interval
        (Wilson), `never` the others, the dates `p5`, `median` and `p95` (None where most come
        later or never), and the `shift` in days against the world as it was: a median over pairs,
        from `shift_lo` to `shift_hi`, infinite where most pairs never come to it.
        """
        return _table(self._met, ("world", "need"))

    @cached_property
    def _met(self) -> dict[tuple[Any, ...], Row]:
        """What `met` says, by world and need."""
        return {
            (world, need): self._when(world, need)
            for world in self.runs
            for need, _ in self._needs(world)
        }

    def _when(self, world: str, need: str) -> Row:
        days = self._days(world, need)
        done = int(np.isfinite(days).sum())
        quantiles = spread(days, "inverted_cdf")
        dates = {name: day_of(self.scenario, day) for name, day in quantiles.items()}
        # Of a pair that comes to it in neither world nothing is known.
        shift = median_interval(shifts(days, self._days(AS_IT_WAS, need)))
        return {
            "share": done / len(days),
            **wilson(done, len(days)),
            "never": 1 - done / len(days),
            **dates,
            "shift": shift["value"],
            "shift_lo": shift["lo"],
            "shift_hi": shift["hi"],
        }

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
        if not self._abroad:
            quantities.pop("home")
        table = {}
        for world in self.runs:
            rows = {key[2]: row for key, row in self._largest.items() if key[:2] == (world, date)}
            cells = {
                name: _told(rows[key], "median", "lo", "hi") for key, name in quantities.items()
            }
            for need, _ in self._needs(world):
                cells[f"over {need}"] = _told(rows[f"reach of {need}"], "median", "lo", "hi")
            cells["× as it was"] = _told(rows["chips"], "ratio", "ratio_lo", "ratio_hi")
            if self._abroad:
                cells["× at home"] = _told(rows["home"], "ratio", "ratio_lo", "ratio_hi")
                cells["stands abroad in"] = f"{self._abroad[world, date]['share']:.0%}"
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
        row = self._met[world, need]
        value, low, high = row["shift"], row["shift_lo"], row["shift_hi"]
        if world == AS_IT_WAS or value is None:
            return ""
        if value == low == high == 0:
            return "; as early as it was"
        side = "later"
        if value < 0 and low is not None and high is not None:
            side = "earlier"
            value, low, high = -value, -high, -low
        return f"; {side} than as it was by {shift_told(value, low, high)}, median of pairs"


def _told(row: Row, middle: str, low: str, high: str) -> str:
    """A number with its interval, no digit finer than that; nothing where it is not known."""
    value, lo, hi = row[middle], row[low], row[high]
    if value is None:
        return ""
    if lo is None or hi is None:
        return digits(value, None, None)
    told, start, end = (figures(one, lo, hi) for one in (value, lo, hi))
    return told if start == end else f"{told} ({start} … {end})"


def _table(rows: Mapping[tuple[Any, ...], Row], keys: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame([{**dict(zip(keys, key, strict=True)), **row} for key, row in rows.items()])


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, with None for what JSON does not know."""

    def plain(value: Any) -> Any:
        strange = isinstance(value, float) and not math.isfinite(value)
        return None if strange else value

    rows = table.to_dict("records")
    return [{str(key): plain(value) for key, value in row.items()} for row in rows]


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
    if scenario.outlook is None:
        raise InputError(f"{scenario.name}: the scenario has no outlook, so no worlds to compare")
    if at:
        scenario = scenario.override({"outlook.dates": [str(date) for date in at]})
    scenarios = {AS_IT_WAS: scenario}
    titles = {AS_IT_WAS: "as it was"}
    notes = []
    for name in names or scenario.worlds:
        layers = name.split("+")
        scenarios[name] = scenario.in_world(*layers)
        titles[name] = " + ".join(scenario.worlds[layer].title or layer for layer in layers)
        notes += overlaps([(layer, scenario.worlds[layer]) for layer in layers])
    worth: dict[str, float] = {}
    for one in scenarios.values():
        worth |= worth_of(one)
    runs = study("world", scenarios, n, seed, fixed_inputs=fixed_inputs, **execution)
    return Worlds(scenario, runs, titles, worth, notes)
