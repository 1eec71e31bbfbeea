"""The nodes of one chip type, each in one place, and the risks that they run."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from sim.catalogue.failures import BadNodes, FailureTable
from sim.engine.ageing import Ageing
from sim.engine.record import Record, Way
from sim.engine.relapses import Relapses
from sim.engine.replay import Replay
from sim.engine.risks import risks
from sim.scenario import Pool
from sim.streams import stream


@dataclass
class Step:
    """What a move of a node from one place to another changes."""

    way: Way
    power: int
    """Whether its powered clocks start (1) or stop (-1)."""
    work: int
    """Whether its computing clocks do."""
    research: int


POWERED = frozenset({"active", "hot_spare", "research"})


class NodePool:
    """Nodes of one chip type: first the active ones, then hot spares, cold spares and those no
    layout needs.

    In a programme (`used_chips` None) all do research until a run calls them, and so does a node
    that comes back. The last `coming` nodes are absent until their chips arrive.
    """

    def __init__(
        self,
        name: str,
        spec: Pool,
        used_chips: int | None,
        table: FailureTable,
        record: Record,
        seed: int,
        replication: int,
        horizon: float,
        coming: int = 0,
    ) -> None:
        self.name, self.spec = name, spec
        self.size: int = spec.chip.node_size
        self.programme = used_chips is None
        self.whole: int = math.ceil((used_chips or 0) / self.size)
        """Active nodes of a whole job."""
        self.target = self.whole
        """Active nodes wanted now: fewer while the job runs degraded."""
        self.hot_wanted: int = 0 if self.programme else round(spec.hot_spares)
        cold, rest = round(spec.cold_spares), spec.active_nodes - self.whole
        self.research: int = rest + round(spec.hot_spares) if self.programme else 0
        """Nodes that do research and can be called."""
        self.place = (
            ["active"] * self.whole + ["hot_spare"] * self.hot_wanted + ["research"] * self.research
        )
        self.place += (
            ["cold_spare"] * cold + ["idle"] * (0 if self.programme else rest) + ["absent"] * coming
        )
        self.names = [f"{name}.{node}" for node in range(len(self.place))]
        self._record, self._steps = record, dict[tuple[str, str], Step]()
        for place in dict.fromkeys(place for place in self.place if place != "absent"):
            record.supply(name, place, self.size * self.place.count(place))
        powered = self.whole + self.hot_wanted + self.research
        self._callable = deque(range(self.research))
        """Nodes that have come to research, in order; some of them have left it since."""
        self.active = self.whole
        self.hot = deque(range(self.whole, self.whole + self.hot_wanted))
        self.cold: deque[int] = deque()
        """Nodes that have come back; they need no unpacking."""
        self.boxed = deque(range(powered, powered + cold))
        self.standby = 0
        """Hot spares, at the head of their queue, that are part of the job."""
        self.strikes: dict[int, int] = {}
        """Failures by node."""
        self.inherited: dict[int, int] = {}
        """Those of the nodes in whose places others have come."""
        self.bad = _bad_nodes(name, table.bad_nodes, len(self.place), seed, replication)
        drawn = risks(name, table, len(self.place), self.size, seed, replication)
        for risk in drawn:
            risk.begin(powered if risk.clock == "powered" else self.whole, self.bad, horizon)
        self.relapses = Relapses(name, table, len(self.place), seed, replication)
        again = [self.relapses] if any(cause.refail for cause in table.causes) else []
        self.risks: list[Ageing] = [
            *drawn,
            *again,
            *([Replay(table.trace, len(self.place))] if table.trace else []),
        ]
        self._powered = [risk for risk in self.risks if risk.clock == "powered"]
        self._computing = [risk for risk in self.risks if risk.clock == "computing"]

    def put(self, node: int, place: str, now: float, computing: float) -> None:
        """Put a node in a place, which starts or stops its clocks."""
        origin = self.place[node]
        step = self._steps.get((origin, place)) or self._step(origin, place)
        self.place[node] = place
        step.way.take(now, self.names[node])
        if step.power > 0:
            for risk in self._powered:
                risk.start(node, now)
        elif step.power < 0:
            for risk in self._powered:
                risk.stop(node, now)
        if step.work > 0:
            self.active += 1
            for risk in self._computing:
                risk.start(node, computing)
        elif step.work < 0:
            self.active -= 1
            for risk in self._computing:
                risk.stop(node, computing)
        self.research += step.research
        if step.research > 0:
            self._callable.append(node)

    def _step(self, origin: str, place: str) -> Step:
        step = self._steps[origin, place] = Step(
            self._record.way(self.name, origin, place, self.size),
            (place in POWERED) - (origin in POWERED),
            (place == "active") - (origin == "active"),
            (place == "research") - (origin == "research"),
        )
        return step

    def call(self) -> int:
        """The node that has done research for longest."""
        while self.place[node := self._callable.popleft()] != "research":
            pass
        return node

    @property
    def at_hand(self) -> int:
        """Nodes that work or could be put to work now."""
        return self.active + len(self.hot) + len(self.cold) + self.research + len(self.boxed)


def _bad_nodes(
    name: str, bad: BadNodes | None, nodes: int, seed: int, replication: int
) -> set[int]:
    """A random part of the nodes, of just the share given."""
    if bad is None:
        return set()
    order = stream(seed, replication, f"bad.{name}").permutation(nodes)
    return set(order[: round(bad.share * nodes)].tolist())
