"""The command line, called in the process of a test."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from sim import __main__ as command_line

GOOD = """\
title: A question of my own
status: benchmark
horizon: 30 d
run: {model: deepseek-v3, tokens: 1e11, batch: {sequences: 15360, micro: 1}}
fleet:
  good:
    chip: H800-SXM-80
    chips: 2048
    stack: hai-llm
    failures: hopper-llama-3
    layout: {tensor: 1, pipeline: 16, expert: 64}
checkpoint: {interval: 30 min, blocking: 1 s, flush: 2 min, load: 2 min}
recovery: {policy: wait, restart: 10 min}
fabric: {congestion: dedicated, step_noise: 0.01}
"""
"""A scenario without a fault."""


class Answer(NamedTuple):
    code: int
    out: str
    err: str


Sim = Callable[..., Answer]


def program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sim:
    """The command line in this process."""

    def call(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["sim", *arguments])
        code = 0
        try:
            command_line.main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return call


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
