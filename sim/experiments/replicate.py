"""Many runs of one scenario, with intervals, and where their spread comes from."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, pairwise
from typing import Any, Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from sim.errors import InputError
from sim.experiments.executors import Work, workers
from sim.experiments.store import Outcome, Point, Store
from sim.scenario import Scenario
from sim.streams import stream

FLOOR, CAP, BLOCK = 20, 10_000, 100
CONFIDENCE = 0.95
RESAMPLES = 400
MODEL = "constants."
"""How the names of the step-time model's constants begin."""
Summary = dict[str, float | None]


@dataclass(frozen=True)
class Replications:
    """Outcomes of replications 0 … n−1 of a scenario under one seed, and those of the nested runs,
    if asked for.
    """

    scenario: str
    seed: int
    outcomes: tuple[Outcome, ...]
    start: dt.date | None = None
    nested: tuple[Outcome, ...] = ()

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a replication: `finished` and every metric."""
        rows = [{"finished": outcome.finished, **outcome.metrics} for outcome in self.outcomes]
        return pd.DataFrame(rows, index=pd.RangeIndex(len(rows), name="replication"))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the fingerprints of the runs in order."""
        return hashlib.sha256(
            "\n".join(outcome.fingerprint for outcome in self.outcomes).encode()
        ).hexdigest()

    def completion(self) -> pd.DataFrame:
        """Kaplan–Meier estimate of P(finished by a day) with its 95 % band; unfinished runs are
        censored.
        """
        done = self.frame["finished"].to_numpy()
        days = self.frame["wall_days"].to_numpy()
        if not done.any():
            return pd.DataFrame({"days": [], "finished": [], "lo": [], "hi": []})
        curve = stats.ecdf(stats.CensoredData(uncensored=days[done], right=days[~done])).cdf
        with (
            warnings.catch_warnings()
        ):  # it is undefined once all have finished, and before any has
            warnings.simplefilter("ignore", RuntimeWarning)
            band = curve.confidence_interval(CONFIDENCE, method="log-log")
        ends = {"lo": band.low.probabilities, "hi": band.high.probabilities}
        table = pd.DataFrame({"days": curve.quantiles, "finished": curve.probabilities, **ends})
        return table.assign(lo=table["lo"].ffill().fillna(0.0), hi=table["hi"].fillna(1.0))

    def completion_days(self, probability: float) -> float | None:
        """Days by which a run has finished with `probability`; None where the runs were censored
        before that.
        """
        curve = self.completion()
        reached = curve["days"][curve["finished"] >= probability - 1e-12]
        return float(reached.iloc[0]) if len(reached) else None

    def finished_by(self, when: float | dt.date) -> dict[str, float]:
        """P(finished by a day of the run, or by a date) with its 95 % interval (Wilson).

        Raises
        ------
        InputError
            When runs were censored before that day.
        """
        days = self._days(when)
        done = int((self.frame["finished"] & (self.frame["wall_days"] <= days)).sum())
        return {"p": done / len(self.outcomes), **wilson(done, len(self.outcomes))}

    def restricted_mean(self, when: float | dt.date | None = None) -> Summary:
        """Mean of the days to finish or to `when`, whichever is first: the area above the
        completion curve.

        As all runs are watched to the same horizon, it is the mean of the days so cut, with
        Student's interval.
        """
        days = self._days(when) if when is not None else math.inf
        return summary(np.minimum(self.frame["wall_days"].to_numpy(), days))

    def _days(self, when: float | dt.date) -> float:
        if isinstance(when, dt.date):
            when = (when - (self.start or when)).days
        horizon = self.frame["wall_days"][~self.frame["finished"]].min()
        if when > horizon:
            raise InputError(
                f"{self.scenario}: runs were watched for {horizon:g} days only, not for {when:g}"
            )
        return when

    def summary(self) -> dict[str, Summary]:
        """Per metric the mean, its 95 % interval (Monte Carlo), and the spread of outcomes.

        `lo` and `hi` bound the mean (Student's t); `p5` and `p95` are the spread over chance and
        uncertain inputs. A metric that is not known is None throughout. Runs that did not finish
        count as they stood at the horizon, so where there are any the means are restricted ones.
        """
        return {
            str(name): summary(self.frame[name].to_numpy(dtype=float))
            for name in self.frame.columns[1:]
        }

    def split(self, metric: str = "wall_days") -> dict[str, dict[str, float]]:
        """Where the spread of a metric comes from, by the law of total variance.

        The nested runs come in fours: all of a four share one draw of the step-time model's
        constants (`constants.*`), both of a pair one draw of the other unknown constants as well,
        and each has chance of its own. With C chance, X inputs and M model the variance of Y is
        E[Var(Y|X,M)] (run to run) + E[Var(E[Y|X,M]|M)] (inputs, with their interplay with the
        model) + Var(E[Y|M]) (model), estimated by the mean squares of a balanced nested analysis of
        variance, none below zero.

        Returns
        -------
        dict
            `monte_carlo`: the standard error `sd` of the mean over the replications. `run_to_run`,
            `inputs`, `model`: standard deviation `sd`, `share` of the variance, and its 95 %
            interval `lo`, `hi` (bootstrap over fours).
        """
        if not self.nested:
            raise InputError(
                "there are no nested runs to split the spread by; ask for them (split=True, --split)"
            )
        y = np.array([outcome.metrics[metric] for outcome in self.nested]).reshape(-1, 2, 2)
        parts = _components(y)
        picks = stream(self.seed, 0, "split").integers(len(y), size=(RESAMPLES, len(y)))
        resampled = _components(y[picks])
        total, totals = parts.sum() or 1.0, resampled.sum(axis=0)
        lo, hi = np.quantile(resampled / np.where(totals > 0, totals, 1.0), [0.025, 0.975], axis=1)
        result = {
            "monte_carlo": {"sd": float(self.frame[metric].std() / math.sqrt(len(self.outcomes)))}
        }
        for k, name in enumerate(("run_to_run", "inputs", "model")):
            shares = {"share": parts[k] / total, "lo": lo[k], "hi": hi[k]}
            result[name] = {"sd": math.sqrt(parts[k])} | {
                key: float(share) for key, share in shares.items()
            }
        return result

    def report(self) -> dict[str, Any]:
        """Everything the command line prints as JSON."""
        metrics = self.summary()
        known = [name for name, values in metrics.items() if values["mean"] is not None]
        return {
            "scenario": self.scenario,
            "seed": self.seed,
            "replications": len(self.outcomes),
            "fingerprint": self.fingerprint,
            "finished": float(self.frame["finished"].mean()),
            "completion_days": {
                f"p{round(100 * p)}": self.completion_days(p) for p in (0.1, 0.5, 0.9)
            },
            "metrics": metrics,
            **({"split": {name: self.split(name) for name in known}} if self.nested else {}),
        }


def replicate(
    scenario: Scenario,
    n: int | None = None,
    *,
    precision: float | None = None,
    seed: int = 0,
    fixed_inputs: bool = False,
    split: bool = False,
    **work: Unpack[Work],
) -> Replications:
    """Run a scenario many times.

    Parameters
    ----------
    scenario : Scenario
    n : int, optional
        Number of replications (default 100).
    precision : float, optional
        Instead of `n`: go on until the 95 % interval of the mean wall time is within this share of
        it to either side, with at least 20 and at most 10,000 replications. The number doubles from
        look to look, for an interval looked at after every run and left when it happens to be
        narrow is too narrow.
    seed : int
        Root seed; replication k differs from replication j by its number only.
    fixed_inputs : bool
        Unknown constants at their modes: what is left is chance.
    split : bool
        Carry out as many nested runs again, for `Replications.split`.
    **work
        See `sim.experiments.executors.Work`.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> len(replicate(load_scenario("deepseek-v3"), 3).outcomes)
    3
    """
    if split and fixed_inputs:
        raise InputError("with fixed inputs all spread is chance: there is nothing to split")
    target = n or (FLOOR if precision else 100)
    points: list[Point] = []
    outcomes: list[Outcome] = []
    nested: list[Point] = []
    with workers(**work) as run:
        while True:
            edges = [*range(len(outcomes), target, BLOCK), target]
            blocks = [
                Point(scenario, seed, range(a, b), fixed_inputs=fixed_inputs)
                for a, b in pairwise(edges)
            ]
            points += blocks
            outcomes += chain.from_iterable(run(blocks))
            result = Replications(scenario.name, seed, tuple(outcomes), scenario.start)
            if n or precision is None or target >= CAP or _precise(result, precision):
                break
            target = min(2 * target, CAP)
        if split:
            nested = _nested(scenario, seed, max(target // 4, 2))
            result = replace(result, nested=tuple(chain.from_iterable(run(nested))))
    if out := work.get("out"):
        Store(out).record(
            "run", [*(({}, p) for p in points), *(({"nested": True}, p) for p in nested)]
        )
    return result


def wilson(done: int, n: int) -> dict[str, float]:
    """The 95 % interval `lo`, `hi` of a probability, `done` of `n` times seen.

    Examples
    --------
    >>> {key: round(value, 3) for key, value in wilson(90, 100).items()}
    {'lo': 0.826, 'hi': 0.945}
    """
    interval = stats.binomtest(done, n).proportion_ci(CONFIDENCE, method="wilson")
    return {"lo": float(interval.low), "hi": float(interval.high)}


def summary(values: NDArray[np.float64]) -> Summary:
    """Mean with Student's 95 % interval, standard deviation, 5 and 95 % quantiles; None where not
    known.
    """
    names = ("mean", "lo", "hi", "sd", "p5", "p95")
    if not np.isfinite(values).all():
        return dict.fromkeys(names)
    mean = math.fsum(values) / len(values)
    p5, p95 = np.quantile(values, [0.05, 0.95])
    if len(values) == 1:
        return {
            "mean": mean,
            "lo": None,
            "hi": None,
            "sd": None,
            "p5": float(p5),
            "p95": float(p95),
        }
    sd = math.sqrt(math.fsum((values - mean) ** 2) / (len(values) - 1))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * sd / math.sqrt(len(values))
    return dict(
        zip(names, (mean, mean - half, mean + half, sd, float(p5), float(p95)), strict=True)
    )


def _precise(result: Replications, precision: float) -> bool:
    wall = result.restricted_mean()
    mean, hi = wall["mean"], wall["hi"]
    return mean is not None and hi is not None and hi - mean <= precision * mean


def _nested(scenario: Scenario, seed: int, fours: int) -> list[Point]:
    """Pairs of runs that share their unknown constants; two pairs in a row share the model's."""
    points = []
    for k in range(0, 4 * fours, 2):
        own, shared = scenario.draws(seed, k), scenario.draws(seed, k - k % 4)
        values = {name: (shared if name.startswith(MODEL) else own)[name] for name in own}
        points.append(Point(scenario, seed, range(k, k + 2), values))
    return points


def _components(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variances of chance, inputs and model from runs in fours: shape (…, fours, 2, 2) in, (3, …)
    out.
    """
    pairs = y.mean(axis=-1)
    fours = pairs.mean(axis=-1)
    chance = y.var(axis=-1, ddof=1).mean(axis=(-1, -2))
    inputs = 2 * pairs.var(axis=-1, ddof=1).mean(axis=-1)
    model = 4 * fours.var(axis=-1, ddof=1)
    return np.clip([chance, (inputs - chance) / 2, (model - inputs) / 4], 0.0, None)
