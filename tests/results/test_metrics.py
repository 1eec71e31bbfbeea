"""Metrics: each has a unit and a meaning, and is known before anything is run."""

from __future__ import annotations

import pytest

from sim import load_scenario, simulate
from sim.errors import InputError
from sim.results.metrics import check_metric, metrics_of
from sim.scenario import names


@pytest.mark.parametrize("name", names())
def test_a_scenario_knows_the_metrics_of_its_results(name: str) -> None:
    scenario = load_scenario(name)
    assert list(metrics_of(scenario)) == list(simulate(scenario).metrics)


@pytest.mark.parametrize("name", ["deepseek-v3", "national-stock"])
def test_every_metric_says_what_it_means_in_a_sentence(name: str) -> None:
    for metric in metrics_of(load_scenario(name)).values():
        assert metric.meaning.endswith(".")
        assert metric.meaning[0].isupper() or metric.meaning[0].isdigit() or "-" in metric.name


def test_an_unknown_metric_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"no metric 'wall_day' \(did you mean \"wall_days\"\?\)"):
        check_metric("wall_day", load_scenario("deepseek-v3"))
