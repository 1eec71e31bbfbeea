"""The discrete-event engine: the only place that knows SimPy."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import simpy

from sim.engine import campaign
from sim.engine.budget import extremes
from sim.engine.checkpoints import Watch
from sim.engine.phases import Course, phases_of
from sim.engine.setup import Site, throughput_of, uncollected
from sim.errors import InputError
from sim.quantities.uncertain import Uncertain
from sim.results.run import RunResult
from sim.scenario import Pool, Scenario
from sim.scenario.guards import check_scenario, check_whole
from sim.scenario.phases import phases
from sim.scenario.scale import shrunk
from sim.streams import Luck
from sim.throughput import Throughput, laid_out_like, planned

Pools = dict[str, Pool]


@uncollected()
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
    scenario: Scenario,
    settled: Scenario,
    luck: Luck,
    watch: Watch | None,
    max_events: int | None,
) -> RunResult:
    laid_out = _laid_out(scenario.written, settled)
    if settled.over_years:
        return campaign.simulate(settled, laid_out[0], luck, max_events)
    known = phases(settled)
    plans = [_throughput(*pair) for pair in zip(known, laid_out, strict=True)]
    course = Course(phases_of(known, plans))
    first = course.phase
    env = simpy.Environment()
    used = first.throughput.full.used_chips
    site = Site(env, first.scenario, used, luck, course if course.several else None)
    job = site.job(first.scenario.run, first.throughput, watch=watch)
    site.limit(max_events, partial(job.training.likely_end, horizon=settled.horizon))
    env.run(until=env.process(job.run()))
    training = job.training
    course.close(env.now, training.progress.tokens)
    outcome: dict[str, Any] = site.outcome() | {"scenario": settled}
    return RunResult(
        **outcome,
        plan=course.main.throughput.full,
        allocated_chips=course.allocated,
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
    [laid_out] = _laid_out(scenario.written, settled)
    worth, _ = campaign.chip_worth(settled, campaign.first_task(settled), laid_out)
    return dict(zip(worth.pools, worth.worth, strict=True))


def _throughput(scenario: Scenario, laid_out: Pools) -> Throughput:
    """Of a phase, all known, on the pools that take part."""
    pools = {
        name: laid_out_like(scenario.fleet[name], pool) for name, pool in laid_out.items()
    }
    return throughput_of(scenario, scenario.run, pools)


def _laid_out(scenario: Scenario, settled: Scenario) -> list[Pools]:
    """The pools of each phase in their settled sizes, laid out with all else at its mode.

    Planning takes longer than a run, so it is done once for each size; a scenario never changes.
    """
    fleets = [phase.fleet for phase in phases(settled)]
    sizes = tuple(pool.active_nodes for fleet in fleets for pool in fleet.values())
    return scenario.once(sizes, partial(_planned, scenario, settled))


def _planned(scenario: Scenario, settled: Scenario) -> list[Pools]:
    if scenario.over_years:
        return [campaign.laid_out(shrunk(scenario))]
    main = _planned_phase(scenario, settled)
    pairs = zip(phases(scenario), phases(settled), strict=True)
    # A batch ramp lays nothing out anew.
    found = []
    for number, (phase, known) in enumerate(pairs):
        try:
            found.append(
                main if _lie_alike(scenario, phase) else _planned_phase(phase, known)
            )
        except InputError as error:
            raise InputError(f"phase {number} of the run: {error}") from None
    return found


def _lie_alike(scenario: Scenario, phase: Scenario) -> bool:
    """Whether the layouts of a scenario hold in one of its phases as well."""

    def given(known: Scenario) -> Any:
        pools = {name: (p.chips, p.nodes, p.layout) for name, p in known.fleet.items()}
        return known.run.model.sequence, pools

    return given(phase) == given(scenario)


def _planned_phase(scenario: Scenario, settled: Scenario) -> Pools:
    # A pool without nodes takes no part in the phase.
    known = {name: pool for name, pool in settled.fleet.items() if pool.active_nodes}
    fleet = {name: scenario.fleet[name] for name in known}
    drawn = []
    for name, pool in known.items():
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
