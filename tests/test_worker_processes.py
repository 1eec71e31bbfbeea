"""Processes of a pool: none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from sim.worker_processes import pool

POOL = """
import os, time
from sim.worker_processes import pool

with pool(2) as workers:
    print(*{workers.submit(os.getpid).result() for _ in range(2)}, flush=True)
    workers.submit(time.sleep, 600).result()
"""


def test_those_kept_are_found_by_the_next_who_keeps_as_many() -> None:
    seen = []
    for _ in range(2):
        with pool(1, keep=True) as workers:
            seen.append(workers.submit(os.getpid).result())
    assert seen[0] == seen[1]
    os.kill(seen[0], signal.SIGKILL)
    with pool(1, keep=True) as workers:
        assert workers.submit(os.getpid).result() != seen[0]
        with pool(1, keep=True) as inner:
            assert inner is not workers, "work inside of other work has processes of its own"


FORKED = """
import os
from sim.worker_processes import pool

if __name__ == "__main__":
    with pool(1, keep=True) as workers:
        workers.submit(abs, -1).result()
    if os.fork() == 0:
        with pool(1, keep=True) as workers:
            print(workers.submit(abs, -2).result(), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot copy a process")
def test_a_copy_of_this_process_does_not_wait_for_what_it_inherited(tmp_path: Path) -> None:
    file = tmp_path / "forked.py"
    file.write_text(FORKED)
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "ignore", str(file)]
    assert subprocess.check_output(command, env=env, timeout=60) == b"2\n"


def test_the_processes_end_when_the_one_that_started_them_is_killed() -> None:
    """What they write to is open as long as one of them lives."""
    process = subprocess.Popen([sys.executable, "-c", POOL], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    assert process.communicate(timeout=30) == (b"", None)


@pytest.mark.parametrize("wrong", [False, True])
def test_a_pool_is_shut_down_when_it_is_left_by_whichever_door(wrong: bool) -> None:
    """It takes no more work, and each of its processes has ended."""
    door = pytest.raises(ZeroDivisionError) if wrong else nullcontext()
    with door, pool(2) as workers:
        assert workers.submit(abs, -1).result() == 1
        started = [*workers._processes.values()]
        waiting = workers.submit(abs, -2)
        if wrong:
            raise ZeroDivisionError
    assert started
    # Which of the two it says hangs on whether its processes have ended by then.
    with pytest.raises(RuntimeError, match=r"after shutdown|not usable"):
        workers.submit(abs, -3)
    for process in started:
        process.join(10)
        assert process.exitcode is not None
    # Whoever waits for what was handed over does not wait for ever.
    assert waiting.done() or waiting.cancelled()
