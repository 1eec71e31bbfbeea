"""The command line as its user meets it: what it answers."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sim import __version__ as version
from sim import catalogue
from sim.cli.fact_answers import explained
from sim.results.ledger import PLACES, TIME
from sim.results.metrics import metrics_of
from sim.scenario import load_scenario, names
from sim.validation.fleets import factors
from tests.cli.program import GOOD, Sim, contents

METRICS = {
    "wall_days",
    "ettr",
    "goodput_tokens_per_s",
    "mfu",
    "interruptions",
    "gpu_hours_computing",
    "gpu_hours_allocated",
    "cost_rental_usd",
    "cost_amortised_usd",
    "energy_mwh",
    "tokens",
    *(f"time.{category}_days" for category in TIME),
    *(f"chips.{place}_days" for place in PLACES),
    "stock.H800-SXM-80_end",
}
SMALL = ["run", "deepseek-v3", "--set", "run.tokens=1e12", "--replications"]


def test_run_answers_with_the_keys_of_the_contract(sim: Sim, tmp_path: Path) -> None:
    answer = sim(*SMALL, "3", "--seed", "5", "--json")
    assert answer.code == 0
    report = json.loads(answer.out)
    keys = [
        "schema",
        "version",
        "scenario",
        "seed",
        "replications",
        "fingerprint",
        "finished",
        "completion_days",
        "metrics",
        "depletion",
        "domain",
    ]
    assert list(report)[: len(keys)] == keys
    assert (report["schema"], report["version"]) == ("sim/1", version)
    assert report["asked"] == {"run.tokens": 1e12}
    assert report["status"] == "counterfactual"
    assert report["units"]["wall_days"] == "days"
    assert report["units"].keys() == report["metrics"].keys()
    assert report["idle_chips"] == {"good": 0}
    assert {"DSV3", "LLAMA3"} <= set(report["sources"])
    assert (report["scenario"], report["seed"], report["replications"], report["finished"]) == (
        "deepseek-v3",
        5,
        3,
        1.0,
    )
    assert len(bytes.fromhex(report["fingerprint"])) == 32
    assert list(report["completion_days"]) == ["p10", "p50", "p90"]
    assert set(report["metrics"]) >= METRICS
    for name, values in report["metrics"].items():
        assert list(values) == ["mean", "lo", "hi", "sd", "p5", "p95"], name
        assert values["mean"] is None or values["lo"] <= values["mean"] <= values["hi"], name
    assert report["metrics"]["tokens"]["mean"] == 1e12
    assert not contents(tmp_path)
    assert "\r" not in answer.err, "no progress bar where nobody looks"


def test_run_says_null_where_most_runs_are_censored(sim: Sim) -> None:
    answer = sim("run", "deepseek-v3", "--set", "horizon=2 d", "--replications", "2", "--json")
    report = json.loads(answer.out)
    assert report["finished"] == 0
    assert set(report["completion_days"].values()) == {None}


def test_run_draws_the_same_from_one_or_two_processes_and_another_from_another_seed(
    sim: Sim,
) -> None:
    one, two, other = (
        json.loads(sim(*SMALL, "4", *more, "--json").out)
        for more in ([], ["--jobs", "2"], ["--seed", "1"])
    )
    assert one == two
    assert one["fingerprint"] != other["fingerprint"]


def test_run_prints_a_table_for_people(sim: Sim) -> None:
    answer = sim(
        "run",
        "two-thousand-plus",
        "--set",
        "run.tokens=1e12",
        "--replications",
        "2",
        "--fixed-inputs",
    )
    assert answer.code == 0
    assert "counterfactual: no published run has done this" in answer.out.splitlines()[0]
    assert all(f"  {name} " in answer.out for name in ("wall_days", "ettr", "interruptions"))
    rows = [line.split() for line in answer.out.splitlines()]
    assert all(
        row[1] != "0" or row[2:5] != ["0", "…", "0"] for row in rows if row and row[0] in TIME
    )
    [_, clock, *_] = re.findall(r"zero in every run: (.*)", answer.out)
    assert {"reconfigure", "wait"} <= set(clock.split(", "))


def test_what_stands_idle_is_said_and_a_title_follows_what_was_set(sim: Sim) -> None:
    fewer = ("--set", "fleet.good.chips=2000", "--set", "horizon=2 d")
    run = sim("run", "deepseek-v3", *fewer, "--replications", "1")
    other = sim("compare", "deepseek-v3", "deepseek-v3", *fewer, "--replications", "1")
    step = sim("steptime", "deepseek-v3", *fewer)
    for answer in (run, other, step):
        heading = answer.out.splitlines()[0].removeprefix("a: ")
        assert heading.startswith("deepseek-v3 on 2,000 H800-SXM-80 (counterfactual: ")
        assert "2,048 H800" not in answer.out
        assert "976 chips idle; tensor 1, pipeline 16, context 1, expert 64" in answer.out
        assert "the planner's own layout is 78." in answer.out
        assert "a checkpoint every 1,800 s; the best interval is" in answer.out
    assert "\nsources: ASSUMED, " in run.out
    data = json.loads(sim("steptime", "deepseek-v3", *fewer, "--json").out)
    assert data["asked"] == {"fleet.good.chips": 2000, "horizon": "2 d"}
    assert data["idle_chips"] == {"good": 976}
    assert (data["schema"], data["units"]["tokens_per_s"]) == ("sim/1", "tokens/s")


def test_what_is_not_given_is_said(sim: Sim, tmp_path: Path) -> None:
    bare = GOOD[: GOOD.index("checkpoint:")].replace("status: benchmark\n", "")
    (tmp_path / "mine.yaml").write_text(bare.replace("failures: hopper-llama-3", "hot_spares: 1"))
    answer = sim("run", "mine.yaml", "--replications", "1")
    assert answer.out.startswith("A question of my own (plan)\n")
    assert "\nnot given, taken as none: checkpoint, restart, failures\n" in answer.out
    causes = "fleet.good.failures={causes: [{cause: gpu, per_1000_node_days: 1}]}"
    data = json.loads(sim("run", "mine.yaml", "--set", causes, "--replications", "1", "--json").out)
    assert data["taken_as_none"] == ["checkpoint", "restart", "repair"]
    assert data["status"] == "plan"
    step = json.loads(sim("steptime", "mine.yaml", "--json").out)
    assert step["taken_as_none"] == ["checkpoint", "restart", "failures"]
    answer = sim("run", "mine.yaml", "--set", causes, "--replications", "1")
    assert "restart, repair; a node without repair is back at once\n" in answer.out


def test_the_version(sim: Sim) -> None:
    assert sim("--version") == (0, f"{version} (engine: as written)\n", "")


def test_a_shell_can_complete_commands_and_options() -> None:
    """B8: as the script asks that `--show-completion` prints."""
    script = [sys.executable, "-m", "sim", "--show-completion", "bash"]
    shown = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert "_SIM_COMPLETE=complete_bash" in shown
    for words, place, expected in (
        ("sim sen", 1, "sensitivity"),
        ("sim run --max", 2, "--max-events"),
    ):
        asked = {"_SIM_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(place)}
        found = subprocess.run(
            [sys.executable, "-m", "sim"], env=os.environ | asked, capture_output=True, text=True
        )
        assert (found.stdout.split(), found.stderr) == ([expected], "")


def test_run_keeps_a_record(sim: Sim, tmp_path: Path) -> None:
    report = json.loads(sim(*SMALL, "3", "--out", "new/record", "--json").out)
    record = tmp_path / "new" / "record"
    assert {"scenario.json", "runs.csv", "summary.json"} <= set(contents(record))
    assert json.loads((record / "summary.json").read_text()) == report
    again = load_scenario(json.loads((record / "scenario.json").read_text()))
    assert (again.name, again.run.tokens) == ("deepseek-v3", 1e12)
    assert len((record / "runs.csv").read_text().splitlines()) == 4


@pytest.mark.parametrize("out", ["a-file", "a-file/below"])
def test_a_record_cannot_go_where_a_file_is(sim: Sim, tmp_path: Path, out: str) -> None:
    (tmp_path / "a-file").write_text("mine")
    answer = sim(*SMALL, "1", "--out", out)
    assert answer == (2, "", f"error: {out}: cannot be used as a folder (Not a directory)\n")
    assert contents(tmp_path) == {"a-file": b"mine"}


def test_steptime(sim: Sim, tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(GOOD[GOOD.index("run:") : GOOD.index("checkpoint:")])
    answer = json.loads(sim("steptime", "case.yaml", "--json").out)
    assert answer["step_seconds"] > 0
    assert sum(answer["parts"].values()) == pytest.approx(answer["step_seconds"], rel=1e-9)
    text = sim("steptime", "case.yaml", "--set", "fleet.good.chips=1024").out
    assert "s a step" in text
    assert "bottleneck: " in text


def test_catalogue(sim: Sim) -> None:
    tables, chips, chip = (
        sim("catalogue"),
        sim("catalogue", "chips"),
        sim("catalogue", "chips", "H800-SXM-80"),
    )
    assert all(answer.code == 0 and not answer.err for answer in (tables, chips, chip))
    assert all(kind in tables.out for kind in catalogue.kinds())
    assert all(name in chips.out for name in catalogue.table("chips"))
    [line] = [line for line in chip.out.splitlines() if line.strip().startswith("memory ")]
    assert line.split() == ["memory", "80", "GB", "reported,", "EPOCHHW"]
    assert "Epoch AI" in chip.out


def test_the_failure_tables_say_by_what_they_differ_elsewhere_and_later(sim: Sim) -> None:
    lines = sim("catalogue", "failures").out.splitlines()
    for what, factor in factors().items():
        [line] = [line for line in lines if line.strip().startswith(what)]
        assert f"90 % between {factor.draw(0.05):.3g} and {factor.draw(0.95):.3g}" in line


@pytest.mark.parametrize("kind", catalogue.kinds())
def test_every_entry_of_the_catalogue_can_be_shown(sim: Sim, kind: str) -> None:
    for name in catalogue.table(kind):
        answer = sim("catalogue", kind, name)
        assert answer.code == 0
        assert answer.out.startswith(name)


def test_scenarios(sim: Sim) -> None:
    lines = sim("scenarios").out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        [name, load_scenario(name).status] for name in names()
    ]


def test_schema(sim: Sim) -> None:
    answer = json.loads(sim("schema").out)
    assert answer["$schema"].startswith("https://json-schema.org/")
    assert {"run", "fleet", "like"} <= answer["properties"].keys()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ettr", "ettr: a metric of a run, in share\n  Effective training time ratio"),
        ("rework", "time.rework_days: a metric of a run, in days\n"),
        ("fleet.weak.chips", "fleet.NAME.chips: a key of a scenario, in chip\n  Active chips"),
        ("evict_after", "recovery.evict_after: a key of a scenario\n"),
        ("run.phases.until", "run.phases.0.until: a key of a scenario, in token\n"),
        ("run.phases.1.until", "run.phases.0.until: a key of a scenario, in token\n"),
        ("causes.restart", "fleet.NAME.failures.causes.0.restart: a key"),
        ("fleet.weak.failures.causes.detect", "fleet.NAME.failures.causes.0.detect: a key"),
    ],
)
def test_explain(sim: Sim, name: str, says: str) -> None:
    answer = sim("explain", name)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(says)


def test_every_metric_of_a_run_can_be_explained(sim: Sim) -> None:
    report = json.loads(sim("run", "deepseek-v3", "--replications", "2", "--json").out)
    for name in report["metrics"]:
        # Families of metrics are explained once, for any chip.
        family = {
            "stock": "stock.CHIP_end",
            "depleted": "depleted.POOL",
            "phase": "phase.K_end_days",
        }
        known = family.get(name.partition(".")[0], name) if "." in name else name
        assert sim("explain", name).out.startswith(f"{known}: a metric of a run")


@pytest.mark.parametrize("name", ["embargoed-stock", "national-stock"])
def test_every_metric_over_years_can_be_explained(name: str) -> None:
    for metric in metrics_of(load_scenario(name)):
        told = explained(metric)
        assert re.match(r"\S+: a metric of (a run|a programme|an outlook)", told), metric


def outside(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The real thing: another process, another folder."""
    words = [sys.executable, "-m", "sim", *arguments]
    return subprocess.run(
        words, cwd=folder, env=os.environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_as_a_program_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        f"x: !!python/object/apply:os.system ['touch boom']\n{GOOD}"
    )
    wrong = outside(tmp_path, "run", "mine.yaml", "--json")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    tag = "!!python/object/apply:os.system"
    assert (
        wrong.stderr
        == f"error: mine.yaml, line 1: the tag {tag} is not allowed; only plain data is\n"
    )
    assert list(contents(tmp_path)) == ["mine.yaml"]


def test_a_reader_who_goes_away_gets_no_traceback(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "sim", "scenarios"]
    with subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (1, b"")


def test_what_is_assumed_of_a_cause_without_repair_is_said(sim: Sim) -> None:
    """A28: its nodes came back at once, silently."""
    cause = "{cause: fan, per_1000_node_days: 1}"
    change = f"fleet.good.failures={{causes: [{cause}]}}"
    answer = sim("run", "deepseek-v3", "--set", change, "--replications", "1")
    [told] = [line for line in answer.out.splitlines() if line.startswith("not given")]
    assert "repair" in told
    assert told.endswith("a node without repair is back at once")


def test_the_spread_is_split_in_words_and_unfinished_runs_are_told(sim: Sim) -> None:
    answer = sim("run", "deepseek-v3", "--set", "horizon=58 d", "--replications", "8", "--split")
    told = re.search(r"\nthe horizon, day 58, ended (\d) runs: means are restricted", answer.out)
    assert told
    assert 1 <= int(told[1]) <= 8
    _, *parts = answer.out[answer.out.index("the spread of wall_days comes from") :].splitlines()
    told = [words[1] for line in parts if len(words := line.split("  ")) > 1]
    assert told[:3] == ["chance", "unknown inputs", "the step-time model"]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (
            "run: {model: gpt-1.7b, tokens: 1e10, batch: {sequences: 256}}\n"
            "fleet: {own: {chip: H100-SXM-80, chips: 8, stack: llama-3}}\n",
            "OUTSIDE of what was published (number of chips 0.00098 times",
        ),
        (
            "run: {model: {like: deepseek-moe-16b, experts: {count: 128}}, tokens: 1e10, "
            "batch: {sequences: 512}}\n"
            "fleet: {own: {chip: H100-SXM-80, chips: 64, stack: megatron-core}}\n",
            "where nothing was fitted to such models",
        ),
        (
            "run: {model: mpt-13b, tokens: 1e10, batch: {sequences: 512}}\n"
            "fleet: {own: {chip: H100-SXM-80, chips: 64, stack: llm-foundry, "
            "layout: {tensor: 1, pipeline: 1, zero: 3, recompute: full}}}\n",
            "of what was published (number of chips 8 times",
        ),
    ],
)
def test_step_times_say_first_which_side_is_outside_and_by_what(
    sim: Sim, tmp_path: Path, case: str, words: str
) -> None:
    (tmp_path / "case.yaml").write_text(case)
    answer = sim("steptime", str(tmp_path / "case.yaml"))
    assert answer.code == 0
    _, first, *_ = answer.out.splitlines()
    assert first.startswith("own: ")
    assert words in first
    assert "90 % band of the step time -" in first
    told = json.loads(sim("steptime", str(tmp_path / "case.yaml"), "--json").out)["domain"]["own"]
    assert told["inside"] == ("inside" in first)
    low, high = told["band90"]
    assert low < 1 < high
