"""Days to finish against the number of weak chips added."""

from __future__ import annotations

import pandas as pd
import pytest

from sim import load_scenario
from sim.errors import InputError
from sim.experiments.exchange_rate import equal_at, exchange, smallest_replica, worth

MIXED = load_scenario("two-thousand-plus").override({"horizon": "2 yr"})
CURVE = pd.DataFrame({"chips": [512, 2048], "days": [50.0, 40.0]})


def test_more_chips_shorten_the_run_and_too_few_are_left_out() -> None:
    least = smallest_replica(MIXED)
    table = exchange(MIXED, [least - 8, least, 8192], n=2, seed=1)
    assert list(table["chips"]) == [least, 8192]
    assert table["days"][1] < table["days"][0]
    assert (table["p5"] <= table["days"]).all() and (table["days"] <= table["p95"]).all()
    assert list(table)[:4] == ["chips", "days", "p5", "p95"]


def test_a_run_that_does_not_finish_is_refused() -> None:
    with pytest.raises(InputError, match="too few runs finish by its horizon"):
        exchange(MIXED.override({"horizon": "10 d"}), [2048], n=1)


def test_what_a_chip_is_worth_and_where_a_curve_reaches_a_day() -> None:
    assert worth(CURVE, alone=60.0) == pytest.approx(0.2 / 512)
    assert equal_at(CURVE, 40.0) == pytest.approx(2048)
    assert equal_at(CURVE, 2000**0.5) == pytest.approx(1024)
    assert equal_at(CURVE, 39.0) is None
