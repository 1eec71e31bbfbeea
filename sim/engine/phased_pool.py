"""A pool of which nodes leave and come between the phases of a run."""

from __future__ import annotations

import math
from typing import NamedTuple

from sim.engine.pool import NodePool
from sim.scenario import Pool


class Strength(NamedTuple):
    """Nodes of a pool while nothing fails: at work, left idle by the layout, and spare."""

    whole: int
    idle: int
    hot: int
    cold: int


def strength(spec: Pool, used_chips: int) -> Strength:
    """The nodes of a pool of which a layout uses so many chips."""
    whole = math.ceil(used_chips / spec.chip.node_size)
    idle = spec.active_nodes - whole
    return Strength(whole, idle, round(spec.hot_spares), round(spec.cold_spares))


class PhasedPool(NodePool):
    """A pool with nodes that are away at first, as a later phase has more."""

    def begin(self, now: Strength, away: int) -> None:
        """Begin with the nodes of the first phase; the last `away` that are absent come later."""
        self._strength = now
        # The depot waits for the nodes that are absent, and these are none of its own.
        self._away = list(range(len(self.place) - away, len(self.place)))
        for node in self._away:
            self.place[node] = "away"
        self._leaving = 0
        """Nodes under repair that leave as soon as they come back."""

    def come_back(self, node: int, now: float) -> None:
        """A node works again: it leaves if the phase has no place for it, or is a spare."""
        if self._leaving:
            self._send_away(node, now)
        else:
            super().come_back(node, now)

    def enter(self, wanted: Strength, now: float) -> None:
        """Have the nodes of another phase: those that it lacks come, those too many leave.

        Spares leave before nodes at work, and nodes under repair when they come back.
        """
        more = sum(wanted) - sum(self._strength) - self._leaving
        boxes = wanted.cold - self._strength.cold
        self._strength = wanted
        self.whole = wanted.whole
        self.hot_wanted = wanted.hot
        self._leaving = max(-more, 0)
        self.shrink_to(self.whole, now)
        while len(self.hot) > max(self.hot_wanted, self.standby_wanted):
            node = self.hot.pop()
            self.rest.append(node)
            self.put(node, "idle", now)
        for _ in range(min(-boxes, self._leaving, len(self.boxed))):
            self._send_away(self.boxed.pop(), now)
        for spares in (self.cold, self.rest, self.hot, self.boxed):
            while self._leaving and spares:
                self._send_away(spares.pop(), now)
        while self.rest and self.active < self.target:
            self._begin(self.rest.popleft(), now)
        for arrived in range(more):
            self._arrive(now, boxed=arrived < boxes)

    def _begin(self, node: int, now: float) -> None:
        """Put a node to work that has yet to prove good."""
        self.newcomers.add(node)
        self.put(node, "active", now)

    def _send_away(self, node: int, now: float) -> None:
        """Let a node leave that is in no line of spares any more."""
        self._leaving -= 1
        self.hidden.pop(node, None)
        self.put(node, "cold_spare", now)
        self.place[node] = "away"
        self._away.append(node)
        self._record.supply(self.name, "cold_spare", -self.size, now)

    def _arrive(self, now: float, *, boxed: bool) -> None:
        node = self._away.pop(0)
        self.place[node] = "cold_spare"
        self._record.supply(self.name, "cold_spare", self.size, now)
        if boxed:
            self.boxed.append(node)
        elif self.active < self.target:
            self._begin(node, now)
        else:
            self.become_spare(node, now)
