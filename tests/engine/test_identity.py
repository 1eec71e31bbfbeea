"""What a run must not depend on: order in a file, what else is drawn, what else is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.catalogue.failures import BadNodes
from sim.engine import simulate
from sim.engine.risks import bad_nodes
from sim.scenario import Scenario, load_scenario
from sim.streams import Luck
from tests.engine.bare import (
    bare_scenario,
    cause,
    endless,
    exponential,
    failing,
    pool,
    programme,
    run,
    weibull,
)

REPAIRED = {
    "causes": [
        cause(cause="node", lifetime=weibull(1.5, 20), repair=exponential(2)),
        cause(cause="late", lifetime=weibull(2, 30), clock="computing", repair="1 d"),
    ]
}


def mixed(weak_rate: float = 60.0) -> dict[str, Any]:
    """A good and a weak pool, both with failures."""
    good, weak = (
        pool(nodes=nodes, failures=REPAIRED)["pool"]
        | {
            "chip": chip,
            "stack": "megatron-lm",
            "throughput": {"tokens_per_second_per_chip": rate},
        }
        for nodes, chip, rate in ((10, "H800-SXM-80", 200.0), (40, "A100-SXM-80", weak_rate))
    )
    return {"good": good, "weak": weak}


ELASTIC = {"recovery": {"policy": "drop-replica", "restart": "10 min"}}


@pytest.mark.parametrize("weak_rate", [60.0, 2.0])
@pytest.mark.parametrize("make", [bare_scenario, programme])
def test_the_order_of_pools_in_a_file_decides_nothing(make: Any, weak_rate: float):
    fleet = mixed(weak_rate)
    other_way = {"weak": fleet["weak"], "good": fleet["good"]}
    asked = {"chips": 200, "every": "100 d"} if make is programme else {}
    made = [
        make(
            **({"runs": asked} if asked else {}),
            fleet={"pool": None, **pools},
            horizon="300 d",
            **ELASTIC,
        )
        for pools in (fleet, other_way)
    ]
    first, second = (simulate(scenario, 3) for scenario in made)
    assert list(made[0].fleet) == list(made[1].fleet)[::-1]
    assert first.fingerprint == second.fingerprint
    assert first.metrics == second.metrics


def test_the_order_of_causes_in_a_table_decides_nothing():
    causes = REPAIRED["causes"]
    one, two = (
        simulate(endless(60, fleet=pool(nodes=8, failures={"causes": table})), 3)
        for table in (causes, causes[::-1])
    )
    assert one.fingerprint == two.fingerprint


def test_runs_of_a_programme_meet_flaps_of_their_own():
    """A13: ten runs that meet nothing but flaps, each its own."""
    flap = {"per_node_day": 2, "duration": exponential(1e-3), "ride_through": "1 d"}
    result = run(programme(fabric={"flaps": flap}))
    lengths = [r.ended - r.started for r in result.runs]
    assert len(set(lengths)) == len(lengths) == 10


def test_a_vendor_that_is_dead_from_the_first_day_is_no_vendor():
    """A14: a stream for each purpose, so that neither vendor nor shop moves the other's luck."""
    stock = load_scenario("embargoed-stock").override({"horizon": "3 yr"})
    # Support of blocked chips ends before anything fails.
    without = stock.override({"depot.vendor": None})
    metrics = [simulate(asked, 2, k).metrics for asked in (stock, without) for k in range(3)]
    assert metrics[:3] == metrics[3:]


BAD = BadNodes(share=0.012, factor=12.3)


def test_more_nodes_make_no_other_node_bad():
    """A15: each node has its own chance."""
    for replication in range(50):
        few, many = (
            bad_nodes(BAD, nodes, Luck(1, replication).field("test")) for nodes in (400, 408)
        )
        assert few == {node for node in many if node < 400}


def test_the_number_of_bad_nodes_is_drawn():
    """A16: binomial, so that 40 nodes of which 1.2 % are bad have 0.48 on average and not none."""
    counts = [
        len(bad_nodes(BAD, 40, Luck(1, replication).field("test"))) for replication in range(4000)
    ]
    assert np.mean(counts) == pytest.approx(40 * 0.012, abs=4 * np.std(counts) / 4000**0.5)
    assert np.var(counts) == pytest.approx(40 * 0.012 * 0.988, rel=0.1)


def paired(one: Scenario, other: Scenario, runs: int = 40) -> float:
    """Variance of independent differences over that of paired ones."""
    a, b = ([simulate(s, 5, k).wall for k in range(runs)] for s in (one, other))
    return float((np.var(a) + np.var(b)) / np.var(np.subtract(a, b)))


def crossing_node(shape: float, **keys: Any) -> Scenario:
    table = {"lifetime": weibull(shape, 40), "repair": "2 h"} | keys
    return bare_scenario(fleet=failing(8, **table), recovery={"restart": exponential(0.05)})


def test_common_random_numbers_hold_where_a_shape_passes_one():
    """A23: an exponential life is a Weibull one like any other."""
    assert paired(crossing_node(1.0), crossing_node(1.001)) > 100


def test_common_random_numbers_hold_where_a_time_becomes_a_sum():
    longer = {"sum": [exponential(0.1), "1 min"]}
    one, other = (
        crossing_node(1.5, repair=time, detect=time) for time in (exponential(0.1), longer)
    )
    assert paired(one, other) > 100


def test_common_random_numbers_hold_where_spares_are_put_on_standby():
    """Restart times belong to the cause and the number of the restart, whatever else is drawn."""
    recovery = {"restart": exponential(0.05), "reschedule": exponential(0.01)}
    fleet = pool(nodes=8, hot_spares=4, failures=REPAIRED)
    none, two = (
        bare_scenario(fleet=fleet, recovery=recovery | {"standby": standby}) for standby in (0, 2)
    )
    first = [simulate(none, 5, k) for k in range(20)]
    second = [simulate(two, 5, k) for k in range(20)]
    a, b = ([r.time["restart"] for r in results] for results in (first, second))
    chosen = [r.selections for r in first]
    assert np.corrcoef(a, b)[0, 1] > 0.7
    assert np.mean(chosen) > np.mean([r.selections for r in second])


def test_one_more_cold_spare_makes_few_runs_longer():
    """A15: what failures there are does not change with the number of spares."""
    asked = [
        bare_scenario(
            fleet=pool(
                nodes=40,
                cold_spares=spares,
                failures={
                    "causes": [cause(lifetime=exponential(40), repair=exponential(3))],
                    "bad_nodes": {"share": 0.2, "factor": 6},
                },
            )
        )
        for spares in (4, 8)
    ]
    few, many = ([simulate(s, 5, k).wall for k in range(60)] for s in asked)
    assert np.mean(many) < np.mean(few)
    assert sum(b > a + 1 for a, b in zip(few, many, strict=True)) <= 3
