"""The discrete-event engine: the only place that knows SimPy."""

from __future__ import annotations

from weakref import ref

import simpy

from sim.engine import campaign
from sim.engine.checkpoints import Watch
from sim.engine.setup import Site, run_to_the_end, throughput_of
from sim.results.run import RunResult
from sim.scenario import Pool, Scenario
from sim.scenario.scale import shrunk
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

    Raises
    ------
    InputError
        When a pool cannot hold a replica, or no run of a programme is due before the horizon.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> simulate(load_scenario("deepseek-v3"), seed=1).finished
    True
    """
    settled = shrunk(scenario.resolve(seed, replication, fixed=fixed_inputs))
    laid_out = _laid_out(scenario.written)
    luck = Luck(seed, replication)
    if settled.over_years:
        return campaign.simulate(settled, laid_out, luck)
    pools = {
        name: pool.model_copy(update={"layout": laid_out[name].layout})
        for name, pool in settled.fleet.items()
    }
    throughput = throughput_of(settled, settled.run, pools)
    env = simpy.Environment()
    site = Site(env, settled, throughput.full.used_chips, luck)
    job = site.job(settled.run, throughput, watch=watch)
    run_to_the_end(env, job.run())
    training = job.training
    return RunResult(
        **site.outcome(),
        plan=throughput.full,
        finished=training.finished,
        tokens=training.kept(env.now),
        active_chip_seconds=training.progress.chip_seconds,
    )


def worth_of(scenario: Scenario) -> dict[str, float]:
    """What a chip of each pool is worth to a run, in chips of the reference pool.

    By the step-time model with its constants at their modes.

    Parameters
    ----------
    scenario : Scenario
        With `runs` or an `outlook`.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> worth_of(load_scenario("embargoed-stock"))
    {'a100': 1.0}
    """
    settled = shrunk(scenario.resolve(0, 0, fixed=True))
    laid_out = _laid_out(scenario.written)
    worth, _ = campaign.chip_worth(settled, campaign.first_task(settled), laid_out)
    return dict(zip(worth.pools, worth.worth, strict=True))


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
    if scenario.over_years:
        found = campaign.laid_out(shrunk(scenario))
    else:
        found = planned(scenario.run, scenario.fleet, scenario.mixing, scenario.constants)
    _LAYOUTS[key] = ref(scenario, lambda _: _LAYOUTS.pop(key, None)), found
    return found
