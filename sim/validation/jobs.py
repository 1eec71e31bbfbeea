"""What whole jobs are reported to have lost, and what the simulation says they lose."""

from __future__ import annotations

from sim import catalogue
from sim.experiments.outages import QUIET, longer
from sim.experiments.replicate import replicate
from sim.scenario import load_scenario
from sim.validation.report import Row

MOST = 0.03
"""Largest difference of a share of time that still counts as agreement."""


def rows(n: int = 40, seed: int = 0) -> list[Row]:
    """The reported share of time of each job, and ours: mean and 5–95 % of `n` replications.

    A row of validation is `ok` if ours differs by no more than `MOST`, or is more where the report
    says *more than*. Any other row describes.

    Examples
    --------
    >>> row = rows(2)[0]
    >>> row.id, row.role, row.bound, row.ok
    ('llama-3', 'validation', True, True)
    """
    found = []
    for name, entry in catalogue.table("jobs").items():
        job = entry.item
        scenario = load_scenario(job.scenario).override(job.changes)
        if job.quantity == "ettr":
            shares = replicate(scenario, n, seed=seed).frame["ettr"]
        else:
            shared = scenario.override({"fabric.congestion": "shared"})
            shares = longer(scenario.override(QUIET), shared, n, seed)
        ours = float(shares.mean())
        agrees = ours >= job.measured if job.bound else abs(ours - job.measured) <= MOST
        about = job.model_dump(exclude={"measured", "changes"})
        found.append(
            Row(
                name,
                ours=ours,
                expected=job.measured,
                ok=agrees or job.role != "validation",
                p5=float(shares.quantile(0.05)),
                p95=float(shares.quantile(0.95)),
                source=entry.facts[0].source,
                **about,
            )
        )
    return found
