"""The split of the published step times: by family, each run once, none fitted that validates."""

from __future__ import annotations

from collections import Counter

from sim.catalogue import table


def test_each_run_is_in_one_family_and_every_family_is_on_its_stack() -> None:
    found: Counter[str] = Counter()
    for entry in table("families").values():
        family = entry.item
        for name in (*family.runs, *family.held_out):
            found[name] += 1
            run = table("runs")[name].item
            for pool in run.case["fleet"].values():
                stack = pool["stack"]
                given = stack if isinstance(stack, str) else stack["like"]
                assert given == family.stack, name
    assert set(found.values()) == {1}


def test_no_row_of_a_validation_family_is_fitted() -> None:
    for entry in table("families").values():
        family = entry.item
        for name in (*family.held_out, *(family.runs if family.role == "validation" else ())):
            assert all(row.role != "fitted" for row in table("runs")[name].item.rows), name
