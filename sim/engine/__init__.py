"""The discrete-event engine: the only place that knows SimPy."""

from __future__ import annotations

from functools import partial
from weakref import ref

import simpy

from sim.engine import campaign
from sim.engine.budget import Budget, extremes
from sim.engine.checkpoints import Watch
from sim.engine.setup import Site, run_to_the_end, throughput_of
from sim.errors import InputError
from sim.results.run import RunResult
from sim.scenario import Pool, Scenario
from sim.streams import Luck
from sim.throughput import planned

Pools = dict[str, Pool]


def simulate(
    scenario: Scenario,
    seed: int = 0,
    replication: int = 0,
    *,
    fixed_inputs: bool = False,
    watch: Watch | None = None,
    max_events: int | None = None,
) -> RunResult:
    """Run one replication of a scenario.

    Parameters
    ----------
    scenario : Scenario
    seed, replication : int
        The result depends on scenario, seed and replication, and on nothing else.
    fixed_inputs : bool
        Set every unknown constant to its mode instead of drawing it.
    watch : Watch, optional
        Is told of every checkpoint of a single run.
    max_events : int, optional
        Failures and the like that a run may have; five million unless given.

    Raises
    ------
    InputError
        When a pool cannot hold a replica, no run of a programme is due before the horizon, there
        are too many events, or numbers so extreme that arithmetic fails.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> simulate(load_scenario("deepseek-v3"), seed=1).finished
    True
    """
    settled = scenario.resolve(seed, replication, fixed=fixed_inputs)
    try:
        return _simulate(scenario, settled, Luck(seed, replication), watch, Budget(max_events))
    except (OverflowError, ZeroDivisionError, MemoryError) as error:
        found = ", ".join(extremes(settled.model_dump())) or str(error)
        problem = "these numbers are too large or too small to reckon with"
        raise InputError(f"{scenario.name}: {problem}: {found}") from None


def _simulate(
    scenario: Scenario, settled: Scenario, luck: Luck, watch: Watch | None, budget: Budget
) -> RunResult:
    laid_out = _laid_out(scenario.written)
    if settled.runs:
        return campaign.simulate(settled, laid_out, luck, budget)
    pools = {
        name: pool.model_copy(update={"layout": laid_out[name].layout})
        for name, pool in settled.fleet.items()
    }
    throughput = throughput_of(settled, settled.run, pools)
    env = simpy.Environment()
    site = Site(env, settled, throughput.full.used_chips, luck, budget)
    job = site.job(settled.run, throughput, watch=watch)
    budget.end = partial(job.training.likely_end, horizon=settled.horizon)
    run_to_the_end(env, job.run())
    training = job.training
    return RunResult(
        **site.outcome(),
        plan=throughput.full,
        finished=training.finished,
        tokens=training.kept(env.now),
        active_chip_seconds=training.progress.chip_seconds,
    )


_LAYOUTS: dict[int, tuple[ref[Scenario], Pools]] = {}
"""By the identity of the scenario, for as long as it lives."""


def _laid_out(scenario: Scenario) -> Pools:
    """The pools with complete layouts, with unknown constants at their modes.

    Planning takes longer than a run, so it is done once for a scenario; a scenario never changes.
    """
    key = id(scenario)
    known = _LAYOUTS.get(key)
    if known and known[0]() is scenario:
        return known[1]
    if scenario.runs:
        found = campaign.laid_out(scenario)
    else:
        found = planned(scenario.run, scenario.fleet, scenario.mixing, scenario.constants)
    _LAYOUTS[key] = ref(scenario, lambda _: _LAYOUTS.pop(key, None)), found
    return found
