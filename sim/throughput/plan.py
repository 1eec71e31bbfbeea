"""A plan: which pools run what, the seconds of a step and what they are made of."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sim.throughput.layouts import Chips, Shape
from sim.throughput.stage import Group


@dataclass(frozen=True)
class Plan:
    """A step of a fleet in one state.

    Attributes
    ----------
    used_chips, idle_chips, memory_bytes_per_chip, layouts : dict
        By pool; one that does not take part has no layout (None).
    step_seconds : float
        Infinite where nothing can run.
    tokens_per_s, tokens_per_step : float
    mfu : float
        Useful causal FLOPs over the dense BF16 peak of the chips used.
    parts : dict
        Seconds by what they go to; they add up to `step_seconds`.
    bottleneck : str
        Which pool sets the pace, and by what.
    groups : tuple of Group
        The data-parallel ranks at work.
    across : float
        Seconds of the exchange between chip types.
    factor : float
        What multiplies the seconds of the groups: mixing and noise.
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
        _, parts = step_parts(self.groups, self.across, slowdown)
        return self.factor * math.fsum(parts.values())

    def tokens_per_s_at(self, slowdown: float) -> float:
        """Tokens per second under the same slowdown."""
        return self.tokens_per_step / self.step_seconds_at(slowdown)


def step_parts(
    groups: Sequence[Group], across: float, slowdown: float = 1.0
) -> tuple[Group, dict[str, float]]:
    """The group that finishes last, and the seconds of the step by what they go to.

    Each group runs its pipelines, its own exchange and its optimizer at its own pace; they wait for
    each other only where the chip types exchange gradients: ``max(pipelines + exchange + optimizer
    + fixed) + across``.
    """
    group = max(groups, key=lambda group: group.seconds(slowdown))
    beats = group.microbatches * group.pipeline.stretch
    slow = group.pipeline.slowest(slowdown)
    exposed = slow.exposed_by_kind(slowdown)
    # Of like stages the two differ by their rounding only.
    uneven = max(slow.slowest - slow.compute, 0.0)
    parts = {"compute": beats * slow.compute, "imbalance": beats * uneven}
    for kind in ("tensor", "pipeline", "context", "expert", "sharding"):
        parts[kind] = beats * exposed.get(kind, 0.0)
    _, parts["bubble"] = group.pipeline.beat_and_ramp(slowdown)
    parts["data"] = group.exposed_sync(slowdown) + slowdown * across
    parts["optimizer"] = group.optimizer
    parts["fixed"] = group.fixed
    return group, parts


def bottleneck(group: Group, parts: Mapping[str, float]) -> str:
    """The pool of the slowest stage, and the heaviest of what it spends its time on."""
    slow = group.pipeline.slowest()
    spent = {"compute": slow.compute} | {m.kind: m.seconds for m in slow.messages}
    heaviest = max(spent, key=spent.__getitem__)
    if parts["data"] > max(parts["compute"], parts[heaviest]):
        heaviest = "gradient exchange"
    elif heaviest != "compute":
        heaviest += " messages"
    return f"{slow.pool}: {heaviest}"


def stalled(chips: Chips) -> Plan:
    """The plan of a fleet too small to run anything."""
    return Plan(
        used_chips=dict.fromkeys(chips, 0),
        idle_chips=dict(chips),
        memory_bytes_per_chip=dict.fromkeys(chips, 0.0),
        layouts=dict.fromkeys(chips),
    )
