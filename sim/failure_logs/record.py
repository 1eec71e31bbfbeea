"""What an operator of a simulated cluster would have recorded: outages, and who was watched."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sim.errors import InputError
from sim.failure_logs.log import Outage, Window, joined
from sim.results.ledger import Move
from sim.results.run import RunResult

AWAY = frozenset({"cold_spare", "stock", "in_transit", "idle", "scrap", "absent"})
"""Places of nodes that nobody watches: they are not switched on."""


def recorded(result: RunResult) -> list[Outage]:
    """The outages of a run, and the failures after which nodes were only rebooted.

    Times are in seconds from the start of the run, infinite where an outage lasts.
    """
    pools = result.scenario.fleet.values()
    hardware = {
        cause.cause: cause.hardware for pool in pools for cause in pool.failures.causes
    }
    rows = []
    for outage in result.outages:
        node = _name(outage.pool, outage.node)
        kind = "hardware" if outage.cause in hardware else "unknown"
        end = outage.end if outage.end < result.wall else math.inf
        rows.append(Outage(node, outage.start, end, outage.cause, kind))
    for event in result.trace.events("failure"):
        if not hardware.get(event.what, True):
            node = _name(event.pool, event.node)
            rows.append(Outage(node, event.time, event.time, event.what, "software"))
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
        raise InputError(
            f"{scenario.name}: a programme has no log; give a scenario of one run"
        )
    since: dict[tuple[str, int], float] = {}
    for name, pool in scenario.fleet.items():
        used = result.plan.used_chips[name] // pool.chip.node_size
        since |= {(name, node): 0.0 for node in range(used + round(pool.hot_spares))}
    spans = []
    for move in result.trace:
        if not isinstance(move, Move):
            continue
        node = move.pool, move.node
        if node in since:
            spans.append(Window(_name(*node), since.pop(node), move.time, 0.0))
        if move.place not in AWAY:
            since[node] = move.time
    spans += [Window(_name(*node), begun, result.wall, 0.0) for node, begun in since.items()]
    return [span[:3] for span in joined(spans) if span.start < span.end]


def log_file(result: RunResult) -> str:
    """The log as the neutral table, with ISO dates."""
    return _table(result, recorded(result), Outage._fields)


def exposure_file(result: RunResult) -> str:
    """The exposure as a table, with ISO dates; all nodes were new when first watched."""
    return _table(result, watched(result), ("node", "from", "to"))


def _table(result: RunResult, rows: Sequence[tuple[Any, ...]], heads: Sequence[str]) -> str:
    table = pd.DataFrame(rows, columns=list(heads))
    start = pd.Timestamp(result.scenario.start)
    for head in heads[1:3]:
        # An outage that lasts has no end, and becomes an empty cell.
        seconds = np.array(table[head], dtype=float)
        seconds[seconds == math.inf] = math.nan
        table[head] = start + pd.to_timedelta(seconds, unit="s")
    return table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%dT%H:%M:%S.%fZ")


def _name(pool: str, node: int) -> str:
    return f"{pool}-{node:05}"
