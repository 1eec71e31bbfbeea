"""Two scenarios side by side under the same luck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np

from sim.experiments.executors import Execution
from sim.experiments.intervals import Summary, summary
from sim.experiments.replicate import Replications
from sim.experiments.sweep import study
from sim.results.ledger import DAY
from sim.results.metrics import check_metric
from sim.scenario import Scenario


@dataclass(frozen=True)
class Comparison:
    """What a pair of scenarios says of one metric.

    Attributes
    ----------
    a, b : Replications
        Replication k of both has the same luck and the same unknown constants.
    difference : dict
        b − a: its mean with Student's 95 % interval over pairs, `sd`, `p5`, `p95`; None throughout
        where not known.
    variance_reduction : float or None
        Var(a) + Var(b), the variance of a difference between independent runs, over that of the
        pairs; None if every pair differs by the same.
    censored : int
        Pairs of which a run did not finish.
    restricted_to_days : float or None
        Where pairs are censored, both runs of every pair are taken up to this day: the earlier of
        the two horizons.
    """

    metric: str
    a: Replications
    b: Replications
    difference: Summary
    variance_reduction: float | None
    censored: int
    restricted_to_days: float | None

    def report(self) -> dict[str, Any]:
        """Everything the command line prints as JSON."""
        sides = {
            side: {"scenario": runs.scenario, "finished": float(runs.frame["finished"].mean())}
            for side, runs in (("a", self.a), ("b", self.b))
        }
        return {**vars(self), "pairs": len(self.a.outcomes), **sides}

    def __str__(self) -> str:
        values = self.difference
        pairs = len(self.a.outcomes)
        if values["mean"] is None:
            unfinished = f"not comparable while {self.censored} of {pairs} pairs are unfinished"
            return f"{self.metric}: not known, or {unfinished}"
        interval = "no interval"
        if values["lo"] is not None:
            interval = f"95 %: {values['lo']:.5g} … {values['hi']:.5g}"
        text = f"{self.metric}, b − a: {values['mean']:.5g} ({interval}), {pairs} pairs"
        if self.variance_reduction:
            text += f"; pairing divides the variance by {self.variance_reduction:.1f}"
        if day := self.restricted_to_days:
            text += f"\n{self.censored} pairs did not finish: all are taken up to day {day:g}"
        return text


def compare(
    a: Scenario,
    b: Scenario,
    metric: str = "wall_days",
    n: int = 100,
    *,
    seed: int = 0,
    fixed_inputs: bool = False,
    **execution: Unpack[Execution],
) -> Comparison:
    """Compare two scenarios pair by pair on common random numbers.

    A run that did not finish is never taken for one that did: where there are any, `wall_days` is
    compared up to the earlier horizon (a difference of restricted means), and any other metric only
    if both horizons are the same.

    Parameters
    ----------
    a, b : Scenario
    metric : str
        A name of `RunResult.metrics`.
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
    check_metric(metric, a, b)
    sides = {"a": a, "b": b}
    runs = study("side", sides, n, seed, fixed_inputs=fixed_inputs, **execution)
    first, second = runs.values()
    days = min(a.horizon, b.horizon) / DAY
    frames = [first.frame, second.frame]
    finished = [frame["finished"] & (frame["wall_days"] <= days) for frame in frames]
    censored = n - int((finished[0] & finished[1]).sum())
    x, y = (frame[metric].to_numpy(dtype=float) for frame in frames)
    if metric == "wall_days":
        x = np.minimum(x, days)
        y = np.minimum(y, days)
    elif censored and a.horizon != b.horizon:
        # Up to different days, the numbers of unfinished runs cannot be compared.
        x = np.full(n, np.nan)
    difference = summary(y - x)
    reduction = None
    if spread := difference["sd"]:
        reduction = float((x.var(ddof=1) + y.var(ddof=1)) / spread**2)
    restricted = days if censored else None
    return Comparison(metric, first, second, difference, reduction, censored, restricted)
