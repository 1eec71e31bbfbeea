"""A plan: which pools run what, the seconds of a step and what they are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.throughput.group import Group
from sim.throughput.layouts import Shape


@dataclass(frozen=True)
class Plan:
    """A step of a fleet in one state.

    Attributes
    ----------
    step_seconds : float
        Infinite when nothing can run.
    tokens_per_s, tokens_per_step : float
    mfu : float
        Useful causal FLOPs over the dense BF16 peak of the chips used.
    parts : dict
        Seconds by what they go to; they add up to `step_seconds`.
    bottleneck : str
        Which pool sets the pace, and by what.
    memory_bytes_per_chip, used_chips, idle_chips, layouts, microbatches : tuple
        Per pool; a pool that does not take part has no layout.
    """

    step_seconds: float
    tokens_per_s: float
    tokens_per_step: float
    mfu: float
    parts: dict[str, float]
    bottleneck: str
    memory_bytes_per_chip: tuple[float, ...]
    used_chips: tuple[int, ...]
    idle_chips: tuple[int, ...]
    layouts: tuple[Shape | None, ...]
    microbatches: tuple[int, ...]
    groups: tuple[Group, ...]
    counts: tuple[int, ...]
    """Micro-batches of a rank, per group."""
    factor: float
    """What multiplies the seconds of the groups: mixing, noise and the model's error."""

    def step_seconds_at(self, slowdown: float) -> float:
        """Seconds of a step while all communication takes `slowdown` ≥ 1 times as long.

        Of a collective that takes x and can hide behind H of compute, ``max((1 − φ)·s·x, s·x − H)`` is exposed.
        """
        if slowdown == 1.0 or not self.groups:
            return self.step_seconds
        return self.factor * step(self.groups, self.counts, slowdown)

    def tokens_per_s_at(self, slowdown: float) -> float:
        """Tokens per second under the same slowdown."""
        return self.tokens_per_step / self.step_seconds_at(slowdown)


def step(groups: tuple[Group, ...], counts: tuple[int, ...], slowdown: float = 1.0) -> float:
    """``max(pipelines) + max(exchange) + max(optimizer) + max(fixed)`` over the groups that take part."""
    pairs = [(g, m) for g, m in zip(groups, counts, strict=True) if m and g.ranks]
    if not pairs:
        return math.inf
    return (
        max(g.pipeline.seconds(m, slowdown) for g, m in pairs)
        + max(g.exposed_sync(slowdown) for g, _ in pairs)
        + max(g.optimizer for g, _ in pairs)
        + max(g.fixed for g, _ in pairs)
    )


def parts_of(groups: tuple[Group, ...], counts: tuple[int, ...]) -> tuple[int, dict[str, float]]:
    """The group that finishes last, and the seconds of a step by what they go to."""
    active = [k for k, (g, m) in enumerate(zip(groups, counts, strict=True)) if m and g.ranks]
    last = max(active, key=lambda k: groups[k].pipeline.seconds(counts[k]))
    pipeline, m = groups[last].pipeline, counts[last]
    slow = max(pipeline.stages, key=lambda stage: stage.slowest + stage.exposed())
    parts = {"compute": m * slow.compute, "imbalance": m * (slow.slowest - slow.compute)}
    parts |= {kind: m * seconds for kind, seconds in slow.exposed_by_kind().items()}
    parts["bubble"] = pipeline.ramp()
    parts["data"] = max(groups[k].exposed_sync() for k in active)
    parts["optimizer"] = max(groups[k].optimizer for k in active)
    parts["fixed"] = max(groups[k].fixed for k in active)
    return last, parts
