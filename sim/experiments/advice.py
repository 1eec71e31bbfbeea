"""What a search over settings has found: the options, and how to say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sim.experiments.precision import unseen_in
from sim.results.answer import Answer

Goal = Literal["days", "cost", "finish"]
MOST_SHOWN = 6
"""Options of a table that are printed."""


@dataclass(frozen=True)
class Option:
    """A combination of settings, and what its replications say.

    Attributes
    ----------
    at : dict
        Values by dotted path.
    replications : int
        How many it had before it was given up.
    days, cost : float
        Means; runs that did not finish count as they stood at the horizon. The cost is None where
        it is not known.
    value : float
        The mean of what was sought: days, dollars or a probability.
    behind, lo, hi : float
        By how much it is worse than the pick, over the replications that both had, and the
        simultaneous 95 % interval of that.
    best : float
        The share of the first draws of luck and unknown inputs in which no option was better.
    alike : bool
        Whether it cannot be told from the pick.
    front : bool
        Whether no other is both cheaper and faster, by the means.
    command : str
    """

    at: dict[str, Any]
    replications: int
    days: float
    cost: float | None
    value: float
    behind: float
    lo: float
    hi: float
    best: float
    alike: bool
    front: bool
    command: str


@dataclass(frozen=True, repr=False)
class Advice(Answer):
    """The options, the pick first, then by their values.

    Attributes
    ----------
    goal : str
    within : float
        δ, in the unit of the goal.
    settled : bool
        Whether the procedure came to its end, so that the pick is within δ of the best.
    bound : float
        By how much another may be better, at 0.95, where it did not.
    options : sequence of Option
    edges : sequence of str
        Paths at which the pick has the first or the last of three values or more.
    left_out : sequence of str
        Combinations that are no scenario, and why.
    """

    goal: Goal
    within: float
    settled: bool
    bound: float
    options: Sequence[Option]
    edges: Sequence[str]
    left_out: Sequence[str]

    @property
    def pick(self) -> Option:
        """The option to choose."""
        return self.options[0]

    @property
    def unit(self) -> str:
        """Of what is sought."""
        return {"days": "days", "cost": "USD", "finish": "probability"}[self.goal]

    @property
    def limits(self) -> str:
        """What it does not promise."""
        return unseen_in(self.pick.replications)

    def report(self) -> dict[str, Any]:
        """Everything the command line prints as JSON."""
        options = [vars(option) for option in self.options]
        return vars(self) | {"options": options, "limits": self.limits, "unit": self.unit}

    def __str__(self) -> str:
        near = f"within {self.within:.3g} {self.unit} of the best"
        claim = f"{near} with a probability of 0.95 or more"
        if not self.settled:
            claim = (
                f"not settled: at 0.95 another may be better by {self.bound:.3g} {self.unit}"
            )
        lines = [
            f"pick: {words(self.pick.at)}",
            f"  {claim} (Kim and Nelson's KN, {len(self.options)} options); {self.limits}",
            f"  {self.pick.command}",
            *_table("cannot be told from it", [o for o in self.options[1:] if o.alike]),
            *_table("cost against date: no other is both cheaper and faster", self.front),
        ]
        lines += [
            f"the best may lie beyond: {path} = {self.pick.at[path]}" for path in self.edges
        ]
        lines += [f"left out: {why}" for why in self.left_out]
        return "\n".join(lines)

    @property
    def front(self) -> list[Option]:
        """The options to which no other is preferable on both counts, the cheapest first."""
        return sorted((o for o in self.options if o.front), key=lambda option: -option.days)


def _table(title: str, options: Sequence[Option]) -> list[str]:
    lines = ["", title if options else f"{title}: none"]
    for option in options[:MOST_SHOWN]:
        cost = "cost unknown" if option.cost is None else f"{option.cost:,.0f} USD"
        worth = f"{option.days:8.2f} d  {cost:>18}  best in {option.best:4.0%}"
        lines += [f"  {worth}  {words(option.at)}", f"    {option.command}"]
    if len(options) > MOST_SHOWN:
        lines.append(f"  … and {len(options) - MOST_SHOWN} more; --json has them all")
    return lines


def words(at: Mapping[str, Any]) -> str:
    return ", ".join(f"{path} = {value}" for path, value in at.items())
