"""Tokens per second of a fleet in any state: who runs what, and how long a step takes.

Everything per pool goes by the pool's name. What depends on nothing but speed is asked once and
kept: the same state of the fleet comes back thousands of times in a run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from sim import catalogue
from sim.catalogue.hardware import StepTime
from sim.errors import InputError
from sim.scenario.parts import Layout, Mixing, Pool
from sim.scenario.phases import Run
from sim.throughput.batch_split import uniform_split, whole_split
from sim.throughput.calibration import calibrated
from sim.throughput.collectives import ring
from sim.throughput.domain import Reach, point, reach, taken_rate
from sim.throughput.elastic import POLICIES, ElasticPolicy, Groups, drop_replica
from sim.throughput.flops import flops_per_token, peak_rate
from sim.throughput.layouts import Chips, Placement, Pools, Shape, settled, traits
from sim.throughput.mixed_pipeline import best_mixed
from sim.throughput.plan import Plan, bottleneck, stalled, step_parts
from sim.throughput.planner import best
from sim.throughput.stage import Group, compute_seconds
from sim.throughput.step_noise import straggler_factor

Kind = tuple[str, ...]
"""Names of pools whose nodes can share replicas."""


class Throughput:
    """Tokens per second of a fleet in any state, planned once and cached per state.

    Parameters
    ----------
    run : Run
    pools : mapping of str to Pool
        With a complete layout each (see `planned`) this takes well under a millisecond.
    mixing : Mixing
    step_noise : float
        Coefficient of variation of a node's step time; the slowest node sets the pace.
    constants : StepTime, optional
        The catalogue's unless given.
    equal : bool
        Give every rank the same number of micro-batches, fast or slow.

    Attributes
    ----------
    full : Plan
        The step of the whole fleet.
    groups : tuple of Group
        The data-parallel ranks of the whole fleet, of each kind of pool.

    Raises
    ------
    InputError
        When a pool cannot hold one replica or its layout does not fit, with the numbers and the
        nearest that does.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> case = load_scenario("deepseek-v3")
    >>> fleet = Throughput(case.run, case.fleet, case.mixing)
    >>> fleet.full.idle_chips
    {'good': 0}
    >>> fleet.plan({"good": 255}).used_chips  # one node lost, half the run idle
    {'good': 1024}
    """

    def __init__(
        self,
        run: Run,
        pools: Pools,
        mixing: Mixing,
        *,
        step_noise: float = 0.0,
        constants: StepTime | None = None,
        equal: bool = False,
    ) -> None:
        self.run = run
        self.mixing = mixing
        self.step_noise = step_noise
        self.equal = equal
        self.constants: StepTime = constants or catalogue.entry("constants", "step-time").item
        # By name: the order in which a file lists the pools decides nothing.
        named = {name: pools[name] for name in sorted(pools)}
        self.pools = calibrated(run, named, self.constants, self._step)
        self.microbatches = -(-run.batch.sequences // run.batch.micro)
        self.nodes = {name: pool.active_nodes for name, pool in self.pools.items()}
        self.kinds = _kinds(self.pools, mixing)
        self._kind_of = {name: kind for kind in self.kinds for name in kind}
        self._useful = flops_per_token(run.model)
        self._plans: dict[tuple[tuple[int, ...], str, bool], Plan] = {}
        self.groups = self.grouped(self._chips(self.nodes), self.pools)
        self.full = self.plan(self.nodes)
        self._check_bounds()

    def plan(
        self,
        nodes: Mapping[str, int],
        policy: ElasticPolicy = "drop-replica",
        keep_batch: bool = True,
    ) -> Plan:
        """The plan with some healthy active nodes of each pool.

        Parameters
        ----------
        nodes : mapping of str to int
            By pool.
        policy : str
            One of `sim.throughput.elastic.POLICIES`. What a policy offers is taken where it is
            faster than the whole replicas that healthy nodes form.
        keep_batch : bool
            Whether the remaining ranks share the whole batch, or each keeps its own part and the
            batch shrinks.
        """
        key = tuple(nodes[name] for name in self.pools), policy, keep_batch
        if (found := self._plans.get(key)) is None:
            found = self._plans[key] = self._plan(nodes, policy, keep_batch)
        return found

    @cached_property
    def freely_planned(self) -> Throughput:
        """The same fleet with every layout left to the planner, to see what the given ones cost."""
        pools = {name: pool.but(layout=Layout()) for name, pool in self.pools.items()}
        try:
            return self._like(self.run, pools, self.constants)
        except InputError:
            # Left free, a pipeline across many pools has too many layouts to try.
            return self

    @cached_property
    def faster_without(self) -> dict[str, float]:
        """Pools the run is faster without, with the tokens per second it then reaches."""
        rates = {
            name: self._only(*(n for n in self.pools if n != name)) for name in self.pools
        }
        return {name: rate for name, rate in rates.items() if rate > self.full.tokens_per_s}

    @cached_property
    def reaches(self) -> dict[str, Reach]:
        """How far each pool at work lies from what was published; none of a measured rate."""
        found = {}
        model = self.run.model
        for group in self.full.groups:
            # All chips that run pipelines alike, as for the error that is drawn.
            chips = sum(map(group.chips, group.shapes))
            for first, shape in group.shapes.items():
                at = point(model, shape, chips)
                for name in self._kind_of[first]:
                    if self.full.used_chips[name] and taken_rate(self.pools[name]) is None:
                        found[name] = reach(self.pools[name], model, at)
        return found

    @cached_property
    def scaling_ratio(self) -> float:
        """Tokens per second of the mix over the sum of what each pool reaches alone (HSR)."""
        return self.full.tokens_per_s / math.fsum(self._only(name) for name in self.pools)

    def _only(self, *names: str) -> float:
        """Tokens per second of these pools alone, zero if they cannot run."""
        if not names:
            return 0.0
        try:
            some = {name: self.pools[name] for name in names}
            return self._step(self.run, some, self.constants).tokens_per_s
        except InputError:
            return 0.0

    def _like(self, run: Run, pools: Pools, constants: StepTime) -> Throughput:
        return Throughput(
            run,
            pools,
            self.mixing,
            step_noise=self.step_noise,
            constants=constants,
            equal=self.equal,
        )

    def _step(self, run: Run, pools: Pools, constants: StepTime) -> Plan:
        return self._like(run, pools, constants).full

    def _chips(self, nodes: Mapping[str, int]) -> dict[str, int]:
        return {name: nodes[name] * pool.chip.node_size for name, pool in self.pools.items()}

    def grouped(self, chips: Chips, pools: Pools, given_up: bool = False) -> Groups:
        """The fastest group of each kind on the chips at hand, or one pipeline across all pools.

        Parameters
        ----------
        chips : mapping of str to int
        pools : mapping of str to Pool
            Those of the fleet, with other layouts perhaps.
        given_up : bool
            A kind that holds no replica any more has no ranks, in place of an error, and one look
            at each layout has to do.
        """
        if self.mixing.boundary == "pipeline" and len(pools) > 1:
            parts = [
                self._bare(name, pool, self.microbatches) for name, pool in pools.items()
            ]
            return (best_mixed(parts, chips, self.mixing.link),)
        groups = self._best(pools, chips, self._first_parts(pools, chips), given_up)
        chosen = all(settled(pools[kind[0]].layout) for kind in self.kinds)
        if given_up or len(groups) < 2 or chosen:
            return groups
        # How the batch is shared hangs on the layouts, and they on the share: one more look, now
        # with every cost in it, is as far as it pays to go.
        again = self._best(pools, chips, [max(group.batch, 1) for group in groups], given_up)
        # All wait for the last group.
        return min(
            (groups, again), key=lambda gs: max(g.seconds() for g in gs if g.microbatches)
        )

    def _bare(self, name: str, pool: Pool, microbatches: int) -> Placement:
        """Some micro-batches of a step on one rank of a pool, not laid out yet."""
        model = self.run.model
        shape = Shape(micro=self.run.batch.micro)
        rest = microbatches, self.constants, model.layers, 0, self.microbatches
        return Placement(name, pool, model, shape, 1, *rest)

    def _first_parts(self, pools: Pools, chips: Chips) -> list[int]:
        """Micro-batches of each kind if they are shared by the speed of compute alone."""
        speeds = []
        for kind in self.kinds:
            layer = compute_seconds(
                self.run.model, pools[kind[0]], Shape(), self.constants
            ).layer
            speeds.append(sum(chips[name] for name in kind) / layer)
        total = math.fsum(speeds) or 1.0
        # A part that is whole but for rounding must not gain a micro-batch.
        return [math.ceil(self.microbatches * speed / total - 1e-9) for speed in speeds]

    def _best(
        self, pools: Pools, chips: Chips, parts: Sequence[int], given_up: bool
    ) -> Groups:
        """The fastest group of each kind for its part of the micro-batches."""
        groups = []
        for which, (kind, part) in enumerate(zip(self.kinds, parts, strict=True)):
            held = sum(chips[name] for name in kind)
            try:
                bare = self._bare(kind[0], pools[kind[0]], part)
                group = best(" + ".join(kind), bare, held)
            except InputError:
                if not given_up:
                    raise
                group = replace(self.groups[which], ranks=0)
            groups.append(group)
        return self._shared(tuple(groups))

    def _check_bounds(self) -> None:
        """Refuse what would take more than the peak of the chips."""
        for name, pool in self.pools.items():
            most = peak_rate(self.run.model, pool.chip) / self._useful
            given = (pool.throughput and pool.throughput.tokens_per_second_per_chip) or 0.0
            if given > most:
                raise InputError(
                    f"{name}: throughput: {given:,.6g} tokens/s a chip are {given / most:.3g} times"
                    f" what its peak allows for this model: at most {most:,.6g}"
                )
        used = self.full.used_chips
        peak = math.fsum(
            count * peak_rate(self.run.model, self.pools[name].chip)
            for name, count in used.items()
        )
        share = self._useful * self.full.tokens_per_s / peak
        if share > 1:
            raise InputError(
                f"{' + '.join(self.pools)}: {self.full.tokens_per_s:,.6g} tokens/s are {share:.3g} "
                "times the peak of the chips; check layer_seconds, the efficiencies of chips, "
                "stacks and mixing, and constants.model_error"
            )

    def _shared(self, groups: Groups) -> Groups:
        """The groups with the micro-batches of a step shared among them."""
        if not any(group.ranks for group in groups):
            return groups
        split = uniform_split if self.equal else whole_split
        counts = split([group.pace for group in groups], self.microbatches)
        return tuple(replace(g, microbatches=m) for g, m in zip(groups, counts, strict=True))

    def _plan(
        self, nodes: Mapping[str, int], policy: ElasticPolicy, keep_batch: bool
    ) -> Plan:
        chips = self._chips(nodes)
        whole = drop_replica(self, chips)
        intact = all(nodes[name] == count for name, count in self.nodes.items())
        # The batch was shared among the ranks of a whole fleet when they were planned.
        plan = self._assemble(chips, whole, keep_batch and not intact)
        if policy == "drop-replica" or intact:
            return plan
        offered = POLICIES[policy](self, chips)
        if offered is None:
            return plan
        changed = self._assemble(chips, offered, keep_batch)
        return changed if changed.tokens_per_s > plan.tokens_per_s else plan

    def held(self, name: str, chips: Chips) -> int:
        """Chips that a group may draw on for one of its pools: those of its kind."""
        return sum(chips[other] for other in self._kind_of[name])

    def _assemble(self, chips: Chips, groups: Groups, keep_batch: bool) -> Plan:
        """The plan in which these groups train together."""
        tokens = float(self.run.batch.sequences * self.run.model.sequence)
        if keep_batch:
            groups = self._shared(groups)
        else:
            # Whatever layout they now have, ranks keep their part of the planned batch.
            kept = zip(groups, self.groups, strict=True)
            groups = tuple(replace(g, microbatches=p.microbatches) for g, p in kept)
            planned = sum(group.batch for group in self.groups)
            tokens *= sum(group.batch for group in groups) / planned
        groups = tuple(group for group in groups if group.batch)
        if not groups:
            return stalled(chips)
        across = self._across(groups) if len(groups) > 1 else 0.0
        used, memory, layouts = self._per_pool(chips, groups)
        mixing = self._mixing(used)
        nodes = sum(
            -(-count // self.pools[name].chip.node_size) for name, count in used.items()
        )
        noise = straggler_factor(self.step_noise, nodes)
        last, bare = step_parts(groups, across)
        mean = math.fsum(bare.values())
        seconds = mean * mixing * noise
        # Where meeting makes a step shorter, it does so in all its parts.
        scale = min(mixing, 1.0)
        parts = {kind: scale * value for kind, value in bare.items()}
        parts["mixing"] = mean * max(mixing - 1, 0.0)
        parts["noise"] = mean * mixing * (noise - 1)
        peak = math.fsum(count * self.pools[name].chip.bf16 for name, count in used.items())
        return Plan(
            step_seconds=seconds,
            tokens_per_s=tokens / seconds,
            tokens_per_step=tokens,
            mfu=self._useful * tokens / seconds / peak,
            parts=parts,
            bottleneck=bottleneck(last, bare),
            memory_bytes_per_chip=memory,
            used_chips=used,
            idle_chips={name: count - used[name] for name, count in chips.items()},
            layouts=layouts,
            groups=groups,
            across=across,
            factor=mixing * noise,
        )

    def _mixing(self, used: Chips) -> float:
        """By how much a step takes longer because unlike chips or stacks meet in it."""
        at_work = [self.pools[name] for name, count in used.items() if count]
        first = at_work[0]
        alike = all((pool.chip, pool.stack) == (first.chip, first.stack) for pool in at_work)
        return 1.0 if alike else 1 / self.mixing.efficiency

    def _per_pool(
        self, chips: Chips, groups: Groups
    ) -> tuple[dict[str, int], dict[str, float], dict[str, Shape | None]]:
        """Chips used, memory and layout of each pool; pools of one kind are filled in order."""
        used = dict.fromkeys(chips, 0)
        memory = dict.fromkeys(chips, 0.0)
        layouts: dict[str, Shape | None] = dict.fromkeys(chips)
        for group in groups:
            for first, shape in group.shapes.items():
                left = group.chips(first)
                for name in self._kind_of[first]:
                    used[name] = min(left, chips[name])
                    left -= used[name]
                    if used[name]:
                        memory[name] = group.memory[first]
                        layouts[name] = shape
        return used, memory, layouts

    def _across(self, groups: Sequence[Group]) -> float:
        """Seconds to exchange gradients and weights between chip types, each chip with its part."""
        slowest = min(self.pools[name].chip.nic for group in groups for name in group.shapes)
        size = (self.constants.gradient + self.constants.element) * self.run.model.parameters
        fewest = min(group.chips(name) for group in groups for name in group.shapes)
        link = self.mixing.link or self.constants.network_efficiency * slowest
        return ring(size / fewest, len(groups), link, self.constants.latency)


def _kinds(pools: Pools, mixing: Mixing) -> tuple[Kind, ...]:
    """Pools that are alike in all that matters to speed count as one: they can share replicas."""
    kinds: dict[Any, list[str]] = {}
    for name, pool in pools.items():
        # A pool that says how many ranks it has keeps them for itself.
        shared = pool.layout.data is None and mixing.boundary == "data"
        kinds.setdefault(traits(pool) if shared else name, []).append(name)
    return tuple(map(tuple, kinds.values()))
