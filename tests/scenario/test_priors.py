"""One quantity has one prior, wherever it is asked for."""

from collections.abc import Iterator
from typing import Any

import pytest

from sim import catalogue, documents
from sim.errors import InputError
from sim.scenario import load_scenario, names
from sim.scenario.reading import FOLDER

SHARED = {"research", "growth", "chips"}
"""Keys of a scenario, or of its runs, whose unknown value is a prior."""


def shared(name: str) -> Iterator[tuple[str, Any]]:
    data = documents.read(FOLDER / f"{name}.yaml").data
    runs = data.get("runs") or {}
    for key, value in (*data.items(), *(runs.items() if isinstance(runs, dict) else ())):
        if key in SHARED and isinstance(value, dict):
            yield key, value


@pytest.mark.parametrize("name", names())
def test_a_scenario_has_no_prior_of_its_own(name: str) -> None:
    for key, value in shared(name):
        assert value.keys() == {"prior"}, f"{key}: put it into sim/catalogue/priors.yaml"


def test_there_is_one_prior_for_growth_and_one_for_research_and_one_first_need_for_one_owner() -> (
    None
):
    used: dict[str, set[str]] = {key: set() for key in SHARED}
    for name in names():
        for key, value in shared(name):
            # One simulated chip for many: the runs of a country, which are no laboratory's.
            whose = "country" if load_scenario(name).represents > 1 and key == "chips" else ""
            used.setdefault(key + whose, set()).add(value["prior"])
    assert used == {
        "research": {"research-share"},
        "growth": {"growth-of-need"},
        "chips": {"first-need-of-a-laboratory"},
        "chipscountry": {"first-need-at-the-frontier"},
    }
    titles = [prior.item.title for prior in catalogue.table("priors").values()]
    assert len(set(titles)) == len(titles)


def test_a_prior_is_what_it_would_be_written_out() -> None:
    named = load_scenario("offload").unknowns()
    written = load_scenario("offload").override({"research": {"uncertain": [0.3, 0.5, 0.7]}})
    assert named["research"].distribution == written.unknowns()["research"].distribution
    assert {"research", "runs.growth", "runs.chips"} <= named.keys()


def test_it_can_be_set_and_taken_back() -> None:
    known = load_scenario("offload").override({"research": 0.4})
    assert known.research == 0.4
    again = known.override({"research": {"prior": "research-share"}})
    assert "research" in again.unknowns()


def test_a_prior_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(InputError, match="research-share"):
        load_scenario({"like": "offload", "research": {"prior": "research-shar"}})
    with pytest.raises(InputError, match="setting research"):
        load_scenario("offload").override({"research": {"prior": "nothing"}})
