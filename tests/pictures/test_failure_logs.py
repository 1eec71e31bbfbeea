from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sim.experiments.advice import Advice, Option
from sim.failure_logs.check import check
from sim.failure_logs.fit import Fit, fit
from sim.failure_logs.log import Outage, Window, made
from sim.pictures import failure_logs as pictures
from sim.results.ledger import DAY


@pytest.fixture(scope="module")
def fitted() -> Fit:
    windows = [Window(name, 0.0, 90 * DAY, 0.0) for name in "abcd"]
    broken = [
        Outage("abcd"[k % 4], k * DAY, (k + 0.5) * DAY, "fault", "hardware")
        for k in range(1, 89, 2)
    ]
    reboots = [Outage(o.node, o.end + DAY, o.end + DAY, "crash", "software") for o in broken]
    return fit(made([*broken, *reboots], windows))


def test_log_and_forecast_count_the_same_outages(fitted: Fit) -> None:
    found = check(fitted, runs=5)
    figure, numbers = pictures.forecast(fitted, found)
    [line] = figure.axes[0].get_lines()
    assert np.size(line.get_xdata()) == numbers["seen"].iloc[-1] == 44
    figure, rows = pictures.statistics(found)
    assert set(rows["title"]) <= set(found.statistics["title"])


def test_the_pick_stands_on_top_and_few_others_below() -> None:
    options = [
        Option({"a": k}, 20, k, 1.0, k, float(k), k - 0.5, k + 0.5, 0.1, k == 1, True, "sim run")
        for k in range(20)
    ]
    advice = Advice("days", 0.5, True, 0.0, options, (), ())
    figure, numbers = pictures.decision(advice)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[-1] == "a 0"
    assert isinstance(numbers, pd.DataFrame)
    assert len(labels) == len(numbers) == pictures.MOST_OPTIONS
