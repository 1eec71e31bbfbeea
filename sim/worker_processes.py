"""Processes that work for this one, and do not outlive it."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any

from sim.errors import CheckFailed


class Processes(ProcessPoolExecutor):
    """A pool whose processes leave Ctrl-C to the one that started them."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand over a call."""
        # This may start a process, which inherits what is blocked here.
        with _interrupts_blocked():
            return super().submit(fn, *args, **kwargs)


_KEPT: dict[tuple[int, int], Processes] = {}
"""Idle processes, by the process that started them and their number."""


@contextmanager
def pool(jobs: int, keep: bool = False) -> Iterator[Processes]:
    """Provide processes that end when this one does, even if it is killed.

    Parameters
    ----------
    jobs : int
        Number of processes.
    keep : bool
        Leave them for the next one who would keep as many, so that the second experiment of a
        notebook finds them started.

    Raises
    ------
    CheckFailed
        When one of them dies.
    """
    # A copy of this process inherits what it keeps, but nobody would answer it.
    key = (os.getpid(), jobs)
    processes = _idle(key) if keep else None
    if processes is None:
        # Fresh ones, as a copy of this process would inherit its threads' locks in any state.
        processes = Processes(jobs, get_context("spawn"), initializer=_end_with_parent)
    try:
        yield processes
        if keep and key not in _KEPT:
            _KEPT[key] = processes
    except BaseException as error:
        # Nobody wants what they are at any more, and it may take long. Python 3.14 has a method
        # for it.
        for process in [*(processes._processes or {}).values()]:
            process.kill()
        if isinstance(error, BrokenProcessPool):
            problem = "a worker process died, perhaps for want of memory"
            raise CheckFailed(problem) from None
        raise
    finally:
        if _KEPT.get(key) is not processes:
            processes.shutdown(cancel_futures=True)


def _idle(key: tuple[int, int]) -> Processes | None:
    """Processes that were kept, if they are still alive."""
    processes = _KEPT.pop(key, None)
    try:
        if processes:
            processes.submit(int).result()
    except BrokenProcessPool:
        return None
    return processes


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    # Windows has no signal masks.
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent
    Thread(target=_outlived, args=(parent,), daemon=True).start()


def _outlived(parent: BaseProcess) -> None:
    parent.join()
    # At once: the main thread waits for work that nobody will send any more.
    os._exit(1)
