"""Programmes and outlooks are answered in sentences, with dates and shares first."""

from __future__ import annotations

import re
import shlex

import pytest
from typer.testing import CliRunner

from sim import replicate
from sim.cli.app import app
from sim.cli.stock_answers import sentences
from sim.experiments.dates import percent
from sim.publish.figures import repository
from sim.scenario import load_scenario

HOWTO = (repository() / "docs" / "howto" / "move_a_control.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"(?m)^  sim ((?:worlds|compare) .+)$", HOWTO)


@pytest.fixture(scope="module")
def laboratory():
    scenario = load_scenario("embargoed-stock").override({"horizon": "18 months"})
    return scenario, replicate(scenario, 12, seed=2, progress=False)


def test_a_programme_says_first_when_it_lacks_chips_and_in_which_share_it_never_does(laboratory):
    scenario, result = laboratory
    first, second, *_ = sentences(scenario, result)
    never = int((result.frame["crossed"] == 0).sum())
    assert 0 < never < 12
    assert first.startswith("A run first lacks chips in ")
    share = percent(never, 12)
    assert f"in {share} of the replications none lacks any before April 2024" in first
    assert second.startswith("Of 3 runs that are due, ")


def test_what_never_comes_is_no_date(laboratory):
    scenario, _ = laboratory
    plenty = scenario.override({"fleet.a100.chips": 1_000_000, "research": 0})
    [first, *_] = sentences(plenty, replicate(plenty, 3, progress=False))
    assert first == "A run first lacks chips in no replication before April 2024."


def test_an_outlook_tells_the_largest_run_by_date_and_what_a_chip_stands_for():
    scenario = load_scenario("national-stock")
    told = sentences(scenario, replicate(scenario, 8, seed=1, progress=False))
    for date in scenario.dates:
        assert any(line.startswith(f"On {date} the largest run could have ") for line in told)
    assert told[-1].startswith("One simulated chip stands for 1,000")
    assert not re.search(r"\d{7}", " ".join(told))


@pytest.mark.parametrize("line", QUESTIONS)
def test_a_question_in_one_line_is_answered_in_dates_or_ratios_and_the_share_that_never_does(line):
    told = CliRunner().invoke(app, [*shlex.split(line), "--replications", "6", "--jobs", "1"])
    assert told.exit_code == 0, told.output
    assert "× as it was" in told.output or "the median of the pairs: " in told.output
    assert re.search(r"95 %: .+ … .+\)", told.output)
    assert "in all replications" in told.output or "of the replications none" in told.output


def test_five_questions_are_asked_in_one_line_each():
    assert len(QUESTIONS) == 5
