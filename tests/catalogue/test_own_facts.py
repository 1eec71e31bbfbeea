"""Facts of the user's own, in a folder beside the scenario."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.cli.answers import sources
from sim.errors import InputError
from sim.experiments.store import Point
from sim.scenario import load_scenario

CHIP = """\
NEW-CHIP:
  source: MAKER
  status: reported
  values:
    title: A chip of our own
    bf16: {value: 1000 TFLOP/s, range: [900 TFLOP/s, 1100 TFLOP/s]}
    memory: 96 GB
    memory_bandwidth: 4 TB/s
    scale_up: 450 GB/s
    nic: 50 GB/s
    power: 700 W
    kernel_efficiency: 0.7
"""
SOURCES = "MAKER: {title: Data sheet, url: 'https://example.org', licence: unknown}\n"
OWN = "like: deepseek-v3\ncatalogue: facts\nfleet: {good: {chip: NEW-CHIP}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    facts = tmp_path / "facts"
    facts.mkdir()
    (facts / "chips.yaml").write_text(CHIP)
    (facts / "sources.yaml").write_text(SOURCES)
    (tmp_path / "own.yaml").write_text(OWN)
    return tmp_path


def test_entries_of_the_folder_are_found_and_their_ranges_are_unknowns(folder: Path) -> None:
    scenario = load_scenario(folder / "own.yaml")
    assert scenario.fleet["good"].chip.title == "A chip of our own"
    assert "chips.NEW-CHIP.bf16" in scenario.unknowns()
    changed = scenario.override({"fleet.good.chip.power": "800 W"})
    assert changed.fleet["good"].chip.power == 800


def test_another_range_is_another_point_of_a_store(folder: Path) -> None:
    before = Point(load_scenario(folder / "own.yaml"), 0, range(1)).content
    path = folder / "facts" / "chips.yaml"
    path.write_text(CHIP.replace("1100 TFLOP/s", "1200 TFLOP/s"))
    after = Point(load_scenario(folder / "own.yaml"), 0, range(1)).content
    assert after != before


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("power: 700 W", "powr: 700 W", 'powr: is unknown (did you mean "power"?)'),
        ("status: reported", "status: certain", "has status 'certain'"),
        ("source: MAKER", "source: MAKR", "unknown source 'MAKR' (did you mean \"MAKER\"?)"),
        ("NEW-CHIP:", "H800-SXM-80:", "the catalogue has a 'H800-SXM-80'; choose another name"),
    ],
)
def test_they_are_read_as_strictly(folder: Path, old: str, new: str, told: str) -> None:
    (folder / "facts" / "chips.yaml").write_text(CHIP.replace(old, new))
    with pytest.raises(InputError) as error:
        load_scenario(folder / "own.yaml")
    assert told in str(error.value)
    assert "chips.yaml" in str(error.value)


def test_sources_are_mended_in_the_course_of_a_session(folder: Path) -> None:
    """They were read once, so a session had to be begun again; a list was a traceback."""
    path = folder / "facts" / "sources.yaml"
    path.write_text("- MAKER\n")
    with pytest.raises(InputError, match=r"sources\.yaml: sources are a mapping"):
        load_scenario(folder / "own.yaml")
    path.write_text("{}\n")
    with pytest.raises(InputError, match=r"unknown source 'MAKER'; sources\.yaml lists them"):
        load_scenario(folder / "own.yaml")
    path.write_text(SOURCES)
    assert load_scenario(folder / "own.yaml").fleet["good"].chip.title == "A chip of our own"


def test_a_folder_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match=r"^setting catalogue: .*there is no folder '.*nowhere'$"):
        load_scenario(folder / "own.yaml").override({"catalogue": "nowhere"})
    with pytest.raises(InputError, match="no 'NEW-CHIP' among the chips"):
        load_scenario("deepseek-v3").override({"fleet.good.chip": "NEW-CHIP"})


def test_their_sources_are_named_with_an_answer(folder: Path) -> None:
    assert "MAKER" in sources(load_scenario(folder / "own.yaml"))


def test_what_a_table_of_ones_own_lacks_is_named_by_where_it_stands(tmp_path: Path) -> None:
    table = tmp_path / "mine.yaml"
    table.write_text("causes: [{per_1000_node_days: 3}]\n")
    told = r"fleet\.good\.failures\.causes\.0\.cause is missing: .*mine\.yaml does not say it$"
    with pytest.raises(InputError, match=told):
        load_scenario("deepseek-v3").override({"fleet.good.failures": str(table)})
