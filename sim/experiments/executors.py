"""Runs carried out here, by processes or by a cluster: the same numbers from each."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypedDict

from tqdm.auto import tqdm

from sim import worker_processes
from sim.errors import CheckFailed, InputError
from sim.experiments.store import Outcome, Point, Store, code_version

BATCH = 10
"""Runs that travel to a worker together; no number depends on it."""


class Work(TypedDict, total=False):
    """How runs are carried out; no number depends on it.

    `jobs`: processes. `executor`: ``"processes"``, the ``"dask://HOST:PORT"`` of a scheduler, or
    any `concurrent.futures.Executor`. `out`: a folder in which every finished point is kept, so
    that what was interrupted resumes. `progress`: False for no bar.
    """

    jobs: int
    executor: Executor | str | None
    out: str | Path | None
    progress: bool


def run_points(
    points: Sequence[Point],
    executor: Executor | None = None,
    store: Store | None = None,
    progress: bool = True,
) -> list[list[Outcome]]:
    """The outcomes of each point: those in the store as they are, the others computed and stored
    one by one.

    The numbers depend on the points alone, not on the executor, the order or the batches.
    """
    found = [store.get(point) if store else None for point in points]
    todo = [
        (point, k)
        for point, old in zip(points, found, strict=True)
        if old is None
        for k in point.replications
    ]
    total = sum(len(point.replications) for point in points)
    batches = [todo[k : k + BATCH] for k in range(0, len(todo), BATCH)]
    disable = None if progress else True
    with tqdm(
        total=total, initial=total - len(todo), unit=" runs", disable=disable, leave=False
    ) as bar:
        with _interrupts_kept_from_workers():
            results = (executor.map if executor else map)(partial(_batch, code_version()), batches)
        fresh = chain.from_iterable(results)
        for k, point in enumerate(points):
            if found[k] is None:
                outcomes = found[k] = []
                for outcome in islice(fresh, len(point.replications)):
                    outcomes.append(outcome)
                    bar.update()
                if store:
                    store.put(point, outcomes)
    return [outcomes for outcomes in found if outcomes is not None]


@contextmanager
def workers(
    jobs: int = 1,
    executor: Executor | str | None = None,
    out: str | Path | None = None,
    progress: bool = True,
) -> Iterator[Callable[[Sequence[Point]], list[list[Outcome]]]]:
    """`run_points` with the executor and the store that `Work` describes; ends what it started.

    Raises
    ------
    InputError
        When there is no such executor.
    CheckFailed
        When a process of the pool dies.
    """
    with _executor(jobs, executor) as pool:
        yield partial(
            run_points, executor=pool, store=Store(out) if out else None, progress=progress
        )


@contextmanager
def _executor(jobs: int, executor: Executor | str | None) -> Iterator[Executor | None]:
    if isinstance(executor, Executor):
        yield executor
    elif executor not in (None, "processes"):
        with _dask(executor) as client:
            try:
                yield client.get_executor(pure=False)
            except (OSError, CancelledError):
                raise CheckFailed(
                    f"{executor}: the scheduler went away; what was finished is kept"
                ) from None
    elif jobs == 1:
        yield None
    else:
        pool = worker_processes.pool(jobs)
        try:
            yield pool
        except BrokenProcessPool:
            raise CheckFailed("a worker process died, perhaps for want of memory") from None
        finally:
            pool.shutdown(cancel_futures=True)


def _dask(address: str) -> Any:
    if not address.removeprefix("dask://") or not address.startswith("dask://"):
        raise InputError(f"no executor '{address}'; allowed: processes, dask://HOST:PORT")
    try:
        from dask.distributed import Client
    except ImportError:
        raise InputError("Dask is not installed; pip install 'mixedfleet[cluster]'") from None
    try:
        return Client(address.replace("dask://", "tcp://"), set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{address}: no Dask scheduler answers ({error})") from None


@contextmanager
def _interrupts_kept_from_workers() -> Iterator[None]:
    """Block Ctrl-C while processes start: they inherit the block, and ending cleanly is up to this
    one.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _batch(code: str, runs: Sequence[tuple[Point, int]]) -> list[Outcome]:
    if code != code_version():
        raise InputError(
            "a worker runs another version of mixedfleet or of its libraries than the one that asks"
        )
    return [point.run(replication) for point, replication in runs]
