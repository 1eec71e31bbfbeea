"""Merging of plain data: mappings by key, null removes, a distribution as a whole."""

from typing import Any

import pytest

from sim.scenario.reading import merge


@pytest.mark.parametrize(
    ("base", "change", "expected"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": {"b": 1}}, {"a": 3}, {"a": 3}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({}, {"a": {"b": None}, "c": None}, {"a": {}}),
        ({"a": 1}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        (
            {"t": {"triangular": [1, 2, 3]}},
            {"t": {"exponential": {"mean": 2}}},
            {"t": {"exponential": {"mean": 2}}},
        ),
        (
            {"x": {"uncertain": [1, 2, 3], "name": "n"}},
            {"x": {"uncertain": [4, 5, 6]}},
            {"x": {"uncertain": [4, 5, 6]}},
        ),
        ({"x": {"a": 1}}, {"x": {"uncertain": [4, 5, 6]}}, {"x": {"uncertain": [4, 5, 6]}}),
        ({"m": {"like": "x", "fp8": 1}}, {"m": {"fp8": None}}, {"m": {"like": "x", "fp8": None}}),
        ({}, {"m": {"like": "x", "e": {"k": None}}}, {"m": {"like": "x", "e": {"k": None}}}),
    ],
    ids=str,
)
def test_merge(base: dict[str, Any], change: dict[str, Any], expected: dict[str, Any]) -> None:
    before = repr((base, change))
    assert merge(base, change) == expected
    assert repr((base, change)) == before, "neither is changed"
