"""Files of rows, and what other programs write as rows of the neutral table.

Slurm's accounting tells when jobs ended and on which nodes, its node events when nodes were out of
service, and the trace of InfiniteHBD (arXiv 2502.03885) when faults began and ended.
"""

import csv
import json
import re
from collections.abc import Iterator
from io import StringIO
from itertools import zip_longest
from typing import Any, NamedTuple

from sim import files
from sim.errors import InputError, in_file

Row = tuple[int, dict[str, str]]
"""A line in a file, and its cells by column; `ODD` says what is wrong with their number."""
ODD = "odd"
MOST_HOSTS = 100_000
"""A bracket that stands for more than all nodes of any cluster is a slip."""
COLUMNS = ("node", "start", "end", "cause", "kind")
TRACE = ("node", "start_day", "end_day", "cause", "kind")
"""The columns of a trace, which name their unit."""
UNKNOWN_TIMES = ("", "Unknown", "None")
LEVELS = {"Hardware Failure": "hardware", "Software Failure": "software"}


class Sheet(NamedTuple):
    """A file of rows."""

    file: str
    heads: list[str]
    rows: list[Row]

    def has(self, *heads: str) -> bool:
        """Whether it has some columns."""
        return set(heads) <= set(self.heads)


def sheet(file: str) -> Sheet:
    """Read a table, or the JSON list of InfiniteHBD's faults.

    Raises
    ------
    InputError
        When the file cannot be read.
    """
    text = files.text(file)
    if file.endswith(".json"):
        return Sheet(file, list(TRACE), list(_faults(text, file)))
    # Letters inside a cell may be ends of lines to Unicode, but are none to a spreadsheet.
    lines = list(StringIO(text, newline=None))
    # What separates cells is what the first line has most of.
    first = next((line for line in lines if line.strip()), "")
    reader = csv.reader(lines, delimiter=max(",|;\t", key=first.count))
    try:
        # Below its table a spreadsheet may write rows of empty cells.
        table = [(reader.line_num, row) for row in reader if "".join(row).strip()]
    except csv.Error as error:
        raise in_file(file, f"is no table ({error})", reader.line_num) from None
    if not table:
        raise in_file(file, "the file is empty; expected a header and a row for each outage")
    heads = [head.strip() for head in table[0][1]]
    for head in heads:
        if head and heads.count(head) > 1:
            raise in_file(file, f"has two columns '{head}'; give each a name of its own")
    rows = [(line, _cells(heads, row)) for line, row in table[1:]]
    if not rows:
        raise in_file(file, "has a header and no rows")
    return Sheet(file, heads, rows)


def _cells(heads: list[str], row: list[str]) -> dict[str, str]:
    """The cells of a row by column."""
    row = [cell.strip() for cell in row]
    cells = dict(zip_longest(heads, row[: len(heads)], fillvalue=""))
    # A decimal comma makes two cells of one, and a row that breaks off is no open outage.
    if any(row[len(heads) :]) or len(row) < len(heads):
        cells[ODD] = f"the row has {len(row)} cells, the header {len(heads)}"
    return cells


def is_accounting(sheet: Sheet) -> bool:
    """Whether it is an export of `sacct -P`."""
    return sheet.has("State", "NodeList", "Start", "End")


def outages(sheet: Sheet) -> Iterator[Row] | None:
    """The outages of a file that Slurm wrote; None if it is no such file."""
    if is_accounting(sheet):
        return _job_interruptions(sheet)
    if sheet.has("NodeName", "TimeStart", "TimeEnd", "State"):
        return _node_events(sheet)
    return None


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
        raise InputError(
            f"'{text:.60}' is no list of nodes such as gpu[001-004,7]", given=text
        )
    return found


def _expanded(name: str) -> list[str]:
    before, bracket, rest = name.partition("[")
    if not bracket:
        return [name]
    inside, _, after = rest.partition("]")
    tails = _expanded(after)
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


def _jobs(sheet: Sheet) -> Iterator[Row]:
    """The rows of jobs: the steps of one (7.batch, 7.0) fail with it, some seconds later."""
    for line, cells in sheet.rows:
        if "." not in cells.get("JobID", "") + cells.get("JobIDRaw", ""):
            yield line, cells


def _job_interruptions(sheet: Sheet) -> Iterator[Row]:
    """Ends of jobs that Slurm lays to a failed node.

    Which of a job's nodes it was is not told: the first stands for all of them.
    """
    for line, cells in _jobs(sheet):
        if cells["State"].startswith("NODE_FAIL"):
            node = hosts(cells["NodeList"])[0]
            row = node, cells["End"], cells["End"], "node-fail", ""
            yield line, dict(zip(COLUMNS, row, strict=True))


def job_exposure(sheet: Sheet) -> Iterator[Row]:
    """When the nodes of each job were watched: from its start to its end."""
    for line, cells in _jobs(sheet):
        window = {"from": cells["Start"], "to": cells["End"], "installed": ""}
        running = cells["Start"] in UNKNOWN_TIMES or cells["End"] in UNKNOWN_TIMES
        if running or cells["NodeList"].startswith("None"):
            continue
        for node in hosts(cells["NodeList"]):
            yield line, {"node": node, **window}


def _node_events(sheet: Sheet) -> Iterator[Row]:
    """Outages from `sacctmgr -P show event`; events of the whole cluster name no node."""
    for line, cells in sheet.rows:
        state = cells["State"].upper()
        if not cells["NodeName"] or not re.search("DOWN|DRAIN|FAIL|MAINT", state):
            continue
        reason = cells.get("Reason", "")
        planned = "MAINT" in f"{state} {reason.upper()}"
        kind = "planned" if planned else "unknown"
        end = cells["TimeEnd"]
        if end in UNKNOWN_TIMES:
            end = ""
        for node in hosts(cells["NodeName"]):
            row = node, cells["TimeStart"], end, reason, kind
            yield line, dict(zip(COLUMNS, row, strict=True))


def _faults(text: str, file: str) -> Iterator[Row]:
    """Outages from the list of InfiniteHBD's faults; the "line" is the place in the list."""
    begun: dict[tuple[str, str], list[Row]] = {}
    try:
        events: list[dict[str, Any]] = json.loads(text)
        for place, event in enumerate(events, start=1):
            fault = event["fault_type"]
            node = str(event["node_id"])
            time = str(event["event_time"])
            open_ones = begun.setdefault((node, fault["Desc"]), [])
            if event["event_type"] == "fault_start":
                kind = LEVELS.get(fault["Level"], "unknown")
                row = node, time, "", fault["Class"], kind
                open_ones.append((place, dict(zip(TRACE, row, strict=True))))
            elif open_ones:
                line, cells = open_ones.pop(0)
                yield line, cells | {"end_day": time}
    except (ValueError, TypeError, KeyError) as error:
        problem = f"is no list of faults as InfiniteHBD writes them ({error})"
        raise in_file(file, problem) from None
    for left in begun.values():
        yield from left
