"""The typed question: one scenario, frozen and strict, with every unknown constant named."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, Field, PrivateAttr, ValidationError, model_validator

from sim.catalogue.strict import Strict, misplaced
from sim.errors import InputError
from sim.quantities.distributions import Uncertain
from sim.quantities.notation import PositiveSeconds, Share
from sim.quantities.unknowns import Sketch, named, partly, settled, sketch, unknowns
from sim.scenario.parts import (
    Checkpoint,
    ConstantsRef,
    CostsRef,
    Fabric,
    Layout,
    Mixing,
    Pool,
    Recovery,
    Run,
)
from sim.scenario.reading import Source, explain, names, override, read
from sim.scenario.stock import Depot, Events, PlannedRun, Programme, check, pool_of
from sim.streams import stream

__all__ = [
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

S = TypeVar("S", bound=Strict)


def _not_empty(fleet: dict[str, Pool]) -> dict[str, Pool]:
    if not fleet:
        raise ValueError("the fleet is empty; give at least one pool")
    for name in fleet:
        if not re.fullmatch(r"[\w-]+", name):
            raise ValueError(f"a pool's name has only letters, digits, - and _, unlike {name!r}")
    return fleet


Fleet = Annotated[dict[str, Pool], AfterValidator(_not_empty)]


class Case(Strict):
    """What a step time needs: a run and a fleet."""

    also: ClassVar[tuple[str, ...]] = ("like",)
    run: Run
    fleet: Fleet
    mixing: Mixing = Mixing()
    constants: ConstantsRef = Field("step-time", validate_default=True)  # type: ignore[assignment]

    @model_validator(mode="after")
    def _has_nodes(self) -> Case:
        """Only a programme's pool may begin with nothing, and be supplied later."""
        for name, pool in self.fleet.items():
            if not pool.active_nodes and not getattr(self, "runs", None):
                raise misplaced(
                    f"fleet.{name}", "the pool has no nodes; remove it, or give it chips or nodes"
                )
        return self


def patient(changes: Iterable[str]) -> bool:
    """Whether changes to these paths let a run be what it was: the horizon, and the spares."""
    return all(path == "horizon" or path.endswith("_spares") for path in changes)


class Scenario(Case):
    """One question to the simulation. Make one with `load_scenario`."""

    name: str = "scenario"
    title: str = ""
    status: Literal["reconstruction", "counterfactual", "benchmark"] = "counterfactual"
    start: dt.date = dt.date(2024, 1, 1)
    horizon: PositiveSeconds = Field(365.25 * 86400.0, validate_default=False)
    checkpoint: Checkpoint = Checkpoint()
    recovery: Recovery = Recovery()
    fabric: Fabric = Fabric()
    depot: Depot = Depot()
    policy: Events = Field(default_factory=dict)
    runs: Programme | tuple[PlannedRun, ...] | None = None
    """In place of one run: a programme over years."""
    reference: str | None = None
    """The pool in whose chips the needs of `runs` are counted; the first unless given."""
    research: Share = 0.0
    """Share of each pool's working chips that research, rollouts and evaluation hold, beside the
    runs.
    """
    offload: dict[str, Share] = Field(default_factory=dict)
    """Share of the other pools' research that a pool takes over, as far as its chips go."""
    costs: CostsRef = Field("epoch", validate_default=True)  # type: ignore[assignment]

    _source: Source = PrivateAttr()
    _sketch: Sketch = PrivateAttr(default=None)
    _written: Scenario | None = PrivateAttr(default=None)
    _unknowns: dict[str, Uncertain] = PrivateAttr(default_factory=dict)
    _given: dict[str, float] = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _first_run(cls, data: Any) -> Any:
        """`runs` that spell out model, tokens and batch need no `run` beside them."""
        runs = data.get("runs") if isinstance(data, dict) else None
        first = runs[0] if isinstance(runs, list) and runs else runs
        if (
            isinstance(first, dict)
            and not data.get("run")
            and {"model", "tokens", "batch"} <= set(first)
        ):
            return {**data, "run": {key: first[key] for key in ("model", "tokens", "batch")}}
        return data

    @model_validator(mode="after")
    def _stock_fits(self) -> Scenario:
        check(self.fleet, self.depot, self.policy, self.offload)
        if self.reference is not None:
            pool_of(self.fleet, self.reference, "reference")
        return self

    @property
    def reference_pool(self) -> str:
        """The pool in whose chips needs are counted: the one named, else the one of fastest chips."""
        if self.reference is not None:
            return pool_of(self.fleet, self.reference, "reference")
        # Not the first: the order in which a file lists the pools decides nothing.
        return min(self.fleet, key=lambda name: (-self.fleet[name].chip.bf16, name))

    @property
    def written(self) -> Scenario:
        """The scenario as it was written, before any of its unknown constants became known."""
        return self._written or self

    def override(self, changes: Mapping[str, Any]) -> Scenario:
        """The same scenario with values set by dotted path, checked anew.

        Examples
        --------
        >>> fewer = load_scenario("two-thousand-plus").override({"fleet.weak.chips": 512})
        >>> fewer.fleet["weak"].active_chips
        512
        """
        return _build(Scenario, override(self._source, changes), self.name).given(self._given)

    @property
    def changed(self) -> dict[str, Any]:
        """What was set in it by path."""
        return dict(self._source.overrides)

    @property
    def heading(self) -> str:
        """Its title, its status, and what was set; a reconstruction in which more is set than
        patience is none.
        """
        status = (
            "counterfactual"
            if self.status == "reconstruction" and not patient(self.changed)
            else self.status
        )
        words = (
            "counterfactual: no published run has done this"
            if status == "counterfactual"
            else status
        )
        return "; ".join(
            [
                f"{self.title or self.name} ({words})",
                *(f"{k} = {v}" for k, v in self.changed.items()),
            ]
        )

    def unknowns(self) -> dict[str, Uncertain]:
        """Its unknown constants by name: its own and those of the catalogue entries it uses."""
        return self._unknowns

    def resolve(self, seed: int, replication: int, *, fixed: bool = False) -> Scenario:
        """The scenario with one draw in place of each unknown constant, or the mode of each when
        `fixed`.

        Each constant has a stream of its own, so two scenarios that share a constant share its
        draw.
        """
        draws = {} if fixed else self.draws(seed, replication)
        known = settled(self, draws, self._sketch)
        known._sketch, known._unknowns = None, {}
        return known

    def draws(self, seed: int, replication: int) -> dict[str, float]:
        """One draw of each unknown constant by name."""
        return {
            name: number.draw(stream(seed, replication, f"input.{name}").random())
            for name, number in self._unknowns.items()
        }

    def given(self, values: Mapping[str, float]) -> Scenario:
        """The scenario with some of its unknown constants known, by name."""
        if not values:
            return self
        known = partly(self, values)
        known._sketch, known._unknowns = sketch(known), unknowns(known)
        known._given = {**self._given, **values}
        known._written = self.written
        return known

    @property
    def data(self) -> dict[str, Any]:
        """The scenario as merged plain data, from which it can be built again."""
        return {"name": self.name, **self._source.data}


def load_scenario(question: str | Path | Mapping[str, Any]) -> Scenario:
    """Load a scenario by name, by path or from a mapping.

    Raises
    ------
    InputError
        With file, line, key, what was given and what is allowed.

    Examples
    --------
    >>> load_scenario("deepseek-v3").fleet["good"].active_chips
    2048
    """
    source = read(question)
    return _build(
        Scenario, source, "scenario" if isinstance(question, Mapping) else Path(question).stem
    )


def load_case(
    question: str | Path | Mapping[str, Any], changes: Mapping[str, Any] | None = None
) -> Case:
    """Load the `run`, `fleet` and `mixing` of a scenario and leave the rest of it unread."""
    source = override(read(question), changes or {})
    other = set(Scenario.model_fields) - set(Case.model_fields)
    return _build(
        Case, replace(source, data={k: v for k, v in source.data.items() if k not in other}), ""
    )


def _build(type_: type[S], source: Source, name: str) -> S:
    data = {"name": name, **source.data} if issubclass(type_, Scenario) else source.data
    try:
        built = named(type_.model_validate(data), "")
        found = unknowns(built)
    except ValidationError as error:
        raise explain(error, source) from None
    except RecursionError:
        raise InputError(f"{source.documents[0].name}: refers to itself") from None
    except ValueError as error:
        raise InputError(f"{source.documents[0].name}: {error}") from None
    if isinstance(built, Scenario):
        built._source, built._sketch, built._unknowns = source, sketch(built), found
    return built
