"""What is run, what is kept of it, and a folder that keeps it by all that it depends on."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sim.engine import check_sizes, simulate
from sim.engine.replay import outages
from sim.engine.setup import uncollected
from sim.errors import InputError
from sim.files import read, write
from sim.quantities.uncertain import highest
from sim.results.ledger import DAY
from sim.results.run import RunResult
from sim.scenario import Scenario
from sim.scenario.guards import check_whole

PACKAGE = Path(__file__).parents[1]
COMPUTE = (
    "quantities",
    "catalogue",
    "scenario",
    "throughput",
    "results",
    "engine",
    "streams.py",
)
"""Rooms and files of the package on which the outcome of a run depends."""

DRAWN = {"nested", "group"}
"""What is set at the points of a run by which its spread is split."""
DAMAGED = (ValueError, KeyError, TypeError, RecursionError)
"""What reading a file that is no longer what was written may raise."""

Simulator = Callable[..., RunResult]
"""A function that is called as `sim.simulate` is."""


@dataclass(frozen=True)
class Outcome:
    """What is kept of one replication."""

    replication: int
    finished: bool
    metrics: dict[str, float]
    fingerprint: str


@dataclass(frozen=True)
class Point:
    """Replications of a scenario under one seed.

    Attributes
    ----------
    scenario : Scenario
    seed : int
    replications : range
        Their numbers.
    unknowns : mapping
        Values of unknown constants by name; the others are drawn.
    fixed_inputs : bool
        Whether those are set to their modes instead.
    """

    scenario: Scenario
    seed: int
    replications: range
    unknowns: Mapping[str, float] = field(default_factory=dict)
    fixed_inputs: bool = False

    @cached_property
    def known_scenario(self) -> Scenario:
        """The scenario with the values of its unknown constants set."""
        return self.scenario.given(self.unknowns)

    @property
    def horizon_days(self) -> float:
        """Days after which every replication ends."""
        return highest(self.scenario.horizon) / DAY

    @cached_property
    def content(self) -> dict[str, Any]:
        """All that makes it this point, as plain data."""
        scenario = self.known_scenario
        tables = [pool.failures for pool in scenario.fleet.values()]
        traces = [outages(table.trace) for table in tables if table.trace]
        content = {
            "scenario": self.scenario.data,
            # What the data name but do not hold: facts of the catalogue, and recorded outages.
            "typed": _hash([repr(scenario), traces]),
            # A number says its mode only: the same with another range is another point.
            "spread": {name: repr(x.distribution) for name, x in scenario.unknowns().items()},
            "unknowns": dict(self.unknowns),
            "fixed_inputs": self.fixed_inputs,
            "horizon_days": self.horizon_days,
            "seed": self.seed,
            "replications": [self.replications.start, self.replications.stop],
        }
        return json.loads(json.dumps(content, default=str))

    def check(self) -> None:
        """Raise InputError if the seed is none, or a fleet that is drawn is too small to be run."""
        check_whole("seed", self.seed, 0)
        check_sizes(
            self.known_scenario, self.seed, self.replications, fixed_inputs=self.fixed_inputs
        )

    @cached_property
    def question(self) -> str:
        """A hash of what the user has said of it, but for how often it is run."""
        of_the_code = ("typed", "replications")
        said = {key: value for key, value in self.content.items() if key not in of_the_code}
        return _hash(said)

    # What is not kept of a result is gone before the collector looks.
    @uncollected()
    def run(self, replication: int, simulator: Simulator = simulate) -> Outcome:
        """Carry out one replication."""
        scenario = self.known_scenario
        result = simulator(scenario, self.seed, replication, fixed_inputs=self.fixed_inputs)
        metrics = {name: float(value) for name, value in result.metrics.items()}
        return Outcome(replication, result.finished, metrics, result.fingerprint)


Setting = tuple[Mapping[str, Any], Point]
"""What is set at a point, by path or by name, and the point."""
Settings = Sequence[Setting]


class Store:
    """A folder that keeps finished points, one JSON file each.

    A file is named by a hash of all that its numbers depend on: the point, the code that computes,
    and the simulator. It is written in one piece, so an interrupted experiment resumes.

    Parameters
    ----------
    folder : str or pathlib.Path
    simulator : callable
        The function that carries out the runs.
    """

    def __init__(self, folder: str | Path, simulator: Simulator = simulate) -> None:
        self.folder = Path(folder)
        self._by = {
            # Outcomes of a stand-in must never be taken for those of the engine.
            "simulator": f"{simulator.__module__}.{simulator.__qualname__}",
            "code": code_version(),
        }

    def key(self, point: Point) -> str:
        """SHA-256 of all that the outcomes of a point depend on."""
        return _hash(point.content | self._by)

    def path(self, key: str) -> Path:
        """The file of a point."""
        return self.folder / "points" / f"{key}.json"

    def get(self, point: Point) -> list[Outcome] | None:
        """Return the outcomes of a point; None if they are not there.

        A damaged file is named on standard error, and its outcomes are not there either.

        Raises
        ------
        InputError
            When the folder cannot be used.
        """
        # Outside of what is tried: an error in the point itself is no damage to a file.
        key = self.key(point)
        try:
            self.path(key).stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot be used as a folder ({error.strerror})"
            ) from None
        try:
            return self.read(key)[1]
        except InputError:
            raise
        except ValueError as error:
            print(f"{error}; it is computed again", file=sys.stderr)
            return None

    def read(self, key: str) -> tuple[dict[str, Any], list[Outcome]]:
        """Return content and outcomes of a point.

        Raises
        ------
        InputError
            When the file cannot be read.
        ValueError
            When it is damaged, which the message says.
        """
        path = self.path(key)
        text = read(path)
        try:
            data = json.loads(text)
            content = data["point"]
            rows = data["outcomes"]
            if data["sha256"] != _hash([content, rows]) or key != _hash(content):
                raise ValueError
            for row in rows:
                known = row["metrics"]
                row["metrics"] = {
                    n: math.nan if v is None else float(v) for n, v in known.items()
                }
            return content, [Outcome(**row) for row in rows]
        except DAMAGED:
            raise ValueError(f"{path}: is damaged") from None

    def put(self, point: Point, outcomes: Sequence[Outcome]) -> None:
        """Keep the outcomes of a point."""
        rows = [asdict(outcome) for outcome in outcomes]
        for row in rows:
            row["metrics"] = {name: _written(value) for name, value in row["metrics"].items()}
        content = point.content | self._by
        data = {"sha256": _hash([content, rows]), "point": content, "outcomes": rows}
        write(self.path(_hash(content)), json.dumps(data, allow_nan=False) + "\n")

    def check(self, experiment: str, points: Settings) -> list[str]:
        """Check that the folder keeps no other experiment; returns what it is about.

        Parameters
        ----------
        experiment : str
        points : sequence of pairs
            What is set at a point, and the point.

        Raises
        ------
        InputError
            When it holds the record of another one, or of points that are not among these.
        """
        # The runs by which a spread is split are drawn, not said.
        told = [[at, point.question] for at, point in points if not DRAWN & at.keys()]
        about = sorted({_hash([experiment, json.dumps(one, default=str)]) for one in told})
        if not _about(self.folder / "record.json") <= set(about):
            # Its summary and its tables would be lost without a word.
            problem = "holds the record of something else; give another folder"
            raise InputError(f"{self.folder}: {problem}")
        return about

    def record(self, experiment: str, points: Settings, about: Settings = ()) -> None:
        """Write `record.json`: the points that make up an experiment, and what is set at each.

        What tells it from others is `about`, or the points.
        """
        entries = [{"at": at, "key": self.key(point)} for at, point in points]
        told = self.check(experiment, about or points)
        record = {"experiment": experiment, "about": told, "points": entries}
        path = self.folder / "record.json"
        write(path, json.dumps(record, indent=2, default=str) + "\n")


def _about(path: Path) -> set[str]:
    """What a record says it is about; nothing if it is not there, damaged or older than that."""
    try:
        return set(json.loads(read(path))["about"])
    except DAMAGED:
        return set()


def _written(value: float) -> float | str | None:
    """A number for JSON, which has no word for one that is not known, nor for infinity."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)


@cache
def code_version(package: Path = PACKAGE) -> str:
    """SHA-256 over the code and the facts that compute, the versions of their libraries, and the
    last digits that this processor computes.

    Parameters
    ----------
    package : pathlib.Path
        The folder of the package.
    """
    # Loaded here: who runs alone need not wait for it.
    from importlib.metadata import version

    parts = []
    for path in sorted(package.rglob("*.*")):
        name = path.relative_to(package)
        # Pictures or commands may change without making one stored number stale.
        if name.parts[0] in COMPUTE and name.suffix in (".py", ".yaml"):
            parts.append((name.as_posix(), path.read_text(encoding="utf-8")))
    return _hash([parts, [version(name) for name in ("numpy", "scipy", "simpy")], _digits()])


def _digits() -> str:
    """A hash of what functions yield whose last digits depend on what a processor can do."""
    x = (np.arange(4096) + 0.5) / 4096
    arrays = [np.log(x), np.log1p(-x), np.exp(20 * x - 10), x**0.37]
    # Those of the C library choose by processor too.
    single = [[math.log(v), math.exp(v), v**0.37, math.sin(v)] for v in x.tolist()]
    return hashlib.sha256(np.concatenate([*arrays, *single]).tobytes()).hexdigest()


def _hash(data: Any) -> str:
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()
