from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim.errors import InputError
from sim.failure_logs.importers import hosts
from sim.failure_logs.read import read
from sim.results.ledger import DAY

SACCT = """\
JobIDRaw|Submit|Start|End|State|ExitCode|NNodes|NodeList
1|2025-01-01T00:00:00|2025-01-01T00:00:00|2025-01-03T00:00:00|NODE_FAIL|1:0|4|gpu[01-04]
2|2025-01-03T00:00:00|2025-01-03T00:00:00|2025-01-05T00:00:00|COMPLETED|0:0|2|gpu[01,03]
3|2025-01-05T00:00:00|Unknown|Unknown|PENDING|0:0|2|None assigned
"""
EVENTS = """\
NodeName|TimeStart|TimeEnd|State|Reason|User
|2025-01-01T00:00:00|2025-01-01T01:00:00|||Cluster Registered TRES
gpu01|2025-01-02T00:00:00|2025-01-02T06:00:00|DOWN*|Not responding|slurm
gpu02|2025-01-03T00:00:00|Unknown|DRAIN|gpu xid 79|root
gpu03|2025-01-04T00:00:00|2025-01-04T08:00:00|DRAIN|maintenance window|root
"""


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("gpu7", ["gpu7"]),
        ("gpu[1-3]", ["gpu1", "gpu2", "gpu3"]),
        ("gpu[098-101]", ["gpu098", "gpu099", "gpu100", "gpu101"]),
        ("a[1,3],b", ["a1", "a3", "b"]),
        ("r[1-2]n[1-2]", ["r1n1", "r1n2", "r2n1", "r2n2"]),
    ],
)
def test_a_list_of_hosts_is_expanded(text: str, names: list[str]) -> None:
    assert sorted(hosts(text)) == sorted(names)


@pytest.mark.parametrize("text", ["", "gpu[1-", "gpu[a-b]", "gpu[1-999999999]"])
def test_what_is_no_list_of_hosts_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        hosts(text)


def test_interruptions_and_exposure_of_jobs(tmp_path: Path) -> None:
    path = tmp_path / "sacct.txt"
    path.write_text(SACCT)
    log = read([path], zone="UTC")
    assert log.node_days == 4 * 2 + 2 * 2
    assert log.start.tolist() == [2 * DAY]
    assert not log.nodes_known


def test_steps_of_a_job_are_no_failures_of_their_own(tmp_path: Path) -> None:
    """Each step that ended some seconds after its job counted as another failed node."""
    path = tmp_path / "sacct.txt"
    step = "1.0|2025-01-01|2025-01-01T00:00:00|2025-01-03T00:00:31|NODE_FAIL|1:0|4|gpu[01-04]\n"
    running = "4|2025-01-05|2025-01-05T00:00:00|Unknown|RUNNING|0:0|2|gpu[01,03]\n"
    path.write_text(SACCT + step + running)
    log = read([path], zone="UTC")
    assert log.start.tolist() == [2 * DAY]
    assert list(log.notes) == [f"1 rows of {path} are of jobs that still run"]
    with pytest.raises(InputError, match="missing: --from, --to"):
        read([path], nodes=8, zone="UTC")


def test_events_of_nodes(tmp_path: Path) -> None:
    path = tmp_path / "events.txt"
    path.write_text(EVENTS)
    log = read([path], nodes=8, start="2025-01-01", end="2025-02-01", zone="UTC")
    assert sorted(log.causes) == ["Not responding", "gpu xid 79"]
    assert log.closed.tolist() == [True, False, True]
    assert "1 planned outages count as time out of service, not as failures" in log.notes


def test_faults_of_infinitehbd(tmp_path: Path) -> None:
    fault = {"Level": "Hardware Failure", "Class": "GPU", "Desc": "GPU Lost"}
    events = [
        {"node_id": "x", "event_time": 1.0, "event_type": "fault_start", "fault_type": fault},
        {"node_id": "y", "event_time": 2.0, "event_type": "fault_start", "fault_type": fault},
        {"node_id": "x", "event_time": 3.5, "event_type": "fault_end", "fault_type": fault},
        # A node that is a number was no name, and stood in no order with names.
        {"node_id": 0, "event_time": 4.0, "event_type": "fault_start", "fault_type": fault},
    ]
    path = tmp_path / "trace.json"
    path.write_text(json.dumps(events))
    log = read([path], nodes=400, start="0", end="10")
    assert sorted(log.end / DAY) == [3.5, 10, 10]
    assert list(log.kinds) == ["hardware"]
    path.write_text("{}")
    path.write_text('[{"node": 1}]')
    with pytest.raises(InputError, match="no list of faults"):
        read([path], nodes=400, start="0", end="10")
