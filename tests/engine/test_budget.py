"""What would take for ever, or is beyond arithmetic, is refused by name and at once."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sim.engine import simulate
from sim.engine.budget import Budget
from sim.errors import InputError
from sim.experiments.replicate import replicate
from tests.engine.bare import bare_scenario, exponential, failing, pool, programme, weibull

SHORT = exponential(1, "ms")
CONGESTION = {"share": 0.1, "slowdown": 2, "bad": "1 us"}
FLAPS = {"per_node_day": 1e12, "duration": "1 us", "ride_through": "1 s"}
FLOW = {"chip": "pool", "origin": "domestic", "until": "2024-01-01", "chips": [["2023-01-01", 8]]}
LOTS = {
    "origin": "grey",
    "chips": [["2023-01-01", 1e6]],
    "lots": {"lognormal": {"median": 1e-6, "sigma": 1}},
}


def endless_programme(**changes: Any) -> Any:
    return programme({"every": "1 yr", "chips": 8} | changes.pop("runs", {}), **changes)


@pytest.mark.parametrize(
    ("scenario", "named"),
    [
        (lambda: bare_scenario(fleet=failing(4, cause="gpu", lifetime=SHORT)), "most of them gpu"),
        (lambda: bare_scenario(fleet=failing(4, lifetime="1 ns", repair="0 s")), "of them test"),
        (
            lambda: bare_scenario(
                fleet=failing(4, lifetime="1 d", refail={"probability": 1, "after": "1 us"})
            ),
            "most of them test",
        ),
        (
            lambda: bare_scenario(fabric={"congestion": CONGESTION}),
            r"congestion.bad: about .* changes until the horizon",
        ),
        (
            lambda: bare_scenario(fabric={"pods": 1e9, "congestion": CONGESTION | {"bad": "1 h"}}),
            "fabric.pods = .*: must be at most 10,000",
        ),
        (lambda: bare_scenario(fabric={"flaps": FLAPS}), "flaps.per_node_day: about .* changes"),
        (
            lambda: endless_programme(runs={"every": "1 s"}, horizon="10 yr"),
            "runs.every: .* runs until the horizon are more than",
        ),
        (
            lambda: endless_programme(runs={"growth": "2.4 per yr"}, horizon="1000 yr"),
            "runs.growth: the last run would be 1e380 times the first",
        ),
        (
            lambda: endless_programme(
                runs={"every": "1e9 yr"}, horizon="1e9 yr", depot={"supply": {"flow": FLOW}}
            ),
            "horizon: must end before the year 10000",
        ),
        (
            lambda: endless_programme(depot={"supply": {"flow": FLOW | LOTS}}, horizon="3 yr"),
            "depot.supply.flow: lots",
        ),
        (
            lambda: bare_scenario(checkpoint={"interval": "5e-324 s"}),
            "checkpoint.interval = .*: must be at least 1e-30",
        ),
    ],
)
def test_what_would_take_for_ever_is_refused_by_name(scenario: Any, named: str):
    """A7, D2, D8: these hung, or ended in a traceback."""
    start = time.process_time()
    with pytest.raises(InputError, match=named):
        simulate(scenario(), 0)
    assert time.process_time() - start < 5


def test_a_run_may_have_as_many_events_as_it_is_told():
    asked = bare_scenario(fleet=failing(4, lifetime=weibull(1.5, 2)))
    failures = sum(simulate(asked, 1).failures.values())
    assert failures > 10
    assert simulate(asked, 1, max_events=failures).failures["test"] == failures
    with pytest.raises(InputError, match=rf"{failures} by day .*may have {failures - 1} \(max_ev"):
        simulate(asked, 1, max_events=failures - 1)
    with pytest.raises(InputError, match="max_events; expected a whole number"):
        simulate(asked, 1, max_events=0)


def test_a_budget_decides_whether_a_run_is_refused_and_no_number(tmp_path: Any):
    asked = bare_scenario(fleet=failing(4, lifetime=weibull(1.5, 2)))
    free = replicate(asked, 3, out=tmp_path)
    bounded = replicate(asked, 3, max_events=1000)
    assert [o.fingerprint for o in free.outcomes] == [o.fingerprint for o in bounded.outcomes]
    with pytest.raises(InputError, match="too many events"):
        replicate(asked, 3, max_events=1, progress=False)


def test_what_fails_much_at_first_and_little_later_is_not_refused():
    """20,000 nodes that die in the first hour: what comes after decides, not the beginning."""
    dies = {"causes": [{"cause": "early", "lifetime": exponential(0.3, "h"), "permanent": 1}]}
    fleet = pool(nodes=30_000, failures=dies)
    result = simulate(bare_scenario(fleet=fleet, run={"batch": {"sequences": 30_000}}), 0)
    assert result.failures["early"] > 29_990


def test_a_job_that_gets_stuck_is_seen_to_be():
    budget = Budget()
    budget.limit(1000, 4, lambda now: 10 * now)
    budget.spend("a", 1.0, 900)
    with pytest.raises(InputError, match=r"1,001 by day .* most of them a; .* 1,000"):
        budget.spend("b", 2.0, 101)
