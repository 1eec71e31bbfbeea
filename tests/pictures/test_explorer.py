"""The explorer's handles say what the command line says."""

import datetime as dt
import json
import re
import shlex
import sys
import time
from typing import Any

import matplotlib.pyplot as plt
import pytest

from sim import __main__ as command_line
from sim.engine.risks import node_rate
from sim.engine.setup import table_of
from sim.pictures import explorer
from sim.pictures.explorer import AS_GIVEN, Explorer


@pytest.fixture
def handles() -> Explorer:
    return Explorer("two-thousand-plus", runs=3)


def asked(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[str, dict[str, float]]:
    monkeypatch.setattr(sys, "argv", [*shlex.split(line), "--json"])
    with pytest.raises(SystemExit) as end:
        command_line.main()
    assert end.value.code in (0, None)
    return json.loads(capsys.readouterr().out)["metrics"]


def displayed(
    handles: Explorer, monkeypatch: pytest.MonkeyPatch, patience: float
) -> tuple[Any, ...]:
    shown: list[Any] = []
    monkeypatch.setattr(explorer, "display", shown.append)
    monkeypatch.setattr(explorer, "PATIENCE", patience)
    handles.show()
    [box] = shown
    return box.children


def test_untouched_it_is_the_scenario(handles: Explorer) -> None:
    assert handles.changes == {}
    assert handles.command == "sim run two-thousand-plus --seed 1 --replications 3"
    assert handles.handles["fleet.weak.chips"].value == 4096
    assert handles.handles["checkpoint.interval"].value == AS_GIVEN


@pytest.mark.parametrize(
    ("moved", "change"),
    [
        ({"fleet.weak.chips": 8192}, {"fleet.weak.chips": 8192}),
        ({"fleet.weak.chip": "H20-96"}, {"fleet.weak.chip": "H20-96", "fleet.weak.layout": "auto"}),
        ({"checkpoint.interval": "2 h"}, {"checkpoint.interval": "2 h"}),
        ({"recovery.policy": "drop-replica"}, {"recovery.policy": "drop-replica"}),
        ({"fleet.weak.cold_spares": 8}, {"fleet.weak.cold_spares": 8}),
        ({"failures": 0}, {"fleet.good.failures.causes": [], "fleet.weak.failures.causes": []}),
    ],
)
def test_the_line_to_copy_asks_for_what_is_shown(
    handles: Explorer,
    moved: dict[str, object],
    change: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for path, value in moved.items():
        handles.handles[path].value = value
    assert handles.changes == change
    (figure, data), title = handles.draw()
    plt.close(figure)
    metrics = asked(handles.command, monkeypatch, capsys)
    end = data[data["panel"] == "end"].iloc[0]
    assert end["p5"] == pytest.approx(metrics["wall_days"]["p5"])
    assert end["p95"] == pytest.approx(metrics["wall_days"]["p95"])
    assert f"{end['median']:.3g} days to train" in title


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("runs.chips", 4096, "chips of the first run"),
        ("runs.growth", "1.5 per yr", "yearly growth of the need"),
        ("research", 0.25, "share held for research"),
    ],
)
def test_need_growth_and_share_of_a_programme_ask_for_what_is_shown(
    path: str,
    value: object,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    buyer = Explorer("embargoed-stock", runs=2)
    (figure, before), _title = buyer.draw()
    plt.close(figure)
    handle = buyer.handles[path]
    assert handle.description == words
    handle.value = value
    assert buyer.changes == {path: value}
    (figure, data), title = buyer.draw()
    plt.close(figure)
    years = data[data["panel"] == "end"]["p95"].iloc[0]
    if "hold out" not in title:
        crossing = asked(buyer.command, monkeypatch, capsys)["crossing_days"]["p95"]
        assert years * 365.25 == pytest.approx(crossing)
    assert years != before[before["panel"] == "end"]["p95"].iloc[0]


def test_of_a_stock_with_an_outlook_it_shows_the_largest_run_in_the_chosen_world(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    country = Explorer("national-stock", runs=2)
    country.handles["world"].value = "no-grey-market"
    country.handles["outlook.shares.run"].value = 0.12
    country.handles["outlook.needs.frontier.growth"].value = "2 per yr"
    (figure, data), title = country.draw()
    plt.close(figure)
    assert country.command.startswith("sim worlds national-stock no-grey-market --seed 1")
    assert "H100 (by BF16 peak) in the largest run on 2026-12-31" in title
    # All chips of the country, and not the few that are simulated for them.
    assert data[(data["panel"] == "chips") & (data["item"] == "h20")]["median"].max() > 1e5
    monkeypatch.setattr(sys, "argv", [*shlex.split(country.command), "--json"])
    with pytest.raises(SystemExit):
        command_line.main()
    rows = {
        (row["world"], row["date"], row["quantity"]): row
        for row in json.loads(capsys.readouterr().out)["largest"]
    }
    shown = data.set_index("item")
    h100 = rows["no-grey-market", "2026-12-31", "h100"]
    frontier = rows["no-grey-market", "2026-12-31", "reach of frontier"]
    assert shown.loc["H100", "p95"] == pytest.approx(h100["p95"])
    assert shown.loc["the frontier", "p5"] == pytest.approx(frontier["p5"])


def test_no_handle_is_called_by_a_path() -> None:
    for name in ("two-thousand-plus", "last-time-buy", "national-stock"):
        for handle in Explorer(name, runs=2).handles.values():
            assert not re.search(r"[a-z]\.[a-z]|_", handle.description), handle.description


def test_twice_the_failures_are_twice_as_many(handles: Explorer) -> None:
    counts = {}
    for level in (1, 2):
        handles.handles["failures"].value = level
        scenario = handles.base.override(handles.changes)
        many = [explorer.simulate(scenario, 1, k, fixed_inputs=True) for k in range(10)]
        counts[level] = sum(r.interruptions for r in many) / sum(r.wall for r in many)
    error = 4 * 2 * (1 / 800) ** 0.5  # some 80 interruptions a run
    assert counts[2] / counts[1] == pytest.approx(2, abs=2 * error)


def test_bad_nodes_fail_twice_as_often_too() -> None:
    """A sixth of the nodes fail five times as often: twice all that is twice as many failures."""
    handles = Explorer("deepseek-v3", runs=2)
    bad = {"share": 1 / 6, "factor": 5, "cured": 0}
    handles.base = handles.base.override({"fleet.good.failures.bad_nodes": bad})
    rates = []
    for level in (1, 2):
        handles.handles["failures"].value = level
        fleet = handles.base.override(handles.changes).fleet["good"]
        rates.append(node_rate(table_of(fleet, handles.base.fabric), 8))
    assert rates[1] == pytest.approx(2 * rates[0], rel=1e-12)


def test_a_chip_that_the_depot_names_can_be_changed() -> None:
    handles = Explorer("deepseek-v3", runs=2)
    depot = {
        "stock": {"H800-SXM-80": "64 chips"},
        "deliveries": [{"chip": "H800-SXM-80", "chips": 8, "date": "2024-11-20"}],
        "supply": {
            "buys": {
                "chip": "H800-SXM-80",
                "origin": "licensed",
                "chips": [["2024-11-01", 8]],
                "until": "2024-12-01",
            }
        },
    }
    handles.base = handles.base.override({"depot": depot})
    handles.handles["fleet.good.chip"].value = "H100-SXM-80"
    changed = handles.base.override(handles.changes)
    assert changed.fleet["good"].chip.name == "H100-SXM-80"
    assert changed.depot.stock == {"good": 64}
    assert changed.depot.deliveries[0].chip == changed.depot.supply["buys"].chip == "good"


def test_a_crossing_that_is_censored_is_not_shown_as_reached() -> None:
    handles = Explorer("embargoed-stock", runs=3)
    handles.base = handles.base.override({"horizon": "200 d"})
    (figure, _data), title = handles.draw()
    plt.close(figure)
    assert title.startswith("100% of runs hold out by 0.548 years")


def test_it_draws_again_at_every_change_and_refuses_in_words_what_cannot_run(
    handles: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, line, told, trouble, picture = displayed(handles, monkeypatch, 60.0)
    first = picture.value
    assert re.match('<img alt="[0-9.]+ days to train', first)
    assert (trouble.value, line.value) == ("", handles.command)
    assert "good: 0 chips idle; tensor 1, pipeline 16" in told.value
    assert "a checkpoint every 1,800 s; the best interval is" in told.value
    handles.handles["failures"].value = 4
    assert picture.value != first
    assert "failures.scale=4" in line.value
    handles.handles["fleet.good.chips"].value = 256
    assert "one replica needs 1024 chips, available 256" in trouble.value
    assert "fleet.good.chips=256" in line.value
    assert plt.get_fignums() == []


def test_a_redraw_shows_the_runs_it_has_time_for_and_says_how_many(
    handles: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, button, line, told, trouble, picture = displayed(handles, monkeypatch, 0.0)
    assert line.value == "sim run two-thousand-plus --seed 1 --replications 1"
    assert told.value.startswith("<pre>1 of 3 runs drawn")
    assert re.match('<img alt="[0-9.]+ days to train; a single run"', picture.value)
    button.click()
    assert line.value == handles.command
    assert "; 3 runs lie between" in picture.value
    # A run of more failures than there is time for is drawn when it is asked for.
    monkeypatch.setattr(explorer, "EVENTS", 10)
    handles.handles["failures"].value = 2
    assert trouble.value == "too many failures to wait for: draw all 3 runs"
    before = picture.value
    button.click()
    assert (trouble.value, picture.value != before) == ("", True)


@pytest.mark.prove
@pytest.mark.parametrize("name", ["two-thousand-plus", "national-stock", "domestic-ramp"])
def test_every_handle_redraws_within_a_second(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three seconds on a machine that others use, of processor time."""
    monkeypatch.setattr(explorer, "display", lambda box: None)
    country = Explorer(name)
    country.show()
    for path, handle in country.handles.items():
        if not hasattr(handle, "options"):
            continue
        start = time.process_time()
        handle.index = (handle.index + 1) % len(handle.options)
        assert time.process_time() - start < 3, path
        handle.index = (handle.index - 1) % len(handle.options)


def test_only_a_scenario_with_controls_has_dates_and_an_emptied_one_removes_its_control(
    handles: Explorer,
) -> None:
    assert not [path for path in handles.handles if path.startswith("policy.")]
    buyer = Explorer("last-time-buy", runs=2)
    date = buyer.handles["policy.us-2023-10-17.date"]
    assert date.value == dt.date(2023, 10, 17)
    date.value = dt.date(2024, 4, 17)
    assert buyer.command.endswith('--set "policy.us-2023-10-17.date=2024-04-17"')
    assert buyer.base.override(buyer.changes).policy["us-2023-10-17"].date == dt.date(2024, 4, 17)
    date.value = None
    assert buyer.command.endswith('--set "policy.us-2023-10-17=null"')
    assert buyer.base.override(buyer.changes).policy == {}


def test_a_fleet_that_begins_with_nothing_has_no_chips_to_set() -> None:
    country = Explorer("frontier-run", runs=2)
    assert not [path for path in country.handles if re.fullmatch(r"fleet\..*\.chips", path)]
    country.handles["policy.us-2025-04-09.date"].value = None
    assert "us-2025-04-09" not in country.base.override(country.changes).policy


def test_of_a_programme_it_shows_when_the_fleet_falls_short_and_its_working_chips() -> None:
    buyer = Explorer("last-time-buy", runs=2)
    (figure, data), title = buyer.draw()
    plt.close(figure)
    assert "until the fleet falls short" in title
    chips = data[(data["panel"] == "chips") & (data["item"] == "h800")]
    assert chips["at"].iloc[-1] == pytest.approx(5.0)
    assert chips["median"].iloc[0] == 2048
    assert 4000 < chips["median"].max() <= 2048 + 4000


def test_an_unfinished_run_is_told_apart(handles: Explorer) -> None:
    handles.base = handles.base.override({"horizon": "30 d"})
    (figure, data), title = handles.draw()
    plt.close(figure)
    assert title == "100% of runs do not finish by 30 days"
    assert data[data["panel"] == "end"]["median"].iloc[0] == pytest.approx(30)
