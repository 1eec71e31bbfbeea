from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from sim.errors import InputError
from sim.failure_logs.log import PLANNED
from sim.failure_logs.read import Reader, read
from sim.results.ledger import DAY

EXPOSURE = "node,from,to\na,0,100\nb,0,100\nc,10,60\n"


def written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


@pytest.fixture
def exposure(tmp_path: Path) -> str:
    return written(tmp_path, "nodes.csv", EXPOSURE)


def test_rows_in_any_order_become_outages_that_do_not_overlap(
    tmp_path: Path, exposure: str
) -> None:
    path = written(tmp_path, "log.csv", "node,start,end\nb,50,\na,7,9\na,5,8\nc,20,20\n")
    log = read([path], exposure, unit="days")
    rows = sorted(zip(log.node, log.start / DAY, log.end / DAY, log.closed, strict=True))
    assert rows == [(0, 5, 9, True), (1, 50, 100, False), (2, 20, 20, True)]
    assert log.node_days == 250


def test_what_nobody_watched_is_left_out_and_counted(tmp_path: Path, exposure: str) -> None:
    path = written(tmp_path, "log.csv", "node,start,end\na,5,6\nc,70,71\nz,5,6\n")
    log = read([path], exposure, unit="days")
    assert len(log.node) == 1
    assert any(note.startswith("2 outages outside") for note in log.notes)


def test_planned_outages_are_time_out_of_service_but_no_failures(
    tmp_path: Path, exposure: str
) -> None:
    path = written(tmp_path, "log.csv", "node,start,end,kind\na,5,6,planned\nb,5,6,hardware\n")
    log = read([path], exposure, unit="days")
    assert log.cause.tolist() == [PLANNED, 0]
    assert log.service(log.node[:1], log.start[:1] + 3 * DAY)[0] == pytest.approx(7 * DAY)


def test_dates_are_read_with_their_zone(tmp_path: Path) -> None:
    reader = Reader(zone="Europe/Berlin")
    assert reader.time("2025-01-01T01:00+01:00") == reader.time("2025-01-01T00:00Z")
    assert reader.time("2025-07-01T02:00") == reader.time("2025-07-01T00:00Z")


def test_a_spreadsheet_with_other_heads_and_semicolons(tmp_path: Path) -> None:
    text = "host;t0;t1;why\nx;0;60;gpu\ny;90;120;nic\n"
    path = written(tmp_path, "log.csv", text)
    columns = {"node": "host", "start": "t0", "end": "t1", "cause": "why"}
    log = read([path], nodes=4, start="0", end="3600", unit="seconds", columns=columns)
    assert list(log.causes) == ["gpu", "nic"]
    assert len(log.names) == 4
    assert log.seconds == 3600


def test_a_recorded_trace_is_a_log_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, "trace.csv", "node,start_day,end_day\nx,1,2\n")
    log = read([path], nodes=2, start="0", end="10")
    assert log.start[0] == DAY


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("a,1,2,gpu,hardwear", "line 3: kind: no 'hardwear' (did you mean \"hardware\"?)"),
        ("a,x,2,gpu,", "line 3: 'x' is no time"),
        ("a,9,2,gpu,", "line 3: the end 2 is before the start 9"),
        (",1,2,gpu,", "line 3: the node has no name"),
        ("a,2025-01-01T00:00Z,,gpu,", "line 3: dates and numbers cannot be mixed"),
        ("a,2025-01-01,,gpu,", "line 3: '2025-01-01' has no zone"),
        ("a,03/01/2025,,gpu,", "line 3: '03/01/2025' is no time; expected an ISO date"),
    ],
)
def test_a_bad_row_is_named_or_left_out_and_counted(
    row: str, told: str, tmp_path: Path, exposure: str
) -> None:
    path = written(tmp_path, "log.csv", f"node,start,end,cause,kind\na,1,2,gpu,hardware\n{row}\n")
    with pytest.raises(InputError) as error:
        read([path], exposure, unit="days")
    assert told in str(error.value)
    assert "--skip-bad-rows" in str(error.value)
    if "mixed" not in told:
        log = read([path], exposure, unit="days", skip=True)
        assert f"1 bad rows of {path} were left out" in log.notes


def test_a_number_without_a_unit_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "log.csv", "node,start,end\na,1,2\n")
    with pytest.raises(InputError, match="say --unit days or --unit seconds"):
        read([path], nodes=3, start="0", end="9")


def test_without_exposure_it_is_said_what_is_missing(tmp_path: Path) -> None:
    path = written(tmp_path, "log.csv", "node,start,end\na,1,2\n")
    with pytest.raises(InputError, match=r"missing: --from, --to"):
        read([path], nodes=3, unit="days")


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = written(tmp_path, "log.csv", "nodes,start,end\na,1,2\n")
    with pytest.raises(
        InputError, match=r"no column 'node' \(did you mean \"nodes\"\?\).*--columns"
    ):
        read([path], nodes=3, start="0", end="9", unit="days")
    with pytest.raises(InputError, match="--columns: no 'hots'"):
        read([path], nodes=3, start="0", end="9", columns={"hots": "nodes"})


def test_more_names_than_nodes_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "log.csv", "node,start,end\na,1,2\nb,1,2\n")
    with pytest.raises(InputError, match="names 2 nodes, --nodes says 1"):
        read([path], nodes=1, start="0", end="9", unit="days")


def test_the_clock_of_a_node_stands_still_while_it_is_out_or_not_watched(tmp_path: Path) -> None:
    nodes = written(tmp_path, "nodes.csv", "node,from,to\na,0,10\na,20,40\nb,0,40\n")
    path = written(tmp_path, "log.csv", "node,start,end\na,5,8\na,25,30\n")
    log = read([path], nodes, unit="days")
    service = log.service(log.node, log.start) / DAY
    assert service.tolist() == [5, 12]
    assert log.until(26 * DAY).closed.tolist() == [True, False]
    assert math.isclose(log.until(26 * DAY).node_days, 42)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"node;start\nL\xfcfter;1\n", "no UTF-8 text from byte 12 on; .*'CSV UTF-8'"),
        ("node,start,end\na,1,2\n".encode("utf-16"), "no UTF-8 text from byte 0 on"),
        (b"\n\n", "the file is empty; expected a header"),
        (b",,,\n ,\n", "the file is empty; expected a header"),
        (b"node,start,end\n", "has a header and no rows"),
        (b"node,start,end,start\na,1,2,3\n", "has two columns 'start'"),
        # A decimal comma among commas would be read as other numbers.
        (b"node,start,end\na,1,5,2,5\n", "line 2: the row has 5 cells, the header 3"),
        (b"node,start,end\na,1\n", "line 2: the row has 2 cells, the header 3"),
        (b'node,start,end\n"a,1,2\nb,3,4\n', "line 3: the row has 1 cells, the header 3"),
        (b"node,start,end\na,45658.5,\n", "begin on days 45,658.5 to .* from day 0 to 9"),
    ],
)
def test_a_file_that_is_no_log_is_told_why(data: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(data)
    with pytest.raises(InputError, match=told):
        read([path], nodes=3, start=0, end=9, unit="days")


def test_rows_that_repeat_or_overlap_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path, "log.csv", "node,start,end\na,1,2\na,1,2\na,1.5,3\nb,1,2\n")
    log = read([path], nodes=3, start=0, end=9, unit="days")
    assert len(log.node) == 2
    told = "2 outages repeat, overlap or touch one of their node and count as that"
    assert list(log.notes) == [told]


@pytest.mark.parametrize("nodes", [0, -5, 2.5])
def test_no_number_of_nodes_is_refused(nodes: Any, tmp_path: Path) -> None:
    path = written(tmp_path, "log.csv", "node,start,end\na,1,2\n")
    with pytest.raises(InputError, match="nodes: expected a whole number of at least 1"):
        read([path], nodes=nodes, start=0, end=9, unit="days")


def test_columns_that_were_named_must_be_in_a_file_and_need_not_be_in_all(tmp_path: Path) -> None:
    """A slip in an optional column left it out, and an exposure of our names was refused."""
    path = written(tmp_path, "log.csv", "host,t0,t1,why\na,1,2,gpu\n")
    nodes = written(tmp_path, "nodes.csv", EXPOSURE)
    columns = {"node": "host", "start": "t0", "end": "t1", "cause": "why"}
    assert list(read([path], nodes, unit="days", columns=columns).causes) == ["gpu"]
    with pytest.raises(InputError, match=r"--columns cause: no 'wyh' \(did you mean \"why\"\?"):
        read([path], nodes, unit="days", columns=columns | {"cause": "wyh"})


def test_columns_that_were_not_read_are_told(tmp_path: Path) -> None:
    path = written(tmp_path, "log.csv", "node,start,end,Cause\na,1,2,gpu\n")
    log = read([path], nodes=3, start=0, end=9, unit="days")
    assert list(log.notes) == [f"columns of {path} that were not read: Cause"]


def test_two_exposures_are_refused_and_a_bad_end_is_named(tmp_path: Path, exposure: str) -> None:
    path = written(tmp_path, "log.csv", "node,start,end\na,1,2\n")
    with pytest.raises(InputError, match="but not both"):
        read([path], exposure, nodes=512, unit="days")
    with pytest.raises(InputError, match="--to: 'x' is no time"):
        read([path], nodes=3, start=0, end="x", unit="days")
    with pytest.raises(InputError, match="are they milliseconds"):
        read([path], nodes=3, start=0, end=1735689600000, unit="seconds")


@pytest.mark.parametrize("time", ["2025-10-26T02:30", "2025-03-30T02:30"])
def test_a_time_that_comes_twice_or_never_is_refused(time: str) -> None:
    """An outage from 2:50 to 2:10, an hour after, was refused as ending before it began."""
    with pytest.raises(InputError, match="comes twice or never in Europe/Berlin"):
        Reader(zone="Europe/Berlin").time(time)


def test_a_part_of_the_world_is_no_zone() -> None:
    with pytest.raises(InputError, match="no zone 'Europe'"):
        Reader(zone="Europe")


def test_what_spreadsheets_put_around_a_table_is_no_row(tmp_path: Path) -> None:
    text = "\r\nnode;start;end;cause\r\na;1;2;split\u2028here\r\n;;;\r\nb;3;x;\r\n"
    path = written(tmp_path, "log.csv", text)
    with pytest.raises(InputError, match="line 5: 'x' is no time") as error:
        read([path], nodes=3, start=0, end=9, unit="days")
    assert str(error.value).count("line ") == 1
    path = written(tmp_path, "open.csv", 'node,start,end\n"a,1,2\n' + "b,1,2\n" * 30_000)
    with pytest.raises(InputError, match=r"open\.csv, line \d+: is no table \(field larger"):
        read([path], nodes=3, start=0, end=9, unit="days")


def test_who_was_out_before_being_watched_is_out_of_service(tmp_path: Path, exposure: str) -> None:
    path = written(tmp_path, "log.csv", "node,start,end\na,-5,30\nb,1,2\nc,5,12\nb,-3,-2\n")
    log = read([path], exposure, unit="days")
    assert sorted(zip(log.node, log.cause, log.end / DAY, strict=True)) == [
        (0, PLANNED, 30),
        (1, 0, 2),
        (2, PLANNED, 12),
    ]
    assert "2 outages began before their node was watched and count as planned ones" in log.notes
    assert "1 outages outside of the time their node was watched were left out" in log.notes
