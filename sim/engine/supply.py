"""What comes in, and when: dated deliveries and flows, as policy lets them pass; all is known
before a run begins.

Nothing here waits for events: a flow is a rate that changes on dates, its integral is piecewise
linear, and arrivals are read off that line, monthly or (grey market) in lots at random.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sim.catalogue.market import Flow, PolicyEvent
from sim.scenario import Scenario
from sim.scenario.stock import Delivery, pool_of
from sim.streams import stream

DAY = 86400.0
YEAR = 365.25 * DAY
MONTH = YEAR / 12

Steps = list[tuple[float, float]]
"""Times (seconds from the start) at which a value changes, and the value from then on."""


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
    """The dated events of a scenario as functions of time. Events before the start hold from the
    start.
    """

    def __init__(self, events: Mapping[str, PolicyEvent], start: dt.date) -> None:
        self._start = start
        self.events = sorted(events.items(), key=lambda item: (item[1].date, item[0]))

    def seconds(self, date: dt.date) -> float:
        """Seconds from the start of the scenario to a date."""
        return (date - self._start).days * DAY

    def licensed(self, *names: str) -> Steps:
        """Share of the open flow of a chip, known by `names`, that its maker may sell; only the
        blocked is opened.
        """
        steps = [(-np.inf, 1.0)]
        for _, event in self.events:
            if any(name in event.blocks for name in names):
                steps.append((self.seconds(event.date), 0.0))
            elif steps[-1][1] == 0.0 and any(name in event.opens for name in names):
                steps.append((self.seconds(event.date), event.licensed))
        return steps

    def supported_until(self, *names: str) -> float:
        """When the maker stops replacing dead chips."""
        ends = [
            self.seconds(e.date)
            for _, e in self.events
            if any(name in e.ends_support for name in names)
        ]
        return min(ends, default=np.inf)

    def grey(self, key: str) -> Steps:
        """Factor on the grey market's flow (`trickle`) or prices (`price`)."""
        steps = [(-np.inf, 1.0)]
        for _, event in self.events:
            steps.append((self.seconds(event.date), steps[-1][1] * getattr(event, key)))
        return steps


def value_at(steps: Steps, time: float) -> float:
    """The value that holds at a time."""
    return next(value for since, value in reversed(steps) if since <= time)


def cumulative(
    flow: Flow, policy: Policy, factor: Steps, horizon: float
) -> tuple[NDArray, NDArray]:
    """Times where the rate of a flow changes, and the expected chips that have come by them since
    the start.
    """
    starts = [policy.seconds(date) for date, _ in flow.chips]
    ends = [*starts[1:], policy.seconds(flow.until)]
    rates: Steps = [(-np.inf, 0.0)]
    rates += [
        (a, chips / (b - a)) for a, b, (_, chips) in zip(starts, ends, flow.chips, strict=True)
    ]
    rates.append((ends[-1], flow.then))
    changes = {0.0, horizon, *(t for t, _ in (*rates, *factor) if 0 < t < horizon)}
    times = np.array(sorted(changes))
    middles = (times[1:] + times[:-1]) / 2
    rate = np.array([value_at(rates, t) * value_at(factor, t) for t in middles])
    return times, flow.scale * flow.share * np.concatenate(
        [[0.0], np.cumsum(rate * np.diff(times))]
    )


def flow_arrivals(
    flow: Flow, pool: str, chip: str, policy: Policy, horizon: float, lots: Generator
) -> list[Arrival]:
    """When the chips of a flow arrive: each month what has come together, or in lots at random."""
    always: Steps = [(-np.inf, 1.0)]
    factor = {
        "licensed": policy.licensed(chip, pool),
        "grey": policy.grey("trickle"),
        "domestic": always,
    }[flow.origin]
    times, total = cumulative(flow, policy, factor, horizon)
    price = policy.grey("price") if flow.origin == "grey" else always
    if flow.lots is None:
        ends: NDArray = np.append(np.arange(MONTH, horizon, MONTH), horizon)
        counts = np.diff(np.floor(np.interp(ends, times, total) + 1e-9), prepend=0.0)
    else:
        ends, counts = _lots(flow, times, total, lots)
    return [
        Arrival(float(t), pool, int(n), True, flow.premium * value_at(price, t))
        for t, n in zip(ends, counts, strict=True)
        if n >= 1
    ]


def _lots(
    flow: Flow, times: NDArray, total: NDArray, generator: Generator
) -> tuple[NDArray, NDArray]:
    """Compound Poisson: lots of random size, as many as give the expected flow on average.

    The k-th lot comes when the expected flow reaches the k-th point of a unit Poisson process, so
    that a lower flow delays the same lots.
    """
    assert flow.lots is not None
    mean = flow.lots.mean * flow.share
    expected = total[-1] / mean
    most = int(expected + 8 * np.sqrt(expected) + 16)
    uniforms = generator.random((most, 1 + flow.lots.dims))
    points = np.cumsum(-np.log1p(-uniforms[:, 0])) * mean
    come = points < total[-1]
    rising = total + 1e-9 * np.arange(len(total))  # where nothing flows, no lot comes
    sizes = np.diff(
        np.floor(np.cumsum(flow.share * flow.lots.draw(uniforms[come, 1:]))), prepend=0.0
    )
    return np.interp(points[come], rising, times), sizes


def arrivals(question: Scenario, policy: Policy, seed: int, replication: int) -> list[Arrival]:
    """Every arrival of a scenario whose unknown constants are settled, in order of time, before the
    horizon.
    """
    fleet, found = question.fleet, []
    for delivery in question.depot.deliveries:
        pool = pool_of(fleet, delivery.chip, "depot.deliveries")
        time = _date_of(delivery, policy)
        if time is not None:
            size = fleet[pool].chip.node_size
            chips = (
                round(delivery.chips)
                if delivery.chips is not None
                else round(delivery.nodes or 0) * size
            )
            found.append(
                Arrival(max(time, 0.0), pool, chips, delivery.nodes is not None, delivery.premium)
            )
    for name, flow in question.depot.supply.items():
        pool = pool_of(fleet, flow.chip, f"depot.supply.{name}")
        lots = stream(seed, replication, f"supply.{name}")
        found += flow_arrivals(flow, pool, fleet[pool].chip.name, policy, question.horizon, lots)
    return sorted(
        (a for a in found if a.time < question.horizon and a.chips), key=lambda a: (a.time, a.pool)
    )


def _date_of(delivery: Delivery, policy: Policy) -> float | None:
    if delivery.date is not None:
        return policy.seconds(delivery.date)
    date = (
        dict(policy.events)[delivery.before].date
        if delivery.before in dict(policy.events)
        else None
    )
    return None if date is None else policy.seconds(date) - delivery.lead
