"""Why one run needed more chips than another."""

from __future__ import annotations

import pytest

from sim import load_scenario, replicate
from sim.errors import InputError
from sim.experiments.decompose import decompose

DEEPSEEK = load_scenario("deepseek-v3").override({"horizon": "1 yr"})
TWICE = DEEPSEEK.override({"run.tokens": "29.6e12"})


def test_the_factors_multiply_to_the_ratio_of_the_chips() -> None:
    """Of the same chips: twice the tokens take twice the days, and the ratio of the chips is one."""
    table = decompose(*((job, replicate(job, 3, fixed_inputs=True)) for job in (DEEPSEEK, TWICE)))
    medians = table.set_index("factor")["median"]
    assert medians["tokens"] == 2
    assert medians["work per token"] == 1
    assert medians["days"] == pytest.approx(0.5, rel=0.02)
    assert medians.prod() == pytest.approx(1, rel=0.01)
    assert "14.8 → 29.6" in table["detail"][1]


def test_unfinished_runs_cannot_be_taken_apart() -> None:
    short = DEEPSEEK.override({"horizon": "2 d"})
    runs = short, replicate(short, 2)
    with pytest.raises(InputError, match="deepseek-v3: only finished runs"):
        decompose(runs, runs)
