"""What a trace says of the chips and of the job, read back from the end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim import load_scenario, simulate
from sim.results.ledger import PLACES, USABLE, Event, Move, Trace, Way, at, levels

WAYS = [
    Way(pool, origin, place, 8)
    for pool in ("good", "weak")
    for origin in PLACES
    for place in PLACES
    if origin != place
]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(WAYS)), max_size=30),
    st.sampled_from([["active"], ["stock", "cold_spare"], USABLE]),
    st.sampled_from([None, "good"]),
)
def test_levels_are_those_of_a_walk(moves, places, pool) -> None:
    moves = sorted(moves, key=lambda move: move[0])
    here = {(way.pool, place): 1000 for way in WAYS for place in PLACES}

    def count() -> int:
        return sum(
            n for (name, place), n in here.items() if place in places and pool in (None, name)
        )

    steps = {0.0: count()}
    for time, way in moves:
        here[way.pool, way.origin] -= way.chips
        here[way.pool, way.place] += way.chips
        steps[float(time)] = count()
    trace = Trace(
        [field for time, way in moves for field in (float(time), way, "", 0, "", 0.0, "")]
    )
    result: Any = SimpleNamespace(trace=trace, counts=here, wall=5.0)
    times, chips = levels(result, places, pool)
    assert at(times, chips, np.array(list(steps))).tolist() == list(steps.values())
    assert times[0] == 0.0
    assert (np.diff(times) > 0).all()


def test_spares_are_counted_back_from_the_end() -> None:
    result = simulate(load_scenario("two-thousand-plus"), 1, 0)
    start, end = at(*levels(result, USABLE, "good"), np.array([0.0, result.wall]))
    assert start == 2048 + (4 + 256) * 8
    away = sum(
        n
        for (pool, place), n in result.counts.items()
        if pool == "good" and place in ("idle", "repair", "scrap")
    )
    assert end == start - away < start


def test_a_trace_reads_as_events_and_moves_in_their_order() -> None:
    result = simulate(load_scenario("deepseek-v3"), 1, 0)
    first, *rest = result.trace
    assert first == Event(0.0, "state", what="compute")
    failure = next(item for item in rest if isinstance(item, Event) and item.kind == "failure")
    move = next(item for item in rest if isinstance(item, Move))
    assert (move.time, move.pool, move.node) == (failure.time, failure.pool, failure.node)
    assert move.origin in USABLE
    assert move.place not in USABLE
    assert len(result.trace.moves()) + len(result.trace.events("failure")) < len(result.trace)
