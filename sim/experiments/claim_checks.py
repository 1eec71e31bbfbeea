"""The article, claim by claim: what would have to be true, and what the simulation says of it.

A claim is *outside the model* if nothing in a simulation could bear on it. Otherwise it has
readings, the first as it was said, the others with other chips, and each is simulated many times. A
reading holds if more than half of its replications meet the limit, and the 95 % interval of that
share says so too. A claim is *supported* if its first reading holds, *supported with other chips*
if another does, and *unsupported* if none does: not shown, which is less than refuted.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Unpack

import numpy as np
import pandas as pd
from pydantic import Field

from sim import documents
from sim.catalogue import FOLDER
from sim.catalogue.strict import Strict
from sim.experiments.executors import Execution
from sim.experiments.intervals import spread, wilson
from sim.experiments.replicate import Replications
from sim.experiments.sweep import study
from sim.results.ledger import Floats
from sim.scenario import Scenario, load_scenario, patient

SUPPORTED = "supported"
OTHERWISE = "supported with other chips"
UNSUPPORTED = "unsupported"
OUTSIDE = "outside the model"
UNITS = {
    "wall_days": ("days", 1.0),
    "crossing_days": ("years", 365.25),
    "gpu_hours_computing": ("million chip-hours", 1e6),
    "cost_amortised_usd": ("million dollars", 1e6),
}
"""How numbers of a metric are told."""
WORDS = ("reading", "against", "scenario", "status", "unit", "bound", "input")
"""Columns that are empty for a claim outside the model."""
STANDS_OUT = 3.0
"""Standard errors by which a rank correlation must differ from none."""


class Reading(Strict):
    """One way to take a claim: a scenario, changed by dotted paths."""

    says: str
    scenario: str
    set: dict[str, Any] = Field(default_factory=dict)

    @property
    def changed_scenario(self) -> Scenario:
        """The scenario to simulate."""
        return load_scenario(self.scenario).override(self.set)

    @property
    def status(self) -> str:
        """That of the scenario if only patience was changed in it: the horizon and the spares."""
        return self.changed_scenario.status if patient(self.set) else "counterfactual"

    @property
    def key(self) -> str:
        """What two readings share if they are the same simulation."""
        return f"{self.scenario} {self.set}"


class Limit(Strict):
    """What the metric is compared with, from one side, and where that comes from."""

    at_most: float = np.inf
    at_least: float = -np.inf
    source: str
    status: str
    note: str = ""

    @property
    def bound(self) -> tuple[str, float]:
        """From which side it limits, and where."""
        if np.isfinite(self.at_most):
            return "at most", self.at_most
        return "at least", self.at_least


class Claim(Strict):
    """A statement word by word, and what would have to be true for it.

    Without a limit it cannot be tested.
    """

    quotation: str
    translation: str
    needs: str
    inputs: str = ""
    metric: str = ""
    readings: tuple[Reading, ...] = ()
    against: Reading | None = None
    limit: Limit | None = None
    note: str = ""


Runs = Mapping[str, Replications]
"""By the key of their reading."""


@cache
def claims() -> dict[str, Claim]:
    """Every claim by name, in the order of the catalogue."""
    data = documents.read(FOLDER / "claims.yaml").data
    return {name: Claim.model_validate(body) for name, body in data.items()}


def judge(n: int = 100, seed: int = 1, **execution: Unpack[Execution]) -> pd.DataFrame:
    """Simulate every reading of every claim and apply the rules.

    Parameters
    ----------
    n : int
        Replications of each reading, all of them under the same luck.
    seed, **execution
        As for `sim.replicate`.

    Returns
    -------
    pandas.DataFrame
        A row a reading: the words, the `verdict` on the claim, and `decides` for the reading on
        which it rests. `p5`, `median` and `p95` are over replications (chance and unknown inputs)
        in `unit`, as is the `limit`; `share` of them meets it, with its 95 % interval (Wilson);
        `input` is the unknown constant that moves the metric most, by rank `correlation`. A claim
        outside the model has one row and no numbers.
    """
    scenarios = {}
    for claim in claims().values():
        for reading in filter(None, (*claim.readings, claim.against)):
            # Claims share readings, and each is simulated once.
            scenarios[reading.key] = reading.changed_scenario
    runs = study("reading", scenarios, n, seed, **execution)
    rows = []
    for name, claim in claims().items():
        rows += verdict(name, claim, runs)
    return pd.DataFrame(rows).fillna(dict.fromkeys(WORDS, ""))


def verdict(name: str, claim: Claim, runs: Runs) -> list[dict[str, Any]]:
    """Apply the rules to one claim.

    Parameters
    ----------
    name : str
    claim : Claim
    runs : mapping of str to Replications
        By the key of their reading.

    Returns
    -------
    list of dict
        The rows of the claim in the table of `judge`.
    """
    limit = claim.limit
    if limit is None:
        rows: list[dict[str, Any]] = [{}]
        holding = []
        found = OUTSIDE
    else:
        rows = [_tested(claim, limit, reading, runs) for reading in claim.readings]
        holding = [k for k, row in enumerate(rows) if row["share_lo"] > 0.5]
        found = OTHERWISE if holding else UNSUPPORTED
    # Only the first reading takes the claim as it was said.
    if 0 in holding:
        found = SUPPORTED
    words = claim.model_dump(include={"quotation", "translation", "needs", "inputs", "note"})
    decides = holding[0] if holding else 0
    return [
        {"claim": name, "verdict": found, **words, "decides": k == decides, **row}
        for k, row in enumerate(rows)
    ]


def _tested(claim: Claim, limit: Limit, reading: Reading, runs: Runs) -> dict[str, Any]:
    """What the simulation says of a reading."""
    values = _values(runs[reading.key], claim.metric)
    readings = [reading]
    unit, scale = UNITS[claim.metric]
    if claim.against:
        unit, scale = "times", 1.0
        readings.append(claim.against)
        with np.errstate(all="ignore"):
            ratio = values / _values(runs[claim.against.key], claim.metric)
        # Two that never come are alike.
        values = np.nan_to_num(ratio, nan=1.0, posinf=np.inf)
    meets = (values <= limit.at_most) & (values >= limit.at_least)
    share = wilson(int(meets.sum()), len(meets))
    bound, end = limit.bound
    ends = spread(values, "inverted_cdf")
    cause, correlation = _moved_most_by(readings, runs[reading.key].seed, values)
    return {
        "reading": reading.says,
        "against": claim.against.says if claim.against else "",
        "scenario": reading.scenario,
        "status": reading.status,
        "p5": ends["p5"] / scale,
        "median": ends["median"] / scale,
        "p95": ends["p95"] / scale,
        "unit": unit,
        "bound": bound,
        "limit": end / scale,
        "share": meets.mean(),
        "share_lo": share["lo"],
        "share_hi": share["hi"],
        "input": cause,
        "correlation": correlation,
    }


def _values(runs: Replications, metric: str) -> Floats:
    """A metric in every replication; infinite where the run or the date it is about never came."""
    values = runs.frame[metric].fillna(np.inf)
    if metric != "crossing_days":
        values = values.where(runs.frame["finished"], np.inf)
    return values.to_numpy(dtype=float)


def _moved_most_by(readings: list[Reading], seed: int, values: Floats) -> tuple[str, float]:
    """The unknown constant that goes most with the values, and their rank correlation.

    Spearman's; a constant is named only if it stands out.
    """
    n = len(values)
    scenarios = [reading.changed_scenario for reading in readings]
    draws = []
    for k in range(n):
        drawn: dict[str, float] = {}
        for scenario in scenarios:
            drawn |= scenario.draws(seed, k)
        draws.append(drawn)
    ranks = pd.DataFrame(draws).assign(values=values).rank()
    # Twice the distance from the middle is a whole number, so that the sums are exact.
    ranks = 2 * ranks - n - 1
    y = ranks.pop("values")
    size = np.sqrt((ranks**2).sum() * (y**2).sum())
    found = (ranks.mul(y, axis=0).sum() / size).fillna(0.0)
    best = found.abs().idxmax()
    if abs(found[best]) * np.sqrt(n) < STANDS_OUT:
        return "none stands out", 0.0
    return str(best), float(found[best])
