"""Layers of a scenario: what they take away, in which order they stack, and where they differ."""

from __future__ import annotations

from itertools import combinations

import pytest

from sim.errors import InputError
from sim.scenario import load_scenario
from sim.scenario.worlds import overlaps

COUNTRY = load_scenario("national-stock")
OWN = """
like: national-stock
worlds:
  mine:
    title: A rule of my own
    changes: {policy: {us-2025-04-09: null}}
"""


@pytest.mark.parametrize("name", COUNTRY.worlds)
def test_every_world_that_comes_with_the_project_is_a_scenario_of_its_own(name):
    world = COUNTRY.worlds[name]
    assert world.title
    assert world.source
    changed = COUNTRY.in_world(name)
    assert {**changed.data, "title": "", "worlds": {}} != {
        **COUNTRY.data,
        "title": "",
        "worlds": {},
    }
    assert changed.title.endswith(world.title)


@pytest.mark.parametrize(("first", "second"), [*combinations(COUNTRY.worlds, 2)])
def test_layers_without_a_common_key_commute(first, second):
    shared = overlaps([(name, COUNTRY.worlds[name]) for name in (first, second)])
    one, other = COUNTRY.in_world(first, second), COUNTRY.in_world(second, first)
    # The title lists the layers in their order.
    same = {**one.data, "title": ""} == {**other.data, "title": ""}
    assert same == (not shared)


def test_of_two_layers_that_differ_on_a_key_the_later_holds_and_it_is_told():
    two = COUNTRY.override(
        {
            "worlds.less": {"changes": {"outlook": {"length": "60 d"}}},
            "worlds.more": {"changes": {"outlook": {"length": "120 d"}}},
        }
    )
    layers = [(name, two.worlds[name]) for name in ("less", "more")]
    assert overlaps(layers) == ["outlook.length: more goes before less"]
    assert overlaps(layers[:1]) == []
    for names, days in ((("less", "more"), 120), (("more", "less"), 60)):
        outlook = two.in_world(*names).outlook
        assert outlook
        assert outlook.length == days * 86400


def test_a_layer_that_takes_a_part_away_differs_from_one_that_changes_it():
    none = COUNTRY.override({"worlds.none.changes": {"depot": {"supply": {"h20": None}}}})
    both = none.override({"worlds.half.changes": {"depot": {"supply": {"h20": {"scale": 0.5}}}}})
    assert overlaps([(name, both.worlds[name]) for name in ("none", "half")])


def test_five_lines_are_a_layer_of_ones_own(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(OWN)
    own = load_scenario(path)
    assert "us-2025-04-09" not in own.in_world("mine").policy
    assert set(own.worlds) == {*COUNTRY.worlds, "mine"}


def test_a_world_that_is_none_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"no world 'no-control'.*no-controls"):
        COUNTRY.in_world("no-control")


def test_a_date_outside_of_the_years_watched_is_refused():
    with pytest.raises(InputError, match="2031-12-31 is not a date from 2022-01-01"):
        COUNTRY.override({"outlook.dates": ["2031-12-31"]})


def test_a_single_run_is_simulated_chip_by_chip():
    with pytest.raises(InputError, match="represents"):
        load_scenario("deepseek-v3").override({"represents": 10})
