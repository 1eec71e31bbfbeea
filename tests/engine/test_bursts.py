"""Failures that take neighbours with them."""

from __future__ import annotations

import pytest

from sim.catalogue.failures import Burst, Cause, FailureTable, Refail
from sim.engine import simulate
from sim.engine.risks import node_rate
from sim.quantities.distributions import Constant
from sim.results.ledger import DAY
from tests.engine.bare import cause, endless, moves_to, pool


def burst(shared: float, nodes: int = 6, hot: int = 0) -> dict[str, object]:
    """Node 1 alone is in the batch that fails, at 10 d, and takes two neighbours with it."""
    shock = {"probability": 1, "nodes": [3, 3], "shared_repair": shared}
    struck = cause(
        nodes=[0.61, 0.62],
        lifetime="10 d",
        repair={"weibull": {"shape": 1, "scale": "1 d"}},
        burst=shock,
    )
    return pool(nodes=nodes, hot_spares=hot, failures={"causes": [struck]})


def test_a_burst_takes_neighbours_and_may_share_their_repair():
    for shared in (0, 1):
        result = simulate(endless(19, fleet=burst(shared)), 5)
        assert sum(result.failures.values()) == 1
        assert moves_to(result, "repair") == [(10.0, 1), (10.0, 2), (10.0, 3)]
        back = [day for day, _ in moves_to(result, "cold_spare")]
        assert len(set(back)) == (1 if shared else 3)


def test_a_burst_takes_powered_nodes_only():
    """Of nodes 0, 1 active, 2 hot, 3 cold it takes 1, 2 and, going round, 0."""
    fleet = burst(1, nodes=2, hot=1)
    fleet["pool"]["cold_spares"] = 1  # type: ignore[index]
    assert moves_to(simulate(endless(10.5, fleet=fleet), 5), "repair") == [
        (10.0, 1),
        (10.0, 2),
        (10.0, 0),
    ]


def test_every_node_of_a_burst_may_fail_again_in_the_rate_that_intervals_go_by():
    why = Cause(
        cause="x",
        per_1000_node_days=1,
        burst=Burst(probability=0.5, nodes=(2, 4)),
        refail=Refail(probability=0.2, after=Constant(1.0)),
    )
    # Half of the failures strike one node and half three: two on average. A fifth of those fail
    # again, and a fifth of these: a quarter of a relapse for each node.
    rate = node_rate(FailureTable(causes=(why,)), 8)
    assert rate * 1000 * DAY == pytest.approx(1 + 2 * 0.25)
