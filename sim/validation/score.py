"""Do the bands cover? Published numbers placed in our predictive distributions, and a score.

Only rows of validation count. Of a published run one row counts, as its others tell the same
measurement in another unit. The statistics of traces are inputs or fitted, so none counts; nor
does a bound (*more than*), which has no place in a distribution. A place is asked for in the
distribution that a user gets, over chance and all unknown constants. Step times have a table of
their own besides, which leaves whole families out of the fit (`sim.validation.step_score`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
import pandas as pd
from scipy import stats

from sim import catalogue
from sim.catalogue.evidence import MeasuredRun
from sim.engine.risks import node_rate
from sim.engine.setup import intervals, throughput_of
from sim.quantities.unknowns import settled, unknowns
from sim.results.ledger import Floats
from sim.scenario import Case, Scenario, load_case
from sim.streams import stream
from sim.throughput import planned
from sim.validation import published
from sim.validation.jobs import Table, scenario_of, shares
from sim.validation.report import Row

LEVELS = (0.5, 0.9)
CONFIDENCE = 0.95
PAST_JOBS = "past jobs"
RIVALS = {
    "step times": "a constant MFU, as the other sources have it",
    "jobs": "Daly's formula",
    "logbooks": "Daly's formula",
    PAST_JOBS: "Daly's formula",
}
"""The plain rival of each kind."""


@dataclass(frozen=True, eq=False)
class Forecast:
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
    """

    kind: str
    family: str
    id: str
    title: str
    source: str
    published: float
    sample: Floats
    rival: Floats

    @property
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

    def hit(self, level: float) -> bool:
        """Whether the published number lies in our central band of a probability."""
        return abs(self.place - 0.5) <= level / 2

    def quantile(self, share: float) -> float:
        """A quantile of our distribution."""
        return float(np.quantile(self.sample, share))


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
        Of a forecast `ours` is the median and `ok` says nothing. Of hits `lo` and `hi` are the ends
        of the central 95 % of the binomial, and the row is `ok` within them. Of scores they are the
        95 % interval of the mean (Student), and the row is `ok` if our mean is below the rival's.
    """
    return judged(forecasts(n, seed))


def judged(found: Sequence[Forecast]) -> list[Row]:
    """The rows of some forecasts: each in its place, then hits and scores."""
    table = [_placed(forecast) for forecast in found]
    for kind in RIVALS:
        some = [forecast for forecast in found if forecast.kind == kind]
        if some:
            table += [*_hits(kind, some), *_scores(kind, some)]
            table += _hits(f"{kind} by family", [*map(_median, _families(some))])
    # Rows of a family share what is wrong with it, so chance allows more than the binomial says.
    for family in _families(found):
        table += [replace(row, ok=True) for row in _hits(family[0].family, family)]
    return table


def _families(some: Sequence[Forecast]) -> list[list[Forecast]]:
    names = dict.fromkeys(forecast.family for forecast in some)
    return [[forecast for forecast in some if forecast.family == name] for name in names]


def _median(family: Sequence[Forecast]) -> Forecast:
    """The forecast of a family that is neither its best nor its worst."""
    ranked = sorted(family, key=lambda forecast: abs(forecast.place - 0.5))
    return ranked[len(ranked) // 2]


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
    >>> line(pd.DataFrame([row]))
    'Our 90 % bands hold 2 of 3 published jobs (2 to 3 would be right).'
    """
    hits = table[(table["id"] == "hits.90") & table["kind"].isin(list(RIVALS))]
    parts = [
        f"{row['ours']:g} of {row['count']:g} published {row['kind']} "
        f"({row['lo']:g} to {row['hi']:g} would be right)"
        for _, row in hits.iterrows()
    ]
    return f"Our 90 % bands hold {', '.join(parts)}."


def _step_times(n: int, seed: int) -> Iterator[Forecast]:
    evidence = [row for row in published.rows() if published.counts(row)]
    first = {row.case: row for row in reversed(evidence)}
    runs = {name: catalogue.entry("runs", name).item for name in first}
    cases = {name: _laid_out(load_case(run.case)) for name, run in runs.items()}
    utilised = {name: _utilisation(first[name], cases[name]) for name in first}
    for name, row in sorted(first.items()):
        ours = published.quantity("mfu", cases[name], ())
        others = [share for other, share in utilised.items() if first[other].source != row.source]
        ratio = np.array(others) / ours
        if row.quantity in published.SLOWER:
            ratio = 1 / ratio
        sample = _drawn(runs[name], cases[name], row.quantity, n, seed)
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
    """A quantity of a case over draws of all that is unknown of it."""
    known = unknowns(case)
    values = []
    for k in range(n):
        draws = {
            name: number.draw(stream(seed, k, f"input.{name}").random())
            for name, number in known.items()
        }
        drawn = settled(case, draws)
        found = published.quantity(quantity, drawn, run.without)
        values.append(found)
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
    failures = math.fsum(p.active_nodes * node_rate(p.failures, p.chip.node_size) for p in fleet)
    lost = interval / 2 + known.recovery.restart.mean + (checkpoint.load or 0.0)
    return max(1 - blocking / interval - failures * lost, 0.0)


def _placed(forecast: Forecast) -> Row:
    return Row(
        forecast.id,
        forecast.title,
        forecast.quantile(0.5),
        forecast.published,
        ok=True,
        quantity=forecast.kind,
        against=forecast.family,
        p5=forecast.quantile(0.05),
        p95=forecast.quantile(0.95),
        place=forecast.place,
        crps=crps(forecast.sample, forecast.published),
        rival_crps=crps(forecast.rival, forecast.published),
        source=forecast.source,
    )


def _hits(name: str, some: Sequence[Forecast]) -> Iterator[Row]:
    """How often the bands of a kind or a family hold what was published."""
    n = len(some)
    for level in LEVELS:
        hits = sum(forecast.hit(level) for forecast in some)
        low, high = stats.binom.interval(CONFIDENCE, n, level)
        yield Row(
            f"hits.{level * 100:g}",
            f"{name}: hits of {level:.0%} bands among {n}",
            hits,
            level * n,
            ok=bool(low <= hits <= high),
            quantity=name,
            lo=float(low),
            hi=float(high),
            count=n,
        )


def _scores(kind: str, some: Sequence[Forecast]) -> Iterator[Row]:
    """How good the distributions of a kind are, and how narrow."""
    ours = np.array([crps(f.sample, f.published) for f in some])
    theirs = np.array([crps(f.rival, f.published) for f in some])
    low, high = _mean_interval(ours - theirs)
    gain = fmean(ours - theirs)
    title = f"{kind}: score (CRPS) less that of its rival"
    yield Row(
        "crps",
        title,
        gain,
        0.0,
        ok=gain < 0,
        quantity=kind,
        against=RIVALS[kind],
        lo=low,
        hi=high,
    )
    widths = np.array([f.quantile(0.95) - f.quantile(0.05) for f in some])
    errors = np.array([f.published - f.quantile(0.5) for f in some])
    # So wide are 90 % bands of a normal error of the size that was seen.
    right = 2 * float(stats.norm.ppf(0.95)) * math.sqrt(fmean(errors**2))
    low, high = _mean_interval(widths)
    title = f"{kind}: mean width of 90 % bands"
    yield Row(
        "width",
        title,
        fmean(widths),
        right,
        ok=True,
        quantity=kind,
        against="the width that the errors call for",
        lo=low,
        hi=high,
    )


def _mean_interval(values: Iterable[float]) -> tuple[float | None, float | None]:
    """Student's 95 % interval of a mean; none of a single value."""
    known = np.array(list(values))
    n = len(known)
    if n < 2:
        return None, None
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * float(stats.sem(known))
    middle = fmean(known)
    return middle - half, middle + half
