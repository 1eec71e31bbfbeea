"""Which unknown constants move a metric, and so are worth measuring better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Unpack

import numpy as np
import pandas as pd

from sim.errors import InputError, nearest
from sim.experiments.executors import Work
from sim.experiments.store import Point
from sim.experiments.sweep import power_of_two, study
from sim.results.metrics import check_metric
from sim.scenario import Scenario

Method = Literal["sobol", "morris"]
QUANTILES = {"sobol": (1e-9, 1 - 1e-9), "morris": (0.025, 0.975)}
"""What each constant ranges over; the ends of a distribution without ends are cut off."""
KEYS = {
    "sobol": ("ST", "ST_conf", "S1", "S1_conf"),
    "morris": ("mu_star", "mu_star_conf", "mu", "sigma"),
}


@dataclass(frozen=True)
class Sensitivity:
    """Indices of the unknown constants, the largest first.

    Attributes
    ----------
    frame : pandas.DataFrame
        A row a constant. Sobol: `S1` and `ST`, its share of the variance of the metric alone and
        with all interplay. Morris: `mu_star`, the mean size of the change of the metric, in its
        units, when the constant goes from its 2.5 % to its 97.5 % quantile, `mu`, the same with its
        sign, and `sigma`, how much that depends on the others. `…_conf`: half-width of the 95 %
        interval, by bootstrap.
    mean, sd : float
        Of the metric over the points.
    runs, censored : int
        Runs carried out, and those that did not finish, which count up to the horizon.
    """

    metric: str
    method: str
    frame: pd.DataFrame
    mean: float
    sd: float
    runs: int
    censored: int

    def report(self) -> dict[str, Any]:
        """Everything the command line prints as JSON."""
        rest = {key: value for key, value in vars(self).items() if key != "frame"}
        return {
            **rest,
            "chance": "the same at every point",
            "unknowns": self.frame.to_dict("records"),
        }

    def __str__(self) -> str:
        head = f"{self.metric}: mean {self.mean:.5g}, standard deviation {self.sd:.3g} over {self.runs} runs"
        head += f", {self.censored} of them unfinished" if self.censored else ""
        table = self.frame.to_string(index=False, float_format="{:.3f}".format)
        return f"{head}, all under the same luck\n{table}"


def sensitivity(
    scenario: Scenario,
    metric: str = "wall_days",
    *,
    method: Method = "sobol",
    samples: int = 64,
    among: Sequence[str] | None = None,
    n: int = 1,
    seed: int = 0,
    **work: Unpack[Work],
) -> Sensitivity:
    """Sobol's indices or Morris's elementary effects of a scenario's unknown constants, by SALib.

    Every point has the same luck, that of replications 0 … n−1 (common random numbers), over which
    the metric is averaged: what differs between points is due to the constants, given that luck.

    Parameters
    ----------
    scenario : Scenario
    metric : str
        A name of `RunResult.metrics`.
    method : {"sobol", "morris"}
        ``samples · (constants + 2)`` points for Sobol, ``samples · (constants + 1)`` for Morris.
    samples : int
        Base samples (a power of two), or trajectories.
    among : sequence of str, optional
        Vary only these constants, with the others at their modes: say those that Morris finds to
        matter.
    n : int
        Replications of each point.
    seed, **work
        As for `replicate`.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> sensitivity(load_scenario("deepseek-v3"), among=["checkpoint.interval"], samples=2).runs
    6
    """
    from SALib.analyze import morris as effects
    from SALib.analyze import sobol as indices
    from SALib.sample import morris as trajectories
    from SALib.sample import sobol as quasi

    check_metric(metric, scenario)
    unknowns = scenario.unknowns()
    if wrong := [name for name in among or () if name not in unknowns]:
        raise InputError(
            f"{scenario.name}: no unknown constant '{wrong[0]}'{nearest(wrong[0], unknowns)}"
        )
    unknowns = {name: unknowns[name] for name in (unknowns if among is None else among)}
    if not unknowns:
        raise InputError(f"{scenario.name}: there are no unknown constants")
    names, number = list(unknowns), seed + 1  # SALib takes a seed of 0 for none at all
    problem = {"num_vars": len(names), "names": names, "bounds": [QUANTILES[method]] * len(names)}
    if method == "sobol":
        power_of_two(samples)
        quantiles = quasi.sample(problem, samples, calc_second_order=False, seed=number)
    else:
        quantiles = trajectories.sample(problem, samples, seed=number)
    points = []
    for row in quantiles.tolist():
        values = {name: unknowns[name].draw(u) for name, u in zip(names, row, strict=True)}
        points.append((values, Point(scenario, seed, range(n), values, fixed_inputs=True)))
    runs = [result.outcomes for _, result in study("sensitivity", points, **work).points]
    y = np.array(
        [math.fsum(outcome.metrics[metric] for outcome in outcomes) / n for outcomes in runs]
    )
    if not np.isfinite(y).all() or not y.std():
        raise InputError(
            f"{scenario.name}: {metric} is {'the same at every point' if y.std() == 0 else 'not known'}"
        )
    if method == "sobol":
        found = indices.analyze(problem, y, calc_second_order=False, seed=number)
    else:
        found = effects.analyze(problem, quantiles, y, seed=number)
    table = pd.DataFrame(
        {"unknown": names} | {key: np.asarray(found[key], dtype=float) for key in KEYS[method]}
    )
    return Sensitivity(
        metric,
        method,
        table.sort_values(KEYS[method][0], ascending=False, ignore_index=True, kind="stable"),
        float(y.mean()),
        float(y.std(ddof=1)),
        len(points) * n,
        sum(not outcome.finished for outcomes in runs for outcome in outcomes),
    )
