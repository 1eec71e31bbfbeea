"""Many runs of one scenario, with intervals, and where their spread comes from."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import NDArray

from sim.errors import InputError
from sim.experiments import depletion, groups
from sim.experiments.executors import Execution, open_workers
from sim.experiments.intervals import Summary, digits, proportion, summary, survival, told
from sim.experiments.precision import FEWEST, MOST, Precision, precision_of
from sim.experiments.store import Outcome, Point, Setting
from sim.results.answer import Answer
from sim.results.ledger import Floats
from sim.results.metrics import UNITS, check_metric, most_of
from sim.scenario import Scenario
from sim.scenario.guards import check_scenario, check_share, check_whole
from sim.streams import stream

# Tables take longer to load than twenty runs take; whoever makes one waits for them.
if TYPE_CHECKING:
    import pandas as pd

BLOCK = 100
"""Replications that are stored together."""
RESAMPLES = 400
MODEL = "constants."
"""How the names of the step-time model's constants begin."""
ALMOST = 1e-12
"""A probability that is reached but for the last digits is reached."""


@dataclass(frozen=True, repr=False)
class Replications(Answer):
    """Outcomes of replications 0 … n−1 of a scenario under one seed.

    Attributes
    ----------
    scenario : str
        Its name.
    seed : int
    outcomes : sequence of Outcome
    nested : sequence of Outcome
        Those of the nested runs, if they were asked for.
    partners : mapping
        By group of unknown constants: runs that share that group's draws with a replication.
    horizon : float
        Days after which every run ends.
    precision : Precision, optional
        How well the mean is known that was asked for to a precision.
    """

    scenario: str
    seed: int
    outcomes: Sequence[Outcome]
    nested: Sequence[Outcome] = ()
    partners: Mapping[str, Sequence[Outcome]] = field(default_factory=dict)
    horizon: float = math.inf
    precision: Precision | None = None

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a replication: `finished` and every metric."""
        import pandas as pd

        rows = [
            {"finished": outcome.finished, **outcome.metrics} for outcome in self.outcomes
        ]
        return pd.DataFrame(rows).rename_axis("replication")

    @cached_property
    def finished(self) -> NDArray[np.bool_]:
        """Whether each replication finished."""
        return np.array([outcome.finished for outcome in self.outcomes], dtype=bool)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the metrics."""
        return tuple(self.outcomes[0].metrics)

    def values(self, metric: str) -> Floats:
        """The values of a metric, one a replication."""
        return np.array([outcome.metrics[metric] for outcome in self.outcomes], dtype=float)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the fingerprints of the runs in order."""
        lines = "\n".join(outcome.fingerprint for outcome in self.outcomes)
        return hashlib.sha256(lines.encode()).hexdigest()

    def __str__(self) -> str:
        metric = self.own_metric
        known = self.summary()[metric]
        lo, hi = known["lo"], known["hi"]
        finished = self.finished.mean()
        text = (
            f"{self.scenario}: {len(self.outcomes)} replications, {finished:.0%} finished; "
        )
        text += f"{metric} {told(known['mean'], lo, hi, UNITS.get(metric, ''))}"
        p5, p95 = known["p5"], known["p95"]
        if p5 is not None and p95 is not None:
            text += f", 90 % of the runs {digits(p5, lo, hi)} … {digits(p95, lo, hi)}"
        return text if self.precision is None else f"{text}\n{self.precision}"

    def completion(self) -> pd.DataFrame:
        """Estimate the probability to have finished by a day, with its 95 % band.

        Kaplan and Meier's estimate (1958), as unfinished runs are censored.

        Returns
        -------
        pandas.DataFrame
            A row for each day on which the estimate may change: `days`, `finished`, `lo`, `hi`. It
            is empty where no run has finished.
        """
        return survival(self.values("wall_days"), self.finished, "finished")

    def depletion(self) -> dict[str, Any]:
        """How many runs ran out of spares, and when first (`sim.experiments.depletion`)."""
        return depletion.report(self)

    def completion_days(self, probability: float) -> float | None:
        """Days by which a run has finished with a probability; None if censored before."""
        # The curve of `completion` without its band, which needs scipy.stats.
        done = self.finished
        days, places = np.unique(self.values("wall_days"), return_inverse=True)
        leaving = np.bincount(places)
        watched = len(done) - np.cumsum(leaving) + leaving
        going = np.cumprod((watched - np.bincount(places, weights=done)) / watched)
        reached = days[1 - going >= probability - ALMOST]
        return float(reached[0]) if done.any() and len(reached) else None

    def finished_by(self, days: float) -> dict[str, float]:
        """Estimate the probability `p` to have finished by a day, with its 95 % interval (Wilson).

        Parameters
        ----------
        days : float
            Days from the start of the run.

        Raises
        ------
        InputError
            When runs were censored before that day.
        """
        ends = self.values("wall_days")
        watched = ends[~self.finished].min(initial=math.inf)
        if days > watched:
            raise InputError(
                f"{self.scenario}: runs were watched for {watched:g} days only, not for {days:g}"
            )
        return proportion(self.finished & (ends <= days), "p")

    def summary(self) -> dict[str, Summary]:
        """Sum up each metric: its mean with the 95 % interval (Monte Carlo), and its spread.

        `lo` and `hi` bound the mean (Student's t, of a metric that is 0 or 1 Wilson's) within what
        the metric can be; `p5` and `p95` are the spread over chance and
        uncertain inputs. A metric that is not known is None throughout. Runs that did not finish
        count as they stood at the horizon, so where there are any the means are restricted ones.
        """
        return {
            name: summary(self.values(name), 0.0, most_of(name, self.horizon))
            for name in self.metrics
        }

    @property
    def own_metric(self) -> str:
        """The metric that answers what the scenario asks."""
        if "crossing_days" in self.metrics:
            return "crossing_days"
        largest = [name for name in self.metrics if re.fullmatch("largest.*_chips", name)]
        return largest[-1] if largest else "wall_days"

    def split(self, metric: str = "wall_days") -> dict[str, dict[str, Any]]:
        """Find where the spread of a metric comes from, by the law of total variance.

        The nested runs come in fours: all of a four share one draw of the step-time model's
        constants (`constants.*`), both of a pair one draw of the other unknown constants as well,
        and each has chance of its own. With C chance, X inputs and M model the variance of Y is
        E[Var(Y|X,M)] (run to run) + E[Var(E[Y|X,M]|M)] (inputs, with their interplay with the
        model) + Var(E[Y|M]) (model), estimated by the mean squares of a balanced nested analysis of
        variance, none below zero.

        Returns
        -------
        dict
            `monte_carlo`: the standard error `sd` of the mean over the replications, None of a
            single one. `run_to_run`, `inputs`, `model`: standard deviation `sd`, `share` of the
            variance, and its 95 % interval `lo`, `hi` (bootstrap over fours).

        Raises
        ------
        InputError
            When there are no nested runs.
        """
        if not self.nested:
            raise InputError(
                "there are no nested runs to split the spread by; ask for them "
                "(split=True, --split)"
            )
        values = np.array([outcome.metrics[metric] for outcome in self.nested])
        fours = values.reshape(-1, 2, 2)
        variances = _variances(fours)
        # Whole fours are drawn again, as the runs of one are not independent.
        picks = stream(self.seed, 0, "split").integers(
            len(fours), size=(RESAMPLES, len(fours))
        )
        resampled = _shares(_variances(fours[picks]))
        low, high = np.quantile(resampled, [0.025, 0.975], axis=1)
        sample = self.values(metric)
        n = len(sample)
        error = float(sample.std(ddof=1) / math.sqrt(n)) if n > 1 else None
        result: dict[str, dict[str, Any]] = {"monte_carlo": {"sd": error}}
        for k, source in enumerate(("run_to_run", "inputs", "model")):
            result[source] = {
                "sd": math.sqrt(variances[k]),
                "share": float(_shares(variances)[k]),
                "lo": float(low[k]),
                "hi": float(high[k]),
            }
        return result

    def split_by_group(self, metric: str = "wall_days") -> dict[str, dict[str, float]]:
        """Find which kind of unknown the spread of a metric comes from (`sim.experiments.groups`).

        Returns
        -------
        dict
            `rates` (counts of failures), `drift` (to a later time of the counted fleet), `fleet`
            (to another one), `response` (people, restarts and the rest of `recovery`), `step_time`
            and `other`, as far as there are such: `share` of the variance that it explains by
            itself, and its 95 % interval.
        """
        return groups.shares(metric, self.outcomes, self.partners, self.seed)

    def report(self) -> dict[str, Any]:
        """Everything the command line prints as JSON."""
        metrics = self.summary()
        known = [name for name, values in metrics.items() if values["mean"] is not None]
        report = {
            "scenario": self.scenario,
            "seed": self.seed,
            "replications": len(self.outcomes),
            "fingerprint": self.fingerprint,
            "finished": float(self.finished.mean()),
            "completion_days": {f"p{p}": self.completion_days(p / 100) for p in (10, 50, 90)},
            "metrics": metrics,
        }
        if "depleted" in self.metrics:
            report["depletion"] = self.depletion()
        if self.precision:
            report["precision"] = self.precision.report()
        if self.nested:
            report["split"] = {name: self.split(name) for name in known}
        if self.partners:
            report["split_by_group"] = {name: self.split_by_group(name) for name in known}
        return report


def replicate(
    scenario: Scenario,
    n: int | None = None,
    *,
    precision: float | None = None,
    metric: str | None = None,
    seed: int = 0,
    fixed_inputs: bool = False,
    split: bool = False,
    by_group: bool = False,
    **execution: Unpack[Execution],
) -> Replications:
    """Run a scenario many times.

    Parameters
    ----------
    scenario : Scenario
    n : int, optional
        Number of replications (default 100).
    precision : float, optional
        Instead of `n`: go on until the 95 % interval of the mean of `metric` is within this share
        of it to either side, with at least 640 and at most 10,000 replications. The number doubles
        from look to look, for an interval looked at after every run and left when it happens to be
        narrow is too narrow. Nor does a sample end the search of which rare runs make up the
        spread, until there are enough of those (`sim.experiments.precision`). What remains
        unknown says `Replications.precision`.
    metric : str, optional
        Whose mean is to be that precise: unless given, `crossing_days` of a programme, else
        `wall_days`.
    seed : int
        Root seed; replication k differs from replication j by its number only.
    fixed_inputs : bool
        Unknown constants at their modes: what is left is chance.
    split : bool
        Carry out as many nested runs again, for `Replications.split`.
    by_group : bool
        Carry out half as many again for each group of unknowns, for `Replications.split_by_group`.
    **execution
        See `sim.experiments.executors.Execution`.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> len(replicate(load_scenario("deepseek-v3"), 3).outcomes)
    3
    """
    if (split or by_group) and fixed_inputs:
        raise InputError("with fixed inputs all spread is chance: there is nothing to split")
    metric, target = _sought(scenario, n, precision, metric)
    horizon = Point(scenario, seed, range(0)).horizon_days
    points: list[Setting] = []
    outcomes: list[Outcome] = []
    with open_workers(**execution) as workers:
        while True:
            blocks = [
                Point(scenario, seed, range(k, min(k + BLOCK, target)), {}, fixed_inputs)
                for k in range(len(outcomes), target, BLOCK)
            ]
            points += [({}, block) for block in blocks]
            workers.check("run", points)
            outcomes += chain.from_iterable(workers.run(blocks))
            result = Replications(scenario.name, seed, outcomes, horizon=horizon)
            if precision is None:
                break
            most = most_of(metric, horizon)
            known = precision_of(metric, result.values(metric), precision, most)
            result = replace(result, precision=known)
            if known.met or target >= MOST:
                break
            target = min(2 * target, MOST)
        if split:
            pairs = _nested(scenario, seed, max(target // 4, 2))
            points += [({"nested": True}, pair) for pair in pairs]
            result = replace(result, nested=[*chain.from_iterable(workers.run(pairs))])
        if by_group:
            found = {}
            for group, runs in groups.partners(scenario, seed, max(target // 2, 1)).items():
                points += [({"group": group}, run) for run in runs]
                found[group] = [*chain.from_iterable(workers.run(runs))]
            result = replace(result, partners=found)
        workers.record("run", points)
    return result


def _sought(
    scenario: Scenario, n: int | None, precision: float | None, metric: str | None
) -> tuple[str, int]:
    """The metric that decides, and the number of replications to begin with."""
    check_scenario(scenario)
    if metric is not None and precision is None:
        raise InputError("a metric is named with the precision (--precision) of its mean")
    metric = check_metric(metric, scenario)
    if precision is None:
        n = 100 if n is None else n
        check_whole("n", n, 1)
        return metric, n
    if n is not None:
        raise InputError("give either --replications or --precision: n or precision")
    check_share("precision", precision)
    return metric, FEWEST


def _nested(scenario: Scenario, seed: int, fours: int) -> list[Point]:
    """Pairs of runs that share their unknown constants; two pairs in a row share the model's."""
    points = []
    for k in range(0, 4 * fours, 2):
        own = scenario.draws(seed, k)
        # The first pair of a four lends the second its draws of the model.
        shared = scenario.draws(seed, k - k % 4)
        model = {name: value for name, value in shared.items() if name.startswith(MODEL)}
        points.append(Point(scenario, seed, range(k, k + 2), own | model))
    return points


def _variances(fours: Floats) -> Floats:
    """Variances of chance, inputs and model: shape (…, fours, 2, 2) in, (3, …) out."""
    pairs = fours.mean(axis=-1)
    chance = fours.var(axis=-1, ddof=1).mean(axis=(-1, -2))
    # These mean squares estimate chance, chance + 2 inputs, and chance + 2 inputs + 4 model.
    inputs = 2 * pairs.var(axis=-1, ddof=1).mean(axis=-1)
    model = 4 * pairs.mean(axis=-1).var(axis=-1, ddof=1)
    return np.clip([chance, (inputs - chance) / 2, (model - inputs) / 4], 0.0, None)


def _shares(variances: Floats) -> Floats:
    total = variances.sum(axis=0)
    # Where nothing varies, nothing has a share.
    return variances / np.where(total > 0, total, 1.0)
