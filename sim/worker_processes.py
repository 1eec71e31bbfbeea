"""Processes that work for this one, and do not outlive it."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread


def pool(jobs: int) -> ProcessPoolExecutor:
    """So many fresh processes; killed with this one, whatever becomes of it: else they would wait
    for work for ever.
    """
    return ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent
    Thread(target=_outlived, args=(parent,), daemon=True).start()


def _outlived(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
