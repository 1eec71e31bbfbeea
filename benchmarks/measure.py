"""Clocks: CPU time beside a bare SimPy loop on the same machine, wall time of a pool, and peak
memory.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import simpy

from sim import replicate, simulate
from sim.scenario import Scenario

PROCESSES, TIMEOUTS = 1_000, 200_000
REPEATS = 5


def bare() -> None:
    """SimPy alone: a thousand processes that do nothing but wait."""

    def wait(env: simpy.Environment, pause: float) -> Generator[simpy.Event, Any, None]:
        for _ in range(TIMEOUTS // PROCESSES):
            yield env.timeout(pause)

    env = simpy.Environment()
    for k in range(PROCESSES):
        env.process(wait(env, 1 + k / PROCESSES))
    env.run()


def beside_bare(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds of `work`, and how many bare timeouts it is worth: medians over turns of one and
    the other.
    """
    work()
    spent, worth = [], []
    for _ in range(REPEATS):
        timeout = seconds(bare) / TIMEOUTS
        spent.append(seconds(work))
        worth.append(spent[-1] / timeout)
    return statistics.median(spent), statistics.median(worth)


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = process_time()
    work()
    return process_time() - start


def command_seconds(words: Sequence[str], folder: Path | None = None) -> float:
    """CPU seconds of a Python process with these arguments, the least of a few: others on the
    machine only ever add to it.
    """
    return min(_child(words, folder) for _ in range(REPEATS))


def _child(words: Sequence[str], folder: Path | None) -> float:
    before = os.times()
    command = [sys.executable, *words]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    after = os.times()
    spent = after.children_user - before.children_user
    return spent + after.children_system - before.children_system


def command_megabytes(words: Sequence[str]) -> float:
    """Peak memory of the largest process of a `sim` command."""
    code = (
        "import resource, subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]], "
        "check=True, stdout=subprocess.DEVNULL); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    command = [sys.executable, "-c", code, *words]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(ran.stdout) / (1024**2 if sys.platform == "darwin" else 1024)


def pool_seconds(question: Scenario, n: int, processes: int) -> float:
    """Wall seconds of `n` replications on processes that are already up."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        replicate(question, 20 * processes, executor=pool, progress=False)
        start = perf_counter()
        replicate(question, n, executor=pool, progress=False)
        return perf_counter() - start


def peak_megabytes(question: Scenario) -> float:
    """Peak memory that one run adds to what the imports take, in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_peak, question).result()


def _peak(question: Scenario) -> float:
    before = _megabytes()
    simulate(question, 1)
    return _megabytes() - before


def _megabytes() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [
            line for line in status.read_text().splitlines() if line.startswith("VmHWM")
        ]
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)
