"""Running out of spares is an outcome: its day, its pool, where the nodes are, when a job goes on."""

from __future__ import annotations

import pytest

from sim.engine import simulate
from sim.errors import InputError
from sim.experiments.replicate import replicate
from sim.results.ledger import DAY, HOUR
from sim.results.run import RunResult
from sim.scenario import load_scenario
from tests.engine.bare import CHIPS, RATE, bare_scenario, lone, pool


def run(causes: list[dict], hours: float = 48.0, hot_spares: int = 0, **recovery) -> RunResult:
    """A run of so many hours of work on four nodes."""
    scenario = bare_scenario(
        fleet=pool(hot_spares=hot_spares, failures={"causes": causes}),
        run={"tokens": hours * HOUR * CHIPS * RATE},
        horizon="30 d",
        recovery=recovery,
    )
    return simulate(scenario, 0)


def broken(node: int, hour: float, repair: str | None = "10 h", **keys) -> dict:
    """A node that breaks down once within the run."""
    return lone(node, hour / 24, repair=repair) | {"cause": f"fault-{node}"} | keys


def test_a_spare_that_is_there_is_no_depletion():
    result = run([broken(0, 30)], hot_spares=1)
    assert result.depletion is None
    assert result.metrics["depleted"] == 0
    assert result.metrics["depleted_days"] == pytest.approx(result.wall / DAY)


@pytest.mark.parametrize(
    ("cause", "recovery", "where"),
    [
        (broken(0, 30), {}, "repair"),
        (broken(0, 30), {"evict_after": 1}, "evicted"),
        (broken(0, 30, repair=None, permanent=1), {}, "dead"),
    ],
)
def test_the_first_node_that_cannot_be_replaced_names_the_day_and_where_nodes_are(
    cause, recovery, where
):
    result = run([cause], **recovery)
    assert result.depletion is not None
    assert result.depletion.time == pytest.approx(30 * HOUR)
    assert result.depletion.what == where
    [name] = result.scenario.fleet
    assert result.metrics[f"depleted.{name}"] == 1
    assert result.metrics[f"depleted_by.{where}"] == 1
    assert result.metrics["depleted_days"] == pytest.approx(30 / 24)


def test_an_elastic_job_that_goes_on_with_fewer_has_run_out_too():
    result = run([broken(0, 30)], policy="re-plan")
    assert result.depletion is not None
    assert result.depletion.time == pytest.approx(30 * HOUR)


@pytest.mark.parametrize(
    ("resume_when", "waited"),
    [
        (None, 8.0),  # the first node is back ten hours after it failed, two before the second
        (1, 10.0),  # the second is a spare
        ("standby", 10.0),
        (0, 8.0),
    ],
)
def test_a_job_that_ran_out_goes_on_once_it_has_the_spares_it_wants(resume_when, waited):
    two = [broken(0, 28), broken(1, 30)]
    result = run(two, hours=32, hot_spares=1, resume_when=resume_when)
    assert result.time["wait"] / HOUR == pytest.approx(waited)


def test_more_spares_than_will_ever_be_there_are_waited_for_to_the_end():
    result = run([broken(0, 30)], hot_spares=0, resume_when=3)
    assert not result.finished
    assert result.wall == pytest.approx(30 * DAY)


def test_what_is_no_number_of_spares_is_refused():
    with pytest.raises(InputError, match="resume_when"):
        run([broken(0, 30)], resume_when="full")


def test_the_share_and_the_curve_count_runs_that_ended_before_as_censored():
    scenario = load_scenario("airesim-default").override(
        {"recovery.evict_after": 1, "horizon": "12 d"}
    )
    found = replicate(scenario, 6).depletion()
    assert 0 < found["share"] <= 1
    assert found["where"]["evicted"] == found["share"]
    assert found["pools"] == {"servers": found["share"]}
    assert found["lo"] < found["share"]
    last = found["curve"][-1]
    assert last["depleted"] == pytest.approx(found["share"])
    assert last["lo"] <= last["depleted"] <= last["hi"]
    assert 9 < found["median_day"] < 12
