"""Which unknown constants move a metric, and so are worth measuring better."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Unpack

import numpy as np
import pandas as pd

from sim.errors import InputError, optional
from sim.experiments.executors import Execution
from sim.experiments.intervals import alike
from sim.experiments.replicate import MODEL, Replications
from sim.experiments.store import Point
from sim.experiments.sweep import carry_out, drawn, power_of_two
from sim.quantities.uncertain import Uncertain
from sim.results.answer import Answer
from sim.results.ledger import Floats
from sim.results.metrics import check_metric
from sim.scenario import Scenario
from sim.scenario.guards import check_among, check_list, check_scenario, check_whole

Method = Literal["sobol", "morris"]
QUANTILES = {"sobol": (1e-9, 1 - 1e-9), "morris": (0.025, 0.975)}
"""What each constant ranges over; the ends of a distribution without ends are cut off."""
RESIDUAL = "constants.residual"
"""One input: the errors of all chips and stacks, as they have a part in common."""
SEEN = 1e-3
"""Smaller than this share of the largest, an effect is not worth a row."""
KEYS = {
    "sobol": ("ST", "ST_conf", "S1", "S1_conf"),
    "morris": ("mu_star", "mu_star_conf", "mu", "sigma"),
}


@dataclass(frozen=True, repr=False)
class Sensitivity(Answer):
    """Indices of the unknown constants, the largest first.

    Attributes
    ----------
    frame : pandas.DataFrame
        A row an input: a constant, or the step-time errors of all chips and stacks together
        (`constants.residual`), as those are correlated. Sobol: `S1` and `ST`, its share of the
        variance of the metric alone and with all interplay. Morris: `mu_star`, the mean size of the
        change of the metric, in its units, when the input goes from its 2.5 % to its 97.5 %
        quantile, `mu`, the same with its sign, and `sigma`, how much that depends on the others
        (not known of several constants at once). `…_conf`: half-width of the 95 % interval, by
        bootstrap.
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
        report = {
            **vars(self),
            "chance": "the same at every point",
            "unknowns": self.frame.replace(math.nan, None).to_dict("records"),
        }
        del report["frame"]
        return report

    def __str__(self) -> str:
        unfinished = f", {self.censored} of them unfinished" if self.censored else ""
        key = KEYS[self.method][0]
        moving = self.frame[key] >= SEEN * self.frame[key].max()
        table = self.frame[moving].to_string(
            index=False, na_rep="", float_format="{:.3g}".format
        )
        idle = ", ".join(self.frame["unknown"][~moving])
        if idle:
            table += f"\nno effect to speak of: {idle}"
        return (
            f"{self.metric}: mean {self.mean:.5g}, standard deviation {self.sd:.3g} "
            f"over {self.runs} runs{unfinished}, all under the same luck\n{table}"
        )


def sensitivity(
    scenario: Scenario,
    metric: str | None = None,
    *,
    method: Method = "sobol",
    samples: int = 64,
    among: Sequence[str] | None = None,
    n: int = 1,
    seed: int = 0,
    **execution: Unpack[Execution],
) -> Sensitivity:
    """Find Sobol's indices or Morris's elementary effects of a scenario's unknown constants.

    Every point has the same luck, that of replications 0 … n−1 (common random numbers), over which
    the metric is averaged: what differs between points is due to the constants, given that luck.
    The indices are computed by SALib.

    Parameters
    ----------
    scenario : Scenario
    metric : str, optional
        A name of `RunResult.metrics`: unless given, `crossing_days` of a programme, else
        `wall_days`.
    method : {"sobol", "morris"}
        ``samples · (inputs + 2)`` points for Sobol, ``samples · (inputs + 1)`` for Morris.
    samples : int
        Base samples (a power of two), or trajectories.
    among : sequence of str, optional
        Vary only these constants, with the others at their modes: say those that Morris finds to
        matter.
    n : int
        Replications of each point.
    seed, **execution
        As for `replicate`.

    Raises
    ------
    InputError
        For a wrong name or number of samples before anything is run, and for a metric that no
        constant moves.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> sensitivity(load_scenario("deepseek-v3"), among=["checkpoint.interval"], samples=2).runs
    6
    """
    check_scenario(scenario)
    check_whole("n", n, 1)
    check_whole("seed", seed, 0)
    check_whole("samples", samples, 2)
    check_among("method", method, KEYS)
    metric = check_metric(metric, scenario)
    # SALib takes a seed of 0 for none at all.
    options: dict[str, Any] = {"seed": seed + 1}
    if method == "sobol":
        power_of_two(samples)
        options["calc_second_order"] = False
    unknowns = _varied(scenario, among)
    problem = _problem(unknowns, QUANTILES[method])
    sampled = optional(f"SALib.sample.{method}", "figures").sample(
        problem, samples, **options
    )
    points = []
    for quantiles in sampled.tolist():
        values = drawn(unknowns, quantiles)
        points.append((values, Point(scenario, seed, range(n), values, fixed_inputs=True)))
    runs = [result for _, result in carry_out("sensitivity", points, **execution).points]
    means = _means(metric, runs)
    # Only Morris's method looks again at what was sampled.
    data = [problem, sampled, means] if method == "morris" else [problem, means]
    found = optional(f"SALib.analyze.{method}", "figures").analyze(*data, **options)
    keys = KEYS[method]
    rows = {"unknown": list(dict.fromkeys(problem["groups"]))}
    table = pd.DataFrame(rows | {key: found[key] for key in keys})
    return Sensitivity(
        metric,
        method,
        table.sort_values(keys[0], ascending=False, ignore_index=True, kind="stable"),
        mean=float(means.mean()),
        sd=float(means.std(ddof=1)),
        runs=len(points) * n,
        censored=sum(not outcome.finished for result in runs for outcome in result.outcomes),
    )


def _varied(scenario: Scenario, among: Sequence[str] | None) -> dict[str, Uncertain]:
    """The unknown constants to vary, by name."""
    unknowns = scenario.unknowns()
    given = unknowns if among is None else among
    check_list("among", given)
    chosen = list(given)
    if RESIDUAL in chosen:
        chosen.remove(RESIDUAL)
        chosen += [name for name in unknowns if _is_residual(name)]
    for name in chosen:
        if name not in unknowns:
            problem = f"{scenario.name}: no unknown constant '{name}'"
            raise InputError.no_such(problem, name, unknowns)
    if not chosen:
        raise InputError(f"{scenario.name}: there are no unknown constants")
    return {name: unknowns[name] for name in chosen}


def _problem(unknowns: Mapping[str, Uncertain], ends: tuple[float, float]) -> dict[str, Any]:
    """What SALib samples: the constants, those of one group moving together."""
    several = sum(map(_is_residual, unknowns)) > 1
    return {
        "num_vars": len(unknowns),
        "names": list(unknowns),
        "bounds": [ends] * len(unknowns),
        "groups": [RESIDUAL if several and _is_residual(name) else name for name in unknowns],
    }


def _is_residual(name: str) -> bool:
    shared = name.startswith(MODEL) and name.endswith(".model_error")
    return shared or name.startswith(f"{RESIDUAL}.")


def _means(metric: str, runs: Sequence[Replications]) -> Floats:
    """The mean of a metric at each point."""
    means = np.array([math.fsum(result.frame[metric]) / len(result.frame) for result in runs])
    if not np.isfinite(means).all():
        raise InputError(f"{runs[0].scenario}: {metric} is not known")
    # What differs by its rounding alone would make indices out of nothing.
    if alike(means):
        raise InputError(f"{runs[0].scenario}: {metric} is the same at every point")
    return means
