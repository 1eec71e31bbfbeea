"""Second strikes of a cause whose repair was not complete."""

from __future__ import annotations

from sim.catalogue.failures import Cause, FailureTable
from sim.engine.ageing import NONE, Ageing, Failure
from sim.engine.risks import BURST, describe, rows_for
from sim.streams import Luck


class Relapses(Ageing):
    """Pending second strikes after incomplete repairs, on the powered clock.

    They die with a replacement only. A node keeps one: the one that comes first.
    """

    def __init__(self, name: str, table: FailureTable, nodes: int, luck: Luck) -> None:
        super().__init__("powered", nodes)
        self._bad = table.bad_nodes
        named: dict[str, list[Cause]] = {}
        for cause in table.causes:
            if cause.refail:
                named.setdefault(cause.cause, []).append(cause)
        self._rows = {
            key: rows_for(f"relapses.{name}.{key}", own, nodes, luck) for key, own in named.items()
        }
        self._cause: dict[int, Cause] = {}
        self._count: dict[tuple[str, int], int] = {}

    def add(self, node: int, after: float, cause: Cause) -> None:
        """A repaired node, its clock still stopped, will fail again after so much powered time."""
        if self._left[node] == NONE or self._left[node] > after:
            self._left[node] = after
            self._cause[node] = cause

    def strike(self, unit: int) -> Failure:
        """The relapse of a node, described by uniforms of its own."""
        self._due[unit] = NONE
        cause = self._cause[unit]
        key = cause.cause, unit
        count = self._count[key] = self._count.get(key, -1) + 1
        u = self._rows[cause.cause].of(count, unit)
        u[BURST] = 1.0  # what comes back is the node's own fault, never a shock again
        return describe(cause, unit, u, self._bad)

    def replace(self, node: int) -> None:
        """A new node has no relapse pending."""
        self._left[node] = NONE
