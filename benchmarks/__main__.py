"""CPU time of the simulation beside a bare SimPy loop on the same machine: ratios travel where seconds do not."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Generator
from time import process_time
from typing import Any

import simpy

from sim import load_scenario, simulate

PROCESSES, TIMEOUTS = 1_000, 200_000
REPEATS = 5
SCENARIOS = ("deepseek-v3", "llama-3-405b", "two-thousand-plus")


def bare() -> None:
    """SimPy alone: a thousand processes that do nothing but wait."""

    def wait(env: simpy.Environment, pause: float) -> Generator[simpy.Event, Any, None]:
        for _ in range(TIMEOUTS // PROCESSES):
            yield env.timeout(pause)

    env = simpy.Environment()
    for k in range(PROCESSES):
        env.process(wait(env, 1 + k / PROCESSES))
    env.run()


def seconds(work: Callable[[], object]) -> float:
    """Median CPU seconds over a few repeats, after one that is not counted."""
    times = []
    for _ in range(REPEATS + 1):
        start = process_time()
        work()
        times.append(process_time() - start)
    return statistics.median(times[1:])


def main() -> None:
    """Print one line a scenario."""
    timeout = seconds(bare) / TIMEOUTS
    print(f"one timeout of bare SimPy, {PROCESSES:,} processes: {timeout * 1e6:.2f} µs")
    print(f"{'scenario':20}{'ms a replication':>18}{'in timeouts':>14}{'interruptions':>15}{'timeouts each':>15}")
    for name in SCENARIOS:
        question = load_scenario(name)
        count = simulate(question, 1).interruptions
        spent = seconds(lambda q=question: simulate(q, 1))
        each = spent / timeout / count
        print(f"{name:20}{spent * 1e3:18.2f}{spent / timeout:14,.0f}{count:15}{each:15,.0f}")


if __name__ == "__main__":
    main()
