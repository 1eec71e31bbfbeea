"""The shape a model takes on the chips of a pool."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """A complete layout: every degree of parallelism, the schedule and the micro-batch."""

    tensor: int = 1
    pipeline: int = 1
    context: int = 1
    expert: int = 1
    virtual: int = 1
    schedule: str = "1f1b"
    recompute: str = "selective"
    micro: int = 1

    @property
    def rank_chips(self) -> int:
        """Chips of one data-parallel rank."""
        return self.tensor * self.pipeline * self.context

    @property
    def replica_chips(self) -> int:
        """Chips of the smallest set that holds one whole copy of the model."""
        return self.rank_chips * self.expert
