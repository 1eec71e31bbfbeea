"""How many spares it takes, or how long a checkpoint interval may be, to finish by a date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Unpack

from sim.errors import InputError
from sim.experiments.executors import Work, workers
from sim.experiments.replicate import wilson
from sim.experiments.store import Point, Store
from sim.quantities.distributions import highest
from sim.scenario import Scenario

DOUBLING = (0, *(2**k for k in range(13)))
LONGEST = 86400.0
"""Interval tried, in seconds."""


@dataclass(frozen=True)
class Size:
    """The answer of `size_stock`.

    Attributes
    ----------
    path, unit : str
        What was varied, and in which unit.
    value : int or None
        The smallest number of spares, or the longest interval, that meets the probability; None if
        none tried does.
    lo, hi : int or None
        The same where the upper, or lower, end of the 95 % interval of the probability meets it;
        None if none does.
    tried : dict
        By number tried: `p`, the share of replications that finished by the date, and its Wilson
        interval `lo`, `hi`.
    """

    path: str
    unit: str
    by: dt.date
    probability: float
    value: int | None
    lo: int | None
    hi: int | None
    replications: int
    tried: dict[int, dict[str, float]]

    def report(self) -> dict[str, Any]:
        """Everything the command line prints as JSON."""
        return {
            **vars(self),
            "by": self.by.isoformat(),
            "tried": {str(k): self.tried[k] for k in sorted(self.tried)},
        }

    def __str__(self) -> str:
        low, high = ("none tried" if end is None else end for end in (self.lo, self.hi))
        unit = self.unit or "nodes" * self.path.endswith("_spares")
        found = (
            f"{self.value} {unit} (95 %: {low} … {high})"
            if self.value is not None
            else "no number tried is enough"
        )
        lines = [
            f"{self.path} to finish by {self.by} with probability {self.probability:g}: {found}"
        ]
        lines += [
            f"{k:8} {t['p']:7.1%}  ({t['lo']:.1%} … {t['hi']:.1%})"
            for k, t in sorted(self.tried.items())
        ]
        return "\n".join(lines)


def size_stock(
    scenario: Scenario,
    by: dt.date,
    probability: float = 0.9,
    *,
    spares: str | None = None,
    longest_interval: bool = False,
    n: int = 200,
    seed: int = 0,
    fixed_inputs: bool = False,
    **work: Unpack[Work],
) -> Size:
    """The smallest number of spares with which a run finishes by a date with a probability, or the
    longest interval.

    Numbers are doubled until one is on the other side, then halved in between, every one on the
    same replications (common random numbers), so that more spares never seem worse by chance.

    Parameters
    ----------
    scenario : Scenario
    by : datetime.date
        Takes the place of the horizon.
    probability : float
    spares : str, optional
        Path of the number to find; the first pool's `cold_spares` unless given.
    longest_interval : bool
        Instead, find the longest checkpoint interval, in whole minutes.
    n, seed, fixed_inputs, **work
        As for `replicate`.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> size_stock(load_scenario("deepseek-v3"), dt.date(2024, 12, 1), 0.5, n=5).path
    'fleet.good.cold_spares'
    """
    days = (by - scenario.start).days
    if days <= 0:
        raise InputError(f"{by} is not after the start of {scenario.name}, {scenario.start}")
    if longest_interval:
        path, unit = "checkpoint.interval", "min"
        shortest = highest(scenario.checkpoint.blocking) + highest(scenario.checkpoint.flush or 0.0)
        numbers = [k for k in DOUBLING[:0:-1] if shortest <= 60 * k <= LONGEST]
    else:
        path, unit, numbers = (
            spares or f"fleet.{next(iter(scenario.fleet))}.cold_spares",
            "",
            DOUBLING,
        )
    points: dict[int, Point] = {}
    tried: dict[int, dict[str, float]] = {}
    with workers(**work) as run:

        def meets(bound: str, number: int) -> bool:
            if number not in tried:
                question = scenario.override(
                    {path: f"{number} {unit}".strip(), "horizon": f"{days} d"}
                )
                points[number] = Point(question, seed, range(n), fixed_inputs=fixed_inputs)
                done = sum(outcome.finished for outcome in run([points[number]])[0])
                tried[number] = {"p": done / n, **wilson(done, n)}
            return tried[number][bound] >= probability

        enough = longest_interval or meets("hi", numbers[-1])
        value, surely, barely = (
            _edge(numbers, partial(meets, b)) if enough else None for b in ("p", "lo", "hi")
        )
    if out := work.get("out"):
        Store(out).record("size-stock", [({path: k}, points[k]) for k in sorted(points)])
    lo, hi = (surely, barely) if longest_interval else (barely, surely)
    return Size(path, unit, by, probability, value, lo, hi, n, tried)


def _edge(numbers: Sequence[int], ok: Callable[[int], bool]) -> int | None:
    """The first number that is ok, looked for among `numbers` and then between it and the one
    before.
    """
    good = next((k for k, number in enumerate(numbers) if ok(number)), None)
    if not good:
        return None if good is None else numbers[0]
    bad, good = numbers[good - 1], numbers[good]
    while abs(good - bad) > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if ok(middle) else (good, middle)
    return good
