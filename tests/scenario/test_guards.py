"""Python is guarded as the command line is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

import sim
from sim.errors import InputError

SIM: Any = sim
"""Its functions as those call them who check no types."""
ONE: Any = sim.load_scenario("deepseek-v3")
NAME: Any = "deepseek-v3"
STOCK: Any = sim.load_scenario("national-stock")
BY = dt.date(2024, 12, 1)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: SIM.replicate(ONE, 0), "n: expected a whole number of at least 1, not 0"),
        (lambda: SIM.replicate(ONE, -1), "n: expected a whole number of at least 1, not -1"),
        (lambda: SIM.replicate(ONE, 2.5), "n: expected a whole number"),
        (lambda: SIM.replicate(ONE, True), "n: expected a whole number"),
        (lambda: SIM.replicate(ONE, precision=5), "precision: expected a number above 0"),
        (lambda: SIM.replicate(ONE, 2, seed=-1), "seed: expected a whole number of at least 0"),
        (lambda: SIM.replicate(ONE, 2, jobs=0), "jobs: expected a whole number of at least 1"),
        (lambda: SIM.replicate(NAME), "expected a Scenario, not 'deepseek-v3'; load_scenario"),
        (lambda: SIM.replicate("deepseek"), 'did you mean "deepseek-v3"'),
        (lambda: SIM.compare(ONE, NAME), "expected a Scenario, not 'deepseek-v3'"),
        (lambda: SIM.compare(ONE, ONE, n=-1), "n: expected a whole number of at least 1, not -1"),
        (lambda: SIM.sweep(NAME), "expected a Scenario"),
        (lambda: SIM.sweep(ONE, design="sobl"), "design: no 'sobl' (did you mean \"sobol\"?)"),
        (lambda: SIM.sweep(ONE, {}, n=0), "n: expected"),
        (lambda: SIM.sensitivity(ONE, method="moris"), '(did you mean "morris"?)'),
        (lambda: SIM.sensitivity(ONE, samples=0), "samples: expected"),
        (lambda: SIM.size_stock(ONE, BY, 90), "expected a number above 0 and below 1"),
        (lambda: SIM.size_stock(ONE, "2024-12-01"), "by: expected a datetime.date, not '2024"),
        (lambda: SIM.size_stock(ONE, BY, spares=3), "3 is unknown"),
        (
            lambda: SIM.size_stock(ONE, BY, spares="fleet.good.hot_spares", longest_interval=True),
            "give either spares or longest_interval (--spares, --longest-interval)",
        ),
        (
            lambda: SIM.size_stock(STOCK, BY),
            "national-stock: a stock over years has no run to finish by a date",
        ),
        (lambda: SIM.compare(ONE, ONE, "", n=2), "deepseek-v3: no metric ''"),
        (lambda: SIM.compare(ONE, ONE, 3, n=2), "deepseek-v3: no metric '3'"),
        (lambda: SIM.compare(ONE, ONE, ["ettr"], n=2), "deepseek-v3: no metric '['ettr']'"),
        (lambda: SIM.compare(ONE, ONE, max_events="3"), "max_events: expected a whole number"),
        (lambda: SIM.sweep(ONE, [("start", [1])]), "grid: expected a mapping of paths to lists"),
        (lambda: SIM.sensitivity(ONE, among="checkpoint"), "among: expected a list of values"),
        (lambda: SIM.sensitivity(ONE, among=[3]), "no unknown constant '3'"),
        (lambda: SIM.sensitivity(ONE, seed="a"), "seed: expected a whole number"),
        (lambda: SIM.worlds("national-stock"), "expected a Scenario"),
        (lambda: SIM.worlds(STOCK, n=0), "n: expected a whole number of at least 1, not 0"),
        (lambda: SIM.worlds(STOCK, "no-controls"), "names: expected a list of values"),
        (lambda: SIM.worlds(STOCK, [3]), "national-stock: no world '3'"),
        (lambda: SIM.worlds(STOCK, at=BY), "at: expected a list of values"),
        (lambda: SIM.simulate(NAME), "expected a Scenario, not 'deepseek-v3'"),
        (lambda: SIM.simulate(ONE, -1), "seed: expected"),
        (lambda: SIM.simulate(ONE, 0, -1), "replication: expected"),
        (
            lambda: ONE.given({"checkpoint.intervall": 60.0}),
            "deepseek-v3: no unknown constant 'checkpoint.intervall' (did you mean \"checkpoint.i",
        ),
        (lambda: ONE.given({"checkpoint.interval": 1e9}), "is out of its range, "),
        (lambda: ONE.given({"checkpoint.interval": -5.0}), "is out of its range, "),
        (lambda: ONE.given({"checkpoint.interval": float("nan")}), "is out of its range, "),
        (lambda: ONE.given({"checkpoint.interval": "1 h"}), "is out of its range, "),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(call: Callable[[], Any], says: str) -> None:
    with pytest.raises(InputError) as error:
        call()
    assert says in str(error.value)


def test_a_datetime_is_a_date() -> None:
    noon = dt.datetime(2024, 12, 1, 12)
    assert sim.size_stock(ONE, noon, 0.5, n=1).by == BY


def test_what_is_set_takes_the_place_of_what_had_become_known() -> None:
    known = ONE.given({"checkpoint.interval": 1800.0})
    assert known.override({"checkpoint.interval": "2 h"}).checkpoint.interval == 7200
    assert known.override({"fleet.good.cold_spares": 1}).checkpoint.interval == 1800


def test_a_cause_that_nobody_has_is_refused_by_its_key_once() -> None:
    with pytest.raises(InputError) as error:
        ONE.override({"recovery.response": {"time": "1 h", "automatic": ["gpu"]}})
    assert str(error.value).count("recovery.response.automatic") == 1
