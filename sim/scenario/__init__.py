"""A scenario: typed, frozen and strict, with every unknown constant named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, PrivateAttr, model_validator

from sim.catalogue.failures import FLAPS
from sim.errors import InputError, nearest
from sim.quantities.notation import Multiple, PositiveSeconds, Share
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
from sim.scenario.bounds import YEAR, check_bounds
from sim.scenario.building import build_known
from sim.scenario.case import Case, patient
from sim.scenario.parts import Checkpoint, Fabric, Layout, Pool, Recovery
from sim.scenario.phases import Run, check_phases
from sim.scenario.reading import Source, names, override, read
from sim.scenario.references import CostsRef
from sim.scenario.stock import Depot, Events, Outlook, Runs, check_names, pool_of
from sim.scenario.worlds import World, stacked
from sim.streams import uniform

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
    computed: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was computed of the scenario once and for all."""


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
    represents: Multiple = 1.0
    """Chips for which one simulated chip stands; the numbers of a file are those of all,
    except `run`: its tokens are trained by the simulated chips alone."""
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

    def check(self) -> None:
        super().check()
        check_names(self)
        check_phases(self)
        self._check_causes()
        check_bounds(self)

    def _check_causes(self) -> None:
        causes = {
            cause.cause for pool in self.fleet.values() for cause in pool.failures.causes
        }
        response = self.recovery.response
        for name in response.automatic if response else ():
            # A trace names no causes, and flaps belong to the network.
            if causes and name not in causes:
                raise InputError.no_such(
                    f"the fleet has no cause '{name}'",
                    name,
                    sorted(causes),
                    listed="known",
                    key="recovery.response.automatic",
                )
        # Flaps that no collective rides through are a cause of this name.
        if self.fabric.flaps and FLAPS in causes:
            problem = (
                f"fabric.flaps is the cause {FLAPS} already; give its cause another name"
            )
            raise InputError(problem, key="fabric.flaps")

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
    def over_years(self) -> bool:
        """Whether it is about a stock over years rather than about one run."""
        return bool(self.runs) or self.outlook is not None

    @property
    def end(self) -> dt.date:
        """The day of the horizon."""
        return self.start + dt.timedelta(seconds=float(self.horizon))

    @property
    def dates(self) -> tuple[dt.date, ...]:
        """Dates at which the outlook is told, by default the ends of the years before the end."""
        if self.outlook is None:
            return ()
        ends = [dt.date(year, 12, 31) for year in range(self.start.year, self.end.year + 1)]
        return self.outlook.dates or tuple(date for date in ends if date < self.end)

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
        """What takes long to compute of the scenario, asked the first time only; it never changes.

        Parameters
        ----------
        key : hashable
            Tells it from all else that is computed of the scenario.
        compute : callable
        """
        computed = self._origin.computed
        if key not in computed:
            computed[key] = compute()
        return computed[key]

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
        return {
            name: number.draw(uniform(seed, replication, f"input.{name}"))
            for name, number in self.unknowns().items()
        }

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
        return known._from(replace(self._origin, unknowns=None, computed={}))

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
