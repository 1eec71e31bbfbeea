"""The reference of keys: complete, and told in a way that can be used as it stands."""

import re

import pytest

from sim.catalogue.kinds import KINDS
from sim.scenario import load_scenario, names
from sim.scenario.keys import Key, keys, meanings, same_path
from sim.scenario.schema import schema

EVERY = [key for type_ in KINDS.values() for key in keys(type_).values()] + [*keys().values()]


@pytest.mark.parametrize("key", EVERY, ids=lambda key: f"{key.holder.__name__}:{key.path}")
def test_every_key_says_what_it_means_in_a_sentence(key: Key) -> None:
    assert re.match(r"[A-Z0-9`].*[.)]$", key.meaning), key.path
    assert key.allowed and key.default and key.example


def test_the_schema_describes_every_key() -> None:
    whole = schema()
    parts = {"a file": whole} | whole["$defs"]
    # How an unknown constant is written is said where it is defined.
    parts.pop("Uncertain")
    missing = [
        f"{name}.{key}"
        for name, part in parts.items()
        for key, value in part.get("properties", {}).items()
        if "description" not in value and "description" not in value["anyOf"][0]
    ]
    assert missing == []


def paths(data: object, path: str = "") -> set[str]:
    found = {path.lstrip(".")} if path else set()
    if isinstance(data, dict):
        for name, part in data.items():
            found |= paths(part, f"{path}.{name}")
    return found


@pytest.mark.parametrize("name", names())
def test_what_our_scenarios_say_is_in_the_reference(name: str) -> None:
    said = paths(load_scenario(name).data)
    # Free names, entries that are taken as they stand, and how a number is written.
    free = ("known", "like", "uncertain", "name", "trace", "changes")
    distributions = ("weibull", "lognormal", "exponential", "empirical", "mixture", "sum")
    for path in said:
        if any(step in (*free, *distributions) for step in path.split(".")):
            continue
        known = any(same_path(key, path) for key in keys())
        assert known or any(same_path(f"{key}.NAME", path) for key in keys()), path


def test_units_ranges_and_defaults_are_those_of_the_field() -> None:
    spares = keys()["fleet.NAME.hot_spares"]
    assert (spares.unit, spares.default) == ("node", "0 node")
    assert keys()["checkpoint.interval"].default == "30 min"
    assert keys()["recovery.response.time"].unit == "s"
    assert keys()["depot.supply.NAME.lots"].unit == "chip"
    assert keys()["start"].default == "2024-01-01"
    assert keys()["recovery.policy"].allowed == "`wait`, `drop-replica`, `re-route`, `re-plan`"
    assert keys()["run.tokens"].default == "must be given"


def test_a_type_inherits_what_its_keys_mean() -> None:
    programme = keys()["runs.model"].holder
    assert meanings(programme)["model"] == "The model; that of `run` unless given."
