"""Step time of a fleet in any state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

from sim import catalogue
from sim.catalogue.hardware import StepTime
from sim.errors import InputError
from sim.scenario.parts import Layout, Mixing, Pool, Run
from sim.throughput.batch_split import uniform_split, whole_split
from sim.throughput.collectives import ring
from sim.throughput.flops import flops_per_token
from sim.throughput.layouts import Shape, complete
from sim.throughput.mixed_pipeline import best_mixed
from sim.throughput.plan import Plan, bottleneck, stalled, step_parts
from sim.throughput.planner import best
from sim.throughput.stage import Group, compute_seconds
from sim.throughput.step_noise import straggler_factor

Policy = Literal["drop-replica", "re-route", "re-plan"]


class Throughput:
    """Tokens per second of a fleet in any state, planned once and cached per state.

    Parameters
    ----------
    run : Run
    pools : sequence of Pool
        With a complete layout each (see `planned`) this takes well under a millisecond.
    mixing : Mixing
    step_noise : float
        Coefficient of variation of a node's step time; the slowest node sets the pace.
    model_error : float
        Factor on the step time.
    constants : StepTime, optional
        The catalogue's unless given.
    names : sequence of str, optional
        Of the pools; the chips', numbered, unless given.
    equal : bool
        Give every rank the same number of micro-batches, fast or slow.

    Raises
    ------
    InputError
        When a pool cannot hold one replica or its layout does not fit, with the numbers and the
        nearest that does.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> case = load_scenario("deepseek-v3")
    >>> fleet = Throughput(case.run, list(case.fleet.values()), case.mixing)
    >>> fleet.full.idle_chips, fleet.plan((255,)).used_chips  # one node lost, half the run idle
    ((0,), (1024,))
    """

    def __init__(
        self,
        run: Run,
        pools: Sequence[Pool],
        mixing: Mixing,
        *,
        step_noise: float = 0.0,
        model_error: float = 1.0,
        constants: StepTime | None = None,
        names: Sequence[str] = (),
        equal: bool = False,
    ) -> None:
        self.run, self.pools, self.mixing = run, tuple(pools), mixing
        self.step_noise, self.model_error, self.equal = step_noise, model_error, equal
        self.constants = constants or catalogue.entry("constants", "step-time").item
        self.names = tuple(names) or tuple(
            f"{pool.chip.name} ({k})" for k, pool in enumerate(pools, 1)
        )
        self.microbatches = -(-run.batch.sequences // run.batch.micro)
        self.nodes = tuple(pool.active_nodes for pool in self.pools)
        self.kinds = _kinds(self.pools, mixing)
        self._useful = flops_per_token(run.model)
        self._plans: dict[tuple[tuple[int, ...], str, bool], Plan] = {}
        self._groups: tuple[Group, ...] = self._grouped(self._chips(self.nodes), self.pools)
        self.full = self.plan(self.nodes)

    def plan(
        self, nodes: tuple[int, ...], policy: Policy = "drop-replica", keep_batch: bool = True
    ) -> Plan:
        """The plan with `nodes` healthy active nodes per pool.

        Parameters
        ----------
        nodes : tuple of int
        policy : "drop-replica", "re-route" or "re-plan"
            Healthy nodes form as many whole replicas as they can; or the peers of a lost stage run
            its micro-batches besides their own, where that is faster; or the pipelines are laid out
            anew, where that is faster.
        keep_batch : bool
            Whether the remaining ranks share the whole batch, or each keeps its own part and the
            batch shrinks.
        """
        key = nodes, policy, keep_batch
        if (found := self._plans.get(key)) is None:
            found = self._plans[key] = self._plan(nodes, policy, keep_batch)
        return found

    @cached_property
    def freely_planned(self) -> Throughput:
        """The same fleet with the planner free to choose every layout, to see what the given ones
        cost.
        """
        free = [pool.model_copy(update={"layout": Layout()}) for pool in self.pools]
        return self._like(free, self.names)

    @cached_property
    def faster_without(self) -> dict[str, float]:
        """Pools the run is faster without, with the tokens per second it then reaches."""
        rates = {name: self._only(*(n for n in self.names if n != name)) for name in self.names}
        return {name: rate for name, rate in rates.items() if rate > self.full.tokens_per_s}

    @cached_property
    def scaling_ratio(self) -> float:
        """Tokens per second of the mix over the sum of what each pool reaches alone (HSR)."""
        return self.full.tokens_per_s / math.fsum(self._only(name) for name in self.names)

    def _only(self, *names: str) -> float:
        """Tokens per second of these pools alone, zero if they cannot run."""
        kept = [pool for pool, name in zip(self.pools, self.names, strict=True) if name in names]
        try:
            return self._like(kept, names).full.tokens_per_s if kept else 0.0
        except InputError:
            return 0.0

    def _like(self, pools: Sequence[Pool], names: Sequence[str]) -> Throughput:
        same = {
            key: getattr(self, key) for key in ("step_noise", "model_error", "constants", "equal")
        }
        return Throughput(self.run, pools, self.mixing, names=names, **same)

    def _chips(self, nodes: Sequence[int]) -> tuple[int, ...]:
        return tuple(n * pool.chip.node_size for n, pool in zip(nodes, self.pools, strict=True))

    def _grouped(
        self, chips: Sequence[int], pools: Sequence[Pool], given_up: bool = False
    ) -> tuple[Group, ...]:
        """The fastest group of each kind of pool on the chips at hand, or one pipeline across all
        pools.

        With `given_up`, a kind that holds no replica any more has no ranks instead of raising an
        error, and one look at each layout has to do.
        """
        if self.mixing.boundary == "pipeline" and len(pools) > 1:
            across = self.mixing.link
            return (
                best_mixed(
                    self.run, pools, self.names, chips, self.microbatches, across, self.constants
                ),
            )
        held = [sum(chips[k] for k in kind) for kind in self.kinds]
        firsts = [pools[kind[0]] for kind in self.kinds]
        speeds = [
            c / compute_seconds(self.run.model, p, Shape()).layer
            for c, p in zip(held, firsts, strict=True)
        ]
        parts = [
            math.ceil(self.microbatches * speed / (math.fsum(speeds) or 1.0)) for speed in speeds
        ]
        groups = self._best(pools, held, parts, given_up)
        if given_up or len(groups) < 2 or all(_settled(pool.layout) for pool in firsts):
            return groups
        parts = [
            max(g.ranks * m, 1) for g, m in zip(groups, self._split(groups), strict=True)
        ]  # now with all costs
        again = self._best(pools, held, parts, given_up)
        return min((groups, again), key=self._finish)

    def _finish(self, groups: Sequence[Group]) -> float:
        """Seconds until the last group is done."""
        return max(g.seconds(m) for g, m in zip(groups, self._split(groups), strict=True) if m)

    def _best(
        self, pools: Sequence[Pool], held: Sequence[int], parts: Sequence[int], given_up: bool
    ) -> tuple[Group, ...]:
        """The fastest group of each kind for its part of the micro-batches."""
        groups = []
        for which, kind in enumerate(self.kinds):
            name, first = " + ".join(self.names[k] for k in kind), kind[0]
            try:
                groups.append(
                    best(
                        first,
                        self.run,
                        pools[first],
                        name,
                        held[which],
                        parts[which],
                        self.constants,
                    )
                )
            except InputError:
                if not given_up:
                    raise
                groups.append(replace(self._groups[which], ranks=0))
        return tuple(groups)

    def _split(self, groups: Sequence[Group]) -> tuple[int, ...]:
        split = uniform_split if self.equal else whole_split
        return split([group.share for group in groups], self.microbatches)

    def _plan(self, nodes: tuple[int, ...], policy: Policy, keep_batch: bool) -> Plan:
        chips = self._chips(nodes)
        plan = self._assemble(chips, self._whole(chips), keep_batch)
        if policy == "drop-replica" or nodes == self.nodes:
            return plan
        other = self._rerouted(chips) if policy == "re-route" else self._replanned(chips)
        changed = self._assemble(chips, other, keep_batch) if other else plan
        return changed if changed.tokens_per_s > plan.tokens_per_s else plan

    def _held(self, group: Group, chips: Sequence[int]) -> list[int]:
        """Chips that the group may draw on for each of its pools: those of its kind."""
        kinds = (next(kind for kind in self.kinds if pool in kind) for pool in group.pools)
        return [sum(chips[k] for k in kind) for kind in kinds]

    def _whole(self, chips: Sequence[int]) -> tuple[Group, ...]:
        """The planned groups with as many ranks as the chips hold, in whole expert groups."""
        found = []
        for group in self._groups:
            held = zip(group.shapes, self._held(group, chips), strict=True)
            units = min(count // (shape.rank_chips * group.expert) for shape, count in held)
            found.append(replace(group, ranks=min(group.ranks, units * group.expert)))
        return tuple(found)

    def _rerouted(self, chips: Sequence[int]) -> tuple[Group, ...] | None:
        """The planned groups at full strength, the lost chips spread evenly over their stages."""
        found = []
        for group, m in zip(self._groups, self.full.counts, strict=True):
            held = zip(group.shapes, group.chips, self._held(group, chips), strict=True)
            lost = max(-(-max(own - left, 0) // shape.replica_chips) for shape, own, left in held)
            changed = group.rerouted(lost, m) if lost else group
            if changed is None:
                return None
            found.append(changed)
        return tuple(found)

    def _replanned(self, chips: Sequence[int]) -> tuple[Group, ...] | None:
        """Layouts chosen anew for the chips left, with tensor and expert parallelism as they are."""
        pools = list(self.pools)
        for group in self._groups:
            for index, shape in zip(group.pools, group.shapes, strict=True):
                free = {"pipeline": None, "virtual": None, "recompute": None}
                pools[index] = pools[index].model_copy(
                    update={"layout": complete(shape).model_copy(update=free)}
                )
        try:
            return self._grouped(chips, pools, given_up=True)
        except InputError:
            return None

    def _assemble(
        self, chips: tuple[int, ...], groups: tuple[Group, ...], keep_batch: bool
    ) -> Plan:
        if not any(g.ranks for g in groups):
            return stalled(chips)
        tokens = float(self.run.batch.sequences * self.run.model.sequence)
        if keep_batch:
            counts = self._split(groups)
        else:
            counts = tuple(
                m if g.ranks else 0 for g, m in zip(groups, self.full.counts, strict=True)
            )
            whole = sum(
                g.ranks * m for g, m in zip(self.full.groups, self.full.counts, strict=True)
            )
            tokens *= sum(g.ranks * m for g, m in zip(groups, counts, strict=True)) / whole
        active = [k for k, m in enumerate(counts) if m]
        across = self._across([groups[k] for k in active]) if len(active) > 1 else 0.0
        used, memory, shapes = self._per_pool(chips, groups, counts)
        nodes = sum(-(-u // pool.chip.node_size) for u, pool in zip(used, self.pools, strict=True))
        at_work = [pool for u, pool in zip(used, self.pools, strict=True) if u]
        alike = all((p.chip, p.stack) == (at_work[0].chip, at_work[0].stack) for p in at_work)
        mixing = 1.0 if alike else 1 / self.mixing.efficiency
        noise = straggler_factor(self.step_noise, nodes)
        last, bare = step_parts(groups, counts, across)
        mean = self.model_error * math.fsum(bare.values())
        seconds = mean * mixing * noise
        parts = {kind: self.model_error * value for kind, value in bare.items()}
        parts |= {"mixing": mean * (mixing - 1), "noise": mean * mixing * (noise - 1)}
        peak = math.fsum(u * pool.chip.bf16 for u, pool in zip(used, self.pools, strict=True))
        return Plan(
            step_seconds=seconds,
            tokens_per_s=tokens / seconds,
            tokens_per_step=tokens,
            mfu=self._useful * tokens / seconds / peak,
            parts=parts,
            bottleneck=bottleneck(groups[last], bare, self.names),
            memory_bytes_per_chip=memory,
            used_chips=used,
            idle_chips=tuple(c - u for c, u in zip(chips, used, strict=True)),
            layouts=shapes,
            groups=groups,
            counts=counts,
            across=across,
            factor=self.model_error * mixing * noise,
        )

    def _per_pool(
        self, chips: Sequence[int], groups: Sequence[Group], counts: Sequence[int]
    ) -> tuple[tuple[int, ...], tuple[float, ...], tuple[Shape | None, ...]]:
        """Chips used, memory and layout of each pool; pools of one kind are filled in their order."""
        used, memory = [0] * len(chips), [0.0] * len(chips)
        shapes: list[Shape | None] = [None] * len(chips)
        for group, m in zip(groups, counts, strict=True):
            for pool, own, needed, shape in zip(
                group.pools, group.chips, group.memory, group.shapes, strict=True
            ):
                left = own if m else 0
                for k in next(kind for kind in self.kinds if pool in kind):
                    used[k] = min(left, chips[k])
                    left -= used[k]
                    if used[k]:
                        memory[k], shapes[k] = needed, shape
        return tuple(used), tuple(memory), tuple(shapes)

    def _across(self, groups: Sequence[Group]) -> float:
        """Seconds to exchange gradients and weights between chip types, each chip carrying its
        part.
        """
        slowest = self.constants.network_efficiency * min(
            self.pools[g.pools[0]].chip.nic for g in groups
        )
        size = (self.constants.gradient + self.constants.element) * self.run.model.parameters
        fewest = min(g.chips[0] for g in groups)
        return ring(size / fewest, len(groups), self.mixing.link or slowest, self.constants.latency)


def planned(
    run: Run, pools: Sequence[Pool], mixing: Mixing, constants: StepTime | None = None
) -> tuple[Pool, ...]:
    """The pools with every layout completed by the planner, so that it need not choose again.

    Raises
    ------
    InputError
        As `Throughput`.
    """
    fleet = Throughput(run, pools, mixing, constants=constants)
    layouts = [
        complete(shape).model_copy(update={"data": pool.layout.data}) if shape else pool.layout
        for pool, shape in zip(pools, fleet.full.layouts, strict=True)
    ]
    return tuple(
        pool.model_copy(update={"layout": x}) for pool, x in zip(pools, layouts, strict=True)
    )


def _kinds(pools: Sequence[Pool], mixing: Mixing) -> tuple[tuple[int, ...], ...]:
    """Pools that are alike in all that matters to speed count as one: their nodes can share
    replicas.
    """

    def traits(pool: Pool) -> tuple[Any, ...]:
        return pool.chip, pool.stack, pool.layout, pool.throughput, pool.layer_seconds

    kinds: list[list[int]] = []
    for k, pool in enumerate(pools):
        shared = pool.layout.data is None and mixing.boundary == "data"
        kind = next(
            (kind for kind in kinds if shared and traits(pools[kind[0]]) == traits(pool)), None
        )
        if kind:
            kind.append(k)
        else:
            kinds.append([k])
    return tuple(map(tuple, kinds))


def _settled(layout: Layout) -> bool:
    """Whether the planner has nothing left to choose."""
    return None not in (
        layout.tensor,
        layout.pipeline,
        layout.expert,
        layout.virtual,
        layout.recompute,
    )
