"""Hot spares in the order in which they step in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable


class HotSpares:
    """Hot spares, those inside the job first; any of them leaves at once, however many there are.

    Parameters
    ----------
    nodes : iterable of int
        None of them is inside the job yet.
    """

    def __init__(self, nodes: Iterable[int]) -> None:
        self.inside: OrderedDict[int, None] = OrderedDict()
        """Those that stand by inside the job and need no scheduling."""
        self._outside: OrderedDict[int, None] = OrderedDict.fromkeys(nodes)

    def __len__(self) -> int:
        return len(self.inside) + len(self._outside)

    def append(self, node: int, *, inside: bool = False) -> None:
        """Let a node be the last of those inside the job, or of all."""
        line = self.inside if inside else self._outside
        line[node] = None

    def popleft(self) -> int:
        """Take the next."""
        node, _ = (self.inside or self._outside).popitem(last=False)
        return node

    def pop(self) -> int:
        """Take the last."""
        node, _ = (self._outside or self.inside).popitem()
        return node

    def remove(self, node: int) -> None:
        """Take any."""
        line = self.inside if node in self.inside else self._outside
        del line[node]

    def stand_by(self, most: int) -> None:
        """Let the next be inside the job, until there are so many."""
        while self._outside and len(self.inside) < most:
            node, _ = self._outside.popitem(last=False)
            self.inside[node] = None
