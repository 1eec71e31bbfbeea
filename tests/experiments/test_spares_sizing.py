"""The smallest stock, where it is known."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from sim import load_scenario, size_stock
from sim.errors import InputError
from sim.streams import stream
from tests.experiments.stand_in import stand_in, sure

BY = dt.date(2024, 1, 31)
PATH = "fleet.pool.cold_spares"


def need(replication: int) -> int:
    return int(stream(7, replication, "days").poisson(30))


POISSON = stand_in(
    lambda q, luck: 29.0 if luck.poisson(30) <= q.fleet["pool"].cold_spares else 31.0
)
"""A run finishes in time if the spares cover a Poisson number of failures."""


@pytest.mark.parametrize("probability", [0.5, 0.9, 0.95])
def test_the_smallest_number_is_the_quantile_of_the_need(probability: float) -> None:
    result = size_stock(sure(), BY, probability, n=200, seed=7, simulator=POISSON)
    needs = np.sort([need(k) for k in range(200)])
    assert result.value == needs[int(np.ceil(probability * 200)) - 1]
    assert result.path == PATH
    assert result.value is not None
    assert result.lo is not None
    assert result.hi is not None
    assert result.lo < result.value < result.hi
    assert result.tried[result.value]["p"] >= probability > result.tried[result.value - 1]["p"]
    assert result.tried[result.lo]["hi"] >= probability > result.tried[result.lo - 1]["hi"]
    assert result.tried[result.hi]["lo"] >= probability > result.tried[result.hi - 1]["lo"]
    assert len(result.tried) < 25


def test_none_are_needed_where_nothing_fails() -> None:
    result = size_stock(sure(), BY, 0.9, n=50, simulator=stand_in(lambda q, luck: 5.0))
    assert (result.value, result.lo, result.hi) == (0, 0, 0)


def test_no_number_is_enough_where_spares_do_not_help() -> None:
    seen: list[int] = []
    result = size_stock(sure(), BY, 0.5, n=20, simulator=stand_in(lambda q, luck: 40.0, seen))
    assert (result.value, result.lo, result.hi) == (None, None, None)
    assert len(seen) == 20, "the largest number alone is tried"
    assert "no number tried is enough" in str(result)


def test_any_number_can_be_sized() -> None:
    simulator = stand_in(lambda q, luck: 29.0 if q.fleet["pool"].hot_spares >= 5 else 31.0)
    result = size_stock(sure(), BY, 0.5, spares="fleet.pool.hot_spares", n=20, simulator=simulator)
    assert result.value == 5


def test_the_longest_interval_in_time() -> None:
    simulator = stand_in(
        lambda q, luck: 29.0 if q.checkpoint.interval <= 3600 * luck.uniform(1, 2) else 31.0
    )
    how = {"n": 200, "seed": 7, "simulator": simulator}
    result = size_stock(sure(), BY, 0.9, longest_interval=True, **how)
    assert result.value is not None
    assert result.lo is not None
    assert result.hi is not None
    assert result.lo < result.value < result.hi
    assert result.tried[result.value]["p"] >= 0.9 > result.tried[result.value + 1]["p"]
    assert "min (95 %" in str(result)


def test_of_an_interval_too_it_is_said_where_the_search_ends() -> None:
    always, never = (stand_in(lambda q, luck, days=days: days) for days in (20.0, 40.0))
    longest = size_stock(sure(), BY, 0.5, longest_interval=True, n=2, simulator=always)
    assert "no longer one is tried" in longest.limit
    none = size_stock(sure(), BY, 0.5, longest_interval=True, n=2, simulator=never)
    assert f"no shorter than {min(none.tried)} are tried" in none.limit


def test_the_date_takes_the_place_of_the_horizon() -> None:
    simulator = stand_in(lambda q, luck: 30.0)
    assert size_stock(sure(horizon="1 d"), BY, 0.5, n=5, simulator=simulator).value == 0
    too_soon = dt.date(2024, 1, 30)
    assert size_stock(sure(), too_soon, 0.5, n=5, simulator=simulator).value is None


def test_a_date_before_the_start_is_refused() -> None:
    with pytest.raises(InputError, match="2023-01-01 is not after the start of plain, 2024-01-01"):
        size_stock(sure(), dt.date(2023, 1, 1), 0.5)


def test_the_chips_limit_and_not_the_spares() -> None:
    """Ten days of work do not fit into nine, and so many spares are not even tried."""
    result = size_stock(sure(), dt.date(2024, 1, 10), 0.5, n=5)
    assert result.value is None
    assert max(result.tried) == 64
    assert "the chips limit, not the spares" in str(result)
    assert "it takes 10.0 days, and there are 9" in result.limit


def test_no_more_spares_are_tried_than_the_pool_has_nodes() -> None:
    never = stand_in(lambda q, luck: 40.0)
    large = sure(fleet={"pool": {"nodes": 100}})
    result = size_stock(large, BY, 0.5, n=2, simulator=never)
    assert max(result.tried) == 100
    assert "no more than 100 are tried" in result.limit


def test_a_number_that_changes_nothing_is_said() -> None:
    result = size_stock(sure(), BY, 0.9, n=5)
    assert result.value == 0
    assert "nothing was changed: every run ends the same whatever fleet.pool" in result.limit
    assert not size_stock(sure(), BY, 0.5, n=50, simulator=POISSON).limit
    stock = load_scenario("embargoed-stock")
    programme = size_stock(stock, dt.date(2024, 1, 1), 0.5, n=2, progress=False)
    assert "a programme counts as finished when its staffed runs are" in str(programme)


def test_the_largest_number_tried_is_found_where_it_alone_is_enough() -> None:
    most = max(sure().fleet["pool"].active_nodes, 64)
    only = stand_in(lambda q, _: 29.0 if q.fleet["pool"].cold_spares >= most else 31.0)
    result = size_stock(sure(), BY, 0.5, n=5, simulator=only)
    assert result.value == most
    assert [number for number, share in result.tried.items() if share["p"]] == [most]
