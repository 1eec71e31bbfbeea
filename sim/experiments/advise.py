"""Which settings to choose: a search over options on common random numbers.

The search is the fully sequential procedure KN of Kim and Nelson (ACM TOMACS 11, 2001): all options
run the same replications, and one is given up as soon as the differences to another, pair by pair,
leave no room for it to be the better by more than δ. Where it ends with one option left, that is
within δ of the best with a probability of 0.95 or more, by Bonferroni's bound over all pairs.

The procedure takes differences for normal, but often only rare runs differ. So variances come from
all runs so far, as in KN++ (Kim and Nelson, Operations Research 54, 2006), and none is given up for
a lead that three unseen runs could undo, unless three of them amount to no more than δ.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import shlex
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Unpack

import numpy as np
from scipy.special import stdtrit

from sim.errors import InputError
from sim.experiments.advice import Advice, Goal, Option, words
from sim.experiments.executors import Execution, open_workers
from sim.experiments.precision import UNSEEN
from sim.experiments.store import Outcome, Point, Setting
from sim.results.ledger import DAY, Floats
from sim.results.metrics import check_metric
from sim.scenario import Scenario
from sim.scenario.guards import (
    check_among,
    check_date,
    check_lists,
    check_scenario,
    check_share,
    check_whole,
)
from sim.throughput.elastic import POLICIES

FIRST = 20
"""Replications of every option before the first look."""
CONFIDENCE = 0.95
WITHIN = 0.01
"""The default of δ: a share of days or cost, and a probability."""
METRICS = {"days": "wall_days", "cost": "cost_rental_usd", "finish": "wall_days"}
INTERVALS = ("5 min", "15 min", "30 min", "1 h", "optimal")
SPARES = (0.0, 0.5, 1.0, 2.0)
"""Of the hot spares that the scenario has."""
POLICY = "recovery.policy"


def choices(scenario: Scenario) -> dict[str, list[Any]]:
    """Values to choose among where none are given: interval, hot spares, policy and crew.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> list(choices(load_scenario("deepseek-v3")))
    ['checkpoint.interval', 'fleet.good.hot_spares', 'recovery.policy']
    """
    pool = min(scenario.fleet)
    spec = scenario.fleet[pool]
    some = round(spec.hot_spares) or max(spec.active_nodes // 64, 1)
    found: dict[str, list[Any]] = {
        "checkpoint.interval": list(INTERVALS),
        f"fleet.{pool}.hot_spares": sorted({round(some * share) for share in SPARES}),
        POLICY: ["wait", *POLICIES],
    }
    if scenario.recovery.crew is not None:
        crew = round(scenario.recovery.crew)
        found["recovery.crew"] = [crew, 2 * crew]
    return found


def advise(
    scenario: Scenario,
    choose: Mapping[str, Sequence[Any]] | None = None,
    *,
    goal: Goal = "days",
    by: dt.date | None = None,
    within: float | None = None,
    most: int = 1000,
    seed: int = 0,
    called: str | None = None,
    **execution: Unpack[Execution],
) -> Advice:
    """Find the settings with which a run is fastest, cheapest or surest to finish by a date.

    Parameters
    ----------
    scenario : Scenario
    choose : mapping of str to sequence, optional
        Values by dotted path, every combination of which is an option; `choices` unless given.
    goal : {"days", "cost", "finish"}
        Fewest days, least rental, or the greatest probability to finish by a date.
    by : datetime.date, optional
        That date.
    within : float, optional
        δ: a share of the least mean of days or cost, or a probability; 0.01 unless given.
    most : int
        Replications of an option after which the search is given up.
    seed, **execution
        As for `replicate`.
    called : str, optional
        What the command line calls the scenario; its name unless given.

    Raises
    ------
    InputError
        When nothing is left to choose, or a date is missing or not within the horizon.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> scenario = load_scenario("deepseek-v3")
    >>> advise(scenario, {"checkpoint.interval": ["30 min", "8 h"]}).pick.at
    {'checkpoint.interval': '30 min'}
    """
    check_scenario(scenario)
    check_among("goal", goal, METRICS)
    check_whole("most", most, FIRST)
    if within is not None:
        check_share("within", within)
    check_lists("choose", choose or {})
    if goal == "finish":
        days = _days(scenario, by)
    elif by is None:
        days = math.inf
    else:
        raise InputError("a date (--by) goes with the goal finish (--for finish)", key="by")
    check_metric(METRICS[goal], scenario)
    values = choose or choices(scenario)
    options, left_out = _options(scenario, values, strict=bool(choose))
    search = Search(len(options), goal, WITHIN if within is None else within)
    asked: list[Setting] = []
    with open_workers(**execution) as workers:
        done = 0
        while not search.over and done < most:
            # Later blocks are longer: each look costs, and late differences are small.
            block = range(done, min(max(FIRST, done * 3 // 2), most))
            points = [Point(options[k][1], seed, block) for k in search.alive]
            for k, outcomes in zip(search.alive, workers.run(points), strict=True):
                search.outcomes[k] += outcomes
            asked += zip([options[k][0] for k in search.alive], points, strict=True)
            done = block.stop
            search.look(done, days)
        workers.record("advise", asked)
    found = _judged(options, search, called or scenario.name)
    # What has not been seen in so many runs may still turn a lead.
    bound = max(
        (search.unseen - option.lo for option in found[1:] if option.alike), default=0.0
    )
    edges = _edges(values, found[0].at)
    return Advice(goal, search.delta, search.over, bound, found, edges, left_out)


def _edges(values: Mapping[str, Sequence[Any]], at: Mapping[str, Any]) -> list[str]:
    """Paths at which the pick has the first or the last value, so that the best may lie beyond."""
    found = []
    for path, tried in values.items():
        # A policy has no order, and of spares there can be none fewer than none.
        ordered = len(tried) > 2 and path != POLICY
        if ordered and at[path] in (tried[0], tried[-1]) and at[path] != 0:
            found.append(path)
    return found


class Search:
    """The state of the procedure: the outcomes of each option, and which are not given up.

    Parameters
    ----------
    options : int
    goal : str
    within : float
        As for `advise`.
    """

    def __init__(self, options: int, goal: Goal, within: float) -> None:
        self.goal: Goal = goal
        self.alive = list(range(options))
        self.outcomes: list[list[Outcome]] = [[] for _ in range(options)]
        self.losses: list[Floats] = []
        """What is to be small, by option and replication."""
        self.delta = within
        self.unseen = 0.0
        """What runs that have not been seen may change of a mean."""
        # c = 1 in the paper: the region ends where the difference can be no more than δ.
        pairs = max(options - 1, 1)
        spread = (2 * (1 - CONFIDENCE) / pairs) ** (-2 / (FIRST - 1)) - 1
        self._room = spread * (FIRST - 1)

    @property
    def over(self) -> bool:
        """Whether one option is left; of a single one it is still asked what it costs."""
        return bool(self.losses) and len(self.alive) == 1

    def look(self, done: int, days: float) -> None:
        """Give up the options that can no longer be better by δ than another."""
        self.losses = [_losses(outcomes, self.goal, days) for outcomes in self.outcomes]
        rows = np.array([self.losses[k] for k in self.alive])
        if not np.isfinite(rows).all():
            raise InputError("the cost of a pool is not known: give its chip a rental")
        if done == FIRST and self.goal != "finish":
            self.delta *= float(rows.mean(axis=1).min())
        variances = np.array([(rows - row).var(axis=1, ddof=1) for row in rows])
        room = (self._room * variances / self.delta - self.delta * done) / 2
        # Where only rare runs differ, the variance says nothing until one of them has been seen.
        unseen = UNSEEN * (1.0 if self.goal == "finish" else np.ptp(rows))
        if unseen <= self.delta * done:
            unseen = 0.0
        self.unseen = unseen / done
        room = np.maximum(room, unseen)
        sums = rows.sum(axis=1)
        behind = sums[:, None] - sums
        # Of two that are equal to the last digit the first stays.
        beaten = (behind > room) | np.tril((behind == 0) & (room == 0), -1)
        self.alive = [
            k for k, lost in zip(self.alive, beaten.any(axis=1), strict=True) if not lost
        ]


def _losses(outcomes: Sequence[Outcome], goal: Goal, days: float) -> Floats:
    """What is to be small: days, cost, or −1 for a run that has finished in time."""
    values = np.array([outcome.metrics[METRICS[goal]] for outcome in outcomes])
    if goal != "finish":
        return values
    finished = np.array([outcome.finished for outcome in outcomes])
    return np.where(finished & (values <= days), -1.0, 0.0)


def _days(scenario: Scenario, by: dt.date | None) -> float:
    if by is None:
        raise InputError("give the date by which the run is to finish (--by)")
    days = (check_date("by", by) - scenario.start).days
    if not 0 < days <= scenario.horizon / DAY:
        end = scenario.start + dt.timedelta(seconds=scenario.horizon)
        raise InputError(
            f"{by} is not between the start {scenario.start} and the horizon {end}"
        )
    return days


def _options(
    scenario: Scenario, values: Mapping[str, Sequence[Any]], *, strict: bool
) -> tuple[list[tuple[dict[str, Any], Scenario]], list[str]]:
    """All combinations that are scenarios; of values that were asked for each must be one."""
    found = []
    left_out = []
    for combination in product(*values.values()):
        at = dict(zip(values, combination, strict=True))
        # A value that is given twice is one option.
        if at in (other for other, _ in found):
            continue
        try:
            found.append((at, scenario.override(at)))
        except InputError as error:
            if strict:
                raise
            left_out.append(f"{words(at)} ({error})")
    if not found:
        raise InputError(f"nothing to choose among: {'; '.join(left_out)}")
    return found, left_out


def _judged(
    choices: Sequence[tuple[dict[str, Any], Scenario]], search: Search, called: str
) -> list[Option]:
    """What the search says of each option, the pick first."""
    losses = search.losses
    pick = min(search.alive, key=lambda k: float(losses[k].mean()))
    first = np.array([loss[:FIRST] for loss in losses])
    least = first == first.min(axis=0)
    # Options that are best in one draw share it.
    best = (least / least.sum(axis=0)).mean(axis=1)
    sign = -1.0 if search.goal == "finish" else 1.0
    means = np.array([_means(outcomes) for outcomes in search.outcomes])
    priced = bool(np.isfinite(means[pick, 1]))
    options = []
    for k, (at, option) in enumerate(choices):
        behind, half = _paired(losses[k], losses[pick], len(choices))
        judged = Option(
            at=at,
            replications=len(losses[k]),
            days=float(means[k, 0]),
            cost=float(means[k, 1]) if priced else None,
            value=sign * float(losses[k].mean()),
            behind=behind,
            lo=behind - half,
            hi=behind + half,
            best=float(best[k]),
            alike=k != pick and behind - half <= 0,
            front=priced and _preferred(means, k),
            command=shlex.join(["sim", "run", called, *_sets(option.changed)]),
        )
        options.append(judged)
    chosen = options.pop(pick)
    return [chosen, *sorted(options, key=lambda option: sign * option.value)]


def _preferred(means: Floats, k: int) -> bool:
    """Whether no other option is both cheaper and faster, by the means."""
    better = (means <= means[k]).all(axis=1) & (means < means[k]).any(axis=1)
    # Of several with the same means one is enough.
    twins = (means[:k] == means[k]).all(axis=1)
    return not (better.any() or twins.any())


def _means(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    rows = [(one.metrics["wall_days"], one.metrics[METRICS["cost"]]) for one in outcomes]
    days, cost = np.array(rows).mean(axis=0)
    return float(days), float(cost)


def _paired(loss: Floats, other: Floats, options: int) -> tuple[float, float]:
    """The mean of paired differences, and the half of its interval, simultaneous over options."""
    n = min(len(loss), len(other))
    difference = loss[:n] - other[:n]
    level = 1 - (1 - CONFIDENCE) / (2 * max(options - 1, 1))
    half = stdtrit(n - 1, level) * difference.std(ddof=1) / math.sqrt(n)
    return float(difference.mean()), float(half)


def _sets(changes: Mapping[str, Any]) -> list[str]:
    """The words of a command line that set values."""
    found = []
    for path, value in changes.items():
        # JSON is YAML, but text needs no quotes of its own.
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        found += ["--set", f"{path}={text}"]
    return found
