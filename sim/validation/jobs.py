"""What whole jobs are reported to have lost, beside what the simulation says they lose."""

from __future__ import annotations

import pandas as pd

from sim import catalogue
from sim.catalogue.kinds import MeasuredJob
from sim.experiments.outages import QUIET, longer
from sim.experiments.replicate import replicate
from sim.scenario import load_scenario


def rows(n: int = 40, seed: int = 0) -> pd.DataFrame:
    """The published share of each job, and ours: mean and 5–95 % of `n` replications.

    A report of *more than* is `agrees` where our mean is more; any other is left to the reader.

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
            ours = longer(scenario.override(QUIET), scenario.override({"fabric.congestion": "shared"}), n, seed)
        found.append(
            {
                "job": name,
                "scenario": job.scenario,
                "title": job.title,
                "role": job.role,
                "quantity": job.quantity,
                "chips": job.chips,
                "measured": job.measured,
                "bound": job.bound,
                "ours": float(ours.mean()),
                "p5": float(ours.quantile(0.05)),
                "p95": float(ours.quantile(0.95)),
                "agrees": bool(ours.mean() >= job.measured) if job.bound else None,
                "cause_of_miss": job.cause_of_miss,
                "source": entry.facts[0].source,
            }
        )
    return pd.DataFrame(found)
