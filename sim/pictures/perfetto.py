"""A run as a trace that opens in https://ui.perfetto.dev (Chrome's trace event format, in µs)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sim import files
from sim.engine.checkpoints import Mark
from sim.results.ledger import Event, levels
from sim.results.run import RunResult

MOST = 4000
"""Checkpoints drawn one by one; of more, only those that were fallen back to."""
INSTANTS = ("interruption", "found", "evicted", "arrival", "policy", "run")
JOB, STATES, CHECKPOINTS = "training job", 1, 2
Traced = dict[str, Any]


class Checkpoints:
    """Watches a run for its checkpoints."""

    def __init__(self) -> None:
        self._all: list[Mark] = []
        self._used: dict[float, Mark] = {}

    def written(self, marks: Iterator[Mark]) -> None:
        """Keep the marks, as many as may be drawn and one more."""
        # There may be millions, of which none is made unless it is taken.
        self._all.extend(islice(marks, MOST + 1 - len(self._all)))

    def fell_back(self, mark: Mark, void: Mark | None) -> None:
        """Note the mark that was used; one that never became durable is dropped."""
        self._used[mark.durable_at] = mark
        if void and self._all and self._all[-1].durable_at == void.durable_at:
            self._all.pop()

    def durable(self, end: float) -> list[Mark]:
        """All that were durable by the end, or only those that were used."""
        marks = self._all if len(self._all) <= MOST else self._used.values()
        return [mark for mark in marks if 0 < mark.durable_at <= end]


def write(result: RunResult, checkpoints: Checkpoints, path: Path) -> None:
    """Write a trace in one piece.

    States and outages are slices, what happens once is an instant, chips are counters.
    """
    about = {
        "scenario": result.scenario.name,
        "seed": result.seed,
        "replication": result.replication,
    }
    trace = {"traceEvents": events(result, checkpoints), "otherData": about}
    files.write(path, json.dumps(trace, separators=(",", ":"), allow_nan=False) + "\n")


def events(result: RunResult, checkpoints: Checkpoints) -> list[Traced]:
    """Names of processes and threads, then everything by time."""
    outages = [_slice(o.cause, o.pool, o.node + 1, o.start, o.end) for o in result.outages]
    found = [*_job(result, checkpoints), *outages, *_levels(result)]
    found.sort(key=lambda event: event["ts"])
    numbers = {name: number for number, name in enumerate((JOB, *result.scenario.fleet), 1)}
    tracks = {(one["pid"], one["tid"]): f"node {one['tid'] - 1}" for one in outages}
    tracks |= {(JOB, STATES): "state", (JOB, CHECKPOINTS): "checkpoints"}
    names = [_event("process_name", "M", name, 0, 0.0, {"name": name}) for name in numbers]
    for (pid, tid), name in sorted(tracks.items()):
        names.append(_event("thread_name", "M", pid, tid, 0.0, {"name": name}))
    return [event | {"pid": numbers[event["pid"]]} for event in (*names, *found)]


def _job(result: RunResult, checkpoints: Checkpoints) -> Iterator[Traced]:
    for stretch in result.timeline:
        yield _slice(stretch.state, JOB, STATES, stretch.start, stretch.end)
    for event in result.trace.events(*INSTANTS):
        yield _event(event.kind, "i", JOB, STATES, event.time, _told(event))
    for mark in checkpoints.durable(result.wall):
        tokens = {"tokens": mark.tokens}
        yield _event("checkpoint", "i", JOB, CHECKPOINTS, mark.durable_at, tokens)


def _told(event: Event) -> dict[str, Any]:
    """Whom an event concerns, and what else there is to say."""
    if event.kind == "arrival":
        return {"of": event.pool, "what": f"{event.what} {event.amount:.0f}"}
    node = f"{event.pool}.{event.node}"
    return {"of": node if event.pool else event.name, "what": event.what}


def _levels(result: RunResult) -> Iterator[Traced]:
    """Chips of each pool by place, whenever their number changes."""
    for pool, place in result.counts:
        name = f"{place.replace('_', ' ')} chips"
        times, chips = levels(result, [place], pool)
        for time, count in zip(times.tolist(), chips.tolist(), strict=True):
            yield _event(name, "C", pool, 0, time, {"chips": count})


def _slice(name: str, pid: str, tid: int, start: float, end: float) -> Traced:
    # The end is rounded, not the duration, so that slices touch that follow each other.
    duration = round(end * 1e6) - round(start * 1e6)
    return _event(name, "X", pid, tid, start, {}) | {"dur": duration}


def _event(
    name: str, phase: str, pid: str, tid: int, time: float, args: dict[str, Any]
) -> Traced:
    about = {"name": name, "ph": phase, "pid": pid, "tid": tid}
    return about | {"ts": round(time * 1e6), "args": args}
