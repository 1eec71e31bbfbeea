"""The table of closed forms: every row holds, and a simulation with one thing wrong breaks the row
that is about it.
"""

from __future__ import annotations

import math
from dataclasses import asdict

import pytest
from scipy.stats import binom

from sim.engine import pool, simulate
from sim.engine.ageing import NONE
from sim.engine.fleet import Fleet
from sim.engine.job import Job
from sim.engine.progress import Progress
from sim.engine.risks import Lives
from sim.throughput import Plan
from sim.validation.bare_scenario import endless, failing, weibull
from sim.validation.closed_forms import CHECKS, closed_forms
from sim.validation.formulas import (
    any_bad,
    daly,
    expected_maximum,
    harmonic,
    lost_in_period,
    renewal_function,
    repairman,
)
from sim.validation.report import MOST_Z, ClosedForm, by_z, within

FAST = 0.05
LONG = ("O7", "O18")
"""Rare states and a long queue: a standard error of 0.2 % would take from half a minute to several.
"""


@pytest.mark.parametrize("name", CHECKS)
def test_the_simulation_agrees_and_tells_the_twin_apart(name):
    table = closed_forms(FAST, [name])
    assert table
    assert [asdict(row) for row in table if not row.ok] == []


@pytest.mark.prove
@pytest.mark.parametrize("name", CHECKS)
def test_it_agrees_to_a_standard_error_of_two_per_mille_unless_that_takes_long(name):
    for row in closed_forms(1.0, [name]):
        assert row.ok, row
        assert row.standard_error <= (0.01 if name in LONG else 0.002) * abs(row.exact), row


def test_every_row_that_is_not_an_identity_has_a_twin():
    cheap = ("O1", "O2", "O4", "O13", "O17", "crossing", "supply")
    without = {row.title for row in closed_forms(FAST, cheap) if row.twin is None}
    assert without == {"share of 1F1B steps beyond Σ + (m − 1)·max, equal ratios"}


# Simulations with one thing wrong
# -----------------------------------------------------------------------------------


def redrawn(monkeypatch):
    """Each failure makes all nodes new, as in the nearest peer."""
    strike = Lives.strike

    def anew(self, node):
        clock = self._due[node]
        failure = strike(self, node)
        for other, due in enumerate(self._due):
            if other != node and due != NONE:
                self.stop(other, clock)
                self.replace(other)
                self.start(other, clock)
        return failure

    monkeypatch.setattr(Lives, "strike", anew)


def safe_restarts(monkeypatch):
    """Nothing that fails during a restart is noticed."""
    spend = Job._spend

    def unexposed(self, category, duration, *, exposed=False, for_return=False):
        return spend(self, category, duration, for_return=for_return)

    monkeypatch.setattr(Job, "_spend", unexposed)


def worn_timer(monkeypatch):
    """The timer of the checkpoints goes on through a restart instead of beginning anew."""
    begin = Progress._begin_anew

    def keep(self):
        timer = self._timer
        begin(self)
        self._timer = timer

    monkeypatch.setattr(Progress, "_begin_anew", keep)


def averaged_loss(monkeypatch):
    """Half a period is lost at each failure, wherever in the period it strikes."""
    roll_back = Progress.roll_back

    def half(self, mark):
        before = self.productive
        roll_back(self, mark)
        return min(self._sawtooth.period / 2, before)

    monkeypatch.setattr(Progress, "roll_back", half)


def any_crew(monkeypatch):
    """Repairs never queue."""
    made = Fleet.__init__

    def without(self, *arguments):
        made(self, *arguments)
        self._crews = math.inf

    monkeypatch.setattr(Fleet, "__init__", without)


def spares_for_ever(monkeypatch):
    """Hot spares do not age."""
    monkeypatch.setattr(pool, "POWERED", frozenset({"active"}))
    begin = Lives.begin
    monkeypatch.setattr(
        Lives, "begin", lambda self, running, horizon: begin(self, min(running, 64), horizon)
    )


def whole_step_slows(monkeypatch):
    """Congestion slows compute too."""
    monkeypatch.setattr(
        Plan, "tokens_per_s_at", lambda self, slowdown: self.tokens_per_s / slowdown
    )


MISTAKES = [
    ("O3", safe_restarts),
    ("O5", worn_timer),
    ("O5", averaged_loss),
    ("O7", any_crew),
    ("O8-O9", spares_for_ever),
    ("O14", whole_step_slows),
]


@pytest.mark.parametrize(
    ("name", "mistake"), MISTAKES, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_simulation_with_one_thing_wrong_fails(name, mistake, monkeypatch):
    mistake(monkeypatch)
    assert not all(row.ok for row in closed_forms(FAST, [name]))


def test_making_all_nodes_new_at_each_failure_is_noticed_by_their_number(monkeypatch):
    """As O23, on 16 nodes: lives of k = 2 that begin again and again end far too seldom."""
    q = endless(15, fleet=failing(16, hardware=False, lifetime=weibull(2, 10)))

    def row() -> ClosedForm:
        counts = [sum(simulate(q, 1, k).failures.values()) / 16 for k in range(40)]
        return by_z("O23", "renewals", counts, renewal_function(2, 10, 15))

    assert row().ok
    redrawn(monkeypatch)
    assert not row().ok
    assert row().simulated < 0.5 * row().exact


# The formulas themselves
# --------------------------------------------------------------------------------------------


def test_daly_without_failures_is_the_work_and_its_checkpoints():
    assert daly(1e9, 10.0, 1.0, 0.0, 0.0, 5) == pytest.approx(55.0)


def test_half_a_period_is_lost_where_failures_are_rare():
    assert lost_in_period(1e6, 10.0) == pytest.approx(5.0, rel=1e-4)
    assert lost_in_period(1.0, 100.0) == pytest.approx(
        1.0
    )  # and all of the time to failure where they are frequent


def test_as_many_repairers_as_units_make_them_independent():
    assert repairman(5, 0.2, 0.5, 5) == pytest.approx(
        [binom.pmf(k, 5, 0.2 / 0.7) for k in range(6)]
    )
    assert math.fsum(repairman(5, 0.2, 0.5, 2)) == pytest.approx(1.0)
    one = repairman(2, 1.0, 1.0, 1)  # balance by hand: 1, 2, 2
    assert one == pytest.approx([0.2, 0.4, 0.4])


def test_the_renewal_function_of_exponential_lives_is_linear_and_the_elementary_renewal_theorem_holds():
    assert renewal_function(1.0, 2.0, 10.0) == pytest.approx(5.0, rel=1e-4)
    for shape in (0.7, 2.0):
        square = math.gamma(1 + 2 / shape) / math.gamma(1 + 1 / shape) ** 2  # E[L²] / E[L]²
        assert renewal_function(shape, 1.0, 30.0) == pytest.approx(30 + square / 2 - 1, rel=1e-3)


def test_any_bad_is_the_share_itself_in_the_long_run_and_nothing_at_first():
    assert any_bad(0.2, 1.0, 1e6, 1) == pytest.approx(0.2, rel=1e-4)
    assert any_bad(0.2, 1.0, 1e6, 3) == pytest.approx(1 - 0.8**3, rel=1e-4)
    assert any_bad(0.2, 1.0, 1e-6, 3) == pytest.approx(0.0, abs=1e-5)


def test_the_largest_of_two_and_three_normal_numbers():
    assert expected_maximum(2) == pytest.approx(1 / math.sqrt(math.pi))
    assert expected_maximum(3) == pytest.approx(1.5 / math.sqrt(math.pi))
    assert harmonic(2, 3) == pytest.approx(5 / 6)


# Rows ---------------------------------------------------------------------------------------------
# ------------------


def test_a_row_fails_beyond_four_standard_errors_or_when_it_accepts_its_twin():
    values = [0.9, 1.1] * 50
    assert by_z("X", "x", values, 1.0).ok
    assert by_z("X", "x", values, 1.0 + 3.9 * by_z("X", "x", values, 1.0).standard_error).ok
    assert not by_z(
        "X", "x", values, 1.0 + (MOST_Z + 0.1) * by_z("X", "x", values, 1.0).standard_error
    ).ok
    assert not by_z("X", "x", values, 1.0, "no difference", 1.001).ok
    assert by_z("X", "x", values, 1.0, "a difference", 1.1).ok


def test_a_tolerance_is_a_share_of_what_is_exact():
    assert within("X", "x", 1.04, 1.0, 0.05).ok
    assert not within("X", "x", 1.06, 1.0, 0.05).ok
    assert not within("X", "x", 1.04, 1.0, 0.05, "as close", 1.05).ok
    assert within("X", "x", 1e-12, 0.0).ok
    assert isinstance(within("X", "x", 0.0, 0.0), ClosedForm)
