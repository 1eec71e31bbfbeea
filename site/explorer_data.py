"""Precompute the runs behind the explorer of the site: `make explorer-data`.

Every point of the grid is run under the same luck, so that points can be compared pair by pair.
"""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import product
from pathlib import Path

import numpy as np

import sim
from sim.errors import InputError
from sim.pictures.style import chip_colour, ink
from sim.worker_processes import pool

FILE = Path(__file__).parent / "explorer" / "data.json"
KINDS = {
    "two-thousand-plus": "A100-PCIe-40",
    "two-thousand-plus-a100-sxm": "A100-SXM-80",
    "two-thousand-plus-h20": "H20-96",
    "two-thousand-plus-ascend": "Ascend-910B",
}
"""Scenarios of 2,048 H800 with weak chips, and the chip of each."""
COUNTS = (1024, 2048, 4096, 8192, 16384)
INTERVALS = ("30 min", "2 h")
SPARES = (0.02, 0.1)
"""Boxed spare nodes of the weak chips, as a share of their nodes."""
RUNS = 30
SEED = 1


def changes(scenario: str, chips: int, interval: str, share: float) -> dict[str, object]:
    """What is set in the scenario at one point of the grid."""
    node = sim.load_scenario(scenario).fleet["weak"].chip.node_size
    return {
        "fleet.weak.chips": chips,
        "fleet.weak.cold_spares": max(1, round(share * chips / node)),
        **common(interval),
    }


def common(interval: str) -> dict[str, object]:
    """What is set with weak chips and without; the good chips never run out of spares."""
    return {
        "fleet.good.cold_spares": 200,
        "checkpoint.interval": interval,
        "horizon": "2 yr",
    }


def days(scenario: str, given: dict[str, object]) -> list[float]:
    """Days of each run; infinite where it had not finished by the horizon."""
    frame = sim.replicate(sim.load_scenario(scenario).override(given), RUNS, seed=SEED).frame
    return list(np.where(frame["finished"], frame["wall_days"], np.inf))


def quantiles(values: object) -> list[float | None]:
    """The 5 %, 50 % and 95 % points; none where so many runs had not finished."""
    found = np.quantile(np.asarray(values, float), (0.05, 0.5, 0.95), method="higher")
    return [round(float(one), 4) if np.isfinite(one) else None for one in found]


def point(scenario: str, chips: int, interval: str, share: float) -> dict[str, object]:
    """One point of the grid: days to finish, and days over those of the good chips alone."""
    given = changes(scenario, chips, interval, share)
    try:
        mixed = days(scenario, given)
    except InputError as error:
        return {"refused": str(error)}
    alone = days("deepseek-v3", common(interval))
    shown = " ".join(f'--set "{key}={value}"' for key, value in given.items())
    return {
        "days": quantiles(mixed),
        # Alone the good chips always finish, so that each pair has a ratio.
        "ratio": quantiles(np.divide(mixed, alone)),
        "line": f"sim run {scenario} {shown} --replications {RUNS} --seed {SEED}",
    }


def main() -> None:
    """Run the whole grid and write it with the hash of what it holds."""
    grid = list(product(KINDS, COUNTS, INTERVALS, SPARES))
    with pool(2) as processes:
        futures = [processes.submit(point, *at) for at in grid]
        points = [future.result() for future in futures]
    rows = [
        {"chip": KINDS[kind], "chips": chips, "interval": interval, "spares": share} | found
        for (kind, chips, interval, share), found in zip(grid, points, strict=True)
    ]
    chips = [
        {"name": name, "colour": chip_colour(name), "ink": ink(chip_colour(name))}
        for name in KINDS.values()
    ]
    data = {
        "version": sim.__version__,
        "runs": RUNS,
        "seed": SEED,
        "chips": chips,
        "counts": COUNTS,
        "intervals": INTERVALS,
        "spares": SPARES,
        "rows": rows,
    }
    text = json.dumps(data, indent=1) + "\n"
    FILE.write_text(text, encoding="utf-8")
    manifest = {"data.json": sha256(text.encode()).hexdigest()}
    FILE.with_name("manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
