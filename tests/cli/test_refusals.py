"""How the command line says no."""

import os
from pathlib import Path

import pytest

from tests.cli.program import GOOD, Sim, contents

MODEL = (
    "{parameters: 175e9, active_parameters: 175e9, layers: 96, hidden: 12288, heads: 96, sequence: 2048,"
    " vocabulary: 51200, atention: full}"
)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("horizon", "horizn", 'line 3: horizn is unknown (did you mean "horizon"?); allowed: like, run, fleet'),
        ("interval", "intervall", 'line 12: checkpoint.intervall is unknown (did you mean "interval"?)'),
        ("    chips", "    chps", 'line 8: fleet.good.chps is unknown (did you mean "chips"?); allowed: '),
        ("model: deepseek-v3", f"model: {MODEL}", 'line 4: run.model.atention is unknown (did you mean "attention"?)'),
        ("chips: 2048", "chips: -8", "line 8: fleet.good.chips = -8: must not be negative"),
        ("flush: 2 min", "flush: -2 min", "line 12: checkpoint.flush = '-2 min': must not be negative"),
        ("flush: 2 min", "flush: 2 GB", "line 12: checkpoint.flush: '2 GB' is a quantity of another kind"),
        ("flush: 2 min", "flush: 120", "line 12: checkpoint.flush = 120: a unit is missing; expected a quantity in s"),
        ("flush: 2 min", "flush: 9**9**9 s", "line 12: checkpoint.flush: '9**9**9 s' cannot be read; expected"),
        ("restart: 10 min", "restart: 600", "line 13: recovery.restart = 600: a unit is missing"),
        ("H800-SXM-80", "H800-SXM-8O", 'line 7: fleet.good.chip: no \'H800-SXM-8O\' among the chips (did you mean'),
        ("deepseek-v3", "deepsek-v3", 'line 4: run.model: no \'deepsek-v3\' among the models (did you mean'),
        ("hai-llm", "hai-lm", 'line 9: fleet.good.stack: no \'hai-lm\' among the stacks (did you mean "hai-llm"?)'),
        ("hopper-llama-3", "hoper-llama-3", 'line 10: fleet.good.failures: no \'hoper-llama-3\' among the failures'),
        ("dedicated", "dedicate", 'line 14: fabric.congestion: no \'dedicate\' among the fabrics'),
        ("title:", "policy: {us-2022-10-08: {}}\ntitle:", "line 1: policy: no policy event 'us-2022-10-08' in"),
        (GOOD[GOOD.index("fleet:") : GOOD.index("checkpoint:")], "fleet: {}\n", "line 5: fleet: the fleet is empty"),
        (GOOD[GOOD.index("fleet:") : GOOD.index("checkpoint:")], "", "line 1: fleet is missing"),
        ("    chips: 2048\n", "", "line 6: fleet.good: the pool has no chips; give chips or nodes"),
        ("chips: 2048", "chips: 2047", "line 8: fleet.good.chips: 2,047 chips are not whole nodes of 8; nearest: 2048"),
        ("chips: 2048", "chips: 2048\n    nodes: 256", "line 6: fleet.good: give chips or nodes, not both"),
        ("chips: 2048", "chips: [2048]", "line 8: fleet.good.chips = [2048]: expected a number of chips"),
        ("chips: 2048", "chips: 8", "8 chips of 80 GB cannot hold one replica of DeepSeek-V3"),
        ("step_noise: 0.01", "step_noise: low", "line 14: fabric.step_noise: 'low' cannot be read; expected"),
        ("tensor: 1", "tensor: true", "line 11: fleet.good.layout.tensor = true: expected a whole number"),
        ("blocking: 1 s", "blocking: 29 min", "line 12: checkpoint: blocking + flush can take 1,860 s"),
        ("status: benchmark", "status: bench", "line 2: status = 'bench': expected 'reconstruction', 'counterfactual'"),
        ("horizon: 30 d", "horizon: 30 d\nhorizon: 40 d", "line 4: the key 'horizon' is already there on line 3"),
        (GOOD, "- 1\n- 2\n", "mine.yaml: a scenario is a mapping of keys to values"),
        (GOOD, "", "mine.yaml: is empty"),
        ("title: A", "title: !!python/object/apply:os.system ['touch boom']\nx: A", "line 1: the tag !!python/object"),
        ("title:", "like: [a]\ntitle:", "line 1: like takes the name or path of a scenario"),
        ("title: A", "title: [\nx: A", "is not YAML"),
        ("title: A", "x: &x [*x]\ntitle: A", "line 1: is nested more than 40 levels deep, or refers to itself"),
        (GOOD, "a: " + "[" * 500, "mine.yaml: is nested more than 40 levels deep"),
    ],
    ids=lambda text: text.strip()[:24] or "nothing",
)  # fmt: skip
def test_a_wrong_scenario_gets_one_clear_message(
    sim: Sim, tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert GOOD.count(old) == 1
    (tmp_path / "mine.yaml").write_text(GOOD.replace(old, new))
    before = contents(tmp_path)
    answer = sim("run", "mine.yaml", "--replications", "2", "--out", "record", "--json")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert says in answer.err
    assert len(answer.err) < 600
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            b"\x00\x01\xff\xfe\x80",
            "error: mine.yaml: is no UTF-8 text from byte 2 on",
        ),
        (b"x: " + b"y" * 600_000, "error: mine.yaml: is larger than 500,000 bytes"),
        (None, "error: mine.yaml: cannot be read (No such file or directory)"),
    ],
    ids=["binary", "large", "missing"],
)
def test_a_file_that_is_no_scenario(
    sim: Sim, tmp_path: Path, content: bytes | None, says: str
) -> None:
    if content:
        (tmp_path / "mine.yaml").write_bytes(content)
    assert sim("run", "mine.yaml") == (2, "", says + "\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "."], "error: .: is a folder, not a file"),
        (
            ["run", "deepsek-v3"],
            "error: no scenario 'deepsek-v3' (did you mean \"deepseek-v3\"?); known: ",
        ),
        (
            ["steptime", "deepsek-v3"],
            "error: no scenario 'deepsek-v3' (did you mean \"deepseek-v3\"?); known: ",
        ),
        (
            ["steptime", "deepseek-v3", "--set", "fleet.good.chps=64"],
            "error: fleet.good.chps is unknown (did you",
        ),
        (
            ["run", "deepseek-v3", "--replications", "3", "--precision", "0.1"],
            "error: give either --replications or",
        ),
        (
            ["catalogue", "chps"],
            "error: the catalogue has no table 'chps' (did you mean \"chips\"?); allowed: chips, ",
        ),
        (
            ["catalogue", "chips", "H801"],
            "error: no 'H801' among the chips (did you mean \"H800-SXM-80\"?); known: ",
        ),
        (["explain", "etr"], "error: no metric or key is called 'etr' (did you mean \"ettr\"?)"),
        (
            ["explain", "recovery.polcy"],
            "error: no metric or key is called 'recovery.polcy' (did you mean \"recovery.policy\"?)",
        ),
        (
            ["catalogue", "chips", "H800"],
            "error: no 'H800' among the chips (did you mean \"H800-SXM-80\"?); known: ",
        ),
    ],
    ids=" ".join,
)
def test_a_wrong_name_gets_the_nearest(
    sim: Sim, tmp_path: Path, arguments: list[str], says: str
) -> None:
    answer = sim(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(says)
    assert answer.err.count("\n") == 1
    assert not contents(tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("fleet.good.chips", "error: --set fleet.good.chips: expected NAME=VALUE"),
        ("=3", "error: --set =3: expected NAME=VALUE"),
        (
            "fleet.good.chps=64",
            'error: fleet.good.chps is unknown (did you mean "chips"?); allowed: chip, chips',
        ),
        ("horizn=3 d", 'error: horizn is unknown (did you mean "horizon"?)'),
        (
            "checkpoint.flush=2 GB",
            "error: checkpoint.flush: '2 GB' is a quantity of another kind",
        ),
        ("checkpoint.flush=a: b: c", "error: --set checkpoint.flush, line 1: is not YAML"),
        (
            "title=!!python/object/apply:os.system [x]",
            "error: --set title, line 1: the tag !!python/object/apply:os.sy",
        ),
        (
            "fleet.good.stack.overlp=0.5",
            'error: fleet.good.stack.overlp is unknown (did you mean "overlap"?)',
        ),
        (
            "checkpoint.flush.x=1",
            "error: setting checkpoint.flush.x: there are no keys below '2 min'",
        ),
    ],
)
def test_a_wrong_set(sim: Sim, tmp_path: Path, change: str, says: str) -> None:
    answer = sim("run", "deepseek-v3", "--set", change, "--json")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(says)
    assert answer.err.count("\n") == 1
    assert not contents(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [["run"], ["boom"], ["run", "deepseek-v3", "--replications", "0"], ["run", "x", "--seed", "-1"], ["run", "-x"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage(sim: Sim, arguments: list[str]) -> None:
    answer = sim(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert "Usage: sim" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in folders")
def test_a_pipe_is_no_scenario(sim: Sim, tmp_path: Path) -> None:
    """What is on the other side of `<(printf …)` may never end, and every worker would read it."""
    os.mkfifo(tmp_path / "pipe.yaml")
    answer = sim("run", "pipe.yaml")
    assert (answer.code, answer.out) == (2, "")
    told = "error: pipe.yaml: is not a regular file; write what it holds into one"
    assert answer.err.startswith(told)
