"""What a scenario leaves to us and what becomes of it: layouts, idle chips, intervals, nothings."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.engine import campaign
from sim.engine.setup import intervals, throughput_of
from sim.scenario import Pool, Scenario
from sim.scenario.scale import shrunk
from sim.throughput.layouts import Shape

SMALLEST_GAIN = 5e-4
"""A smaller one would read as none."""


@dataclass(frozen=True)
class Choices:
    """What is in use, how far it is from the best that is known, and what was left out.

    Unknown constants are at their modes. A programme lays out each run anew: its layouts are those
    of the first run, and nothing else is known of it.

    Attributes
    ----------
    idle_chips : dict
        By pool.
    layouts : dict
        By pool, in words; None where a pool takes no part.
    tokens_per_s, planner_tokens_per_s : float or None
        Of a healthy fleet, as laid out and as the planner would lay it out.
    checkpoint_interval_s, best_checkpoint_interval_s : float or None
        As given, and Daly's; None where nothing fails.
    taken_as_none : list of str
        What the scenario does not give and what therefore costs nothing.
    """

    idle_chips: dict[str, int]
    layouts: dict[str, str | None]
    taken_as_none: list[str]
    tokens_per_s: float | None = None
    planner_tokens_per_s: float | None = None
    checkpoint_interval_s: float | None = None
    best_checkpoint_interval_s: float | None = None

    def __str__(self) -> str:
        lines = []
        for name, layout in self.layouts.items():
            idle = f"{self.idle_chips[name]:,} chips idle"
            lines.append(f"{name}: {idle}; {layout or 'takes no part'}")
        if self.tokens_per_s:
            lines.append(nearness(self.tokens_per_s, self.planner_tokens_per_s or 0.0))
        return "\n".join([*lines, *self.costs()])

    def costs(self) -> list[str]:
        """What is said of checkpoints, and of what costs nothing."""
        lines = []
        if self.checkpoint_interval_s:
            best = self.best_checkpoint_interval_s
            told = f"the best interval is {best:,.4g} s (Daly)" if best else "nothing fails"
            lines.append(f"a checkpoint every {self.checkpoint_interval_s:,.4g} s; {told}")
        if self.taken_as_none:
            told = f"not given, taken as none: {', '.join(self.taken_as_none)}"
            if any(what.startswith("repair") for what in self.taken_as_none):
                told += "; a node without repair is back at once"
            lines.append(told)
        return lines


def nearness(tokens_per_s: float, planner_tokens_per_s: float) -> str:
    """How far a layout is from the planner's, in words."""
    gain = planner_tokens_per_s / tokens_per_s - 1
    if gain > SMALLEST_GAIN:
        return f"the planner's own layout is {gain:.1%} faster"
    return "no layout tried is faster"


def choices(scenario: Scenario) -> Choices:
    """Find what a scenario uses of its fleet, and how far that is from the best.

    Raises
    ------
    InputError
        When the fleet cannot run this.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> fewer = load_scenario("deepseek-v3").override({"fleet.good.chips": 2000})
    >>> choices(fewer).idle_chips
    {'good': 976}
    """
    known = scenario.resolve(0, 0, fixed=True)
    if known.over_years:
        pools = campaign.laid_out(shrunk(known))
        words = {name: _words(pools.get(name)) for name in known.fleet}
        return Choices(dict.fromkeys(known.fleet, 0), words, taken_as_none(scenario))
    throughput = throughput_of(known, known.run, known.fleet)
    plan = throughput.full
    given, best = intervals(known, throughput)
    return Choices(
        plan.idle_chips,
        {name: str(shape) if shape else None for name, shape in plan.layouts.items()},
        taken_as_none(scenario),
        plan.tokens_per_s,
        throughput.freely_planned.full.tokens_per_s,
        given if given < math.inf else None,
        best if best < math.inf else None,
    )


def _words(pool: Pool | None) -> str | None:
    """A complete layout in words."""
    if pool is None:
        return None
    return str(Shape(**pool.layout.model_dump(exclude={"data", "layers"})))


def taken_as_none(scenario: Scenario) -> list[str]:
    """What a scenario does not give and what therefore costs nothing.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> taken_as_none(load_scenario("deepseek-v3"))
    []
    """
    found = []
    costs = {"blocking", "bandwidth", "flush", "load", "memory"}
    if not costs & scenario.checkpoint.model_fields_set:
        found.append("checkpoint")
    if not {"restart", "reschedule"} & scenario.recovery.model_fields_set:
        found.append("restart")
    tables = {name: pool.failures for name, pool in scenario.fleet.items()}
    spared = [name for name, table in tables.items() if not table.causes and not table.trace]
    if spared:
        found.append(_of("failures", spared, len(tables)))
    broken = {c.cause: c for table in tables.values() for c in table.causes if c.hardware}
    # A node whose chip is dead for good is the depot's.
    at_once = [name for name, c in broken.items() if c.repair is None and c.permanent != 1]
    if at_once:
        found.append(_of("repair", at_once, len(broken)))
    return found


def _of(what: str, names: list[str], number: int) -> str:
    return what if len(names) == number else f"{what} of {' and '.join(names)}"
