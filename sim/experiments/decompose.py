"""Why one run needed more chips than another: factors that multiply to the ratio of the chips."""

from __future__ import annotations

import pandas as pd

from sim.experiments.replicate import Replications
from sim.results.ledger import DAY
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
    """
    a, b = _parts(*first), _parts(*last)
    ratios = {
        "work per token": b["work"] / a["work"],
        "tokens": b["tokens"] / a["tokens"],
        "rate per chip": a["rate"] / b["rate"],
        "time lost": a["ettr"] / b["ettr"],
        "days": a["wall"] / b["wall"],
    }
    details = {
        "work per token": f"{a['work'][0] / 1e9:,.0f} → {b['work'][0] / 1e9:,.0f}\nGFLOP",
        "tokens": f"{a['tokens'][0] / 1e12:.1f} → {b['tokens'][0] / 1e12:.1f}\ntrillion",
        "rate per chip": f"{a['rate'].median() / 1e12:.0f} → {b['rate'].median() / 1e12:.0f}\nTFLOP/s",
        "time lost": f"{1 - a['ettr'].median():.1%} → {1 - b['ettr'].median():.1%}",
        "days": f"{a['wall'].median() / DAY:.0f} → {b['wall'].median() / DAY:.0f}",
    }
    rows = [
        (name, details[name], ratio.median(), ratio.quantile(0.05), ratio.quantile(0.95))
        for name, ratio in ratios.items()
    ]
    return pd.DataFrame(rows, columns=["factor", "detail", "median", "p5", "p95"])


def _parts(scenario: Scenario, replications: Replications) -> pd.DataFrame:
    frame = replications.frame
    if not frame["finished"].all():
        raise ValueError(
            f"{scenario.name}: only finished runs can be taken apart; lengthen the horizon"
        )
    work = flops_per_token(scenario.run.model)
    chip_seconds = frame["gpu_hours_computing"] * 3600
    return pd.DataFrame(
        {
            "work": work,
            "tokens": frame["tokens"],
            "rate": work * frame["tokens"] / chip_seconds,
            "ettr": frame["ettr"],
            "wall": frame["wall_days"] * DAY,
        }
    )
