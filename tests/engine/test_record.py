"""What must hold in every programme, whatever its policy, depot and supply: no chip is made, lost
or in two places.
"""

from __future__ import annotations

import datetime as dt
import gc
import json
import math
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.__main__ import main
from sim.engine import simulate
from sim.errors import InputError
from sim.results.ledger import FIELDS, NO_NODE, Move, Trace
from sim.results.programme import ProgrammeResult
from tests.engine.bare import cause, dead, endless, pool, programme, run

event = st.fixed_dictionaries(
    {
        "date": st.dates(dt.date(2022, 6, 1), dt.date(2024, 6, 1)).map(str),
        "blocks": st.sampled_from([[], ["A100-SXM-80"], ["weak"]]),
        "opens": st.sampled_from([[], ["A100-SXM-80"]]),
        "ends_support": st.sampled_from([[], ["pool"], ["A100-SXM-80", "weak"]]),
        "trickle": st.sampled_from([1, 0, 0.3]),
    }
)
flow_of = st.fixed_dictionaries(
    {
        "chip": st.sampled_from(["pool", "weak"]),
        "origin": st.sampled_from(["licensed", "grey", "domestic"]),
        "chips": st.just([["2022-12-01", 300], ["2023-02-01", 70]]),
        "until": st.just("2023-05-01"),
        "then": st.sampled_from(["0 per yr", "200 per yr"]),
    }
)
anything = given(
    seed=st.integers(0, 2**32),
    rates=st.tuples(st.sampled_from([0, 0.3, 3]), st.sampled_from([0, 1])),
    depot=st.fixed_dictionaries(
        {
            "cannibalise": st.booleans(),
            "stock": st.sampled_from([{}, {"pool": 9, "weak": 1}]),
            "vendor": st.sampled_from([None, {"lead": {"exponential": {"mean": "20 d"}}}]),
            "repair": st.sampled_from(
                [None, {"capacity": "0.2 per day", "turnaround": "9 d", "success": 0.6}]
            ),
            "supply": st.dictionaries(st.sampled_from(["one", "two"]), flow_of, max_size=2),
            "deliveries": st.lists(
                st.sampled_from(
                    [
                        {"chip": "weak", "chips": 13, "date": "2023-03-03"},
                        {"chip": "pool", "nodes": 3, "date": "2023-07-01"},
                    ]
                ),
                max_size=2,
            ),
        }
    ),
    policy=st.dictionaries(st.sampled_from(["mine-1", "mine-2"]), event, max_size=2),
    growth=st.sampled_from([0.5, 1, 3]),
    research=st.sampled_from([0, 0.4]),
    offload=st.sampled_from([{}, {"weak": 0.7}]),
)


def assert_conserved(seed, rates, depot, policy, growth, research, offload) -> None:
    weak = {
        "chip": "L20-48",
        "nodes": 3,
        "stack": "megatron-lm",
        "throughput": {"tokens_per_second_per_chip": 30},
    }
    asked: dict[str, Any] = dict(
        runs={"every": "60 d", "growth": f"{growth} per yr", "chips": 24},
        fleet={**pool(failures=dead(rates[0])), "weak": weak | {"failures": dead(rates[1])}},
        depot=depot, policy=policy, research=research, offload=offload, horizon="400 d",
    )  # fmt: skip
    try:
        result = run(programme(**asked), seed)
    except InputError as error:
        assert "are one act, on one date" in str(error)
        return
    walk(result)


def walk(result: ProgrammeResult) -> None:
    """Follow every event of the trace: chips of each type by place, none below zero, each node
    where it was left.
    """
    fleet, here = result.scenario.fleet, Counter[tuple[str, str]]()
    for name, spec in fleet.items():
        here[name, "research"] = round(spec.active_nodes + spec.hot_spares) * spec.chip.node_size
        here[name, "cold_spare"] = round(spec.cold_spares) * spec.chip.node_size
    for name, chips in result.scenario.depot.stock.items():
        here[name, "stock"] += round(chips)
    supplied = {name: sum(n for (key, _), n in here.items() if key == name) for name in fleet}
    place: dict[tuple[str, int], str] = {}
    for item in result.trace:
        name = item.pool
        if isinstance(item, Move):
            here[name, item.origin] -= item.chips
            here[name, item.place] += item.chips
            assert here[name, item.origin] >= 0
            if item.node != NO_NODE:
                assert place.get((name, item.node), item.origin) == item.origin
                place[name, item.node] = item.place
            assert sum(n for (key, _), n in here.items() if key == name) == supplied[name]
        elif item.kind == "arrival":
            supplied[name] += round(item.amount)
            here[name, item.what] += round(item.amount)
    assert +here == +Counter(result.counts)
    for name in fleet:
        assert sum(n for _, key, n, _ in result.bought if key == name) == supplied[name]
        present = math.fsum(s for (key, _), s in result.chip_seconds.items() if key == name)
        arrived = math.fsum(
            chips * (result.wall - t) for t, key, chips, _ in result.bought if key == name
        )
        assert present == pytest.approx(arrived, rel=1e-9)
        chips = dict(zip(result.worth.pools, result.stock[1][-1], strict=True))[name]
        assert chips == sum(
            here[name, usable] for usable in ("active", "research", "hot_spare", "cold_spare")
        )
    assert math.fsum(result.time.values()) == pytest.approx(result.wall, rel=1e-9)


@settings(max_examples=100)
@anything
def test_chips_are_conserved_by_type_at_every_event_of_any_programme(**example):
    assert_conserved(**example)


def test_the_walk_notices_a_move_that_is_left_out_and_a_chip_that_is_lost():
    result = run(programme(fleet=pool(nodes=20, failures=dead(0.5)), depot={"cannibalise": True}))
    walk(result)
    fields = result.trace.fields
    moves = [k for k, item in enumerate(result.trace) if isinstance(item, Move)]
    for k in (moves[0], moves[len(moves) // 2], moves[-1]):
        with pytest.raises(AssertionError):
            rest = fields[: k * FIELDS] + fields[(k + 1) * FIELDS :]
            walk(replace(result, trace=Trace(rest)))
    with pytest.raises(AssertionError):
        walk(replace(result, counts={**result.counts, ("pool", "scrap"): 0}))


@pytest.mark.parametrize(
    ("dates", "same_as"),
    [
        (["2001-01-01"], ["2023-01-01"]),
        (["2099-01-01"], []),
        (["2023-03-01", "2023-04-01"], ["2023-03-01"]),
    ],
    ids=["before the start", "after the horizon", "twice"],
)
def test_a_control_outside_the_years_of_a_programme_or_repeated_is_handled(dates, same_as):
    """Before the start it holds from the start, after the horizon it changes nothing, a second time
    it adds nothing.
    """
    flow = {
        "chip": "pool",
        "origin": "licensed",
        "chips": [["2023-01-01", 900]],
        "until": "2023-12-31",
    }
    end = {"blocks": ["A100-SXM-80"], "ends_support": ["pool"]}

    def under(days: list[str]) -> ProgrammeResult:
        return run(
            programme(
                fleet=pool(nodes=40, failures=dead(0.5)),
                depot={
                    "vendor": {"lead": "3 d"},
                    "supply": {"flow": flow | {"share": 1}},
                    "cannibalise": True,
                },
                policy={f"mine-{k}": {"date": day} | end for k, day in enumerate(days)},
            )
        )

    result, like = under(dates), under(same_as)
    walk(result)
    assert (result.bought, result.counts, result.stock[1].tolist()) == (
        like.bought,
        like.counts,
        like.stock[1].tolist(),
    )
    open_, blocked = under([]), under(["2023-01-01"])
    assert len(open_.bought) > len(blocked.bought)
    assert open_.counts.get(("pool", "scrap"), 0) == 0 < blocked.counts["pool", "scrap"]


BOUGHT = ["sim", "run", "last-time-buy", "--replications", "2", "--fixed-inputs"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            "policy.mine={date: 2023-10-17, blocks: [H800-SXM-81]}",
            "no chip 'H800-SXM-81' in the catalogue or the fleet",
        ),
        (
            "policy.again={date: 2023-10-17, blocks: [H800-SXM-80]}",
            "us-2023-10-17 and again are one act, on one date",
        ),
        ("policy.us-2023-10-18={}", "no policy event 'us-2023-10-18'"),
        ("policy.us-2023-10-17.date=soon", "expected a date like 2024-06-01"),
    ],
)
def test_a_control_of_an_unknown_chip_or_given_twice_is_refused_by_name(
    change, complaint, monkeypatch, capsys
):
    monkeypatch.setattr(sys, "argv", [*BOUGHT, "--set", change])
    with pytest.raises(SystemExit) as end:
        main()
    answer = capsys.readouterr()
    assert (end.value.code, answer.out) == (2, "")
    assert complaint in answer.err
    assert len(answer.err.splitlines()) == 1


@pytest.mark.parametrize("date", ["2001-01-01", "2099-01-01"])
def test_a_control_moved_out_of_the_years_of_a_scenario_runs(date, monkeypatch, capsys):
    changes = ["--json", "--set", f"policy.us-2023-10-17.date={date}"]
    monkeypatch.setattr(sys, "argv", [*BOUGHT, *changes])
    with pytest.raises(SystemExit, match=r"^0$"):
        main()
    assert "crossing_days" in json.loads(capsys.readouterr().out)["metrics"]


@pytest.mark.parametrize("cannibalise", [True, False])
def test_a_node_that_dies_as_a_whole_leaves_its_chips_to_others_where_nodes_are_cannibalised(
    cannibalise,
):
    board = {
        "cause": "board",
        "scope": "node",
        "lifetime": "5 d",
        "nodes": [0.0, 1e-6],
        "permanent": 1,
    }
    chip = {
        "cause": "chip",
        "scope": "chip",
        "lifetime": "9 d",
        "nodes": [0.6, 0.63],
        "permanent": 1,
    }
    fleet, depot = (
        pool(nodes=8, failures={"causes": [board, chip]}),
        {"cannibalise": cannibalise, "stock": {"pool": 2}},
    )
    result = run(programme(fleet=fleet, depot=depot, horizon="10 d"))
    walk(result)
    found = {place: n for (_, place), n in result.counts.items() if n}
    if cannibalise:
        assert found == {"research": 56, "stock": 2, "scrap": 8}
    else:  # the two from stock mend the other node twice; the third of its chips to die takes it out
        assert found == {"research": 48, "idle": 8 + 7, "scrap": 3}


@pytest.mark.prove
@settings(max_examples=2000)
@anything
def test_chips_are_conserved_by_type_at_every_event_of_very_many_programmes(**example):
    assert_conserved(**example)


def test_what_is_only_rounding_is_nothing() -> None:
    """Stalls that a roll-back takes back leave the rounding of their sums, also below zero."""
    failures = {"causes": [cause(per_1000_node_days=500, hardware=False)]}
    flaps = {"duration": {"exponential": {"mean": "3 s"}}, "ride_through": "1 min"}
    scenario = endless(
        10,
        fleet=pool(failures=failures),
        checkpoint={"interval": "12 h"},
        fabric={"flaps": {"per_node_day": 0.01, **flaps}},
    )
    for replication in range(10):
        metrics = simulate(scenario, 1, replication).metrics
        assert not {name: value for name, value in metrics.items() if 0 < abs(value) < 1e-9}


def test_a_trace_is_gone_with_its_result_and_waits_for_no_collector():
    fleet = pool(nodes=100, cold_spares=50, failures={"causes": [cause(per_1000_node_days=50)]})
    scenario = endless(365, fleet=fleet)
    simulate(scenario)
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        rows = len(simulate(scenario).trace)
        left = len(gc.get_objects()) - before
    finally:
        gc.enable()
    assert rows > 5000
    assert left < rows / 2
