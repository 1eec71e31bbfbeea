"""Another simulator's cases, and settings in no file against a model written from its words."""

from __future__ import annotations

import math
import random
from heapq import heappop, heappush
from statistics import fmean, stdev

import pytest

from sim import catalogue, load_scenario
from sim.catalogue.evidence import PeerCase
from sim.engine import simulate
from sim.engine.pool import NodePool
from sim.errors import InputError
from sim.results.ledger import DAY
from sim.validation.peers import expected_failures, peers, rows, scenario_of
from sim.validation.report import MOST_Z, Row

DAY_MINUTES = 1440.0
QUICK = ("airesim-32-days", "airesim-no-bad-servers", "airesim-weibull-2", "airesim-weibull-0.7")


def wrong(table: list[Row]) -> list[Row]:
    return [row for row in table if not row.ok]


@pytest.mark.parametrize("name", QUICK)
def test_our_numbers_are_the_peers_where_it_is_right_and_the_closed_forms_where_it_is_not(name):
    table = peers(0.12, [name])
    assert wrong(table) == []
    assert {row.quantity for row in table} >= {"failures"}


@pytest.mark.prove
@pytest.mark.parametrize("name", catalogue.table("peers"))
def test_so_they_are_with_a_hundred_seeds(name):
    assert wrong(peers(1.0, [name])) == []


def test_a_case_that_is_none_is_refused():
    with pytest.raises(InputError, match="no 'airesim-32-day' among the peers"):
        peers(0.1, ["airesim-32-day"])


def case(name: str) -> PeerCase:
    item = catalogue.entry("peers", name).item
    assert isinstance(item, PeerCase)
    return item


@pytest.mark.parametrize(
    ("name", "days", "expected"),
    [
        ("airesim-no-bad-servers", 32, 1310.72),
        ("airesim-weibull-2", 32, 321),
        ("airesim-weibull-0.7", 2, 316.4),
    ],
)
def test_what_is_expected_of_a_case(name, days, expected):
    scenario = scenario_of(case(name))
    assert expected_failures(scenario, days) == pytest.approx(expected, rel=2e-3)
    uneven = scenario.override({"fleet.servers.failures.bad_nodes": {"share": 0.1, "factor": 2}})
    assert expected_failures(uneven, days) is None


def test_the_peers_own_number_of_weibull_failures_is_rejected():
    for name in ("airesim-weibull-2", "airesim-weibull-0.7"):
        [failures] = [row for row in peers(0.1, [name]) if row.quantity == "failures"]
        assert failures.peer is not None
        assert failures.standard_error is not None
        assert abs(failures.ours - failures.peer) > 10 * MOST_Z * failures.standard_error


def test_a_fleet_whose_returning_nodes_take_no_place_on_standby_is_told_apart(monkeypatch):
    def cold(self, node, now):
        self.cold.append(node)
        self.put(node, "cold_spare", now)

    monkeypatch.setattr(NodePool, "become_spare", cold)
    found = wrong(rows("airesim-32-days", 10))
    assert {"selections"} <= {row.quantity for row in found}


# Settings that are in no file
# ---------------------------------------------------------------------------------------

SETTINGS = {
    "few spares": {
        "J": 64,
        "w": 4,
        "W": 72,
        "S": 30,
        "f": 0.3,
        "r": 1 / 25,
        "factor": 4,
        "R": 15,
        "h": 5,
        "take": 40,
    },
    "many bad": {
        "J": 128,
        "w": 8,
        "W": 140,
        "S": 60,
        "f": 0.6,
        "r": 1 / 60,
        "factor": 5,
        "R": 30,
        "h": 2,
        "take": 10,
    },
    "it waits": {
        "J": 64,
        "w": 2,
        "W": 66,
        "S": 2,
        "f": 0.2,
        "r": 1 / 20,
        "factor": 3,
        "R": 10,
        "h": 1,
        "take": 20,
    },
}
STAGES = ((90.0, 0.3, 0.5), (1200.0, 1.0, 0.9))
"""Mean minutes of each stage of a repair, the probability that it is enough, and that it succeeds.
"""


def by_its_words(
    seed: int, days: float, *, J, w, W, S, f, r, factor, R, h, take
) -> tuple[float, ...]:
    """The model of the peer as its paper words it: failures, spares taken, selections and minutes
    of one job.

    It waits until J servers are there; the peer waits for J + w.
    """
    draw, now = random.Random(seed), 0.0
    bad = set(draw.sample(range(W + S), round(f * (W + S))))
    pool, boxed, active, standby = list(range(W)), list(range(W, W + S)), [], []
    repairs: list[tuple[float, int, bool]] = []
    failures = selections = done = 0.0

    def returned() -> None:
        while repairs and repairs[0][0] <= now:
            _, server, success = heappop(repairs)
            if success:
                bad.discard(server)
            (standby if active and len(standby) < w else pool).append(server)

    def select() -> None:
        nonlocal now, selections, pool, active, standby
        selections, now = selections + 1, now + h
        returned()
        pool, active, standby = pool + active + standby, [], []
        wanted = J + w if len(pool) < J else J
        while len(pool) < wanted and boxed:
            now += take
            pool.append(boxed.pop())
            returned()
        while len(pool) < J:
            now = repairs[0][0]
            returned()
        draw.shuffle(pool)
        active, standby, pool = pool[:J], pool[J : J + w], pool[J + w :]

    select()
    while True:
        weights = [factor if server in bad else 1.0 for server in active]
        work = draw.expovariate(r / DAY_MINUTES * sum(weights))
        if done + work >= days * DAY_MINUTES:
            return failures, float(S - len(boxed)), selections, now + days * DAY_MINUTES - done
        done, now, failures = done + work, now + work, failures + 1
        returned()
        failed = active.pop(draw.choices(range(J), weights)[0])
        time, success = 0.0, False
        for mean, enough, succeeds in STAGES:
            time, success = time + draw.expovariate(1 / mean), draw.random() < succeeds
            if draw.random() < enough:
                break
        heappush(repairs, (now + time, failed, success))
        if standby:
            active.append(standby.pop(0))
        else:
            select()
        now += R
        returned()


def ours(seed: int, days: float, *, J, w, W, S, f, r, factor, R, h, take) -> tuple[float, ...]:
    """The same settings as a scenario of ours."""
    repair = [
        {"time": {"exponential": {"mean": f"{mean} min"}}, "enough": enough, "success": success}
        for mean, enough, success in STAGES
    ]
    cause = {
        "cause": "server",
        "per_1000_node_days": 1000 * r,
        "clock": "computing",
        "repair": repair,
    }
    changes = {
        "run.tokens": days * DAY * J * 100,
        "run.batch.sequences": J,
        "fleet.servers.nodes": J,
        "fleet.servers.hot_spares": W - J,
        "fleet.servers.cold_spares": S,
        "fleet.servers.failures": {"causes": [cause], "bad_nodes": {"share": f, "factor": factor}},
        "recovery": {
            "restart": f"{R} min",
            "standby": w,
            "reschedule": f"{h} min",
            "provision": f"{take} min",
        },
    }
    result = simulate(load_scenario("airesim-default").override(changes), 7, seed)
    return sum(result.failures.values()), result.provisioned, result.selections, result.wall / 60


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_are_in_no_file_agree_with_the_model_written_from_its_words(name):
    settings, days = SETTINGS[name], 30.0
    mine = list(zip(*(ours(k, days, **settings) for k in range(60)), strict=True))
    theirs = list(zip(*(by_its_words(k, days, **settings) for k in range(120)), strict=True))
    faster = settings | {"r": 1.2 * settings["r"]}
    other = list(zip(*(by_its_words(k, days, **faster) for k in range(120)), strict=True))
    assert all(abs(z(a, b)) <= MOST_Z for a, b in zip(mine, theirs, strict=True)), name
    assert any(abs(z(a, b)) > MOST_Z for a, b in zip(mine, other, strict=True))


def z(a, b) -> float:
    spread = math.hypot(stdev(a) / math.sqrt(len(a)), stdev(b) / math.sqrt(len(b)))
    return (fmean(a) - fmean(b)) / (spread or math.inf)
