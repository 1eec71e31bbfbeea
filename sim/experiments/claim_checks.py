"""An article, sentence by sentence: what would have to be true, and what the simulation says of it.

A sentence has readings, the plainest first, and counts by that one; each is simulated many times.
A reading is *supported* if the probability that its limit is met is 0.9 or more, and *contradicted*
if it is 0.1 or less, each with the 95 % interval of that probability and for all limits that
somebody could draw. Else it is *undecided*, and it is said whether more runs, the unknown inputs or
unfinished runs leave it open. A reading without a limit lies *outside the model*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any, Unpack

import numpy as np
import pandas as pd

from sim.errors import InputError
from sim.experiments.articles import (
    Article,
    Limit,
    Reading,
    Sentence,
    Simulated,
    article,
    words,
)
from sim.experiments.dates import whether
from sim.experiments.executors import Execution
from sim.experiments.intervals import spread, wilson
from sim.experiments.replicate import Replications
from sim.experiments.sweep import study
from sim.results.ledger import Floats
from sim.results.metrics import metrics_of

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
MORE_RUNS = "undecided (more runs)"
INPUTS = "undecided (inputs)"
UNFINISHED = "undecided (unfinished runs)"
OUTSIDE = "outside the model"
VERDICTS = (SUPPORTED, CONTRADICTED, INPUTS, MORE_RUNS, UNFINISHED, OUTSIDE)
SURE = 0.9
"""Probability from which on a reading is supported."""
FEWEST = 60
"""Runs below which there is no verdict."""
SCALES = {
    "crossing_days": ("years", 365.25),
    "gpu_hours_computing": ("million chip-hours", 1e6),
    "cost_amortised_usd": ("million dollars", 1e6),
}
"""How numbers of a metric are told where it is not in their own unit."""
GROWING = ("wall_days", "gpu_hours_computing", "cost_amortised_usd")
"""What a run that goes on has more of: at its horizon it is known from below."""
OUTLOOK = ("largest.", "reach.")
"""Metrics of a date, of which no horizon cuts anything off."""
WORDS = (
    *("against", "scenario", "status", "unit", "bound", "input"),
    *("limit_status", "limit_source", "rests_on"),
)
"""Columns that are empty for a reading outside the model."""
STANDS_OUT = 3.0
"""Standard errors by which a rank correlation must differ from none."""

Runs = Mapping[str, Replications]
"""By the key of what was simulated."""


def judge(
    n: int = 100,
    seed: int = 1,
    *,
    of: Article | None = None,
    rows: Iterable[int] = (),
    **execution: Unpack[Execution],
) -> pd.DataFrame:
    """Simulate every reading of every sentence and apply the rules.

    Parameters
    ----------
    n : int
        Replications of each reading, all of them under the same luck.
    seed, **execution
        As for `sim.replicate`.
    of : Article, optional
        The one that comes with the project unless given.
    rows : iterable of int
        The sentences, counted from 1; all unless given.

    Returns
    -------
    pandas.DataFrame
        A row a reading: the words, the `verdict` on the sentence and the one `found` for the
        reading. `p5`, `median` and `p95` are over replications (chance and unknown inputs) in
        `unit`, as is the `limit`, and are least values where `p5_most` and its like are greater:
        some runs had not ended. `share` of the runs meets the limit, from `share_lo` to `share_hi`
        (Wilson's interval, wider by the runs that had not ended); `flips` says at which limits the
        verdict changes; `input` is the unknown constant that moves the metric most, by rank
        `correlation`.

    Raises
    ------
    InputError
        When there is no such row.
    """
    text = of or article()
    sentences = list(text.sentences.items())
    # A row that is named twice is told once.
    numbers = list(dict.fromkeys(rows)) or list(range(1, len(sentences) + 1))
    for number in numbers:
        if not 1 <= number <= len(sentences):
            problem = f"there is no row {number}; there are 1 to {len(sentences)}"
            raise InputError(problem, given=number)
    chosen = [(number, *sentences[number - 1]) for number in numbers]
    # Whatever is wrong with a scenario is found before anything runs.
    scenarios = text.scenarios([name for _, name, _ in chosen])
    runs = study("reading", scenarios, n, seed, **execution) if scenarios else {}
    found = []
    for number, name, sentence in chosen:
        about = {"row": number, "claim": name}
        found += [about | row for row in verdict(sentence, runs)]
    table = pd.DataFrame(found)
    # Where no reading can be tested, none has said these.
    columns = table.columns.union([*WORDS, "runs"], sort=False)
    table = table.reindex(columns=columns).astype(dict.fromkeys(WORDS, object))
    return table.fillna(dict.fromkeys(WORDS, ""))


def verdict(sentence: Sentence, runs: Runs) -> list[dict[str, Any]]:
    """Apply the rules to one sentence.

    Parameters
    ----------
    sentence : Sentence
    runs : mapping of str to Replications
        By the key of what was simulated.

    Returns
    -------
    list of dict
        The rows of the sentence in the table of `judge`.
    """
    rows = [_read(reading, runs) for reading in sentence.readings]
    found = [row["found"] for row in rows]
    agreed = found[0]
    if sentence.joint and len(set(found)) > 1:
        # Readings that differ decide nothing, whatever each of them says.
        agreed = INPUTS
    said = {
        "sentence": sentence.sentence,
        "speaker": words(sentence.speaker),
        "translation": sentence.translation,
        "verdict": agreed,
    }
    return [{**said, "reading_number": k, **row} for k, row in enumerate(rows)]


def _read(reading: Reading, runs: Runs) -> dict[str, Any]:
    """The words of a reading, and what the simulation says of it."""
    said = {
        "reading": words(reading.says),
        "needs": words(reading.needs),
        "caveat": words(reading.caveat),
        "found": OUTSIDE,
    }
    limit = reading.limit
    return said | _tested(reading, limit, runs) if limit else said


def _tested(reading: Reading, limit: Limit, runs: Runs) -> dict[str, Any]:
    """What the simulation says of a reading."""
    least, most = _bounds(reading, runs)
    metric = metrics_of(reading.changed_scenario)[reading.metric]
    unit, scale = SCALES.get(reading.metric, (metric.unit, 1.0))
    if reading.against:
        unit, scale = "times", 1.0
    rule = Rule(limit, least, most)
    low, high = spread(least, "inverted_cdf"), spread(most, "inverted_cdf")
    cause, correlation = _moved_most_by(reading.simulated, runs[reading.key].seed, least)
    ends = limit.ends
    return {
        "found": rule.verdict,
        "against": words(reading.against.says) if reading.against else "",
        "scenario": reading.scenario,
        "status": reading.status,
        "runs": len(least),
        **{name: value / scale for name, value in low.items()},
        **{f"{name}_most": value / scale for name, value in high.items()},
        "unit": unit,
        "bound": "at least" if limit.at_most is None else "at most",
        "limit": limit.value / scale,
        "limit_from": ends[0] / scale,
        "limit_to": ends[1] / scale,
        "limit_status": limit.status,
        "rests_on": words(limit.note),
        "limit_source": limit.source,
        "share": rule.sure / len(least),
        "share_lo": wilson(rule.sure, len(least))["lo"],
        "share_hi": wilson(rule.perhaps, len(least))["hi"],
        "supported_at": rule.supported_at / scale,
        "contradicted_at": rule.contradicted_at / scale,
        "input": cause,
        "correlation": correlation,
    }


@cache
def needed(n: int) -> int:
    """Of n runs, how many must meet a limit for support; n + 1 if all of them are too few.

    By symmetry, as many must fail for it to be contradicted.

    Examples
    --------
    >>> needed(60), needed(1000)
    (59, 919)
    """
    count = n + 1
    while count and wilson(count - 1, n)["lo"] >= SURE:
        count -= 1
    return count


class Rule:
    """The verdict on values of which some are known only to lie between two bounds.

    Parameters
    ----------
    limit : Limit
    least, most : array of float
        Bounds of each value.
    """

    def __init__(self, limit: Limit, least: Floats, most: Floats) -> None:
        # Turned round, a value that must be large is one that must be small.
        self.sign = 1.0
        if limit.at_most is None:
            self.sign = -1.0
            least, most = -most, -least
        self.limit = limit
        self.least = np.sort(least)
        self.most = np.sort(most)
        self.sure = int((self.most <= self.sign * limit.value).sum())
        self.perhaps = int((self.least <= self.sign * limit.value).sum())

    @property
    def supported_at(self) -> float:
        """The strictest limit at which the reading is supported; nan if there is none."""
        return self._ranked(self.most, needed(len(self.most)) - 1)

    @property
    def contradicted_at(self) -> float:
        """The limit short of which the reading is contradicted; nan if there is none."""
        return self._ranked(self.least, len(self.least) - needed(len(self.least)))

    def _ranked(self, values: Floats, position: int) -> float:
        enough = len(values) >= FEWEST
        return self.sign * float(values[position]) if enough else np.nan

    @property
    def verdict(self) -> str:
        """For the limit, and for all others that somebody could draw."""
        if len(self.least) < FEWEST:
            return MORE_RUNS
        found = {self._at(limit) for limit in (self.limit.value, *self.limit.ends)}
        return found.pop() if len(found) == 1 else INPUTS

    def _at(self, limit: float) -> str:
        n, strict = len(self.least), self.sign * limit
        if strict >= self.sign * self.supported_at:
            return SUPPORTED
        if strict < self.sign * self.contradicted_at:
            return CONTRADICTED
        sure = wilson(int((self.most <= strict).sum()), n)
        perhaps = wilson(int((self.least <= strict).sum()), n)
        if sure["hi"] >= SURE or perhaps["lo"] <= 1 - SURE:
            return MORE_RUNS
        if sure["lo"] < perhaps["lo"] and (perhaps["lo"] >= SURE or sure["hi"] <= 1 - SURE):
            return UNFINISHED
        return INPUTS


def _bounds(reading: Reading, runs: Runs) -> tuple[Floats, Floats]:
    """The least and the most that a value or ratio can be, in every replication."""
    least, most = _one(runs[reading.key], reading.metric)
    if reading.plus:
        least, most = least + reading.plus.value, most + reading.plus.value
    if reading.against:
        below, above = _one(runs[reading.against.key], reading.metric)
        with np.errstate(all="ignore"):
            # Two that come at once are alike.
            least, most = np.nan_to_num([least / above, most / below], nan=1.0, posinf=np.inf)
    return least, most


def _one(runs: Replications, metric: str) -> tuple[Floats, Floats]:
    """The least and the most of a metric in every replication.

    Of a run that had not ended, time, work and cost go on; of anything else nothing is known.
    """
    values = runs.values(metric)
    # What is not known meets no limit, and a ratio of two such would be taken for 1.
    if np.isnan(values).any():
        raise InputError(f"{runs.scenario}: {metric} is not known in every run", key="metric")
    flag = whether(metric, runs)
    if not flag and "crossed" not in runs.frame and not metric.startswith(OUTLOOK):
        # A programme has no end of its own that its metrics would wait for.
        flag = "finished"
    if not flag:
        return values, values
    ended = runs.frame[flag].to_numpy(dtype=bool)
    least = (
        values if flag != "finished" or metric in GROWING else np.where(ended, values, 0.0)
    )
    return least, np.where(ended, values, np.inf)


def _moved_most_by(
    parts: Sequence[Simulated], seed: int, values: Floats
) -> tuple[str, float]:
    """The unknown constant that goes most with the values, and their rank correlation.

    Spearman's; a constant is named only if it stands out.
    """
    n = len(values)
    draws = []
    for k in range(n):
        drawn: dict[str, float] = {}
        for part in parts:
            scenario = part.changed_scenario
            # Readings share scenarios: what was drawn for one of them is there for the others.
            drawn |= scenario.once(("draws", seed, k), partial(scenario.draws, seed, k))
        draws.append(drawn)
    ranks = pd.DataFrame(draws).assign(values=values).rank()
    # Twice the distance from the middle is a whole number, so that the sums are exact.
    ranks = 2 * ranks - n - 1
    y = ranks.pop("values")
    size = np.sqrt((ranks**2).sum() * (y**2).sum())
    found = (ranks.mul(y, axis=0).sum() / size).fillna(0.0)
    best = found.abs().idxmax()
    if abs(found[best]) * np.sqrt(n) < STANDS_OUT:
        return "", 0.0
    return str(best), float(found[best])
