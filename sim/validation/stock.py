"""Closed forms of a stock: spares, repair, cannibalising, a growing need, and what comes in.

Each row simulates a whole programme, small enough to be solved by hand.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from sim import catalogue
from sim.catalogue.kinds import Flow, PolicyEvent
from sim.engine import simulate
from sim.engine.supply import Policy, flow_arrivals
from sim.programme import YEAR, ProgrammeResult
from sim.results import DAY
from sim.scenario import Scenario
from sim.streams import stream
from sim.validation.question import pool, question
from sim.validation.rows import ClosedForm, by_z, within

SEED = 20
RATE = 0.01
"""Deaths a day of a powered chip."""


def rows(effort: float = 1.0) -> list[ClosedForm]:
    """Every row; `effort` scales the replications, about a minute at 1."""
    return [row(effort) for row in ROWS]


def cold_spares(effort: float) -> ClosedForm:
    """The first death that no spare replaces comes after an Erlang time."""
    nodes, spares = 20, 30
    values = _days_to(_stock(nodes, 1, 400, stock=spares), nodes, 7000 * effort)
    exact = (spares + 1) / (nodes * RATE)
    twin = sum(1 / (k * RATE) for k in range(nodes, nodes + spares + 1))
    return by_z("O8", "days until cold spares run out", values, exact, "spares that age", twin)


def ageing_spares(effort: float) -> ClosedForm:
    """The same with spares that age like the rest."""
    nodes, spares = 20, 30
    values = _days_to(_stock(nodes + spares, 1, 400), nodes, 8000 * effort)
    exact = sum(1 / (k * RATE) for k in range(nodes, nodes + spares + 1))
    twin = (spares + 1) / (nodes * RATE)
    return by_z("O9", "days until ageing spares run out", values, exact, "spares that do not age", twin)


def survivors(effort: float) -> ClosedForm:
    """Survivors of a stock that nobody refills are binomial."""
    nodes, days = 400, 50.0
    values = [float(r.stock[1][-1, 0]) for r in _runs(_stock(nodes, 1, days), 700 * effort)]
    exact, twin = (nodes * math.exp(-rate * days) for rate in (RATE, 1.1 * RATE))
    return by_z("O10", f"survivors of {nodes} chips after {days:g} days", values, exact, "a tenth more deaths", twin)


def decay(effort: float) -> ClosedForm:
    """The time in which a stock falls from N to k."""
    nodes, left = 60, 15
    values = _days_to(_stock(nodes, 1, 400), left + 1, 6000 * effort)
    exact = sum(1 / (k * RATE) for k in range(left + 1, nodes + 1))
    return by_z("O10", f"days from {nodes} chips to {left}", values, exact, "a tenth more deaths", exact / 1.1)


def queue(effort: float) -> ClosedForm:
    """Little's law at a busy repair shop, the waiting time by Erlang's formula."""
    nodes, benches, mean, days = 40, 6, 12.0, 6000.0
    shop = _shop({"exponential": {"mean": f"{mean} d"}}, benches / mean)
    values = [_mean_in_shop(r, 500 * DAY) for r in _runs(_stock(nodes, 1, days, stock=400, repair=shop), 150 * effort)]
    arrivals, offered = nodes * RATE, nodes * RATE * mean
    tail = offered**benches / math.factorial(benches) / (1 - offered / benches)
    waits = tail / (sum(offered**k / math.factorial(k) for k in range(benches)) + tail)
    exact = arrivals * (mean + waits / (benches / mean - arrivals))
    return by_z("O18", "chips at a busy repair shop", values, exact, "nobody waits", offered)


def imperfect_repair(effort: float) -> ClosedForm:
    """Instant repair that succeeds with probability q: deaths until one cannot be replaced."""
    stock, q, values = 20, 0.7, []
    for result in _runs(_stock(20, 1, 1100, stock=stock, repair=_shop("0 s", 1e6, success=q)), 2000 * effort):
        end = _first_below(result, 20) * DAY
        values.append(float(sum(kind == "failure" and time <= end for time, kind, _, _ in result.trace)))
    exact, twin = (stock + 1) / (1 - q), stock + 1
    return by_z("O20", "deaths until one is not replaced", values, exact, "no repair", twin)


def repair_pipeline(effort: float) -> ClosedForm:
    """N wanted, S spares, repair times of any distribution: the share of time without a shortage."""
    nodes, spares, mean, days = 20, 5, 20.0, 4000.0
    turnaround = {"lognormal": {"median": f"{mean * math.exp(-0.5)} d", "sigma": 1}}
    shop = _shop(turnaround, (nodes + spares) / mean)
    values = [
        _share_at(r, nodes, 300 * DAY) for r in _runs(_stock(nodes, 1, days, stock=spares, repair=shop), 300 * effort)
    ]
    weight = [1.0]
    for j in range(1, nodes + spares + 1):
        weight.append(weight[-1] * min(nodes, nodes + spares - j + 1) * RATE * mean / j)
    exact, twin = sum(weight[: spares + 1]) / sum(weight), sum(weight[:spares]) / sum(weight)
    return by_z("O21", "share of time without shortage", values, exact, "one spare fewer", twin)


def cannibalised(effort: float) -> ClosedForm:
    """Broken nodes pooled at once."""
    nodes, size, least = 6, 8, 4
    values = _days_to(_stock(nodes, size, 200, cannibalise=True), least * size, 8000 * effort)
    exact = sum(1 / (size * RATE * ((nodes * size - d) // size)) for d in range((nodes - least) * size + 1))
    twin = sum(1 / (size * RATE * k) for k in range(least, nodes + 1))
    return by_z("O22", "days until fewer than 4 of 6 nodes work", values, exact, "broken nodes left alone", twin)


def outgrown(_: float) -> ClosedForm:
    """Without a single failure, the date when the need of a run outgrows the stock."""
    runs = {"every": "1 yr", "growth": "2.4 per yr", "chips": 2048}
    result = simulate(_stock(1250, 8, 5 * 365.25, rate=0.0).override({"runs": runs}), SEED)
    assert isinstance(result, ProgrammeResult)
    exact, twin = math.log(10000 / 2048) / math.log(2.4), (10000 / 2048 - 1) / 1.4
    title = "years until a need growing 2.4 times a year outgrows 10,000 chips"
    return within("crossing", title, result.crossing / YEAR, exact, wrong="growth that does not compound", twin=twin)


def licensed(_: float) -> ClosedForm:
    """Under the controls as they were, a flow adds up to the published quarters."""
    flow, event = catalogue.entry("supply", "licensed-h800").item, catalogue.entry("policy", "us-2023-10-17").item
    assert isinstance(flow, Flow) and isinstance(event, PolicyEvent)
    policy = Policy({"control": event}, dt.date(2023, 1, 1))
    come = flow_arrivals(flow, "h800", "H800-SXM-80", policy, 2 * YEAR, stream(SEED, 0, "lots"))
    total, exact = float(sum(arrival.chips for arrival in come)), sum(chips for _, chips in flow.chips)
    twin = exact + 30 * DAY * flow.then
    return within("flow", "H800 licensed until the control", total, exact, wrong="a control a month late", twin=twin)


def smuggled(effort: float) -> ClosedForm:
    """Lots at random add up to the flow on average."""
    flow = catalogue.entry("supply", "grey-h100").item
    assert isinstance(flow, Flow)
    start, shock = dt.date(2025, 1, 1), dt.date(2025, 7, 1)
    policy = Policy({"shock": PolicyEvent(date=shock, trickle=0.5)}, start)
    values = [
        float(sum(a.chips for a in flow_arrivals(flow, "h100", "H100-SXM-80", policy, YEAR, stream(SEED, k, "lots"))))
        for k in range(round(3000 * effort))
    ]
    before = (shock - start).days * DAY
    exact, twin = flow.then * (before + 0.5 * (YEAR - before)), flow.then * YEAR
    return by_z("trickle", "H100 smuggled in a year, half from July on", values, exact, "enforcement ignored", twin)


ROWS: tuple[Callable[[float], ClosedForm], ...] = (
    cold_spares,
    ageing_spares,
    survivors,
    decay,
    queue,
    imperfect_repair,
    repair_pipeline,
    cannibalised,
    outgrown,
    licensed,
    smuggled,
)


def _stock(nodes: int, size: int, days: float, *, stock: int = 0, rate: float = RATE, **depot: Any) -> Scenario:
    """A stock of powered nodes whose chips die for good, and a programme that can never start."""
    dead = {"cause": "dead", "scope": "chip", "per_1000_node_days": 1000 * size * rate, "permanent": 1}
    return question(
        start="2022-01-01",
        horizon=f"{days} d",
        runs=[{"date": "2022-01-01", "chips": 1e6}],
        fleet=pool(chip={"like": "A100-SXM-80", "node_size": size}, nodes=nodes, failures={"causes": [dead]}),
        depot={"stock": {"pool": stock}} | depot,
    )


def _shop(turnaround: Any, per_day: float, success: float = 1.0) -> dict[str, Any]:
    return {"capacity": f"{per_day!r} per day", "turnaround": turnaround, "success": success}


def _runs(stock: Scenario, count: float) -> list[ProgrammeResult]:
    results = [simulate(stock, SEED, k) for k in range(max(round(count), 5))]
    return [result for result in results if isinstance(result, ProgrammeResult)]


def _days_to(stock: Scenario, level: int, count: float) -> list[float]:
    return [_first_below(result, level) for result in _runs(stock, count)]


def _first_below(result: ProgrammeResult, level: int) -> float:
    """Days until fewer than `level` chips are in working nodes."""
    times, chips = result.stock
    below = chips[:, 0] < level
    if not below.any():
        raise AssertionError(f"{result.question.name}: the horizon is too short for a closed form")
    return float(times[np.argmax(below)]) / DAY


def _share_at(result: ProgrammeResult, level: int, after: float) -> float:
    """Share of time, `after` a warm-up, with at least `level` chips working."""
    times, chips = result.stock
    ends = np.append(times[1:], result.wall)
    seconds = np.clip(ends - np.maximum(times, after), 0.0, None)
    return float((seconds * (chips[:, 0] >= level)).sum() / seconds.sum())


def _mean_in_shop(result: ProgrammeResult, after: float) -> float:
    """Average number of chips waiting or under repair, `after` a warm-up."""
    shop = {"repair", "repair_queue"}
    moves = [(m.time, m.chips * ((m.to in shop) - (m.origin in shop))) for m in result.moves]
    return math.fsum(n * (result.wall - max(time, after)) for time, n in moves) / (result.wall - after)
