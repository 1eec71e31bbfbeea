"""Many runs of one scenario, with intervals: the same numbers from any number of workers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from multiprocessing import get_context
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from sim.engine import simulate
from sim.scenario import Scenario

CHUNK = 25
FLOOR, CAP = 20, 10_000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Outcome:
    """What is kept of one replication."""

    replication: int
    finished: bool
    metrics: dict[str, float]
    fingerprint: str


@dataclass(frozen=True)
class Replications:
    """Outcomes of replications 0 … n−1 of a scenario under one seed."""

    scenario: str
    seed: int
    outcomes: tuple[Outcome, ...]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a replication: `finished` and every metric."""
        rows = [{"finished": outcome.finished, **outcome.metrics} for outcome in self.outcomes]
        return pd.DataFrame(rows, index=pd.RangeIndex(len(rows), name="replication"))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the fingerprints of the runs in order."""
        return hashlib.sha256("\n".join(outcome.fingerprint for outcome in self.outcomes).encode()).hexdigest()

    def completion(self) -> pd.DataFrame:
        """Kaplan–Meier estimate of P(finished by a day) with its 95 % band; unfinished runs are censored."""
        done = self.frame["finished"].to_numpy()
        days = self.frame["wall_days"].to_numpy()
        if not done.any():
            return pd.DataFrame({"days": [], "finished": [], "lo": [], "hi": []})
        curve = stats.ecdf(stats.CensoredData(uncensored=days[done], right=days[~done])).cdf
        band = curve.confidence_interval(CONFIDENCE)
        return pd.DataFrame(
            {
                "days": curve.quantiles,
                "finished": curve.probabilities,
                "lo": band.low.probabilities,
                "hi": band.high.probabilities,
            }
        )

    def completion_days(self, probability: float) -> float | None:
        """Days by which a run has finished with `probability`; None where the runs were censored before that."""
        curve = self.completion()
        reached = curve["days"][curve["finished"] >= probability - 1e-12]
        return float(reached.iloc[0]) if len(reached) else None

    def summary(self) -> dict[str, dict[str, float | None]]:
        """Per metric the mean, its 95 % interval (Monte Carlo), and the spread of outcomes.

        `lo` and `hi` bound the mean (Student's t); `p5` and `p95` are the spread over chance and uncertain inputs.
        A metric that is not known is None throughout.
        """
        return {str(name): _summary(self.frame[name].to_numpy(dtype=float)) for name in self.frame.columns[1:]}

    def report(self) -> dict[str, Any]:
        """Everything the command line prints as JSON."""
        return {
            "scenario": self.scenario,
            "seed": self.seed,
            "replications": len(self.outcomes),
            "fingerprint": self.fingerprint,
            "finished": float(self.frame["finished"].mean()),
            "completion_days": {f"p{round(100 * p)}": self.completion_days(p) for p in (0.1, 0.5, 0.9)},
            "metrics": self.summary(),
        }


def replicate(
    scenario: Scenario,
    n: int | None = None,
    *,
    precision: float | None = None,
    seed: int = 0,
    jobs: int = 1,
    fixed_inputs: bool = False,
    progress: Callable[[int], object] = lambda finished: None,
) -> Replications:
    """Run a scenario many times.

    Parameters
    ----------
    scenario : Scenario
    n : int, optional
        Number of replications (default 100).
    precision : float, optional
        Instead of `n`: go on until the 95 % interval of the mean wall time is within this share of it to either
        side, with at least 20 and at most 10,000 replications.
    seed : int
        Root seed; replication k differs from replication j by its number only.
    jobs : int
        Processes; the numbers do not depend on it.
    fixed_inputs : bool
        Unknown constants at their modes: what is left is chance.
    progress : callable
        Called with the number of replications that have just finished.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> len(replicate(load_scenario("deepseek-v3"), 3).outcomes)
    3
    """
    if jobs == 1:
        return _replicate(scenario, n, precision, seed, fixed_inputs, progress, None)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as executor:
        return _replicate(scenario, n, precision, seed, fixed_inputs, progress, executor)


def _replicate(
    scenario: Scenario,
    n: int | None,
    precision: float | None,
    seed: int,
    fixed_inputs: bool,
    progress: Callable[[int], object],
    executor: Executor | None,
) -> Replications:
    run = partial(_chunk, scenario, seed, fixed_inputs)
    target = n or (FLOOR if precision else 100)
    outcomes: list[Outcome] = []
    while True:
        for chunk in _map(run, _chunks(len(outcomes), target), executor):
            outcomes += chunk
            progress(len(chunk))
        result = Replications(scenario.name, seed, tuple(outcomes))
        if n or precision is None or target >= CAP or _precise(result, precision):
            return result
        target = min(2 * target, CAP)


def _map(run: Any, chunks: Iterable[range], executor: Executor | None) -> Iterator[list[Outcome]]:
    return executor.map(run, chunks) if executor else map(run, chunks)


def _chunks(start: int, stop: int) -> list[range]:
    return [range(k, min(k + CHUNK, stop)) for k in range(start, stop, CHUNK)]


def _chunk(scenario: Scenario, seed: int, fixed_inputs: bool, replications: range) -> list[Outcome]:
    results = (simulate(scenario, seed, k, fixed_inputs=fixed_inputs) for k in replications)
    return [Outcome(r.replication, r.finished, r.metrics, r.fingerprint) for r in results]


def _precise(result: Replications, precision: float) -> bool:
    wall = result.summary()["wall_days"]
    mean, hi = wall["mean"], wall["hi"]
    return mean is not None and hi is not None and hi - mean <= precision * mean


def _summary(values: np.ndarray) -> dict[str, float | None]:
    names = ("mean", "lo", "hi", "sd", "p5", "p95")
    if not np.isfinite(values).all():
        return dict.fromkeys(names)
    mean = math.fsum(values) / len(values)
    p5, p95 = np.quantile(values, [0.05, 0.95])
    if len(values) == 1:
        return {"mean": mean, "lo": None, "hi": None, "sd": None, "p5": float(p5), "p95": float(p95)}
    sd = math.sqrt(math.fsum((values - mean) ** 2) / (len(values) - 1))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * sd / math.sqrt(len(values))
    return dict(zip(names, (mean, mean - half, mean + half, sd, float(p5), float(p95)), strict=True))
