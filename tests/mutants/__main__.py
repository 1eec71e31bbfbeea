"""Small mistakes planted in the engine and in the throughput, one at a time: do tests notice them?

``make mutants`` (``python -m tests.mutants --number 300 --seed 1``) draws mutants with a fixed seed,
plants each in the memory of a process of its own, and runs there the tests that pass through its
lines, the nearest first, until one fails ("killed"). Each verdict is written as soon as it is known
(``build/mutants.jsonl``): a run that was stopped goes on where it was. Last come the share that was
noticed and all that were not, with what is known of them (``tests/mutants_alive.yaml``).
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import resource
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from itertools import accumulate
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.mutants.planting import ROOT, Mutant, drawn

TESTS = ("engine", "oracles", "throughput")
"""Folders of tests that run the engine and the throughput in their own process."""
LONGEST = 1.5
"""Seconds of a test that is left to the whole suite: it may only hide that a mutant is noticed."""
MEMORY = 4 * 2**30
"""Bytes after which a mutant that grows and grows is noticed."""
QUIET = ("-q", "--no-header", "--tb=no", "-p", "no:cacheprovider")
# What is the same for every mutant is loaded once, before pytest, which would warn of it.
QUIET += ("-W", "ignore::pytest.PytestAssertRewriteWarning")
SHARED = ("hypothesis", "numpy", "scipy.optimize", "simpy", "sim.scenario")
KNOWN = ROOT / "tests" / "mutants_alive.yaml"


# Which tests pass where
# --------------------------------------------------------------------------------------------------


class Watch:
    """A plugin of pytest that writes down which of some lines each test passes, and its seconds."""

    def __init__(self, chosen: list[Mutant]) -> None:
        self.lines: defaultdict[str, set[int]] = defaultdict(set)
        for mutant in chosen:
            self.lines[str(ROOT / mutant.path)].update(mutant.lines)
        self.of_code: dict[CodeType, frozenset[int] | None] = {}
        self.passed: set[tuple[str, int]] = set()
        self.found: dict[str, dict[str, Any]] = {}
        self.failed: set[str] = set()

    def _call(self, frame: FrameType, event: str, argument: object) -> Callable | None:
        code = frame.f_code
        if code not in self.of_code:
            wanted = self.lines.get(code.co_filename)
            own = {line for _, _, line in code.co_lines() if line}
            self.of_code[code] = None if wanted is None else frozenset(own & wanted)
        wanted = self.of_code[code]
        if wanted is None:
            return None
        # Line zero stands for the file as a whole.
        self.passed.add((code.co_filename, 0))
        left = {line for line in wanted if (code.co_filename, line) not in self.passed}
        return self._line if left else None

    def _line(self, frame: FrameType, event: str, argument: object) -> Callable | None:
        self.passed.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Trace one test."""
        self.passed = set()
        start = time.process_time()
        # What takes long will not be asked for, so it need not be traced to its end.
        signal.signal(signal.SIGVTALRM, lambda *_: sys.settrace(None))
        signal.setitimer(signal.ITIMER_VIRTUAL, 1.1 * LONGEST)
        sys.settrace(self._call)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            seconds = time.process_time() - start
            passed = [(os.path.relpath(name, ROOT), line) for name, line in self.passed]
            if item.nodeid not in self.failed:
                self.found[item.nodeid] = {"seconds": seconds, "passed": sorted(passed)}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Leave out what fails as it is: a test of its own speed does, when it is traced."""
        if report.failed:
            print(f"left out: {report.nodeid}", file=sys.stderr)
            self.failed.add(report.nodeid)


class Tell:
    """A plugin of pytest that tells which test failed."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tell it at once: what comes later may hang."""
        if report.failed:
            self.tell(report.nodeid)


class Choice:
    """A plugin of pytest that runs some tests only, in a given order, each for some time only."""

    def __init__(self, tests: dict[str, float], tell: Callable[[str], None]) -> None:
        self.tests = tests
        self.tell = tell
        self.place = {name: number for number, name in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Choose and sort."""
        items[:] = [item for item in items if item.nodeid in self.place]
        items.sort(key=lambda item: self.place[item.nodeid])

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Give the test several times the seconds it took under tracing, and no more."""
        limit = 5 + 3 * self.tests[item.nodeid]
        signal.signal(signal.SIGVTALRM, lambda *_: self._end(item.nodeid))
        signal.setitimer(signal.ITIMER_VIRTUAL, limit)

    def _end(self, name: str) -> None:
        self.tell(f"{name} (hangs)")
        os._exit(1)


class Planted(MetaPathFinder):
    """Imports one module from a mutant's source."""

    def __init__(self, mutant: Mutant) -> None:
        self.file = ROOT / mutant.path
        parts = mutant.path.removesuffix(".py").removesuffix("/__init__").split("/")
        self.module = ".".join(parts)
        self.code = compile(mutant.source, self.file, "exec")

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> Any:
        """Find the mutant, and nothing else."""
        if fullname != self.module:
            return None
        loader = SourceFileLoader(fullname, str(self.file))
        loader.get_code = lambda fullname: self.code  # type: ignore[method-assign]
        spec: ModuleSpec | None = spec_from_file_location(fullname, self.file, loader=loader)
        return spec


def apart(work: Callable[[Callable[[str], None]], int]) -> tuple[int, str]:
    """Do something in a copy of this process; how it ended, and the last line that it told."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = 3
        try:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            with os.fdopen(writing, "w") as pipe:
                code = work(lambda text: print(text, file=pipe, flush=True))
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), told[-1] if told else ""


def passing(chosen: list[Mutant], kept: Path) -> dict[str, dict[str, Any]]:
    """Which lines of the mutants each test passes, of all tests that hold without any mutant.

    It is kept in a file, as it takes minutes.
    """

    def work(tell: Callable[[str], None]) -> int:
        watch = Watch(chosen)
        folders = [f"tests/{name}" for name in TESTS]
        code = pytest.main([*QUIET, *folders], plugins=[watch])
        tell(json.dumps(watch.found))
        return int(code)

    keys = {mutant.key for mutant in chosen}
    before = json.loads(kept.read_text()) if kept.exists() else {"tests": "", "keys": []}
    if before["tests"] == digest() and keys <= set(before["keys"]):
        return before["found"]
    code, told = apart(work)
    found = json.loads(told or "{}")
    if code > pytest.ExitCode.TESTS_FAILED or not found:
        sys.exit(f"the tests cannot be run: {code}")
    kept.write_text(json.dumps({"tests": digest(), "keys": sorted(keys), "found": found}))
    return found


# Judging
# --------------------------------------------------------------------------------------------------


def seeing(mutant: Mutant, found: dict[str, dict[str, Any]], most: float) -> dict[str, float]:
    """The tests that pass a mutant's lines, those of its file first, fast ones first.

    As many as fit into some seconds, and what each of them takes.
    """
    wanted = {(mutant.path, line) for line in mutant.lines or [0]}
    own = f"test_{Path(mutant.path).stem.strip('_')}.py"
    tests = {
        name: test["seconds"]
        for name, test in found.items()
        if test["seconds"] < LONGEST and wanted & {(path, line) for path, line in test["passed"]}
    }
    ranked = sorted(tests.items(), key=lambda item: (own not in item[0], item[1]))
    spent = accumulate(took for _, took in ranked)
    return {name: took for (name, took), so_far in zip(ranked, spent, strict=True) if so_far < most}


def verdict(mutant: Mutant, tests: dict[str, float]) -> str:
    """The test that notices a mutant, or nothing."""

    def work(tell: Callable[[str], None]) -> int:
        sys.meta_path.insert(0, Planted(mutant))
        files = sorted({name.partition("::")[0] for name in tests})
        # What breaks while the tests are loaded is noticed as well.
        return int(pytest.main(["-x", *QUIET, *files], plugins=[Choice(tests, tell), Tell(tell)]))

    if not tests:
        return ""
    code, told = apart(work)
    return "" if code == 0 else told or f"ended with {code}"


def digest() -> str:
    """What stands for all tests: what lived before them may be killed by new ones."""
    tests = [path.read_bytes() for path in sorted((ROOT / "tests").rglob("*.py"))]
    return hashlib.sha256(b"".join(tests)).hexdigest()[:16]


def main() -> None:
    """Draw, plant, test and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20.0, help="of tests for each mutant")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "mutants.jsonl")
    asked = parser.parse_args()
    chosen, number = drawn(asked.number, asked.seed)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.touch()
    rows = [json.loads(row) for row in asked.out.read_text().splitlines()]
    tests_now = digest()
    # Who was killed stays dead; who lived has to live through the tests as they are now.
    known = {
        row["key"]: row["killer"] for row in rows if row["killer"] or row["tests"] == tests_now
    }
    left = [mutant for mutant in chosen if mutant.key not in known]
    for module in SHARED:
        importlib.import_module(module)
    found = passing(left, asked.out.with_suffix(".passing")) if left else {}
    for done, mutant in enumerate(left, 1):
        start = time.monotonic()
        killer = verdict(mutant, seeing(mutant, found, asked.seconds))
        known[mutant.key] = killer
        row = {"key": mutant.key, "tests": tests_now, "mutant": mutant.name, "line": mutant.line}
        row |= {"killer": killer, "seconds": round(time.monotonic() - start, 1)}
        with asked.out.open("a", encoding="utf-8") as file:
            print(json.dumps(row, ensure_ascii=False), file=file)
        if done % 10 == 0:
            print(f"{done} of {len(left)}", file=sys.stderr, flush=True)
    reasons = {row["mutant"]: row["reason"] for row in YAML(typ="safe").load(KNOWN)}
    alive = [mutant for mutant in chosen if not known[mutant.key]]
    for mutant in sorted(alive):
        print(f"alive: {mutant.path}:{mutant.line}: {mutant.function}: {mutant.change}")
        print(f"       {reasons.get(mutant.name, 'nobody has looked at it yet')}")
    share = 1 - len(alive) / len(chosen)
    print(f"{share:.1%} of {len(chosen)} mutants killed (of {number}, seed {asked.seed})")


if __name__ == "__main__":
    main()
