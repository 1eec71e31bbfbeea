"""Sweeps are complete, resume where they were stopped, and can be read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator

from sim import compare, load_scenario, replicate, simulate, sweep
from sim.errors import InputError
from sim.experiments.replicate import Replications
from sim.experiments.store import Simulator
from sim.experiments.sweep import Design, Sweep, load
from tests.experiments.stand_in import stand_in, sure, unsure

GRID = {"checkpoint.interval": ["1 h", "2 h"], "horizon": ["20 d", "30 d"]}


@pytest.fixture
def seen() -> list[int]:
    """The replications that `simulator` has run."""
    return []


@pytest.fixture
def simulator(seen: list[int]) -> Simulator:
    return stand_in(
        lambda q, luck: luck.normal(22, 3) + q.checkpoint.interval / 3600 + q.checkpoint.load, seen
    )


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_combination_is_a_point_and_is_what_it_says(
    seen: list[int], simulator: Simulator
) -> None:
    result = sweep(sure(), GRID, n=4, simulator=simulator)
    assert [at for at, _ in result.points] == [
        {"checkpoint.interval": i, "horizon": h} for i in ("1 h", "2 h") for h in ("20 d", "30 d")
    ]
    for at, found in result.points:
        assert (
            found.summary()["wall_days"]
            == replicate(sure().override(at), 4, simulator=simulator).summary()["wall_days"]
        )
    assert sorted(set(seen)) == [0, 1, 2, 3]


def test_the_table_is_tidy(simulator: Simulator) -> None:
    frame = sweep(sure(), GRID, n=4, simulator=simulator).frame
    assert len(frame) == 4 * 3
    assert list(frame)[:4] == [*GRID, "finished", "metric"]
    wall = frame[frame["metric"] == "wall_days"]
    assert (wall["lo"] <= wall["mean"]).all()
    assert wall["mean"].nunique() > 1


@pytest.mark.parametrize("design", ["latin-hypercube", "sobol"])
def test_a_design_spreads_over_the_quantiles_of_every_unknown(
    design: Design, simulator: Simulator
) -> None:
    result = sweep(unsure(), design=design, samples=16, n=1, seed=3, simulator=simulator)
    unknowns = unsure().unknowns()
    for name, number in unknowns.items():
        values = sorted(at[name] for at, _ in result.points)
        edges = [number.draw(k / 16) for k in range(17)]
        assert all(
            low <= value <= high for low, value, high in zip(edges, values, edges[1:], strict=False)
        )
    again = sweep(unsure(), design=design, samples=16, n=1, seed=3, simulator=simulator)
    assert [at for at, _ in again.points] == [at for at, _ in result.points]
    assert [
        at
        for at, _ in sweep(
            unsure(), design=design, samples=16, n=1, seed=4, simulator=simulator
        ).points
    ] != [at for at, _ in result.points]


def test_a_design_sets_what_it_says(simulator: Simulator) -> None:
    points = sweep(unsure(), design="latin-hypercube", samples=8, n=2, simulator=simulator).points
    loads = np.array([at["checkpoint.load"] for at, _ in points])
    days = np.array([result.frame["wall_days"].mean() for _, result in points])
    assert days - loads == pytest.approx(np.full(8, (days - loads)[0]))


def test_the_same_numbers_from_a_record_and_none_is_run_again(
    seen: list[int], simulator: Simulator, tmp_path: Path
) -> None:
    first = sweep(sure(), GRID, n=4, out=tmp_path, simulator=simulator)
    before, count = files(tmp_path), len(seen)
    assert sweep(sure(), GRID, n=4, out=tmp_path, simulator=simulator).report() == first.report()
    assert len(seen) == count
    assert files(tmp_path) == before
    back = load(tmp_path)
    assert isinstance(back, Sweep)
    assert back.report() == first.report()


def test_only_what_is_missing_or_damaged_is_run(
    seen: list[int], simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep(sure(), GRID, n=4, out=tmp_path, simulator=simulator)
    before = files(tmp_path)
    gone, broken, *_ = sorted(tmp_path.glob("points/*.json"))
    gone.unlink()
    broken.write_bytes(broken.read_bytes()[:-20])
    with pytest.raises(
        InputError,
        match=r"cannot be read \(No such file or directory\); the same command again|is damaged\); the same command again",
    ):
        load(tmp_path)
    seen.clear()
    sweep(sure(), GRID, n=4, out=tmp_path, simulator=simulator)
    assert len(seen) == 2 * 4
    assert files(tmp_path) == before
    assert str(broken) in capsys.readouterr().err


def test_more_points_use_those_that_are_there(
    seen: list[int], simulator: Simulator, tmp_path: Path
) -> None:
    sweep(sure(), {"checkpoint.interval": ["1 h"]}, n=4, out=tmp_path, simulator=simulator)
    seen.clear()
    sweep(
        sure(),
        {"checkpoint.interval": ["1 h", "2 h", "3 h"]},
        n=4,
        out=tmp_path,
        simulator=simulator,
    )
    assert len(seen) == 2 * 4


def test_an_interruption_keeps_what_is_finished(tmp_path: Path) -> None:
    def days(q: Any, luck: Generator) -> float:
        if q.checkpoint.interval == 3 * 3600:
            raise KeyboardInterrupt
        return 20.0

    grid = {"checkpoint.interval": ["1 h", "2 h", "3 h"]}
    with pytest.raises(KeyboardInterrupt):
        sweep(sure(), grid, n=10, out=tmp_path, simulator=stand_in(days))
    assert len(list(tmp_path.glob("points/*.json"))) == 2


def test_a_wrong_path_or_value_is_refused_before_anything_is_run(
    seen: list[int], simulator: Simulator
) -> None:
    with pytest.raises(InputError, match=r"fleet\.pool\.nods"):
        sweep(
            sure(),
            {"checkpoint.interval": ["1 h"], "fleet.pool.nods": [1]},
            n=4,
            simulator=simulator,
        )
    with pytest.raises(InputError, match="interval"):
        sweep(sure(), {"checkpoint.interval": ["1 h", "5 GB"]}, n=4, simulator=simulator)
    with pytest.raises(InputError, match="powers of two, such as 16"):
        sweep(unsure(), design="sobol", samples=12, n=4, simulator=simulator)
    with pytest.raises(InputError, match="no unknown constants"):
        sweep(sure(), design="sobol", samples=8, n=4, simulator=simulator)
    assert seen == []


def test_a_run_and_its_nested_runs_can_be_read_back(
    seen: list[int], simulator: Simulator, tmp_path: Path
) -> None:
    result = replicate(unsure(), 230, seed=2, split=True, out=tmp_path, simulator=simulator)
    back = load(tmp_path)
    assert isinstance(back, Replications)
    assert back.report() == result.report()
    assert back.finished_by(22) == result.finished_by(22)
    count = len(seen)
    replicate(unsure(), 330, seed=2, out=tmp_path, simulator=simulator)
    assert len(seen) - count == 100 + 30, "the first two hundred were there"


def test_a_run_that_was_split_by_group_resumes_and_can_be_read_back(
    seen: list[int], simulator: Simulator, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"seed": 2, "split": True, "by_group": True, "simulator": simulator}
    result = replicate(unsure(), 20, out=tmp_path, **asked)
    count = len(seen)
    assert replicate(unsure(), 20, out=tmp_path, **asked).report() == result.report()
    assert len(seen) == count, "every run was there"
    back = load(tmp_path)
    assert isinstance(back, Replications)
    assert back.report() == result.report()


def test_there_is_nothing_to_read_in_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"record\.json: cannot be read .*; the same command"):
        load(tmp_path)
    (tmp_path / "record.json").write_text("{}")
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path)


def test_the_record_says_which_points_stand_where(tmp_path: Path) -> None:
    sweep(load_scenario("deepseek-v3"), {"horizon": ["1 d"]}, n=1, out=tmp_path)
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["experiment"] == "sweep"
    assert [point["at"] for point in record["points"]] == [{"horizon": "1 d"}]


def test_the_table_shows_what_compare_compares_where_no_metric_is_named() -> None:
    stock = load_scenario("national-stock")
    both = sweep(stock, {"outlook.length": ["60 d", "90 d"]}, n=1, progress=False)
    metric = compare(stock, stock, n=1, progress=False).metric
    assert metric.startswith("largest.")
    assert {metric in line for line in both.table().splitlines()[1:]} == {True}
    assert metric in str(both.points[0][1])


def test_a_sweep_does_not_depend_on_what_was_called_before() -> None:
    """The layouts of draws are those of the modes, whichever object is asked first."""
    fresh = load_scenario("two-thousand-plus-ascend")
    used = load_scenario("two-thousand-plus-ascend")
    simulate(used, 3, 4)
    replicate(used, 2, split=True, progress=False)
    how: dict[str, Any] = {"design": "latin-hypercube", "samples": 3, "n": 2, "progress": False}
    first, second = sweep(fresh, **how), sweep(used, **how)
    assert [at for at, _ in first.points] == [at for at, _ in second.points]
    assert first.report() == second.report()
    second_point = first.points[1][1].fingerprint
    alone = fresh.given(first.points[1][0])
    assert replicate(alone, 2, progress=False).fingerprint == second_point
