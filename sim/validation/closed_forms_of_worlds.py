"""Closed forms of what a stock could staff: the largest run, a need that falls, production, layers.

Nothing fails here, so every number is exact to its last digits.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np

from sim.catalogue.market import Flow, PolicyEvent, Product, Production
from sim.engine.supply import Policy, cumulative, month_ends, production_arrivals
from sim.results.ledger import DAY, YEAR, Floats
from sim.scenario import Scenario
from sim.validation.bare_scenario import RATE, bare_scenario, pool, programme
from sim.validation.report import Rows, within

START = dt.date(2022, 1, 1)
SHARES = {"owner": 0.25, "run": 0.1, "inference": 0.5, "of_year": 0.06}
LENGTH = 0.25
"""Years that a run takes."""
CHIPS = 80_000
FALLING = 0.4
"""Factor a year of the need for the same model."""


def largest_run(_: float) -> Rows:
    """A stock of which a known share goes to one run, by either route, and of which a part stands
    for all.
    """
    date = dt.date(2022, 12, 31)
    exact = CHIPS * 0.25 * 0.1
    by_year = CHIPS * 0.25 * (1 - 0.5) * 0.06 / LENGTH
    for route, chips, other in (("A", exact, by_year), ("B", by_year, exact)):
        stock = _outlook(shares={**SHARES, "route": route})
        yield within(
            "largest run",
            f"chips of the largest run by route {route}",
            programme(stock).metrics[f"largest.{date}_chips"],
            chips,
            "the other route",
            other,
        )
    part = programme(_outlook().override({"represents": 100}))
    flop = exact * RATE * 6e9 * LENGTH * YEAR
    yield within(
        "largest run",
        "FLOP of the largest run, one chip for a hundred",
        part.metrics[f"largest.{date}_flop"],
        flop,
        "not multiplied out",
        flop / 100,
    )


def need_met(_: float) -> Rows:
    """A need that falls to what a stock that stays the same could staff."""
    have = CHIPS * 0.25 * 0.1 * RATE * 6e9 * LENGTH * YEAR
    need = {"date": str(START), "flop": 5 * have, "growth": f"{FALLING} per yr"}
    result = programme(_outlook(needs={"again": need}))
    yield within(
        "need met",
        "years until a need that falls is met",
        result.metrics["met.again_days"] * DAY / YEAR,
        math.log(5) / -math.log(FALLING),
        "a fall that does not compound",
        (1 - 1 / 5) / (1 - FALLING),
    )


def two_stocks(_: float) -> Rows:
    """Chips made of dies that run out late and of memory that runs out early, and then late."""
    horizon = 4 * YEAR
    dies = _flow([("2022-01-01", 900_000), ("2023-01-01", 30_000)], then="20000 per year")
    stacks = _flow(
        [("2022-01-01", 240_000), ("2023-01-01", 720_000)], then="4000000 per year"
    )
    plan = _flow([("2022-01-01", 10**8)], then="100000000 per year")
    production = Production(
        dies={"bank": dies},
        stacks={"bank": stacks},
        good=0.8,
        products={"chip": Product(plan=plan, dies=2, stacks=8)},
    )
    policy = Policy({}, START)
    made = production_arrivals(production, {"chip": "pool"}, policy, horizon)
    ends = month_ends(horizon)
    came = np.cumsum([sum(a.chips for a in made if a.time == end) for end in ends])

    def by_the_ends(flow: Flow) -> Floats:
        return np.interp(ends, *cumulative(flow, policy, [(-math.inf, 1.0)], horizon))

    # Where nothing else takes from them, what is made is the lesser of two rising lines.
    of_dies = by_the_ends(dies) / 2
    of_stacks = by_the_ends(stacks) / 8
    exact = np.floor(0.8 * np.minimum(of_dies, of_stacks) + 1e-9)
    yield within(
        "two stocks",
        "chips made by the end of each month, added up over the months",
        float(came.sum()),
        float(exact.sum()),
        "memory never runs out",
        float(0.8 * of_dies.sum()),
    )
    yield within(
        "two stocks",
        "chips made in all",
        float(came[-1]),
        float(exact[-1]),
        "packaging loses nothing",
        float(exact[-1]) / 0.8,
    )


def licence_cap(_: float) -> Rows:
    """A licensed flow that is opened on a date and ends where its licences are used up."""
    opened = dt.date(2022, 7, 1)
    policy = Policy(
        {
            "block": PolicyEvent(date=START, blocks=("chip",)),
            "open": PolicyEvent(date=opened, opens=("chip",), licensed=0.5),
        },
        START,
    )
    most = 60_000
    rate = 0.5 * 100_000
    year = 365 * DAY
    flow = _flow([("2022-01-01", 100_000)], then="100000 per year", most=most)
    horizon = 3 * YEAR
    first = rate * 184 / 365
    times, total = cumulative(flow, policy, policy.on(flow, "chip"), horizon)
    yield within(
        "licences",
        "chips that licences let through",
        float(total[-1]),
        float(most),
        "no cap",
        first + rate * (horizon - year) / YEAR,
    )
    yield within(
        "licences",
        "days until they are used up",
        float(times[total >= most - 1e-6][0]) / DAY,
        (year + (most - first) / rate * YEAR) / DAY,
        "half the flow taken for all",
        (year + (most - 2 * first) / (2 * rate) * YEAR) / DAY,
    )


def layers(_: float) -> Rows:
    """Layers with disjoint keys in either order; of two that share a key the later holds."""
    half = {"changes": {"depot": {"supply": {"flow": {"scale": 0.5}}}}}
    third = {"changes": {"depot": {"supply": {"flow": {"scale": 0.25}}}}}
    more = {"changes": {"outlook": {"shares": {"owner": 0.5}}}}
    flow = {
        "chip": "pool",
        "origin": "licensed",
        "chips": [["2022-01-01", 40_000]],
        "until": "2022-12-01",
    }
    stock = _outlook(worlds={"half": half, "third": third, "more": more}).override(
        {"depot.supply.flow": flow}
    )
    name = "largest.2022-12-31_chips"

    def run(*worlds: str) -> float:
        return programme(stock.in_world(*worlds)).metrics[name]

    base = run()
    exact = 2 * (base - 0.5 * 0.025 * 40_000)
    for order in (("half", "more"), ("more", "half")):
        yield within(
            "layers",
            f"chips of the largest run, {' then '.join(order)}",
            run(*order),
            exact,
            "the first layer only",
            run(order[0]),
        )
    yield within(
        "layers",
        "chips of the largest run, half then third: the later holds",
        run("half", "third"),
        run("third"),
        "the earlier holds",
        run("half"),
    )


def _flow(chips: list[tuple[str, int]], **keys: Any) -> Flow:
    dated = tuple((dt.date.fromisoformat(date), float(number)) for date, number in chips)
    last = dated[-1][0]
    until = last.replace(year=last.year + 1)
    return Flow(chip="chip", origin="licensed", chips=dated, until=until, **keys)


def _outlook(**changes: Any) -> Scenario:
    """A stock from which nothing is lost, and what one run could have of it."""
    outlook = {"shares": SHARES, "length": f"{LENGTH} yr", "chips": 64, **changes}
    worlds = outlook.pop("worlds", {})
    return bare_scenario(
        start=str(START),
        horizon="5 yr",
        fleet=pool(nodes=CHIPS // 8, failures={"causes": []}),
        outlook=outlook,
        worlds=worlds,
    )
