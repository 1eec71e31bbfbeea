"""Half of a log predicts the other half as often as it says, and is caught where it cannot."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from sim.errors import InputError
from sim.failure_logs.halves import Job, rows
from sim.results.ledger import DAY
from sim.validation.report import Row

DAYS = 160
NODES = 40


def written(folder: Path, first: float, second: float, **more: object) -> Path:
    """A log of independent outages at a rate for each half, and the list that names it."""
    random = np.random.default_rng(3)
    lines = ["node,start_day,end_day"]
    for rate, begin in ((first, 0.0), (second, DAYS / 2)):
        for start in begin + DAYS / 2 * random.random(random.poisson(rate * NODES * DAYS / 2)):
            lines.append(f"n{random.integers(NODES)},{start:.4f},{start + 0.2:.4f}")
    # One row of every node, so that all are watched under a name of their own.
    (folder / "faults.csv").write_text("\n".join(lines) + "\n")
    keys = {"file": "faults.csv", "nodes": NODES, "start": 0, "end": DAYS, "job_nodes": 10, **more}
    listed = folder / "logs.yaml"
    words = ", ".join(f"{key}: {value}" for key, value in keys.items())
    listed.write_text(f"logs: [{{{words}}}]\n")
    return listed


def by_name(found: list[Row]) -> dict[tuple[str, str], Row]:
    return {(row.id, row.quantity): row for row in found}


def test_a_steady_log_predicts_its_other_half(tmp_path):
    found = by_name(rows(written(tmp_path, 0.02, 0.02), 40))
    for kind in ("interruptions of log blocks", "share of time of log blocks"):
        hits = found["hits.90", kind]
        # Two halves, four jobs of ten nodes, eight blocks of ten days.
        assert hits.count == 64
        assert hits.ok, hits
        assert found["hits.90", f"{kind} by family"].count == 2
    assert hits.wrong == "a constant rate"


def test_what_is_measured_of_a_job_is_what_its_outages_make_of_it():
    job = Job(nodes=3, size=2, days=4.0, blocks=2)
    # All nodes stop on the third day, and two are needed: nothing goes on until noon.
    outage = [(2.3 * DAY, 2.5 * DAY, node) for node in range(3)]
    idle, stopped = job.played([[], outage], 0)
    assert idle.tolist() == [[0, 0], [1, 1]]
    assert stopped[0].tolist() == [0, 1]
    # A fifth of a day, ten minutes of restart and up to an hour of work are lost of two days.
    lost = 2 * (1 - stopped[1][1])
    assert 0.2 + 10 / 1440 <= lost <= 0.2 + 70 / 1440
    assert stopped[1][0] == 1


def test_a_half_with_four_times_the_failures_is_not_held(tmp_path):
    found = by_name(rows(written(tmp_path, 0.01, 0.04), 40))
    hits = found["hits.90", "interruptions of log blocks"]
    assert not hits.ok
    assert not hits.twin_ok


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"job_nodes": 41}, "a job of 41 of 40 nodes"),
        ({"file": "none.csv"}, "none.csv"),
        ({"nodes": 2}, "--nodes says 2"),
        ({"job_nods": 3}, "line 1.*job_nods"),
        ({"block_days": 0}, "block_days: .* greater than 0"),
        ({"columns": {"node": "host"}}, "--columns node: no 'host'"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, more, said):
    with pytest.raises(InputError, match=f"(?s){said}"):
        rows(written(tmp_path, 0.02, 0.02, **more), 2)


@pytest.mark.prove
def test_half_of_the_trace_of_infinitehbd_holds_blocks_of_the_other_and_its_mean_does_not(tmp_path):
    path = os.environ.get("TRACE")
    if not path:
        pytest.skip("no trace given: make prove TRACE=FILE")
    listed = tmp_path / "logs.yaml"
    text = "logs: [{{file: '{}', nodes: 400, start: 0, end: 349, block_days: {}}}]\n"
    listed.write_text(text.format(Path(path).resolve(), 10))
    found = by_name(rows(listed, 200))
    listed.write_text(text.format(Path(path).resolve(), 29))
    months = by_name(rows(listed, 200))
    for kind in ("interruptions of log blocks", "share of time of log blocks"):
        hits = found["hits.90", kind]
        assert hits.count == 204
        assert hits.ok, hits
        # A constant rate knows neither repeats nor bursts nor that the level wanders.
        assert not months["hits.90", kind].twin_ok
        assert found["hits.50", kind].ok
        assert months["hits.90", kind].ok
        assert months["hits.50", kind].ok
        assert found["crps", kind].ok
