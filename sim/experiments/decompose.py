"""Why one run needed more chips than another: factors that multiply to the ratio of the chips."""

from __future__ import annotations

import pandas as pd

from sim.errors import InputError
from sim.experiments.intervals import spread
from sim.experiments.replicate import Replications
from sim.results.ledger import DAY, HOUR
from sim.scenario import Scenario
from sim.throughput import flops_per_token

Runs = tuple[Scenario, Replications]


def decompose(first: Runs, last: Runs) -> pd.DataFrame:
    """Take apart the ratio of the chips of two finished runs.

    A run of `tokens` at `work` FLOP per token needs ``chips = work · tokens / (rate · ettr ·
    wall)``, where `rate` is the FLOP/s a chip achieves in productive time. So the ratio of the
    chips is a product of five ratios, exactly, in every replication.

    Parameters
    ----------
    first, last : (Scenario, Replications)
        All replications must have finished.

    Returns
    -------
    pandas.DataFrame
        A row a factor: `factor`, `detail`, and the `median`, `p5` and `p95` over replications of
        the ratio by which it multiplies the chips on the way from `first` to `last`.

    Raises
    ------
    InputError
        When a replication has not finished.
    """
    a = _parts(*first)
    b = _parts(*last)
    # Of what is the same in every replication the median is that value.
    old = a.median()
    new = b.median()
    factors = {
        "work per token": (
            b["work"] / a["work"],
            f"{old['work'] / 1e9:,.0f} → {new['work'] / 1e9:,.0f}\nGFLOP",
        ),
        "tokens": (
            b["tokens"] / a["tokens"],
            f"{old['tokens'] / 1e12:.1f} → {new['tokens'] / 1e12:.1f}\ntrillion",
        ),
        "rate per chip": (
            a["rate"] / b["rate"],
            f"{old['rate'] / 1e12:.0f} → {new['rate'] / 1e12:.0f}\nTFLOP/s",
        ),
        "time lost": (
            a["ettr"] / b["ettr"],
            f"{1 - old['ettr']:.1%} → {1 - new['ettr']:.1%}",
        ),
        "days": (a["wall"] / b["wall"], f"{old['wall'] / DAY:.0f} → {new['wall'] / DAY:.0f}"),
    }
    rows = [
        {"factor": name, "detail": detail, **spread(ratio)}
        for name, (ratio, detail) in factors.items()
    ]
    return pd.DataFrame(rows)


def _parts(scenario: Scenario, replications: Replications) -> pd.DataFrame:
    frame = replications.frame
    if not frame["finished"].all():
        raise InputError(
            f"{scenario.name}: only finished runs can be taken apart; lengthen the horizon"
        )
    work = flops_per_token(scenario.run.model)
    chip_seconds = frame["gpu_hours_computing"] * HOUR
    rate = work * frame["tokens"] / chip_seconds
    parts = frame[["tokens", "ettr"]]
    return parts.assign(work=work, rate=rate, wall=frame["wall_days"] * DAY)
