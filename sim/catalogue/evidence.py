"""What was published or recorded, to be compared with our results: runs, jobs, traces, peers."""

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
    """A short name."""
    title: str
    """What it is."""
    role: Role
    """What the comparison is worth."""
    quantity: str
    """What is measured; see `sim.validation.published`."""
    unit: str = ""
    """Its unit."""
    measured: float
    """The published value."""
    cause_of_miss: str = ""
    """Why ours differs, if that is known."""


class MeasuredRun(Strict):
    """A published run: the case, in the keys of a scenario, and the numbers measured on it."""

    case: dict[str, Any]
    """The run, in the keys of a scenario."""
    without: tuple[str, ...] = ()
    """Pools left out of the run that a speed-up is relative to."""
    mature: bool = True
    """Run on a production stack; first-year and research ones are shown apart."""
    rows: tuple[Measurement, ...]
    """The published numbers."""


class Family(Strict):
    """Published runs of one model family on one software stack."""

    stack: str
    """The software stack."""
    experts: bool = False
    """Whether the models have routed experts."""
    role: Literal["fitted", "validation"]
    """Whether constants rest on them; of a validation family none does."""
    runs: tuple[str, ...]
    """Names of the published runs."""
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
    """Chips of the run."""


class Point(NamedTuple):
    """What the distance between two runs is measured by."""

    width: float
    tokens: float
    inner: float
    chips: float


class Domain(Strict):
    """Where the step-time model holds, and how its error grows with the distance."""

    weights: Weights
    """What each measure counts for."""
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
    """What it is."""
    scenario: str
    """Our scenario."""
    changes: dict[str, Any] = Field(default_factory=dict)
    """What is changed in the scenario, by path."""
    days: float
    """Days of computing that the job asks for."""
    seeds: int = 0
    """Runs of the re-implementation."""
    means: dict[str, float] = Field(default_factory=dict)
    """Means over `seeds` runs of an independent re-implementation of its model."""
    peer: dict[str, float] = Field(default_factory=dict)
    """Means of the simulator itself."""


class CountedStock(Strict):
    """Chips that a source counts by a date, in its own unit, and the pools that hold them here."""

    title: str
    """What it is."""
    role: Role
    """An input where the source fed the line under this switch."""
    unit: str
    """What the source counts in."""
    units: dict[str, Positive]
    """By pool: what the source counts a chip as."""
    since: dt.date | None = None
    """Only what came after this date."""
    date: dt.date
    """The day of the count."""
    given: dict[str, float] = Field(default_factory=dict)
    """Unknown constants, by name, that choose between sources."""
    measured: Positive
    """The published value."""
    low: Positive
    """Where the published 90 % band begins."""
    high: Positive
    """The published 90 % band."""


class TrainedRun(Strict):
    """A run that happened, so it must have been staffable: its compute, or its chips."""

    title: str
    """What it is."""
    date: dt.date
    """When its chips had to be there."""
    flop: Positive | None = None
    """Its compute (FLOP)."""
    days: Positive | None = None
    """How long it took, where its compute is given."""
    chips: Positive | None = None
    """Chips it was trained on."""
    pools: tuple[str, ...] = ()
    """Pools of those chips; of any unless given."""


class MeasuredJob(Strict):
    """What a whole job is reported to have lost, and a scenario of ours to hold against it."""

    title: str
    """What it is."""
    role: Role
    """What the comparison is worth."""
    quantity: Literal["ettr", "longer"]
    """Productive share of the time, or how much longer it took than on a network that never slows.
    """
    measured: Share
    """The published value."""
    bound: bool = False
    """Whether the report says *more than*."""
    chips: int
    """Chips of the job."""
    scenario: str
    """Our scenario."""
    changes: dict[str, Any] = Field(default_factory=dict)
    """What is changed in the scenario, by path."""
    family: str = ""
    """Rows of one family have their facts in common; the source unless given."""
    cause_of_miss: str = ""
    """Why ours differs, if that is known."""


class Logbook(MeasuredJob):
    """A span of a logbook, whose share of time is held against a scenario of that span."""

    twin: dict[str, Any]
    """What is changed further in a scenario that leaves something out, by path."""
    wrong: str
    """What that leaves out."""


class TraceStatistic(Strict):
    """A statistic of a recorded trace, and between which values ours must lie."""

    id: str
    """As `sim.validation.trace` calls it."""
    title: str
    """What it is."""
    role: Literal["input", "fitted"]
    """What the comparison is worth."""
    unit: str = ""
    """Its unit."""
    measured: Positive
    """The value in the trace."""
    least: Number
    """The least that ours may be."""
    most: float = math.inf
    """The most that ours may be."""


class MeasuredTrace(Strict):
    """A cluster whose outages were recorded, and a scenario with the failure table made of them."""

    title: str
    """What it is."""
    scenario: str
    """Our scenario."""
    changes: dict[str, Any]
    """What makes a pool of all its nodes, all active and watched for as long as the cluster was."""
    independent: dict[str, Any]
    """What makes of that the usual model, in which failures are independent of each other."""
    rows: tuple[TraceStatistic, ...]
    """The statistics."""
