"""The article, claim by claim: what would have to be true, and what the simulation says of it, by
fixed rules.

A claim is *outside the model* if nothing in a simulation could bear on it. Otherwise it has
readings, the first as it was said, the others with other chips, and each is simulated many times. A
reading holds if more than half of its replications meet the limit, and the 95 % interval of that
share says so too. A claim is *supported* if its first reading holds, *supported with other chips*
if another does, and *unsupported* if none does: not shown, which is less than refuted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from sim import documents
from sim.catalogue import FOLDER
from sim.catalogue.strict import Strict
from sim.experiments.executors import Work
from sim.experiments.replicate import Replications, wilson
from sim.experiments.store import Point
from sim.experiments.sweep import study
from sim.scenario import Scenario, load_scenario, patient

SUPPORTED, OTHERWISE, UNSUPPORTED = "supported", "supported with other chips", "unsupported"
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
    def question(self) -> Scenario:
        """The scenario to simulate."""
        return load_scenario(self.scenario).override(self.set)

    @property
    def as_it_was(self) -> bool:
        """Whether nothing but patience differs from the scenario: the horizon and the spares."""
        return patient(self.set)


class Limit(Strict):
    """What the metric is compared with, from one side, in its own unit; and where that comes from."""

    at_most: float = np.inf
    at_least: float = -np.inf
    source: str
    status: str
    note: str = ""


class Claim(Strict):
    """A statement word by word, and what would have to be true for it; without a limit it cannot be
    tested.
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


@cache
def claims() -> dict[str, Claim]:
    """Every claim by name, in the order of the catalogue."""
    data = documents.read(FOLDER / "claims.yaml").data
    return {name: Claim.model_validate(body) for name, body in data.items()}


def judge(n: int = 100, seed: int = 1, **work: Unpack[Work]) -> pd.DataFrame:
    """Simulate every reading of every claim and apply the rules.

    Parameters
    ----------
    n, seed, **work
        As for `sim.replicate`; all readings are under the same luck.

    Returns
    -------
    pandas.DataFrame
        A row a reading: the words, the `verdict` on the claim, and `decides` for the reading on
        which it rests. `p5`, `median` and `p95` are over replications (chance and unknown inputs)
        in `unit`, as is the `limit`; `share` of them meets it, with its 95 % interval (Wilson);
        `input` is the unknown constant that moves the metric most, by rank `correlation`. A claim
        outside the model has one row and no numbers.
    """
    tested = [r for claim in claims().values() for r in (*claim.readings, claim.against) if r]
    readings = {_key(reading): reading for reading in tested}
    points = [
        ({"reading": key}, Point(reading.question, seed, range(n)))
        for key, reading in readings.items()
    ]
    runs = dict(
        zip(readings, (result for _, result in study("claims", points, **work).points), strict=True)
    )
    rows = [
        row
        for name, claim in claims().items()
        for row in verdict(name, claim, lambda r: runs[_key(r)])
    ]
    return pd.DataFrame(rows).fillna(dict.fromkeys(WORDS, ""))


def _key(reading: Reading) -> str:
    return f"{reading.scenario} {reading.set}"


def verdict(
    name: str, claim: Claim, run: Callable[[Reading], Replications]
) -> list[dict[str, Any]]:
    """The rows of one claim; `run` carries out a reading."""
    rows = (
        [_tested(claim, claim.limit, reading, run) for reading in claim.readings]
        if claim.limit
        else [{}]
    )
    holding = [k for k, row in enumerate(rows) if row and row["share_lo"] > 0.5]
    found = UNSUPPORTED if not holding else SUPPORTED if holding[0] == 0 else OTHERWISE
    words = claim.model_dump(include={"quotation", "translation", "needs", "inputs", "note"})
    words = {"claim": name, "verdict": found if claim.limit else OUTSIDE} | words
    return [words | {"decides": k == (holding or [0])[0]} | row for k, row in enumerate(rows)]


def _tested(
    claim: Claim, limit: Limit, reading: Reading, run: Callable[[Reading], Replications]
) -> dict[str, Any]:
    questions, values = [reading.question], _values(run(reading), claim.metric)
    unit, scale = UNITS[claim.metric]
    if claim.against:
        unit, scale = "times", 1.0
        questions.append(claim.against.question)
        other = _values(run(claim.against), claim.metric)
        with np.errstate(all="ignore"):
            values = np.nan_to_num(
                values / other, nan=1.0, posinf=np.inf
            )  # two that never come are alike
    meets = (values <= limit.at_most) & (values >= limit.at_least)
    bound, end = (
        ("at most", limit.at_most) if np.isfinite(limit.at_most) else ("at least", limit.at_least)
    )
    interval = wilson(int(meets.sum()), len(meets))
    p5, median, p95 = np.quantile(values, [0.05, 0.5, 0.95], method="inverted_cdf") / scale
    cause, correlation = _moved_most_by(questions, run(reading).seed, values)
    return {
        "reading": reading.says,
        "against": claim.against.says if claim.against else "",
        "scenario": reading.scenario,
        "status": questions[0].status if reading.as_it_was else "counterfactual",
        "p5": p5,
        "median": median,
        "p95": p95,
        "unit": unit,
        "bound": bound,
        "limit": end / scale,
        "share": meets.mean(),
        "share_lo": interval["lo"],
        "share_hi": interval["hi"],
        "input": cause,
        "correlation": correlation,
    }


def _values(runs: Replications, metric: str) -> NDArray[np.float64]:
    """A metric in every replication; infinite if the run it is about did not finish, or its date
    was not reached.
    """
    frame = runs.frame
    values = frame[metric].fillna(np.inf)
    return (
        values if metric == "crossing_days" else values.where(frame["finished"], np.inf)
    ).to_numpy(dtype=float)


def _moved_most_by(
    questions: list[Scenario], seed: int, values: NDArray[np.float64]
) -> tuple[str, float]:
    """The unknown constant that goes most with the values, and their rank correlation, if one
    stands out.
    """
    draws = [
        {name: value for q in questions for name, value in q.draws(seed, k).items()}
        for k in range(len(values))
    ]
    ranks = (
        pd.DataFrame(draws).assign(values=values).rank() * 2 - len(values) - 1
    )  # whole numbers: sums are exact
    names, x, y = ranks.columns[:-1], ranks.to_numpy()[:, :-1], ranks.to_numpy()[:, -1]
    spread = np.sqrt((x**2).sum(axis=0) * (y**2).sum())
    found = np.divide((x.T * y).sum(axis=1), spread, out=np.zeros(len(names)), where=spread > 0)
    best = int(np.abs(found).argmax())
    stands_out = abs(found[best]) * np.sqrt(len(values)) >= STANDS_OUT
    return (str(names[best]), float(found[best])) if stands_out else ("none stands out", 0.0)
