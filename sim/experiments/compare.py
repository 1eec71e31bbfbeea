"""Two scenarios side by side under the same luck."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from sim.experiments.dates import days_to, shift_told, shifts, whether
from sim.experiments.executors import Execution
from sim.experiments.intervals import ROUNDING, Summary, median_interval, summary, told
from sim.experiments.replicate import Replications
from sim.experiments.sweep import study
from sim.quantities.uncertain import Uncertain
from sim.results.answer import Answer
from sim.results.ledger import DAY, Floats
from sim.results.metrics import UNITS, check_metric, most_of
from sim.scenario import Scenario
from sim.scenario.differences import why_unchanged
from sim.scenario.guards import check_scenario


@dataclass(frozen=True, repr=False)
class Comparison(Answer):
    """What a pair of scenarios says of one metric.

    Attributes
    ----------
    a, b : Replications
        Replication k of both has the same luck and the same unknown constants.
    difference : dict
        b − a: its mean with Student's 95 % interval over pairs, `sd`, `p5`, `p95`; None throughout
        where not known, as a date is that does not come in every run.
    median : dict
        The median of b − a: its `value` with a 95 % interval `lo`, `hi` of order statistics.
    variance_reduction : float or None
        Var(a) + Var(b), the variance of a difference between independent runs, over that of the
        pairs; None if every pair differs by the same.
    censored : int
        Pairs of which a run did not finish or, where a date is compared, did not come to it.
    restricted_to_days : float, tuple or None
        Where pairs are censored, both runs of every pair are taken up to this day: the earlier of
        the two horizons. Where a horizon is not known, pairs have days of their own: the first and
        the last of them.
    unchanged : str
        Why every pair is twice the same run, if that is so.
    """

    metric: str
    a: Replications
    b: Replications
    difference: Summary
    median: dict[str, float | None]
    variance_reduction: float | None
    censored: int
    restricted_to_days: float | tuple[float, float] | None
    unchanged: str = ""

    def report(self) -> dict[str, Any]:
        """Everything the command line prints as JSON; what has no end is None."""
        found = {**vars(self), "pairs": len(self.a.outcomes)}
        ends = self.median.items()
        found["median"] = {
            key: end if end is None or math.isfinite(end) else None for key, end in ends
        }
        for side, runs in (("a", self.a), ("b", self.b)):
            found[side] = {"scenario": runs.scenario, "summary": runs.summary()[self.metric]}
            found[side]["finished"] = float(runs.frame["finished"].mean())
            if came := whether(self.metric, runs):
                found[side]["came"] = float(runs.values(came).mean())
        return found

    def __str__(self) -> str:
        values = self.difference
        pairs = len(self.a.outcomes)
        dates = bool(whether(self.metric, self.a))
        if dates and self.censored:
            return (
                f"{self.metric}, b − a: no mean, as in {self.censored} of {pairs} pairs it does "
                f"not come in both\nthe median of the pairs: {shift_told(*self.median.values())}"
            )
        if values["mean"] is None:
            unfinished = f"{self.censored} of {pairs} pairs are unfinished"
            return f"{self.metric}: not known, or not comparable while {unfinished}"
        unit = UNITS.get(self.metric, "")
        mean = told(values["mean"], values["lo"], values["hi"], unit)
        text = f"{self.metric}, b − a: {mean}, {pairs} pairs"
        if self.variance_reduction:
            text += f"; pairing divides the variance by {self.variance_reduction:.1f}"
        middle = self.median
        if middle["value"] is not None and pairs > 1:
            words = told(middle["value"], middle["lo"], middle["hi"], unit)
            text += f"\nthe median of the pairs: {words}"
        if self.unchanged:
            text += f"\nnothing was changed: {self.unchanged}"
        return text + self._restriction()

    def _restriction(self) -> str:
        match self.restricted_to_days:
            case None:
                return ""
            case (first, last):
                until = f"each is taken up to its own horizon, day {first:.4g} to {last:.4g}"
            case day:
                until = f"all are taken up to day {day:g}"
        words = f"\n{self.censored} pairs did not finish: {until}"
        if self.metric == "wall_days" and not any(self.difference.values()):
            words += "; both sides are cut off there, so the zero says nothing"
        return words


def compare(
    a: Scenario,
    b: Scenario,
    metric: str | None = None,
    n: int = 100,
    *,
    seed: int = 0,
    fixed_inputs: bool = False,
    **execution: Unpack[Execution],
) -> Comparison:
    """Compare two scenarios pair by pair on common random numbers.

    A run that did not finish is never taken for one that did: where there are any, `wall_days` is
    compared up to the earlier horizon of the pair (a difference of restricted means), and any other
    metric only if both horizons are the same.

    Parameters
    ----------
    a, b : Scenario
    metric : str, optional
        A name of `RunResult.metrics`: unless given, `crossing_days` of two programmes, else
        `wall_days`.
    n : int
        Number of pairs.
    seed, fixed_inputs, **execution
        As for `replicate`.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> a = load_scenario("deepseek-v3")
    >>> compare(a, a.override({"checkpoint.interval": "2 h"}), n=20).difference["mean"] > 0
    True
    """
    check_scenario(a)
    check_scenario(b)
    metric = check_metric(metric, a, b)
    runs = study("side", {"a": a, "b": b}, n, seed, fixed_inputs=fixed_inputs, **execution)
    first, second = runs.values()
    ends = [_horizons(side, seed, n, fixed_inputs) for side in (a, b)]
    days = np.min(ends, axis=0)
    x, known_x = _values(metric, first, days)
    y, known_y = _values(metric, second, days)
    censored = n - int((known_x & known_y).sum())
    dates = bool(whether(metric, first))
    differ = metric != "wall_days" and not np.array_equal(ends[0], ends[1])
    if censored and differ and not dates:
        # Up to different days, the numbers of unfinished runs cannot be compared.
        x = np.full(n, np.nan)
    if dates:
        pairs = shifts(y, x)
    else:
        pairs = y - x
        # The rounding of what is subtracted is no difference.
        pairs[np.abs(pairs) <= ROUNDING * np.maximum(np.abs(x), np.abs(y))] = 0.0
    most = most_of(metric, float(days.max()))
    # A mean over the pairs that came to it both times would leave out the greatest differences.
    difference = summary(np.full(n, np.nan) if dates and censored else pairs, -most, most)
    reduction = None
    if spread := difference["sd"]:
        reduction = float((x.var(ddof=1) + y.var(ddof=1)) / spread**2)
    return Comparison(
        metric,
        first,
        second,
        difference,
        median_interval(pairs),
        reduction,
        censored,
        _span(days) if censored and not dates else None,
        why_unchanged(a, b) if first.frame.equals(second.frame) else "",
    )


def _values(
    metric: str, runs: Replications, days: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """A metric of each run, up to a day of its own, and whether it had come to its end by then."""
    if whether(metric, runs):
        values = days_to(runs, metric)
        return values, np.isfinite(values)
    wall = runs.values("wall_days")
    ended = runs.frame["finished"].to_numpy(dtype=bool) & (wall <= days)
    return np.minimum(wall, days) if metric == "wall_days" else runs.values(metric), ended


def _horizons(scenario: Scenario, seed: int, n: int, fixed_inputs: bool) -> Floats:
    """The day after which each replication ends."""
    if fixed_inputs or not isinstance(scenario.horizon, Uncertain):
        return np.full(n, float(scenario.horizon) / DAY)
    return np.array([scenario.resolve(seed, k).horizon / DAY for k in range(n)])


def _span(days: Floats) -> float | tuple[float, float]:
    first = float(days.min())
    last = float(days.max())
    return first if first == last else (first, last)
