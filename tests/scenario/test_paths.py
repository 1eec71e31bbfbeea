"""Which values of a scenario are paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim.scenario.paths import absolute


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"run": {"model": "config.json"}}, ("run", "model")),
        ({"run": {"model": {"like": "config.json"}}}, ("run", "model", "like")),
        ({"fleet": {"a": {"failures": "mine.yaml"}}}, ("fleet", "a", "failures")),
        ({"fleet": {"a": {"failures": {"like": "mine.yml"}}}}, ("fleet", "a", "failures", "like")),
        ({"catalogue": "facts"}, ("catalogue",)),
        ({"runs": [{"model": "config.json"}]}, ("runs", 0, "model")),
    ],
)
def test_files_in_place_of_names_are_seen_from_their_folder(
    data: dict[str, Any], key: tuple[str | int, ...]
) -> None:
    found: Any = absolute(data, Path("/data"))
    given: Any = data
    for step in key:
        found = found[step]
        given = given[step]
    assert found == f"/data/{given}"


def test_names_stay_names() -> None:
    data = {"like": "mine.yaml", "run": {"model": "llama-3-70b"}, "title": "config.json"}
    assert absolute(data, Path("/data")) == data
