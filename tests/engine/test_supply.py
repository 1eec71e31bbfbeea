"""Flows and dated deliveries: how much comes, when, and what policy does to it."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest

from sim import catalogue
from sim.catalogue.market import Flow, PolicyEvent
from sim.engine.supply import DAY, YEAR, Arrival, Policy, arrivals, flow_arrivals, value_at
from sim.quantities.distributions import Constant, Lognormal
from sim.scenario import load_scenario
from sim.streams import Luck

START = dt.date(2022, 1, 1)
PUBLISHED = {
    "licensed-a100": 29857 + 31905 + 10934,
    "licensed-a800": 28132 + 29306 + 26386 + 28505 + 9089,
    "licensed-h800": 7342 + 31916 + 56333 + 19838,
    "licensed-h20": 138719 + 223064 + 272247 + 324380 + 361677 + 152692,
}
CONTROLS = ("us-2022-08-26", "us-2022-10-07", "us-2023-10-17", "us-2025-04-09")


def policy(*names: str, **own: PolicyEvent) -> Policy:
    events = {name: catalogue.entry("policy", name).item for name in names}
    return Policy({**events, **own}, START)  # type: ignore[dict-item]


def flow(name: str) -> Flow:
    item = catalogue.entry("supply", name).item
    assert isinstance(item, Flow)
    return item


def come(
    name: str, rules: Policy, seed: int = 0, years: float = 6.0, **changes: object
) -> list[Arrival]:
    item = flow(name).model_copy(update=changes)
    return flow_arrivals(item, "pool", item.chip, rules, years * YEAR, Luck(seed, 0), "lots")


def chips(found: list[Arrival]) -> int:
    return sum(a.chips for a in found)


@pytest.mark.parametrize("name", PUBLISHED)
def test_under_the_controls_as_they_were_a_flow_adds_up_to_the_published_quarters(name):
    assert chips(come(name, policy(*CONTROLS))) == PUBLISHED[name]
    assert chips(come(name, policy())) > 1.5 * PUBLISHED[name]


def test_a_control_that_comes_earlier_stops_the_flow_on_its_day():
    early = policy(control=PolicyEvent(date=dt.date(2023, 7, 1), blocks=("H800-SXM-80",)))
    assert chips(come("licensed-h800", early)) == 7342 + 31916
    assert (
        max(a.time for a in come("licensed-h800", early))
        <= early.seconds(dt.date(2023, 7, 1)) + YEAR / 12
    )


def test_a_control_that_comes_later_lets_the_open_flow_go_on_until_then():
    late = policy(control=PolicyEvent(date=dt.date(2024, 4, 17), blocks=("H800-SXM-80",)))
    extra = flow("licensed-h800").then * (dt.date(2024, 4, 17) - dt.date(2023, 10, 17)).days * DAY
    assert chips(come("licensed-h800", late)) == int(PUBLISHED["licensed-h800"] + extra)


def test_of_two_controls_the_second_stops_what_the_first_leaves_alone():
    first = PolicyEvent(date=dt.date(2023, 1, 1), blocks=("A800-SXM-80",))
    second = PolicyEvent(date=dt.date(2023, 7, 1), blocks=("H800-SXM-80",))
    both = come("licensed-h800", policy(first=first, second=second))
    assert both == come("licensed-h800", policy(second=second))
    assert chips(both) == 7342 + 31916


def test_an_event_before_the_start_holds_from_the_start_and_one_after_the_horizon_does_nothing():
    before = policy(control=PolicyEvent(date=dt.date(2020, 1, 1), blocks=("H800-SXM-80",)))
    after = policy(control=PolicyEvent(date=dt.date(2040, 1, 1), blocks=("H800-SXM-80",)))
    assert come("licensed-h800", before) == []
    assert come("licensed-h800", after) == come("licensed-h800", policy())


def test_the_same_chip_blocked_twice_is_blocked_once():
    once = policy("us-2023-10-17")
    twice = policy(
        "us-2023-10-17", again=PolicyEvent(date=dt.date(2023, 11, 17), blocks=("H800-SXM-80",))
    )
    assert come("licensed-h800", once) == come("licensed-h800", twice)


def test_opening_lets_a_part_of_a_blocked_flow_through_and_leaves_an_open_one_alone():
    reopened = policy("us-2025-04-09", "us-2025-07-15", "cn-2025-09-15")
    trickle = chips(come("licensed-h20", reopened)) - PUBLISHED["licensed-h20"]
    assert trickle == pytest.approx(17117, rel=0.01)
    assert come("licensed-h20", policy("us-2025-07-15")) == come("licensed-h20", policy())


def licence(date: str, share: float = 1.0) -> PolicyEvent:
    return PolicyEvent(date=dt.date.fromisoformat(date), opens=("H800-SXM-80",), licensed=share)


def block(date: str) -> PolicyEvent:
    return PolicyEvent(date=dt.date.fromisoformat(date), blocks=("H800-SXM-80",))


def shares(**events: PolicyEvent) -> list[float]:
    return [value for _, value in policy(**events).licensed("H800-SXM-80")]


def test_a_partial_licence_can_be_widened_and_only_a_block_takes_it_back():
    """A20: once a quarter was opened the rest stayed shut for ever."""
    quarter = licence("2023-02-01", 0.25)
    rest = licence("2023-03-01", 1.0)
    assert shares(a=block("2023-01-01"), b=quarter, c=rest) == [1, 0, 0.25, 1]
    half = licence("2023-03-01", 0.5)
    less = licence("2023-04-01", 0.1)
    assert shares(a=block("2023-01-01"), b=half, c=less) == [1, 0, 0.5]
    again = block("2023-05-01")
    assert shares(a=block("2023-01-01"), b=half, c=again, d=less) == [1, 0, 0.5, 0]


def test_what_is_opened_on_the_day_of_a_block_is_open_whatever_the_events_are_called():
    """A20: the name that came later in the alphabet had the last word."""
    closed = block("2023-01-01")
    opened = licence("2023-01-01", 0.25)
    assert shares(a=closed, b=opened) == shares(b=closed, a=opened) == [1, 0, 0.25]
    both = closed.model_copy(update={"opens": ("H800-SXM-80",), "licensed": 0.25})
    assert shares(a=both) == [1, 0, 0.25]
    # A quarter of a flow that was never blocked is no restriction.
    assert shares(a=opened) == [1]


def test_grey_chips_heed_enforcement_but_no_licences_and_domestic_ones_neither():
    block = PolicyEvent(
        date=dt.date(2022, 1, 1), blocks=("H100-SXM-80", "Ascend-910C"), trickle=0.25
    )
    assert come("domestic-910c", policy(act=block)) == come("domestic-910c", policy())
    total = [chips(come("grey-h100", policy(act=block), seed=k)) for k in range(40)]
    free = [chips(come("grey-h100", policy(), seed=k)) for k in range(40)]
    assert np.mean(total) == pytest.approx(0.25 * np.mean(free), rel=0.05)


def test_no_lot_comes_before_the_flow_begins_or_while_it_is_stopped():
    stop = PolicyEvent(date=dt.date(2024, 6, 1), trickle=0.0)
    rules = policy(stop=stop)
    times = [a.time for a in come("grey-h100", rules)]
    assert min(times) > rules.seconds(dt.date(2023, 1, 1))
    assert max(times) <= rules.seconds(stop.date)


def test_no_lot_is_left_out_of_a_flow_of_very_many():
    """Ten thousand lots of one chip, in two of three histories within 100 of that."""
    lots = {"lots": Constant(1.0), "chips": ((dt.date(2022, 1, 1), 10_000.0),)}
    dates = {"until": dt.date(2023, 1, 1), "then": 0.0, "scale": 1.0, "share": 1.0, "most": None}
    counts = [chips(come("grey-h100", policy(), seed, **lots, **dates)) for seed in range(5)]
    assert np.mean(counts) == pytest.approx(10_000, abs=4 * 100 / math.sqrt(5))
    assert max(counts) > 10_050


def test_no_lot_is_left_out_where_luck_brings_more_than_expected():
    """Some two thousand lots of six chips: in one of six histories a standard deviation more."""
    counts = []
    for seed in range(40):
        item = flow("grey-h100").model_copy(update={"lots": Lognormal(6.0, 0.3)})
        found = flow_arrivals(item, "pool", item.chip, policy(), 2 * YEAR, Luck(seed, 0), "lots")
        counts.append(len(found))
    mean = sum(counts) / len(counts)
    assert max(counts) > mean + math.sqrt(mean)


def test_factors_on_the_grey_market_multiply_and_set_its_price():
    rules = policy("us-2026-03-19", "us-2026-05-31")
    assert value_at(rules.grey_flow(), rules.seconds(dt.date(2026, 5, 1))) == pytest.approx(0.7)
    assert value_at(rules.grey_flow(), rules.seconds(dt.date(2026, 6, 1))) == pytest.approx(0.56)
    found = come("grey-h100", rules)
    assert found[0].premium == pytest.approx(1.2)
    assert found[-1].premium == pytest.approx(1.2**3)


def test_less_enforcement_brings_the_same_lots_sooner():
    half = come("grey-h100", policy(act=PolicyEvent(date=START, trickle=0.5)))
    full = come("grey-h100", policy())
    assert [a.chips for a in half] == [a.chips for a in full[: len(half)]]
    assert all(a.time < b.time for a, b in zip(full, half, strict=False))


def test_a_share_of_the_flow_is_a_share_of_every_lot():
    whole, tenth = come("grey-h100", policy()), come("grey-h100", policy(), share=0.1)
    largest = max(whole, key=lambda a: a.chips), max(tenth, key=lambda a: a.chips)
    assert largest[1].time == pytest.approx(largest[0].time)
    assert largest[1].chips == pytest.approx(0.1 * largest[0].chips, abs=1)
    assert chips(tenth) == pytest.approx(0.1 * chips(whole), abs=1)


def test_deliveries_come_on_their_date_or_before_the_event_they_are_bought_for():
    question = load_scenario("last-time-buy")
    fortnight = (dt.date(2023, 10, 3) - question.start).days * DAY

    def found(changes: dict) -> list[Arrival]:
        moved = question.override(changes)
        return arrivals(moved, Policy(moved.policy, moved.start), Luck(0, 0))

    assert [(a.time, a.chips, a.boxed) for a in found({})] == [(fortnight, 4000, True)]
    assert [a.time for a in found({"policy.us-2023-10-17.date": "2023-12-17"})] == [
        fortnight + 61 * DAY
    ]
    assert found({"policy.us-2023-10-17": None}) == []
    assert [
        a.time
        for a in found({"depot.deliveries": [{"chip": "h800", "chips": 8, "date": "2020-01-01"}]})
    ] == [0.0]
    assert found({"depot.deliveries": [{"chip": "h800", "chips": 8, "date": "2040-01-01"}]}) == []
