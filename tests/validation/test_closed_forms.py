"""Every closed form holds, and a simulation with one thing wrong breaks the one that is about it."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from sim.engine import simulate
from sim.engine.ageing import NONE
from sim.engine.progress import Progress
from sim.engine.risks import Lives
from sim.engine.standstill import Standstill
from sim.errors import InputError
from sim.throughput import Plan
from sim.validation import closed_forms_of_failures
from sim.validation.bare_scenario import endless, failing, runs, weibull
from sim.validation.closed_forms import CHECKS, closed_forms
from sim.validation.formulas import renewal_function
from sim.validation.report import Row, by_z

FAST = 0.05
LONG = ("O7", "O18")
"""Rare states and a long queue: a standard error of 0.2 % would take minutes."""


@pytest.mark.parametrize("name", CHECKS)
def test_the_simulation_agrees_and_tells_the_twin_apart(name):
    table = closed_forms(FAST, [name])
    assert table
    assert [asdict(row) for row in table if not row.ok] == []


@pytest.mark.prove
@pytest.mark.parametrize("name", CHECKS)
def test_it_agrees_to_a_standard_error_of_two_per_mille_unless_that_takes_long(name):
    for row in closed_forms(1.0, [name]):
        most = (0.01 if name in LONG else 0.002) * abs(row.expected)
        assert row.ok, row
        assert row.standard_error is None or row.standard_error <= most, row


def test_every_row_that_is_not_an_identity_has_a_twin():
    cheap = ("O1", "O2", "O4", "O13", "O17", "crossing", "supply")
    without = {row.title for row in closed_forms(FAST, cheap) if row.twin is None}
    assert without == {"share of 1F1B steps beyond Σ + (m − 1)·max, equal ratios"}


def test_a_closed_form_that_is_none_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"no closed form 'crosing' .did you mean \"crossing\""):
        closed_forms(FAST, ["O1", "crosing"])


# Each takes a method of the engine and gives it back with one thing wrong.


def safe_restarts(spend):
    """Nothing that fails during a restart is noticed."""
    return lambda self, *times, exposed=False, **keys: spend(self, *times, **keys)


def worn_timer(begin_anew):
    """The timer of the checkpoints goes on through a restart."""

    def wrong(self):
        timer = self._timer
        begin_anew(self)
        self._timer = timer

    return wrong


def averaged_loss(roll_back):
    """Half a period is lost at each failure, wherever in the period it strikes."""

    def wrong(self, mark):
        half = min(self._sawtooth.period / 2, self.productive)
        roll_back(self, mark)
        return half

    return wrong


def whole_step_slows(_):
    """Congestion slows computing too."""
    return lambda self, slowdown: self.tokens_per_s / slowdown


def all_renewed(strike):
    """Each failure makes all nodes new, as in the nearest peer."""

    def wrong(self, node):
        clock = self._due[node]
        failure = strike(self, node)
        for other, due in enumerate(self._due):
            if other != node and due != NONE:
                self.stop(other, clock)
                self.replace(other)
                self.start(other, clock)
        return failure

    return wrong


@pytest.mark.parametrize(
    ("name", "owner", "method", "mistake"),
    [
        ("O3", Standstill, "spend", safe_restarts),
        ("O5", Progress, "_begin_anew", worn_timer),
        ("O5", Progress, "roll_back", averaged_loss),
        ("O14", Plan, "tokens_per_s_at", whole_step_slows),
    ],
)
def test_an_engine_with_one_thing_wrong_fails(name, owner, method, mistake, monkeypatch):
    monkeypatch.setattr(owner, method, mistake(getattr(owner, method)))
    assert not all(row.ok for row in closed_forms(FAST, [name]))


def test_making_all_nodes_new_at_each_failure_is_noticed_by_their_number(monkeypatch):
    """As O23, on 16 nodes: lives of k = 2 that begin again and again end far too seldom."""
    scenario = endless(15, fleet=failing(16, hardware=False, lifetime=weibull(2, 10)))

    def row() -> Row:
        counts = [sum(simulate(scenario, 1, k).failures.values()) / 16 for k in range(40)]
        return by_z("O23", "renewals", counts, renewal_function(2, 10, 15))

    assert row().ok
    monkeypatch.setattr(Lives, "strike", all_renewed(Lives.strike))
    assert not row().ok
    assert row().ours < 0.5 * row().expected


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("O7", {"recovery.crew": None}),
        ("O8-O9", {"fleet.pool.hot_spares": 0, "fleet.pool.cold_spares": 64}),
    ],
    ids=["repairs never queue", "spares do not age"],
)
def test_a_scenario_with_one_thing_wrong_fails(name, changes, monkeypatch):
    def wrong(scenario, *arguments):
        return runs(scenario.override(changes), *arguments)

    monkeypatch.setattr(closed_forms_of_failures, "runs", wrong)
    assert not all(row.ok for row in closed_forms(FAST, [name]))
