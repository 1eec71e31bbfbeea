"""A fleet with its depot, and a job on it, from the settings of a scenario."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import Any

import simpy

from sim.catalogue.failures import FailureTable
from sim.engine.checkpoints import sawtooth
from sim.engine.depot import Depot
from sim.engine.fabric import Fabric, Flaps, flap_failures
from sim.engine.fleet import Fleet
from sim.engine.job import Job
from sim.engine.pool import NodePool
from sim.engine.progress import Progress
from sim.engine.record import Record
from sim.engine.replay import outages
from sim.engine.risks import node_rate
from sim.engine.supply import Arrival, Policy, arrivals
from sim.scenario import Fabric as FabricSpec
from sim.scenario import Pool, Run, Scenario
from sim.streams import Uniforms
from sim.throughput import Throughput


def throughput_of(question: Scenario, run: Run, pools: dict[str, Pool]) -> Throughput:
    """Tokens per second of a run on pools, by name."""
    return Throughput(
        run,
        list(pools.values()),
        question.mixing,
        step_noise=question.fabric.step_noise,
        model_error=question.constants.model_error,
        constants=question.constants,
        names=tuple(pools),
    )


def fleet_of(
    env: simpy.Environment,
    question: Scenario,
    used_chips: Sequence[int | None],
    record: Record,
    seed: int,
    replication: int,
) -> tuple[Fleet, list[Arrival]]:
    """The nodes of every pool, with a depot where the scenario has one, and what will arrive there."""
    policy = Policy(question.policy, question.start)
    coming = arrivals(question, policy, seed, replication)
    pools = []
    for (name, spec), used in zip(question.fleet.items(), used_chips, strict=True):
        boxed = sum(a.chips for a in coming if a.pool == name and a.boxed) // spec.chip.node_size
        table = table_of(spec, question.fabric)
        pools.append(
            NodePool(name, spec, used, table, record, seed, replication, question.horizon, boxed)
        )
    fleet = Fleet(env, pools, question.recovery, round(question.fabric.pod), record)
    if question.depot != type(question.depot)():
        fleet.shop = depot = Depot(env, question, policy, fleet, record, seed, replication)
        env.process(depot.receive(coming))
    env.process(_announce(env, policy, record))
    return fleet, coming


def _announce(
    env: simpy.Environment, policy: Policy, record: Record
) -> Generator[simpy.Event, Any, None]:
    """Note each policy event in the trace on its date."""
    for name, event in policy.events:
        if policy.seconds(event.date) >= env.now:
            yield env.timeout(policy.seconds(event.date) - env.now)
            record.event(env.now, "policy", name, event.title)


def job_of(
    env: simpy.Environment,
    question: Scenario,
    run: Run,
    throughput: Throughput,
    fleet: Fleet,
    record: Record,
    seed: int,
    replication: int,
    label: str = "",
) -> Job:
    """A job that trains `run` on the pools of a fleet; `label` tells the draws of several jobs
    apart.
    """
    fabric, pools = question.fabric, fleet.pools
    rate = math.fsum(_failure_rate(pool, fabric, question.horizon) for pool in pools)
    saw = sawtooth(question.checkpoint, run, throughput.full, question.constants, rate)
    nodes = sum(pool.whole for pool in pools)
    progress = Progress(
        run.tokens, saw, Flaps(fabric.flaps, nodes, seed, replication) if fabric.flaps else None
    )
    progress.computing = fleet.computing
    return Job(
        env,
        progress,
        fleet,
        Fabric(fabric.congestion, round(fabric.pods), seed, replication),
        throughput,
        question.recovery,
        saw,
        Uniforms(seed, replication, f"recovery{label}"),
        question.horizon,
        record,
    )


def _failure_rate(pool: NodePool, fabric: FabricSpec, horizon: float) -> float:
    """Failures per second of the active nodes of a pool."""
    if trace := pool.spec.failures.trace:
        return (
            sum(start < horizon for start, _, _ in outages(trace))
            / horizon
            * pool.whole
            / len(pool.place)
        )
    return pool.whole * node_rate(table_of(pool.spec, fabric), pool.size)


def table_of(pool: Pool, fabric: FabricSpec) -> FailureTable:
    """The causes that strike a pool: its own, and the link flaps that no collective rides through."""
    flap = flap_failures(fabric.flaps) if fabric.flaps and not pool.failures.trace else None
    return (
        pool.failures.model_copy(update={"causes": (*pool.failures.causes, flap)})
        if flap
        else pool.failures
    )
