"""The discrete-event engine: the only place that knows SimPy."""

from __future__ import annotations

import simpy

from sim.engine.fabric import Fabric
from sim.engine.fleet import Fleet, NodePool
from sim.engine.job import Job
from sim.engine.progress import Progress
from sim.engine.record import Record
from sim.errors import InputError
from sim.results import RunResult
from sim.scenario import Scenario
from sim.streams import Uniforms
from sim.throughput import Throughput


def simulate(scenario: Scenario, seed: int = 0, replication: int = 0, *, fixed_inputs: bool = False) -> RunResult:
    """Run one replication of a scenario.

    Parameters
    ----------
    scenario : Scenario
    seed, replication : int
        The result depends on scenario, seed and replication, and on nothing else.
    fixed_inputs : bool
        Set every unknown constant to its mode instead of drawing it.

    Raises
    ------
    InputError
        When the scenario asks for something that is not simulated, or a pool cannot hold a replica.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> simulate(load_scenario("deepseek-v3"), seed=1).finished
    True
    """
    _refuse(scenario)
    question = scenario.resolve(seed, replication, fixed=fixed_inputs)
    pools = list(question.fleet.values())
    throughput = Throughput(
        question.run,
        pools,
        question.mixing,
        step_noise=question.fabric.step_noise,
        model_error=question.constants.model_error,
    )
    plan = throughput.full
    env, record = simpy.Environment(), Record()
    node_pools = [
        NodePool(k, name, pool, plan.used_chips[k], seed, replication)
        for k, (name, pool) in enumerate(question.fleet.items())
    ]
    job = Job(
        env,
        Progress(question.run.tokens, question.checkpoint),
        Fleet(env, node_pools, record),
        Fabric(question.fabric.congestion, seed, replication),
        throughput,
        question.recovery,
        Uniforms(seed, replication, "restart"),
        question.checkpoint.load,
        question.horizon,
        record,
    )
    env.run(until=env.process(job.run()))
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
        failures=job.failures,
        time=dict(record.time),
        chip_seconds=record.chip_seconds(env.now),
        counts=dict(record.counts),
        fingerprint=record.fingerprint(),
        trace=tuple(record.trace),
    )


def _refuse(scenario: Scenario) -> None:
    """Name what a scenario may say but this engine does not simulate, rather than leave it out silently."""
    asked = {
        "depot": scenario.depot != type(scenario.depot)(),
        "policy": bool(scenario.policy),
        "mixing.boundary: pipeline": scenario.mixing.boundary == "pipeline",
        "checkpoint.final": scenario.checkpoint.final,
    }
    if named := [key for key, given in asked.items() if given]:
        raise InputError(f"{scenario.name}: not simulated by this version: {', '.join(named)}")
