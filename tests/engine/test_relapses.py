"""Relapses: a failure that comes back after a repair that was not enough."""

from __future__ import annotations

from typing import Any

import pytest

from sim.catalogue.failures import Cause, FailureTable, Refail
from sim.engine import simulate
from sim.engine.ageing import NEVER, Queue
from sim.engine.relapses import Relapses
from sim.quantities.distributions import Constant
from sim.streams import Luck
from tests.engine.bare import (
    agree,
    cause,
    endless,
    exponential,
    failing,
    pool,
    times,
    weibull,
)


def relapsing(**other: object) -> dict[str, Any]:
    first = cause(lifetime="10 d", repair="1 d", refail={"probability": 1, "after": "6 h"})
    return pool(nodes=1, failures={"causes": [first, *([other] if other else [])]})


def test_an_incomplete_repair_fails_again_after_so_much_powered_time():
    """Fails at 10 d; back at 11 d, again at 11.25; back at 12.25, again at 12.5 …; its own life
    counts on from 11 d.
    """
    days = times(simulate(endless(14, fleet=relapsing()), 0))
    assert days == pytest.approx([10, 11.25, 12.5, 13.75])


def test_a_pending_relapse_waits_while_another_failure_is_repaired_and_survives_it():
    """The other cause strikes at 11.1 d for half a day: 0.15 d of powered time are left at 11.6."""
    struck = cause(cause="other", lifetime="10.1 d", repair="0.5 d")
    days = times(simulate(endless(11.9, fleet=relapsing(**struck)), 0))
    assert days == pytest.approx([10, 11.1, 11.75])
    rebooted = cause(cause="other", lifetime="10.1 d", hardware=False)
    days = times(simulate(endless(11.9, fleet=relapsing(**rebooted)), 0))
    assert days == pytest.approx([10, 11.1, 11.25])


def test_a_reboot_for_a_fault_found_late_may_have_to_be_done_again():
    """Corrupt at 10 d, found at 10.5 d; again at 10.75 d, found at 11.25 d, again at 11.5 d."""
    again = {"probability": 1, "after": "6 h"}
    keys = {"lifetime": "10 d", "hardware": False, "silent": True, "detect": "12 h"}
    fleet = failing(1, refail=again, **keys)
    assert times(simulate(endless(11.9, fleet=fleet), 0)) == pytest.approx([10, 10.75, 11.5])


def test_a_pending_relapse_dies_with_a_replacement():
    again = Refail(probability=1, after=Constant(1.0))
    why = Cause(cause="x", per_1000_node_days=1, refail=again)
    made = Relapses(FailureTable(causes=(why,)), 1, Luck(1, 0).field("test"))
    queue = Queue()
    made.join(queue, 2)
    for replaced in (False, True):
        made.add(0, 100.0, why)
        if replaced:
            made.replace(0)
        made.start(0, 1000.0)
        assert queue.next() == (NEVER if replaced else (1100.0, 2, 0))
        if not replaced:
            assert made.strike(0).cause.cause == why.cause


def test_a_pending_relapse_is_put_off_by_none_that_comes_later():
    """The first fails at 10 d, is back at 11, relapses at 11.25; a reboot at 11.1 would relapse in
    5 d.
    """
    reboot = cause(
        cause="other", lifetime="10.1 d", hardware=False, refail={"probability": 1, "after": "5 d"}
    )
    assert times(simulate(endless(11.9, fleet=relapsing(**reboot)), 0)) == pytest.approx(
        [10, 11.1, 11.25]
    )


def test_relapses_of_a_cause_are_the_same_beside_another():
    """A second cause, with another repair, that never strikes."""
    other = cause(
        cause="other",
        lifetime="900 d",
        repair=weibull(2, 1),
        refail={"probability": 1, "after": "1 d"},
    )
    asked = [relapsing(), relapsing(**other)]
    first = {
        "detect": exponential(0.1),
        "lifetime": "10 d",
        "refail": {"probability": 1, "after": exponential(0.2)},
    }
    for question_ in asked:
        question_["pool"]["failures"]["causes"][0] |= first
    alone, beside = (times(simulate(endless(60, fleet=fleet), 0)) for fleet in asked)
    assert len(alone) > 20
    assert alone == beside


def test_relapses_multiply_failures_by_a_geometric_sum():
    """A relapse can relapse: failures = first ones / (1 − p), if they come at once."""
    again = {"probability": 0.5, "after": "1 s"}
    table = [cause(lifetime=exponential(20), repair="0 s", refail=again)]
    scenario = endless(20, fleet=pool(nodes=64, failures={"causes": table}))
    found = [float(sum(simulate(scenario, 3, k).failures.values())) for k in range(40)]
    assert agree(found, 64 / (1 - 0.5))
    assert not agree(found, 64 / (1 - 0.4))
