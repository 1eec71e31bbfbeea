"""Do the bands cover? Published numbers placed in our predictive distributions, and a score.

Only rows of validation count. Of a published run one row counts, as its others tell the same
measurement in another unit. A held-out run of a fitted family went into the width of the bands
(`make fit-steptime`), so it is *fitted* here: placed and not counted. The statistics of traces are
inputs or fitted, so none is here; nor is a bound (*more than*), which has no place in a
distribution. A place is asked for in the distribution that a user gets, over chance and all unknown
constants. Step times have a table of their own besides, which leaves whole families out of the fit
(`sim.validation.step_score`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

import numpy as np
import pandas as pd
from scipy import stats
from scipy.stats import qmc

from sim import catalogue
from sim.catalogue.evidence import MeasuredRun
from sim.engine.risks import node_rate
from sim.engine.setup import intervals, throughput_of
from sim.experiments.intervals import band, summary
from sim.experiments.sweep import drawn
from sim.quantities.unknowns import settled, unknowns
from sim.results.ledger import Floats
from sim.scenario import Case, Scenario, load_case
from sim.throughput import planned
from sim.throughput.domain import NINETY
from sim.validation import published
from sim.validation.jobs import Table, scenario_of, shares
from sim.validation.report import Prediction, Row, by_family, hits
from sim.validation.step_score import families

LEVELS = (0.5, 0.9)
STEP_DRAWS = 5
"""Draws of a step time for each replication of a job, as they cost a hundredth."""
SHARED = "rows of one family share their error, so they hit or miss together"
PAST_JOBS = "past jobs"
BLOCKS = ("interruptions of log blocks", "share of time of log blocks")
OWN = (PAST_JOBS, *BLOCKS)
"""Kinds of a user's own evidence."""
RIVALS = {
    "step times": "a constant MFU, as the other sources have it",
    "jobs": "Daly's formula",
    "logbooks": "Daly's formula",
    PAST_JOBS: "Daly's formula",
    **dict.fromkeys(BLOCKS, "a constant rate, the mean of the other half"),
}
"""The plain rival of each kind."""


@dataclass(frozen=True, eq=False)
class Forecast(Prediction):
    """A published number, what we say of it, and what a plain rival says.

    Attributes
    ----------
    kind, family : str
        Of evidence; rows of one family have their facts in common.
    id, title, source : str
    published : float
    sample : array of float
        Draws of our predictive distribution, over chance and everything unknown.
    rival : array of float
        Those of the rival; one number if it gives no distribution.
    role : str
        Only `validation` counts.
    cause_of_miss : str
        A likely cause, where one is known.
    """

    kind: str
    family: str
    id: str
    title: str
    source: str
    published: float
    sample: Floats
    rival: Floats
    role: str = "validation"
    cause_of_miss: str = ""

    @cached_property
    def place(self) -> float:
        """Where the published number lies in our distribution (PIT): the share below it.

        Examples
        --------
        >>> draws = np.arange(10.0)
        >>> Forecast("", "", "", "", "", 2.5, draws, draws).place
        0.3
        """
        below = np.mean(self.sample < self.published)
        alike = np.mean(self.sample == self.published)
        return float(below + alike / 2)


def crps(sample: Floats, value: float) -> float:
    """Continuous ranked probability score of a sample: the mean distance, less half its own.

    It is half the square of the energy distance to the one value (Székely and Rizzo, 2013), and of
    a single number the distance itself.

    Examples
    --------
    >>> round(crps(np.array([1.0]), 3.0), 6), round(crps(np.array([1.0, 3.0]), 3.0), 6)
    (2.0, 0.5)
    """
    return float(stats.energy_distance(sample, [value])) ** 2 / 2


def rows(n: int = 200, seed: int = 0) -> list[Row]:
    """Each published number in its place, then how often bands of each kind and family hold one.

    Parameters
    ----------
    n : int
        Draws behind each predictive distribution.
    seed : int

    Returns
    -------
    list of Row
        Of a forecast `ours` is the median, and the row is `ok` if the 90 % band holds what was
        published, or if it does not count. Of hits `lo` and `hi` are the ends of the central 95 %
        of the binomial, and the row is `ok` within them. Of scores they are the 95 % interval of
        the mean (Student), as if rows were independent, and the row is `ok` if our mean is below
        the rival's.
    """
    return judged(forecasts(n, seed))


def judged(found: Sequence[Forecast]) -> list[Row]:
    """The rows of some forecasts: each in its place, then hits and scores."""
    table = [_placed(forecast) for forecast in found]
    counted = [forecast for forecast in found if forecast.role == "validation"]
    table += summed(counted)
    for family in by_family(counted):
        # Of a single row the range holds every number of hits.
        if len(family) > 1:
            table += _hits(family[0].family, [[one] for one in family], SHARED)
    return table


def summed(counted: Sequence[Forecast]) -> Iterator[Row]:
    """Hits and scores of each kind of forecasts, and the hits of its families."""
    for kind in RIVALS:
        some = [forecast for forecast in counted if forecast.kind == kind]
        if some:
            yield from _hits(kind, [[one] for one in some])
            yield from _scores(kind, some)
            yield from _hits(f"{kind} by family", by_family(some))


def forecasts(n: int, seed: int) -> list[Forecast]:
    """Every published number that counts, with our predictive distribution of it."""
    return [*_step_times(n, seed), *_jobs("jobs", n, seed), *_jobs("logbooks", n, seed)]


def line(table: pd.DataFrame) -> str:
    """What the hits of a score say in a sentence.

    Parameters
    ----------
    table : pandas.DataFrame
        A row of the score in each, with the columns `id`, `kind`, `ours`, `count`, `lo` and `hi`.

    Examples
    --------
    >>> row = {"id": "hits.90", "kind": "jobs", "ours": 2, "count": 3, "lo": 2, "hi": 3}
    >>> family = row | {"kind": "jobs by family", "ours": 1.5, "count": 2}
    >>> line(pd.DataFrame([row, family])).partition(" Numbers")[0]
    'Our 90 % bands hold 2 of 3 published jobs (2 to 3 would be right; by source 1.5 of 2).'
    """
    found = table[table["id"] == "hits.90"].set_index("kind")
    parts = []
    for kind in found.index.intersection(list(RIVALS)):
        row, family = found.loc[kind], found.loc[f"{kind} by family"]
        whose = "" if kind in OWN else "published "
        parts.append(
            f"{row['ours']:g} of {row['count']:g} {whose}{kind} ({row['lo']:g} to "
            f"{row['hi']:g} would be right; by source {family['ours']:.2g} of {family['count']:g})"
        )
    told = f"Our 90 % bands hold {', '.join(parts)}."
    return f"{told} Numbers of one source err together, so a source counts once, by its hits."


def told(rows: Sequence[Row]) -> str:
    """The sentence of `line` about rows of a score as they are."""
    return line(pd.DataFrame(map(vars, rows)).rename(columns={"quantity": "kind"}))


def _step_times(n: int, seed: int) -> Iterator[Forecast]:
    held_out = {name for family in families("fitted").values() for name in family.held_out}
    evidence = [row for row in published.rows() if published.counts(row)]
    first = {row.case: row for row in reversed(evidence)}
    runs = {name: catalogue.entry("runs", name).item for name in first}
    cases = {name: _laid_out(load_case(run.case)) for name, run in runs.items()}
    utilised = {name: _utilisation(first[name], cases[name]) for name in first}
    for name, row in sorted(first.items()):
        ours = published.quantity("mfu", cases[name], ())
        others = [
            share for other, share in utilised.items() if first[other].source != row.source
        ]
        ratio = np.array(others) / ours
        if row.quantity in published.SLOWER:
            ratio = 1 / ratio
        sample = _drawn(runs[name], cases[name], row.quantity, STEP_DRAWS * n, seed)
        scale = row.expected
        # As shares of what was published: seconds and tokens per second have no common unit.
        yield Forecast(
            "step times",
            row.source,
            row.id,
            row.title,
            row.source,
            1.0,
            sample / scale,
            ratio * row.ours / scale,
            "fitted" if name in held_out else row.role,
            row.cause_of_miss,
        )


def _laid_out(case: Case) -> Case:
    """A case with its layouts chosen, so that no draw need choose them again."""
    fleet = planned(case.run, case.fleet, case.mixing, case.constants)
    return case.model_copy(update={"fleet": fleet})


def _utilisation(row: Row, case: Case) -> float:
    """The utilisation that was published: ours, corrected by how far ours is off."""
    ours = published.quantity("mfu", case, ())
    off = row.expected / row.ours
    return ours / off if row.quantity in published.SLOWER else ours * off


def _drawn(run: MeasuredRun, case: Case, quantity: str, n: int, seed: int) -> Floats:
    """A quantity of a case over draws of all that is unknown of it.

    The draws fill a Latin hypercube (McKay et al., 1979): what a few hundred independent ones say
    of the tails would hang on the seed.
    """
    known = unknowns(case)
    values = []
    for quantiles in qmc.LatinHypercube(len(known), rng=seed).random(n):
        settled_case = settled(case, drawn(known, quantiles))
        values.append(published.quantity(quantity, settled_case, run.without))
    return np.array(values)


def _jobs(table: Table, n: int, seed: int) -> Iterator[Forecast]:
    for name, entry in catalogue.table(table).items():
        job = entry.item
        if job.role != "validation" or job.bound:
            continue
        source = entry.facts[0].source
        yield Forecast(
            table,
            job.family or source,
            name,
            job.title,
            source,
            job.measured,
            shares(job, n, seed),
            np.array([daly_share(scenario_of(job))]),
            cause_of_miss=job.cause_of_miss,
        )


def daly_share(scenario: Scenario) -> float:
    """Productive share of the time to first order, from counts and intervals alone (Daly, 2006)."""
    known = scenario.resolve(0, 0, fixed=True)
    interval, _ = intervals(known, throughput_of(known, known.run, known.fleet))
    checkpoint = known.checkpoint
    blocking = checkpoint.blocking
    if checkpoint.memory:
        interval /= checkpoint.memory.per_interval
        blocking = checkpoint.memory.blocking
    fleet = known.fleet.values()
    failures = math.fsum(
        p.active_nodes * node_rate(p.failures, p.chip.node_size) for p in fleet
    )
    lost = interval / 2 + known.recovery.restart.mean + (checkpoint.load or 0.0)
    return max(1 - blocking / interval - failures * lost, 0.0)


def _placed(forecast: Forecast) -> Row:
    counts = forecast.role == "validation"
    return Row(
        forecast.id,
        forecast.title,
        float(np.median(forecast.sample)),
        forecast.published,
        ok=forecast.hit(0.9) or not counts,
        role=forecast.role,
        quantity=forecast.kind,
        against=forecast.family,
        place=forecast.place,
        crps=crps(forecast.sample, forecast.published),
        rival_crps=crps(forecast.rival, forecast.published),
        cause_of_miss=forecast.cause_of_miss,
        source=forecast.source,
        **band(forecast.sample),
    )


def _hits(name: str, groups: Sequence[Sequence[Forecast]], cause: str = "") -> Iterator[Row]:
    """How often the bands of a kind or a family hold what was published."""
    n = len(groups)
    for level in LEVELS:
        number, low, high = hits(groups, level)
        ok = low <= number <= high
        yield Row(
            f"hits.{level * 100:g}",
            f"{name}: hits of {level:.0%} bands among {n}",
            number,
            level * n,
            ok=ok,
            quantity=name,
            lo=low,
            hi=high,
            count=n,
            cause_of_miss="" if ok else cause,
        )


def _scores(kind: str, some: Sequence[Forecast]) -> Iterator[Row]:
    """How good the distributions of a kind are, and how narrow."""
    ours = np.array([crps(f.sample, f.published) for f in some])
    theirs = np.array([crps(f.rival, f.published) for f in some])
    gain = summary(ours - theirs)
    mean = fmean(ours - theirs)
    yield Row(
        "crps",
        f"{kind}: score (CRPS) less that of its rival",
        mean,
        0.0,
        ok=mean < 0,
        quantity=kind,
        against=RIVALS[kind],
        lo=gain["lo"],
        hi=gain["hi"],
    )
    ends = [band(f.sample) for f in some]
    widths = np.array([end["p95"] - end["p5"] for end in ends])
    errors = [f.published - np.median(f.sample) for f in some]
    # So wide are 90 % bands of a normal error of the size that was seen.
    right = 2 * NINETY * math.sqrt(fmean(error**2 for error in errors))
    width = summary(widths)
    yield Row(
        "width",
        f"{kind}: mean width of 90 % bands",
        fmean(widths),
        right,
        ok=True,
        quantity=kind,
        against="the width that the errors call for",
        lo=width["lo"],
        hi=width["hi"],
    )
