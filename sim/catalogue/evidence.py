"""What was published or recorded, to be compared with our results: runs, jobs, traces, peers."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any, Literal, NamedTuple

from pydantic import Field

from sim.catalogue.strict import Strict
from sim.quantities.notation import Number, Positive, Share

Role = Literal["input", "fitted", "interpolation", "validation"]
"""What a comparison is worth: only one with what went nowhere into the model is evidence."""


class Measurement(Strict):
    """A published number, and what of ours it is compared with."""

    id: str
    title: str
    role: Role
    quantity: str
    """What is measured; see `sim.validation.published`."""
    unit: str = ""
    measured: float
    cause_of_miss: str = ""


class MeasuredRun(Strict):
    """A published run: the case, in the keys of a scenario, and the numbers measured on it."""

    case: dict[str, Any]
    without: tuple[str, ...] = ()
    """Pools left out of the run that a speed-up is relative to."""
    mature: bool = True
    """Run on a production stack; first-year and research ones are shown apart."""
    rows: tuple[Measurement, ...]


class Family(Strict):
    """Published runs of one model family on one software stack."""

    stack: str
    experts: bool = False
    """Whether the models have routed experts."""
    role: Literal["fitted", "validation"]
    """Whether constants rest on them; of a validation family none does."""
    runs: tuple[str, ...]
    held_out: tuple[str, ...] = ()
    """Runs of a fitted family that no constant is fitted to."""


class Weights(Strict):
    """What a factor of e in each measure counts for in the distance between two runs."""

    width: Positive
    """Of a layer after the tensor split."""
    tokens: Positive
    """Of a micro-batch on the chips of one stage."""
    inner: Positive
    """Inner width of an expert, or of a dense block."""
    chips: Positive


class Point(NamedTuple):
    """What the distance between two runs is measured by."""

    width: float
    tokens: float
    inner: float
    chips: float


class Domain(Strict):
    """Where the step-time model holds, and how its error grows with the distance."""

    weights: Weights
    most: Positive
    """Largest standard deviation of the logarithm of the error."""
    near: Positive
    """That at a published run."""
    slope: Positive
    """By how much it grows with the distance."""
    unseen: Positive
    """What a stack adds on which nothing was fitted."""
    shared: Share
    """Correlation between the errors of different chips and stacks."""
    limit: Positive
    """Distance beyond which a case is outside."""
    points: dict[str, tuple[Point, ...]]
    """Published runs by stack."""


class PeerCase(Strict):
    """A case of another simulator: a scenario that makes its assumptions, and what it found."""

    title: str
    scenario: str
    changes: dict[str, Any] = Field(default_factory=dict)
    days: float
    """Days of computing that the job asks for."""
    seeds: int = 0
    means: dict[str, float] = Field(default_factory=dict)
    """Means over `seeds` runs of an independent re-implementation of its model."""
    peer: dict[str, float] = Field(default_factory=dict)
    """Means of the simulator itself."""


class CountedStock(Strict):
    """Chips that a source counts by a date, in its own unit, and the pools that hold them here."""

    title: str
    role: Role
    """An input where the source fed the line under this switch."""
    unit: str
    units: dict[str, Positive]
    """By pool: what the source counts a chip as."""
    since: dt.date | None = None
    """Only what came after this date."""
    date: dt.date
    given: dict[str, float] = Field(default_factory=dict)
    """Unknown constants, by name, that choose between sources."""
    measured: Positive
    low: Positive
    high: Positive
    """The published 90 % band."""


class TrainedRun(Strict):
    """A run that happened, so it must have been staffable: its compute, or its chips."""

    title: str
    date: dt.date
    """When its chips had to be there."""
    flop: Positive | None = None
    days: Positive = 90.0
    """How long it took."""
    chips: Positive | None = None
    pools: tuple[str, ...] = ()
    """Pools of those chips; of any unless given."""


class MeasuredJob(Strict):
    """What a whole job is reported to have lost, and a scenario of ours to hold against it."""

    title: str
    role: Role
    quantity: Literal["ettr", "longer"]
    """Productive share of the time, or how much longer it took than on a network that never slows.
    """
    measured: Share
    bound: bool = False
    """Whether the report says *more than*."""
    chips: int
    scenario: str
    changes: dict[str, Any] = Field(default_factory=dict)
    """What is changed in the scenario, by path."""
    cause_of_miss: str = ""


class TraceStatistic(Strict):
    """A statistic of a recorded trace, and between which values ours must lie."""

    id: str
    """As `sim.validation.trace` calls it."""
    title: str
    role: Literal["input", "fitted"]
    unit: str = ""
    measured: Positive
    least: Number
    most: float = math.inf


class MeasuredTrace(Strict):
    """A cluster whose outages were recorded, and a scenario with the failure table made of them."""

    title: str
    scenario: str
    changes: dict[str, Any]
    """What makes a pool of all its nodes, all active and watched for as long as the cluster was."""
    independent: dict[str, Any]
    """What makes of that the usual model, in which failures are independent of each other."""
    rows: tuple[TraceStatistic, ...]
