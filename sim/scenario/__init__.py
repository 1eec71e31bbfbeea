"""A scenario: typed, frozen and strict, with every unknown constant named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from sim.catalogue.failures import FLAPS
from sim.errors import InputError, nearest
from sim.quantities.notation import PositiveSeconds, Quantity, Share
from sim.quantities.uncertain import Uncertain
from sim.quantities.unknowns import (
    Sketch,
    by_name,
    check_values,
    only_by_name,
    partly,
    settled,
    sketch,
)
from sim.scenario.bounds import YEAR, check_fabric, check_needs, check_programme, check_time
from sim.scenario.building import build_known
from sim.scenario.case import Case, patient
from sim.scenario.origin import Origin, T
from sim.scenario.parts import Checkpoint, Fabric, Layout, Pool, Recovery
from sim.scenario.phases import Run, check_phases
from sim.scenario.reading import Source, names, override, read
from sim.scenario.references import CostsRef
from sim.scenario.stock import (
    Depot,
    Events,
    Outlook,
    Programme,
    Runs,
    check,
    check_outlook,
    dates_of,
    pool_of,
)
from sim.scenario.worlds import World, stacked
from sim.streams import stream

__all__ = [
    "Case",
    "Checkpoint",
    "Fabric",
    "Layout",
    "Pool",
    "Recovery",
    "Run",
    "Scenario",
    "load_case",
    "load_scenario",
    "names",
]


class Scenario(Case):
    """All that a simulation needs to know. Make one with `load_scenario`."""

    name: str = "scenario"
    """How the scenario is called: the name of its file."""
    title: str = ""
    """One line that says what it is."""
    status: Literal["reconstruction", "counterfactual", "benchmark", "plan"] = "plan"
    """Whether it was run, could have been run, is a test of speed, or a plan of one's own."""
    start: dt.date = dt.date(2024, 1, 1)
    """The day on which it starts, at midnight UTC."""
    horizon: PositiveSeconds = Field(YEAR, validate_default=False)
    """When the simulation ends, finished or not."""
    checkpoint: Checkpoint = Checkpoint()
    """When the state is saved and what that costs."""
    recovery: Recovery = Recovery()
    """What happens after an interruption."""
    fabric: Fabric = Fabric()
    """The network between nodes."""
    depot: Depot = Depot()
    """Loose chips, repair, replacement and supply."""
    policy: Events = Field(default_factory=dict)
    """Controls: dated acts of governments and vendors, by name."""
    runs: Runs | None = None
    """In place of one run: a programme over years."""
    outlook: Outlook | None = None
    """How large a run could be staffed over the years, with or without `runs`."""
    worlds: dict[str, World] = Field(default_factory=dict)
    """What could have been otherwise: layers that can be put on this scenario, by any name."""
    represents: Annotated[float, Quantity(least=1.0)] = 1.0
    """Chips for which one simulated chip stands; the numbers of a file are those of all."""
    reference: str | None = None
    """The pool in whose chips the needs of `runs` are counted, by default that of the fastest."""
    research: Share = 0.0
    """Share of each pool's working chips that is held for research, rollouts and evaluation."""
    offload: dict[str, Share] = Field(default_factory=dict)
    """Share of the other pools' research that a pool takes over, as far as its chips go."""
    costs: CostsRef = Field("epoch", validate_default=True)  # type: ignore[assignment]
    """How purchase and energy are charged; a name from the catalogue, or its keys."""

    _origin: Origin = PrivateAttr()

    @model_validator(mode="before")
    @classmethod
    def _first_run(cls, data: Any) -> Any:
        """`runs` that spell out model, tokens and batch need no `run`."""
        needed = ("model", "tokens", "batch")
        match data:
            case {"runs": dict(first) | [dict(first), *_]} if set(needed) <= set(first):
                run = data.get("run") or {key: first[key] for key in needed}
                return {**data, "run": run}
        return data

    @model_validator(mode="after")
    def _stock_fits(self) -> Scenario:
        check(self.fleet, self.depot, self.policy, self.offload)
        check_phases(self)
        self._check_automatic()
        if self.reference is not None:
            pool_of(self.fleet, self.reference, "reference")
        return self

    def _check_automatic(self) -> None:
        """A machine can only restart the job after causes that there are."""
        response = self.recovery.response
        causes = {cause.cause for pool in self.fleet.values() for cause in pool.failures.causes}
        for name in response.automatic if response else ():
            # A trace names no causes, and flaps belong to the network.
            if causes and name not in causes:
                key = "recovery.response.automatic"
                listed = f"; known: {', '.join(sorted(causes))}"
                problem = f"{key}: the fleet has no cause '{name}'"
                raise InputError.no_such(problem, name, sorted(causes), listed, key=key)

    @model_validator(mode="after")
    def _within_bounds(self) -> Scenario:
        check_time(self.start, self.horizon)
        alone = 1.0 if self.over_years else self.represents
        check_outlook(self.dates, self.start, self.horizon, alone)
        if isinstance(self.runs, Programme):
            check_programme(self.runs, self.horizon)
        if self.outlook:
            check_needs(self.outlook.needs, self.start + dt.timedelta(seconds=self.horizon))
        nodes = sum(pool.active_nodes for pool in self.fleet.values())
        check_fabric(self.fabric, nodes, self.horizon)
        causes = [c.cause for pool in self.fleet.values() for c in pool.failures.causes]
        # Flaps that no collective rides through are a cause of this name.
        if self.fabric.flaps and FLAPS in causes:
            problem = f"fabric.flaps is the cause {FLAPS} already; give its cause another name"
            raise InputError(problem, key="fabric.flaps")
        return self

    @classmethod
    def _read(cls, source: Source, name: str) -> Scenario:
        built, found = build_known(cls, source, {"name": name, **source.data})
        return built._from(Origin(source, found))

    def _from(self, origin: Origin) -> Scenario:
        """A copy with an origin: the one place where that is set."""
        made = self.model_copy()
        made._origin = origin
        return made

    @property
    def supplied_later(self) -> bool:
        """Whether a pool may begin with nothing: in a programme it can be supplied over years."""
        return self.over_years

    @property
    def over_years(self) -> bool:
        """Whether it is about a stock over years rather than about one run."""
        return bool(self.runs) or self.outlook is not None

    @property
    def dates(self) -> tuple[dt.date, ...]:
        """Dates at which the outlook is told, by default the ends of the years before the end."""
        return dates_of(self.outlook, self.start, self.horizon)

    @property
    def reference_pool(self) -> str:
        """The pool in whose chips needs are counted: the one named, else that of the fastest."""
        if self.reference is not None:
            return pool_of(self.fleet, self.reference, "reference")
        # Not the first: the order in which a file lists the pools decides nothing.
        return min(self.fleet, key=lambda name: (-self.fleet[name].chip.bf16, name))

    @property
    def written(self) -> Scenario:
        """The scenario as it was written, before any of its unknown constants became known."""
        return self._origin.written or self

    def once(self, key: Any, compute: Callable[[], T]) -> T:
        """What `compute` says of the scenario, asked the first time only; it travels with it."""
        return self._origin.once(key, compute)

    @property
    def changed(self) -> dict[str, Any]:
        """What was set in it by path."""
        return dict(self._origin.source.overrides)

    @property
    def data(self) -> dict[str, Any]:
        """The scenario as merged plain data, from which it can be built again."""
        return {"name": self.name, **self._origin.source.data}

    @property
    def standing(self) -> str:
        """Its status, with what was set in it."""
        return self.standing_with(f"worlds.{name}" for name in self._origin.source.layers)

    def standing_with(self, paths: Iterable[str]) -> str:
        """Its status where these paths, or worlds, are set too."""
        if patient([*self.changed, *paths]):
            return self.status
        # In another world, or where more is set than how long one waits, it is neither any more.
        changed = {"reconstruction": "counterfactual", "benchmark": "plan"}
        return changed.get(self.status, self.status)

    @property
    def heading(self) -> str:
        """Its title, its status, and what was set in it."""
        title = self.title or self.name
        # A title may tell numbers that no longer hold.
        if not patient(self.changed):
            fleet = [pool for pool in self.fleet.values() if pool.active_chips]
            pools = [f"{pool.active_chips:,} {pool.chip.name}" for pool in fleet]
            title = f"{self.name} on {' and '.join(pools)}" if pools else title
        words = self.standing
        if words == "counterfactual":
            words = "counterfactual: no published run has done this"
        changes = [f"{path} = {value}" for path, value in self.changed.items()]
        return "; ".join([f"{title} ({words})", *changes])

    def override(self, changes: Mapping[str, Any]) -> Scenario:
        """The scenario with values set by dotted path, and all of it checked again.

        Raises
        ------
        InputError
            When a path leads nowhere, or what results is no scenario.

        Examples
        --------
        >>> fewer = load_scenario("two-thousand-plus").override({"fleet.weak.chips": 512})
        >>> fewer.fleet["weak"].active_chips
        512
        """
        names = only_by_name(self, self._origin.unknowns) | self.known.keys()
        keys = {*self.also, *Scenario.model_fields}
        for key in changes:
            top, below, _ = key.partition(".")
            if below and top not in keys and key not in names and nearest(key, names):
                problem = f"{key}: no unknown constant is called that"
                raise InputError.no_such(problem, key, names, key=key)
        return self._again(override(self._origin.source, changes, names))

    def _again(self, source: Source) -> Scenario:
        """Read from another source, with what has become known as far as it is still asked for."""
        changed = Scenario._read(source, self.name)
        unknown = changed.unknowns()
        # What was set takes the place of what had become known.
        kept = {name: x for name, x in self._origin.given.items() if name in unknown}
        return changed.given(kept)

    def in_world(self, *names: str) -> Scenario:
        """The scenario with some of its worlds put on it, the later on top.

        Raises
        ------
        InputError
            When there is no such world, or what results is no scenario.

        Examples
        --------
        >>> open_h20 = load_scenario("national-stock").in_world("h20-never-blocked")
        >>> "us-2025-04-09" in open_h20.policy
        False
        """
        data = stacked(self._origin.source.data, self.worlds, names, self.name)
        return self._again(replace(self._origin.source, data=data, layers=names))

    def unknowns(self) -> dict[str, Uncertain]:
        """Its unknown constants by name: its own and those of the catalogue entries it uses."""
        return by_name(self._origin.unknowns)

    def draws(self, seed: int, replication: int) -> dict[str, float]:
        """One draw of each unknown constant by name.

        Each has a stream of its own, so two scenarios that share a constant share its draw.
        """
        drawn = {}
        for name, number in self.unknowns().items():
            uniform = stream(seed, replication, f"input.{name}").random()
            drawn[name] = number.draw(uniform)
        return drawn

    def resolve(self, seed: int, replication: int, *, fixed: bool = False) -> Scenario:
        """The scenario with a plain number in place of each unknown constant.

        Parameters
        ----------
        seed, replication : int
            Of the draws.
        fixed : bool
            Take the mode of each in place of a draw.
        """
        draws = {} if fixed else self.draws(seed, replication)
        known = settled(self, draws, self._origin.unknowns)
        return known._from(replace(self._origin, unknowns=None, _computed={}))

    def given(self, values: Mapping[str, float]) -> Scenario:
        """The scenario with some of its unknown constants known, by name.

        Raises
        ------
        InputError
            When there is no such constant, or a value is out of its range.
        """
        if not values:
            return self
        check_values(self.name, self.unknowns(), values)
        known = partly(self, values)
        given = {**self._origin.given, **values}
        origin = Origin(self._origin.source, sketch(known), given, self.written)
        return known._from(origin)


def load_scenario(scenario: str | Path | Mapping[str, Any]) -> Scenario:
    """Load a scenario.

    Parameters
    ----------
    scenario : str, path or mapping
        Its name, the path of its file, or what such a file would say.

    Raises
    ------
    InputError
        With file, line, key, what was given and what is allowed.

    Examples
    --------
    >>> load_scenario("deepseek-v3").fleet["good"].active_chips
    2048
    """
    name = "scenario" if isinstance(scenario, Mapping) else Path(scenario).stem
    return Scenario._read(read(scenario), name)


def load_case(
    scenario: str | Path | Mapping[str, Any], changes: Mapping[str, Any] | None = None
) -> Case:
    """Load what a step time needs of a scenario, and leave the rest of it unread.

    Parameters
    ----------
    scenario : str, path or mapping
        As for `load_scenario`.
    changes : mapping, optional
        Values to set by dotted path.

    Raises
    ------
    InputError
        With file, line, key, what was given and what is allowed.

    Examples
    --------
    >>> load_case("deepseek-v3").run.model.name
    'deepseek-v3'
    """
    source = read(scenario)
    if changes:
        names: set[str] = set()
        # What is not whole without the changes has no names yet.
        with suppress(InputError):
            names = only_by_name(*_case(source))
        source = override(source, changes, names)
    case, _ = _case(source)
    return case


def _case(source: Source) -> tuple[Case, Sketch]:
    # What belongs to neither is kept, to be refused by name.
    other = Scenario.model_fields.keys() - Case.model_fields.keys()
    data = {key: value for key, value in source.data.items() if key not in other}
    return build_known(Case, source, data)
