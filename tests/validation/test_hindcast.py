"""A user's own past jobs are read with care, predicted and placed."""

from __future__ import annotations

import json
import sys

import pytest

from sim.__main__ import main
from sim.errors import InputError
from sim.validation import hindcast

MINE = """
like: opt-175b
fleet: {hosts: {hot_spares: 22}}
recovery: {bad_spares: {share: {uncertain: [0.3, 0.5, 0.7]}}}
"""
JOBS = """
jobs:
  - {scenario: mine.yaml, start: 2024-01-01, end: 2024-01-09, tokens: 4e10}
  - {scenario: mine.yaml, start: 2024-02-01 06:00, end: 2024-02-02 06:00, tokens: 4e10, title: too soon}
"""


@pytest.fixture
def listed(tmp_path):
    (tmp_path / "mine.yaml").write_text(MINE)

    def write(text: str = JOBS):
        path = tmp_path / "my-jobs.yaml"
        path.write_text(text)
        return path

    return write


def test_each_job_is_placed_in_the_prediction_of_its_scenario(listed):
    rows = {row.id: row for row in hindcast.rows(listed(), 20)}
    usual, soon = rows["job.1"], rows["job.2"]
    assert (usual.expected, soon.expected) == (8.0, 1.0)
    assert 0 < (usual.place or 0) < 1
    # Without a single failure the work alone takes longer than a day.
    assert (soon.place, soon.title) == (0.0, "too soon")
    assert rows["hits.90"].ours == 1
    assert (rows["hits.90"].count, rows["hits.90"].quantity) == (2, "mine")
    assert "not ended after 4 times its days" in soon.cause_of_miss
    assert usual.cause_of_miss == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jobs: []\n", "expected jobs"),
        ("- 1\n", "expected jobs"),
        (JOBS.replace("2024-01-09", "2023-01-09"), "line 3.*after start"),
        (JOBS.replace("tokens: 4e10}", "tokens: many}"), "line 3.*tokens"),
        (JOBS.replace("end: 2024-01-09", "ende: 2024-01-09"), "line 3.*ende"),
        (JOBS.replace("mine.yaml", "deepsek-v3"), "line 3.*jobs.0.*deepseek-v3"),
        (JOBS.replace("too soon}", "x, changes: {horizn: 1 d}}"), "line 4.*jobs.1.*horizon"),
        (JOBS.replace("mine.yaml", "embargoed-stock"), "programme"),
    ],
)
def test_what_cannot_be_is_refused_by_its_place(listed, text, said):
    with pytest.raises(InputError, match=f"(?s){said}"):
        hindcast.rows(listed(text), 2)


def test_the_command_takes_a_file(listed, monkeypatch, capsys):
    words = ["sim", "validate", str(listed()), "--effort", "0.05", "--json"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit):
        main()
    found = json.loads(capsys.readouterr().out)["past_jobs"]
    assert [row["expected"] for row in found][:2] == [8.0, 1.0]


def test_the_command_sums_up_in_a_sentence(listed, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["sim", "validate", str(listed()), "--effort", "0.05"])
    with pytest.raises(SystemExit):
        main()
    assert "Our 90 % bands hold 1 of 2 past jobs (1 to 2 would be right" in capsys.readouterr().out
