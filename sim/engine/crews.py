"""Repair crews: each mends one node at a time, the one that has waited longest first."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any

import simpy

from sim.engine.ageing import Failure
from sim.engine.pool import NodePool


class Crews:
    """The crews of a site.

    Parameters
    ----------
    env : simpy.Environment
    number : int or None
        As many as there are broken nodes if None.
    back : callable
        Is told of the pool and the number of each node that works again.
    """

    def __init__(
        self,
        env: simpy.Environment,
        number: int | None,
        back: Callable[[NodePool, int], None],
    ) -> None:
        self._env = env
        self._free: float = math.inf if number is None else number
        self._back = back
        self._waiting: deque[tuple[NodePool, Failure, int]] = deque()

    def take(self, pool: NodePool, failure: Failure, node: int) -> None:
        """A broken node comes in."""
        pool.under_repair += 1
        if self._free:
            self._free -= 1
            self._repair(pool, failure, node)
        else:
            self._waiting.append((pool, failure, node))
            pool.put(node, "repair_queue", self._env.now)

    def _repair(self, pool: NodePool, failure: Failure, node: int) -> None:
        pool.put(node, "repair", self._env.now)
        # A callback in place of a process: a fleet under repair would be thousands of them.
        done = self._env.timeout(failure.repair, (pool, failure, node))
        assert done.callbacks is not None
        done.callbacks.append(self._mended)

    def _mended(self, repair: simpy.Event) -> None:
        """A crew is through with a node, and turns to the next."""
        mended: Any = repair.value
        pool, failure, node = mended
        pool.under_repair -= 1
        if failure.cured:
            pool.cure(node)
        if failure.again < math.inf and node == failure.node:
            pool.relapses.add(node, failure.again, failure.cause)
        self._back(pool, node)
        if self._waiting:
            self._repair(*self._waiting.popleft())
        else:
            self._free += 1
