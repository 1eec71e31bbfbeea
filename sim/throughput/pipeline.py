"""Pipeline schedules in closed form: what is exposed, what is held, how long a step takes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple


def bubble_share(schedule: str, virtual: int) -> float:
    """The part of filling and draining a pipeline that a schedule leaves exposed.

    One forward-one backward leaves all of it, interleaving an even share (Narayanan et al., 2021),
    zero-bubble a third (ZB-H1, Qi et al., 2024: F + B − W with F = B = W). DualPipe's formula,
    (PP/2 − 1)(F&B + B − 3W), promises a third too, but the one published breakdown of a step (arXiv
    2505.09343) has a bubble as long as that of 1F1B: so it counts here.
    """
    if schedule == "interleaved":
        return 1.0 / virtual
    return 1 / 3 if schedule == "zero-bubble" else 1.0


def in_flight(schedule: str, stages: int, virtual: int, stage: int = 0) -> float:
    """Micro-batches whose activations the given stage holds at once, counted in whole stages.

    Each stage holds one for every stage after it, and its own (Narayanan et al., 2021); under
    DualPipe all hold the same, one more than the pipeline is deep (DeepSeek-V3, table 2).
    """
    if schedule == "dualpipe":
        return stages + 1.0
    waiting = (stages - 1) / virtual if schedule == "interleaved" else 0.0
    return stages - stage + waiting


class Message(NamedTuple):
    """Communication of one micro-batch: its kind, its seconds, and the share that overlaps."""

    kind: str
    seconds: float
    overlap: float
    far: bool = True
    """Whether it crosses the network between nodes, whose congestion slows it."""

    def at(self, slowdown: float) -> float:
        """Seconds on a network that is slower by a factor."""
        return self.seconds * slowdown if self.far else self.seconds

    def times(self, factor: float) -> Message:
        """The same taking `factor` times as long."""
        return self._replace(seconds=factor * self.seconds)


@dataclass(frozen=True, slots=True)
class Stage:
    """Pipeline stages on one chip type, and one micro-batch's seconds on them."""

    pool: str
    count: int
    compute: float
    """On the mean stage."""
    slowest: float
    """On the fullest stage."""
    messages: tuple[Message, ...] = ()

    def times(self, factor: float) -> Stage:
        """The same taking `factor` times as long."""
        return replace(
            self,
            compute=factor * self.compute,
            slowest=factor * self.slowest,
            messages=tuple(message.times(factor) for message in self.messages),
        )

    def communication(self, slowdown: float = 1.0) -> float:
        return math.fsum(message.at(slowdown) for message in self.messages)

    def exposed(self, slowdown: float = 1.0) -> float:
        """Communication not hidden behind compute.

        At least the share that no overlap reaches, and what outlasts compute.
        """
        return max(self._apart(slowdown), self.communication(slowdown) - self.compute)

    def beat(self, slowdown: float = 1.0) -> float:
        """Seconds of the fullest stage, and the communication that shows."""
        return self.slowest + self.exposed(slowdown)

    def hides(self, slowdown: float = 1.0) -> float:
        """Seconds behind which other communication can hide: compute, or messages that outlast it.

        Were it compute alone, a faster chip whose messages take as long would hide less.
        """
        messages = self.communication(slowdown)
        if messages <= self.compute:
            return self.compute
        return max(self.compute, messages - self._apart(slowdown))

    def _apart(self, slowdown: float) -> float:
        """Communication that no overlap reaches."""
        return math.fsum((1 - m.overlap) * m.at(slowdown) for m in self.messages)

    def exposed_by_kind(self, slowdown: float = 1.0) -> dict[str, float]:
        """What is exposed of each kind of message.

        The share that no overlap reaches, and a part of what outlasts compute: in proportion to
        what each kind could hide.
        """
        could = math.fsum(m.overlap * m.at(slowdown) for m in self.messages)
        hidden = self.communication(slowdown) - self.exposed(slowdown)
        # Rounding must not make less than nothing of what is left.
        left = max(1 - hidden / could, 0.0) if could else 0.0
        return {
            m.kind: m.at(slowdown) * (1 - m.overlap + left * m.overlap) for m in self.messages
        }


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
        return max(self.stages, key=lambda stage: stage.beat(slowdown))

    def beat_and_ramp(self, slowdown: float = 1.0) -> tuple[float, float]:
        """Seconds between micro-batches, and those of filling and draining beyond them."""
        slowest = 0.0
        passing = []
        for stage in self.stages:
            exposed = stage.exposed(slowdown)
            slowest = max(slowest, stage.slowest + exposed)
            passing.append(stage.count * (stage.compute + exposed))
        beat = self.stretch * slowest
        # Work for lost peers comes with every micro-batch, but is no part of a single pass.
        return beat, self.bubble * max(math.fsum(passing) - beat / self.stretch, 0.0)
