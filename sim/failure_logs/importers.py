"""Logs that other programs write, as rows of the neutral table.

Slurm's accounting tells when jobs ended and on which nodes, its node events when nodes were out of
service, and the trace of InfiniteHBD (arXiv 2502.03885) when faults began and ended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from sim.errors import InputError, in_file

Rows = Iterator[tuple[int, dict[str, str]]]
"""The line of each row in its file, and its cells by column."""

MOST_HOSTS = 100_000
"""A bracket that stands for more than all nodes of any cluster is a slip."""
INTERRUPTED = "NODE_FAIL"
UNKNOWN_TIMES = ("", "Unknown", "None")
LEVELS = {"Hardware Failure": "hardware", "Software Failure": "software"}


def hosts(text: str) -> list[str]:
    """The nodes of a list in Slurm's notation.

    Raises
    ------
    InputError
        When its brackets do not close, or it names too many nodes.

    Examples
    --------
    >>> hosts("login,gpu[001-003,7]-ib")
    ['login', 'gpu001-ib', 'gpu002-ib', 'gpu003-ib', 'gpu7-ib']
    """
    found: list[str] = []
    # A comma inside brackets separates ranges, not names.
    for part in re.findall(r"(?:[^,\[\]]|\[[^\]]*\])+", text):
        found += _expanded(part)
    if not found or text.count("[") != text.count("]"):
        raise InputError(f"'{text:.60}' is no list of nodes such as gpu[001-004,7]", given=text)
    return found


def _expanded(name: str) -> list[str]:
    before, bracket, rest = name.partition("[")
    if not bracket:
        return [name]
    inside, _, after = rest.partition("]")
    tails = _expanded(after) if after else [""]
    found = []
    for piece in inside.split(","):
        first, _, last = piece.partition("-")
        last = last or first
        if not (first.isdigit() and last.isdigit()) or int(last) - int(first) > MOST_HOSTS:
            raise InputError(f"'{piece:.60}' is no range of nodes", given=name)
        numbers = range(int(first), int(last) + 1)
        # Leading zeros belong to the names.
        found += [f"{before}{k:0{len(first)}}{tail}" for k in numbers for tail in tails]
    return found


def job_interruptions(rows: Rows) -> Rows:
    """Ends of jobs that Slurm lays to a failed node (`sacct -P`).

    Which of a job's nodes it was is not told: the first stands for all of them.
    """
    for line, row in rows:
        if row.get("State", "").startswith(INTERRUPTED):
            end = row["End"]
            node = hosts(row["NodeList"])[0]
            yield line, {"node": node, "start": end, "end": end, "cause": "node-fail"}


def job_exposure(rows: Rows) -> Rows:
    """When the nodes of each job were watched: from its start to its end."""
    for line, row in rows:
        times = row["Start"], row["End"]
        if any(time in UNKNOWN_TIMES for time in times) or row["NodeList"].startswith("None"):
            continue
        for node in hosts(row["NodeList"]):
            yield line, {"node": node, "from": times[0], "to": times[1]}


def node_events(rows: Rows) -> Rows:
    """Outages from `sacctmgr -P show event`; events of the whole cluster name no node."""
    for line, row in rows:
        state = row.get("State", "").upper()
        if not row["NodeName"] or not re.search("DOWN|DRAIN|FAIL|MAINT", state):
            continue
        reason = row.get("Reason", "")
        planned = "MAINT" in state or "maint" in reason.lower()
        end = "" if row["TimeEnd"] in UNKNOWN_TIMES else row["TimeEnd"]
        for node in hosts(row["NodeName"]):
            yield (
                line,
                {
                    "node": node,
                    "start": row["TimeStart"],
                    "end": end,
                    "cause": reason,
                    "kind": "planned" if planned else "unknown",
                },
            )


def fault_events(text: str, file: str) -> Rows:
    """Outages from the JSON list of InfiniteHBD's faults; the "line" is the place in the list.

    Raises
    ------
    InputError
        When it is no such list.
    """
    begun: dict[tuple[str, str], list[tuple[int, dict[str, str]]]] = {}
    try:
        events: list[dict[str, Any]] = json.loads(text)
        for place, event in enumerate(events, start=1):
            fault = event["fault_type"]
            key = event["node_id"], fault["Desc"]
            time = str(event["event_time"])
            if event["event_type"] == "fault_start":
                row = {
                    "node": event["node_id"],
                    "start": time,
                    "end": "",
                    "cause": fault["Class"],
                    "kind": LEVELS.get(fault["Level"], "unknown"),
                }
                begun.setdefault(key, []).append((place, row))
            elif begun.get(key):
                line, row = begun[key].pop(0)
                yield line, row | {"end": time}
    except (ValueError, TypeError, KeyError) as error:
        problem = f"is no list of faults as InfiniteHBD writes them ({error})"
        raise in_file(file, problem) from None
    for left in begun.values():
        yield from left
