"""Logs of outages, and when which node was watched, from files.

The neutral table has the columns `node, start, end, cause, kind`, of which the last two may be
left out; an empty end is an outage that lasts. The exposure has `node, from, to` and, where the
ages of nodes are known, `installed`. Times are ISO dates with a zone, days or seconds.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sim.errors import InputError, in_file
from sim.failure_logs import importers
from sim.failure_logs.importers import Rows
from sim.failure_logs.log import Log, Outage, Window, made
from sim.results.ledger import DAY

KINDS = ("hardware", "software", "planned", "unknown")
UNITS = {"days": DAY, "seconds": 1.0}
COLUMNS = ("node", "start", "end", "cause", "kind")
WINDOW = ("node", "from", "to", "installed")
MOST_NAMED = 5
"""Bad rows that are named; the others are counted."""
A_TIME = "an ISO date with zone such as 2025-03-01T10:00Z, or a number with --unit"


@dataclass
class Reader:
    """Reads files of rows, and keeps what is wrong with them.

    Attributes
    ----------
    columns : mapping of str to str
        What the files call a column, by our name of it.
    unit : {"days", "seconds"}, optional
        Of times that are numbers.
    zone : str, optional
        Of dates that name none.
    skip : bool
        Whether bad rows are left out instead of refused.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    zone: str | None = None
    skip: bool = False
    bad: list[str] = field(default_factory=list)
    dated: set[bool] = field(default_factory=set)
    """Whether times were dates, as far as any has been read."""

    def __post_init__(self) -> None:
        if self.unit is not None and self.unit not in UNITS:
            raise InputError.no_such(f"no unit '{self.unit}'", self.unit, UNITS, ": days, seconds")
        for name in self.columns:
            if name not in (*COLUMNS, *WINDOW):
                listed = f"; allowed: {', '.join(dict.fromkeys((*COLUMNS, *WINDOW)))}"
                raise InputError.no_such(f"--columns {name} is unknown", name, COLUMNS, listed)
        try:
            self._zone = ZoneInfo(self.zone) if self.zone else None
        except (ZoneInfoNotFoundError, ValueError):
            raise InputError(f"no zone '{self.zone}'; give one such as Europe/Berlin") from None

    def outages(self, path: str) -> list[Outage]:
        """The outages of one log."""
        return self._all(path, self._log_rows(path), self._outage)

    def windows(self, path: str, *, of_jobs: bool = False) -> list[Window]:
        """When which node was watched, from a file of it or from the jobs of `sacct`."""
        rows = self._table(path, ("node", "from", "to"))
        if of_jobs:
            rows = importers.job_exposure(self._table(path, ("NodeList", "Start", "End")))
        return self._all(path, rows, self._window)

    def time(self, text: str) -> float:
        """Seconds since 1970 of a date, since the start of the log of a number.

        Raises
        ------
        InputError
            When it is neither, or what it lacks was not given.
        """
        number = _number(text)
        if number is not None:
            if self.unit is None:
                raise InputError(f"'{text}' has no unit; say --unit days or --unit seconds")
            self._same(dated=False)
            return number * UNITS[self.unit]
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            raise InputError(f"'{text:.40}' is no time; expected {A_TIME}", given=text) from None
        if moment.tzinfo is None:
            if self._zone is None:
                raise InputError(f"'{text}' has no zone; add Z or +01:00, or give --zone")
            moment = moment.replace(tzinfo=self._zone)
        self._same(dated=True)
        return moment.timestamp()

    def _same(self, *, dated: bool) -> None:
        self.dated.add(dated)
        if len(self.dated) > 1:
            raise InputError("dates and numbers cannot be mixed: give all times in one way")

    def _log_rows(self, path: str) -> Rows:
        if path.endswith(".json"):
            self.unit = self.unit or "days"
            return importers.fault_events(_text(path), path)
        heads = _heads(path)
        if is_accounting(path):
            return importers.job_interruptions(self._table(path, ("State", "End", "NodeList")))
        if {"NodeName", "TimeStart"} <= set(heads):
            return importers.node_events(self._table(path, ("NodeName", "TimeStart", "TimeEnd")))
        if {"start_day", "end_day"} <= set(heads):
            # The columns of a trace name their unit.
            self.unit = self.unit or "days"
            self.columns = {"start": "start_day", "end": "end_day", **self.columns}
        return self._table(path, COLUMNS[:3])

    def _table(self, path: str, needed: Sequence[str]) -> Rows:
        """The rows of a table, under our names of its columns."""
        lines = _text(path).splitlines()
        reader = csv.DictReader(lines, delimiter=_delimiter(lines[:1]))
        theirs = [head.strip() for head in reader.fieldnames or ()]
        reader.fieldnames = theirs
        ours = {name: self.columns.get(name, name) for name in (*needed, *COLUMNS, *WINDOW)}
        for name in needed:
            if ours[name] not in theirs:
                found = f"; it has: {', '.join(theirs) or 'nothing'}"
                hint = f"; say which with --columns {name}=THEIRS" if name in COLUMNS else ""
                problem = f"{path}: no column '{ours[name]}'"
                raise InputError.no_such(problem, ours[name], theirs, found + hint)
        for row in reader:
            # What stands beyond the last column has no name, and cannot be ours.
            cells = {head: (cell or "").strip() for head, cell in row.items() if head}
            yield reader.line_num, cells | {name: cells.get(ours[name], "") for name in ours}

    def _all(self, path: str, rows: Rows, read: Callable[[dict[str, str]], object]) -> list:
        found = []
        for line, row in rows:
            try:
                found.append(read(row))
            except InputError as error:
                self.bad.append(f"{path}, line {line}: {error}")
        if self.bad and not self.skip:
            shown = self.bad[:MOST_NAMED]
            if len(self.bad) > MOST_NAMED:
                shown.append(f"… and {len(self.bad) - MOST_NAMED} more")
            hint = "--skip-bad-rows goes on without such rows"
            raise InputError("\n".join([*shown, hint]), file=path)
        return found

    def _outage(self, row: dict[str, str]) -> Outage:
        start = self.time(row["start"])
        end = self.time(row["end"]) if row["end"] else math.inf
        if end < start:
            raise InputError(f"the end {row['end']} is before the start {row['start']}")
        kind = row.get("kind", "") or "unknown"
        if kind not in KINDS:
            listed = f"; allowed: {', '.join(KINDS)}"
            raise InputError.no_such(f"kind '{kind}' is unknown", kind, KINDS, listed)
        cause = row.get("cause", "") or (kind if kind != "unknown" else "outage")
        return Outage(_node(row), start, end, cause, kind)

    def _window(self, row: dict[str, str]) -> Window:
        first = self.time(row["from"])
        last = self.time(row["to"])
        installed = self.time(row["installed"]) if row.get("installed") else first
        if not installed <= first < last:
            raise InputError("expected installed ≤ from < to")
        return Window(_node(row), first, last, first - installed)


def read(
    logs: Sequence[str | Path],
    exposure: str | Path | None = None,
    *,
    nodes: int | None = None,
    start: str | None = None,
    end: str | None = None,
    **reading: object,
) -> Log:
    """Read logs and the exposure behind them.

    Parameters
    ----------
    logs : sequence of str or path
    exposure : str or path, optional
        A file that says when which node was watched.
    nodes, start, end : optional
        In its place: how many nodes there were, all watched from one time to another.
    **reading
        As for `Reader`.

    Raises
    ------
    InputError
        When there is no exposure, or a file cannot be used.
    """
    reader = Reader(**reading)  # type: ignore[arg-type]
    paths = [str(path) for path in logs]
    outages = [outage for path in paths for outage in reader.outages(path)]
    accounts = [path for path in paths if not path.endswith(".json") and is_accounting(path)]
    if exposure is not None:
        windows = reader.windows(str(exposure))
    elif nodes and start and end:
        windows = _everyone(outages, nodes, reader.time(start), reader.time(end))
    elif accounts:
        windows = [window for path in accounts for window in reader.windows(path, of_jobs=True)]
    else:
        given = {"--nodes": nodes, "--from": start, "--to": end}
        missing = ", ".join(name for name, value in given.items() if not value)
        raise InputError(
            "a rate needs the time that nodes were watched: give --exposure FILE with "
            f"node, from, to, or --nodes, --from and --to (missing: {missing})"
        )
    log = made(outages, windows, dated=True in reader.dated, nodes_known=not accounts)
    counted = Counter(bad.partition(", line")[0] for bad in reader.bad)
    skipped = [f"{count} bad rows of {path} were left out" for path, count in counted.items()]
    return log.noting(skipped)


def is_accounting(path: str) -> bool:
    """Whether a file is an export of `sacct -P`."""
    return {"State", "NodeList", "End"} <= set(_heads(path))


def _everyone(outages: Iterable[Outage], nodes: int, start: float, end: float) -> list[Window]:
    named = list(dict.fromkeys(outage.node for outage in outages))
    if len(named) > nodes:
        raise InputError(f"the log names {len(named)} nodes, --nodes says {nodes}", given=nodes)
    if not start < end:
        raise InputError("--from must be before --to")
    # Nodes that never failed have no name in a log of failures.
    others = [f"without outage {k}" for k in range(nodes - len(named))]
    return [Window(name, start, end, 0.0) for name in (*named, *others)]


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise in_file(path, f"the log cannot be read ({reason})") from None


def _heads(path: str) -> list[str]:
    lines = _text(path).splitlines()[:1]
    return [head.strip() for head in "".join(lines).split(_delimiter(lines))]


def _delimiter(lines: Sequence[str]) -> str:
    """What separates cells: what the first line has most of."""
    return max(",|;\t", key="".join(lines).count)


def _node(row: dict[str, str]) -> str:
    if not row["node"]:
        raise InputError("the node has no name")
    return row["node"]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
