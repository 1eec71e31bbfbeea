"""Closed forms of a stock: spares, repair, cannibalising, a growing need, and what comes in.

Each check simulates whole programmes, small enough to be solved by hand.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from sim import catalogue
from sim.catalogue.market import Flow, PolicyEvent
from sim.engine.supply import Policy, flow_arrivals
from sim.results.ledger import DAY, YEAR, levels
from sim.results.programme import ProgrammeResult
from sim.scenario import Scenario
from sim.streams import Luck
from sim.validation.bare_scenario import bare_scenario, exponential, pool, runs
from sim.validation.formulas import harmonic, pooled
from sim.validation.report import Rows, by_z, within

SEED = 20
RATE = 0.01
"""Deaths a day of a powered chip."""


def spares(effort: float) -> Rows:
    """Time to the first death that no spare replaces: cold spares do not age, powered ones do."""
    nodes, more = 200, 300
    steady = (more + 1) / (nodes * RATE)
    aged = harmonic(nodes, nodes + more) / RATE
    yield by_z(
        "O8",
        "days until cold spares run out",
        days_to(_stock(nodes, 210, stock=more), nodes, 1050 * effort),
        steady,
        "spares that age",
        aged,
    )
    yield by_z(
        "O9",
        "days until ageing spares run out",
        days_to(_stock(nodes + more, 140), nodes, 1100 * effort),
        aged,
        "spares that do not age",
        steady,
    )


def decay(effort: float) -> Rows:
    """A stock that nobody refills: how many chips are left, and when few are."""
    nodes, days = 400, 50.0
    yield by_z(
        "O10",
        f"survivors of {nodes} chips after {days:g} days",
        measured(_stock(nodes, days), 700 * effort, lambda r: r.stock[1][-1, 0]),
        nodes * math.exp(-RATE * days),
        "a tenth more deaths",
        nodes * math.exp(-1.1 * RATE * days),
    )
    nodes, few = 600, 150
    exact = harmonic(few + 1, nodes) / RATE
    yield by_z(
        "O10",
        f"days from {nodes} chips to {few}",
        days_to(_stock(nodes, 185), few + 1, 850 * effort),
        exact,
        "a tenth more deaths",
        exact / 1.1,
    )


def queue(effort: float) -> Rows:
    """Little's law at a busy repair shop; a standard error of 0.2 % would take a minute."""
    nodes, benches, mean = 40, 6, 10.0
    # The capacity of the shop in chips a day is that of six benches.
    shop = _shop(exponential(mean), benches / mean)
    stock = _stock(nodes, 6000, stock=400, repair=shop)
    arrivals = nodes * RATE
    offered = arrivals * mean
    # Erlang's formula for the share of chips that wait.
    tail = offered**benches / math.factorial(benches) / (1 - offered / benches)
    waits = tail / (sum(offered**k / math.factorial(k) for k in range(benches)) + tail)
    yield by_z(
        "O18",
        "chips at a busy repair shop",
        measured(stock, 95 * effort, lambda r: mean_in_shop(r, 200 * DAY)),
        arrivals * (mean + waits / (benches / mean - arrivals)),
        "nobody waits",
        offered,
    )


def imperfect_repair(effort: float) -> Rows:
    """Instant repair that may fail: deaths until one cannot be replaced."""
    nodes, stock, success = 20, 100, 0.5

    def deaths(result: ProgrammeResult) -> float:
        end = first_below(result, nodes) * DAY
        return len([event for event in result.trace.events("failure") if event.time <= end])

    repaired = _stock(
        nodes,
        1500,
        stock=stock,
        repair=_shop("0 s", 1e6, success),
    )
    yield by_z(
        "O20",
        "deaths until one is not replaced",
        measured(repaired, 1300 * effort, deaths),
        (stock + 1) / (1 - success),
        "no repair",
        stock + 1,
    )


def repair_pipeline(effort: float) -> Rows:
    """Nodes, spares, and repair times of any distribution: how long there is no shortage."""
    nodes, more, mean = 20, 6, 20.0
    times = {"lognormal": {"median": f"{mean * math.exp(-0.5)} d", "sigma": 1}}
    stock = _stock(
        nodes,
        4000,
        stock=more,
        repair=_shop(times, (nodes + more) / mean),
    )
    weights = [1.0]
    for away in range(1, nodes + more + 1):
        powered = min(nodes, nodes + more - away + 1)
        weights.append(weights[-1] * powered * RATE * mean / away)
    yield by_z(
        "O21",
        "share of time without shortage",
        measured(stock, 235 * effort, lambda r: share_at(r, nodes, 300 * DAY)),
        sum(weights[: more + 1]) / sum(weights),
        "one spare fewer",
        sum(weights[:more]) / sum(weights),
    )


def cannibalised(effort: float) -> Rows:
    """Broken nodes give their good chips to others at once."""
    nodes, size, least = 24, 8, 16
    stock = _stock(nodes, 90, size=size, cannibalise=True)
    yield by_z(
        "O22",
        f"days until fewer than {least} of {nodes} nodes work",
        days_to(stock, least * size, 4100 * effort),
        pooled(nodes, size, least, RATE),
        "broken nodes left alone",
        harmonic(least, nodes) / (size * RATE),
    )


def outgrown(_: float) -> Rows:
    """Without a single failure, the date when the need of a run outgrows the stock."""
    need = {"every": "1 yr", "growth": "2.4 per yr", "chips": 2048}
    stock = _stock(1250, 5 * 365.25, size=8, rate=0.0).override({"runs": need})
    years = measured(stock, 1, lambda r: r.crossing / YEAR)
    yield within(
        "crossing",
        "years until a need growing 2.4 times a year outgrows 10,000 chips",
        years[0],
        math.log(10000 / 2048) / math.log(2.4),
        "growth that does not compound",
        (10000 / 2048 - 1) / 1.4,
    )


def supply(effort: float) -> Rows:
    """A licensed flow adds up to the published quarters; lots at random do so on average."""
    flow = catalogue.entry("supply", "licensed-h800").item
    control = catalogue.entry("policy", "us-2023-10-17").item
    exact = sum(chips for _, chips in flow.chips)
    yield within(
        "flow",
        "H800 licensed until the control",
        _come(flow, Policy({"control": control}, dt.date(2023, 1, 1)), 2 * YEAR),
        exact,
        "a control a month late",
        exact + 30 * DAY * flow.then,
    )
    flow = catalogue.entry("supply", "grey-h100").item
    start, shock = dt.date(2025, 1, 1), dt.date(2025, 7, 1)
    policy = Policy({"shock": PolicyEvent(date=shock, trickle=0.5)}, start)
    before = (shock - start).days * DAY
    yield by_z(
        "trickle",
        "H100 smuggled in a year, half from July on",
        [_come(flow, policy, YEAR, k) for k in range(round(7600 * effort))],
        flow.then * (before + 0.5 * (YEAR - before)),
        "enforcement ignored",
        flow.then * YEAR,
    )


def measured(
    stock: Scenario, n: float, of: Callable[[ProgrammeResult], float]
) -> list[float]:
    """A number of each of about `n` simulated programmes."""
    return [float(of(r)) for r in runs(stock, n, 8) if isinstance(r, ProgrammeResult)]


def days_to(stock: Scenario, level: int, n: float) -> list[float]:
    """Days until fewer than `level` chips work, in each of about `n` programmes."""
    return measured(stock, n, lambda r: first_below(r, level))


def first_below(result: ProgrammeResult, level: int) -> float:
    """Days until fewer than `level` chips are in working nodes."""
    times, chips = result.stock
    below = times[chips[:, 0] < level]
    # A run cut off by its horizon would make the mean too small without a word.
    if not len(below):
        raise AssertionError(
            f"{result.scenario.name}: the horizon is too short for a closed form"
        )
    return float(below[0]) / DAY


def share_at(result: ProgrammeResult, level: int, after: float) -> float:
    """Share of the time after a warm-up (seconds) with at least `level` chips working."""
    times, chips = result.stock
    ends = np.append(times[1:], result.wall)
    seconds = np.clip(ends - np.maximum(times, after), 0.0, None)
    return float(seconds[chips[:, 0] >= level].sum() / seconds.sum())


def mean_in_shop(result: ProgrammeResult, after: float) -> float:
    """Average number of chips waiting or under repair after a warm-up (seconds)."""
    times, chips = levels(result, ("repair", "repair_queue"))
    left = result.wall - np.maximum(times, after)
    return math.fsum(np.diff(chips, prepend=0) * left) / (result.wall - after)


def _stock(
    nodes: int,
    days: float,
    *,
    size: int = 1,
    stock: int = 0,
    rate: float = RATE,
    **depot: Any,
) -> Scenario:
    """A stock of powered nodes whose chips die for good, and a programme that can never start."""
    dead = {
        "cause": "dead",
        "scope": "chip",
        "per_1000_node_days": 1000 * size * rate,
        "permanent": 1,
    }
    fleet = pool(
        chip={"like": "A100-SXM-80", "node_size": size},
        nodes=nodes,
        failures={"causes": [dead]},
    )
    return bare_scenario(
        start="2022-01-01",
        horizon=f"{days} d",
        # More than there are: a run would use chips, and this is about the stock alone.
        runs=[{"date": "2022-01-01", "chips": 1e6}],
        fleet=fleet,
        depot={"stock": {"pool": stock}} | depot,
    )


def _shop(turnaround: Any, per_day: float, success: float = 1.0) -> dict[str, Any]:
    return {"capacity": f"{per_day!r} per day", "turnaround": turnaround, "success": success}


def _come(flow: Flow, policy: Policy, seconds: float, replication: int = 0) -> float:
    """Chips that a flow brings in some seconds."""
    luck = Luck(SEED, replication)
    arrivals = flow_arrivals(flow, "pool", flow.chip, policy, seconds, luck, "lots")
    return float(sum(arrival.chips for arrival in arrivals))
