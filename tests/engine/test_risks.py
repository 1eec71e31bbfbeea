"""Failures: who fails when, and of what, against exact counts and hand-worked times."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.catalogue.failures import BadNodes, Cause, FailureTable, RepairStage
from sim.engine import simulate
from sim.engine.ageing import NEVER, Queue
from sim.engine.risks import CURED, DETECT, STAGES, Lives, Source, node_rate
from sim.quantities.distributions import Constant, Lognormal, Sum, Weibull
from sim.results.ledger import DAY
from sim.streams import Luck
from sim.validation.formulas import renewal_function
from tests.engine.bare import (
    agree,
    bare_scenario,
    cause,
    endless,
    exponential,
    failing,
    pool,
    times,
    weibull,
)


def counts(scenario, runs: int, seed: int = 3) -> list[float]:
    return [float(sum(simulate(scenario, seed, k).failures.values())) for k in range(runs)]


def lives(
    causes: list[Cause], nodes: int, bad: BadNodes | None = None, weak: tuple[int, ...] = ()
) -> Lives:
    field = Luck(1, 0).field("test")
    table = FailureTable(causes=tuple(causes), bad_nodes=bad)
    made = Lives(causes[0].clock, causes, nodes, 8, table, set(weak), field)
    made.begin(nodes, math.inf)
    return made


# Ages ---------------------------------------------------------------------------------------------


def test_a_failing_chip_is_renewed_and_no_other_chip_of_its_node():
    chips = lives([Cause(cause="chip", scope="chip", lifetime=Weibull(2.0, 10 * DAY))], nodes=3)
    queue = Queue()
    chips.join(queue, 0)
    due, _, node = queue.next()
    before = list(chips._of(node)[0])
    others = [due for other, due in enumerate(chips._due) if other != node]
    assert len(before) == 8
    assert due == min(before) == min(chips._due)
    chips.strike(node)
    changed = [k for k in range(8) if chips._of(node)[0][k] != before[k]]
    assert changed == [before.index(due)]
    assert [due for other, due in enumerate(chips._due) if other != node] == others


def test_ageing_chips_fail_as_often_as_eight_renewal_processes_a_node():
    q = endless(15, fleet=failing(16, scope="chip", hardware=False, lifetime=weibull(2, 10)))
    found, each = counts(q, 40), renewal_function(2, 10, 15)
    assert agree(found, 16 * 8 * each)
    assert not agree(found, 16 * 7 * each)


def test_redrawing_all_survivors_at_each_failure_would_be_noticed():
    """The mistake of the nearest peer: k = 2, so that units made new too often fail far too seldom."""
    q = endless(15, fleet=failing(16, hardware=False, lifetime=weibull(2, 10)))
    exact = 16 * renewal_function(2, 10, 15)
    found, redrawn = (
        counts(q, 40),
        15 / (10 / math.sqrt(16)),
    )  # the first of 16 new lives, again and again
    assert agree(found, exact)
    assert not agree(found, redrawn)


def test_a_stopped_clock_keeps_what_is_left_of_a_life():
    units = lives([Cause(cause="node", lifetime=Constant(10 * DAY))], nodes=1)
    queue = Queue()
    units.join(queue, 7)
    units.stop(0, 4 * DAY)
    assert queue.next() == NEVER
    units.start(0, 100 * DAY)
    assert queue.next() == (106 * DAY, 7, 0)


def test_the_powered_clock_runs_while_the_job_is_down_and_the_computing_clock_does_not():
    """A life of 2 d; the job is down for 1 d after each failure. Powered: at 2, 4 d; computing: at
    2, 5 d.
    """
    for clock, second in (("powered", 4.0), ("computing", 5.0)):
        q = endless(
            5.5,
            fleet=failing(1, hardware=False, lifetime="2 d", clock=clock, detect="1 d"),
        )
        assert times(simulate(q, 0))[:2] == pytest.approx([2.0, second]), clock


# Batches and bad nodes ----------------------------------------------------------------------------


def test_a_batch_fails_by_itself():
    """A cause of half the nodes: those never fail that are not in the batch, and those in it as
    they should.
    """
    nodes = 200
    table = {"causes": [cause(lifetime=weibull(2, 10), hardware=False, nodes=[0.5, 1.0])]}
    q = endless(15, fleet=pool(nodes=nodes, failures=table))
    results = [simulate(q, 3, k) for k in range(40)]
    struck = {event.node for r in results for event in r.trace.events("failure")}
    members = [n for n in range(nodes) if n * (math.sqrt(5) - 1) / 2 % 1.0 >= 0.5]
    assert struck == set(members)
    assert len(members) == pytest.approx(nodes / 2, abs=1)
    exact = len(members) * renewal_function(2, 10, 15)
    found = [float(sum(r.failures.values())) for r in results]
    assert agree(found, exact)
    assert not agree(found, 1.1 * exact)


def test_neither_a_shock_nor_a_replacement_makes_a_node_one_of_a_batch():
    units = lives([Cause(cause="batch", lifetime=Weibull(2.0, DAY), nodes=(0.5, 1.0))], nodes=4)
    assert units._due[0] == math.inf  # node 0 lies at 0.0, node 1 at 0.618
    [slot] = units._slots
    units.likewise(0, slot.source.cause, 0.0)
    assert units._due[0] == math.inf
    units.stop(0, 0.0)
    units.replace(0)
    units.start(0, 0.0)
    assert units._due[0] == math.inf
    assert units._due[1] < math.inf


@pytest.mark.parametrize("cured", [0.0, 1.0])
def test_bad_nodes_fail_more_often_until_a_repair_cures_them(cured):
    """A cured node fails first at six times the rate r, then at r: (1 − e^{−6rt}) + r·(t − (1 −
    e^{−6rt})/6r).
    """
    nodes, r, t = 64, 1 / 60, 10.0
    table = {
        "causes": [cause(lifetime=exponential(1 / r), repair="0 s")],
        "bad_nodes": bad(0.75, 6, cured),
    }
    values = counts(endless(t, fleet=pool(nodes=nodes, failures=table)), 60)
    for factor in (6, 5):
        first = -math.expm1(-factor * r * t)
        of_bad = first + r * (t - first / (factor * r)) if cured else factor * r * t
        assert agree(values, nodes * (0.25 * r * t + 0.75 * of_bad)) == (factor == 6)


def bad(share: float, factor: float, cured: float) -> dict[str, float]:
    return {"share": share, "factor": factor, "cured": cured}


def test_the_factor_of_a_bad_node_is_on_its_hazard_whatever_the_shape():
    """All nodes bad: P(a Weibull life > t) becomes that to the power of the factor."""
    nodes, days = 64, 5.0
    table = {"causes": [cause(lifetime=weibull(2, 10), permanent=1)], "bad_nodes": bad(1, 4, 0)}
    results = [
        simulate(endless(days, fleet=pool(nodes=nodes, failures=table)), 3, k) for k in range(40)
    ]
    left = [r.counts["pool", "active"] / 8 for r in results]
    hazard = (days / 10 * math.gamma(1.5)) ** 2
    assert agree(left, nodes * math.exp(-4 * hazard))
    assert not agree(left, nodes * math.exp(-3 * hazard))


@pytest.mark.parametrize(
    ("lifetime", "faster"),
    [
        (Weibull(1.0, DAY), 16.0),
        (Weibull(2.0, DAY), 4.0),
        (Weibull(0.5, DAY), 256.0),
        (Lognormal(DAY, 1.0), 16.0),
        (Constant(DAY), 16.0),
    ],
)
def test_a_bad_node_lives_as_much_faster_as_its_hazard_asks(lifetime, faster):
    """Where there is no shape to reckon with, it lives `factor` times as fast."""
    source = of(Cause(cause="x", lifetime=lifetime), BadNodes(share=0.1, factor=16))
    assert source.acceleration == pytest.approx(faster)
    row = source.row(0, 0)
    strong = source.life(row, 0, 0, 0, weak=False)
    assert source.life(row, 0, 0, 0, weak=True) == pytest.approx(strong / faster)


def test_a_cause_that_never_strikes_adds_nothing_to_the_rate():
    often = Cause(cause="often", per_1000_node_days=1000)
    never = Cause(cause="never", per_1000_node_days=0)
    assert node_rate(FailureTable(causes=(often, never)), 8) == pytest.approx(1 / DAY)
    assert node_rate(FailureTable(causes=(never,)), 8) == 0


def test_a_cured_node_lives_on_as_a_good_one_of_its_age():
    node = [Cause(cause="node", lifetime=Weibull(1.0, 60 * DAY))]
    bad_one = lives(node, 1, BadNodes(share=1, factor=6), weak=(0,))
    good = lives(node, 1)._due[0]
    assert bad_one._due[0] == pytest.approx(good / 6)
    bad_one.stop(0, 0.0)
    bad_one.cure(0)
    bad_one.start(0, 0.0)
    assert bad_one._due[0] == pytest.approx(good)


# What one failure is ------------------------------------------------------------------------------


def test_causes_strike_in_proportion_to_their_rates():
    causes = [
        cause(cause=name, hardware=False, per_1000_node_days=rate)
        for name, rate in (("a", 30), ("b", 10))
    ]
    q = endless(100, fleet=pool(nodes=64, failures={"causes": causes}))
    shares = [
        r.failures["a"] / sum(r.failures.values()) for r in (simulate(q, 3, k) for k in range(40))
    ]
    assert agree(shares, 0.75)
    assert not agree(shares, 0.72)


REPAIR = (
    RepairStage(time=Constant(120.0), enough=0.2, success=0.6),
    RepairStage(time=Constant(2880.0), success=0.8),
)


@pytest.mark.parametrize(
    ("enough", "first", "second", "time", "cured"),
    [
        (0.1, 0.5, 0.9, 120, True),
        (0.1, 0.7, 0.1, 120, False),
        (0.3, 0.7, 0.5, 3000, True),
        (0.3, 0.5, 0.9, 3000, False),
    ],
)
def test_a_staged_repair_ends_where_it_is_enough_and_its_last_stage_decides(
    enough, first, second, time, cured
):
    staged = Cause(cause="server", per_1000_node_days=1, repair=REPAIR)
    row = [0.0] * STAGES + [enough, first, 0.0, 0.0, second, 0.0]
    failure = of(staged, BadNodes(share=0.1, factor=2)).failure(row, 0, 0, 0)
    assert (failure.repair, failure.cured) == (time, cured)


def of(cause: Cause, bad: BadNodes | None = None) -> Source:
    return Source("test", cause, 1, bad, Luck(1, 0).field("test"))


def test_a_repair_may_leave_a_bad_node_bad():
    made = Cause(cause="x", per_1000_node_days=1, repair=Constant(1.0))
    for bad, cured in (
        (BadNodes(share=0.1, factor=2, cured=0.5), True),
        (BadNodes(share=0.1, factor=2, cured=0), False),
        (None, False),
    ):
        source = of(made, bad)
        row = source.row(0, 0)
        row[CURED] = 0.4
        assert source.failure(row, 0, 0, 0).cured == cured


def test_a_time_that_needs_more_numbers_leaves_all_others_alone():
    """A6, A23: a sum, or a mixture with one, wherever a time is asked for."""
    life = Weibull(2.0, DAY)
    plain = Cause(cause="x", lifetime=life, detect=Weibull(1.0, 60.0))
    more = Sum((Weibull(1.0, 60.0), Weibull(1.0, 10.0)))
    summed = plain.model_copy(update={"detect": more})
    one, two = (source.failure(source.row(5, 1), 5, 1, 5) for source in (of(plain), of(summed)))
    assert one.detect < two.detect < one.detect + 200
    again = of(plain.model_copy(update={"lifetime": Sum((life, Constant(DAY)))}))
    bad = np.zeros(20, bool)
    assert again.first(20, bad) == pytest.approx(of(plain).first(20, bad) + DAY)
    row = again.row(5, 1)
    assert DETECT < STAGES == len(row)
    after = again.life(row, 5, 1, 5, weak=False)
    assert after == pytest.approx(of(plain).life(row, 5, 1, 5, weak=False) + DAY)


# Bursts -------------------------------------------------------------------------------------------


# Common random numbers ----------------------------------------------------------------------------


def test_failures_do_not_depend_on_what_is_done_about_them():
    """The same lives, whatever the restart time, the spares or the checkpoint."""
    fleet = failing(8, lifetime=weibull(2, 10), permanent=1)
    plain = times(simulate(endless(8, fleet=fleet), 3))
    other = endless(8, fleet=fleet, recovery={"restart": "3 h"}, checkpoint={"interval": "20 min"})
    assert times(simulate(other, 3)) == plain
    assert times(simulate(endless(8, fleet=fleet), 4)) != plain


def test_one_more_cause_disturbs_no_other():
    one = [cause(cause="a", lifetime=weibull(2, 10), hardware=False)]
    two = [*one, cause(cause="b", lifetime=weibull(3, 10), hardware=False)]
    alone, both = (
        simulate(bare_scenario(horizon="9 d", fleet=pool(failures={"causes": c})), 3)
        for c in (one, two)
    )
    of_a = [e.time for e in both.trace.events("failure") if e.what == "a"]
    assert of_a == [e.time for e in alone.trace.events("failure")]
    assert len(both.failures) == 2


# Ages at the start ------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1.0, 4.0])
def test_nodes_that_are_old_at_the_start_have_the_rest_of_their_lives_before_them(factor: float):
    shape, scale, age, nodes = 2.5, 100 * DAY, 80 * DAY, 4000
    old = Cause(cause="old", lifetime=Weibull(shape, scale), age=Constant(age))
    bad = BadNodes(share=1.0, factor=factor)
    made = lives([old], nodes, bad, tuple(range(nodes)))
    rest = np.array(made._due)
    when = 20 * DAY
    survive = math.exp(-factor * (((age + when) / scale) ** shape - (age / scale) ** shape))
    error = math.sqrt(survive * (1 - survive) / nodes)
    assert abs((rest > when).mean() - survive) < 4 * error
    # Had they been new, nearly all of them would still run.
    new = lives([old.model_copy(update={"age": None})], nodes, bad, tuple(range(nodes)))
    assert (np.array(new._due) > when).mean() > survive + 20 * error


@pytest.mark.parametrize("shape", [0.05, 1.0, 50.0, 1000.0])
@pytest.mark.parametrize("age", [0.0, 1.0, 1e4 * DAY, 1e9 * DAY])
def test_no_age_is_too_great_for_a_shape(shape: float, age: float):
    """A float holds no fiftieth power of a century in seconds; what is left of a life it holds."""
    made = lives([Cause(cause="old", lifetime=Weibull(shape, DAY), age=Constant(age))], 500)
    rest = np.array(made._due)
    assert not np.isnan(rest).any()
    assert (rest >= 0).all()
    if shape > 1 and age > DAY:
        # Such a node dies at once; before, it never did.
        assert rest.max() < 1.0
    if shape == 1.0:
        assert agree(rest.tolist(), DAY)
    # The hazard that is left is that of a life from new: exponential with mean one.
    spent = (rest / DAY + age / DAY) ** shape - (age / DAY) ** shape if shape <= 1 else np.ones(1)
    assert age > 1e4 * DAY or abs(spent.mean() - 1) < 0.2


def test_an_age_needs_a_lifetime_that_has_a_memory():
    with pytest.raises(ValueError, match="age needs a lifetime that is weibull"):
        Cause(cause="old", per_1000_node_days=1, age=Constant(DAY))


def test_a_scaled_table_strikes_that_many_times_as_often():
    """Lives of ten days and an ageing cause, bad nodes among them: twice as many in a year."""
    ageing = cause(cause="ageing", lifetime=weibull(1.5, 100))
    causes = [cause(per_1000_node_days=10), ageing]
    counted = []
    for scale in (1, 2):
        failures = {"causes": causes, "bad_nodes": {"share": 0.2, "factor": 4, "cured": 0}}
        scaled = pool(nodes=20, failures=failures | {"scale": scale})
        counted.append(counts(endless(2000 / scale, fleet=scaled), 3))
    # Time that runs twice as fast is the same history, but for its rounding.
    assert counted[1] == pytest.approx(counted[0], abs=1)
