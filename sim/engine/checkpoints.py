"""What a scenario's checkpoint and recovery settings come to for a job of a given size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from sim.catalogue.hardware import StepTime
from sim.errors import InputError
from sim.scenario import Checkpoint, Run
from sim.scenario.parts import Steps
from sim.throughput import Plan


def sawtooth(
    checkpoint: Checkpoint, run: Run, plan: Plan, constants: StepTime, failure_rate: float
) -> Sawtooth:
    """Checkpoint times in seconds, with the storage's bandwidth and the optimal interval worked
    out.

    Parameters
    ----------
    failure_rate : float
        Interruptions per second of the whole job.

    Raises
    ------
    InputError
        When a checkpoint could not be durable before the next one starts.
    """
    size = run.model.parameters * (constants.element + constants.optimizer)
    transfer = size / checkpoint.bandwidth if checkpoint.bandwidth else 0.0
    flush = transfer if checkpoint.flush is None else checkpoint.flush
    load = transfer if checkpoint.load is None else checkpoint.load
    in_tokens = isinstance(checkpoint.interval, Steps)
    if in_tokens:
        interval = checkpoint.interval * plan.tokens_per_step
        seconds = interval / plan.tokens_per_s if plan.tokens_per_s else math.inf
    elif checkpoint.interval == "optimal":
        least = max(checkpoint.blocking + flush, plan.step_seconds)
        interval = seconds = max(daly_interval(checkpoint.blocking, failure_rate), least)
    else:
        interval = seconds = checkpoint.interval
    if checkpoint.blocking + flush > seconds * (1 + 1e-12):
        raise InputError(
            f"checkpoint: blocking + flush take {checkpoint.blocking + flush:g} s, the interval is {seconds:g} s: "
            "a checkpoint must be durable before the next one starts"
        )
    memory = checkpoint.memory
    per_interval = round(memory.per_interval) if memory else 1
    return Sawtooth(
        period=interval / per_interval,
        in_tokens=in_tokens,
        blocking=checkpoint.blocking,
        flush=flush,
        load=load,
        storage_every=per_interval,
        memory_blocking=memory.blocking if memory else 0.0,
        memory_load=memory.load if memory else load,
        final=checkpoint.final,
    )


def daly_interval(blocking: float, failure_rate: float) -> float:
    """The best time between checkpoints: ``√(2δM)·[1 + ⅓√(δ/2M) + δ/(18M)] − δ``, or M where δ ≥ 2M
    (Daly 2006).

    Examples
    --------
    >>> round(daly_interval(60.0, 1 / 3600.0), 1)
    617.9
    """
    if not failure_rate:
        return math.inf
    mean = 1 / failure_rate
    if blocking >= 2 * mean:
        return mean
    root = math.sqrt(blocking / (2 * mean))
    return math.sqrt(2 * blocking * mean) * (1 + root / 3 + blocking / (18 * mean)) - blocking


INSTANT = 1e-6
"""Seconds within which events happen together: sums of times differ in the last digits."""


@dataclass(frozen=True, slots=True)
class Sawtooth:
    """When checkpoints are written and what they cost (seconds).

    Every `storage_every`-th mark goes to storage and blocks for `blocking`, the others stay in host
    memory and block for `memory_blocking`. The period between marks is in running seconds, or in
    tokens if `in_tokens`.
    """

    period: float
    in_tokens: bool = False
    blocking: float = 0.0
    flush: float = 0.0
    load: float = 0.0
    storage_every: int = 1
    memory_blocking: float = 0.0
    memory_load: float = 0.0
    final: bool = False


class Mark:
    """A checkpoint: the position it holds and the productive seconds it took to get there."""

    __slots__ = ("durable_at", "productive", "tokens")

    def __init__(self, tokens: float, productive: float, durable_at: float) -> None:
        self.tokens, self.productive, self.durable_at = tokens, productive, durable_at


class Watch(Protocol):
    """Who wants to see the checkpoints of a run; the run is the same without."""

    def written(self, marks: Iterator[Mark]) -> None:
        """Checkpoints on storage, in order, made as they are asked for: there may be millions."""
        ...

    def fell_back(self, mark: Mark, void: Mark | None) -> None:
        """The job goes back to a checkpoint; one that was not durable yet is void."""
        ...
