"""The discrete-event engine: the only place that knows SimPy."""

from __future__ import annotations

import simpy

from sim.engine import campaign
from sim.engine.checkpoints import Watch
from sim.engine.record import Record
from sim.engine.setup import fleet_of, job_of, throughput_of
from sim.results.run import RunResult
from sim.scenario import Pool, Scenario
from sim.throughput import planned


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
    question = scenario.resolve(seed, replication, fixed=fixed_inputs)
    if question.runs:
        return campaign.simulate(question, _programme_pools(scenario), seed, replication)
    pools = dict(zip(question.fleet, _laid_out(scenario, question), strict=True))
    throughput = throughput_of(question, question.run, pools)
    plan = throughput.full
    env, record = simpy.Environment(), Record()
    fleet, _ = fleet_of(env, question, plan.used_chips, record, seed, replication)
    job = job_of(env, question, question.run, throughput, fleet, record, seed, replication)
    job.progress.watch = watch
    fleet.sleeper = env.process(job.run())
    env.run(until=fleet.sleeper)
    record.close(env.now)
    return RunResult(
        question=question,
        seed=seed,
        replication=replication,
        plan=plan,
        finished=job.finished,
        wall=env.now,
        tokens=question.run.tokens if job.finished else job.progress.durable(env.now).tokens,
        interruptions=job.interruptions,
        planned_stops=job.planned_stops,
        selections=job.selections,
        provisioned=job.provisioned,
        active_chip_seconds=job.active_chip_seconds,
        failures=job.fleet.failures,
        time=dict(record.time),
        chip_seconds=record.chip_seconds(env.now),
        counts=dict(record.counts),
        trace=tuple(record.trace),
    )


def _laid_out(scenario: Scenario, question: Scenario) -> list[Pool]:
    """The pools with complete layouts: planned once a scenario, with unknown constants at their
    modes.
    """
    if scenario._layouts is None:
        pools = planned(
            scenario.run, list(scenario.fleet.values()), scenario.mixing, scenario.constants
        )
        scenario._layouts = [pool.layout for pool in pools]
    given = zip(question.fleet.values(), scenario._layouts, strict=True)
    return [pool.model_copy(update={"layout": layout}) for pool, layout in given]


def _programme_pools(scenario: Scenario) -> dict[str, Pool]:
    """The same for each pool of a programme on its own."""
    if scenario._alone is None:
        scenario._alone = campaign.laid_out(scenario, campaign.tasks(scenario)[0])
    return scenario._alone
