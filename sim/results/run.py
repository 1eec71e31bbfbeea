"""One run: what was asked, and what happened."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property

from sim.results import economics, ledger
from sim.results.answer import Answer
from sim.results.economics import Costs
from sim.results.ledger import DAY, Event, Outage, Stretch, Trace
from sim.results.metrics import EXTENSIVE, metrics_of
from sim.scenario import Scenario
from sim.throughput import Plan


@dataclass(frozen=True, repr=False)
class RunResult(Answer):
    """One run: what was asked (every unknown constant settled), and what happened.

    Attributes
    ----------
    scenario : Scenario
        With a plain number in place of each unknown constant.
    plan : Plan
        The step of the whole fleet, in the phase with most of the tokens.
    allocated_chips : dict
        Active chips and hot spares of the whole job by pool, in the mean over its phases.
    wall : float
        Seconds from the start of the run to its finish or to the horizon.
    tokens : float
        Tokens kept: all when finished, the durable ones at the horizon.
    interruptions, planned_stops, selections, provisioned, failed_restarts, bad_spares : int
        As the metrics of these names.
    active_chip_seconds : float
        Active chips times productive time.
    failures : dict
        Number by cause.
    hidden_faults : int
        Faults of nodes in service that nobody had found by the end.
    time : dict
        Seconds of wall clock by category; sums to `wall`.
    chip_seconds : dict
        Chip-seconds by pool and place.
    counts : dict
        Chips by pool and place at the end.
    trace : Trace
        Events and moves in their order.
    """

    scenario: Scenario
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
    failed_restarts: int
    bad_spares: int
    active_chip_seconds: float
    failures: dict[str, int]
    hidden_faults: int
    time: dict[str, float]
    chip_seconds: dict[tuple[str, str], float]
    counts: dict[tuple[str, str], int]
    trace: Trace = field(repr=False)
    allocated_chips: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        end = "finished" if self.finished else "unfinished at the horizon"
        lost = 1 - self.time["productive"] / self.wall
        return (
            f"{self.scenario.name}, seed {self.seed}, replication {self.replication}: {end} after "
            f"{self.wall / DAY:,.1f} days; {self.interruptions} interruptions, {lost:.1%} of the "
            "time lost"
        )

    @property
    def question(self) -> Scenario:
        """The old name of `scenario`."""
        warnings.warn(
            "`question` of a result is now `scenario`", DeprecationWarning, stacklevel=2
        )
        return self.scenario

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Every metric by name, as `sim.results.metrics` describes it; nan where not known."""
        metrics = metrics_of(self.scenario)
        found = {name: metric.of(self) for name, metric in metrics.items()}
        many = self.scenario.represents
        if many != 1.0:
            for name, metric in metrics.items():
                if metric.unit in EXTENSIVE:
                    found[name] *= many
        return found

    @cached_property
    def costs(self) -> Costs:
        """Rental, amortised purchase and energy of the chips allocated to the run."""
        scenario = self.scenario
        pools = list(scenario.fleet.values())
        chips = list(self.allocated_chips.values())
        return economics.cost_of(pools, chips, self.wall, scenario.start, scenario.costs)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the trace."""
        return self.trace.fingerprint()

    @cached_property
    def depletion(self) -> Event | None:
        """When the first pool had no node left for a missing one, and where its nodes were."""
        return next(iter(self.trace.events("depleted")), None)

    @cached_property
    def outages(self) -> tuple[Outage, ...]:
        """Every outage of a node, in order of its start."""
        return ledger.outages(self)

    @cached_property
    def timeline(self) -> tuple[Stretch, ...]:
        """The states of the job in their order."""
        return ledger.timeline(self)
