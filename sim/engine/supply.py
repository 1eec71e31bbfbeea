"""What comes in, and when: dated deliveries and flows, as controls let them pass.

All is known before a run begins, and nothing here waits for events: a flow is a rate that changes
on dates, its integral is piecewise linear, and arrivals are read off that line, monthly or (grey
market) in lots at random.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from sim.catalogue.market import Flow, PolicyEvent, Production
from sim.engine.budget import bounded
from sim.engine.production import Recipe, made
from sim.results.ledger import DAY, YEAR, Floats
from sim.scenario import Scenario
from sim.scenario.layout import MOST_CHIPS
from sim.scenario.stock import Delivery, pool_of
from sim.streams import Luck

MONTH = YEAR / 12

Steps = list[tuple[float, float]]
"""Times (seconds from the start) at which a value changes, and the value from then on."""
ALWAYS: Steps = [(-math.inf, 1.0)]
"""A factor that changes nothing."""


@dataclass(frozen=True)
class Arrival:
    """Chips that arrive at a pool; `premium` is what they cost over the chip's own price."""

    time: float
    pool: str
    chips: int
    boxed: bool
    """Whether in nodes, or loose."""
    premium: float = 1.0


class Policy:
    """The dated events of a scenario as functions of time.

    Events before the start hold from the start.
    """

    def __init__(self, events: Mapping[str, PolicyEvent], start: dt.date) -> None:
        self._start = start
        self.events = sorted(events.items(), key=lambda item: (item[1].date, item[0]))

    def seconds(self, date: dt.date) -> float:
        """Seconds from the start of the scenario to a date."""
        return (date - self._start).days * DAY

    def licensed(self, *names: str) -> Steps:
        """Share of the open flow of a chip, known by `names`, that its maker may sell.

        Only what is blocked can be opened, and a licence only widened until the next block. Of one
        day blocks come first, so that what is opened on it is open, whatever the events are called.
        """
        acts = []
        for _, event in self.events:
            time = self.seconds(event.date)
            if any(name in event.blocks for name in names):
                acts.append((time, "block", 0.0))
            if any(name in event.opens for name in names):
                acts.append((time, "open", event.licensed))
        steps = list(ALWAYS)
        for time, act, share in sorted(acts):
            if act == "block" or share > steps[-1][1]:
                steps.append((time, share))
        return steps

    def supported_until(self, *names: str) -> float:
        """When the maker stops replacing dead chips."""
        ends = [
            self.seconds(event.date)
            for _, event in self.events
            if any(name in event.ends_support for name in names)
        ]
        return min(ends, default=math.inf)

    def grey_flow(self) -> Steps:
        """Factor on the flow of the grey market."""
        return self._factor({name: event.trickle for name, event in self.events})

    def grey_price(self) -> Steps:
        """Factor on its prices."""
        return self._factor({name: event.price for name, event in self.events})

    def abroad_flow(self) -> Steps:
        """Factor on the flow of chips to places abroad."""
        return self._factor({name: event.abroad for name, event in self.events})

    def on(self, flow: Flow, *names: str) -> Steps:
        """Factor on a flow of chips that are known by `names`."""
        if flow.origin == "licensed":
            return self.licensed(*names)
        if flow.origin == "grey":
            return self.grey_flow()
        return self.abroad_flow() if flow.origin == "abroad" else ALWAYS

    def _factor(self, of_event: Mapping[str, float]) -> Steps:
        """The product of the factors of all events so far."""
        steps = list(ALWAYS)
        for name, event in self.events:
            # A step that changes nothing would still move last digits.
            if of_event[name] != 1.0:
                _, before = steps[-1]
                steps.append((self.seconds(event.date), before * of_event[name]))
        return steps


def month_ends(horizon: float) -> Floats:
    """Seconds to the end of each month, the last of which may be cut short."""
    return np.append(np.arange(MONTH, horizon, MONTH), horizon)


def value_at(steps: Steps, time: float) -> float:
    """The value that holds at a time."""
    for since, value in reversed(steps):
        if since <= time:
            return value
    raise AssertionError("steps begin before all times")


def cumulative(
    flow: Flow, policy: Policy, factor: Steps, horizon: float
) -> tuple[Floats, Floats]:
    """Times where the rate of a flow changes, and the chips expected to have come by them."""
    starts = [policy.seconds(date) for date, _ in flow.chips]
    ends = [*starts[1:], policy.seconds(flow.until)]
    rates: Steps = [(-math.inf, 0.0)]
    for start, end, (_, chips) in zip(starts, ends, flow.chips, strict=True):
        rates.append((start, chips / (end - start)))
    rates.append((ends[-1], flow.then))
    changes = {time for time, _ in (*rates, *factor) if 0 < time < horizon}
    times = np.array(sorted({0.0, horizon, *changes}))
    middles = (times[1:] + times[:-1]) / 2
    rate = np.array([value_at(rates, time) * value_at(factor, time) for time in middles])
    total = flow.scale * np.concatenate([[0.0], np.cumsum(rate * np.diff(times))])
    if flow.most is not None and total[-1] > flow.most:
        # The line bends where licences are used up, which need not be where a rate changes.
        reached = np.flatnonzero(total >= flow.most)[0]
        full = np.interp(flow.most, total[: reached + 1], times[: reached + 1])
        times = np.append(times[:reached], [full, horizon])
        total = np.append(total[:reached], [flow.most, flow.most])
    return times, flow.share * total


def flow_arrivals(
    flow: Flow, pool: str, chip: str, policy: Policy, horizon: float, luck: Luck, name: str
) -> list[Arrival]:
    """When the chips of a flow arrive: what comes in a month together, or in lots at random."""
    if not flow.comes:
        return []
    price = policy.grey_price() if flow.origin == "grey" else ALWAYS
    times, total = cumulative(flow, policy, policy.on(flow, chip, pool), horizon)
    bounded(total.item(-1), f"depot.supply.{name}: chips", MOST_CHIPS)
    if flow.lots is None:
        ends = month_ends(horizon)
        # A sum of months may be short of a whole chip by its last digit.
        counts = np.diff(np.floor(np.interp(ends, times, total) + 1e-9), prepend=0.0)
    else:
        ends, counts = _lots(flow, times, total, luck, name)
    return [
        Arrival(time, pool, chips, True, flow.premium * value_at(price, time))
        for time, chips in _coming(ends, counts)
    ]


def _coming(times: Floats, counts: Floats) -> Iterator[tuple[float, int]]:
    """The times at which whole chips come, and how many."""
    some = counts >= 1
    return zip(times[some].tolist(), counts[some].astype(int).tolist(), strict=True)


def _lots(
    flow: Flow,
    times: Floats,
    total: Floats,
    luck: Luck,
    name: str,
) -> tuple[Floats, Floats]:
    """Lots of random size, as many as give the expected flow on average (compound Poisson).

    The k-th lot comes when the expected flow reaches the k-th point of a unit Poisson process, so
    that a lower flow delays the same lots.
    """
    assert flow.lots is not None
    mean = flow.lots.mean * flow.share
    expected = total.item(-1) / mean
    # Eight standard deviations more than expected: the last of them never comes.
    most = bounded(expected + 8 * math.sqrt(expected) + 16, f"depot.supply.{name}: lots")
    gaps = luck.stream(f"supply.{name}.gaps").random(most)
    uniforms = luck.stream(f"supply.{name}.sizes").random((most, flow.lots.dims))
    points = np.cumsum(-np.log1p(-gaps)) * mean
    come = points < total[-1]
    # Where nothing flows the line is level; a slope too small to matter puts no lot there.
    rising = total + 1e-9 * np.arange(len(total))
    chips = np.cumsum(flow.share * flow.lots.draw(uniforms[come]))
    sizes = np.diff(np.floor(chips), prepend=0.0)
    return np.interp(points[come], rising, times), sizes


def production_arrivals(
    production: Production, pools: Mapping[str, str], policy: Policy, horizon: float
) -> list[Arrival]:
    """When the chips of a production arrive, what is made in a month together.

    Parameters
    ----------
    production : Production
    pools : mapping of str to str
        The pool of each product.
    policy : Policy
    horizon : float
        Seconds.
    """
    ends = month_ends(horizon)

    def delivered(flows: Iterable[Flow]) -> Floats:
        lines = [
            cumulative(flow, policy, policy.on(flow, flow.chip), horizon) for flow in flows
        ]
        return np.sum(
            [np.diff(np.interp(ends, *line), prepend=0.0) for line in lines], axis=0
        )

    recipes = {
        name: Recipe(
            delivered([product.plan]),
            product.dies / production.good,
            product.stacks / production.good,
        )
        for name, product in production.products.items()
    }
    chips = made(
        ends,
        delivered(production.dies.values()),
        delivered(production.stacks.values()),
        recipes,
    )
    found = []
    for name, months in chips.items():
        counts = np.diff(np.floor(np.cumsum(months) + 1e-9), prepend=0.0)
        found += [
            Arrival(time, pools[name], chips, True) for time, chips in _coming(ends, counts)
        ]
    return found


def arrivals(scenario: Scenario, policy: Policy, luck: Luck) -> list[Arrival]:
    """Every arrival before the horizon, in order of time; unknown constants must be settled."""
    fleet = scenario.fleet
    found = []
    for delivery in scenario.depot.deliveries:
        pool = pool_of(fleet, delivery.chip, "depot.deliveries")
        time = _time_of(delivery, policy)
        if time is not None:
            chips = _chips_of(delivery, fleet[pool].chip.node_size)
            boxed = delivery.nodes is not None
            found.append(Arrival(max(time, 0.0), pool, chips, boxed, delivery.premium))
    # By name: the order in which a file, or a stack of worlds, lists the flows decides nothing.
    for name, flow in sorted(scenario.depot.supply.items()):
        pool = pool_of(fleet, flow.chip, f"depot.supply.{name}")
        chip = fleet[pool].chip.name
        found += flow_arrivals(flow, pool, chip, policy, scenario.horizon, luck, name)
    for name, production in sorted(scenario.depot.production.items()):
        pools = {
            product: pool_of(
                fleet, item.plan.chip, f"depot.production.{name}.products.{product}"
            )
            for product, item in sorted(production.products.items())
        }
        found += production_arrivals(production, pools, policy, scenario.horizon)
    due = [arrival for arrival in found if arrival.time < scenario.horizon and arrival.chips]
    return sorted(due, key=lambda arrival: (arrival.time, arrival.pool))


def _chips_of(delivery: Delivery, node_size: int) -> int:
    if delivery.chips is not None:
        return round(delivery.chips)
    return round(delivery.nodes or 0) * node_size


def _time_of(delivery: Delivery, policy: Policy) -> float | None:
    """When a delivery comes; None where the control it was to come before is not there."""
    if delivery.date is not None:
        return policy.seconds(delivery.date)
    events = dict(policy.events)
    if delivery.before not in events:
        return None
    return policy.seconds(events[delivery.before].date) - delivery.lead
