"""What whole jobs are reported to have lost, beside what the simulation says they lose."""

from __future__ import annotations

import pandas as pd

from sim import catalogue
from sim.catalogue.evidence import MeasuredJob
from sim.experiments.outages import QUIET, longer
from sim.experiments.replicate import replicate
from sim.scenario import load_scenario

KEYS = ("scenario", "title", "role", "quantity", "chips", "measured", "bound", "cause_of_miss")
MOST = 0.03
"""Largest difference of a share of time that still counts as agreement."""


def rows(n: int = 40, seed: int = 0) -> pd.DataFrame:
    """The published share of each job, and ours: mean and 5–95 % of `n` replications.

    A report of *more than* is `agrees` where our mean is more; any other is left to the reader. A
    row of validation is `ok` if it `agrees`, or misses by no more than `MOST`.

    Examples
    --------
    >>> table = rows(2).set_index("job")
    >>> table["role"].to_dict()["llama-3"], table["agrees"].to_dict()["llama-3"]
    ('validation', True)
    """
    found = []
    for name, entry in catalogue.table("jobs").items():
        job = entry.item
        assert isinstance(job, MeasuredJob)
        scenario = load_scenario(job.scenario).override(job.changes)
        if job.quantity == "ettr":
            ours = replicate(scenario, n, seed=seed).frame["ettr"]
        else:
            ours = longer(
                scenario.override(QUIET),
                scenario.override({"fabric.congestion": "shared"}),
                n,
                seed,
            )
        mean, agrees = float(ours.mean()), bool(ours.mean() >= job.measured) if job.bound else None
        near = abs(mean - job.measured) <= MOST if agrees is None else agrees
        found.append(
            {"job": name, **{key: getattr(job, key) for key in KEYS}}
            | {
                "ours": mean,
                "p5": float(ours.quantile(0.05)),
                "p95": float(ours.quantile(0.95)),
                "agrees": agrees,
            }
            | {"ok": near or job.role != "validation", "source": entry.facts[0].source}
        )
    return pd.DataFrame(found)
