"""What whole jobs and logbooks say was lost, and what the simulation says they lose."""

from __future__ import annotations

from typing import Literal

from sim import catalogue
from sim.catalogue.evidence import Logbook, MeasuredJob
from sim.experiments.intervals import band
from sim.experiments.outages import QUIET, longer
from sim.experiments.replicate import replicate
from sim.results.ledger import Floats
from sim.scenario import Scenario, load_scenario
from sim.validation.report import Row

MOST = 0.03
"""Largest difference of a share of time that still counts as agreement."""
Table = Literal["jobs", "logbooks"]


def rows(n: int = 40, seed: int = 0, table: Table = "jobs") -> list[Row]:
    """The reported share of time of each job, and ours: mean and 5–95 % of `n` replications.

    A row of validation is `ok` if ours differs by no more than `MOST`, or is more where the report
    says *more than*; a logbook, if our 5–95 % hold what was recorded. Any other row describes. The
    twin of a logbook is the mean without what its `twin` takes away.

    Examples
    --------
    >>> row = rows(2)[0]
    >>> row.id, row.role, row.bound, row.ok
    ('llama-3', 'validation', True, True)
    """
    found = []
    for name, entry in catalogue.table(table).items():
        job = entry.item
        values = shares(job, n, seed)
        ours = float(values.mean())
        about = job.model_dump(exclude={"measured", "changes", "family", "twin"})
        agrees = ours >= job.measured if job.bound else abs(ours - job.measured) <= MOST
        if isinstance(job, Logbook):
            agrees = _holds(values, job)
            without = job.model_copy(update={"changes": {**job.changes, **job.twin}})
            twin = shares(without, n, seed)
            about |= {"twin": float(twin.mean()), "twin_ok": _holds(twin, job)}
        found.append(
            Row(
                name,
                ours=ours,
                expected=job.measured,
                ok=agrees or job.role != "validation",
                source=entry.facts[0].source,
                status=entry.facts[0].status,
                **band(values),
                **about,
            )
        )
    return found


def scenario_of(job: MeasuredJob) -> Scenario:
    """The scenario that a row is held against."""
    return load_scenario(job.scenario).override(job.changes)


def shares(job: MeasuredJob, n: int, seed: int) -> Floats:
    """Our share of time in each of `n` replications."""
    scenario = scenario_of(job)
    if job.quantity == "ettr":
        return replicate(scenario, n, seed=seed).values("ettr")
    # As it was measured: the same job on the shared network and on one that never slows.
    shared = scenario.override({"fabric.congestion": "shared"})
    return longer(scenario.override(QUIET), shared, n, seed).to_numpy()


def _holds(values: Floats, job: MeasuredJob) -> bool:
    """Whether nine in ten of our values hold what was recorded."""
    ends = band(values)
    return ends["p5"] <= job.measured <= ends["p95"]
