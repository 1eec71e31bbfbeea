"""Programmes: when a need outgrows a stock, and who is staffed with what."""

from __future__ import annotations

import datetime as dt
import math
import resource
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.engine import simulate
from sim.errors import InputError
from sim.results.ledger import DAY, YEAR
from sim.throughput.chip_worth import ChipWorth
from tests.engine.bare import (
    CHIPS,
    PLAIN,
    RATE,
    bare_scenario,
    cause,
    dead,
    exponential,
    lone,
    pool,
    programme,
    run,
)


@pytest.mark.parametrize(
    ("chips", "growth", "nodes"), [(8, 1.5, 4), (16, 2.4, 4), (2048, 2.4, 1250), (31, 1.01, 4)]
)
def test_without_failures_the_need_crosses_the_stock_when_the_logarithm_says(chips, growth, nodes):
    asked = programme(
        {"every": "1 yr", "growth": f"{growth} per yr", "chips": chips},
        fleet=pool(nodes=nodes),
        horizon="10 yr",
    )
    expected = math.log(8 * nodes / chips) / math.log(growth)
    assert run(asked).crossing / YEAR == pytest.approx(expected, rel=1e-9)


def test_a_need_that_does_not_grow_never_crosses():
    result = run(programme())
    assert not result.crossed
    assert result.metrics["crossing_days"] == 1000
    assert [r.finished for r in result.runs] == [True] * 10
    assert [r.ended - r.started for r in result.runs] == pytest.approx([10 * DAY] * 10)


def test_the_first_run_may_be_due_later_and_grows_from_there():
    late = {"every": "100 d", "growth": "2.4 per yr", "chips": 16, "first": "2023-04-11"}
    result = run(programme(late))
    assert result.runs[0].due == 100 * DAY
    assert result.crossing == pytest.approx(100 * DAY + YEAR * math.log(2) / math.log(2.4))


def test_a_grown_run_takes_more_chips_for_as_long():
    result = run(programme({"every": "1 yr", "growth": "2 per yr", "chips": 8}, horizon="3 yr"))
    assert [r.chips for r in result.runs] == [{"pool": 8}, {"pool": 16}, {"pool": 32}]
    assert [(r.ended - r.started) / DAY for r in result.runs] == pytest.approx([40, 40, 40])
    assert [r.tokens for r in result.runs] == pytest.approx(
        [RATE * CHIPS * 10 * DAY * f for f in (1, 2, 4)]
    )


def test_runs_of_a_list_start_on_their_dates_and_one_that_is_too_large_does_not():
    listed = [
        {"date": "2023-02-01", "chips": 32},
        {"date": "2023-01-01", "chips": 16},
        {"date": "2023-06-01", "chips": 64},
    ]
    result = run(programme(listed))
    assert [r.due / DAY for r in result.runs] == [0, 31, 151]
    assert [r.staffed for r in result.runs] == [True, True, False]
    assert result.crossing == 151 * DAY
    assert [r.chips for r in result.runs] == [{"pool": 16}, {"pool": 32}, {}]


def test_cold_spares_are_stock_from_the_start():
    result = run(programme(fleet=pool(nodes=8, cold_spares=2)))
    assert result.stock[1][0].tolist() == [8 * 10]


def test_runs_outside_the_horizon_are_not_due_and_without_any_there_is_no_programme():
    result = run(
        programme([{"date": "2023-02-01", "chips": 8}, {"date": "2030-01-01", "chips": 8}])
    )
    assert len(result.runs) == 1
    with pytest.raises(InputError, match="none of the runs is due"):
        simulate(programme([{"date": "2030-01-01", "chips": 8}]), 0)


def test_one_run_at_a_time():
    result = run(programme({"every": "4 d", "chips": CHIPS}, horizon="35 d"))
    assert [r.started / DAY for r in result.runs[:4]] == pytest.approx([0, 10, 20, 30])
    assert not result.runs[3].finished and result.runs[3].ended == 35 * DAY


def test_a_programme_without_a_staffed_run_is_not_finished_and_its_runs_were_due():
    """A17: no run of 1,000 chips fits on 32; a run that never had its turn was due as well."""
    none = run(programme({"every": "100 d", "chips": 1000}))
    assert (none.metrics["runs_due"], none.staffed_runs, none.finished) == (10, [], False)
    queue = run(programme({"every": "4 d", "chips": CHIPS}, horizon="35 d"))
    assert (len(queue.runs), len(queue.staffed_runs), queue.finished) == (9, 4, False)
    assert not queue.crossed


def out(node: int, day: float, days: float, **keys: Any) -> dict[str, Any]:
    """A node that is under repair for some days."""
    return lone(node, day, clock="powered", repair=f"{days} d") | keys


def test_a_repair_outgrows_no_stock():
    """A18: the run needs the whole fleet, and a node is out for three days now and then."""
    causes = [cause(lifetime=exponential(400), repair="3 d")]
    result = run(programme(fleet=pool(failures={"causes": causes})), 1)
    assert sum(result.failures.values()) > 5
    assert not result.crossed
    dies = {"causes": [lone(1, 500, clock="powered", scope="node", permanent=1)]}
    assert run(programme(fleet=pool(failures=dies))).crossing == pytest.approx(500 * DAY)


def test_a_run_that_is_due_during_an_outage_starts_when_that_is_over():
    """A18: it was dropped."""
    listed = [{"date": "2023-01-21", "chips": 32}, {"date": "2023-02-20", "chips": 16}]
    result = run(programme(listed, fleet=pool(failures={"causes": [out(1, 19, 3)]})))
    assert [r.started / DAY for r in result.runs] == pytest.approx([22, 50])
    assert (result.finished, result.crossed) == (True, False)


def test_a_run_that_waits_for_a_repair_lets_smaller_ones_pass():
    listed = [{"date": "2023-01-21", "chips": 32}, {"date": "2023-02-20", "chips": 16}]
    long = {"causes": [out(1, 19, 100)]}
    result = run(programme(listed, fleet=pool(failures=long)))
    assert [r.started / DAY for r in result.runs] == pytest.approx([119, 50])
    ends_before = run(programme(listed, fleet=pool(failures=long), horizon="100 d"))
    assert [r.staffed for r in ends_before.runs] == [False, True]
    assert (ends_before.crossed, ends_before.runs[0].short) == (False, False)


def test_a_run_whose_nodes_die_while_it_waits_is_short():
    causes = [out(1, 19, 100), lone(2, 40, clock="powered", permanent=1)]
    listed = [{"date": "2023-01-21", "chips": 32}]
    result = run(programme(listed, fleet=pool(failures={"causes": causes})))
    assert (result.runs[0].short, result.crossing) == (True, 20 * DAY)


def test_time_between_runs_is_in_the_ledger():
    result = run(programme())
    assert result.time["between"] == pytest.approx(900 * DAY)
    assert math.fsum(result.time.values()) == pytest.approx(1000 * DAY)
    told = [event.time / DAY for event in result.trace.events("state") if event.what == "between"]
    assert told == pytest.approx([100 * k + 10 for k in range(10)])


def test_only_runs_make_chips_active():
    assert run(programme()).active_chip_seconds == pytest.approx(10 * CHIPS * 10 * DAY, rel=1e-12)
    too_large = [{"date": "2023-01-01", "chips": CHIPS + 1}]
    assert run(programme(too_large)).active_chip_seconds == 0.0


def test_nodes_that_do_research_are_powered_and_step_in_for_broken_ones():
    """One node dies during the run; without another the run would wait for ever."""
    fails = {
        "causes": [
            {
                "cause": "dead",
                "scope": "chip",
                "lifetime": "5 d",
                "nodes": [0.0, 0.3],
                "permanent": 1,
            }
        ]
    }
    short = run(
        programme([{"date": "2023-01-01", "chips": 32}], fleet=pool(failures=fails), horizon="50 d")
    )
    spare = run(
        programme(
            [{"date": "2023-01-01", "chips": 32}],
            fleet=pool(nodes=8, failures=fails),
            horizon="50 d",
        )
    )
    assert not short.runs[0].finished
    assert spare.runs[0].finished
    assert sum(spare.failures.values()) > spare.interruptions


def test_research_leaves_less_for_the_run():
    assert run(programme(research=0.5)).runs[0].staffed is False
    assert run(programme({"every": "100 d", "chips": 16}, research=0.5)).runs[0].staffed is True


def test_chips_are_worth_what_they_do_and_nothing_where_the_model_does_not_fit():
    """The weak ones do a quarter of the work; those without memory none."""
    plain = PLAIN["fleet"]["pool"]
    weak = {"chip": "H20-96", "throughput": {"tokens_per_second_per_chip": RATE / 4}}
    weak["stack"] = "megatron-lm"
    tiny = {
        "chip": {"like": "H800-SXM-80", "memory": "1 MB"},
        "stack": "hai-llm",
        "throughput": None,
    }
    fleet = {"pool": plain, "weak": plain | weak, "tiny": plain | tiny}
    asked = programme(fleet=fleet, research=0.5, offload={"weak": 0.5}, reference="pool")
    worth = run(asked).worth
    assert worth.pools == ("pool", "weak", "tiny")
    assert worth.worth == pytest.approx((1.0, 0.25, 0.0))
    assert worth.offload == (0.0, 0.5, 0.0)
    assert (worth.mixing, worth.research) == (1.0, 0.5)
    chips = {name: one.chip for name, one in asked.resolve(0, 0).fleet.items()}
    peak = {name: chip.bf16 * chip.kernel_efficiency for name, chip in chips.items()}
    assert worth.bench == pytest.approx([peak[name] / peak["pool"] for name in worth.pools])


def test_chips_of_which_nothing_else_is_said_are_worth_their_sum():
    plain = ChipWorth(("good", "weak"), (1.0, 0.5), (1, 1))
    assert plain.together(np.array([8.0, 8.0])) == pytest.approx([8.0, 12.0])


def test_a_type_of_which_nothing_is_free_costs_no_mixing():
    mixed = ChipWorth(("good", "weak", "last"), (1.0, 0.5, 0.1), (1, 1, 1), mixing=0.9)
    assert mixed.together(np.array([0.0, 8.0, 0.0])) == pytest.approx([0.0, 4.0, 4.0])
    assert mixed.together(np.array([8.0, 0.0, 10.0])) == pytest.approx([8.0, 8.0, 0.9 * 9])


BOTH = ChipWorth(("good", "weak"), (1.0, 0.2), (1, 1), mixing=0.9, research=0.5)


def test_two_types_reach_less_than_their_sum_together():
    assert BOTH.available(np.array([100.0, 1000.0])) == pytest.approx(0.9 * (50 + 100))


def test_a_type_that_would_slow_the_rest_drops_out():
    assert BOTH.available(np.array([100.0, 10.0])) == pytest.approx(50)
    assert BOTH.staff(np.array([100.0, 10.0]), 50.0) == {"good": 50.0}
    assert BOTH.staff(np.array([100.0, 10.0]), 50.5) is None


def test_a_type_drops_out_when_it_can_no_longer_hold_a_replica():
    few = ChipWorth(("good", "weak"), (1.0, 0.2), (64, 256), research=0.0)
    assert few.available(np.array([100.0, 255.0])) == 100
    assert few.available(np.array([100.0, 256.0])) == pytest.approx(151.2)
    assert few.available(np.array([63.0, 255.0])) == 0


def test_the_best_chips_are_taken_first_and_only_as_many_as_needed():
    assert BOTH.staff(np.array([100.0, 1000.0]), 30.0) == {"good": 30.0}
    assert BOTH.staff(np.array([100.0, 1000.0]), 90.0) == {
        "good": 50.0,
        "weak": pytest.approx(250.0),
    }


def test_offloading_frees_good_chips_by_what_weak_ones_are_worth_to_research():
    away = ChipWorth(
        ("good", "weak"), (1.0, 0.2), (1, 1), research=0.5, offload=(0.0, 1.0), bench=(1.0, 0.5)
    )
    free = away.free(np.array([100.0, 1000.0]))
    assert free == pytest.approx([100.0, (500 - 100) * 0.2])
    short = away.free(np.array([1000.0, 100.0]))
    assert short == pytest.approx([500 + 25, 0.0])


@given(
    st.lists(st.floats(0, 1e5), min_size=3, max_size=3),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0.5, 1),
)
def test_work_is_neither_made_nor_lost_by_offloading(chips, research, share, mixing):
    names, worth = ("a", "b", "c"), (1.0, 0.6, 0.1)
    plain = ChipWorth(names, worth, (0, 0, 0), mixing, research)
    moved = ChipWorth(names, worth, (0, 0, 0), mixing, research, (0.0, 0.0, share))
    owned = np.array(chips)
    assert moved.free(owned).sum() == pytest.approx(plain.free(owned).sum(), rel=1e-9, abs=1e-6)
    assert (moved.free(owned) >= -1e-6).all()


def test_a_pool_may_begin_empty_and_fill_up():
    flow = {
        "chip": "pool",
        "origin": "domestic",
        "chips": [["2023-01-01", 320]],
        "until": "2023-12-27",
        "share": 1,
    }
    runs = {"every": "100 d", "chips": 32, "first": "2023-06-01"}
    result = run(
        programme(runs, fleet=pool(nodes=0), depot={"supply": {"flow": flow}}, horizon="400 d")
    )
    assert result.metrics["usable.pool_end"] == 320
    assert [r.finished for r in result.runs] == [True] * 3
    with pytest.raises(InputError, match="has no nodes"):
        bare_scenario(fleet=pool(nodes=0))


def test_moving_a_control_changes_nothing_before_it():
    """Common random numbers: until the earlier of two dates both programmes have the same failures."""
    asked = programme(
        fleet=pool(nodes=40, failures=dead(0.3)),
        depot={"vendor": {"lead": "3 d"}, "cannibalise": True},
        policy={"us-2022-10-07": {"date": "2023-03-01", "ends_support": ["pool"]}},
    )
    moved = asked.override({"policy.us-2022-10-07.date": "2023-09-01"})
    day = (dt.date(2023, 3, 1) - asked.start).days * DAY
    a, b = ([item for item in run(q, 3).trace if item.time < day] for q in (asked, moved))
    assert a == b
    assert run(moved, 3).metrics["usable.pool_end"] > run(asked, 3).metrics["usable.pool_end"]


def test_the_same_seed_gives_the_same_programme_and_another_replication_another():
    asked = programme(fleet=pool(nodes=20, failures=dead(0.2)), depot={"cannibalise": True})
    assert run(asked, 5).fingerprint == run(asked, 5).fingerprint != run(asked, 5, 1).fingerprint


@pytest.mark.prove
def test_300_000_chips_over_five_years_take_five_seconds_and_half_a_gigabyte():
    chips = {"h800": "H800-SXM-80", "a100": "A100-SXM-80", "a800": "A800-SXM-80", "h20": "H20-96"}
    fleet = {
        name: {
            "chip": chip,
            "chips": 75000,
            "stack": "hai-llm",
            "failures": dead(0.04),
            "throughput": {"tokens_per_second_per_chip": 500},
        }
        for name, chip in chips.items()
    }
    asked = programme(
        {"every": "6 months", "growth": "2.4 per yr", "chips": 2048},
        horizon="5 yr",
        run={"tokens": 5e12},
        fleet={"pool": None} | fleet,
        depot={
            "repair": {"like": "china-shops", "capacity": "2000 per month"},
            "vendor": {"lead": "30 d"},
            "cannibalise": True,
            "deliveries": [
                {"chip": "h20", "nodes": 500, "date": f"202{k}-06-01"} for k in (3, 4, 5)
            ],
        },
        policy={"us-2022-10-07": {}, "us-2023-10-17": {}},
    )
    run(asked)
    start = time.process_time()
    result = run(asked, 0, 1)
    assert time.process_time() - start < 5
    assert 55_000 < sum(result.failures.values()) < 65_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 500_000


GREY = {
    "chip": "pool",
    "origin": "grey",
    "until": "2024-01-01",
    "chips": [["2023-01-01", 6400]],
    "lots": {"lognormal": {"median": 8, "sigma": 0.5}},
}
LIFTED = {"date": "2023-01-01", "trickle": 1e6}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"depot": {"supply": {"f": GREY | {"share": 1e6}}}}, r"depot.supply.f: chips: 6\.4e\+09"),
        ({"depot": {"supply": {"f": GREY}}, "policy": {"x": LIFTED}}, "depot.supply.f: chips: 6"),
        ({"depot": {"supply": {"f": GREY | {"scale": 1e30}}}}, "depot.supply.f: chips: 6"),
        (
            {"fleet": pool(nodes=10_000_000)},
            "fleet.pool: 10,000,000 nodes, .* than 10,000,000 chips",
        ),
        ({"fleet": pool(cold_spares=2_000_000)}, "fleet.pool: 2,000,004 nodes"),
        ({"fleet": pool(hot_spares={"uncertain": [0, 1e7, 1e7]})}, "fleet.pool: .* nodes"),
        (
            {"depot": {"deliveries": [{"chip": "pool", "nodes": 5e6, "date": "2023-02-01"}]}},
            "fleet.pool: 5,000,004 nodes, those that will come among them",
        ),
        ({"represents": 0.5}, "represents = 0.5: must be at least 1"),
        ({"represents": 1e-9}, "represents = 1e-09: must be at least 1"),
    ],
)
def test_more_chips_than_can_be_simulated_are_refused_by_what_brings_them_and_at_once(
    changes, told
):
    start = time.process_time()
    with pytest.raises(InputError, match=told):
        run(programme(**changes))
    assert time.process_time() - start < 1.0
