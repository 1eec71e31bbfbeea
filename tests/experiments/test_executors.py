"""The same numbers from any executor, in any order and in any batches, and a clean end."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dask import config

from sim import engine, load_scenario, replicate
from sim.errors import CheckFailed, InputError
from sim.experiments import executors
from sim.experiments.executors import Workers
from sim.experiments.store import Outcome, Point, code_version
from tests.engine.bare import bare_scenario, cause, pool
from tests.experiments.stand_in import ten_days

FAILING = bare_scenario(
    fleet=pool(failures={"causes": [cause(per_1000_node_days=200)]}), horizon="12 d"
)
POINTS = [Point(FAILING, seed, range(seed, 7)) for seed in (0, 3)]


class Backwards(Executor):
    """Runs what was submitted last first."""

    def map(self, fn: Callable[..., Any], *iterables: Any, **_: Any) -> Iterator[Any]:  # type: ignore[override]
        tasks = list(zip(*iterables, strict=False))
        done = {k: fn(*tasks[k]) for k in reversed(range(len(tasks)))}
        return iter(done[k] for k in range(len(tasks)))


@pytest.fixture
def hand_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small work goes to the executor too, run by run."""
    monkeypatch.setattr(executors, "ALONE", 0.0)


@pytest.fixture(scope="module")
def serial() -> list[list[Outcome]]:
    return Workers().run(POINTS)


def test_outcomes_are_those_of_their_point_in_order(serial: list[list[Outcome]]) -> None:
    assert [[outcome.replication for outcome in outcomes] for outcomes in serial] == [
        list(range(7)),
        list(range(3, 7)),
    ]
    assert serial == [[point.run(k) for k in point.replications] for point in POINTS]
    assert len({outcome.fingerprint for outcomes in serial for outcome in outcomes}) == 11


@pytest.mark.usefixtures("hand_over")
def test_batches_and_order_of_work_change_nothing(serial: list[list[Outcome]]) -> None:
    assert Workers(Backwards()).run(POINTS) == serial
    with ThreadPoolExecutor(2) as threads:
        assert Workers(threads).run(POINTS) == serial
    assert Workers().run(POINTS[::-1]) == serial[::-1]
    # In batches of a single point, and in batches of one run each.
    assert [Workers(Backwards()).run([point])[0] for point in POINTS] == serial
    lone = [
        replace(point, replications=range(k, k + 1)) for point in POINTS for k in point.replications
    ]
    assert Workers().run(lone) == [[outcome] for outcomes in serial for outcome in outcomes]


@pytest.mark.usefixtures("hand_over")
def test_processes_change_nothing(serial: list[list[Outcome]]) -> None:
    with executors.open_workers(jobs=2) as workers:
        assert workers.run(POINTS) == serial


@pytest.mark.usefixtures("hand_over")
def test_processes_use_the_simulator_they_are_told() -> None:
    with executors.open_workers(jobs=2, simulator=ten_days) as workers:
        found = workers.run(POINTS)
    assert {outcome.metrics["wall_days"] for outcomes in found for outcome in outcomes} == {10.0}
    assert found[1][0].fingerprint == "3.3"


def test_only_processes_that_know_no_stand_in_are_kept() -> None:
    """One that was edited since is read again by fresh ones."""

    seen = []
    for simulator in (engine.simulate, ten_days, engine.simulate):
        with executors.open_workers(jobs=2, simulator=simulator) as workers:
            seen.append(workers.executor)
    assert seen[0] is seen[2]
    assert seen[1] is not seen[0]


class Counting(Backwards):
    """Notes how many runs each batch has."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def map(self, fn: Callable[..., Any], *iterables: Any, **_: Any) -> Iterator[Any]:  # type: ignore[override]
        [batches] = iterables
        self.sizes += map(len, batches)
        return super().map(fn, batches)


def test_little_work_needs_nobody_else(serial: list[list[Outcome]]) -> None:
    idle = Counting()
    assert Workers(idle).run(POINTS) == serial
    assert idle.sizes == []


def test_batches_are_as_large_as_the_runs_are_short(
    serial: list[list[Outcome]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of a second each: the first is done here, the others travel alone."""
    clock = iter(range(100))
    monkeypatch.setattr(executors.time, "perf_counter", lambda: float(next(clock)))
    slow = Counting()
    assert Workers(slow).run(POINTS) == serial
    assert slow.sizes == [1] * 10
    clock = (k / 16 for k in range(100))
    fast = Counting()
    assert Workers(fast).run([*POINTS, *POINTS]) == [*serial, *serial]
    # Sixteen a second: four are a quarter of one.
    assert fast.sizes == [4, 2]


def test_what_was_planned_travels_with_a_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    point = Point(load_scenario("deepseek-v3"), 0, range(2))
    first = point.run(0)
    travelled = pickle.loads(pickle.dumps(point))

    def refuse(*_: Any) -> None:
        raise AssertionError("planned again")

    monkeypatch.setattr(engine, "_planned", refuse)
    assert travelled.run(0) == first
    with pytest.raises(AssertionError, match="planned again"):
        Point(load_scenario("deepseek-v3"), 0, range(2)).run(0)


def test_a_worker_with_other_code_is_refused() -> None:
    batch = [(POINTS[0], 0)]
    assert executors._batch(code_version(), ten_days, batch)
    with pytest.raises(InputError, match="another version"):
        executors._batch("another", ten_days, batch)


@pytest.mark.parametrize(
    ("executor", "message"),
    [
        ("threads", "no executor 'threads'; allowed: processes, dask://HOST:PORT"),
        ("dask://", "no executor 'dask://'"),
        ("dask://127.0.0.1:nowhere", "no Dask scheduler"),
    ],
)
def test_an_executor_that_is_not_there_is_named(executor: str, message: str) -> None:
    with pytest.raises(InputError, match=message), executors.open_workers(executor=executor):
        pass


def test_a_scheduler_that_does_not_answer_is_told_in_a_line() -> None:
    """D12: nobody listens at the port of a socket that was closed."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with (
        config.set({"distributed.comm.timeouts.connect": "200 ms"}),
        pytest.raises(InputError, match=f"dask://127.0.0.1:{port}: no Dask scheduler") as told,
        executors.open_workers(executor=f"dask://127.0.0.1:{port}"),
    ):
        pass
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 300


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_dies_ends_the_run_with_a_message() -> None:
    with (
        pytest.raises(CheckFailed, match="worker process died"),
        executors._executor(2, None, keep=False) as pool,
    ):
        assert pool
        pool.submit(die).result()


def test_ctrl_c_ends_with_one_line_and_keeps_what_is_finished(tmp_path: Path) -> None:
    grid = ",".join(f"{k} min" for k in range(10, 60))
    words = [
        "sweep",
        "deepseek-v3",
        "--grid",
        f"checkpoint.interval={grid}",
        "--replications",
        "20",
        "--jobs",
        "2",
    ]
    command = [sys.executable, "-m", "sim", *words, "--out", str(tmp_path)]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # What a shell runs in the background, perhaps these tests, does not hear Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until = time.monotonic() + 60
    while (
        not list(tmp_path.glob("points/*.json"))
        and process.poll() is None
        and time.monotonic() < until
    ):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.decode().strip() == (
        "interrupted; what an experiment had finished is kept in the folder of --out, if one was given; "
        "no figure was changed"
    )
    assert 0 < len(list(tmp_path.glob("points/*.json"))) < 50
    assert not list(tmp_path.glob("points/tmp*"))


def test_a_split_is_equal_for_any_number_of_processes() -> None:
    scenario = load_scenario("two-thousand-plus-ascend")
    how: dict[str, Any] = {"split": True, "progress": False}
    reports = [replicate(scenario, 12, jobs=jobs, **how).report() for jobs in (1, 2, 3)]
    assert reports[0] == reports[1] == reports[2]
    assert reports[0]["split"]["wall_days"]["inputs"]["sd"] > 0
