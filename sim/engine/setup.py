"""A fleet with its depot, and a job on it, from the settings of a scenario."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import simpy

from sim.catalogue.failures import FailureTable
from sim.engine.checkpoints import Sawtooth, Watch, sawtooth_of
from sim.engine.depot import Depot
from sim.engine.fabric import Fabric, Flaps, flap_failures
from sim.engine.fleet import Fleet
from sim.engine.job import Job
from sim.engine.phased_job import PhasedJob
from sim.engine.phased_pool import PhasedPool
from sim.engine.phases import Course, Phase
from sim.engine.pool import NodePool
from sim.engine.progress import ComputingClock, Progress
from sim.engine.record import Record
from sim.engine.recovery import RecoveryTimes
from sim.engine.replay import outages
from sim.engine.response import People, Windows
from sim.engine.risks import node_rate
from sim.engine.supply import Arrival, Policy, arrivals
from sim.engine.training import Training
from sim.errors import InputError
from sim.scenario import Checkpoint, Pool, Run, Scenario
from sim.scenario import Fabric as FabricSpec
from sim.scenario.layout import MOST_CHIPS
from sim.scenario.stock import Depot as DepotSpec
from sim.streams import Luck
from sim.throughput import Plan, Throughput


def throughput_of(scenario: Scenario, run: Run, pools: Mapping[str, Pool]) -> Throughput:
    """Tokens per second of a run on pools, by name."""
    return Throughput(
        run,
        pools,
        scenario.mixing,
        step_noise=scenario.fabric.step_noise,
        constants=scenario.constants,
    )


class Site:
    """Where runs take place: nodes of every pool, with a depot where the scenario has one.

    Parameters
    ----------
    env : simpy.Environment
    scenario : Scenario
        With every unknown constant settled.
    used_chips : mapping of str to int, optional
        Chips of each pool that the layout uses; in a programme, which is without, all do research.
    luck : Luck
    course : Course, optional
        The phases of a run that has several.
    """

    def __init__(
        self,
        env: simpy.Environment,
        scenario: Scenario,
        used_chips: Mapping[str, int] | None,
        luck: Luck,
        course: Course | None = None,
    ) -> None:
        self.env = env
        self.scenario = scenario
        self.luck = luck
        self.record = Record()
        self._clock = ComputingClock()
        policy = Policy(scenario.policy, scenario.start)
        self.coming = arrivals(scenario, policy, luck)
        """What will arrive."""
        # By name: the order in which a file lists the pools decides nothing.
        names = sorted(scenario.fleet)
        self._course = course
        pools = [self._pool(name, used_chips) for name in names]
        pod = round(scenario.fabric.pod)
        self.fleet = Fleet(env, pools, scenario.recovery, pod, self._clock, self.record)
        self.depot: Depot | None = None
        if scenario.depot != DepotSpec():
            self.depot = Depot(env, scenario, policy, self.fleet, self.record, luck)
            self.fleet.employ(self.depot)
            env.process(self.depot.receive(self.coming))
        env.process(self._announce(policy))

    def _pool(self, name: str, used_chips: Mapping[str, int] | None) -> NodePool:
        scenario = self.scenario
        spec = scenario.fleet[name]
        standby = scenario.recovery.standby
        course = self._course
        away = course.away[name] if course else 0
        coming = _boxed_nodes(self.coming, name, spec.chip.node_size) + away
        nodes = spec.active_nodes + spec.hot_spares + spec.cold_spares + coming
        # Each number is bounded where it is read, and a product or a sum of them is not.
        if nodes * spec.chip.node_size > MOST_CHIPS:
            problem = (
                f"fleet.{name}: {nodes:,.0f} nodes, those that will come among them, are more"
            )
            raise InputError(f"{problem} than {MOST_CHIPS:,} chips", given=nodes)
        make: type[NodePool] = PhasedPool if course else NodePool
        pool = make(
            name,
            spec,
            used_chips.get(name, 0) if used_chips is not None else None,
            table_of(spec, scenario.fabric),
            None if standby is None else round(standby),
            self._clock,
            self.record,
            self.luck,
            scenario.horizon,
            coming,
        )
        if course and isinstance(pool, PhasedPool):
            pool.begin(course.phase.strengths[name], away)
        return pool

    def limit(self, most: int | None, end: Callable[[float], float]) -> None:
        """Bound the events, of a run that is likely to end when `end` says."""
        nodes = sum(len(pool.place) for pool in self.fleet.every)
        self.record.budget.limit(most, nodes, end)

    def _announce(self, policy: Policy) -> Generator[simpy.Event, Any, None]:
        """Note each control in the trace on its date."""
        env = self.env
        for name, event in policy.events:
            due = policy.seconds(event.date)
            if due >= env.now:
                yield env.timeout(due - env.now)
                self.record.event(env.now, "policy", name=name, what=event.title)

    def job(
        self, run: Run, throughput: Throughput, *, label: str = "", watch: Watch | None = None
    ) -> Job:
        """A job that trains `run` on the pools that take part.

        Parameters
        ----------
        run : Run
        throughput : Throughput
            Of the run on these pools, in its first phase.
        label : str
            Tells the draws of several jobs apart.
        watch : Watch, optional
            Is told of every checkpoint.
        """
        scenario = self.scenario
        fabric = scenario.fabric
        saw = self.sawtooth(scenario.checkpoint, run, throughput.full)
        make: type[Job] = Job
        if course := self._course:
            course.sawtooths = self._sawtooths(course.phases)
            make = PhasedJob
            self.fleet.take_part(throughput.pools)
        nodes = sum(pool.whole for pool in self.fleet.pools)
        budget = self.record.budget
        flaps = Flaps(fabric.flaps, nodes, self.luck, label, budget) if fabric.flaps else None
        progress = Progress(run.tokens, saw, self._clock, flaps, watch)
        job = make(
            self.env,
            Training(progress, self.record, in_memory=saw.storage_every > 1),
            self.fleet,
            Fabric(fabric.congestion, round(fabric.pods), self.luck, label, budget),
            throughput,
            scenario.recovery,
            saw,
            RecoveryTimes(scenario.recovery, saw, self.luck, label),
            People(scenario.recovery, scenario.start, self._automatic(), self.luck, label),
            Windows(
                scenario.recovery.windows, scenario.start, self.env.now, self.luck, label
            ),
            scenario.horizon,
            self.record,
        )
        if course and isinstance(job, PhasedJob):
            job.begin(course)
        return job

    def _automatic(self) -> set[str]:
        """Causes of tables whose restart times hold people already."""
        names: set[str] = set()
        for pool in self.scenario.fleet.values():
            if pool.failures.answered:
                names.update(cause.cause for cause in pool.failures.causes)
        return names

    def _sawtooths(self, phases: Sequence[Phase]) -> list[Sawtooth]:
        """The checkpoints of each phase."""
        found: list[Sawtooth] = []
        for phase in phases:
            scenario = phase.scenario
            plan = phase.throughput.full
            saw = self.sawtooth(scenario.checkpoint, scenario.run, plan)
            busy = max((other.save for other in found), default=0.0)
            if found and busy > saw.seconds(plan) * (1 + 1e-12):
                raise InputError(
                    f"run.phases: a checkpoint of one phase is durable after {busy:g} s, another "
                    f"phase has an interval of {saw.seconds(plan):g} s: it must not be shorter"
                )
            found.append(saw)
        return found

    def sawtooth(self, checkpoint: Checkpoint, run: Run, plan: Plan) -> Sawtooth:
        """Checkpoint times of a run under a plan, with all active nodes at risk."""
        scenario = self.scenario
        rate = math.fsum(
            failure_rate(pool, plan.used_chips[pool.name], scenario.fabric, scenario.horizon)
            for pool in self.fleet.every
            if pool.name in plan.used_chips
        )
        return sawtooth_of(checkpoint, run, plan, scenario.constants, failure_rate=rate)

    def outcome(self) -> dict[str, Any]:
        """What a result says of a single run and of a programme alike."""
        record = self.record
        now = self.env.now
        record.close(now)
        return {
            **record.counts,
            "scenario": self.scenario,
            "seed": self.luck.seed,
            "replication": self.luck.replication,
            "wall": now,
            "failures": self.fleet.failures,
            "hidden_faults": self.fleet.hidden,
            "time": record.settled(record.time),
            "chip_seconds": record.settled(record.chip_seconds(now)),
            "counts": record.chips,
            "trace": record.hand_over(),
        }


def intervals(scenario: Scenario, throughput: Throughput) -> tuple[float, float]:
    """Seconds between checkpoints of a healthy run: as given, and the best there are.

    Parameters
    ----------
    scenario : Scenario
        With every unknown constant settled.
    throughput : Throughput
        Of its run on its fleet.
    """
    plan = throughput.full
    site = Site(simpy.Environment(), scenario, plan.used_chips, Luck(0, 0))
    best = scenario.checkpoint.model_copy(update={"interval": "optimal"})
    found = []
    for checkpoint in (scenario.checkpoint, best):
        saw = site.sawtooth(checkpoint, scenario.run, plan)
        found.append(saw.seconds(plan))
    return found[0], found[1]


@contextmanager
def uncollected() -> Iterator[None]:
    """Let the garbage collector wait until a million objects have been made.

    A run makes many small objects that live until it ends, and looking through them again and again
    costs a tenth of it, compiled a fifth.
    """
    before = gc.get_threshold()
    gc.set_threshold(1_000_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _boxed_nodes(coming: list[Arrival], pool: str, size: int) -> int:
    """Nodes of a pool that will arrive in boxes."""
    return (
        sum(arrival.chips for arrival in coming if arrival.pool == pool and arrival.boxed)
        // size
    )


def failure_rate(
    pool: NodePool, used_chips: int, fabric: FabricSpec, horizon: float
) -> float:
    """Failures per second of the nodes of a pool that a layout uses."""
    nodes = -(-used_chips // pool.size)
    if trace := pool.spec.failures.trace:
        recorded = sum(span.start < horizon for span in outages(trace))
        return recorded / horizon * nodes / len(pool.place)
    return nodes * node_rate(table_of(pool.spec, fabric), pool.size)


def table_of(pool: Pool, fabric: FabricSpec) -> FailureTable:
    """The causes that strike a pool: its own, and the link flaps no collective rides through."""
    table = pool.failures
    flap = None
    if fabric.flaps and not table.trace:
        flap = flap_failures(fabric.flaps, table.often)
    return table.model_copy(update={"causes": (*table.causes, flap)}) if flap else table
