"""What one run and many runs say: metrics, intervals, tidy tables."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from sim.results import economics
from sim.results.economics import Costs
from sim.results.ledger import DAY, HOUR, PLACES, STOCK, TIME, USABLE, Event, Move, Outage
from sim.scenario import Scenario
from sim.throughput import Plan


@dataclass(frozen=True)
class RunResult:
    """One run: what was asked (every unknown constant settled), and what happened.

    Attributes
    ----------
    question : Scenario
        The scenario with a plain number in place of each unknown constant.
    wall : float
        Seconds from the start of the run to its finish or to the horizon.
    tokens : float
        Tokens kept: all when finished, the durable ones at the horizon.
    time : dict
        Seconds of wall clock by category; sums to `wall`.
    chip_seconds : dict
        Chip-seconds by pool and place.
    counts : dict
        Chips by pool and place at the end.
    """

    question: Scenario
    seed: int
    replication: int
    plan: Plan
    finished: bool
    wall: float
    tokens: float
    interruptions: int
    planned_stops: int
    selections: int
    provisioned: int
    active_chip_seconds: float
    failures: dict[str, int]
    time: dict[str, float]
    chip_seconds: dict[tuple[str, str], float]
    counts: dict[tuple[str, str], int]
    trace: tuple[Event, ...] = field(repr=False)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Every metric by name, in the units its name tells; nan where a price is unknown.

        `ettr` is productive time over wall time; `goodput` counts tokens kept; `mfu` is causal
        FLOPs over the dense BF16 peak of the active chips while productive; `gpu_hours_computing`
        is active chips times productive time, `gpu_hours_allocated` active chips and hot spares
        times wall time.
        """
        question, wall = self.question, self.wall
        pools = list(question.fleet.values())
        productive = self.time["productive"]
        used = sum(self.plan.used_chips)
        hot = sum(round(pool.hot_spares) * pool.chip.node_size for pool in pools)
        costs = self.costs
        metrics = {
            "wall_days": wall / DAY,
            "ettr": productive / wall,
            "goodput_tokens_per_s": self.tokens / wall,
            "mfu": self.plan.mfu * (1.0 if productive else math.nan),
            "interruptions": float(self.interruptions),
            "failures": float(sum(self.failures.values())),
            "planned_stops": float(self.planned_stops),
            "selections": float(self.selections),
            "provisioned": float(self.provisioned),
            "gpu_hours_computing": self.active_chip_seconds / HOUR,
            "gpu_hours_allocated": (used + hot) * wall / HOUR,
            "cost_rental_usd": costs.rental,
            "cost_amortised_usd": costs.amortised,
            "energy_mwh": costs.energy / 3.6e9,
            "tokens": self.tokens,
        }
        metrics |= {f"time.{category}_days": self.time[category] / DAY for category in TIME}
        for place in PLACES:
            seconds = math.fsum(s for (_, where), s in self.chip_seconds.items() if where == place)
            metrics[f"chips.{place}_days"] = seconds / DAY
        for name, pool in question.fleet.items():
            key = f"stock.{pool.chip.name}_end"
            metrics[key] = metrics.get(key, 0.0) + sum(
                self.counts.get((name, place), 0) for place in STOCK
            )
        return metrics

    @cached_property
    def costs(self) -> Costs:
        """Rental, amortised purchase and energy of the chips allocated to the run."""
        pools = self.question.fleet.values()
        chips = [
            used + round(pool.hot_spares) * pool.chip.node_size
            for pool, used in zip(pools, self.plan.used_chips, strict=True)
        ]
        return economics.cost_of(
            list(pools), chips, self.wall, self.question.start, self.question.costs
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the event trace: the times as little-endian doubles, then the words."""
        times = np.array([event[0] for event in self.trace], "<f8")
        words = "\n".join([str(word) for event in self.trace for word in event[1:]])
        return hashlib.sha256(times.tobytes() + words.encode()).hexdigest()

    @cached_property
    def moves(self) -> tuple[Move, ...]:
        """Every move of chips from place to place, in order of time."""
        moves = (
            (time, *payload.split()) for time, kind, _, payload in self.trace if kind == "move"
        )
        return tuple(Move(time, origin, to, int(chips)) for time, origin, to, chips in moves)

    @cached_property
    def outages(self) -> tuple[Outage, ...]:
        """Every outage of a node, in order of its start."""
        since: dict[tuple[str, int], tuple[float, str]] = {}
        found, cause = [], ""
        for time, kind, entity, payload in self.trace:
            if kind in ("failure", "found"):
                cause = payload
            elif kind == "move":
                (pool, _, node), (origin, to, _) = entity.rpartition("."), payload.split()
                if origin in USABLE and to not in USABLE:
                    since[pool, int(node)] = time, cause
                elif origin not in USABLE and to in USABLE and (pool, int(node)) in since:
                    start, why = since.pop((pool, int(node)))
                    found.append(Outage(pool, int(node), start, time, why))
        found += [Outage(*node, start, self.wall, why) for node, (start, why) in since.items()]
        return tuple(sorted(found, key=lambda outage: (outage.start, outage.pool, outage.node)))

    def timeline(self) -> pd.DataFrame:
        """The states of the job: start and end in days, and the state."""
        states = [(time, payload) for time, kind, _, payload in self.trace if kind == "state"]
        ends = [time for time, _ in states[1:]] + [self.wall]
        rows = [
            (time / DAY, end / DAY, state)
            for (time, state), end in zip(states, ends, strict=True)
            if end > time
        ]
        return pd.DataFrame(rows, columns=["start_days", "end_days", "state"])
