"""Processes that work for this one, and do not outlive it."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread


def pool(jobs: int) -> ProcessPoolExecutor:
    """Start fresh processes that end when this one does, even if it is killed.

    Parameters
    ----------
    jobs : int
        Number of processes.
    """
    # Fresh ones, as a copy of this process would inherit its threads' locks in any state.
    return ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent
    Thread(target=_outlived, args=(parent,), daemon=True).start()


def _outlived(parent: BaseProcess) -> None:
    parent.join()
    # At once: the main thread waits for work that nobody will send any more.
    os._exit(1)
