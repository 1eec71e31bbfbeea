"""Chips made from two stocks that deplete: dies, and stacks of memory.

A month's deliveries are put into both stocks, and then the month's plan is made as far as the
scarcer of the two goes. What could not be made is not made up for later: the plan is a capacity.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy

from sim.results.ledger import Floats

Process = Generator[simpy.Event, Any, None]


@dataclass(frozen=True)
class Recipe:
    """A product: what is planned of it month by month, and what one that works takes."""

    plan: Floats
    dies: float
    stacks: float


class Factory:
    """The two stocks as containers, and what is made of them.

    Parameters
    ----------
    env : simpy.Environment
    recipes : mapping of str to Recipe
    """

    def __init__(self, env: simpy.Environment, recipes: Mapping[str, Recipe]) -> None:
        self._env = env
        self._recipes = recipes
        self.dies = simpy.Container(env)
        self.stacks = simpy.Container(env)
        self.made: dict[str, list[float]] = {name: [] for name in recipes}
        """Chips of each month."""

    def run(self, ends: Floats, dies: Floats, stacks: Floats) -> Process:
        """Take in the deliveries of each month, and make chips at its end."""
        for month, end in enumerate(ends):
            yield self._env.timeout(float(end) - self._env.now)
            for stock, delivered in ((self.dies, dies), (self.stacks, stacks)):
                # A container takes no delivery of nothing.
                if delivered[month] > 0:
                    stock.put(float(delivered[month]))
            self._make(month)

    def _make(self, month: int) -> None:
        wanted = {name: float(recipe.plan[month]) for name, recipe in self._recipes.items()}
        dies = sum(chips * self._recipes[name].dies for name, chips in wanted.items())
        stacks = sum(chips * self._recipes[name].stacks for name, chips in wanted.items())
        share = 1.0
        for stock, needed in ((self.dies, dies), (self.stacks, stacks)):
            if needed > stock.level:
                share = min(share, stock.level / needed)
        for name, chips in wanted.items():
            self.made[name].append(share * chips)
        for stock, needed in ((self.dies, dies), (self.stacks, stacks)):
            # A product of quotients may exceed the level by its last digit.
            taken = min(share * needed, stock.level)
            if taken > 0:
                stock.get(taken)


def made(
    ends: Floats, dies: Floats, stacks: Floats, recipes: Mapping[str, Recipe]
) -> dict[str, Floats]:
    """Make chips month by month.

    Parameters
    ----------
    ends : array of float
        Seconds from the start to the end of each month.
    dies, stacks : array of float
        What is delivered in each month.
    recipes : mapping of str to Recipe

    Returns
    -------
    dict of str to array
        Chips of each product made in each month.

    Examples
    --------
    >>> plan = Recipe(np.array([10.0, 10.0]), dies=2.0, stacks=8.0)
    >>> made(np.array([1.0, 2.0]), np.array([90.0, 0]), np.array([100.0, 0]), {"c": plan})
    {'c': array([10. ,  2.5])}
    """
    env = simpy.Environment()
    factory = Factory(env, recipes)
    env.run(until=env.process(factory.run(ends, dies, stacks)))
    return {name: np.array(chips) for name, chips in factory.made.items()}
