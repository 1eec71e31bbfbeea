"""A simulator with a known answer in place of the engine's: the days of a run as a function of
scenario and luck.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from numpy.random import Generator

from sim.experiments.store import Simulator
from sim.results.ledger import DAY
from sim.results.run import RunResult
from sim.scenario import Scenario
from sim.scenario.reading import merge
from sim.streams import stream
from tests.engine.bare import bare_scenario

Days = Callable[[Any, Generator], float]
UNSURE = {
    "checkpoint": {
        "blocking": {"uncertain": ["0 s", "1 s", "2 s"]},
        "load": {"uncertain": ["0 s", "1 s", "2 s"]},
    },
    "constants": {"like": "step-time", "model_error": {"uncertain": [0.5, 1, 1.5]}},
}
NAMES = ("checkpoint.blocking", "checkpoint.load", "constants.model_error")
"""Three unknown constants, one of them of the step-time model."""


class Run:
    """As much of a RunResult as an experiment looks at."""

    def __init__(self, days: float, horizon: float, fingerprint: str) -> None:
        self.finished = days * DAY <= horizon
        self.metrics = {
            "wall_days": min(days, horizon / DAY),
            "ettr": 1.0,
            "cost_rental_usd": float("nan"),
        }
        self.fingerprint = fingerprint


def stand_in(days: Days, seen: list[int] | None = None, also: Sequence[str] = ()) -> Simulator:
    """Make a simulator whose runs take `days`, as do other metrics.

    `seen` fills with the replications run.
    """

    def simulator(
        scenario: Scenario, seed: int, replication: int, *, fixed_inputs: bool = False
    ) -> RunResult:
        if seen is not None:
            seen.append(replication)
        settled = scenario.resolve(seed, replication, fixed=fixed_inputs)
        length = days(settled, stream(seed, replication, "days"))
        run = Run(length, settled.horizon, f"{seed}.{replication}")
        run.metrics |= dict.fromkeys(also, length)
        return cast(RunResult, run)

    return simulator


def ten_days(
    scenario: Scenario, seed: int, replication: int, *, fixed_inputs: bool = False
) -> RunResult:
    """A simulator that worker processes can import."""
    return cast(RunResult, Run(10.0, scenario.horizon, f"{seed}.{replication}"))


def sure(**changes: Any) -> Scenario:
    """The bare scenario with no unknown constant."""
    return _knowing(bare_scenario(**merge({"checkpoint": {"load": "0 s"}}, changes)), ())


def unsure(**changes: Any) -> Scenario:
    """The bare scenario with three unknown constants and no other."""
    return _knowing(bare_scenario(**merge(UNSURE, changes)), NAMES)


def _knowing(whole: Scenario, left: tuple[str, ...]) -> Scenario:
    return whole.given(
        {name: float(number) for name, number in whole.unknowns().items() if name not in left}
    )
