from __future__ import annotations

import os
from pathlib import Path

import pytest

from sim import load_scenario, simulate
from sim.engine.replay import DAY, outages
from sim.errors import InputError
from tests.engine.bare import bare_scenario, pool

HEADER = "node,start_day,end_day\n"


def trace(folder: Path, rows: str, header: str = HEADER) -> str:
    path = folder / "trace.csv"
    path.write_text(header + rows, encoding="utf-8")
    return str(path)


def days(path: str) -> list[tuple[float, float, int]]:
    return [(start / DAY, end / DAY, node) for start, end, node, _ in outages(path)]


def test_nodes_are_numbered_as_they_appear_and_outages_sorted_by_start(tmp_path: Path):
    assert days(trace(tmp_path, "rack-7,3,4\n12,1,2\nrack-7,0.5,1\n")) == [
        (0.5, 1, 0),
        (1, 2, 1),
        (3, 4, 0),
    ]


def test_other_columns_and_their_order_do_not_matter(tmp_path: Path):
    path = trace(tmp_path, "2,a,1,GPU\n", header="\ufeffend_day,node,start_day,class\n")
    assert days(path) == [(1, 2, 0)]


def test_outages_of_a_node_that_overlap_touch_or_contain_each_other_are_one(tmp_path: Path):
    assert days(trace(tmp_path, "a,1,3\na,2,5\na,5,6\na,2.5,4\nb,4,4.5\na,7,8\n")) == [
        (1, 6, 0),
        (4, 4.5, 1),
        (7, 8, 0),
    ]


def test_a_trace_without_rows_has_no_outages(tmp_path: Path):
    assert outages(trace(tmp_path, "")) == ()


def test_a_changed_file_is_read_again(tmp_path: Path):
    path = trace(tmp_path, "a,1,2\n")
    assert len(outages(path)) == 1
    trace(tmp_path, "a,1,2\nb,1,2\n")
    os.utime(path, ns=(1, 1))
    assert len(outages(path)) == 2


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ("a,1,2\nb,x,2\n", r"trace.csv, line 3: .* numbers, not 'x' and '2'"),
        ("a,1\n", r"line 2: .* numbers, not '1' and ''"),
        ("a,2,1\n", r"line 2: expected 0 ≤ start_day ≤ end_day, not 2 and 1"),
        ("a,-1,1\n", r"line 2: expected .* not -1 and 1"),
        ("a,1,inf\n", r"line 2: expected .* not 1 and inf"),
        ("a,nan,2\n", r"line 2: expected"),
        ("  ,1,2\n", r"line 2: the node has no name"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, rows: str, named: str):
    with pytest.raises(InputError, match=named):
        outages(trace(tmp_path, rows))


def test_a_missing_column_and_a_missing_file_are_named(tmp_path: Path):
    with pytest.raises(
        InputError, match="no column end_day; a trace needs node, start_day, end_day"
    ):
        outages(trace(tmp_path, "a,1\n", header="node,start_day\n"))
    with pytest.raises(InputError, match=r"nowhere.csv: the trace cannot be read"):
        outages(str(tmp_path / "nowhere.csv"))


def replayed(path: str, **changes: object):
    """Four nodes and a spare for twenty days of work, with a checkpoint at every instant, as far as
    the eye sees.
    """
    fleet = pool(failures={"trace": path}, hot_spares=1)
    settings = {
        "fleet": fleet,
        "checkpoint": {"interval": "1 s"},
        "run": {"tokens": 1e15},
        "horizon": "20 d",
    }
    return simulate(bare_scenario(**settings | changes))


def test_the_job_waits_while_more_nodes_are_out_than_there_are_spares(tmp_path: Path):
    # Two of five are out from day 3 to 4, and from day 6 to 6.5; a third one in between changes
    # nothing.
    result = replayed(trace(tmp_path, "a,1,4\nb,3,7\nc,3.2,3.4\nd,6,6.5\n"))
    assert result.time["wait"] / DAY == pytest.approx(1.5, abs=1e-4)
    assert result.metrics["ettr"] == pytest.approx(1 - 1.5 / 20, abs=1e-5)
    assert result.failures == {"outage": 4}


def test_a_spare_of_the_trace_can_be_out_and_interrupts_nothing(tmp_path: Path):
    rows = "a,19,19.1\nb,19,19.1\nc,19,19.1\nd,19,19.1\nspare,1,18\n"
    assert replayed(trace(tmp_path, rows)).interruptions == 1


def test_an_outage_of_zero_length_interrupts_and_is_over_at_once(tmp_path: Path):
    result = replayed(trace(tmp_path, "a,1,1\nb,2,2\n"), recovery={"restart": "1 h"})
    assert result.interruptions == 2
    assert result.time["restart"] == pytest.approx(2 * 3600)
    assert result.time["wait"] == 0


def test_outages_go_on_while_the_job_detects_and_restarts(tmp_path: Path):
    """They run on wall time: one during a restart costs a full restart again, and no interruption."""
    result = replayed(
        trace(tmp_path, f"a,1,1\nb,{1 + 0.5 / 24},{1 + 0.5 / 24}\n"), recovery={"restart": "1 h"}
    )
    assert (result.interruptions, result.time["restart"]) == (1, pytest.approx(1.5 * 3600))


def test_a_node_that_is_still_out_when_the_trace_fails_it_again_stays_where_it_is(tmp_path: Path):
    """With a crew of one the node waits for its repair beyond the end of its outage."""
    result = replayed(trace(tmp_path, "a,1,5\nb,1.5,2\nb,4,4.5\n"), recovery={"crew": 1})
    assert sum(chips for (_, place), chips in result.counts.items() if place == "active") == 32
    assert result.failures == {"outage": 3}
    assert result.time["wait"] / DAY == pytest.approx(3.5, abs=1e-4)


def test_an_evicted_node_stays_out_of_service(tmp_path: Path):
    result = replayed(trace(tmp_path, "a,1,1\na,2,2\na,3,3\n"), recovery={"evict_after": 2})
    assert result.counts["pool", "idle"] == 8
    last = result.trace.moves()[-1]
    assert (last.origin, last.place, last.chips) == ("hot_spare", "idle", 8)


def test_the_optimal_interval_knows_how_often_the_trace_fails(tmp_path: Path):
    path = trace(tmp_path, "a,1,1\nb,2,2\nc,3,3\nd,4,4\n")
    result = replayed(path, checkpoint={"interval": "optimal", "blocking": "1 min"})
    assert 0 < result.time["checkpoint"] < 0.01 * result.wall


def test_a_trace_of_more_nodes_than_the_pool_has_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"names 6 nodes, the pool has 5"):
        replayed(trace(tmp_path, "".join(f"{node},1,2\n" for node in "abcdef")))


@pytest.mark.prove
@pytest.mark.parametrize(("nodes", "whole"), [(380, 0.8624), (392, 0.6194)])
def test_a_job_on_the_infinitehbd_trace_has_all_its_nodes_as_often_as_published(
    nodes: int, whole: float
):
    """Days 0–349, 400 servers, no recovery time (arXiv 2502.03885)."""
    path = os.environ.get("TRACE")
    if not path:
        pytest.skip("no trace given: make prove TRACE=FILE")
    scenario = load_scenario("infinitehbd").override(
        {
            "fleet.servers.nodes": nodes,
            "fleet.servers.hot_spares": 400 - nodes,
            "fleet.servers.failures": {"trace": path},
        }
    )
    assert simulate(scenario).metrics["ettr"] == pytest.approx(whole, abs=2e-4)


def test_causes_are_kept_where_the_trace_has_them(tmp_path: Path):
    rows = "a,1,2,gpu\na,1.5,3,nic\nb,4,5,\n"
    result = replayed(trace(tmp_path, rows, header="node,start_day,end_day,cause\n"))
    assert result.failures == {"gpu": 1, "outage": 1}


def test_places_are_drawn_for_each_replication_if_asked_for(tmp_path: Path):
    path = trace(tmp_path, "a,1,4\nb,3,7\n")
    fleet = pool(failures={"trace": path, "places": "drawn"}, hot_spares=1)
    scenario = bare_scenario(fleet=fleet, run={"tokens": 1e15}, horizon="20 d")
    found = [{(o.node, o.start / DAY) for o in simulate(scenario, 1, k).outages} for k in range(40)]
    assert {start for outages in found for _, start in outages} == {1, 3}
    # A node of the trace is on each of the five places about eight times in forty.
    first = [node for outages in found for node, start in outages if start == 1]
    assert all(2 <= first.count(node) <= 16 for node in range(5))
    again = {(o.node, o.start / DAY) for o in simulate(scenario, 1, 0).outages}
    assert again == found[0]
