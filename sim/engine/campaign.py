"""A programme: training runs over years on one fleet, beside research, until the fleet cannot staff
the next.

Each run is a job of its own, with its failures, checkpoints and restarts. Between runs, and beside
them, the other nodes do research: they are powered, so they age and fail. One run at a time: a run
that is due while another trains begins when that has ended.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import simpy

from sim.engine.depot import Depot
from sim.engine.fleet import Fleet
from sim.engine.record import Record
from sim.engine.setup import fleet_of, job_of, throughput_of
from sim.errors import InputError
from sim.results.ledger import DAY, YEAR
from sim.results.programme import Outcome, ProgrammeResult, first_due, growth_of
from sim.scenario import Pool, Run, Scenario
from sim.scenario.stock import Programme, pool_of
from sim.throughput import Plan, Throughput, planned
from sim.throughput.chip_worth import Exchange

Process = Generator[simpy.Event, Any, Any]
BETWEEN = "between"
"""Wall clock when no run trains."""


@dataclass(frozen=True)
class Task:
    """A run to be: when it is due, how many reference chips it needs, and what it trains."""

    number: int
    due: float
    chips: float
    run: Run


def tasks(question: Scenario) -> list[Task]:
    """The runs that are due before the horizon; InputError if there are none."""
    plan = question.runs
    if isinstance(plan, Programme):
        begin = first_due(plan, question.start)
        count = max(math.ceil((question.horizon - begin) / plan.every - 1e-9), 0)
        listed = [_grown(plan.run(question.run), plan, k, begin) for k in range(count)]
    else:
        dated = sorted(plan or (), key=lambda item: item.date)
        days = [(item.date - question.start).days for item in dated]
        listed = [
            Task(k, days[k] * DAY, item.chips, item.run(question.run))
            for k, item in enumerate(dated)
        ]
    if not (due := [task for task in listed if 0 <= task.due < question.horizon]):
        raise InputError(
            f"{question.name}: none of the runs is due between the start and the horizon"
        )
    return due


def _grown(first: Run, plan: Programme, k: int, begin: float) -> Task:
    factor = growth_of(plan) ** (k * plan.every / YEAR)
    batch = first.batch.model_copy(
        update={"sequences": max(round(first.batch.sequences * factor), 1)}
    )
    run = first.model_copy(update={"tokens": first.tokens * factor, "batch": batch})
    return Task(k, begin + k * plan.every, plan.chips * factor, run)


def laid_out(question: Scenario, first: Task) -> dict[str, Pool]:
    """Each pool alone with a complete layout of the first run, at the size the run needs or up to
    16 times as many.

    A pool that cannot hold the model even then is left out: it takes no part in the programme.

    Raises
    ------
    InputError
        When that is the reference pool.
    """
    pools: dict[str, Pool] = {}
    for name, pool in question.fleet.items():
        for factor in (1, 4, 16):
            sized = _sized(pool, first.chips * factor)
            try:
                [pools[name]] = planned(first.run, [sized], question.mixing, question.constants)
            except InputError:
                if factor == 16 and name == reference_of(question):
                    raise
                continue
            break
    return pools


def exchange(question: Scenario, first: Task, pools: dict[str, Pool]) -> tuple[Exchange, Plan]:
    """What a chip of each pool is worth to a run, and the plan of the first run on the reference
    pool alone.
    """
    plans = {
        name: throughput_of(
            question, first.run, {name: _like(question, name, pool, pool.active_nodes)}
        ).full
        for name, pool in pools.items()
    }
    rate = {name: plan.tokens_per_s / sum(plan.used_chips) for name, plan in plans.items()}
    least = {
        name: shape.replica_chips for name, plan in plans.items() for shape in plan.layouts if shape
    }
    peak = {
        name: pool.chip.bf16 * pool.chip.kernel_efficiency for name, pool in question.fleet.items()
    }
    reference = reference_of(question)
    order = sorted(question.fleet, key=lambda name: (-rate.get(name, 0.0), name))
    offload = {
        pool_of(question.fleet, name, "offload"): share for name, share in question.offload.items()
    }
    worth = Exchange(
        pools=tuple(order),
        worth=tuple(rate.get(name, 0.0) / rate[reference] for name in order),
        least=tuple(least.get(name, 1) for name in order),
        mixing=question.mixing.efficiency,
        research=question.research,
        offload=tuple(offload.get(name, 0.0) for name in order),
        bench=tuple(peak[name] / peak[reference] for name in order),
    )
    return worth, plans[reference]


def reference_of(question: Scenario) -> str:
    """The pool in whose chips needs are counted."""
    first = next(iter(question.fleet))
    return (
        first
        if question.reference is None
        else pool_of(question.fleet, question.reference, "reference")
    )


def _sized(pool: Pool, chips: float) -> Pool:
    return pool.model_copy(
        update={"chips": None, "nodes": float(math.ceil(chips / pool.chip.node_size - 1e-9))}
    )


def _like(question: Scenario, name: str, laid_out: Pool, nodes: int) -> Pool:
    """A pool of the question, whose unknown constants are settled, in the layout found for it."""
    return question.fleet[name].model_copy(
        update={"chips": None, "nodes": float(nodes), "layout": laid_out.layout}
    )


class Campaign:
    """The programme as a process on a fleet."""

    def __init__(
        self,
        env: simpy.Environment,
        question: Scenario,
        plan: list[Task],
        exchange: Exchange,
        pools: dict[str, Pool],
        fleet: Fleet,
        record: Record,
        seed: int,
        replication: int,
    ) -> None:
        self.env, self.question, self.plan, self.exchange = env, question, plan, exchange
        self.fleet, self.record = fleet, record
        self._laid_out, self._key = pools, (seed, replication)
        self._pools = {pool.name: pool for pool in fleet.every}
        self.outcomes: list[Outcome] = []
        self.active_chip_seconds = 0.0
        self.counts = dict.fromkeys(("planned_stops", "selections", "provisioned"), 0)
        record.time[BETWEEN] = 0.0

    def run(self) -> Process:
        """Staff each run when it is due, or note that it cannot be."""
        for task in self.plan:
            yield from self._rest(task.due)
            if self.env.now >= self.question.horizon:
                break
            yield from self._try(task)
        yield from self._rest(self.question.horizon)

    def _try(self, task: Task) -> Process:
        working = {
            name: float(self._pools[name].at_hand * self._pools[name].size)
            for name in self.exchange.pools
        }
        available = float(self.exchange.available(np.array(list(working.values()))))
        throughput = self._plan(task, working)
        outcome = Outcome(task.number, task.due, task.chips, available)
        if throughput:
            outcome = yield from self._train(task, outcome, throughput)
        self.outcomes.append(outcome)
        self.record.event(
            self.env.now, "run", str(task.number), "ended" if outcome.staffed else "not staffed"
        )

    def _plan(self, task: Task, working: dict[str, float]) -> Throughput | None:
        """The run on the best chips that suffice; a smallest pool that fits no layout gives more,
        or drops out.
        """
        owned = np.array(list(working.values()))
        chips = self.exchange.staff(owned, task.chips)
        if chips is None:
            return None
        small = min(chips, key=lambda name: (chips[name], name))
        k = self.exchange.pools.index(small)
        most = float(self.exchange.free(owned)[k]) / self.exchange.worth[k]
        while True:
            if found := self._throughput(task.run, chips):
                return found
            if chips[small] >= most:
                return self._plan(task, working | {small: 0.0})
            chips[small] = min(2 * chips[small], most)

    def _throughput(self, run: Run, chips: dict[str, float]) -> Throughput | None:
        """In the layouts of the first run, or any others."""
        for laid_out in (self._laid_out, self.question.fleet):
            pools = {}
            for name, count in chips.items():
                pool = self._pools[name]
                nodes = min(math.ceil(count / pool.size - 1e-9), pool.at_hand)
                pools[name] = _like(self.question, name, laid_out[name], nodes)
            try:
                return throughput_of(self.question, run, pools)
            except InputError:
                continue
        return None

    def _train(self, task: Task, outcome: Outcome, throughput: Throughput) -> Process:
        question, fleet, record = self.question, self.fleet, self.record
        used = {
            name: -(-chips // self._pools[name].size)
            for name, chips in zip(throughput.names, throughput.full.used_chips, strict=True)
        }
        fleet.engage(used)
        before, start = record.time["productive"], self.env.now
        job = job_of(
            self.env,
            question,
            task.run,
            throughput,
            fleet,
            record,
            *self._key,
            label=f".{task.number}",
        )
        yield from job.run()
        fleet.release()
        self.active_chip_seconds += job.active_chip_seconds
        for key in self.counts:
            self.counts[key] += getattr(job, key)
        return replace(
            outcome,
            started=start,
            ended=self.env.now,
            finished=job.finished,
            chips={name: nodes * self._pools[name].size for name, nodes in used.items() if nodes},
            tokens=task.run.tokens if job.finished else job.progress.durable(self.env.now).tokens,
            productive=record.time["productive"] - before,
            interruptions=job.interruptions,
        )

    def _rest(self, end: float) -> Process:
        """No run trains; nodes go on failing and coming back."""
        env, fleet = self.env, self.fleet
        if env.now < end:
            self.record.event(env.now, "state", "job", BETWEEN)
        while env.now < end:
            start = env.now
            due, failing = fleet.next_failure(start, running=False)
            slept = yield from fleet.sleep(start, min(end, due))
            self.record.time[BETWEEN] += env.now - start
            if slept and due < end:
                fleet.fail(env.now, failing)


def simulate(
    question: Scenario, pools: dict[str, Pool], seed: int, replication: int
) -> ProgrammeResult:
    """Run one replication of a programme whose unknown constants are settled, on pools as
    `laid_out` gives them.
    """
    plan = tasks(question)
    worth, first = exchange(question, plan[0], pools)
    env, record = simpy.Environment(), Record()
    fleet, coming = fleet_of(env, question, [None] * len(question.fleet), record, seed, replication)
    start = [
        (0.0, name, sum(n for (key, _), n in record.counts.items() if key == name), 1.0)
        for name in question.fleet
    ]
    campaign = Campaign(env, question, plan, worth, pools, fleet, record, seed, replication)
    fleet.sleeper = env.process(campaign.run())
    env.run(until=fleet.sleeper)
    record.close(env.now)
    outcomes = campaign.outcomes
    return ProgrammeResult(
        question=question,
        seed=seed,
        replication=replication,
        plan=first,
        finished=all(run.finished for run in outcomes if run.staffed),
        wall=env.now,
        tokens=math.fsum(run.tokens for run in outcomes),
        interruptions=sum(run.interruptions for run in outcomes),
        **campaign.counts,
        active_chip_seconds=campaign.active_chip_seconds,
        failures=fleet.failures,
        time=dict(record.time),
        chip_seconds=record.chip_seconds(env.now),
        counts=dict(record.counts),
        trace=tuple(record.trace),
        runs=tuple(outcomes),
        exchange=worth,
        repairs=fleet.shop.repairs if isinstance(fleet.shop, Depot) else 0,
        bought=(*start, *((a.time, a.pool, a.chips, a.premium) for a in coming)),
    )
