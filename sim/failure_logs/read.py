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
from sim.scenario.guards import check_among, check_whole

KINDS = ("hardware", "software", "planned", "unknown")
UNITS = {"days": DAY, "seconds": 1.0}
WINDOW = ("node", "from", "to", "installed")
FARTHEST = 1e12
"""Seconds of thirty thousand years: milliseconds since 1970 are more."""
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
    notes: list[str] = field(default_factory=list)
    """What else was not read."""
    heads: set[str] = field(default_factory=set)
    """All columns of the files so far."""
    dated: set[bool] = field(default_factory=set)
    """Whether times were dates, as far as any has been read."""

    def __post_init__(self) -> None:
        if self.unit is not None:
            check_among("unit", self.unit, UNITS)
        for name in self.columns:
            check_among("--columns", name, dict.fromkeys((*COLUMNS, *WINDOW)))
        try:
            self._zone = ZoneInfo(self.zone) if self.zone else None
        except (ZoneInfoNotFoundError, ValueError, OSError):
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
            running = sum(cells["State"] == "RUNNING" for _, cells in sheet.rows)
            if running:
                self.notes.append(
                    f"{running} rows of {sheet.file} are of jobs that still run"
                )
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
            if abs(seconds) > FARTHEST:
                raise InputError(f"'{text}' {self.unit} are too many; are they milliseconds?")
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
            if moment.utcoffset() != moment.replace(fold=1).utcoffset():
                raise InputError(
                    f"'{text}' comes twice or never in {self.zone}, as clocks change; add +01:00"
                )
        return moment.timestamp()

    def _named(self, sheet: Sheet, columns: Sequence[str]) -> list[Row]:
        """The rows of a table under our names of its columns; the first three are needed."""
        self.heads.update(sheet.heads)
        ours = {name: self._head(sheet, name) for name in columns}
        unread = [head for head in sheet.heads if head not in ours.values()]
        if unread:
            said = f"columns of {sheet.file} that were not read: {', '.join(unread)}"
            self.notes.append(said)
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

    def _head(self, sheet: Sheet, name: str) -> str:
        """What a file calls a column: as it was said, or as we do."""
        theirs = self.columns.get(name, name)
        # What was said of the log need not hold for the exposure.
        return name if name in sheet.heads and theirs not in sheet.heads else theirs

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
        check_among("kind", kind, KINDS)
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
    given = {"--nodes": nodes, "--from": start, "--to": end}
    missing = [name for name, value in given.items() if value is None]
    if exposure is not None:
        if len(missing) < len(given):
            raise InputError("give --exposure, or --nodes, --from and --to, but not both")
        windows = reader.windows(importers.sheet(str(exposure)))
    elif not missing:
        check_whole("nodes", nodes, 1)
        first, last = (_time(reader, name, given[name]) for name in ("--from", "--to"))
        windows = _everyone(outages, nodes or 0, first, last)
    elif accounts and len(missing) == len(given):
        windows = [window for sheet in accounts for window in reader.windows(sheet)]
    else:
        raise InputError(
            "a rate needs the time that nodes were watched: give --exposure FILE with "
            f"node, from, to, or --nodes, --from and --to (missing: {', '.join(missing)})"
        )
    # A slip in the name of a column that may be left out would leave it out.
    for name, theirs in reader.columns.items():
        check_among(f"--columns {name}", theirs, sorted(reader.heads))
    bad = [f"{n} bad rows of {file} were left out" for file, n in reader.bad.items() if n]
    notes = [*bad, *reader.notes]
    return made(outages, windows, nodes_known=not accounts, notes=notes)


def _time(reader: Reader, option: str, given: Any) -> float:
    """A time that an option gives."""
    try:
        return reader.time(str(given))
    except InputError as error:
        raise InputError(f"{option}: {error}", key=option, given=given) from None


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
