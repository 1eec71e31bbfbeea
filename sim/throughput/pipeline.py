"""Pipeline schedules: the closed form, and the exact recursion it is checked against."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple


def bubble_share(schedule: str, virtual: int) -> float:
    """The part of filling and draining a pipeline that a schedule leaves exposed.

    One forward-one backward leaves all of it, interleaving an even share (Narayanan et al., 2021),
    zero-bubble a third (ZB-H1, Qi et al., 2024: F + B − W with F = B = W). DualPipe's formula,
    (PP/2 − 1)(F&B + B − 3W), promises a third too, but the one published breakdown of a step (arXiv
    2505.09343) has a bubble as long as that of 1F1B: so it counts here.
    """
    return {"1f1b": 1.0, "interleaved": 1.0 / virtual, "zero-bubble": 1 / 3, "dualpipe": 1.0}[
        schedule
    ]


def in_flight(schedule: str, stages: int, virtual: int, stage: int = 0) -> float:
    """Micro-batches whose activations the given stage holds at once, counted in whole stages."""
    depth = stages - stage
    return (
        depth
        + {
            "1f1b": 0.0,
            "interleaved": (stages - 1) / virtual,
            "zero-bubble": 0.0,
            "dualpipe": 1.0 + stage,
        }[schedule]
    )


class Message(NamedTuple):
    """Communication of one micro-batch: its kind, its seconds, and the share of them that is
    overlapped.
    """

    kind: str
    seconds: float
    overlap: float
    far: bool = True
    """Whether it crosses the network between nodes, whose congestion slows it."""

    def at(self, slowdown: float) -> float:
        """Seconds on a network that is slower by a factor."""
        return self.seconds * slowdown if self.far else self.seconds


@dataclass(frozen=True, slots=True)
class Stage:
    """`count` pipeline stages on one chip type, and one micro-batch's seconds on them."""

    pool: str
    count: int
    compute: float
    """On the mean stage."""
    slowest: float
    """On the fullest stage."""
    messages: tuple[Message, ...] = ()

    def communication(self, slowdown: float = 1.0) -> float:
        return math.fsum(message.at(slowdown) for message in self.messages)

    def exposed(self, slowdown: float = 1.0) -> float:
        """Communication not hidden behind compute: at least the share no overlap reaches, and what
        outlasts compute.
        """
        open_share = math.fsum(
            (1 - message.overlap) * message.at(slowdown) for message in self.messages
        )
        return max(open_share, self.communication(slowdown) - self.compute)

    def exposed_by_kind(self, slowdown: float = 1.0) -> dict[str, float]:
        """`exposed` by kind: the open share of each, and the rest in proportion to what it could
        hide.
        """
        could = math.fsum(message.overlap * message.at(slowdown) for message in self.messages)
        hidden = self.communication(slowdown) - self.exposed(slowdown)
        left = 1 - hidden / could if could else 0.0
        return {m.kind: m.at(slowdown) * (1 - m.overlap + left * m.overlap) for m in self.messages}


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A chain of stages that passes micro-batches on.

    A step of m micro-batches takes ``m · max(c + x) + share · (Σ(c + x) − max(c + x))``, the law of
    AMP, Metis, Sailor and HAPMoE; with equal stages and all of the bubble exposed that is ``(m + p
    − 1)(c + x)``.
    """

    stages: tuple[Stage, ...]
    bubble: float
    """Exposed share of filling and draining, `bubble_share`."""
    stretch: float = 1.0
    """Micro-batches the slowest stage runs for each of its own, when it works for a lost peer."""

    def slowest(self, slowdown: float = 1.0) -> Stage:
        return max(self.stages, key=lambda stage: stage.slowest + stage.exposed(slowdown))

    def beat(self, slowdown: float = 1.0) -> float:
        """Seconds between micro-batches: the slowest stage."""
        return self.stretch * max(stage.slowest + stage.exposed(slowdown) for stage in self.stages)

    def ramp(self, slowdown: float = 1.0) -> float:
        """Seconds of filling and draining beyond one beat per micro-batch."""
        passing = math.fsum(
            stage.count * (stage.compute + stage.exposed(slowdown)) for stage in self.stages
        )
        return self.bubble * max(passing - self.beat(slowdown) / self.stretch, 0.0)
