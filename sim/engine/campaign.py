"""A programme: training runs over years on one fleet, beside research.

Each run is a job of its own, with its failures, checkpoints and restarts. Between runs, and beside
them, the other nodes do research: they are powered, so they age and fail. One run at a time: a run
that is due while another trains begins when that has ended, and one for which too many nodes are
under repair when enough have come back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import simpy

from sim.engine.setup import Site, throughput_of
from sim.engine.standstill import Process
from sim.errors import InputError
from sim.results.ledger import DAY, YEAR
from sim.results.programme import ProgrammeResult, ProgrammeRun, first_due, growth_of
from sim.scenario import Pool, Run, Scenario
from sim.scenario.bounds import check_programme
from sim.scenario.stock import Programme, pool_of
from sim.streams import Luck
from sim.throughput import Plan, Throughput, laid_out_like, planned
from sim.throughput.chip_worth import ChipWorth, Floats

Pools = dict[str, Pool]
BETWEEN = "between"
"""Wall clock when no run trains."""
SIZES_TRIED = (1, 4, 16)
"""Times the need of the first run, on which a pool alone is laid out."""


@dataclass(frozen=True)
class Task:
    """A run to be: when it is due, how many reference chips it needs, and what it trains."""

    number: int
    due: float
    chips: float
    run: Run


def tasks(scenario: Scenario) -> list[Task]:
    """The runs that are due before the horizon.

    Raises
    ------
    InputError
        If there are none, or too many.
    """
    programme = scenario.runs
    if isinstance(programme, Programme):
        begin = first_due(programme, scenario.start)
        # A run that is due on the horizon itself is not started.
        span = scenario.horizon - begin
        # What was drawn for them since the scenario was read may be beyond its bounds.
        check_programme(programme, span)
        count = max(math.ceil(span / programme.every - 1e-9), 0)
        first = programme.run(scenario.run)
        listed = [_grown(first, programme, number, begin) for number in range(count)]
    else:
        dated = sorted(programme or (), key=lambda planned_run: planned_run.date)
        listed = []
        for number, planned_run in enumerate(dated):
            due = (planned_run.date - scenario.start).days * DAY
            listed.append(Task(number, due, planned_run.chips, planned_run.run(scenario.run)))
    due_in_time = [task for task in listed if 0 <= task.due < scenario.horizon]
    if not due_in_time:
        raise InputError(
            f"{scenario.name}: none of the runs is due between the start and the horizon"
        )
    return due_in_time


def first_task(scenario: Scenario) -> Task:
    """What the worth of chips is computed for: the first run, or that of an outlook alone."""
    if scenario.outlook and not scenario.runs:
        return Task(0, 0.0, scenario.outlook.chips, scenario.run)
    return tasks(scenario)[0]


def _grown(first: Run, programme: Programme, number: int, begin: float) -> Task:
    """A later run of a growing programme: chips, tokens and batch grow alike."""
    after = number * programme.every
    factor = growth_of(programme) ** (after / YEAR)
    sequences = max(round(first.batch.sequences * factor), 1)
    batch = first.batch.model_copy(update={"sequences": sequences})
    run = first.model_copy(update={"tokens": first.tokens * factor, "batch": batch})
    return Task(number, begin + after, programme.chips * factor, run)


def laid_out(scenario: Scenario) -> Pools:
    """Each pool alone with a complete layout of the first run.

    It has the size that the run needs, or up to 16 times as much. A pool that cannot hold the model
    even then is left out: it takes no part in the programme.

    Raises
    ------
    InputError
        When that is the reference pool.
    """
    first = first_task(scenario)
    found: Pools = {}
    for name, pool in scenario.fleet.items():
        for times in SIZES_TRIED:
            nodes = math.ceil(first.chips * times / pool.chip.node_size - 1e-9)
            alone = {name: _with_nodes(pool, nodes)}
            # What is too small for one replica may hold one at several times the size.
            try:
                found |= planned(first.run, alone, scenario.mixing, scenario.constants)
            except InputError:
                if times == SIZES_TRIED[-1] and name == scenario.reference_pool:
                    raise
            else:
                break
    return found


def chip_worth(scenario: Scenario, first: Task, pools: Pools) -> tuple[ChipWorth, Plan]:
    """What a chip of each pool is worth, and the plan of the first run on the reference pool."""
    plans = {}
    # What the model does not fit on does nothing, and no run asks for its replica.
    rate = dict.fromkeys(scenario.fleet, 0.0)
    least = dict.fromkeys(scenario.fleet, 1)
    for name, pool in pools.items():
        alone = {name: _like(scenario, name, pool, pool.active_nodes)}
        plan = plans[name] = throughput_of(scenario, first.run, alone).full
        rate[name] = plan.tokens_per_s / sum(plan.used_chips.values())
        if shape := plan.layouts[name]:
            least[name] = shape.replica_chips
    peak = {
        name: pool.chip.bf16 * pool.chip.kernel_efficiency
        for name, pool in scenario.fleet.items()
    }
    offload = dict.fromkeys(scenario.fleet, 0.0)
    for name, share in scenario.offload.items():
        offload[pool_of(scenario.fleet, name, "offload")] = share
    reference = scenario.reference_pool
    order = sorted(rate, key=lambda name: (-rate[name], name))
    worth = ChipWorth(
        pools=tuple(order),
        worth=tuple(rate[name] / rate[reference] for name in order),
        least=tuple(least[name] for name in order),
        mixing=scenario.mixing.efficiency,
        research=scenario.research,
        offload=tuple(offload[name] for name in order),
        bench=tuple(peak[name] / peak[reference] for name in order),
    )
    return worth, plans[reference]


def _with_nodes(pool: Pool, nodes: int) -> Pool:
    return pool.model_copy(update={"chips": None, "nodes": float(nodes)})


def _like(scenario: Scenario, name: str, laid_out: Pool, nodes: int) -> Pool:
    """A pool of the scenario, whose unknown constants are settled, in a layout found before."""
    return laid_out_like(_with_nodes(scenario.fleet[name], nodes), laid_out)


class Campaign:
    """The programme as a process at a site."""

    def __init__(self, site: Site, worth: ChipWorth, laid_out: Pools) -> None:
        self.runs: list[ProgrammeRun] = []
        """What became of each so far."""
        self.active_chip_seconds = 0.0
        self._site = site
        self._env = site.env
        self._scenario = site.scenario
        self._worth = worth
        self._laid_out = laid_out
        self._pools = {pool.name: pool for pool in site.fleet.every}
        site.record.time[BETWEEN] = 0.0

    def run(self) -> Process:
        """Staff each run as soon as it is due and there are nodes, or note that there are not."""
        env = self._env
        horizon = self._scenario.horizon
        ahead = tasks(self._scenario) if self._scenario.runs else []
        while ahead and env.now < horizon:
            due = (task for task in ahead if task.due <= env.now)
            # One that is held up lets those pass that are not.
            ready = next((task for task in due if not self._held_up(task)), None)
            if ready:
                ahead.remove(ready)
                yield from self._try(ready)
            else:
                later = (task.due for task in ahead if task.due > env.now)
                yield from self._rest(
                    next(later, horizon), for_return=ahead[0].due <= env.now
                )
        yield from self._rest(horizon)
        self.runs += [ProgrammeRun(task.number, task.due, task.chips) for task in ahead]
        self.runs.sort(key=lambda run: run.number)

    def _working(self, *, mended: bool = False) -> Floats:
        """Chips by pool in nodes that work, or will when they are `mended`."""
        chips = []
        for name in self._worth.pools:
            pool = self._pools[name]
            nodes = pool.at_hand
            if mended:
                nodes += pool.under_repair
            chips.append(float(nodes * pool.size))
        return np.array(chips)

    def _held_up(self, task: Task) -> bool:
        """Whether a run lacks nothing but nodes that are under repair."""
        if self._worth.staff(self._working(), task.chips) is not None:
            return False
        return self._worth.staff(self._working(mended=True), task.chips) is not None

    def _try(self, task: Task) -> Process:
        """Train a run if there are chips enough."""
        working = self._working()
        available = float(self._worth.available(working))
        outcome = ProgrammeRun(task.number, task.due, task.chips, available, short=True)
        throughput = self._staffed(task, working)
        if throughput:
            outcome = yield from self._train(task, outcome, throughput)
        self.runs.append(outcome)
        what = "ended" if outcome.staffed else "not staffed"
        self._site.record.event(self._env.now, "run", name=str(task.number), what=what)

    def _staffed(self, task: Task, owned: Floats) -> Throughput | None:
        """The run on the best chips that suffice; None if none do.

        A smallest pool that fits no layout gives more chips, and drops out where it has no more.
        """
        chips = self._worth.staff(owned, task.chips)
        if chips is None:
            return None
        small = min(chips, key=lambda name: (chips[name], name))
        column = self._worth.pools.index(small)
        most = float(self._worth.free(owned)[column]) / self._worth.worth[column]
        while True:
            if found := self._throughput(task.run, chips):
                return found
            if chips[small] >= most:
                owned[column] = 0.0
                return self._staffed(task, owned)
            chips[small] = min(2 * chips[small], most)

    def _throughput(self, run: Run, chips: Mapping[str, float]) -> Throughput | None:
        """In the layouts of the first run where they fit, else in others; None if nothing fits."""
        open_ = {}
        pools = {}
        for name, count in chips.items():
            pool = self._pools[name]
            nodes = min(math.ceil(count / pool.size - 1e-9), pool.at_hand)
            open_[name] = _with_nodes(self._scenario.fleet[name], nodes)
            pools[name] = laid_out_like(open_[name], self._laid_out[name])
            # To lay a pool out anew takes long, and mostly one is too small for its layout.
            if self._rates(run, {name: pools[name]}) is None:
                pools[name] = open_[name]
        return self._rates(run, pools) or self._rates(run, open_)

    def _rates(self, run: Run, pools: Pools) -> Throughput | None:
        """How fast a run trains on pools; None where a layout does not fit."""
        try:
            return throughput_of(self._scenario, run, pools)
        except InputError:
            return None

    def _train(self, task: Task, outcome: ProgrammeRun, throughput: Throughput) -> Process:
        fleet = self._site.fleet
        record = self._site.record
        nodes = {
            name: -(-chips // self._pools[name].size)
            for name, chips in throughput.full.used_chips.items()
        }
        fleet.engage(nodes)
        productive = record.time["productive"]
        interruptions = record.counts["interruptions"]
        start = self._env.now
        job = self._site.job(task.run, throughput, label=f".{task.number}")
        yield from job.run()
        fleet.release()
        training = job.training
        self.active_chip_seconds += training.progress.chip_seconds
        return replace(
            outcome,
            short=False,
            started=start,
            ended=self._env.now,
            finished=training.finished,
            chips={name: n * self._pools[name].size for name, n in nodes.items() if n},
            tokens=training.kept(self._env.now),
            productive=record.time["productive"] - productive,
            interruptions=record.counts["interruptions"] - interruptions,
        )

    def _rest(self, end: float, *, for_return: bool = False) -> Process:
        """No run trains, to an end or until a node returns; nodes fail and come back."""
        env = self._env
        fleet = self._site.fleet
        record = self._site.record
        if env.now < end:
            record.event(env.now, "state", what=BETWEEN)
        while env.now < end:
            start = env.now
            due, failing = fleet.next_failure(start, running=False)
            found = fleet.next_find()
            until = min(end, due, found)
            woken = yield from fleet.sleeper.sleep(start, until, for_return=for_return)
            record.time[BETWEEN] += env.now - start
            if woken.by_return:
                return
            if not woken.on_time or until >= end:
                continue
            if due <= found:
                fleet.fail(env.now, failing)
            else:
                fleet.reveal(env.now, fleet.find())


def simulate(
    scenario: Scenario, laid_out: Pools, luck: Luck, max_events: int | None
) -> ProgrammeResult:
    """Run one replication of a programme.

    Parameters
    ----------
    scenario : Scenario
        With every unknown constant settled.
    laid_out : dict of str to Pool
        From the function of that name.
    luck : Luck
    max_events : int or None
    """
    worth, first = chip_worth(scenario, first_task(scenario), laid_out)
    env = simpy.Environment()
    site = Site(env, scenario, None, luck)
    site.limit(max_events, lambda _: scenario.horizon)
    record = site.record
    bought = [
        (0.0, name, sum(n for (pool, _), n in record.chips.items() if pool == name), 1.0)
        for name in scenario.fleet
    ]
    bought += [(a.time, a.pool, a.chips, a.premium) for a in site.coming]
    campaign = Campaign(site, worth, laid_out)
    env.run(until=env.process(campaign.run()))
    runs = tuple(campaign.runs)
    # A programme of which no run was staffed has finished nothing.
    staffed = [run for run in runs if run.staffed]
    return ProgrammeResult(
        **site.outcome(),
        plan=first,
        # An outlook alone lasts to its end.
        finished=bool(staffed or not runs) and all(run.finished for run in staffed),
        tokens=math.fsum(run.tokens for run in runs),
        active_chip_seconds=campaign.active_chip_seconds,
        runs=runs,
        worth=worth,
        repairs=site.depot.repairs if site.depot else 0,
        bought=tuple(bought),
    )
