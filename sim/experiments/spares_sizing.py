"""How many spares it takes, or how long a checkpoint interval may be, to finish by a date."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Unpack

from sim.errors import InputError
from sim.experiments.executors import Execution, Workers, open_workers
from sim.experiments.intervals import proportion
from sim.experiments.store import Outcome, Point, Setting
from sim.quantities.uncertain import highest
from sim.results.answer import Answer
from sim.results.ledger import DAY
from sim.scenario import Scenario
from sim.scenario.guards import check_date, check_scenario, check_share, check_whole
from sim.throughput import Throughput

DOUBLING = (0, *(2**k for k in range(13)))
FEW = 64
"""Spares that are tried even of a smaller pool."""
LONGEST = 86400.0
"""Interval tried, in seconds."""


@dataclass(frozen=True, repr=False)
class Size(Answer):
    """The answer of `size_stock`.

    Attributes
    ----------
    path, unit : str
        What was varied, and in which unit.
    value : int or None
        The smallest number of spares, or the longest interval, that meets the probability; None if
        none tried does.
    lo, hi : int or None
        The same where the upper, or lower, end of the 95 % interval of the probability meets it;
        None if none does.
    tried : dict
        By number tried, in their order: `p`, the share of replications that finished by the date,
        and its Wilson interval `lo`, `hi`.
    limit : str
        Why no number tried is enough, or why the number makes no difference; empty otherwise.
    """

    path: str
    unit: str
    by: dt.date
    probability: float
    value: int | None
    lo: int | None
    hi: int | None
    replications: int
    tried: dict[int, dict[str, float]]
    limit: str = ""

    def report(self) -> dict[str, Any]:
        """Everything the command line prints as JSON."""
        tried = {str(number): share for number, share in self.tried.items()}
        return {**vars(self), "by": self.by.isoformat(), "tried": tried}

    def __str__(self) -> str:
        found = "no number tried is enough"
        if self.value is not None:
            unit = "nodes" if self.path.endswith("_spares") else self.unit
            low, high = ("none tried" if end is None else end for end in (self.lo, self.hi))
            found = f"{self.value} {unit} (95 %: {low} … {high})"
        if self.limit:
            found += f"; {self.limit}"
        text = f"{self.path} to finish by {self.by} with probability {self.probability:g}: {found}"
        for number, share in self.tried.items():
            text += f"\n{number:8} {share['p']:7.1%}  ({share['lo']:.1%} … {share['hi']:.1%})"
        return text


def size_stock(
    scenario: Scenario,
    by: dt.date,
    probability: float = 0.9,
    *,
    spares: str | None = None,
    longest_interval: bool = False,
    n: int = 200,
    seed: int = 0,
    fixed_inputs: bool = False,
    **execution: Unpack[Execution],
) -> Size:
    """Find the fewest spares, or the longest interval, with which a run finishes by a date.

    Numbers are doubled until one is on the other side, then halved in between, every one on the
    same replications (common random numbers), so that more spares never seem worse by chance. No
    more spares are tried than the pool has active nodes, or 64.

    Parameters
    ----------
    scenario : Scenario
    by : datetime.date
        Takes the place of the horizon.
    probability : float
        With which the run is to finish by then.
    spares : str, optional
        Dotted path of the number to find; the first pool's `cold_spares` unless given.
    longest_interval : bool
        Instead, find the longest checkpoint interval, in whole minutes.
    n, seed, fixed_inputs, **execution
        As for `replicate`.

    Raises
    ------
    InputError
        When the date is not after the start, the scenario is about a stock over years without
        runs, or both spares and the interval are asked for.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> size_stock(load_scenario("deepseek-v3"), dt.date(2024, 12, 1), 0.5, n=5).path
    'fleet.good.cold_spares'
    """
    check_whole("n", n, 1)
    check_share("probability", probability)
    if spares is not None and longest_interval:
        raise InputError(
            "give either spares or longest_interval (--spares, --longest-interval)"
        )
    by = check_date("by", by)
    days = _days(scenario, by)
    path = str(spares or f"fleet.{next(iter(scenario.fleet))}.cold_spares")
    numbers = _spares(scenario, path)
    if longest_interval:
        path = "checkpoint.interval"
        numbers = _intervals(scenario)
    told = {"by": by, "probability": probability, "of": path}
    about = [(told, Point(scenario, seed, range(n), {}, fixed_inputs))]
    with open_workers(**execution) as workers:
        workers.check("size-stock", about)
        tries = Tries(about[0][1], path, "min" if longest_interval else "", days, workers)
        # Where even the most spares are too few, fewer need not be tried.
        hopeless = not longest_interval and tries.share(numbers[-1])["hi"] < probability
        found: dict[str, int | None] = {"p": None, "lo": None, "hi": None}
        for bound in () if hopeless else found:
            found[bound] = _edge(
                numbers, lambda number, end=bound: tries.share(number)[end] >= probability
            )
        workers.record("size-stock", tries.settings(), about)
    # One spare more makes it easier, a longer interval harder.
    ends = ("lo", "hi") if longest_interval else ("hi", "lo")
    lo, hi = (found[end] for end in ends)
    tried = {number: tries.share(number) for number in sorted(tries.points)}
    limits = _why_same(scenario, path, list(tries.ends.values()))
    if found["p"] is None:
        most = f"no {'shorter' if longest_interval else 'more'} than {numbers[-1]} are tried"
        limits.append(_why_not(scenario, days) or most)
    elif longest_interval and found["p"] == numbers[0]:
        limits.append("no longer one is tried")
    why = "; ".join(limits)
    return Size(path, tries.unit, by, probability, found["p"], lo, hi, n, tried, why)


class Tries:
    """Numbers that have been tried, each on the same replications.

    Parameters
    ----------
    point : Point
        The replications.
    path, unit : str
        What is varied, and in which unit.
    days : int
        The horizon.
    workers : Workers
    """

    def __init__(
        self, point: Point, path: str, unit: str, days: int, workers: Workers
    ) -> None:
        self.path = path
        self.unit = unit
        self.points: dict[int, Point] = {}
        self.ends: dict[int, list[list[float]]] = {}
        """How each run ended, by number."""
        self.share = cache(self._share)
        self._point = point
        self._days = days
        self._workers = workers

    def settings(self) -> list[Setting]:
        """What was set at each point, the numbers in their order."""
        return [({self.path: number}, point) for number, point in sorted(self.points.items())]

    def _share(self, number: int) -> dict[str, float]:
        """The share of runs that finished with a number, and its interval."""
        changes = {self.path: f"{number} {self.unit}".strip(), "horizon": f"{self._days} d"}
        point = replace(self._point, scenario=self._point.scenario.override(changes))
        [outcomes] = self._workers.run([point])
        self.points[number] = point
        self.ends[number] = [_end(outcome) for outcome in outcomes]
        return proportion([outcome.finished for outcome in outcomes], "p")


def _days(scenario: Scenario, by: dt.date) -> int:
    """Days from the start of a scenario to a date by which something of it can be finished."""
    check_scenario(scenario)
    days = (by - scenario.start).days
    if days <= 0:
        raise InputError(f"{by} is not after the start of {scenario.name}, {scenario.start}")
    if scenario.over_years and not scenario.runs:
        raise InputError(
            f"{scenario.name}: a stock over years has no run to finish by a date"
        )
    return days


def _spares(scenario: Scenario, path: str) -> Sequence[int]:
    """Numbers of spares to try: doubled up to the active nodes of their pool."""
    pool = scenario.fleet.get(path.removeprefix("fleet.").rpartition(".")[0])
    if pool is None:
        return DOUBLING
    most = max(pool.active_nodes, FEW)
    return [*(number for number in DOUBLING if number < most), most]


def _intervals(scenario: Scenario) -> list[int]:
    """Checkpoint intervals to try, in minutes, the longest first."""
    checkpoint = scenario.checkpoint
    # A checkpoint must be durable before the next one is written.
    shortest = highest(checkpoint.blocking) + highest(checkpoint.flush or 0.0)
    return [number for number in DOUBLING[:0:-1] if shortest <= 60 * number <= LONGEST]


def _edge(numbers: Sequence[int], ok: Callable[[int], bool]) -> int | None:
    """The first number that is ok, among `numbers` and then between it and the one before."""
    first = next((k for k, number in enumerate(numbers) if ok(number)), None)
    if first is None:
        return None
    good = numbers[first]
    if first == 0:
        return good
    bad = numbers[first - 1]
    step = 1 if good > bad else -1
    between = range(bad + step, good + step, step)
    # The last of them is known to be ok.
    return between[bisect_left(between, True, hi=len(between) - 1, key=ok)]


def _end(outcome: Outcome) -> list[float]:
    """How a run ends: what more spares could change."""
    kept = ("wall_days", "crossing_days", "runs_staffed", "runs_finished")
    return [outcome.metrics[name] for name in kept if name in outcome.metrics]


def _why_same(scenario: Scenario, path: str, ends: Sequence[list[list[float]]]) -> list[str]:
    """Why the numbers tried make no difference, or little."""
    reasons = []
    if len(ends) > 1 and all(end == ends[0] for end in ends):
        reasons.append(f"nothing was changed: every run ends the same whatever {path} is")
    if scenario.runs:
        reasons.append(
            "a programme counts as finished when its staffed runs are; what spares do for it "
            "shows its crossing_days (sim sweep)"
        )
    return reasons


def _why_not(scenario: Scenario, days: int) -> str:
    """Why nothing is enough, if the chips are too few; empty otherwise."""
    fleet = Throughput(
        scenario.run, scenario.fleet, scenario.mixing, constants=scenario.constants
    )
    least = scenario.run.tokens / fleet.full.tokens_per_s / DAY
    if least > days:
        return (
            f"the chips limit, not the spares: with every node at work and no failure it takes "
            f"{least:,.1f} days, and there are {days}"
        )
    return ""
