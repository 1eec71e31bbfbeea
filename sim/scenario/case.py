"""What a step time needs to know: a run, a fleet, and where chip types meet."""

import math
import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from sim import catalogue
from sim.catalogue.strict import Strict
from sim.errors import InputError
from sim.quantities.distributions import Lognormal
from sim.quantities.uncertain import Uncertain
from sim.scenario.parts import Mixing, Pool
from sim.scenario.phases import Run
from sim.scenario.references import ConstantsRef


def _named_well(fleet: dict[str, Pool]) -> dict[str, Pool]:
    if not fleet:
        raise InputError("the fleet is empty; give at least one pool")
    for name in fleet:
        # A dot or a space could not be reached by `--set`.
        if not re.fullmatch(r"[\w-]+", name):
            allowed = "letters, digits, - and _"
            problem = f"a pool's name has only {allowed}, unlike {name!r}"
            raise InputError(problem, given=name, allowed=allowed)
    return fleet


def add_residuals(fleet: dict[str, Pool]) -> None:
    """Give every pool whose speed is modelled the residual of its chip and stack.

    It is what the step-time model does not know of them. Pools of one chip and one stack share it
    by its name. Its width is that right at a published run; `sim.throughput.domain` lets it grow
    with the distance.
    """
    domain = catalogue.entry("domains", "step-time").item
    own = Lognormal(1.0, domain.near * math.sqrt(1 - domain.shared))
    for name, pool in fleet.items():
        taken = pool.throughput and not pool.throughput.at_chips
        if pool.residual is None and not taken and not pool.layer_seconds:
            unknown = f"constants.residual.{pool.chip.name}.{pool.stack.name}"
            fleet[name] = pool.but(residual=Uncertain(1.0, own, unknown))


Fleet = Annotated[dict[str, Pool], AfterValidator(_named_well)]


class Case(Strict):
    """What a step time needs: a run and a fleet."""

    also = ("like",)
    run: Run
    """What is trained."""
    fleet: Fleet
    """The pools of nodes, by any name."""
    mixing: Mixing = Mixing()
    """Where chip types meet, and what meeting costs."""
    constants: ConstantsRef = Field("step-time", validate_default=True)  # type: ignore[assignment]
    """Constants of the step-time model; a name from the catalogue, or its keys."""
    catalogue: str | None = None
    """A folder with tables of the user's own, written as those of the catalogue are."""
    known: dict[str, Any] = Field(default_factory=dict)
    """Unknown constants that are known, by the names that the tool prints."""

    @property
    def over_years(self) -> bool:
        """Whether it is about a stock over years, which can supply a pool that has nothing yet."""
        return False

    def check(self) -> None:
        for name, pool in self.fleet.items():
            if not pool.active_nodes and not self.over_years:
                problem = "the pool has no nodes; remove it, or give it chips or nodes"
                raise InputError(problem, key=f"fleet.{name}")
        # Who says what the model's error is, of all chips, says it of each.
        if isinstance(self.constants.model_error, Uncertain):
            add_residuals(self.fleet)


def patient(changes: Iterable[str]) -> bool:
    """Whether changes to these paths let a run be what it was: the horizon, and the spares."""
    return all(path == "horizon" or path.endswith("_spares") for path in changes)
