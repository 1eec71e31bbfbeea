"""From a simulated cluster to a log, to a table, and back into the engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sim
from sim import files
from sim.engine.replay import outages
from sim.errors import InputError
from sim.failure_logs import record
from sim.failure_logs.fit import Fit, fit
from sim.failure_logs.log import Outage, Window, made
from sim.failure_logs.write import save, trace_of
from sim.results.ledger import DAY
from sim.results.run import RunResult
from sim.scenario import Scenario, load_scenario

TABLE = {
    "causes": [
        {
            "cause": "fault",
            "per_1000_node_days": 4,
            "repair": {"lognormal": {"median": "8 h", "sigma": 1}},
            "refail": {"probability": 0.4, "after": {"exponential": {"mean": "2 d"}}},
        },
        {"cause": "crash", "per_1000_node_days": 2, "hardware": False},
    ]
}


@pytest.fixture(scope="module")
def cluster() -> Scenario:
    changes = {
        "horizon": "300 d",
        "fleet.servers.nodes": 100,
        "fleet.servers.hot_spares": 2,
        "fleet.servers.cold_spares": 2,
        "run.batch.sequences": 800,
        "checkpoint.interval": "1 d",
        "fleet.servers.failures": TABLE,
    }
    return load_scenario("infinitehbd").override(changes)


@pytest.fixture(scope="module")
def run(cluster: Scenario) -> RunResult:
    return sim.simulate(cluster, seed=5)


@pytest.fixture(scope="module")
def fitted(run: RunResult, tmp_path_factory: pytest.TempPathFactory) -> Fit:
    folder = tmp_path_factory.mktemp("log")
    files.write(folder / "log.csv", record.log_file(run))
    files.write(folder / "nodes.csv", record.exposure_file(run))
    return fit(folder / "log.csv", folder / "nodes.csv")


def test_the_log_has_every_failure_of_the_run(run: RunResult) -> None:
    rows = record.recorded(run)
    hardware = [row for row in rows if row.kind == "hardware"]
    assert len(hardware) == len(run.outages)
    assert len(rows) - len(hardware) == run.failures["crash"]
    # A cold spare that was never called was never watched.
    assert 102 <= len({node for node, _, _ in record.watched(run)}) <= 104


def test_nodes_are_watched_whenever_they_can_fail(run: RunResult) -> None:
    spans = record.watched(run)
    for row in record.recorded(run):
        assert any(n == row.node and a <= row.start <= b for n, a, b in spans)


def test_a_programme_has_no_log() -> None:
    run = sim.simulate(load_scenario("offload").override({"horizon": "30 d"}))
    with pytest.raises(InputError, match="a programme has no log"):
        record.watched(run)


def test_fit_of_log_is_what_it_was(fitted: Fit) -> None:
    truth = {"fault.rate": 4, "fault.again": 0.4, "fault.after": 2 * DAY, "crash.rate": 2}
    low = fitted.draws.quantile(0.005)
    high = fitted.draws.quantile(0.995)
    assert {name for name in truth if not low[name] <= truth[name] <= high[name]} == set()
    kept = [(trial.mechanism, trial.cause) for trial in fitted.trials if trial.kept]
    assert kept == [("repeats", "fault")]


def test_parameters_are_drawn_together(fitted: Fit, cluster: Scenario, tmp_path: Path) -> None:
    path, draws, _ = save(fitted, tmp_path / "mine.yaml")
    scenario = cluster.override({"fleet.servers.failures": str(path)})
    assert "mine" in scenario.unknowns()
    best = scenario.resolve(0, 0, fixed=True).fleet["servers"].failures.causes
    by_name = {cause.cause: cause for cause in best}
    assert by_name["fault"].per_1000_node_days == pytest.approx(fitted.draws["fault.rate"][0])
    assert not by_name["crash"].hardware
    rows = fitted.draws[["fault.rate", "fault.again"]].to_numpy()
    for replication in range(20):
        table = scenario.resolve(0, replication).fleet["servers"].failures
        cause = next(cause for cause in table.causes if cause.cause == "fault")
        assert cause.refail is not None
        pair = (cause.per_1000_node_days or 0.0, cause.refail.probability)
        assert any(np.allclose(pair, row, rtol=1e-4) for row in rows)
    # The draws are part of what a stored point depends on.
    from sim.experiments.store import Point

    before = Point(scenario, 0, range(1)).content
    lines = draws.read_text().splitlines()
    draws.write_text("\n".join(lines[:-1]) + "\n")
    later = cluster.override({"fleet.servers.failures": str(path)})
    assert Point(later, 0, range(1)).content != before


def test_a_table_lies_beside_the_scenario_that_names_it(fitted: Fit, tmp_path: Path) -> None:
    save(fitted, tmp_path / "deep" / "mine.yaml")
    own = tmp_path / "deep" / "own.yaml"
    own.write_text("like: infinitehbd\nfleet: {servers: {failures: mine.yaml}}\n")
    assert "mine" in load_scenario(own).unknowns()


def test_the_trace_replays_the_log_without_its_names(fitted: Fit, tmp_path: Path) -> None:
    _, _, trace = save(fitted, tmp_path / "mine.yaml")
    assert "servers-" not in trace.read_text()
    replayed = [span for span in outages(str(trace)) if span.cause != "absent"]
    assert len(replayed) == len(fitted.log.node)
    assert {span.cause for span in replayed} == {"fault", "crash"}
    named = save(fitted, tmp_path / "named.yaml", keep_names=True)[2]
    assert "servers-00001" in named.read_text()


def test_a_node_that_was_not_watched_is_absent_from_the_trace() -> None:
    windows = [("a", 0, 10), ("b", 2, 5), ("b", 7, 8), ("c", 0, 10)]
    spans = [Window(name, first * DAY, last * DAY, 0.0) for name, first, last in windows]
    log = made([Outage("c", DAY, 2 * DAY, "gpu", "hardware")], spans)
    rows = trace_of(log, keep_names=True).splitlines()
    assert rows[0] == "node,cause,start_day,end_day"
    assert [row.replace("000000", "0") for row in rows[1:]] == [
        "b,absent,0.0,2.0",
        "c,gpu,1.0,2.0",
        "b,absent,5.0,7.0",
        "b,absent,8.0,10.0",
    ]
    unknown = made([Outage("c", DAY, 2 * DAY, "gpu", "hardware")], spans, nodes_known=False)
    assert "absent" not in trace_of(unknown)


def test_what_is_wrong_with_draws_is_named(fitted: Fit, cluster: Scenario, tmp_path: Path) -> None:
    path, draws, _ = save(fitted, tmp_path / "mine.yaml")
    draws.write_text(draws.read_text().replace("fault.rate", "fault.rat"))
    with pytest.raises(
        InputError, match=r"no column 'fault.rate' \(did you mean \"fault.rat\"\?\)"
    ):
        cluster.override({"fleet.servers.failures": str(path)})
    draws.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        cluster.override({"fleet.servers.failures": str(path)})
