"""Second strikes of a cause whose repair was not complete."""

from __future__ import annotations

from sim.catalogue.failures import Cause, FailureTable
from sim.engine.ageing import NONE, Ageing, Failure
from sim.engine.risks import Source
from sim.streams import Field


class Relapses(Ageing):
    """Pending second strikes after incomplete repairs, on the powered clock.

    They die with a replacement only. A node keeps one of each cause: the one that comes first.
    """

    def __init__(self, table: FailureTable, nodes: int, field: Field) -> None:
        super().__init__("powered", nodes)
        self._sources = {
            cause.cause: Source(
                "relapses",
                # What comes back is the node's own fault, never a shock again.
                cause.model_copy(update={"burst": None}),
                1,
                table.bad_nodes,
                field,
            )
            for cause in table.causes
            if cause.refail
        }
        self._later: dict[int, dict[str, float]] = {}
        """By node and cause, how long after the node's first (s)."""
        self._count: dict[tuple[str, int], int] = {}

    def add(self, node: int, after: float, cause: Cause) -> None:
        """A repaired node, its clock still stopped, will fail again after so much powered time."""
        left = self._left[node]
        coming = {name: left + later for name, later in self._later.get(node, {}).items()}
        coming[cause.cause] = min(after, coming.get(cause.cause, after))
        self._left[node] = self._order(node, coming)

    def _order(self, node: int, coming: dict[str, float]) -> float:
        """Keep how long each is after the first, which is returned."""
        first = min(coming.values())
        self._later[node] = {name: after - first for name, after in coming.items()}
        return first

    def strike(self, node: int) -> Failure:
        """The relapse of a node."""
        due = self._due[node]
        self._due[node] = NONE
        later = self._later.pop(node)
        name = min(later, key=lambda name: (later[name], name))
        del later[name]
        if later:
            self._run(node, due + self._order(node, later))
        key = name, node
        count = self._count.get(key, 0)
        self._count[key] = count + 1
        source = self._sources[name]
        return source.failure(source.row(node, count), node, count, node)

    def replace(self, node: int) -> None:
        """A new node has no relapse pending."""
        self._left[node] = NONE
        self._later.pop(node, None)
