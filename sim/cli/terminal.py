"""The terminal of a command: its streams, whatever they take, and Ctrl-C, whenever it comes."""

from __future__ import annotations

import codecs
import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import NoReturn, TextIO

PATIENCE = 1.0
"""Seconds from Ctrl-C to the end at the latest."""
INTERRUPTED = (
    "interrupted; what an experiment had finished is kept in the folder of --out, "
    "if one was given; no figure was changed"
)
PLAIN = {"−": "-", "–": "-", "…": "...", "×": "x", "≤": "<=", "≥": ">=", "“": '"', "”": '"'}
"""What stands for those of our signs that an encoding may lack."""


class Interrupts:
    """What happens at Ctrl-C.

    Attributes
    ----------
    seen : bool
        Whether it has come.
    """

    def __init__(self) -> None:
        self.seen = False
        self._told = False

    def __call__(self, *_: object) -> NoReturn:
        self.seen = True
        # More of them would only break off the tidying up.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # A library may swallow what is raised here, or take long to end.
        last = Timer(PATIENCE, self.leave)
        last.daemon = True
        last.start()
        raise KeyboardInterrupt

    def leave(self) -> NoReturn:
        """Say, once, that the command was interrupted, and end it."""
        if not self._told:
            self._told = True
            complain(INTERRUPTED)
        # The locks of a pool that had no time to shut down would be reported as leaked.
        if util := sys.modules.get("multiprocessing.util"):
            util._run_finalizers(0)
        # Python's own end may wait for threads, and would undo the exit code.
        os._exit(130)


@contextmanager
def prepared() -> Iterator[Interrupts]:
    """Make the streams take every letter, and Ctrl-C end the command soon."""
    codecs.register_error("plainly", _plainly)
    if sys.stderr is None:
        # Python would print to standard output instead.
        sys.stderr = io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        # Whoever calls from Python may have put another object there.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plainly")
    interrupts = Interrupts()
    before = signal.getsignal(signal.SIGINT)
    # Started in the background, a command is not to be interrupted.
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupts)
    try:
        yield interrupts
    finally:
        if not interrupts.seen:
            signal.signal(signal.SIGINT, before)


def complain(text: str) -> None:
    """Write a line to standard error, if it can be written."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        forget(sys.stderr)


def forget(stream: TextIO) -> None:
    """Drop what a stream has not written, or Python would complain of it at its own end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _plainly(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return "".join(PLAIN.get(letter, "?") for letter in letters), error.end
