"""The discrete-event engine: the only place that knows SimPy."""

from __future__ import annotations

import simpy

from sim.catalogue.kinds import FailureTable
from sim.engine.fabric import Fabric, Flaps, flap_failures
from sim.engine.failures import node_rate
from sim.engine.fleet import Fleet, NodePool
from sim.engine.job import Job
from sim.engine.progress import Progress
from sim.engine.record import Record
from sim.engine.recovery import sawtooth
from sim.errors import InputError
from sim.results import RunResult
from sim.scenario import Fabric as FabricSpec
from sim.scenario import Pool, Scenario
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
    fabric, recovery = question.fabric, question.recovery
    node_pools = [
        NodePool(name, pool, used, _table(pool, fabric), seed, replication, question.horizon)
        for (name, pool), used in zip(question.fleet.items(), plan.used_chips, strict=True)
    ]
    nodes = sum(pool.whole for pool in node_pools)
    rate = sum(pool.whole * node_rate(_table(pool.spec, fabric), pool.size) for pool in node_pools)
    saw = sawtooth(question.checkpoint, question.run, plan, question.constants, rate)
    flaps = Flaps(fabric.flaps, nodes, seed, replication) if fabric.flaps else None
    job = Job(
        env,
        Progress(question.run.tokens, saw, flaps),
        Fleet(env, node_pools, recovery, round(fabric.pod), record),
        Fabric(fabric.congestion, round(fabric.pods), seed, replication),
        throughput,
        recovery,
        saw,
        Uniforms(seed, replication, "recovery"),
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
        planned_stops=job.planned_stops,
        selections=job.selections,
        provisioned=job.provisioned,
        active_chip_seconds=job.active_chip_seconds,
        failures=job.fleet.failures,
        time=dict(record.time),
        chip_seconds=record.chip_seconds(env.now),
        counts=dict(record.counts),
        fingerprint=record.fingerprint(),
        trace=tuple(record.trace),
    )


def _table(pool: Pool, fabric: FabricSpec) -> FailureTable:
    """The causes that strike a pool: its own, and the link flaps that no collective rides through."""
    flap = flap_failures(fabric.flaps) if fabric.flaps and not pool.failures.trace else None
    return pool.failures.model_copy(update={"causes": (*pool.failures.causes, flap)}) if flap else pool.failures


def _refuse(scenario: Scenario) -> None:
    """Name what a scenario may say but this engine does not simulate, rather than leave it out silently."""
    asked = {
        "depot": scenario.depot != type(scenario.depot)(),
        "policy": bool(scenario.policy),
        "mixing.boundary: pipeline": scenario.mixing.boundary == "pipeline",
    }
    if named := [key for key, given in asked.items() if given]:
        raise InputError(f"{scenario.name}: not simulated by this version: {', '.join(named)}")
