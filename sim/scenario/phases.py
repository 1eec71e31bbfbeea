"""A run and its phases: a batch ramp, a cluster rebuilt, a longer context."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field

from sim.catalogue.hardware import Many
from sim.catalogue.strict import A_DATE, Strict
from sim.errors import InputError, expected
from sim.quantities.notation import Quantity, Tokens
from sim.scenario.parts import (
    Batch,
    Chips,
    Layout,
    MeasuredRate,
    Nodes,
    PhaseCheckpoint,
    PhaseRecovery,
    Steps,
)
from sim.scenario.references import ModelRef

if TYPE_CHECKING:  # a scenario is made of these parts, not the other way round
    from sim.scenario import Scenario

S = TypeVar("S", bound=Strict)


class Part(float):
    """A share of the tokens of a run, as the end of a phase."""


def _until(value: Any) -> Any:
    # A time of day is no date, and the day has begun before it.
    if isinstance(value, (Steps, Part, dt.date)) and not isinstance(value, dt.datetime):
        return value
    # An end that is unknown is a number of tokens.
    text = value if isinstance(value, str) else ""
    if "step" in text:
        return Steps(Quantity("step", positive=True).read(value))
    if "%" in text:
        return Part(Quantity(positive=True, most=1.0).read(value))
    if text.count("-") == 2:
        with suppress(ValueError):
            return dt.date.fromisoformat(text)
        raise expected(A_DATE, value)
    return Quantity("token", least=1.0).read(value)


Until = Annotated[Any, BeforeValidator(_until, json_schema_input_type=Tokens | dt.date | str)]


class PhasePool(Strict):
    """What is otherwise in a pool during a phase; no chips take it out of the run."""

    chips: Chips | None = None
    """Active chips, in whole nodes; or `nodes`."""
    nodes: Nodes | None = None
    """Active nodes; or `chips`."""
    hot_spares: Nodes = 0.0
    """Powered spare nodes that take the place of a failed one."""
    cold_spares: Nodes = 0.0
    """Boxed spare nodes, installed when no hot spare is left."""
    layout: Layout = Layout()
    """How the model is spread over the chips."""
    throughput: MeasuredRate | None = None
    """A measured rate in place of the step-time model."""


class Phase(Strict):
    """What is otherwise in a phase of a run; what it leaves out is as in the scenario."""

    until: Until | None = None
    """Where it ends, counted from the start of the run: tokens, ``2000 steps``, ``30 %`` of the
    tokens, or a date. Only the last phase may leave it out, and lasts to the end of the run; after
    a last phase that ends the scenario holds as it is without phases."""
    batch: Batch | None = None
    """Sequences of a step."""
    sequence: Many | None = None
    """Tokens of one sequence."""
    checkpoint: PhaseCheckpoint | None = None
    """When the state is saved and what that costs."""
    recovery: PhaseRecovery | None = None
    """What happens after an interruption."""
    fleet: dict[str, PhasePool] = Field(default_factory=dict)
    """What is otherwise in a pool, by its name."""


class Run(Strict):
    """One training run."""

    model: ModelRef
    """The model that is trained: a name from the catalogue, or its keys."""
    tokens: Tokens
    """Tokens that the model is trained on."""
    batch: Batch
    """Sequences of a step."""
    phases: tuple[Phase, ...] = ()
    """Phases in which something is otherwise, one after another."""

    def check(self) -> None:
        position = 0.0
        date = dt.date.min
        for number, end in enumerate(self.ends):
            if isinstance(end, dt.date):
                late = end > date
                date = end
            else:
                late = end > position
                position = end
            if not late:
                problem = "a phase must end after those before it"
                given = self.phases[number].until
                raise InputError(problem, key=f"phases.{number}.until", given=given)

    @property
    def ends(self) -> list[Any]:
        """Where each phase that has an end does end: a position in tokens, or a date.

        Raises
        ------
        InputError
            When a phase but the last has no end, or steps cannot be counted.
        """
        found: list[Any] = []
        here = steps = 0.0
        for number, phase in enumerate(self.phases):
            end = phase.until
            if end is None and number < len(self.phases) - 1:
                raise InputError(
                    "only the last phase may have no end", key=f"phases.{number}"
                )
            if isinstance(end, Steps) and any(isinstance(other, dt.date) for other in found):
                problem = "steps cannot be counted after a phase that ends on a date"
                raise InputError(problem, key=f"phases.{number}.until", given=end)
            size = (phase.batch or self.batch).sequences * (
                phase.sequence or self.model.sequence
            )
            if isinstance(end, Steps):
                end = here + (end - steps) * size
            elif isinstance(end, Part):
                end = end * self.tokens
            if isinstance(end, float):
                steps += (end - here) / size
                here = float(end)
            if end is not None:
                found.append(here if isinstance(end, float) else end)
        return found


def phases(scenario: Scenario) -> list[Scenario]:
    """The scenario as it is in each phase of its run, the last to the end of the run.

    Without phases that is the scenario itself.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> ramp = load_scenario("deepseek-v3").override(
    ...     {"run.phases": [{"until": "469e9", "batch": {"sequences": 3072}}]}
    ... )
    >>> [phase.run.batch.sequences for phase in phases(ramp)]
    [3072, 15360]
    """
    run = scenario.run
    found = [_in_phase(scenario, phase) for phase in run.phases]
    if len(run.ends) == len(found):
        found.append(scenario)
    return found


def _in_phase(scenario: Scenario, phase: Phase) -> Scenario:
    run = scenario.run
    model = run.model.but(sequence=phase.sequence or run.model.sequence)
    batch = _changed(run.batch, phase.batch)
    fleet = {}
    for name, pool in scenario.fleet.items():
        change = phase.fleet.get(name)
        sizes = (change.chips, change.nodes) if change else ()
        # Its size is given in one of two ways, and the other is gone.
        if any(size is not None for size in sizes):
            pool = pool.but(chips=None, nodes=None)
        # A pool without chips has no spares either.
        if 0.0 in sizes:
            pool = pool.but(hot_spares=0.0, cold_spares=0.0)
        fleet[name] = _changed(pool, change)
    return scenario.but(
        run=run.but(model=model, batch=batch),
        checkpoint=_changed(scenario.checkpoint, phase.checkpoint),
        recovery=_changed(scenario.recovery, phase.recovery),
        fleet=fleet,
    )


def _changed(base: S, change: Strict | None) -> S:
    """A part of a scenario with what a phase says in place of its own."""
    if change is None:
        return base
    own = {}
    for key in sorted(change.model_fields_set):
        before, after = getattr(base, key), getattr(change, key)
        both = isinstance(before, Strict) and isinstance(after, Strict)
        own[key] = _changed(before, after) if both else after
    return base.but(**own)


def check_phases(scenario: Scenario) -> None:
    """Check that each phase is a run that can be.

    Raises
    ------
    InputError
        With the key of what cannot.
    """
    run = scenario.run
    if run.phases and scenario.over_years:
        problem = "a programme or an outlook has runs without phases"
        raise InputError(problem, key="run.phases")
    for number, phase in enumerate(run.phases):
        key = f"run.phases.{number}"
        for name in phase.fleet:
            if name not in scenario.fleet:
                problem = f"no pool of the fleet is called '{name}'"
                raise InputError.no_such(problem, name, scenario.fleet, key=f"{key}.fleet")
        changed = _in_phase(scenario, phase)
        here = [name for name, pool in changed.fleet.items() if pool.active_nodes]
        if not here:
            raise InputError("no pool is left to train", key=f"{key}.fleet")
        nodes = [sum(p.active_nodes for p in q.fleet.values()) for q in (scenario, changed)]
        if scenario.fabric.flaps and nodes[0] != nodes[1]:
            problem = "links that flap (fabric.flaps) must be as many in every phase"
            raise InputError(problem, key=f"{key}.fleet")
        parts: list[tuple[str, Strict]] = [
            ("batch", changed.run.batch),
            ("checkpoint", changed.checkpoint),
            *((f"fleet.{name}", changed.fleet[name]) for name in here if name in phase.fleet),
        ]
        for part, item in parts:
            try:
                item.check()
            except InputError as error:
                inner = ".".join(filter(None, (key, part, error.key)))
                raise InputError(str(error), key=inner, given=error.given) from None
