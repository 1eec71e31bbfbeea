"""Step time of a fleet in any state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from sim import catalogue
from sim.catalogue.kinds import StepTime
from sim.errors import InputError
from sim.scenario.parts import Mixing, Pool, Run
from sim.throughput.collectives import ring
from sim.throughput.flops import flops_per_token
from sim.throughput.group import Group, resized
from sim.throughput.mixture import whole_split
from sim.throughput.noise import straggler_factor
from sim.throughput.plan import Plan, parts_of, step
from sim.throughput.planner import best


class Throughput:
    """Tokens per second of a fleet in any state."""

    def __init__(
        self,
        run: Run,
        pools: Sequence[Pool],
        mixing: Mixing,
        *,
        step_noise: float = 0.0,
        model_error: float = 1.0,
    ) -> None:
        constants = catalogue.entry("constants", "step-time").item
        assert isinstance(constants, StepTime)
        self.run, self.pools, self.mixing, self.constants = run, tuple(pools), mixing, constants
        self.step_noise, self.model_error = step_noise, model_error
        self.microbatches = -(-run.batch.sequences // run.batch.micro)
        self.nodes = tuple(pool.active_nodes for pool in self.pools)
        self._useful = flops_per_token(run.model)
        self._plans: dict[tuple[int, ...], Plan] = {}
        if mixing.boundary != "data" and len(self.pools) > 1:
            raise InputError("mixing.boundary: pipeline is not at hand yet")
        weights = [p.active_chips * p.chip.bf16 for p in self.pools]
        self._groups = tuple(
            best(k, run, pool, pool.active_chips, math.ceil(self.microbatches * w / sum(weights)), constants)
            for k, (pool, w) in enumerate(zip(self.pools, weights, strict=True))
        )
        self.full = self.plan(self.nodes)

    def plan(self, nodes: tuple[int, ...]) -> Plan:
        """The plan with `nodes` healthy active nodes per pool."""
        found = self._plans.get(nodes)
        if found is None:
            found = self._plans[nodes] = self._plan(nodes)
        return found

    def _plan(self, nodes: tuple[int, ...]) -> Plan:
        groups = tuple(
            resized(g, min(g.ranks, n * p.chip.node_size // g.shapes[0].replica_chips * g.shapes[0].expert))
            for g, n, p in zip(self._groups, nodes, self.pools, strict=True)
        )
        chips = tuple(n * p.chip.node_size for n, p in zip(nodes, self.pools, strict=True))
        if not any(g.ranks for g in groups):
            return self._stalled(chips)
        counts = whole_split([g.share for g in groups], self.microbatches)
        active = [k for k, m in enumerate(counts) if m]
        if len(active) > 1:
            groups = tuple(replace(g, sync=g.sync + self._across(groups, active)) for g in groups)
        used = tuple(g.chips(0) if m else 0 for g, m in zip(groups, counts, strict=True))
        participants = sum(-(-u // p.chip.node_size) for u, p in zip(used, self.pools, strict=True))
        mixing = 1 / self.mixing.efficiency if len(active) > 1 else 1.0
        factor = mixing * straggler_factor(self.step_noise, participants) * self.model_error
        bare = step(groups, counts)
        seconds = factor * bare
        last, parts = parts_of(groups, counts)
        parts = {kind: self.model_error * value for kind, value in parts.items()}
        parts["mixing"] = self.model_error * bare * (mixing - 1)
        parts["noise"] = seconds - self.model_error * bare * mixing
        tokens = float(self.run.batch.sequences * self.run.model.sequence)
        peak = sum(u * p.chip.bf16 for u, p in zip(used, self.pools, strict=True))
        slow = max(groups[last].pipeline.stages, key=lambda stage: stage.slowest + stage.exposed())
        worst = max(slow.messages, key=lambda pair: pair[1], default=("", 0.0, 0.0))
        reason = "compute" if slow.communication <= slow.compute else f"{worst[0]} messages"
        return Plan(
            step_seconds=seconds,
            tokens_per_s=tokens / seconds,
            tokens_per_step=tokens,
            mfu=self._useful * tokens / seconds / peak,
            parts=parts,
            bottleneck=f"{self.pools[slow.pool].chip.title}: {reason}",
            memory_bytes_per_chip=tuple(g.memory[0] if m else 0.0 for g, m in zip(groups, counts, strict=True)),
            used_chips=used,
            idle_chips=tuple(c - u for c, u in zip(chips, used, strict=True)),
            layouts=tuple(g.shapes[0] if m else None for g, m in zip(groups, counts, strict=True)),
            microbatches=counts,
            groups=groups,
            counts=counts,
            factor=factor,
        )

    def _across(self, groups: tuple[Group, ...], active: list[int]) -> float:
        """Seconds to exchange gradients and weights between chip types, each chip carrying its part."""
        link = self.mixing.link or min(self.pools[k].chip.nic for k in active)
        fewest = min(groups[k].chips(0) for k in active)
        size = (self.constants.gradient + self.constants.element) * self.run.model.parameters / fewest
        return ring(size, len(active), self.constants.network_efficiency * link, self.constants.latency)

    def _stalled(self, chips: tuple[int, ...]) -> Plan:
        none = (0,) * len(chips)
        return Plan(
            math.inf, 0.0, 0.0, 0.0, {}, "too few healthy nodes for one replica", (0.0,) * len(chips), none, chips,
            (None,) * len(chips), none, (), (), 1.0,
        )  # fmt: skip
