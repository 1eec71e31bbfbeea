"""Points of an experiment: what is run, what is kept of it, and a folder that keeps it by what it
depends on.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sim.engine import simulate
from sim.engine.replay import outages
from sim.errors import InputError
from sim.files import write
from sim.scenario import Scenario

PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Outcome:
    """What is kept of one replication."""

    replication: int
    finished: bool
    metrics: dict[str, float]
    fingerprint: str


@dataclass(frozen=True)
class Point:
    """Replications of a scenario under one seed, with some of its unknown constants set and the
    others drawn.
    """

    scenario: Scenario
    seed: int
    replications: range
    unknowns: Mapping[str, float] = field(default_factory=dict)
    fixed_inputs: bool = False

    @cached_property
    def question(self) -> Scenario:
        """The scenario with the unknown constants set."""
        return self.scenario.given(self.unknowns)

    @cached_property
    def content(self) -> dict[str, Any]:
        """All that the outcomes depend on, as plain data; `typed` stands for catalogue, traces and
        constants given.
        """
        traces = [
            outages(p.failures.trace) for p in self.question.fleet.values() if p.failures.trace
        ]
        content = {
            "scenario": self.scenario.data,
            "typed": _hash([repr(self.question), traces]),
            "unknowns": dict(self.unknowns),
            "fixed_inputs": self.fixed_inputs,
            "seed": self.seed,
            "replications": [self.replications.start, self.replications.stop],
            "code": code_version(),
        }
        return json.loads(json.dumps(content, default=str))

    @cached_property
    def key(self) -> str:
        """SHA-256 of the content."""
        return _hash(self.content)

    def run(self, replication: int) -> Outcome:
        """Carry out one replication."""
        result = simulate(self.question, self.seed, replication, fixed_inputs=self.fixed_inputs)
        metrics = {name: float(value) for name, value in result.metrics.items()}
        return Outcome(replication, result.finished, metrics, result.fingerprint)


class Store:
    """A folder that keeps finished points, one JSON file each, named by content and written in one
    piece.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def path(self, key: str) -> Path:
        """The file of a point."""
        return self.folder / "points" / f"{key}.json"

    def get(self, point: Point) -> list[Outcome] | None:
        """The outcomes of a point, or None if they are not there or damaged, which is said on
        standard error.
        """
        try:
            return self.read(point.key)[1]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot be used as a folder ({error.strerror or error})"
            ) from None
        except ValueError as error:
            print(f"{error}; it is computed again", file=sys.stderr)
            return None

    def read(self, key: str) -> tuple[dict[str, Any], list[Outcome]]:
        """Content and outcomes of a point; ValueError, naming the file, if it is damaged."""
        path = self.path(key)
        try:
            data = json.loads(path.read_bytes())
            if data.pop("sha256") != _hash(data) or _hash(data["point"]) != key:
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(f"{path}: is damaged") from None
        outcomes = [Outcome(**outcome) for outcome in data["outcomes"]]
        for outcome in outcomes:
            outcome.metrics.update(
                {name: math.nan for name, value in outcome.metrics.items() if value is None}
            )
        return data["point"], outcomes

    def put(self, point: Point, outcomes: Sequence[Outcome]) -> None:
        """Keep the outcomes of a point; a number that is not known (nan) becomes null."""
        data = {"point": point.content, "outcomes": [asdict(outcome) for outcome in outcomes]}
        for outcome in data["outcomes"]:
            outcome["metrics"] = {
                n: None if math.isnan(v) else v for n, v in outcome["metrics"].items()
            }
        write(
            self.path(point.key),
            json.dumps({"sha256": _hash(data), **data}, allow_nan=False) + "\n",
        )

    def record(self, experiment: str, points: Iterable[tuple[Mapping[str, Any], Point]]) -> None:
        """Write `record.json`: the points that make up an experiment, and what is set at each."""
        record = {
            "experiment": experiment,
            "points": [{"at": at, "key": point.key} for at, point in points],
        }
        write(self.folder / "record.json", json.dumps(record, indent=2, default=str) + "\n")


@cache
def code_version() -> str:
    """SHA-256 over the code, the catalogue and the versions of the libraries that compute."""
    files = sorted([*PACKAGE.rglob("*.py"), *PACKAGE.glob("catalogue/*.yaml")])
    parts = [
        (path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")) for path in files
    ]
    return _hash([parts, [version(name) for name in ("numpy", "scipy", "simpy")]])


def _hash(data: Any) -> str:
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()
