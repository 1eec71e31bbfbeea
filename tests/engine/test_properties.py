"""What must hold in any scenario: nothing is lost, order decides nothing, better means are never worse."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.engine import simulate
from sim.results.ledger import DAY, FIELDS, HOUR, USABLE, Move
from sim.results.run import RunResult
from sim.scenario import Scenario
from tests.engine.bare import (
    bare_scenario,
    cause,
    dead,
    exponential,
    failing,
    lone,
    pool,
    programme,
    weibull,
)
from tests.engine.generated import anything, scenario

seeds = st.integers(0, 2**32)


# Nothing is lost
# --------------------------------------------------------------------------------------------------


def account(result: RunResult) -> None:
    """Follow every fault to where it was found, mended or evicted, or is still hidden.

    A hardware fault that is noticed at once takes its node out of service at once, unless that is
    out already; whoever mends a node finds all its faults.
    """
    causes = {
        (name, cause.cause): cause
        for name, spec in result.scenario.fleet.items()
        for cause in spec.failures.causes
    }
    hidden: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    place: dict[tuple[str, int], str] = {}
    to_leave: set[tuple[str, int]] = set()
    for item in result.trace:
        node = (item.pool, item.node)
        if isinstance(item, Move):
            place[node] = item.place
            to_leave.discard(node)
            if item.place not in USABLE:
                hidden.pop(node, None)
            continue
        # Before anything else happens those have left whose faults were noticed.
        assert item.kind in ("evicted", "failure") or not to_leave
        known = causes.get((item.pool, item.what))
        if item.kind == "failure" and known:
            if known.silent or known.slowdown > 1:
                hidden[node][item.what] += 1
            elif known.hardware and place.get(node, "active") in USABLE:
                to_leave.add(node)
        elif item.kind == "found" and known:
            assert hidden[node][item.what] > 0
            hidden[node][item.what] -= 1
            if known.hardware and place.get(node, "active") in USABLE:
                to_leave.add(node)
    assert not to_leave
    assert sum(faults.total() for faults in hidden.values()) == result.hidden_faults


def clean(result: RunResult) -> None:
    """No metric below zero, nor a zero with a sign, nor a residue of rounding."""
    for name, value in result.metrics.items():
        assert math.isnan(value) or value >= 0, (name, value)
        assert math.copysign(1.0, value) > 0 or math.isnan(value), (name, value)
    least = 1e-12 * result.wall
    for seconds in (*result.time.values(), *result.chip_seconds.values()):
        assert seconds == 0 or seconds > least
    assert math.fsum(result.time.values()) == pytest.approx(result.wall, rel=1e-9)
    assert 0 <= result.metrics["ettr"] <= 1 or math.isnan(result.metrics["ettr"])


@settings(max_examples=60)
@given(seed=seeds, example=anything)
def test_every_fault_is_accounted_for_and_no_residue_is_shown(seed, example):
    result = simulate(scenario(example), seed)
    account(result)
    clean(result)


@pytest.mark.prove
@settings(max_examples=2000)
@given(seed=seeds, example=anything)
def test_that_holds_of_very_many(seed, example):
    result = simulate(scenario(example), seed)
    account(result)
    clean(result)


def test_the_account_notices_a_fault_that_is_dropped():
    silent = cause(silent=True, lifetime=exponential(2), detect=exponential(1))
    result = simulate(bare_scenario(fleet=pool(failures={"causes": [silent]})), 1)
    account(result)
    fields = result.trace.fields
    first = fields.index("failure") - 1
    del fields[first : first + FIELDS]
    with pytest.raises(AssertionError):
        account(result)


# Order decides nothing
# --------------------------------------------------------------------------------------------------


def backwards(value: Any) -> Any:
    """The same data with every mapping, and every list of causes, in reverse order."""
    if isinstance(value, dict):
        turned = {key: backwards(item) for key, item in reversed(value.items())}
        if "causes" in turned:
            turned["causes"] = turned["causes"][::-1]
        return turned
    if isinstance(value, list | tuple):
        return [backwards(item) for item in value]
    return value


@settings(max_examples=40)
@given(seed=seeds, example=anything)
def test_the_order_of_keys_pools_and_causes_decides_nothing(seed, example):
    asked = scenario(example)
    other = bare_scenario(**backwards(asked.data))
    first, second = simulate(asked, seed), simulate(other, seed)
    assert first.fingerprint == second.fingerprint
    assert first.metrics == pytest.approx(second.metrics, rel=1e-12, nan_ok=True)


@settings(max_examples=15)
@given(seed=seeds, k=st.integers(0, 3), example=anything)
def test_what_was_asked_before_decides_nothing(seed, k, example):
    """A fresh scenario, one that was used, and one that was made from a used one."""
    fresh = simulate(scenario(example), seed, k)
    used = scenario(example)
    simulate(used.override({"horizon": "3 d"}), 7)
    simulate(used, seed, k + 1)
    assert simulate(used, seed, k).fingerprint == fresh.fingerprint
    again = used.override({"horizon": "3 d"}).override({"horizon": "30 d"})
    assert simulate(again, seed, k).fingerprint == fresh.fingerprint


# Better means are never worse
# --------------------------------------------------------------------------------------------------

late = st.lists(st.tuples(st.integers(0, 4), st.floats(5.1, 9.9)), min_size=1, max_size=3)
policies = st.sampled_from(["wait", "drop-replica"])


def deterministic(
    strikes: list[tuple[int, float]], policy: str, repair: float, **fleet: Any
) -> Scenario:
    """Nodes that fail once, late in ten days of work, each for a known time."""
    causes = [
        lone(node, day, repair=f"{repair} h") | {"cause": f"c{k}"}
        for k, (node, day) in enumerate(strikes)
    ]
    layout = {"layout": {"tensor": 8}, "failures": {"causes": causes}}
    return bare_scenario(
        fleet=pool(**(layout | fleet)),
        horizon="40 d",
        checkpoint={"interval": "1 h"},
        recovery={"policy": policy, "restart": "10 min", "reconfigure": "5 min"},
    )


def slack(strikes: list[tuple[int, float]]) -> float:
    """A checkpoint interval and a restart for each interruption: how a mark happens to fall."""
    return 2 * len(strikes) * (HOUR + 900)


@settings(max_examples=40)
@given(strikes=late, policy=policies, repair=st.floats(0.1, 60), factor=st.floats(0.01, 1))
def test_a_shorter_repair_and_one_more_spare_are_never_worse(strikes, policy, repair, factor):
    wall = simulate(deterministic(strikes, policy, repair), 0).wall
    for better in (
        deterministic(strikes, policy, factor * repair),
        deterministic(strikes, policy, repair, hot_spares=1),
        deterministic(strikes, policy, repair, cold_spares=1),
    ):
        found = simulate(better, 0).wall
        # With one failure nothing can come later that a changed position makes worse.
        room = 1.0 if len(strikes) == 1 and policy == "wait" else slack(strikes)
        assert found <= wall + room


@settings(max_examples=40)
@given(
    share=st.floats(0.0, 0.9),
    more=st.floats(0.01, 0.1),
    days=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    seed=seeds,
    lots=st.booleans(),
)
def test_a_wider_licence_brings_no_chip_later(share, more, days, seed, lots):
    def by_month(share: float) -> list[int]:
        flow = {
            "chip": "pool",
            "origin": "licensed",
            "chips": [["2023-01-01", 3000]],
            "until": "2024-12-31",
            "share": 1,
        } | ({"lots": {"lognormal": {"median": 50, "sigma": 1}}} if lots else {})
        controls = {
            "shut": {"date": "2023-03-01", "blocks": ["A100-SXM-80"]},
            "part": {"date": "2023-06-01", "opens": ["A100-SXM-80"], "licensed": share},
        }
        result = simulate(
            programme(
                [{"date": "2023-01-01", "chips": 1}],
                depot={"supply": {"flow": flow}},
                policy=controls,
                horizon="2 yr",
            ),
            seed,
        )
        arrivals = result.trace.events("arrival")
        return [
            round(sum(a.amount for a in arrivals if a.time <= day * DAY))
            for day in range(0, 731, 5)
        ]

    assert all(a <= b for a, b in zip(by_month(share), by_month(share + more), strict=True))


BUSY = {"lifetime": weibull(1.3, 8), "repair": exponential(1.5), "detect": "10 min"}
STOCK = {
    "fleet": pool(nodes=12, failures=dead(1.5)),
    "depot": {
        "repair": {"capacity": "1 per week", "turnaround": exponential(9), "cost": "1 USD"},
        "cannibalise": True,
    },
    "horizon": "2 yr",
}


def usable(result: RunResult) -> float:
    """Less the chip-seconds of nodes that work, so that less is better."""
    return -math.fsum(s for (_, place), s in result.chip_seconds.items() if place in USABLE)


def wall(result: RunResult) -> float:
    return result.wall


def busy(**changes: Any) -> Scenario:
    keys = BUSY | changes.pop("cause", {})
    return bare_scenario(
        fleet=failing(6, changes.pop("cold", 0), changes.pop("hot", 0), **keys),
        recovery={"restart": "10 min"},
        horizon="100 d",
        run={"tokens": 86400.0 * 10 * 48 * 100},
    )


def stocked(**repair: Any) -> Scenario:
    return programme(
        {"every": "100 d", "chips": 32},
        **STOCK | {"depot": {"repair": STOCK["depot"]["repair"] | repair}},
    )


BETTER = [
    (busy(), busy(cause={"repair": exponential(1)}), wall),
    (busy(), busy(cold=1), wall),
    (busy(), busy(hot=1), wall),
    (stocked(), stocked(capacity="1.3 per week"), usable),
    (stocked(), stocked(turnaround=exponential(6)), usable),
]


def no_worse(pairs: int) -> Iterator[tuple[float, float]]:
    """Mean and standard error of what each better means saves."""
    for plain, better, cost in BETTER:
        saved = [cost(simulate(plain, 11, k)) - cost(simulate(better, 11, k)) for k in range(pairs)]
        yield float(np.mean(saved)), float(np.std(saved, ddof=1)) / math.sqrt(pairs)


def test_better_means_are_not_worse_on_average():
    assert all(saved >= -4 * error for saved, error in no_worse(40))


@pytest.mark.prove
def test_better_means_are_better_on_average_over_400_pairs():
    assert all(saved > 0 and saved >= -4 * error for saved, error in no_worse(400))
