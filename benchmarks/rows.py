"""The rows of the table, measured with the `sim` that Python finds; written as JSON to the file
given.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tqdm import tqdm

from benchmarks import peer, questions
from benchmarks.measure import (
    TIMEOUTS,
    bare,
    beside_bare,
    command_megabytes,
    command_seconds,
    peak_megabytes,
    pool_seconds,
)
from benchmarks.peer import DEFAULT, SECONDS, TIMEOUT
from sim import advise, fit, load_scenario, simulate
from sim.failure_logs.record import exposure_file, log_file
from sim.scenario import Scenario


@dataclass(frozen=True)
class Row:
    """One line of the table; `timeouts` is the value in bare SimPy timeouts."""

    what: str
    value: float
    unit: str
    target: str = ""
    timeouts: float | None = None
    peer: str = ""


def _rows() -> Iterator[Row]:
    each = beside_bare(bare)[0] / TIMEOUTS
    yield Row("one timeout of bare SimPy with 1,000 processes", each * 1e6, "µs", timeouts=1)
    yield from _start_up()
    yield from _peer()
    yield from _interruptions()
    yield from _replications()
    yield from _programmes()
    yield from _searches()
    spent = [_cost(questions.flaps(a_day))[0] for a_day in (1000, 0)]
    yield Row(
        "a year with 1,000 flaps a day on 2,048 nodes, over without",
        spent[0] / spent[1],
        "",
        "at most 2",
    )


def _peer() -> Iterator[Row]:
    default = questions.peer_default()
    spent, worth = _cost(default)
    each = worth / simulate(default, 1).interruptions
    theirs = f"peer: {DEFAULT} s, {DEFAULT / TIMEOUT:,.0f} timeouts"
    yield Row(
        "the peer's model: an interruption",
        spent * each / worth * 1e6,
        "µs",
        "22 or 9 timeouts",
        each,
    )
    yield Row(
        "the peer's default work, 4,096 servers for 256 days",
        spent,
        "s",
        "0.1 s",
        worth,
        theirs,
    )
    if there := peer.here():
        yield Row("the same by the peer, on this machine", there, "s")
        yield Row("the peer over ours", there / spent, "", "more than 100")
    costs = {servers: _cost(questions.peer(servers)) for servers in SECONDS}
    for servers, (spent, worth) in costs.items():
        theirs = f"peer: {SECONDS[servers]} s, {SECONDS[servers] / TIMEOUT:,.0f} timeouts"
        target = "0.12 s" if servers == 16384 else ""
        yield Row(
            f"the peer's work on {servers:,} servers for 32 days",
            spent,
            "s",
            target,
            worth,
            theirs,
        )


def _interruptions() -> Iterator[Row]:
    everything = questions.everything()
    each, unit, _ = _each(everything)
    yield Row(
        "every mechanism on: an interruption, set-up apart",
        each,
        "µs",
        "50 or 20 timeouts",
        unit,
    )
    found = {nodes: _each(questions.size(nodes)) for nodes in questions.SIZES}
    for nodes, (each, unit, count) in found.items():
        yield Row(
            f"{nodes:,} nodes: one of {count:,} interruptions, set-up apart",
            each,
            "µs",
            "",
            unit,
        )
    worths = [worth for _, worth, _ in found.values()]
    yield Row("dearest over cheapest of these", max(worths) / min(worths), "", "at most 1.3")
    largest = questions.size(questions.SIZES[-1])
    spent, worth = _cost(_set_up(largest))
    yield Row(f"{questions.SIZES[-1]:,} nodes: set-up", spent, "s", "0.3 s", worth)
    yield Row(
        f"{questions.SIZES[-1]:,} nodes: peak memory above the imports",
        peak_megabytes(largest),
        "MB",
        "250 MB",
    )


def _replications() -> Iterator[Row]:
    question = load_scenario("deepseek-v3")
    spent, worth = beside_bare(lambda: [simulate(question, 1, k).metrics for k in range(50)])
    yield Row("deepseek-v3: a replication", spent / 50 * 1e3, "ms", "6 ms", worth / 50)
    two = pool_seconds(question, 1000, 2)
    yield Row("deepseek-v3: 1,000 replications on two processes", two, "s", "5 s")
    yield Row(
        "two processes over one", pool_seconds(question, 1000, 1) / two, "", "at least 1.7"
    )
    words = "-m sim run deepseek-v3 --replications 10000 --jobs 2 --json"
    peak = command_megabytes(words.split())
    yield Row("deepseek-v3: 10,000 replications, largest process", peak, "MB", "400 MB")


def _start_up() -> Iterator[Row]:
    imports = command_seconds(["-c", "import numpy, pandas"])
    yield Row("start-up: importing numpy and pandas", imports, "s")
    for words, times in (("--help", 0.91), ("run deepseek-v3 --replications 20", 2.9)):
        spent = command_seconds(["-m", "sim", *words.split()])
        yield Row(f"start-up: sim {words}", spent, "s", f"{times} times that")


def _programmes() -> Iterator[Row]:
    for name, target in (("national-stock", "60 or 20 ms"), ("embargoed-stock", "")):
        scenario = load_scenario(name)
        spent, worth = beside_bare(
            lambda scenario=scenario: [simulate(scenario, 1, k) for k in range(10)]
        )
        yield Row(f"{name}: a replication", spent / 10 * 1e3, "ms", target, worth / 10)


def _searches() -> Iterator[Row]:
    run = load_scenario("deepseek-v3")
    values = {"checkpoint.interval": ["10 min", "30 min", "2 h"]}
    spent, worth = beside_bare(lambda: advise(run, values, most=100, progress=False))
    yield Row("advise: three intervals between checkpoints", spent, "s", "", worth)
    result = simulate(run, 1)
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log.csv"
        exposure = Path(folder) / "nodes.csv"
        log.write_text(log_file(result), encoding="utf-8")
        exposure.write_text(exposure_file(result), encoding="utf-8")
        spent, worth = beside_bare(lambda: fit(log, exposure))
    outages = f"{len(result.outages)} outages"
    yield Row(f"fit: a log of {outages}", spent, "s", "", worth)


def _cost(question: Scenario) -> tuple[float, float]:
    return beside_bare(lambda: simulate(question, 1))


def _each(question: Scenario) -> tuple[float, float, int]:
    """Microseconds and timeouts' worth of one interruption, what the set-up takes left out; and
    their number.
    """
    spent, worth = _cost(question)
    set_up, set_up_worth = _cost(_set_up(question))
    count = simulate(question, 1).interruptions
    return (spent - set_up) / count * 1e6, (worth - set_up_worth) / count, count


def _set_up(question: Scenario) -> Scenario:
    """The same with nothing to train."""
    return question.override({"run.tokens": 1})


if __name__ == "__main__":
    measured = [asdict(row) for row in tqdm(_rows(), unit=" rows", leave=False, disable=None)]
    Path(sys.argv[1]).write_text(json.dumps(measured), encoding="utf-8")
