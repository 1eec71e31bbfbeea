"""The engine against the oracle, over random cases with listed lives.

Each of these mistakes, planted in a copy of the engine, was noticed by the sixty cases: a restart
counted twice; a minute more of detection; a node that comes back and is no hot spare; a switch that
takes its own node alone; a crew counted twice when it is free; a checkpoint that holds before it is
flushed; lost copies in memory that are not noticed; copies that no mark restores; a reboot that
never relapses; nodes that come back while the job restarts and are not taken in; corruption that is
found and believed; a scheduler that chooses among too few nodes.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sim.engine import simulate
from sim.engine.record import COUNTS
from tests.oracles.cases import case_of, scenario_of
from tests.oracles.one_job import Job

PLACES = ("active", "hot_spare", "cold_spare", "repair", "repair_queue", "idle")


def of_oracle(case: SimpleNamespace) -> dict[str, float]:
    """What the oracle counts."""
    job = Job(case).run()
    found = {"wall": job.now, "finished": job.done, **job.told}
    found |= {place: 8.0 * sum(n.place == place for n in job.nodes) for place in PLACES}
    found["cold_spare"] += 8.0 * sum(n.place == "box" for n in job.nodes)
    found["hidden"] = sum(len(node.faults) for node in job.nodes)
    return {name: amount for name, amount in found.items() if amount}


def of_engine(case: SimpleNamespace) -> dict[str, float]:
    """The same of the engine."""
    run = simulate(scenario_of(case), 0)
    found = {**run.time, **run.failures, **{place: n for (_, place), n in run.counts.items()}}
    found |= {"wall": run.wall, "finished": run.finished, "hidden": run.hidden_faults}
    for name in COUNTS:
        found[name] = getattr(run, name)
    return {name: amount for name, amount in found.items() if abs(amount) > 1e-6}


@pytest.mark.parametrize("seed", range(60))
def test_the_engine_agrees_with_the_oracle(seed: int):
    case = case_of(seed)
    assert of_engine(case) == pytest.approx(of_oracle(case), rel=1e-6, abs=1e-3), case


@pytest.mark.prove
def test_the_engine_agrees_with_the_oracle_in_very_many_cases():
    for seed in range(60, 2060):
        case = case_of(seed)
        assert of_engine(case) == pytest.approx(of_oracle(case), rel=1e-6, abs=1e-3), seed
