"""Congestion and flaps against closed forms, and what a thousand flaps a day cost."""

from __future__ import annotations

import math
from statistics import fmean
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.catalogue.failures import Congestion
from sim.catalogue.failures import Flaps as FlapSpec
from sim.engine import simulate
from sim.engine.fabric import Fabric, Flaps, evenly_spread, flap_failures, share_below
from sim.quantities.distributions import Constant, Distribution, Lognormal, Mixture, Sum, Weibull
from sim.results.ledger import DAY, HOUR
from sim.streams import Luck
from tests.engine.bare import NODES, agree, bare_scenario, cause, endless, pool

# Flaps --------------------------------------------------------------------------------------------
# ------------------


def test_flaps_stop_the_job_for_an_exact_compound_poisson_sum():
    """Mean λ·E[d + b], variance λ·E[(d + b)²] of the stops in ten days of work; none is left out or
    counted twice.
    """
    per_day, mean, back_off = 500, 4.0, 1.0
    flaps = {
        "per_node_day": per_day,
        "duration": {"exponential": {"mean": f"{mean} s"}},
        "ride_through": "1 h",
        "back_off": f"{back_off} s",
    }
    q = bare_scenario(fabric={"flaps": flaps})
    stalls = [simulate(q, 3, k).time["stall"] for k in range(150)]
    number = per_day * NODES * 10
    assert agree(stalls, number * (mean + back_off))
    assert not agree(stalls, number * mean)
    variance = number * (2 * mean**2 + 2 * mean * back_off + back_off**2)
    assert agree([(s - number * (mean + back_off)) ** 2 for s in stalls], variance)
    assert not agree([(s - number * (mean + back_off)) ** 2 for s in stalls], number * mean**2)


@pytest.mark.parametrize("ride_through", [2.0, 5.0])
def test_flaps_longer_than_the_ride_through_are_failures_and_only_they(ride_through):
    """Exponential lengths: P(long) = e^{−c/m}; the short ones' mean is m − c/(e^{c/m} − 1)."""
    per_day, mean = 200, 2.0
    flaps = {
        "per_node_day": per_day,
        "duration": {"exponential": {"mean": f"{mean} s"}},
        "ride_through": f"{ride_through} s",
    }
    results = [simulate(endless(3, fabric={"flaps": flaps}), 3, k) for k in range(60)]
    long = math.exp(-ride_through / mean)
    computing = [r.wall for r in results]
    failures = [float(r.failures["link-flap"]) for r in results]
    expected = per_day * NODES * 3 * long
    assert agree(failures, expected)
    assert not agree(failures, per_day * NODES * 3 * (1 - long))
    assert all(wall == pytest.approx(3 * DAY) for wall in computing)
    moving = 3 * DAY - fmean(r.time["stall"] for r in results)
    short = mean - ride_through / math.expm1(ride_through / mean)
    assert agree(
        [r.time["stall"] for r in results], per_day * NODES * moving / DAY * (1 - long) * short
    )
    assert not agree(
        [r.time["stall"] for r in results], per_day * NODES * moving / DAY * (1 - long) * mean
    )


def test_a_flap_that_kills_the_job_costs_its_detection_and_sends_no_node_to_repair():
    flaps = {"per_node_day": 0.1, "duration": "60 s", "ride_through": "30 s", "detect": "10 min"}
    result = simulate(bare_scenario(fabric={"flaps": flaps}), 3)
    assert result.interruptions == result.failures["link-flap"] > 0
    assert result.time["detect"] == pytest.approx(600 * result.interruptions)
    assert ("pool", "repair") not in result.counts


moments = st.floats(0.0, 5e5)


def flapping(seed: int) -> Flaps:
    return Flaps(flaps_of(100, Lognormal(3.0, 1.0), "30 s", "0.5 s"), 8, Luck(seed, 0))


def flaps_of(
    per_node_day: float, duration: Distribution, ride_through: str, back_off: str = "0 s"
) -> FlapSpec:
    keys = {
        "per_node_day": per_node_day,
        "duration": duration,
        "ride_through": ride_through,
        "back_off": back_off,
    }
    return FlapSpec.model_validate(keys)


@given(moments, st.integers(0, 5))
def test_running_and_moving_time_are_each_others_inverse(moving, seed):
    flaps = flapping(seed)
    running = flaps.running(moving)
    assert running - flaps.stopped(running) == pytest.approx(moving, abs=1e-6)


@given(st.lists(moments, min_size=1, max_size=6), st.integers(0, 5))
def test_stops_do_not_depend_on_when_and_how_often_one_asks(asked, seed):
    once = flapping(seed)
    for running in asked:
        once.stopped(running)
    at = max(asked)
    assert once.stopped(at) == flapping(seed).stopped(at)
    assert all(0 <= once.stopped(r) <= r for r in asked)


def test_the_clock_of_moving_time_stands_still_within_a_flap():
    flaps = Flaps(flaps_of(1.0, Constant(100.0), "1000 s"), 1, Luck(7, 0))
    flaps.running(DAY)
    start = float(flaps._starts[0])
    assert flaps.stopped(start) == pytest.approx(0.0)
    assert flaps.stopped(start + 40) == pytest.approx(40.0)
    assert flaps.stopped(start + 100) == pytest.approx(100.0)
    assert flaps.running(start) == pytest.approx(start)
    assert flaps.running(start + 1) == pytest.approx(start + 101)


@pytest.mark.parametrize(
    ("distribution", "limit", "share"),
    [
        (Constant(5.0), 5.0, 1.0),
        (Constant(5.0), 4.9, 0.0),
        (Weibull(1.0, 10.0), 10.0, 1 - math.exp(-1)),
        (Lognormal(3.0, 1.0), 3.0, 0.5),
        (Mixture((0.9, 0.1), (Constant(60.0), Constant(2.0))), 30.0, 0.1),
    ],
)
def test_the_share_of_short_flaps(distribution, limit, share):
    assert share_below(distribution, limit) == pytest.approx(share, abs=1e-12)


def test_flaps_of_mixed_lengths_are_thinned_part_by_part():
    """Nine of ten last 2 s, one 60 s: the short ones stall, the long ones fail, whatever their
    order in the mixture.
    """
    for lengths in ([[0.9, "2 s"], [0.1, "60 s"]], [[0.1, "60 s"], [0.9, "2 s"]]):
        flaps = {"per_node_day": 50, "duration": {"mixture": lengths}, "ride_through": "30 s"}
        results = [simulate(endless(10, fabric={"flaps": flaps}), 3, k) for k in range(40)]
        moving = 10 - fmean(r.time["stall"] for r in results) / DAY
        assert agree([r.time["stall"] for r in results], 50 * NODES * moving * 0.9 * 2)
        assert agree([float(r.failures["link-flap"]) for r in results], 50 * NODES * 10 * 0.1)


def test_the_share_of_short_sums():
    """Two exponential times of 3 s last up to 6 s with probability 1 − 3·exp(−2)."""
    both = Sum((Weibull(1.0, 3.0), Weibull(1.0, 3.0)))
    exact = 1 - 3 * math.exp(-2)
    assert share_below(both, 6.0) == pytest.approx(exact, abs=2e-4)
    mixed = Mixture((1.0, 1.0), (both, Constant(60.0)))
    assert share_below(mixed, 6.0) == pytest.approx(exact / 2, abs=1e-4)


def test_points_are_spread_as_in_the_additive_recurrence_of_the_golden_ratio_and_its_kin():
    """In one dimension 1/φ, in two the plastic number (Roberts, 2018)."""
    [one] = evenly_spread(1, 1)
    assert one == pytest.approx([(math.sqrt(5) - 1) / 2])
    points = evenly_spread(3, 2)
    assert points[0] == pytest.approx([0.7548776662466927, 0.5698402909980532])
    assert points[2] == pytest.approx(3 * points[0] % 1)


def test_links_that_never_flap_stop_nothing():
    for flaps in (
        Flaps(flaps_of(0.0, Constant(9.0), "30 s"), 8, Luck(1, 0)),
        Flaps(flaps_of(1.0, Constant(9.0), "30 s"), 0, Luck(1, 0)),
    ):
        assert flaps.running(1e9) == 1e9
        assert flaps.stopped(1e9) == 0.0


SUM = {"sum": ["1 d", {"exponential": {"mean": "1 d"}}]}


@pytest.mark.parametrize("time", [SUM, {"mixture": [[1, SUM], [2, "3 d"]]}])
@pytest.mark.parametrize(
    "where",
    [
        "recovery.restart",
        "recovery.reschedule",
        "recovery.provision",
        "recovery.reconfigure",
        "fabric.congestion.bad",
        "fabric.flaps.duration",
        "fabric.flaps.detect",
        "fleet.pool.failures.causes.0.detect",
        "fleet.pool.failures.causes.0.restart",
        "fleet.pool.failures.causes.0.repair",
        "fleet.pool.failures.causes.0.repair.0.time",
        "fleet.pool.failures.causes.0.refail.after",
        "fleet.pool.failures.causes.1.lifetime",
        "depot.vendor.lead",
        "depot.repair.turnaround",
    ],
)
def test_a_sum_stands_wherever_a_distribution_does(where, time):
    """In a fleet where all of it happens: 90 days, a failure every other day."""
    gpu = cause(
        per_1000_node_days=100,
        permanent=0.5,
        repair=[{"time": "1 h"}] if "repair.0" in where else "1 h",
        refail={"probability": 0.5, "after": "1 d"},
    )
    ageing = {"cause": "ageing", "lifetime": {"exponential": {"mean": "30 d"}}}
    scenario = endless(
        90,
        fleet=pool(failures={"causes": [gpu, ageing]}, cold_spares=2),
        fabric={
            "congestion": {"share": 0.1, "slowdown": 2, "bad": "1 h"},
            "flaps": {"per_node_day": 1, "duration": "1 s", "ride_through": "1 min"},
        },
        depot={
            "vendor": {"lead": "1 d"},
            "repair": {"capacity": "1 per day", "turnaround": "1 d", "success": 0.5},
        },
    )
    name = "pool" if "pool" in scenario.fleet else next(iter(scenario.fleet))
    changed = scenario.override({where.replace("fleet.pool", f"fleet.{name}"): time})
    result = simulate(changed, 1)
    assert sum(result.time.values()) == pytest.approx(90 * DAY)


def test_no_failure_comes_of_flaps_that_are_all_ridden_through():
    assert flap_failures(flaps_of(100, Constant(2.0), "30 s")) is None
    assert flap_failures(flaps_of(100, Weibull(1.0, 2.0), "1 h")) is None
    assert flap_failures(flaps_of(100, Constant(31.0), "30 s"))


def test_a_year_of_a_thousand_flaps_a_day_costs_no_more_than_twice_a_year_without():
    """2,048 nodes that fail now and then, as a large job's do."""
    failing = pool(nodes=2048, failures={"causes": [cause(hardware=False, per_1000_node_days=6)]})
    plain = endless(365, fleet=failing, run={"batch": {"sequences": 16384}})
    flaps = {
        "per_node_day": 1000 / 2048,
        "duration": {"lognormal": {"median": "3 s", "sigma": 1}},
        "ride_through": "2 h",
    }
    flapping = plain.override({"fabric.flaps": flaps})

    def seconds(q) -> float:
        start = process_time()
        result = simulate(q, 1)
        assert result.wall == pytest.approx(365 * DAY)
        return process_time() - start

    without, with_them = (min(seconds(q) for _ in range(5)) for q in (plain, flapping))
    assert with_them < 2 * without
    stalled = simulate(flapping, 1).time["stall"] / (3 * math.exp(0.5))
    moving = 365 - stalled * 3 * math.exp(0.5) / DAY
    assert stalled == pytest.approx(1000 * moving, rel=0.01)


# Congestion ---------------------------------------------------------------------------------------
# ------------------


def congestion(share: float, slowdown: float, bad: str) -> Congestion:
    return Congestion.model_validate({"share": share, "slowdown": slowdown, "bad": bad})


def test_congestion_begins_good_and_alternates():
    fabric = Fabric(congestion(0.5, 3.0, "1 h"), 1, Luck(5, 0))
    assert fabric.slowdown == 1.0
    onset = fabric.next_change
    fabric.advance(onset - 1)
    assert fabric.slowdown == 1.0
    fabric.advance(onset)
    assert (fabric.slowdown, fabric.next_change) == (3.0, pytest.approx(onset + HOUR))
    fabric.advance(onset + HOUR)
    assert fabric.slowdown == 1.0


def test_the_job_is_slowed_while_any_of_its_pods_is():
    fabric = Fabric(congestion(0.5, 3.0, "1 h"), 4, Luck(5, 0))
    single = [Fabric(congestion(0.5, 3.0, "1 h"), pods, Luck(5, 0)) for pods in (1, 2, 3)]
    now, seen = 0.0, set()
    while now < 40 * HOUR:
        now = fabric.next_change
        for each in (fabric, *single):
            each.advance(now)
        assert fabric.slowdown >= single[2].slowdown >= single[1].slowdown >= single[0].slowdown
        assert (fabric.slowdown > 1) == any(fabric._congested)
        seen.add(sum(fabric._congested))
    assert {0, 1, 2} <= seen


@pytest.mark.parametrize(("share", "slowdown"), [(0.0, 3.0), (0.3, 1.0)])
def test_what_slows_nothing_is_no_event(share, slowdown):
    assert Fabric(congestion(share, slowdown, "1 h"), 2, Luck(5, 0)).next_change == math.inf


def test_congestion_goes_on_while_the_job_is_down():
    """Its onset is on wall time: three days of detection move the work, not the congestion."""
    fleet = pool(
        nodes=256,
        chip="H100-SXM-80",
        stack="llama-3",
        throughput=None,
        layout={"tensor": 8, "pipeline": 16},
    )
    slow = {"congestion": {"share": 0.3, "slowdown": 3, "bad": "12 h"}}
    run = {"model": "llama-3-405b", "batch": {"sequences": 2048}}
    down = {
        "causes": [
            cause(
                hardware=False, nodes=[0.0, 0.001], lifetime="1 d", clock="computing", detect="3 d"
            )
        ]
    }
    calm = simulate(endless(30, fleet=fleet, fabric=slow, run=run), 3)
    stopped = simulate(
        endless(
            30, fleet=fleet | {"pool": fleet["pool"] | {"failures": down}}, fabric=slow, run=run
        ),
        3,
    )
    share = [
        r.time["stall"] / (r.time["stall"] + r.time["productive"] + r.time["rework"])
        for r in (calm, stopped)
    ]
    assert stopped.time["detect"] > 15 * DAY
    assert share[1] > 0.3 * share[0]
    assert calm.time["stall"] > 0
