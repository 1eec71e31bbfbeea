"""The phases of a run: what holds in each, where it ends, and which of them is in force.

Positions decide, not events: a job that falls back behind the end of a phase is in it again. Only
where chips have left or come, or lie otherwise, is there no way back.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sim.engine.checkpoints import INSTANT, Sawtooth
from sim.engine.phased_pool import Strength, strength
from sim.results.ledger import DAY
from sim.scenario import Scenario
from sim.throughput import Throughput


@dataclass(frozen=True)
class Phase:
    """What holds in a phase.

    Attributes
    ----------
    scenario : Scenario
        As it is in this phase.
    throughput : Throughput
    end : float
        Position at which it ends (tokens).
    date : float
        Time at which it ends (s).
    """

    scenario: Scenario
    throughput: Throughput
    end: float
    date: float

    @property
    def strengths(self) -> dict[str, Strength]:
        """The nodes of every pool."""
        used = self.throughput.full.used_chips
        return {
            name: strength(pool, used.get(name, 0))
            for name, pool in self.scenario.fleet.items()
        }

    @property
    def allocated(self) -> dict[str, int]:
        """Active chips and hot spares of the whole job, by pool."""
        nodes = self.strengths
        used = self.throughput.full.used_chips
        return {
            name: used.get(name, 0) + nodes[name].hot * pool.chip.node_size
            for name, pool in self.scenario.fleet.items()
        }


def phases_of(
    scenarios: Sequence[Scenario], throughputs: Sequence[Throughput]
) -> tuple[Phase, ...]:
    """The phases of a run; one without any is a single phase.

    Parameters
    ----------
    scenarios : sequence of Scenario
        As it is in each phase, with every unknown constant settled.
    throughputs : sequence of Throughput
    """
    run = scenarios[0].run
    found = []
    for number, (scenario, throughput) in enumerate(zip(scenarios, throughputs, strict=True)):
        end = run.tokens
        date = math.inf
        if number < len(run.ends):
            written = run.ends[number]
            if isinstance(written, dt.date):
                date = (written - scenario.start).days * DAY
            else:
                # A run with fewer tokens ends in an earlier phase.
                end = min(written, run.tokens)
        found.append(Phase(scenario, throughput, end, date))
    return tuple(found)


class Course:
    """Which phase of a run is in force, and how long each has been.

    Parameters
    ----------
    phases : sequence of Phase
    """

    def __init__(self, phases: Sequence[Phase]) -> None:
        self.phases = phases
        self.sawtooths: list[Sawtooth] = []
        """Of each phase."""
        self.several = len(phases) > 1
        self._least = 0
        """No phase before this one can come again."""
        self.number = self.at(0.0, 0.0)
        self._since = (0.0, 0.0)
        """Time and position at which that began."""
        self._seconds = [0.0] * len(phases)
        self._tokens = [0.0] * len(phases)

    @property
    def phase(self) -> Phase:
        """What is in force."""
        return self.phases[self.number]

    @property
    def sawtooth(self) -> Sawtooth:
        """The checkpoints of the phase in force."""
        return self.sawtooths[self.number]

    def at(self, now: float, tokens: float) -> int:
        """The phase to which a time and a position belong."""
        number = self._least
        for phase in self.phases[number:-1]:
            if phase.date > now + INSTANT and phase.end > tokens:
                break
            number += 1
        return number

    def late(self, now: float) -> bool:
        """Whether the date has come at which the phase in force ends."""
        return self.phase.date <= now + INSTANT

    def rebuilds(self, number: int) -> bool:
        """Whether chips leave, come or lie otherwise in another phase than in this one."""
        other = self.phases[number]
        layouts = self.phase.throughput.full.layouts
        return (
            other.strengths != self.phase.strengths
            or other.throughput.full.layouts != layouts
        )

    def enter(self, number: int, now: float, tokens: float, *, rebuilt: bool) -> None:
        """Let another phase be in force, from a time and a position on."""
        self.close(now, tokens)
        self.number = number
        if rebuilt:
            self._least = number

    def close(self, now: float, tokens: float) -> None:
        """Count what the phase in force has had until now."""
        since, position = self._since
        self._seconds[self.number] += now - since
        self._tokens[self.number] += tokens - position
        self._since = (now, tokens)

    @property
    def main(self) -> Phase:
        """That with most of the tokens."""
        return self.phases[self._tokens.index(max(self._tokens))]

    @property
    def allocated(self) -> dict[str, float]:
        """Chips allocated to the job by pool, in the mean over time."""
        total = math.fsum(self._seconds)
        mean = dict.fromkeys(self.phase.allocated, 0.0)
        for phase, seconds in zip(self.phases, self._seconds, strict=True):
            for name, chips in phase.allocated.items():
                mean[name] += chips * (seconds / total)
        return mean

    @property
    def away(self) -> Mapping[str, int]:
        """Nodes by pool that are not there at first and come later."""
        now = self.phase.strengths
        most = {
            name: max(sum(phase.strengths[name]) for phase in self.phases) for name in now
        }
        return {name: nodes - sum(now[name]) for name, nodes in most.items()}
