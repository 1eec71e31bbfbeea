"""When a pool runs out of spares, where its nodes are then, and when the job may go on."""

from __future__ import annotations

from collections.abc import Iterable

from sim.engine.pool import NodePool
from sim.engine.record import Record
from sim.results.ledger import MENDED
from sim.scenario import Recovery


class Depletion:
    """Notes the first time that a node of a pool is missing and nothing can take its place.

    Parameters
    ----------
    recovery : Recovery
    record : Record
    """

    def __init__(self, recovery: Recovery, record: Record) -> None:
        self.follow(recovery)
        self._record = record
        self._depleted: set[str] = set()
        self._waited = False

    def follow(self, recovery: Recovery) -> None:
        """Wait as in a phase of the run."""
        self._resume_when = recovery.resume_when
        self._waits = recovery.policy == "wait"

    def note(self, now: float, pools: Iterable[NodePool]) -> None:
        """Some pool is short of nodes."""
        self._waited = self._waits
        for pool in pools:
            if pool.active < pool.target and pool.name not in self._depleted:
                self._depleted.add(pool.name)
                self._record.event(now, "depleted", pool.name, what=self._where(pool))

    def _where(self, pool: NodePool) -> str:
        """Where most of the nodes are that do not work."""
        evicted = sum(
            event.pool == pool.name for event in self._record.trace.events("evicted")
        )
        found = {
            "evicted": evicted,
            "repair": sum(place in MENDED for place in pool.place),
            "dead": pool.place.count("idle") - evicted,
        }
        return max(found, key=lambda word: found[word])

    def holds_back(self, pools: Iterable[NodePool]) -> bool:
        """Whether a job that has waited and is whole waits on, for spares."""
        if self._resume_when is None or not self._waited:
            return False
        for pool in pools:
            wanted = pool.standby_wanted
            if not isinstance(self._resume_when, str):
                wanted = round(self._resume_when)
            if len(pool.hot) + len(pool.cold) + len(pool.boxed) < wanted:
                return True
        self._waited = False
        return False
