"""A user's own past jobs, predicted as if they were still to come, and scored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import Field, ValidationError, model_validator

from sim import documents
from sim.catalogue.strict import Strict, refusal
from sim.engine.setup import throughput_of
from sim.errors import InputError
from sim.experiments.replicate import replicate
from sim.quantities.notation import Tokens
from sim.results.ledger import DAY
from sim.scenario import load_scenario, names
from sim.validation.report import Row
from sim.validation.score import PAST_JOBS, Forecast, daly_share, judged

Item = TypeVar("Item", bound=Strict)
Result = TypeVar("Result")
WATCHED = 4.0
"""Times as long as a job took that its predictions are watched."""


class PastJob(Strict):
    """A job that has ended, and the scenario by which it would have been predicted."""

    scenario: str
    """A name, or a file beside the list."""
    start: dt.datetime
    end: dt.datetime
    tokens: Tokens
    title: str = ""
    changes: dict[str, Any] = Field(default_factory=dict)
    """What is changed in the scenario, by path."""

    @model_validator(mode="after")
    def _in_order(self) -> PastJob:
        if (self.start.tzinfo is None) != (self.end.tzinfo is None):
            raise InputError(
                "start and end must both have a time zone, or neither", key="end"
            )
        if self.end <= self.start:
            raise InputError("must be after start", key="end", given=self.end)
        return self

    @property
    def days(self) -> float:
        """Days it took."""
        return (self.end - self.start).total_seconds() / DAY


def each(
    path: str | Path, what: str, kind: type[Item], work: Callable[[int, Item], Result]
) -> list[Result]:
    """Work through a YAML file with a list of one's own past jobs or logs.

    Parameters
    ----------
    path : str or path
    what : str
        The key of the list.
    kind : type
        Of its items.
    work : callable
        What is done with the number of an item and the item.

    Raises
    ------
    InputError
        With file, line and key of what cannot be.
    """
    document = documents.read(path)
    listed = document.data.get(what) if isinstance(document.data, dict) else None
    if not isinstance(listed, list) or not listed or len(document.data) > 1:
        needed = [name for name, field in kind.model_fields.items() if field.is_required()]
        form = f"{what}: a list, each with {', '.join(needed)}"
        raise document.error((), f"expected {form}", allowed=form)
    found = []
    for number, body in enumerate(listed):
        key = (what, number)
        try:
            found.append(work(number, kind.model_validate(body)))
            continue
        except ValidationError as problems:
            first = problems.errors()[0]
            error = refusal(first)
            key = (*key, *first["loc"])
            # What is wrong with the whole of it names its key itself.
            if error.key and error.key not in key:
                key = (*key, error.key)
        except InputError as problem:
            # What is wrong further inside tells its own place, and not which item led there.
            error = problem
        told = f"{documents.dotted(key)}: {error}"
        raise document.error(key, told, given=error.given, allowed=error.allowed)
    return found


def rows(path: str | Path, n: int = 200, seed: int = 0) -> list[Row]:
    """The place of each past job in our prediction of its days, and how often bands hold them.

    Parameters
    ----------
    path : str or path
        Of a list of past jobs.
    n, seed : int
        Replications behind each prediction, and their root seed.

    Raises
    ------
    InputError
        When the list or one of its scenarios cannot be read, or is a programme.
    """
    folder = Path(path).parent
    return judged(
        each(path, "jobs", PastJob, lambda k, job: _forecast(job, folder, k, n, seed))
    )


def _forecast(job: PastJob, folder: Path, number: int, n: int, seed: int) -> Forecast:
    beside = folder / job.scenario
    own = job.scenario not in names() and beside.is_file()
    scenario = load_scenario(str(beside) if own else job.scenario)
    if scenario.runs:
        raise InputError(f"{scenario.name}: a programme of runs is no single job")
    asked = {
        "start": job.start.date().isoformat(),
        "run.tokens": job.tokens,
        "horizon": f"{WATCHED * job.days} d",
    }
    scenario = scenario.override(asked | job.changes)
    known = scenario.resolve(0, 0, fixed=True)
    ideal = job.tokens / throughput_of(known, known.run, known.fleet).full.tokens_per_s / DAY
    # To first order no more than all of the time is lost, which would take for ever.
    rival = ideal / max(daly_share(scenario), 1 / WATCHED)
    runs = replicate(scenario, n, seed=seed)
    late = 1 - runs.frame["finished"].mean()
    unfinished = f"{late:.0%} of our runs had not ended after {WATCHED:g} times its days"
    return Forecast(
        PAST_JOBS,
        scenario.name,
        f"job.{number + 1}",
        job.title or f"{scenario.name} from {job.start.date()}",
        "",
        job.days,
        runs.values("wall_days"),
        np.array([rival]),
        cause_of_miss=unfinished if late else "",
    )
