"""What a scenario was made from, and what has been computed of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sim.quantities.unknowns import Sketch
from sim.scenario.reading import Source

if TYPE_CHECKING:  # a scenario has an origin, not the other way round
    from sim.scenario import Scenario

T = TypeVar("T")


@dataclass(frozen=True)
class Origin:
    """What a scenario was made from."""

    source: Source
    unknowns: Sketch
    """Where its unknown constants are."""
    given: Mapping[str, float] = field(default_factory=dict)
    """Those that have become known, by name."""
    written: Scenario | None = None
    """The scenario before they had, if any has."""
    _computed: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was computed of the scenario once and for all."""

    def once(self, key: Any, compute: Callable[[], T]) -> T:
        """What takes long to compute of a scenario, which never changes.

        Parameters
        ----------
        key : hashable
            Tells it from all else that is computed of the scenario.
        compute : callable
            Asked the first time only.
        """
        if key not in self._computed:
            self._computed[key] = compute()
        return self._computed[key]
