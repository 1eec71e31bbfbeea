"""Looking back: the stock of a country by line, and runs that happened and so were staffable.

A count of a source that fed a line shows only that the line was read off it rightly; evidence is a
count of another source, and every run that happened.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from functools import lru_cache
from typing import Any

import numpy as np

from sim import catalogue
from sim.catalogue import Entry
from sim.catalogue.evidence import CountedStock, TrainedRun
from sim.engine import simulate
from sim.engine.supply import Arrival, Policy, arrivals
from sim.experiments.intervals import band, median_interval, spread
from sim.results.ledger import DAY, Floats
from sim.results.programme import ProgrammeResult
from sim.scenario import load_scenario
from sim.streams import Luck
from sim.validation.report import Row

SCENARIO = "national-stock"
NEAR = 0.15
"""Largest difference of a median from the source of its line."""
START = dt.date(2022, 1, 1)
"""Of that scenario."""
SEED = 2026

Given = tuple[tuple[str, float], ...]


def rows(n: int = 100) -> list[Row]:
    """The table, from `n` replications, and three times as many of what comes.

    Of an input the median must lie in the published band and within `NEAR` of what is published,
    as far as its 95 % interval can tell. Other counts agree if the two 90 % bands overlap. A run
    that happened must be within the largest runs of 95 % of the replications.
    """
    found = []
    for name, entry in catalogue.table("stocks").items():
        item = entry.item
        # What comes is known before anything fails, so it takes no simulation.
        coming = _coming(tuple(item.given.items()), 3 * n)
        values = np.array([_come(one, item) for one in coming])
        ends = spread(values)
        ok = ends["p5"] <= item.high and ends["p95"] >= item.low
        if item.role == "input":
            known = median_interval(values)
            middle = ends["median"]
            near = [item.measured * (1 - NEAR), item.measured * (1 + NEAR)]
            least, most = known["lo"] or middle, known["hi"] or middle
            ok = least <= near[1] and most >= near[0] and item.low <= middle <= item.high
        about = {"unit": item.unit, "role": item.role}
        found.append(_row(name, entry, values, item.measured, ok, **about))
    simulated = _simulated(n)
    for name, entry in catalogue.table("trained").items():
        run = entry.item
        values = np.array([_largest(one, run) for one in simulated])
        needed = run.flop or run.chips or 0.0
        ok = spread(values)["p95"] >= needed
        unit = "FLOP" if run.flop else "chips"
        found.append(_row(name, entry, values, needed, ok, unit=unit, bound=True))
    return found


def _row(
    id: str, entry: Entry, values: Floats, expected: float, ok: bool, **about: Any
) -> Row:
    return Row(
        id,
        entry.item.title,
        float(np.median(values)),
        expected,
        ok,
        scenario=SCENARIO,
        source=entry.facts[0].source,
        **band(values),
        **about,
    )


@lru_cache(maxsize=4)
def _coming(given: Given, n: int) -> list[list[Arrival]]:
    """What arrives in each replication, with some unknown constants known."""
    scenario = load_scenario(SCENARIO).given(dict(given))
    assert scenario.start == START
    policy = Policy(scenario.policy, START)
    settled = (scenario.resolve(SEED, k) for k in range(n))
    return [arrivals(one, policy, Luck(SEED, k)) for k, one in enumerate(settled)]


def _come(coming: list[Arrival], item: CountedStock) -> float:
    """What has come to the pools between two dates, in the unit of the source."""
    begin = _evening(item.since) if item.since else -1.0
    # They are in order of time, and there are hundreds of thousands of them in all replications.
    first, last = (
        bisect_right(coming, date, key=lambda arrival: arrival.time)
        for date in (begin, _evening(item.date))
    )
    return sum(
        arrival.chips * item.units.get(arrival.pool, 0.0) for arrival in coming[first:last]
    )


def _simulated(n: int) -> list[ProgrammeResult]:
    scenario = load_scenario(SCENARIO)
    results = [simulate(scenario, SEED, k) for k in range(n)]
    return [result for result in results if isinstance(result, ProgrammeResult)]


def _largest(result: ProgrammeResult, run: TrainedRun) -> float:
    """Compute of the largest run when one began, or the chips of some pools that it could have."""
    reach = result.reach
    if run.flop and run.days:
        return reach.on(run.date, reach.flop) * run.days * DAY / reach.outlook.length
    pools = result.worth.pools
    columns = [pools.index(pool) for pool in run.pools or pools]
    return reach.on(run.date, reach.chips[:, columns].sum(axis=1))


def _evening(date: dt.date) -> float:
    return ((date - START).days + 1) * DAY
