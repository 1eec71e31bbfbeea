from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from sim.cli.answers import fit as fit_text
from sim.errors import InputError
from sim.failure_logs import drift
from sim.failure_logs.check import STATISTICS, check, report
from sim.failure_logs.fit import fit, fitted_as, repairs
from sim.failure_logs.log import Log, Outage, Window, made
from sim.failure_logs.selection import Choice
from sim.pictures.failure_logs import save
from sim.results.ledger import DAY
from tests.failure_logs.truths import log_of


@pytest.mark.parametrize("truth", ["bad nodes", "bursts"])
def test_a_fitted_table_has_the_statistics_of_its_log(truth: str, tmp_path: Path) -> None:
    fitted = fit(log_of(truth, 2))
    found = check(fitted, runs=40)
    inside = [row.title for row in found.statistics.itertuples() if row.inside]
    # Nine of ten each, of nine that hang together.
    assert len(inside) >= len(STATISTICS) - 2
    assert 0.5 <= found.coverage <= 1
    told = report(fitted, found)
    assert told["outages"] == len(fitted.log.node)
    save(fitted, found, tmp_path)
    assert (tmp_path / "failure_log.csv").read_text().startswith("day,seen,p5,p95")


def test_a_parameter_has_a_unit_and_repairs_that_take_one_time_are_no_contradiction() -> None:
    """The days 1.2 less 1 and 3.2 less 3 differ in the last digits only."""
    rows = [
        Outage(f"n{k % 16}", (1 + 2 * k) * DAY, (1.2 + 2 * k) * DAY, "outage", "hardware")
        for k in range(40)
    ]
    fitted = fit(made(rows, [Window(f"n{k}", 0.0, 100 * DAY, 0.0) for k in range(16)]))
    found = check(fitted, runs=10)
    told = report(fitted, found)
    assert {row["title"]: row["inside"] for row in told["statistics"]}[STATISTICS["repair.p90"]]
    assert told["units"] == {"outage.rate": "per 1,000 node-days"}
    assert re.search(r"outage\.rate .* per 1,000 node-days\n", fit_text(told))


def test_what_cannot_be_told_apart_is_said() -> None:
    fitted = fit(log_of("ageing", 1))
    limits = " ".join(report(fitted, None)["limits"])
    assert "no `installed`" in limits
    assert "remove `age`" in limits


@pytest.mark.parametrize("days", [3.0, 40.0])
@pytest.mark.parametrize("outages", [1, 4])
def test_a_short_log_of_a_few_outages_is_no_error(days: float, outages: int) -> None:
    windows = [Window(name, 0.0, days * DAY, 0.0) for name in "abc"]
    rows = [
        Outage("abc"[k % 3], (k + 1) * days * DAY / 5, (k + 1.2) * days * DAY / 5, "x", "unknown")
        for k in range(outages)
    ]
    fitted = fit(made(rows, windows))
    told = report(fitted, check(fitted, runs=5))
    assert json.dumps(told, allow_nan=False)
    assert fit_text(told)
    assert {trial["mechanism"] for trial in told["tried"]} == {"drift"}


def test_interruptions_alone_make_a_table_without_repairs() -> None:
    windows = [Window(name, 0.0, 90 * DAY, 0.0) for name in "abcd"]
    rows = [Outage("abcd"[k % 4], k * DAY, k * DAY, "x", "unknown") for k in range(1, 30)]
    fitted = fit(made(rows, windows, nodes_known=False))
    assert "repair" not in fitted.causes[0]
    limits = " ".join(report(fitted, check(fitted, runs=5))["limits"])
    assert "no repairs" in limits
    assert "Which node of a job failed" in limits


DAYS = 100 * DAY


def log_at(*times: float, kind: str = "unknown") -> Log:
    """A log of outages of no length on three nodes."""
    rows = [Outage("abc"[k % 3], at, at, "x", kind) for k, at in enumerate(times)]
    return made(rows, [Window(name, 0.0, DAYS, 0.0) for name in "abc"])


@pytest.mark.parametrize("at", [0.0, DAYS])
def test_a_failure_at_either_end_of_a_log_is_one(at: float) -> None:
    """It was counted in the heading and in no rate, which was then 0.0001."""
    fitted = fit(log_at(at))
    assert fitted.draws["x.rate"][0] == pytest.approx(1000 / 300, rel=0.01)


def test_two_thirds_without_failures_foretell_few_rather_than_none() -> None:
    """Half a failure in the time watched, by Jeffreys' prior: the rate was 0.0001, and 0 … 0."""
    known = log_at(90 * DAY).until(60 * DAY)
    rates = fitted_as(known, Choice(frozenset(), ()), ahead=30).draws["x.rate"][1:] * 180 / 1000
    exact = stats.gamma(0.5)
    for q in (0.25, 0.5, 0.9):
        assert np.quantile(rates, q) == pytest.approx(exact.ppf(q), rel=0.25)


def test_a_run_without_outages_counts_as_a_rate_of_zero() -> None:
    """Where one failure was seen, a third of the runs have none, and were left out."""
    found = check(fit(log_at(50 * DAY)), runs=30).statistics.set_index("title")
    assert found.loc[STATISTICS["rate"], "p5"] == 0.0


def test_repairs_are_not_those_of_software() -> None:
    """Of a cause with few repairs those of all causes were taken, reboots of no length too."""
    psu = [Outage(f"h{k}", k * DAY, (k + 3) * DAY, "psu", "hardware") for k in range(5)]
    nccl = [Outage(f"s{k}", k * DAY, k * DAY, "nccl", "software") for k in range(60)]
    names = {row.node for row in psu + nccl}
    log = made(psu + nccl, [Window(name, 0.0, DAYS, 0.0) for name in names])
    assert repairs(log, list(log.causes).index("psu"))[0] == [0.0, "259200 s"]


def test_a_check_says_that_it_is_without_software() -> None:
    fitted = fit(log_at(DAY, 2 * DAY, kind="software"))
    assert "Reboots by software are not checked" in " ".join(report(fitted, None)["limits"])


def test_times_of_another_unit_are_noticed() -> None:
    rows = [Outage("a", 1.0, 1.0, "x", "unknown")]
    with pytest.raises(InputError, match="for every 100 s in service: is the unit"):
        fit(made(rows, [Window("a", 0.0, 100.0, 0.0)]))
    with pytest.raises(InputError, match="ahead: expected a number of days"):
        fit(log_at(DAY), ahead=math.inf)
    walk = drift.walked(np.full(6, 2.0), np.full(6, 2.0), 16.0)
    assert np.isfinite(drift.ahead(walk, 10**9, 10, np.random.default_rng(1))).all()


def test_a_fit_shows_what_was_fitted_and_no_names() -> None:
    """In a cell it showed every number, and the names of all nodes."""
    fitted = fit(log_at(DAY, 2 * DAY))
    assert repr(fitted) == "<Fit: 2 outages in 300 days of 3 nodes …>"
    assert str(fitted).splitlines()[-1].split()[:2] == ["x.rate", "6.667"]
