"""Runs carried out here, by processes or by a cluster: the same numbers from each."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Executor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TypedDict

from tqdm import tqdm

from sim.engine import simulate
from sim.errors import CheckFailed, InputError, optional
from sim.experiments.store import Outcome, Point, Settings, Simulator, Store, code_version
from sim.scenario.guards import check_whole

ALONE = 1.0
"""Seconds of work that this process does itself before others help: they take as long to start."""
BATCH = 0.25
"""Seconds of work that travel to a worker process together, judged by the runs that are done."""


class Execution(TypedDict, total=False):
    """How runs are carried out; no number depends on it, unless another simulator is named.

    Attributes
    ----------
    jobs : int
        Worker processes.
    executor : concurrent.futures.Executor or str, optional
        ``"processes"``, the ``"dask://HOST:PORT"`` of a scheduler, or any executor.
    out : str or pathlib.Path, optional
        A folder in which every finished point is kept, so that what was interrupted resumes.
    progress : bool
        False for no progress bar.
    simulator : callable
        A function that is called in place of `sim.simulate`. Worker processes import it, so it
        must be defined at the top of a module if there are any.
    max_events : int, optional
        Events that a run may have, as `sim.simulate` takes it.
    """

    jobs: int
    executor: Executor | str | None
    out: str | Path | None
    progress: bool
    simulator: Simulator
    max_events: int | None


@dataclass(frozen=True)
class Workers:
    """Those who carry out runs, and the store for what they finish.

    Attributes
    ----------
    executor : concurrent.futures.Executor, optional
        This process works unless one is given.
    store : Store, optional
    simulator : callable
    progress : bool
        Whether a bar is shown, to those who look at a terminal.
    """

    executor: Executor | None = None
    store: Store | None = None
    simulator: Simulator = simulate
    progress: bool = True

    def run(self, points: Sequence[Point]) -> list[list[Outcome]]:
        """Return the outcomes of each point, those of the store as they are.

        The others are computed, and each point is stored as soon as it is finished. The numbers
        depend on the points alone, not on the executor, the order or the batches.
        """
        kept = [self.store.get(point) if self.store else None for point in points]
        missing = [point for point, old in zip(points, kept, strict=True) if old is None]
        # One fleet that cannot be run must not end the others halfway.
        for point in missing:
            point.check()
        runs = [(point, k) for point in missing for k in point.replications]
        total = sum(len(point.replications) for point in points)
        found = []
        with tqdm(
            self._outcomes(runs),
            initial=total - len(runs),
            total=total,
            unit=" runs",
            # None means: no bar where standard error is not a terminal.
            disable=None if self.progress else True,
            leave=False,
        ) as bar:
            fresh = iter(bar)
            for point, outcomes in zip(points, kept, strict=True):
                if outcomes is None:
                    outcomes = list(islice(fresh, len(point.replications)))
                    if self.store:
                        self.store.put(point, outcomes)
                found.append(outcomes)
        return found

    def check(self, experiment: str, about: Settings) -> None:
        """Check that the store, if there is one, keeps no other experiment."""
        if self.store:
            self.store.check(experiment, about)

    def record(self, experiment: str, points: Settings, about: Settings = ()) -> None:
        """Write down in the store, if there is one, which points make up an experiment."""
        if self.store:
            self.store.record(experiment, points, about)

    def _outcomes(self, runs: Sequence[tuple[Point, int]]) -> Iterator[Outcome]:
        began = time.perf_counter()
        spent = 0.0
        done = 0
        # What is planned here for the first runs travels with the scenario to the others.
        for point, replication in runs:
            yield point.run(replication, self.simulator)
            done += 1
            spent = time.perf_counter() - began
            if self.executor and spent >= ALONE:
                break
        rest = runs[done:]
        if self.executor and rest:
            size = math.ceil(done * BATCH / spent)
            batches = [rest[k : k + size] for k in range(0, len(rest), size)]
            work = partial(_batch, code_version(), self.simulator)
            yield from chain.from_iterable(self.executor.map(work, batches))


@contextmanager
def open_workers(
    jobs: int = 1,
    executor: Executor | str | None = None,
    out: str | Path | None = None,
    progress: bool = True,
    simulator: Simulator = simulate,
    max_events: int | None = None,
) -> Iterator[Workers]:
    """Provide the workers that `Execution` describes; processes that were started are ended.

    Raises
    ------
    InputError
        When there is no such executor.
    CheckFailed
        When a process or a scheduler goes away.
    """
    check_whole("jobs", jobs, 1)
    store = Store(out, simulator) if out else None
    # Processes that are kept would not see that a stand-in has been edited since.
    keep = simulator is simulate
    # It decides whether a run is refused and no number, so the store need not know it.
    if max_events is not None:
        check_whole("max_events", max_events, 1)
        simulator = partial(simulator, max_events=max_events)
    with _executor(jobs, executor, keep) as opened:
        yield Workers(opened, store, simulator, progress)


def _executor(
    jobs: int, executor: Executor | str | None, keep: bool
) -> AbstractContextManager[Executor | None]:
    if isinstance(executor, Executor):
        return nullcontext(executor)
    if executor not in (None, "processes"):
        return _dask(executor)
    if jobs == 1:
        return nullcontext()
    # Loaded here: who runs alone need not wait for it.
    from sim import worker_processes

    return worker_processes.pool(jobs, keep)


@contextmanager
def _dask(address: str) -> Iterator[Executor]:
    if not address.startswith("dask://") or address == "dask://":
        raise InputError(f"no executor '{address}'; allowed: processes, dask://HOST:PORT")
    distributed = optional("distributed", "cluster")
    try:
        client = distributed.Client(
            address.replace("dask://", "tcp://"), set_as_default=False
        )
    except (OSError, ValueError) as error:
        raise InputError(f"{address}: no Dask scheduler answers ({error})") from None
    # It would tell of a lost connection at length, and we tell in a line.
    log = logging.getLogger("distributed.client")
    log.disabled = True
    with client:
        try:
            # Two equal runs are two runs to us; taken for pure, they would be one to Dask.
            yield client.get_executor(pure=False)
        except (OSError, CancelledError):
            raise CheckFailed(
                f"{address}: the scheduler went away; what was finished is kept"
            ) from None
        finally:
            log.disabled = False


def _batch(
    code: str, simulator: Simulator, runs: Sequence[tuple[Point, int]]
) -> list[Outcome]:
    if code != code_version():
        raise InputError(
            "a worker runs another version of mixedfleet or of its libraries than the one that "
            "asks, or its processor computes other last digits"
        )
    return [point.run(replication, simulator) for point, replication in runs]
