"""The discrete-event engine: the only place that knows SimPy."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from weakref import ref

import simpy

from sim.engine import campaign
from sim.engine.budget import extremes
from sim.engine.checkpoints import Watch
from sim.engine.setup import Site, run_to_the_end, throughput_of
from sim.errors import InputError
from sim.quantities.uncertain import Uncertain
from sim.results.run import RunResult
from sim.scenario import Pool, Scenario
from sim.scenario.guards import check_scenario, check_whole
from sim.scenario.scale import shrunk
from sim.streams import Luck
from sim.throughput import laid_out_like, planned

Pools = dict[str, Pool]
Sizes = tuple[int, ...]
"""Nodes of each pool."""


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
    check_scenario(scenario)
    check_whole("seed", seed, 0)
    check_whole("replication", replication, 0)
    settled = shrunk(scenario.resolve(seed, replication, fixed=fixed_inputs))
    try:
        return _simulate(scenario, settled, Luck(seed, replication), watch, max_events)
    except (OverflowError, ZeroDivisionError, MemoryError) as error:
        found = ", ".join(extremes(settled.model_dump())) or str(error)
        problem = "these numbers are too large or too small to reckon with"
        raise InputError(f"{scenario.name}: {problem}: {found}") from None


def _simulate(
    scenario: Scenario, settled: Scenario, luck: Luck, watch: Watch | None, max_events: int | None
) -> RunResult:
    laid_out = _laid_out(scenario.written, settled)
    if settled.over_years:
        return campaign.simulate(settled, laid_out, luck, max_events)
    pools = {name: laid_out_like(pool, laid_out[name]) for name, pool in settled.fleet.items()}
    throughput = throughput_of(settled, settled.run, pools)
    env = simpy.Environment()
    site = Site(env, settled, throughput.full.used_chips, luck)
    job = site.job(settled.run, throughput, watch=watch)
    site.limit(max_events, partial(job.training.likely_end, horizon=settled.horizon))
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
    laid_out = _laid_out(scenario.written, settled)
    worth, _ = campaign.chip_worth(settled, campaign.first_task(settled), laid_out)
    return dict(zip(worth.pools, worth.worth, strict=True))


_LAYOUTS: dict[int, tuple[ref[Scenario], dict[Sizes, Pools]]] = {}
"""By the identity of the scenario, for as long as it lives, and the sizes of its pools."""


def _laid_out(scenario: Scenario, settled: Scenario) -> Pools:
    """The pools in their settled sizes with complete layouts, all else unknown at its mode.

    Planning takes longer than a run, so it is done once for each size; a scenario never changes.
    """
    key = id(scenario)
    known = _LAYOUTS.get(key)
    if known is None or known[0]() is not scenario:
        known = ref(scenario, lambda _: _LAYOUTS.pop(key, None)), {}
        _LAYOUTS[key] = known
    sizes = tuple(pool.active_nodes for pool in settled.fleet.values())
    if sizes not in known[1]:
        known[1][sizes] = _planned(scenario, settled)
    return known[1][sizes]


def _planned(scenario: Scenario, settled: Scenario) -> Pools:
    if scenario.over_years:
        return campaign.laid_out(shrunk(scenario))
    fleet = dict(scenario.fleet)
    drawn = []
    for name, pool in settled.fleet.items():
        # A layout for another size might not fit on what was drawn.
        if pool.active_nodes != fleet[name].active_nodes:
            size = {"chips": pool.chips, "nodes": pool.nodes}
            fleet[name] = fleet[name].model_copy(update=size)
            drawn.append(f"{pool.active_chips} chips were drawn for {name}")
    try:
        return planned(scenario.run, fleet, scenario.mixing, scenario.constants)
    except InputError as error:
        raise InputError("; ".join([*drawn, str(error)])) from None


def check_sizes(
    scenario: Scenario, seed: int, replications: Iterable[int], *, fixed_inputs: bool = False
) -> None:
    """Refuse a scenario in which the smallest size drawn for a pool cannot hold its layout.

    Parameters
    ----------
    scenario : Scenario
    seed, replications
        Of the draws.
    fixed_inputs : bool
        As for `simulate`.

    Raises
    ------
    InputError
        With the replication, what was drawn, and the reason.
    """
    sizes = [size for pool in scenario.fleet.values() for size in (pool.chips, pool.nodes)]
    if fixed_inputs or not any(isinstance(size, Uncertain) for size in sizes):
        return
    settled = {k: scenario.resolve(seed, k) for k in replications}
    for name in scenario.fleet:
        # What fits on few chips fits on more.
        k = min(settled, key=lambda k: settled[k].fleet[name].active_nodes)
        try:
            _laid_out(scenario.written, settled[k])
        except InputError as error:
            raise InputError(f"{scenario.name}, replication {k}: {error}") from None
