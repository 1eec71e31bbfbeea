"""Half of a log predicts the other half: jobs on a part of its nodes, block by block, scored."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, Field

from sim.catalogue.strict import Strict
from sim.engine import simulate
from sim.errors import InputError
from sim.failure_logs.check import foretold, outages, watched
from sim.failure_logs.fit import Fit, fit, fitted_as
from sim.failure_logs.log import Log
from sim.failure_logs.read import read
from sim.failure_logs.selection import Choice
from sim.results.ledger import DAY, Floats
from sim.results.run import RunResult
from sim.scenario import Scenario
from sim.validation.hindcast import each
from sim.validation.report import Row
from sim.validation.score import BLOCKS, Forecast, summed
from sim.validation.trace import Outages

COMPUTING = ("compute", "degraded")
TIES = 1e-9
"""Size of what tells equal counts apart: far below what counts."""
Moment = Annotated[str, BeforeValidator(str)]


class PastLog(Strict):
    """A log of outages, who was watched, and the jobs that are to be predicted."""

    file: str
    """Beside the list."""
    exposure: str | None = None
    """A file with node, from, to; or `nodes`, `start` and `end`."""
    nodes: int | None = None
    start: Moment | None = None
    end: Moment | None = None
    unit: str | None = None
    """Of times that are numbers: days or seconds."""
    zone: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    """What the files call a column, by our name of it."""
    job_nodes: int = 64
    """Nodes of a job, drawn among all of the log; the others are its spares."""
    block_days: float = Field(10.0, gt=0)
    """Length of what is predicted at a time."""


@dataclass(frozen=True)
class Half:
    """A half of a log, and the table that the other half gave.

    Attributes
    ----------
    name : str
    fitted, constant : Fit
        To the other half: with all that `sim fit` finds there, and as independent failures.
    seen : Outages
        What happened in this half.
    days : float
    """

    name: str
    fitted: Fit
    constant: Fit
    seen: Outages
    days: float


def rows(path: str | Path, n: int = 100, seed: int = 0) -> list[Row]:
    """How often half of each log predicts the other half, as `sim.validation.score` counts it.

    In each block, jobs on some nodes drawn among all are replayed on what was recorded, and on `n`
    runs of the table that was fitted to the other half. Their interruptions, and the share of the
    time that advanced them, are placed in those of the runs. The twin has independent failures at
    the mean rate, as it stood in the other half.

    Parameters
    ----------
    path : str or path
        A YAML file with `logs`: see `PastLog`.
    n, seed : int

    Raises
    ------
    InputError
        When the list or a log cannot be read, or a job is larger than its log.
    """

    def forecasts(place: int, past: PastLog) -> list[Forecast]:
        log = _read(past, Path(path).parent)
        if not 0 < past.job_nodes <= len(log.names):
            raise InputError(
                f"{past.file}: a job of {past.job_nodes} of {len(log.names)} nodes"
            )
        return [
            forecast
            for half in halves(log)
            for forecast in _forecasts(past, f"log {place + 1}, {half.name}", half, n, seed)
        ]

    found = [one for some in each(path, "logs", PastLog, forecasts) for one in some]
    ours = list(summed(found))
    constant = list(summed([replace(one, sample=one.rival) for one in found]))
    return [
        replace(row, wrong="a constant rate", twin=twin.ours, twin_ok=twin.ok)
        if row.id.startswith("hits")
        else row
        for row, twin in zip(ours, constant, strict=True)
    ]


def _read(past: PastLog, folder: Path) -> Log:
    exposure = folder / past.exposure if past.exposure else None
    reading = past.model_dump(include={"nodes", "start", "end", "unit", "zone", "columns"})
    return read([folder / past.file], exposure, **reading)


def halves(log: Log) -> Iterator[Half]:
    """Both halves of a log, each with what the other half says of it."""
    middle = log.seconds / 2
    days = middle / DAY
    first = log.until(middle)
    second = log.until(math.inf, since=middle)
    for name, known, other in (("second half", first, second), ("first half", second, first)):
        independent = fitted_as(known, Choice(frozenset(), ()), ahead=days)
        yield Half(name, fit(known, ahead=days), independent, outages(other), days)


def _forecasts(
    past: PastLog, family: str, half: Half, n: int, seed: int
) -> Iterator[Forecast]:
    """A forecast for each job, block and measure of a half."""
    nodes = len(half.fitted.log.names)
    random = np.random.default_rng(seed)
    blocks = max(round(half.days / past.block_days), 1)
    job = Job(nodes, past.job_nodes, half.days, blocks)
    # No more jobs than there are nodes for: what more would tell, these tell already.
    happened = job.played([half.seen] * (nodes // past.job_nodes), seed)
    ours = job.played(foretold(half.fitted, half.days, n, seed), seed + 1)
    rival = job.played(foretold(half.constant, half.days, n, seed, fixed=True), seed + 2)
    # Counts tie, so each is set apart from its like by a number that decides nothing else.
    for values in (happened, ours, rival):
        values += TIES * random.random(values.shape)
    for k, measure, block in np.ndindex(happened.shape):
        seen = float(happened[k, measure, block])
        told = ours[:, measure, block]
        constant = rival[:, measure, block]
        # Blocks are only counted, so they need neither title nor source.
        yield Forecast(BLOCKS[measure], family, f"{k}.{block}", "", "", seen, told, constant)


@dataclass(frozen=True)
class Job:
    """A job on some nodes of a cluster, with all others as spares, watched block by block."""

    nodes: int
    size: int
    days: float
    blocks: int

    def played(self, runs: Sequence[Outages], seed: int) -> Floats:
        """Interruptions and advancing share by run, measure and block, under recorded outages.

        Which nodes the job has is drawn anew for each run.
        """
        with TemporaryDirectory() as folder:
            found = []
            for k, run in enumerate(runs):
                # A name for each, as files that were read are kept by their name.
                path = Path(folder) / f"{k}.csv"
                found.append(self._measured(simulate(self._scenario(run, path), seed, k)))
            return np.array(found)

    def _scenario(self, run: Outages, path: Path) -> Scenario:
        table = pd.DataFrame(run, columns=["start_day", "end_day", "node"])
        # What began in the last moments may outlast the half.
        ends = table[["start_day", "end_day"]] / DAY
        table[["start_day", "end_day"]] = ends.clip(upper=self.days)
        table.to_csv(path, index=False)
        keys: dict[str, Any] = {"hot_spares": self.nodes - self.size}
        # A trace without rows is refused, as nobody can tell it from a mistake.
        if len(table):
            keys["failures"] = {"trace": str(path), "trace_until": f"{self.days + 1} d"}
        return watched(self.days, self.size, keys, recovery={"restart": "10 min"})

    def _measured(self, result: RunResult) -> Floats:
        edges = np.linspace(0.0, self.days * DAY, self.blocks + 1)
        stops = [event.time for event in result.trace.events("interruption")]
        lost = result.trace.events("rework")
        advanced = -np.histogram(
            [e.time for e in lost], edges, weights=[e.amount for e in lost]
        )[0]
        for stretch in result.timeline:
            if stretch.state in COMPUTING:
                advanced += np.diff(np.clip(edges, stretch.start, stretch.end))
        return np.array([np.histogram(stops, edges)[0], advanced / np.diff(edges)])
