"""A plan: which pools run what, the seconds of a step and what they are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sim.throughput.layouts import Shape
from sim.throughput.pipeline import Message
from sim.throughput.stage import Group

NO_MESSAGE = Message("", 0.0, 0.0)


@dataclass(frozen=True)
class Plan:
    """A step of a fleet in one state.

    Attributes
    ----------
    used_chips, idle_chips, memory_bytes_per_chip, layouts : dict
        By pool; one that does not take part has no layout (None).
    step_seconds : float
        Infinite, as it is unless given, when nothing can run.
    tokens_per_s, tokens_per_step : float
    mfu : float
        Useful causal FLOPs over the dense BF16 peak of the chips used.
    parts : dict
        Seconds by what they go to; they add up to `step_seconds`.
    bottleneck : str
        Which pool sets the pace, and by what.
    groups, counts : tuple
        Data-parallel ranks of a kind and the micro-batches each of them runs.
    across : float
        Seconds of the exchange between chip types.
    factor : float
        What multiplies the seconds of the groups: mixing, noise and the model's error.
    """

    used_chips: dict[str, int]
    idle_chips: dict[str, int]
    memory_bytes_per_chip: dict[str, float]
    layouts: dict[str, Shape | None]
    step_seconds: float = math.inf
    tokens_per_s: float = 0.0
    tokens_per_step: float = 0.0
    mfu: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)
    bottleneck: str = "too few healthy nodes for one replica"
    groups: tuple[Group, ...] = ()
    counts: tuple[int, ...] = ()
    across: float = 0.0
    factor: float = 1.0

    def step_seconds_at(self, slowdown: float) -> float:
        """Seconds of a step while communication between nodes takes `slowdown` ≥ 1 times as long.

        Of a collective that takes x and can hide behind H of compute, ``max((1 − φ)·s·x, s·x − H)``
        is exposed. What stays within nodes is not slowed, but for the gradients' exchange, which
        counts as one.
        """
        if slowdown == 1.0 or not self.groups:
            return self.step_seconds
        return self.factor * math.fsum(
            step_parts(self.groups, self.counts, self.across, slowdown)[1].values()
        )

    def tokens_per_s_at(self, slowdown: float) -> float:
        """Tokens per second under the same slowdown."""
        return self.tokens_per_step / self.step_seconds_at(slowdown)


def step_parts(
    groups: Sequence[Group], counts: Sequence[int], across: float, slowdown: float = 1.0
) -> tuple[int, dict[str, float]]:
    """The group that finishes last, and the seconds of the step by what they go to.

    Each group runs its pipelines, its own exchange and its optimizer at its own pace; they wait for
    each other only where the chip types exchange gradients: ``max(pipelines + exchange + optimizer
    + fixed) + across``.
    """
    active = [k for k, m in enumerate(counts) if m]
    last = max(active, key=lambda k: groups[k].seconds(counts[k], slowdown))
    group, pipeline = groups[last], groups[last].pipeline
    slow, beats = pipeline.slowest(slowdown), counts[last] * pipeline.stretch
    parts = {"compute": beats * slow.compute, "imbalance": beats * (slow.slowest - slow.compute)}
    exposed = slow.exposed_by_kind(slowdown)
    parts |= {
        kind: beats * exposed.get(kind, 0.0) for kind in ("tensor", "pipeline", "context", "expert")
    }
    parts["bubble"] = pipeline.ramp(slowdown)
    parts["data"] = group.exposed_sync(slowdown) + slowdown * across
    parts["optimizer"], parts["fixed"] = group.optimizer, group.fixed
    return last, parts


def bottleneck(group: Group, parts: dict[str, float]) -> str:
    """The pool of the slowest stage, and the heaviest of what it spends its time on."""
    slow = group.pipeline.slowest()
    heaviest = max(slow.messages, key=lambda message: message.seconds, default=NO_MESSAGE)
    if parts["data"] > max(parts["compute"], parts.get(heaviest.kind, 0.0)):
        return f"{slow.pool}: gradient exchange"
    what = f"{heaviest.kind} messages" if heaviest.seconds > slow.compute else "compute"
    return f"{slow.pool}: {what}"


def stalled(chips: Mapping[str, int]) -> Plan:
    """The plan of a fleet too small to run anything."""
    return Plan(
        used_chips=dict.fromkeys(chips, 0),
        idle_chips=dict(chips),
        memory_bytes_per_chip=dict.fromkeys(chips, 0.0),
        layouts=dict.fromkeys(chips),
    )
