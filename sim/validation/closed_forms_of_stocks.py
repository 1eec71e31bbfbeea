"""Closed forms of a stock: spares, repair, cannibalising, a growing need, and what comes in.

Each check simulates whole programmes, small enough to be solved by hand.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sim import catalogue
from sim.catalogue.market import Flow, PolicyEvent
from sim.engine.supply import Policy, flow_arrivals
from sim.results.ledger import DAY, YEAR
from sim.results.programme import ProgrammeResult
from sim.scenario import Scenario
from sim.streams import Luck
from sim.validation import formulas
from sim.validation.bare_scenario import pool, question, runs
from sim.validation.report import ClosedForm, by_z, within

SEED = 20
RATE = 0.01
"""Deaths a day of a powered chip."""
Rows = Iterator[ClosedForm]


def spares(effort: float) -> Rows:
    """The first death that no spare replaces: cold spares live for ever, powered ones die like the
    rest.
    """
    nodes, more = 200, 300
    erlang, hypo = (more + 1) / (nodes * RATE), formulas.harmonic(nodes, nodes + more) / RATE
    cold = _days_to(_stock(nodes, 1, 210, stock=more), nodes, 1050 * effort)
    yield by_z("O8", "days until cold spares run out", cold, erlang, "spares that age", hypo)
    hot = _days_to(_stock(nodes + more, 1, 140), nodes, 1100 * effort)
    yield by_z(
        "O9", "days until ageing spares run out", hot, hypo, "spares that do not age", erlang
    )


def decay(effort: float) -> Rows:
    """A stock that nobody refills: its binomial survivors, and the time in which it falls from N to
    k.
    """
    nodes, days = 400, 50.0
    values = [float(r.stock[1][-1, 0]) for r in _run(_stock(nodes, 1, days), 700 * effort)]
    exact, twin = (nodes * math.exp(-rate * days) for rate in (RATE, 1.1 * RATE))
    yield by_z(
        "O10",
        f"survivors of {nodes} chips after {days:g} days",
        values,
        exact,
        "a tenth more deaths",
        twin,
    )
    nodes, left = 600, 150
    values = _days_to(_stock(nodes, 1, 185), left + 1, 850 * effort)
    exact = formulas.harmonic(left + 1, nodes) / RATE
    yield by_z(
        "O10",
        f"days from {nodes} chips to {left}",
        values,
        exact,
        "a tenth more deaths",
        exact / 1.1,
    )


def queue(effort: float) -> Rows:
    """Little's law at a busy repair shop, the waiting time by Erlang's formula; 0.2 % would take a
    minute.
    """
    nodes, benches, mean = 40, 6, 10.0
    shop = _shop({"exponential": {"mean": f"{mean} d"}}, benches / mean)
    values = [
        _mean_in_shop(r, 200 * DAY)
        for r in _run(_stock(nodes, 1, 6000, stock=400, repair=shop), 95 * effort)
    ]
    arrivals, offered = nodes * RATE, nodes * RATE * mean
    tail = offered**benches / math.factorial(benches) / (1 - offered / benches)
    waits = tail / (sum(offered**k / math.factorial(k) for k in range(benches)) + tail)
    exact = arrivals * (mean + waits / (benches / mean - arrivals))
    yield by_z("O18", "chips at a busy repair shop", values, exact, "nobody waits", offered)


def imperfect_repair(effort: float) -> Rows:
    """Instant repair that succeeds with probability q: deaths until one cannot be replaced."""
    nodes, stock, q, values = 20, 100, 0.5, []
    for result in _run(
        _stock(nodes, 1, 1500, stock=stock, repair=_shop("0 s", 1e6, success=q)), 1300 * effort
    ):
        end = _first_below(result, nodes) * DAY
        values.append(float(sum(event.time <= end for event in result.trace.events("failure"))))
    exact, twin = (stock + 1) / (1 - q), stock + 1
    yield by_z("O20", "deaths until one is not replaced", values, exact, "no repair", twin)


def repair_pipeline(effort: float) -> Rows:
    """N wanted, S spares, repair times of any distribution: the share of time without a shortage."""
    nodes, more, mean = 20, 6, 20.0
    shop = _shop(
        {"lognormal": {"median": f"{mean * math.exp(-0.5)} d", "sigma": 1}}, (nodes + more) / mean
    )
    asked = _stock(nodes, 1, 4000, stock=more, repair=shop)
    values = [_share_at(r, nodes, 300 * DAY) for r in _run(asked, 235 * effort)]
    weight = [1.0]
    for j in range(1, nodes + more + 1):
        weight.append(weight[-1] * min(nodes, nodes + more - j + 1) * RATE * mean / j)
    exact, twin = sum(weight[: more + 1]) / sum(weight), sum(weight[:more]) / sum(weight)
    yield by_z("O21", "share of time without shortage", values, exact, "one spare fewer", twin)


def cannibalised(effort: float) -> Rows:
    """Broken nodes pooled at once."""
    nodes, size, least = 24, 8, 16
    values = _days_to(_stock(nodes, size, 90, cannibalise=True), least * size, 4100 * effort)
    exact, twin = (
        formulas.pooled(nodes, size, least, RATE),
        formulas.harmonic(least, nodes) / (size * RATE),
    )
    title = f"days until fewer than {least} of {nodes} nodes work"
    yield by_z("O22", title, values, exact, "broken nodes left alone", twin)


def outgrown(_: float) -> Rows:
    """Without a single failure, the date when the need of a run outgrows the stock."""
    need = {"every": "1 yr", "growth": "2.4 per yr", "chips": 2048}
    [result] = _run(_stock(1250, 8, 5 * 365.25, rate=0.0).override({"runs": need}), 1, least=1)
    exact, twin = math.log(10000 / 2048) / math.log(2.4), (10000 / 2048 - 1) / 1.4
    title = "years until a need growing 2.4 times a year outgrows 10,000 chips"
    yield within(
        "crossing",
        title,
        result.crossing / YEAR,
        exact,
        wrong="growth that does not compound",
        twin=twin,
    )


def supply(effort: float) -> Rows:
    """Under the controls as they were a flow adds up to the published quarters, and lots at random
    do on average.
    """
    flow, event = (
        catalogue.entry("supply", "licensed-h800").item,
        catalogue.entry("policy", "us-2023-10-17").item,
    )
    assert isinstance(flow, Flow) and isinstance(event, PolicyEvent)
    come = _come(flow, Policy({"control": event}, dt.date(2023, 1, 1)), 2 * YEAR)
    exact = sum(chips for _, chips in flow.chips)
    twin = exact + 30 * DAY * flow.then
    yield within(
        "flow",
        "H800 licensed until the control",
        come,
        exact,
        wrong="a control a month late",
        twin=twin,
    )
    flow, start, shock = (
        catalogue.entry("supply", "grey-h100").item,
        dt.date(2025, 1, 1),
        dt.date(2025, 7, 1),
    )
    assert isinstance(flow, Flow)
    policy = Policy({"shock": PolicyEvent(date=shock, trickle=0.5)}, start)
    values = [_come(flow, policy, YEAR, k) for k in range(round(7600 * effort))]
    before = (shock - start).days * DAY
    exact, twin = flow.then * (before + 0.5 * (YEAR - before)), flow.then * YEAR
    yield by_z(
        "trickle",
        "H100 smuggled in a year, half from July on",
        values,
        exact,
        "enforcement ignored",
        twin,
    )


CHECKS: dict[str, Callable[[float], Rows]] = {
    "stock-O8-O9": spares, "stock-O10": decay, "O18": queue, "O20": imperfect_repair, "O21": repair_pipeline,
    "O22": cannibalised, "crossing": outgrown, "supply": supply,
}  # fmt: skip


def _stock(
    nodes: int, size: int, days: float, *, stock: int = 0, rate: float = RATE, **depot: Any
) -> Scenario:
    """A stock of powered nodes whose chips die for good, and a programme that can never start."""
    dead = {
        "cause": "dead",
        "scope": "chip",
        "per_1000_node_days": 1000 * size * rate,
        "permanent": 1,
    }
    return question(
        start="2022-01-01",
        horizon=f"{days} d",
        runs=[{"date": "2022-01-01", "chips": 1e6}],
        fleet=pool(
            chip={"like": "A100-SXM-80", "node_size": size},
            nodes=nodes,
            failures={"causes": [dead]},
        ),
        depot={"stock": {"pool": stock}} | depot,
    )


def _shop(turnaround: Any, per_day: float, success: float = 1.0) -> dict[str, Any]:
    return {"capacity": f"{per_day!r} per day", "turnaround": turnaround, "success": success}


def _come(flow: Flow, policy: Policy, seconds: float, replication: int = 0) -> float:
    """Chips that a flow brings in so many seconds."""
    luck = Luck(SEED, replication)
    return float(
        sum(a.chips for a in flow_arrivals(flow, "pool", flow.chip, policy, seconds, luck, "lots"))
    )


def _run(stock: Scenario, count: float, least: int = 8) -> Iterator[ProgrammeResult]:
    return (result for result in runs(stock, count, least) if isinstance(result, ProgrammeResult))


def _days_to(stock: Scenario, level: int, count: float) -> list[float]:
    return [_first_below(result, level) for result in _run(stock, count)]


def _first_below(result: ProgrammeResult, level: int) -> float:
    """Days until fewer than `level` chips are in working nodes."""
    times, chips = result.stock
    below = chips[:, 0] < level
    if not below.any():
        raise AssertionError(f"{result.scenario.name}: the horizon is too short for a closed form")
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
    moves = [
        (m.time, m.chips * ((m.place in shop) - (m.origin in shop))) for m in result.trace.moves()
    ]
    return math.fsum(n * (result.wall - max(time, after)) for time, n in moves) / (
        result.wall - after
    )
