"""What the job of the oracle is made of: causes, nodes, their faults, and checkpoints."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cause:
    """A cause of failure that strikes one node again and again, each time after the same life."""

    name: str
    node: int = 0
    life: float = math.inf
    clock: str = "powered"
    switch: bool = False
    hardware: bool = True
    silent: bool = False
    slowdown: float = 1.0
    permanent: bool = False
    detect: float = 0.0
    repair: float = 0.0
    refail: float | None = None
    rollback: int = 0


@dataclass(eq=False)
class Fault:
    """A fault that nobody has noticed yet: silent corruption or a straggler."""

    cause: Cause
    found: float
    node: Node


@dataclass(eq=False)
class Node:
    """A node, where it is, and what will befall it."""

    number: int
    place: str
    lives: dict[Cause, float]
    """What is left until a cause strikes; it strikes again after the same time."""
    relapses: dict[Cause, float] = field(default_factory=dict)
    """The same of causes that come back once, by the powered clock."""
    faults: list[Fault] = field(default_factory=list)
    failures: int = 0
    back: float = math.inf
    standby: bool = False
    """Whether it is a hot spare inside the job."""
    boxed: bool = False
    """Whether it is a cold spare that was never unpacked."""
    turn: int = 0
    """Spares step in in the order in which they became spares."""


@dataclass(eq=False)
class Mark:
    """A checkpoint: where the job stood when it began, and when it can be relied upon."""

    work: float
    productive: float
    durable: float
    memory: bool
    spoilt: dict[Fault, float]
    """The faults under which a step was trained that still counts, and the work at their beginning."""
