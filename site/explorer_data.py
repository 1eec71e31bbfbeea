"""Simulate every point that the explorer of the site can show: `make explorer-data`.

Replication k has the same luck and the same unknowns at every point, so that points are compared
pair by pair. What is written is held to its hash, and tests simulate points of it again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import as_completed
from dataclasses import replace
from functools import cache
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from tqdm import tqdm

import sim
from sim.engine import simulate
from sim.experiments.intervals import spread
from sim.experiments.worlds import AS_IT_WAS
from sim.files import write
from sim.results.ledger import YEAR, Floats
from sim.results.programme import ProgrammeResult
from sim.worker_processes import pool

FILE = Path(__file__).parent / "explorer" / "data.json"
HASH = FILE.with_name("data.json.sha256")
RUNS = 40
SEED = 1
Row = dict[str, Any]
Method = Literal["linear", "inverted_cdf"]
ORDER: Method = "inverted_cdf"
"""Quantiles that are one of the values, where some of these are only bounds."""

# What a weak chip is worth: 2,048 H800 with weak chips, against the H800 alone.
MIXED = (
    "two-thousand-plus",
    "two-thousand-plus-a100-sxm",
    "two-thousand-plus-h20",
    "two-thousand-plus-ascend",
)
COUNTS = (1024, 2048, 4096, 8192)
INTERVALS = ("10 min", "1 h")
SPARES = (0.01, 0.1)
"""Spare nodes of the weak chips, as a share of their nodes."""
HORIZON = 365
"""Days after which a run is given up."""
PLENTY = {"fleet.good.cold_spares": 400, "horizon": f"{HORIZON} d"}
"""The good chips never wait for a spare: the question is what the weak ones do."""

# What controls do: how large a run could be staffed, world by world.
COUNTRY = "national-stock"
NEED = "frontier"
SHARES = (None, 0.04, 0.12, 0.4)
"""Part of its owner's chips that one run has; None: drawn, as in the scenario."""
GROWTHS = (None, 1.0, 2.0, 3.0, 4.6, 6.0)
"""How many times the need grows a year; None: drawn, as in the scenario."""


def rounded(values: Floats, method: Method = "linear") -> list[float]:
    """The 5 % point, the median and the 95 % point, to four digits."""
    found = spread(values, method)
    return [float(f"{found[name]:.4g}") for name in ("p5", "median", "p95")]


def chip_of(scenario: str) -> str:
    """The weak chip of a scenario."""
    return sim.load_scenario(scenario).fleet["weak"].chip.name


def common(interval: str) -> Row:
    """What is set on both sides of a pair."""
    return {**PLENTY, "checkpoint.interval": interval}


def weak(scenario: str, chips: int, spares: float) -> Row:
    """What is set on the side with weak chips."""
    node = sim.load_scenario(scenario).fleet["weak"].chip.node_size
    return {
        "fleet.weak.chips": chips,
        "fleet.weak.hot_spares": 0,
        "fleet.weak.cold_spares": round(spares * chips / node),
    }


def days(scenario: str, given: Row) -> Floats:
    """Days of each run; infinite where it had not finished by the horizon."""
    frame = sim.replicate(sim.load_scenario(scenario).override(given), RUNS, seed=SEED).frame
    return np.where(frame["finished"], frame["wall_days"], np.inf)


@cache
def alone(interval: str) -> Floats:
    """Days of the good chips alone, which always finish."""
    return days("deepseek-v3", common(interval))


def exchange(scenario: str, chips: int, interval: str, spares: float) -> Row:
    """One point: days with weak chips, and against the good chips alone, pair by pair."""
    given = weak(scenario, chips, spares)
    mixed = days(scenario, common(interval) | given)
    good = sim.load_scenario(scenario).fleet["good"].active_chips
    # A run that was given up has no number, but a bound.
    by_then = np.minimum(mixed, HORIZON)
    worth = (alone(interval) / by_then - 1) * good / chips
    unfinished = np.isinf(mixed)
    method = ORDER if unfinished.any() else "linear"
    row: Row = {
        "at": [chip_of(scenario), interval, str(spares), str(chips)],
        "days": rounded(by_then, method),
        "worth": rounded(worth, method),
        "change": rounded(by_then - alone(interval), method),
        "sets": " ".join(f"--set-b {key}={value}" for key, value in given.items()),
    }
    late = np.quantile(unfinished, (0.05, 0.5, 0.95), method=ORDER).tolist()
    if any(late):
        row["open"] = {"days": late, "worth": late[::-1], "change": late}
    return row


def with_outlook(result: ProgrammeResult, share: float | None) -> ProgrammeResult:
    """The same stock, of which one run has another share; and the need with each growth."""
    outlook = result.scenario.outlook
    assert outlook is not None
    need = outlook.needs[NEED]
    needs = {
        name_of(growth): need.model_copy(
            update={} if growth is None else {"growth": growth / YEAR}
        )
        for growth in GROWTHS
    }
    shares = outlook.shares.model_copy(update={} if share is None else {"run": share})
    changed = outlook.model_copy(update={"shares": shares, "needs": needs})
    scenario = result.scenario.model_copy(update={"outlook": changed})
    return replace(result, scenario=scenario)


def name_of(value: float | None) -> str:
    """How a share or a growth is called in the address of the page."""
    return "drawn" if value is None else f"{value:g}"


def world(name: str) -> dict[tuple[str, ...], list[float]]:
    """All runs of a world: the largest run and its reach by share, growth and date."""
    country = sim.load_scenario(COUNTRY)
    scenario = country if name == AS_IT_WAS else country.in_world(name)
    found: dict[tuple[str, ...], list[float]] = {}
    for k in range(RUNS):
        # What a run could have of a stock changes nothing in the stock.
        stock = simulate(scenario, SEED, k)
        assert isinstance(stock, ProgrammeResult)
        for share in SHARES:
            reach = with_outlook(stock, share).reach
            for date in country.dates:
                largest = reach.on(date, reach.reference_chips)
                found.setdefault((name_of(share), str(date)), []).append(largest)
                for growth in GROWTHS:
                    at = (name_of(share), name_of(growth), str(date))
                    found.setdefault(at, []).append(reach.ratio(name_of(growth), date))
    return found


def world_rows(found: dict[str, dict[tuple[str, ...], list[float]]]) -> Iterator[Row]:
    """Every point: the reach of a world, and its largest run over that of the world as it was."""
    dates = [str(date) for date in sim.load_scenario(COUNTRY).dates]
    for name, share, growth, date in product(
        found, map(name_of, SHARES), map(name_of, GROWTHS), dates
    ):
        base = np.array(found[AS_IT_WAS][share, date])
        yield {
            "at": [name, share, growth, date],
            "reach": rounded(np.array(found[name][share, growth, date])),
            "ratio": rounded(np.array(found[name][share, date]) / base),
        }


def main(jobs: int) -> None:
    """Simulate all points and write them with the hash of the file."""
    grid = list(product(MIXED, COUNTS, INTERVALS, SPARES))
    names = [AS_IT_WAS, *sim.load_scenario(COUNTRY).worlds]
    with pool(jobs) as processes:
        # The longest first, so that no process works alone at the end.
        worlds = [processes.submit(world, name) for name in names]
        points = [processes.submit(exchange, *at) for at in grid]
        every = [*worlds, *points]
        for _ in tqdm(as_completed(every), total=len(every), disable=None):
            pass
        rows = list(
            world_rows({name: one.result() for name, one in zip(names, worlds, strict=True)})
        )
        data = {"exchange": [one.result() for one in points], "worlds": rows}
    text = written(data)
    write(FILE, text)
    write(HASH, f"{sha256(text.encode()).hexdigest()}  {FILE.name}\n")


def written(data: dict[str, list[Row]]) -> str:
    """The data as JSON with a line a point, so that a change shows which points moved."""
    head = f'"version": "{sim.__version__}",\n"runs": {RUNS}'
    parts = [head]
    for view, rows in data.items():
        lines = ",\n".join(json.dumps(row) for row in rows)
        parts.append(f'"{view}": [\n{lines}\n]')
    together = ",\n".join(parts)
    return f"{{{together}}}\n"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
