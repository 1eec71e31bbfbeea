"""Congestion of the job's network: a bandwidth that is good, or slowed for a while."""

from __future__ import annotations

import math

from sim.catalogue.kinds import Congestion
from sim.distributions import Weibull
from sim.streams import Uniforms


class Fabric:
    """The state of the network between nodes; it starts good and runs on wall time."""

    def __init__(self, congestion: Congestion | None, seed: int, replication: int) -> None:
        self.slowdown = 1.0
        self.next_change = math.inf
        if congestion and congestion.share > 0 and congestion.slowdown > 1:
            good = congestion.bad.mean * (1 - congestion.share) / congestion.share
            self._lengths = {1.0: Weibull(1.0, good), congestion.slowdown: congestion.bad}
            self._bad = congestion.slowdown
            self._uniforms = Uniforms(seed, replication, "congestion")
            self.next_change = self._length()

    def advance(self, now: float) -> None:
        """Bring the state up to `now`."""
        while self.next_change <= now:
            self.slowdown = self._bad if self.slowdown == 1.0 else 1.0
            self.next_change += self._length()

    def _length(self) -> float:
        distribution = self._lengths[self.slowdown]
        return float(distribution.draw(self._uniforms.take(distribution.dims)))
