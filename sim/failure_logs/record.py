"""What an operator of a simulated cluster would have recorded: outages, and who was watched."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from sim.errors import InputError
from sim.results.ledger import Move
from sim.results.run import RunResult

AWAY = frozenset({"cold_spare", "stock", "in_transit", "idle", "scrap", "absent"})
"""Places of nodes that nobody watches: they are not switched on."""


class Recorded(NamedTuple):
    """A row of the log; times in seconds from the start of the run, infinite if it lasts."""

    node: str
    start: float
    end: float
    cause: str
    kind: str


def recorded(result: RunResult) -> list[Recorded]:
    """The outages of a run, and the failures after which nodes were only rebooted."""
    causes = {
        cause.cause: cause
        for pool in result.scenario.fleet.values()
        for cause in pool.failures.causes
    }
    soft = {name for name, cause in causes.items() if not cause.hardware}
    rows = []
    for outage in result.outages:
        lasts = outage.end >= result.wall
        kind = "hardware" if outage.cause in causes else "unknown"
        end = math.inf if lasts else outage.end
        rows.append(
            Recorded(_name(outage.pool, outage.node), outage.start, end, outage.cause, kind)
        )
    for event in result.trace.events("failure"):
        if event.what in soft:
            node = _name(event.pool, event.node)
            rows.append(Recorded(node, event.time, event.time, event.what, "software"))
    return sorted(rows, key=lambda row: (row.start, row.node))


def watched(result: RunResult) -> list[tuple[str, float, float]]:
    """When each node was in service or under repair.

    Raises
    ------
    InputError
        When the run was a programme, in which nodes go to and fro between runs and research.
    """
    scenario = result.scenario
    if scenario.runs:
        raise InputError(f"{scenario.name}: a programme has no log; give a scenario of one run")
    since: dict[tuple[str, int], float] = {}
    for name, pool in scenario.fleet.items():
        used = result.plan.used_chips[name] // pool.chip.node_size
        since |= {(name, node): 0.0 for node in range(used + round(pool.hot_spares))}
    spans: dict[tuple[str, int], list[tuple[float, float]]] = {node: [] for node in since}
    for move in result.trace:
        if not isinstance(move, Move):
            continue
        node = move.pool, move.node
        if move.place in AWAY:
            begun = since.pop(node, None)
            if begun is not None:
                spans[node].append((begun, move.time))
        elif node not in since:
            since[node] = _resumed(spans.setdefault(node, []), move.time)
    for node, begun in since.items():
        spans[node].append((begun, result.wall))
    return [
        (_name(*node), first, last)
        for node, parts in sorted(spans.items())
        for first, last in parts
        if first < last
    ]


def _resumed(parts: list[tuple[float, float]], now: float) -> float:
    """When the span of a node that is watched again began: a break of no length is none."""
    if parts and parts[-1][1] == now:
        return parts.pop()[0]
    return now


def log_file(result: RunResult) -> str:
    """The log as the neutral table, with ISO dates."""
    return _table(result, recorded(result), Recorded._fields)


def exposure_file(result: RunResult) -> str:
    """The exposure as a table, with ISO dates; all nodes were new when first watched."""
    return _table(result, watched(result), ("node", "from", "to"))


def _table(result: RunResult, rows: Sequence[tuple[Any, ...]], heads: Sequence[str]) -> str:
    table = pd.DataFrame(rows, columns=list(heads))
    for head in heads[1:3]:
        table[head] = [_date(result, seconds) for seconds in table[head]]
    return table.to_csv(index=False, lineterminator="\n")


def _name(pool: str, node: int) -> str:
    return f"{pool}-{node:05}"


def _date(result: RunResult, seconds: float) -> str:
    if seconds == math.inf:
        return ""
    start = dt.datetime.combine(result.scenario.start, dt.time(), dt.UTC)
    return (start + dt.timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
