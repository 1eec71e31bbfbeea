"""Unknown constants: found in every kind of container, named after their place, drawn once a
replication.
"""

import pickle
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from sim.catalogue.failures import Cause, FailureTable
from sim.quantities.distributions import Mixture, Sum, Triangular, Weibull
from sim.quantities.notation import Quantity, distribution_from
from sim.quantities.uncertain import Uncertain
from sim.quantities.unknowns import named, settled, sketch, unknowns
from sim.scenario import Scenario, load_scenario


def constant(mode: float, name: str = "") -> Uncertain:
    return Uncertain(mode, Triangular(mode - 1, mode, mode + 1), name)


class Inner(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)
    value: Any = None


class Outer(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)
    plain: Any = None
    model: Inner = Inner()
    parts: dict[str, Any] = {}
    items: tuple[Any, ...] = ()


def tree() -> Outer:
    lifetime = Mixture(
        (1.0, constant(2)), (Weibull(1.0, constant(3)), Sum((Weibull(constant(4), 5.0),)))
    )
    cause = Cause(cause="gpu", lifetime=lifetime)
    return Outer(
        plain=constant(1),
        model=Inner(value=constant(10)),
        parts={"a": constant(11), "b": 12.0},
        items=(FailureTable(causes=(cause,)), constant(13, "own")),
    )


EXPECTED = {
    "top.plain": 1,
    "top.model.value": 10,
    "top.parts.a": 11,
    "top.items.0.causes.gpu.lifetime.weights.1": 2,
    "top.items.0.causes.gpu.lifetime.parts.0.size": 3,
    "top.items.0.causes.gpu.lifetime.parts.1.parts.0.shape": 4,
    "own": 13,
}


def test_finds_and_names_each_by_its_path() -> None:
    found = unknowns(named(tree(), "top"))
    assert {name: float(value) for name, value in found.items()} == EXPECTED
    assert all(value.name == name for name, value in found.items())


def test_settles_each_to_its_value_or_its_mode() -> None:
    item = named(tree(), "top")
    done = settled(
        item, {"top.plain": 1.5, "own": 12.5, "top.items.0.causes.gpu.lifetime.parts.0.size": 3.5}
    )
    assert not unknowns(done)
    assert (done.plain, done.items[1], done.model.value, done.parts) == (
        1.5,
        12.5,
        10,
        {"a": 11, "b": 12.0},
    )
    assert type(done.plain) is float
    [cause] = done.items[0].causes
    assert cause.lifetime == Mixture((1.0, 2.0), (Weibull(1.0, 3.5), Sum((Weibull(4.0, 5.0),))))
    assert unknowns(item).keys() == EXPECTED.keys(), "what it came from is as it was"


def test_parts_without_an_unknown_stay_the_same_objects() -> None:
    item = Outer(plain=constant(1), model=Inner(value=3.0), items=(Inner(value=(1, 2)),))
    done = settled(item, {})
    assert done.model is item.model
    assert done.items is item.items
    assert sketch(done) is None


def test_two_of_one_name_are_one_or_a_mistake() -> None:
    same = Outer(plain=constant(1, "x"), model=Inner(value=constant(1, "x")))
    assert list(unknowns(same)) == ["x"]
    done = settled(same, {"x": 1.25})
    assert done.plain == done.model.value == 1.25
    different = Outer(plain=constant(1, "x"), model=Inner(value=constant(2, "x")))
    with pytest.raises(ValueError, match="two unknown constants are called 'x' but differ"):
        unknowns(different)


def test_a_constant_time_may_be_unknown() -> None:
    time = named(
        distribution_from({"uncertain": ["1 s", "2 s", "3 s"]}, Quantity("s").read),
        "recovery.restart",
    )
    assert list(unknowns(time)) == ["recovery.restart.value"]


@pytest.fixture(scope="module")
def mixed() -> Scenario:
    return load_scenario("two-thousand-plus")


def values(scenario: Scenario, seed: int, replication: int, **options: bool) -> dict[str, float]:
    """The values that the unknown constants of `scenario` take."""
    seen: dict[str, float] = {}
    done = scenario.resolve(seed, replication, **options)
    pairs: list[tuple[Any, Any]] = [(scenario, done)]
    while pairs:
        before, after = pairs.pop()
        if isinstance(before, Uncertain):
            assert seen.setdefault(before.name, after) == after, "one name, one value"
        elif isinstance(before, BaseModel):
            pairs += [(value, dict(after)[key]) for key, value in before]
        elif isinstance(before, dict):
            pairs += [(value, after[key]) for key, value in before.items()]
        elif isinstance(before, tuple):
            pairs += zip(before, after, strict=True)
        elif hasattr(before, "__dataclass_fields__"):
            pairs += [
                (getattr(before, key), getattr(after, key)) for key in before.__dataclass_fields__
            ]
    return seen


def test_a_scenario_knows_its_unknowns_and_those_of_its_catalogue_entries(mixed: Scenario) -> None:
    own = {"checkpoint.interval", "mixing.efficiency", "fabric.step_noise"}
    catalogued = {
        "stacks.hai-llm.overlap",
        "stacks.haiscale.experts",
        "chips.Hopper-SXM.kernel_efficiency",
    }
    assert own | catalogued <= mixed.unknowns().keys()
    assert values(mixed, 0, 0).keys() == mixed.unknowns().keys()


def test_resolving_is_deterministic_and_within_the_range(mixed: Scenario) -> None:
    first = values(mixed, 3, 5)
    assert first == values(load_scenario("two-thousand-plus"), 3, 5)
    for other in (values(mixed, 3, 6), values(mixed, 4, 5)):
        assert other.keys() == first.keys()
        assert all(other[name] != first[name] for name in first)
    for name, number in mixed.unknowns().items():
        low, high = number.distribution.support
        assert low <= first[name] <= high, name


def test_each_constant_is_drawn_for_itself(mixed: Scenario) -> None:
    same = {"uncertain": ["1 s", "2 s", "3 s"]}
    drawn = values(mixed.override({"checkpoint.load": same, "checkpoint.flush": same}), 3, 5)
    assert drawn["checkpoint.load"] != drawn["checkpoint.flush"]


def test_fixed_inputs_are_the_modes(mixed: Scenario) -> None:
    assert values(mixed, 1, 1, fixed=True) == {
        name: float(x) for name, x in mixed.unknowns().items()
    }
    assert not mixed.resolve(1, 1).unknowns()


def test_scenarios_that_share_a_constant_share_its_draw(mixed: Scenario) -> None:
    one, two = values(mixed, 7, 2), values(load_scenario("deepseek-v3"), 7, 2)
    shared = one.keys() & two.keys()
    assert {"stacks.hai-llm.overlap", "checkpoint.interval"} <= shared
    assert {name: one[name] for name in shared} == {name: two[name] for name in shared}
    assert one.keys() - shared, "the weak pool brings constants of its own"


def test_an_override_of_one_constant_leaves_the_draws_of_all_others(mixed: Scenario) -> None:
    changed = mixed.override({"mixing.efficiency": 0.9})
    before, after = values(mixed, 7, 2), values(changed, 7, 2)
    assert before.keys() - after.keys() == {"mixing.efficiency"}
    assert all(before[name] == after[name] for name in after)


def test_a_range_of_ones_own_gets_a_name_of_its_own(mixed: Scenario) -> None:
    changed = mixed.override({"fleet.good.stack.overlap": {"uncertain": [0.1, 0.2, 0.3]}})
    assert "fleet.good.stack.overlap" in changed.unknowns()
    assert "stacks.hai-llm.overlap" not in changed.unknowns()


def test_a_scenario_survives_pickling(mixed: Scenario) -> None:
    copy = pickle.loads(pickle.dumps(mixed))
    assert copy == mixed
    assert values(copy, 3, 5) == values(mixed, 3, 5)
    assert copy.override({"fleet.weak.chips": 512}).fleet["weak"].active_chips == 512
