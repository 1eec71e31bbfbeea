"""Which kind of unknown a spread comes from: what to measure next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sim.experiments.store import Outcome, Point
from sim.quantities.unknowns import unknowns
from sim.results.ledger import Floats
from sim.scenario import Scenario
from sim.streams import stream

BEGINNINGS = {
    "response": ("recovery.",),
    "step_time": ("constants.", "chips.", "stacks.", "fabric"),
    "rates": ("failures.",),
}
"""How the names of the unknown constants of a group begin."""
FACTORS = {".rate_factor": "fleet", ".drift": "drift"}
"""How the names end of what leads from a count of failures to another fleet, or another time."""
GROUPS = ("rates", "drift", "fleet", "response", "step_time", "other")
RESAMPLES = 400


def group_of(name: str) -> str:
    """The group of an unknown constant.

    Examples
    --------
    >>> group_of("failures.hopper-llama-3.rate_factor"), group_of("fleet.nodes.failures.drift")
    ('fleet', 'drift')
    """
    # First, as a table's own stand among its rates.
    for end, group in FACTORS.items():
        if name.endswith(end):
            return group
    for group, beginnings in BEGINNINGS.items():
        if name.startswith(beginnings):
            return group
    return "rates" if ".failures." in name else "other"


def members(scenario: Scenario) -> dict[str, list[str]]:
    """The names of the unknown constants of each group that a scenario has."""
    # Joint draws go by the name of their file, wherever they stand.
    fitted = {name for pool in scenario.fleet.values() for name in unknowns(pool.failures)}
    found: dict[str, list[str]] = {}
    for name in scenario.unknowns():
        group = group_of(name)
        if group == "other" and name in fitted:
            group = "rates"
        found.setdefault(group, []).append(name)
    return found


def partners(scenario: Scenario, seed: int, n: int) -> dict[str, list[Point]]:
    """For each group a run beside each replication that shares that group's draws, and no more.

    Parameters
    ----------
    scenario : Scenario
    seed : int
    n : int
        Replications; the partner of replication k has the chance and the other draws of ``n + k``.
    """
    draws = [scenario.draws(seed, k) for k in range(n)]
    found = {}
    for group, own in members(scenario).items():
        shared = [{name: drawn[name] for name in own} for drawn in draws]
        found[group] = [
            Point(scenario, seed, range(n + k, n + k + 1), known)
            for k, known in enumerate(shared)
        ]
    return found


def shares(
    metric: str,
    outcomes: Sequence[Outcome],
    partners: Mapping[str, Sequence[Outcome]],
    seed: int,
) -> dict[str, dict[str, float]]:
    """Share of the variance of a metric that each group explains by itself.

    It is the covariance of two runs that share the group's draws and nothing else, over the
    variance: the first-order index of Sobol' (1993), by the estimator of Janon et al. (2014).

    Returns
    -------
    dict
        `share` with its 95 % interval `lo`, `hi` (bootstrap over pairs) of each group.
    """
    found = {}
    values = np.array([outcome.metrics[metric] for outcome in outcomes])
    for group in GROUPS:
        if group in partners:
            others = np.array([outcome.metrics[metric] for outcome in partners[group]])
            pairs = np.stack([values[: len(others)], others])
            picks = stream(seed, 0, "groups").integers(
                len(others), size=(RESAMPLES, len(others))
            )
            low, high = np.quantile(_share(pairs[:, picks]), [0.025, 0.975])
            found[group] = {
                "share": float(_share(pairs)),
                "lo": float(low),
                "hi": float(high),
            }
    return found


def _share(pairs: Floats) -> Floats:
    """The share of pairs in the first axis, over the runs in the last."""
    mean = pairs.mean(axis=(0, -1))
    variance = np.mean(pairs**2, axis=(0, -1)) - mean**2
    covariance = np.mean(pairs[0] * pairs[1], axis=-1) - mean**2
    # Where nothing varies but for its rounding, nothing has a share.
    varies = variance > 1e-12 * mean**2
    return np.clip(
        np.where(varies, covariance, 0.0) / np.where(varies, variance, 1.0), 0.0, 1.0
    )
