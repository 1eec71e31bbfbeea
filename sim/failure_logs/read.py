"""Logs of outages, and when which node was watched, from files.

The neutral table has the columns `node, start, end, cause, kind`, of which the last two may be
left out; an empty end is an outage that lasts. The exposure has `node, from, to` and, where the
ages of nodes are known, `installed`. Times are ISO dates with a zone, days or seconds.
"""

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sim.errors import InputError
from sim.failure_logs import importers
from sim.failure_logs.importers import COLUMNS, ODD, Row, Sheet
from sim.failure_logs.log import Log, Outage, Span, Window, made
from sim.results.ledger import DAY
from sim.scenario.guards import check_whole

KINDS = ("hardware", "software", "planned", "unknown")
UNITS = {"days": DAY, "seconds": 1.0}
WINDOW = ("node", "from", "to", "installed")
MOST_NAMED = 5
"""Bad rows that are named; the others are counted."""
A_TIME = "an ISO date with zone such as 2025-03-01T10:00Z, or a number with --unit"


@dataclass
class Reader:
    """Reads rows of files, and keeps what is wrong with them.

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
    bad: Counter[str] = field(default_factory=Counter)
    """Bad rows by file."""
    dated: set[bool] = field(default_factory=set)
    """Whether times were dates, as far as any has been read."""

    def __post_init__(self) -> None:
        if self.unit is not None:
            _one_of(self.unit, UNITS, "unit")
        for name in self.columns:
            _one_of(name, dict.fromkeys((*COLUMNS, *WINDOW)), "--columns")
        try:
            self._zone = ZoneInfo(self.zone) if self.zone else None
        except (ZoneInfoNotFoundError, ValueError):
            raise InputError(
                f"no zone '{self.zone}'; give one such as Europe/Berlin"
            ) from None

    def outages(self, sheet: Sheet) -> list[Outage]:
        """The outages of one log."""
        if sheet.has("start_day", "end_day"):
            self.unit = self.unit or "days"
            self.columns = {"start": "start_day", "end": "end_day", **self.columns}
        rows = importers.outages(sheet)
        if rows is None:
            rows = self._named(sheet, COLUMNS)
        return self._all(sheet.file, rows, self._outage)

    def windows(self, sheet: Sheet) -> list[Window]:
        """When which node was watched, from a file of it or from the jobs of `sacct`."""
        if importers.is_accounting(sheet):
            return self._all(sheet.file, importers.job_exposure(sheet), self._window)
        return self._all(sheet.file, self._named(sheet, WINDOW), self._window)

    def time(self, text: str) -> float:
        """Seconds since 1970 of a date, since the start of the log of a number.

        Raises
        ------
        InputError
            When it is neither, or what it lacks was not given.
        """
        number = _number(text)
        if number is None:
            seconds = self._date(text)
        elif self.unit is None:
            raise InputError(f"'{text}' has no unit; say --unit days or --unit seconds")
        else:
            seconds = number * UNITS[self.unit]
        self.dated.add(number is None)
        if len(self.dated) > 1:
            raise InputError("dates and numbers cannot be mixed: give all times in one way")
        return seconds

    def _date(self, text: str) -> float:
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            raise InputError(
                f"'{text:.40}' is no time; expected {A_TIME}", given=text
            ) from None
        if moment.tzinfo is None:
            if self._zone is None:
                raise InputError(f"'{text}' has no zone; add Z or +01:00, or give --zone")
            moment = moment.replace(tzinfo=self._zone)
        return moment.timestamp()

    def _named(self, sheet: Sheet, columns: Sequence[str]) -> list[Row]:
        """The rows of a table under our names of its columns; the first three are needed."""
        ours = {name: self.columns.get(name, name) for name in columns}
        for name in columns[:3]:
            if ours[name] not in sheet.heads:
                problem = f"{sheet.file}: no column '{ours[name]}'"
                more = f"; say which with --columns {name}=THEIRS"
                raise InputError.no_such(
                    problem, ours[name], sheet.heads, more, listed="it has"
                )
        ours[ODD] = ODD
        return [
            (line, {name: cells.get(theirs, "") for name, theirs in ours.items()})
            for line, cells in sheet.rows
        ]

    def _all(
        self, file: str, rows: Iterable[Row], read: Callable[[dict[str, str]], Span]
    ) -> list[Span]:
        found = []
        bad = []
        for line, cells in rows:
            try:
                if problem := cells.get(ODD):
                    raise InputError(problem)
                found.append(read(cells))
            except InputError as error:
                bad.append(f"{file}, line {line}: {error}")
        if bad and not self.skip:
            shown = bad[:MOST_NAMED]
            if len(bad) > MOST_NAMED:
                shown.append(f"… and {len(bad) - MOST_NAMED} more")
            hint = "--skip-bad-rows goes on without such rows"
            raise InputError("\n".join([*shown, hint]), file=file)
        self.bad[file] += len(bad)
        return found

    def _outage(self, cells: dict[str, str]) -> Outage:
        start = self.time(cells["start"])
        end = self.time(cells["end"]) if cells["end"] else math.inf
        if end < start:
            raise InputError(f"the end {cells['end']} is before the start {cells['start']}")
        kind = cells["kind"].lower() or "unknown"
        _one_of(kind, KINDS, "kind")
        cause = cells["cause"] or kind.replace("unknown", "outage")
        return Outage(_node(cells), start, end, cause, kind)

    def _window(self, cells: dict[str, str]) -> Window:
        first = self.time(cells["from"])
        last = self.time(cells["to"])
        installed = self.time(cells["installed"]) if cells["installed"] else first
        if not installed <= first < last:
            raise InputError("expected installed ≤ from < to")
        return Window(_node(cells), first, last, first - installed)


def read(
    logs: Sequence[str | Path],
    exposure: str | Path | None = None,
    *,
    nodes: int | None = None,
    start: Any = None,
    end: Any = None,
    **reading: Any,
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
    reader = Reader(**reading)
    sheets = [importers.sheet(str(path)) for path in logs]
    outages = [outage for sheet in sheets for outage in reader.outages(sheet)]
    accounts = [sheet for sheet in sheets if importers.is_accounting(sheet)]
    if exposure is not None:
        windows = reader.windows(importers.sheet(str(exposure)))
    elif None not in (nodes, start, end):
        check_whole("nodes", nodes, 1)
        windows = _everyone(
            outages, nodes or 0, reader.time(str(start)), reader.time(str(end))
        )
    elif accounts:
        windows = [window for sheet in accounts for window in reader.windows(sheet)]
    else:
        given = {"--nodes": nodes, "--from": start, "--to": end}
        missing = ", ".join(name for name, value in given.items() if value is None)
        raise InputError(
            "a rate needs the time that nodes were watched: give --exposure FILE with "
            f"node, from, to, or --nodes, --from and --to (missing: {missing})"
        )
    notes = [f"{n} bad rows of {file} were left out" for file, n in reader.bad.items() if n]
    return made(outages, windows, nodes_known=not accounts, notes=notes)


def _everyone(
    outages: Sequence[Outage], nodes: int, start: float, end: float
) -> list[Window]:
    names = sorted({outage.node for outage in outages})
    if len(names) > nodes:
        raise InputError(
            f"the log names {len(names)} nodes, --nodes says {nodes}", given=nodes
        )
    if not start < end:
        raise InputError("--from must be before --to")
    # Nodes that never failed have no name in a log of failures.
    names += [f"without outage {k}" for k in range(nodes - len(names))]
    return [Window(name, start, end, 0.0) for name in names]


def _one_of(given: str, allowed: Iterable[str], what: str) -> None:
    if given not in allowed:
        problem = f"{what} '{given}' is unknown"
        raise InputError.no_such(problem, given, allowed, listed="allowed")


def _node(cells: dict[str, str]) -> str:
    if not cells["node"]:
        raise InputError("the node has no name")
    return cells["node"]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
