"""The claims are well kept, and verdicts follow the rules."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from sim.catalogue import STATUSES, sources
from sim.experiments.claim_checks import (
    OTHERWISE,
    OUTSIDE,
    SUPPORTED,
    UNITS,
    UNSUPPORTED,
    Claim,
    Limit,
    Reading,
    claims,
    judge,
    verdict,
)
from sim.experiments.replicate import Replications
from sim.experiments.store import Outcome
from sim.publish.pages import told
from tests.experiments.stand_in import stand_in

EVERY = pytest.mark.parametrize("name", claims())
ALONE, MIXED = (
    Reading(says="alone", scenario="deepseek-v3"),
    Reading(says="mixed", scenario="two-thousand-plus"),
)
AT_MOST_61 = Limit(at_most=61, source="DSV3", status="reported")


def claim(*readings: Reading, limit: Limit = AT_MOST_61, **more: Any) -> Claim:
    words = {
        "quotation": "„so“",
        "translation": "so",
        "needs": "So.",
        "inputs": "reported",
        "metric": "wall_days",
    }
    return Claim.model_validate({**words, "readings": readings, "limit": limit} | more)


def runs(
    days: Sequence[float], finished: Sequence[bool] | None = None, metric: str = "wall_days"
) -> Replications:
    done = finished or [True] * len(days)
    outcomes = (
        Outcome(k, f, {metric: float(d)}, "")
        for k, (d, f) in enumerate(zip(days, done, strict=True))
    )
    return Replications("stand-in", 1, list(outcomes))


def judged(one: Claim, **results: Replications) -> list[dict[str, Any]]:
    readings = filter(None, (*one.readings, one.against))
    return verdict("one", one, {reading.key: results[reading.says] for reading in readings})


SHORT, LONG = runs([50.0] * 20), runs([70.0] * 20)


@pytest.mark.parametrize(
    ("alone", "mixed", "found", "decides"),
    [
        (SHORT, LONG, SUPPORTED, 0),
        (SHORT, SHORT, SUPPORTED, 0),
        (LONG, SHORT, OTHERWISE, 1),
        (LONG, LONG, UNSUPPORTED, 0),
    ],
)
def test_the_first_reading_is_as_it_was_said_and_the_others_with_other_chips(
    alone: Replications, mixed: Replications, found: str, decides: int
) -> None:
    rows = judged(claim(ALONE, MIXED), alone=alone, mixed=mixed)
    assert [row["verdict"] for row in rows] == [found, found]
    assert [row["decides"] for row in rows] == [decides == 0, decides == 1]


def test_what_cannot_be_tested_lies_outside_the_model() -> None:
    untestable = Claim(quotation="„so“", translation="so", needs="A record.", note="No.")
    [row] = judged(untestable)
    assert row["verdict"] == OUTSIDE
    assert row["decides"] is True
    assert "median" not in row


@pytest.mark.parametrize(
    ("meeting", "of", "found"), [(15, 20, SUPPORTED), (14, 20, UNSUPPORTED), (3, 3, UNSUPPORTED)]
)
def test_more_than_half_must_meet_the_limit_and_the_interval_of_the_share_must_say_so(
    meeting: int, of: int, found: str
) -> None:
    [row] = judged(claim(ALONE), alone=runs([60.0] * meeting + [62.0] * (of - meeting)))
    assert row["verdict"] == found
    assert row["share"] == meeting / of
    assert row["share_lo"] < row["share"] <= row["share_hi"]


def test_the_limit_itself_meets_it_from_both_sides() -> None:
    at_least = Limit(at_least=61, source="DSV3", status="reported")
    [below] = judged(claim(ALONE), alone=runs([61.0] * 20))
    [above] = judged(claim(ALONE, limit=at_least), alone=runs([61.0] * 20))
    assert (below["verdict"], below["bound"], below["limit"]) == (SUPPORTED, "at most", 61)
    assert (above["verdict"], above["bound"], above["limit"]) == (SUPPORTED, "at least", 61)


def test_a_run_that_did_not_finish_took_forever() -> None:
    [row] = judged(claim(ALONE), alone=runs([50.0] * 20, [False] * 20))
    assert row["verdict"] == UNSUPPORTED
    assert row["median"] == np.inf


def test_against_another_scenario_it_is_a_ratio_pair_by_pair() -> None:
    limit = Limit(at_most=0.9, source="ASSUMED", status="assumption")
    ratio = claim(MIXED, limit=limit, against=ALONE)
    days = np.linspace(40, 80, 20)
    [row] = judged(ratio, mixed=runs(list(0.8 * days)), alone=runs(list(days)))
    assert row["verdict"] == SUPPORTED
    assert (row["p5"], row["p95"], row["unit"], row["against"]) == (
        pytest.approx(0.8),
        pytest.approx(0.8),
        "times",
        "alone",
    )
    [row] = judged(ratio, mixed=runs(list(0.8 * days)), alone=runs(list(days[::-1])))
    assert row["verdict"] == UNSUPPORTED


def test_two_fleets_that_never_fall_short_are_alike_and_one_that_does_comes_first() -> None:
    limit = Limit(at_least=0.95, source="ASSUMED", status="assumption")
    ratio = claim(MIXED, limit=limit, against=ALONE, metric="crossing_days")
    never, soon = (
        runs([np.nan] * 20, metric="crossing_days"),
        runs([365.25] * 20, metric="crossing_days"),
    )
    [alike] = judged(ratio, mixed=never, alone=never)
    [longer] = judged(ratio, mixed=never, alone=soon)
    [shorter] = judged(ratio, mixed=soon, alone=never)
    assert [alike["median"], longer["median"], shorter["median"]] == [1.0, np.inf, 0.0]
    assert [row["verdict"] for row in (alike, longer, shorter)] == [
        SUPPORTED,
        SUPPORTED,
        UNSUPPORTED,
    ]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_input_that_moves_it_most_is_the_one_it_was_made_of(sign: float) -> None:
    draws = [ALONE.changed_scenario.draws(1, k) for k in range(60)]
    name = "checkpoint.interval"
    [row] = judged(claim(ALONE), alone=runs([50.0 + sign * draw[name] / 600 for draw in draws]))
    assert (row["input"], row["correlation"]) == (name, pytest.approx(sign))


def test_where_no_input_stands_out_it_is_chance() -> None:
    [constant] = judged(claim(ALONE), alone=SHORT)
    [noise] = judged(claim(ALONE), alone=runs(list(np.random.default_rng(5).normal(50, 5, 60))))
    assert constant["input"] == noise["input"] == "none stands out"
    assert constant["correlation"] == noise["correlation"] == 0.0


@EVERY
def test_a_claim_is_complete_and_short(name: str) -> None:
    one = claims()[name]
    assert len(one.quotation) < 150
    assert one.translation
    assert one.needs.endswith(".")
    parts = [bool(one.readings), bool(one.inputs), one.metric in UNITS, one.limit is not None]
    assert len(set(parts)) == 1, "readings, inputs, metric and limit go together"
    assert one.limit or one.note, "why it cannot be tested"


@EVERY
def test_a_limit_has_one_end_a_source_and_a_status(name: str) -> None:
    limit = claims()[name].limit
    if limit:
        assert np.isfinite(limit.at_most) != np.isfinite(limit.at_least)
        assert limit.source in sources()
        assert limit.status in STATUSES
        assert limit.note


@EVERY
def test_its_readings_load_and_a_mixed_run_is_called_counterfactual(name: str) -> None:
    one = claims()[name]
    for reading in filter(None, (*one.readings, one.against)):
        scenario = reading.changed_scenario
        chips = {pool.chip.name for pool in scenario.fleet.values()}
        if scenario.runs is not None or len(chips) > 1:
            assert scenario.status == "counterfactual"
            assert "ounterfactual" in one.note


def test_a_reading_on_other_chips_is_no_reconstruction() -> None:
    patience = {"horizon": "1 yr", "fleet.good.cold_spares": 9}
    assert ALONE.status == "reconstruction"
    assert Reading(says="", scenario="deepseek-v3", set=patience).status == "reconstruction"
    other = Reading(says="", scenario="deepseek-v3", set={"fleet.good.chip": "H20-96"})
    assert other.status == "counterfactual"
    rows = judged(
        claim(Reading(says="alone", scenario="deepseek-v3", set={"fleet.good.chips": 4096})),
        alone=SHORT,
    )
    assert rows[0]["status"] == "counterfactual"


def test_the_table_is_computed_from_runs() -> None:
    """Where every run on H800 alone takes 60 days, and any other 100."""
    simulator = stand_in(
        lambda q, luck: (
            60.0 if {p.chip.name for p in q.fleet.values()} == {"H800-SXM-80"} else 100.0
        ),
        also=[name for name in UNITS if name != "wall_days"],
    )
    table = judge(8, seed=1, progress=False, simulator=simulator)
    assert list(dict.fromkeys(table["claim"])) == list(claims())
    [outside] = table[table["claim"] == "stock-of-a100"].to_dict("records")
    assert (outside["verdict"], outside["decides"], outside["reading"]) == (OUTSIDE, True, "")
    a100, h800 = table[table["claim"] == "two-thousand-of-them"].to_dict("records")
    assert (a100["verdict"], a100["decides"], a100["median"]) == (OTHERWISE, False, 100)
    assert (h800["verdict"], h800["decides"], h800["median"]) == (OTHERWISE, True, 60)
    cost = table[table["claim"] == "mixing-made-it-cheaper"]
    assert set(cost["median"].round(6)) == {round(100 / 60, 6)}
    text = told(table)
    assert "stock-of-a100: outside the model" in text
    assert "2,048 H800 (reconstruction): 60 days (60 to 60); at most 61 in 100% of runs" in text
    assert "2,048 A100 (counterfactual)" in text
