"""Small fleets and runs for the step-time model, in the keys of a scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim import catalogue
from sim.catalogue.hardware import Chip, Model, StepTime
from sim.scenario.parts import Mixing, Pool
from sim.scenario.phases import Run
from sim.throughput import Plan, Throughput
from sim.throughput.layouts import Placement, Shape

V3 = {
    "tensor": 1,
    "pipeline": 16,
    "context": 1,
    "expert": 64,
    "virtual": 1,
    "recompute": "selective",
}
GPT = {
    "tensor": 8,
    "pipeline": 8,
    "context": 1,
    "expert": 1,
    "virtual": 6,
    "recompute": "selective",
}


def model(name: str) -> Model:
    item = catalogue.entry("models", name).item
    assert isinstance(item, Model)
    return item


def chip(name: str) -> Chip:
    item = catalogue.entry("chips", name).item
    assert isinstance(item, Chip)
    return item


def constants() -> StepTime:
    item = catalogue.entry("constants", "step-time").item
    assert isinstance(item, StepTime)
    return item


def run(model: Any = "gpt-175b", sequences: int = 768, micro: int = 1) -> Run:
    return Run.model_validate(
        {"model": model, "tokens": 1e12, "batch": {"sequences": sequences, "micro": micro}}
    )


def pool(
    chip: Any = "A100-SXM-80", chips: int = 1024, stack: Any = "megatron-lm", **rest: Any
) -> Pool:
    return Pool.model_validate({"chip": chip, "chips": chips, "stack": stack, **rest})


def deepseek(chips: int = 2048, **rest: Any) -> Pool:
    return pool("H800-SXM-80", chips, "hai-llm", **{"layout": V3, **rest})


def fleet(
    run: Run,
    pools: Sequence[Pool],
    mixing: dict[str, Any] | None = None,
    names: Sequence[str] = (),
    **rest: Any,
) -> Throughput:
    """Pools by their names, or those of their chips, numbered."""
    names = names or [f"{pool.chip.name} ({k})" for k, pool in enumerate(pools, 1)]
    named = dict(zip(names, pools, strict=True))
    return Throughput(run, named, Mixing.model_validate(mixing or {}), **rest)


def healthy(fleet: Throughput, nodes: Sequence[int], *how: Any, **rest: Any) -> Plan:
    """The plan with these numbers of nodes of the pools, in their order."""
    return fleet.plan(dict(zip(fleet.pools, nodes, strict=True)), *how, **rest)


def listed(per_pool: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a plan says of each pool, in their order."""
    return tuple(per_pool.values())


def shape(**degrees: Any) -> Shape:
    return Shape(**degrees)


def placed(model: Model, shape: Shape, layers: float, pool: Pool, **rest: Any) -> Placement:
    """A stage with these layers; on one rank with many micro-batches unless said otherwise."""
    rest = {"ranks": 1, "microbatches": 64, "constants": constants(), **rest}
    return Placement("pool", pool, model, shape, layers=layers, **rest)
