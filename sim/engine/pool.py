"""The nodes of one chip type: where each is, which of them are spares, and the risks they run."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from sim.catalogue.failures import FailureTable
from sim.engine.ageing import Ageing
from sim.engine.hidden import Fault
from sim.engine.hot_spares import HotSpares
from sim.engine.progress import ComputingClock
from sim.engine.record import CountedWay, Record
from sim.engine.relapses import Relapses
from sim.engine.replay import Replay
from sim.engine.risks import bad_nodes, lives_of
from sim.scenario import Pool
from sim.streams import Luck

POWERED = frozenset({"active", "hot_spare", "research"})
"""Places in which a node is switched on."""
EVERY_HOT_SPARE = None
"""In place of a number of standby nodes: all hot spares are inside the job."""


@dataclass
class Step:
    """What a move of a node from one place to another changes."""

    way: CountedWay
    power: int
    """1 if its powered clocks start, -1 if they stop, 0 if neither."""
    work: int
    """The same of its computing clocks, and of the number of active nodes."""
    research: int
    """By how much it changes the number of nodes that do research."""


class NodePool:
    """Nodes of one chip type: first the active ones, then hot spares, cold spares, and the rest.

    In a programme (`used_chips` None) all do research until a run calls them, and so does a node
    that comes back. The last `coming` nodes are absent until their chips arrive.

    Parameters
    ----------
    name : str
    spec : Pool
    used_chips : int or None
        Chips that the layout uses.
    table : FailureTable
    standby : int or None
        Hot spares inside the job that need no scheduling; all of them if None.
    clock : ComputingClock
    record : Record
    luck : Luck
    horizon : float
        Seconds.
    coming : int
        Nodes that are still to arrive.
    """

    def __init__(
        self,
        name: str,
        spec: Pool,
        used_chips: int | None,
        table: FailureTable,
        standby: int | None,
        clock: ComputingClock,
        record: Record,
        luck: Luck,
        horizon: float,
        coming: int = 0,
    ) -> None:
        self.name = name
        self.spec = spec
        self.size: int = spec.chip.node_size
        self.programme = used_chips is None
        self.whole: int = math.ceil((used_chips or 0) / self.size)
        """Active nodes of a whole job."""
        self.target = self.whole
        """Active nodes wanted now: fewer while the job runs degraded."""
        self._standby_wanted = standby
        self._clock = clock
        self._record = record
        self._steps: dict[tuple[str, str], Step] = {}
        self._place_all(coming)
        self.under_repair = 0
        """Nodes that a crew mends, or will."""
        self.hidden: dict[int, list[Fault]] = {}
        """Faults of nodes in service that nobody has noticed."""
        self.newcomers: set[int] = set()
        """Spares that have joined the job lately, which have yet to prove good."""
        self.strikes: dict[int, int] = {}
        """Failures by node."""
        self.inherited: dict[int, int] = {}
        """Those of the nodes in whose places others have come."""
        self._face(table, luck, horizon)

    def _face(self, table: FailureTable, luck: Luck, horizon: float) -> None:
        """Begin the lives of every node, one for each risk."""
        nodes = len(self.place)
        field = luck.field(f"failures.{self.name}")
        self.bad = bad_nodes(table.bad_nodes, nodes, field)
        powered = self.whole + self.hot_wanted + self.research
        self.relapses = Relapses(table, nodes, field)
        self.risks: list[Ageing] = []
        for lives in lives_of(table, nodes, self.size, self.bad, field):
            lives.begin(powered if lives.clock == "powered" else self.whole, horizon)
            self.risks.append(lives)
        if any(cause.refail for cause in table.causes):
            self.risks.append(self.relapses)
        if table.trace:
            self.risks.append(Replay(table.trace, nodes, table.trace_until, horizon, field))
        self._powered = [risk for risk in self.risks if risk.clock == "powered"]
        self._computing = [risk for risk in self.risks if risk.clock == "computing"]

    def _place_all(self, coming: int) -> None:
        """Put every node in its first place."""
        spec = self.spec
        rest = spec.active_nodes - self.whole
        cold = round(spec.cold_spares)
        hot = round(spec.hot_spares)
        self.hot_wanted: int = 0 if self.programme else hot
        self.research: int = rest + hot if self.programme else 0
        """Nodes that do research and can be called."""
        places = {
            "active": self.whole,
            "hot_spare": self.hot_wanted,
            "research": self.research,
            "cold_spare": cold,
            "idle": 0 if self.programme else rest,
            "absent": coming,
        }
        self.place = [place for place, count in places.items() for _ in range(count)]
        for place, count in places.items():
            if count and place != "absent":
                self._record.supply(self.name, place, self.size * count)
        self.active = self.whole
        self.hot = HotSpares(range(self.whole, self.whole + self.hot_wanted))
        self.cold: deque[int] = deque()
        """Nodes that have come back; they need no unpacking."""
        powered = self.whole + self.hot_wanted + self.research
        self.boxed = deque(range(powered, powered + cold))
        first = powered + cold
        self.rest = deque(range(first, first + places["idle"]))
        """Nodes that the layout leaves idle: they are installed, and off."""
        self._callable = deque(range(self.research))
        """Nodes that have come to research, in order; some of them have left it since."""

    def put(self, node: int, place: str, now: float) -> None:
        """Put a node in a place, which starts or stops its clocks."""
        origin = self.place[node]
        # A pool knows some dozen kinds of moves and makes millions of them.
        step = self._steps.get((origin, place)) or self._step(origin, place)
        self.place[node] = place
        step.way.take(now, node)
        if step.power > 0:
            for risk in self._powered:
                risk.start(node, now)
        elif step.power < 0:
            for risk in self._powered:
                risk.stop(node, now)
        if step.work > 0:
            self.active += 1
            for risk in self._computing:
                risk.start(node, self._clock.seconds)
        elif step.work < 0:
            self.active -= 1
            for risk in self._computing:
                risk.stop(node, self._clock.seconds)
        self.research += step.research
        if step.research > 0:
            self._callable.append(node)

    def _step(self, origin: str, place: str) -> Step:
        step = Step(
            self._record.way(self.name, origin, place, self.size),
            power=_change(origin in POWERED, place in POWERED),
            work=_change(origin == "active", place == "active"),
            research=_change(origin == "research", place == "research"),
        )
        self._steps[origin, place] = step
        return step

    def complete(self, node: int) -> None:
        """The chips of a node, loose until now, are in it: it is idle, and its ledger knows."""
        self.place[node] = "idle"

    @property
    def at_hand(self) -> int:
        """Nodes that work or could be put to work now."""
        installed = (
            self.active + len(self.hot) + len(self.cold) + len(self.rest) + self.research
        )
        return installed + len(self.boxed)

    def hide(self, fault: Fault) -> None:
        """A node has a fault that is not noticed yet."""
        self.hidden.setdefault(fault.node, []).append(fault)

    def reveal(self, fault: Fault) -> None:
        """It is known now."""
        faults = self.hidden[fault.node]
        faults.remove(fault)
        if not faults:
            del self.hidden[fault.node]

    def has(self, fault: Fault) -> bool:
        """Whether a node in service still has a fault."""
        return fault in self.hidden.get(fault.node, ())

    def at_work(self) -> list[Fault]:
        """The hidden faults of nodes that work for the job."""
        return [
            fault
            for node, faults in self.hidden.items()
            for fault in faults
            if self.place[node] == "active"
        ]

    def take_out(self, node: int) -> None:
        """A node, about to leave, is no spare any more, and whoever mends it finds every fault."""
        self.hidden.pop(node, None)
        place = self.place[node]
        if place == "hot_spare":
            self.hot.remove(node)
        elif place == "cold_spare":
            (self.cold if node in self.cold else self.boxed).remove(node)
        elif place == "idle":
            self.rest.remove(node)

    @property
    def at_once(self) -> int:
        """Spares inside the job, which need no scheduling."""
        every = self._standby_wanted is EVERY_HOT_SPARE
        return len(self.hot) if every else len(self.hot.inside)

    @property
    def standby_wanted(self) -> int:
        """Spares that are to stand by inside the job."""
        if self._standby_wanted is EVERY_HOT_SPARE:
            return self.hot_wanted
        return self._standby_wanted or 0

    def call(self, nodes: int, now: float) -> int:
        """Make up to so many spares, idle or research nodes active; how many there were."""
        for called in range(nodes):
            if self.hot:
                node = self.hot.popleft()
            elif self.cold:
                node = self.cold.popleft()
            elif self.rest:
                node = self.rest.popleft()
            elif self.research:
                node = self._longest_in_research()
            else:
                return called
            self.newcomers.add(node)
            self.put(node, "active", now)
        return nodes

    def _longest_in_research(self) -> int:
        while self.place[node := self._callable.popleft()] != "research":
            pass
        return node

    def come_back(self, node: int, now: float) -> None:
        """A node works again: back to research, or a spare."""
        if self.programme:
            self.put(node, "research", now)
        else:
            self.become_spare(node, now)

    def become_spare(self, node: int, now: float) -> None:
        """Make a node a spare of a whole job.

        It goes on standby if a place there is empty, is hot if too few are, else cold.
        """
        standby = len(self.hot.inside) < (self._standby_wanted or 0)
        wanted = standby or len(self.hot) < self.hot_wanted
        # While active nodes are missing no node is a hot spare: the job takes the cold ones as well
        # when it next assembles, and a hot one it did not take would look like a standby node.
        if self.active < self.target or not wanted:
            self.cold.append(node)
            self.put(node, "cold_spare", now)
            return
        self.hot.append(node, inside=standby)
        self.put(node, "hot_spare", now)

    def lacks_standby(self) -> bool:
        """Whether fewer spares are there than the job wants on standby."""
        return len(self.hot) + len(self.cold) < (self._standby_wanted or 0)

    def unpack(self, now: float) -> None:
        """Put a boxed spare to work, or on standby."""
        if self.boxed:
            node = self.boxed.popleft()
            if self.active < self.target:
                self.put(node, "active", now)
            else:
                self.become_spare(node, now)

    def schedule(self, now: float) -> None:
        """Make hot spares, and nodes that have come back, the job's standby."""
        wanted = self.standby_wanted
        hot = max(self.hot_wanted, wanted)
        while self.cold and len(self.hot) < hot and self.active >= self.target:
            node = self.cold.popleft()
            self.hot.append(node)
            self.put(node, "hot_spare", now)
        self.hot.stand_by(wanted)

    def shrink_to(self, target: int, now: float) -> None:
        """Want so many active nodes; those there are beyond stand by as hot spares."""
        self.target = target
        # From the end, as the first nodes are the ones that a whole job began with.
        node = len(self.place) - 1
        while self.active > target:
            if self.place[node] == "active":
                self.hot.append(node)
                self.put(node, "hot_spare", now)
            node -= 1

    def want_whole(self) -> None:
        """Want the active nodes of a whole job again."""
        self.target = self.whole

    def engage(self, nodes: int, now: float) -> None:
        """Call so many nodes from research to a run."""
        self.whole = nodes
        self.target = nodes
        self.call(nodes, now)

    def release(self, now: float) -> None:
        """The run is over: its nodes go back to research."""
        for node, place in enumerate(self.place):
            if place in ("active", "hot_spare"):
                self.put(node, "research", now)
        self.hot = HotSpares(())
        self.whole = 0
        self.target = 0

    def renew(self, node: int) -> None:
        """Another node has come in the place of one: all its lives begin, no failure behind it."""
        self.bad.discard(node)
        self.inherited[node] = self.strikes.get(node, 0)
        for risk in self.risks:
            risk.replace(node)

    def cure(self, node: int) -> None:
        """A repair has made a node good, if it was bad."""
        if node in self.bad:
            self.bad.remove(node)
            for risk in self.risks:
                risk.cure(node)

    def strike(self, node: int) -> int:
        """A node has failed once more; failures so far, those before it was replaced left out."""
        failures = self.strikes.get(node, 0) + 1
        self.strikes[node] = failures
        return failures - self.inherited.get(node, 0)


def _change(before: bool, after: bool) -> int:
    """1 from no to yes, -1 from yes to no, else 0."""
    if before == after:
        return 0
    return 1 if after else -1
