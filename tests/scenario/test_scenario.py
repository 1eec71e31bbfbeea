"""Scenarios: what one may say, how it merges with what it is like, and how it is changed."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sim import documents
from sim.errors import InputError
from sim.quantities.distributions import Constant, Triangular
from sim.quantities.uncertain import Uncertain
from sim.quantities.units import parse
from sim.scenario import Layout, Scenario, load_case, load_scenario, names
from sim.scenario.reading import FOLDER, merge
from sim.scenario.schema import schema

EXAMPLE = """\
name: two-thousand-plus
title: 2,000 H800 and thousands of weaker chips
status: counterfactual                     # reconstruction | counterfactual | benchmark
like: deepseek-v3                          # optional: start from another scenario; mappings merge by key
start: 2024-06-01
horizon: 1 yr                              # unfinished then: censored
run: {model: deepseek-v3, tokens: 14.8e12, batch: {sequences: 15360, micro: 1}}
fleet:
  good: {chip: H800-SXM-80, chips: 2048, hot_spares: 4, cold_spares: 0, stack: hai-llm,
         failures: hopper-llama-3, layout: {pipeline: 16, expert: 64}}
  weak: {chip: A100-PCIe-40, chips: 4096, stack: haiscale, failures: fire-flyer}
mixing: {boundary: data, efficiency: {uncertain: [0.93, 0.97, 1.0]}}
checkpoint: {interval: 30 min, blocking: 1 s, flush: 2 min, load: 2 min}
recovery: {policy: wait, restart: 10 min}
fabric:
  congestion: dedicated
  flaps: {per_node_day: 0.02, duration: {lognormal: {median: 3 s, sigma: 1}}, ride_through: 60 s}
  step_noise: 0.01
depot:
  stock: {H800-SXM-80: 64 chips}
  repair:
    capacity: 500 per month
    turnaround: {lognormal: {median: 10 d, sigma: 0.5}}
    success: {uncertain: [0.5, 0.7, 0.85]}
  deliveries:
    - {date: 2024-09-01, chip: H800-SXM-80, chips: 64}
  cannibalise: true
policy: {us-2022-10-07: {}, us-2023-10-17: {date: 2024-04-17}}
"""
"""The example of the documentation in full."""

MINIMAL: dict[str, Any] = {
    "run": {"model": "deepseek-v3", "tokens": 1e12, "batch": {"sequences": 15360}},
    "fleet": {"good": {"chip": "H800-SXM-80", "chips": 2048, "stack": "hai-llm"}},
}


def with_(changes: dict[str, Any]) -> Scenario:
    return load_scenario(merge(MINIMAL, changes))


def said(scenario: Scenario) -> tuple[dict[str, Any], dict[str, Any]]:
    """All that it says, without where it was read from."""
    return dict(scenario), {
        name: number.distribution for name, number in scenario.unknowns().items()
    }


def refusal(changes: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        with_(changes)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_documented_example_loads(folder: Path) -> None:
    (folder / "example.yaml").write_text(EXAMPLE)
    scenario = load_scenario("example.yaml")
    assert (scenario.name, scenario.status, scenario.start) == (
        "two-thousand-plus",
        "counterfactual",
        dt.date(2024, 6, 1),
    )
    assert scenario.horizon == 365.25 * 86400
    good, weak = scenario.fleet["good"], scenario.fleet["weak"]
    assert (good.active_chips, good.active_nodes, good.hot_spares, good.cold_spares) == (
        2048,
        256,
        4,
        0,
    )
    assert (weak.active_chips, weak.chip.name, weak.stack.name, weak.layout) == (
        4096,
        "A100-PCIe-40",
        "haiscale",
        Layout(),
    )
    assert (good.layout.pipeline, good.layout.expert) == (16, 64)
    assert good.layout.tensor == 1, "inherited: mappings merge by key"
    assert isinstance(scenario.mixing.efficiency, Uncertain)
    assert scenario.mixing.efficiency.distribution == Triangular(0.93, 0.97, 1.0)
    checkpoint = scenario.checkpoint
    assert (checkpoint.interval, checkpoint.blocking, checkpoint.flush, checkpoint.load) == (
        1800,
        1,
        120,
        120,
    )
    assert scenario.recovery.restart == Constant(600)
    assert scenario.fabric.congestion
    assert scenario.fabric.flaps
    assert (scenario.fabric.flaps.per_node_day, scenario.fabric.flaps.ride_through) == (0.02, 60)
    assert scenario.depot.stock == {"H800-SXM-80": 64}
    assert scenario.depot.repair
    assert scenario.depot.repair.capacity == parse("500 per month", "1/s")
    [delivery] = scenario.depot.deliveries
    assert (delivery.date, delivery.chips) == (dt.date(2024, 9, 1), 64)
    assert scenario.depot.cannibalise
    assert scenario.policy["us-2022-10-07"].date == dt.date(2022, 10, 7), "as the catalogue has it"
    assert scenario.policy["us-2023-10-17"].date == dt.date(2024, 4, 17), "moved"


@pytest.mark.parametrize("name", names())
def test_every_scenario_that_comes_with_the_project_loads_and_can_be_built_again(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    assert scenario.title
    assert said(load_scenario(scenario.data)) == said(scenario)
    assert said(load_scenario(json.loads(json.dumps(scenario.data, default=str)))) == said(
        scenario
    ), "a record too"


def test_a_scenario_is_frozen() -> None:
    with pytest.raises(Exception, match="frozen"):
        load_scenario("deepseek-v3").title = "another"  # type: ignore[misc]


def test_only_a_programme_may_begin_with_nothing() -> None:
    empty = {"fleet": {"more": {**MINIMAL["fleet"]["good"], "chips": 0}}}
    runs = {"every": "1 yr", "growth": "2 per yr", "chips": 64}
    assert with_({**empty, "runs": runs}).fleet["more"].active_chips == 0
    assert "fleet.more: the pool has no nodes" in refusal(empty)
    with pytest.raises(InputError, match=r"fleet\.more: the pool has no nodes"):
        load_case(merge(MINIMAL, {**empty, "runs": runs}))


def test_a_catalogue_entry_may_be_spelt_out_or_changed() -> None:
    model = {
        "parameters": 175e9,
        "active_parameters": 175e9,
        "layers": 96,
        "hidden": 12288,
        "heads": 96,
        "sequence": 2048,
        "vocabulary": 51200,
        "attention": "full",
    }
    scenario = with_(
        {
            "run": {"model": model},
            "fleet": {"good": {"chip": {"like": "H800-SXM-80", "memory": "96 GB"}}},
        }
    )
    assert (scenario.run.model.layers, scenario.run.model.attention) == (96, "full")
    chip = scenario.fleet["good"].chip
    assert (chip.memory, chip.bf16, chip.name) == (96e9, 989e12, "H800-SXM-80")
    assert isinstance(chip.kernel_efficiency, Uncertain)
    assert chip.kernel_efficiency.name == "chips.Hopper-SXM.kernel_efficiency", (
        "still the catalogue's unknown"
    )


def test_null_takes_away_what_an_entry_has() -> None:
    changes = {"fleet": {"good": {"chip": {"like": "H800-SXM-80", "fp8": None}}}}
    assert with_(changes).fleet["good"].chip.fp8 is None
    assert with_({}).fleet["good"].chip.fp8
    changed = with_({}).override(
        {"fleet.good.chip.fp8": None, "run.model.experts.groups_per_token": None}
    )
    assert changed.fleet["good"].chip.fp8 is None


def test_costs_and_constants_are_like_their_defaults() -> None:
    changed = with_({"costs": {"pue": 1.0}, "constants": {"latency": "9 us"}})
    assert (changed.costs.pue, changed.costs.load) == (1.0, with_({}).costs.load)
    assert changed.constants.latency == pytest.approx(9e-6)


class TestLike:
    def test_chains_of_files_seen_from_their_own_folder(self, folder: Path) -> None:
        (folder / "below").mkdir()
        (folder / "below" / "one.yaml").write_text(
            "like: deepseek-v3\nname: one\nhorizon: 50 d\nfleet: {good: {chips: 1024}}\n"
        )
        (folder / "below" / "two.yaml").write_text(
            "like: one.yaml\nfleet: {good: {hot_spares: 7}}\n"
        )
        scenario = load_scenario("below/two.yaml")
        good = scenario.fleet["good"]
        assert (good.active_chips, good.hot_spares, good.chip.name) == (1024, 7, "H800-SXM-80")
        assert scenario.horizon == 50 * 86400
        assert scenario.name == "two", "a name is not inherited"

    def test_null_removes_and_nodes_replace_chips(self, folder: Path) -> None:
        (folder / "f.yaml").write_text(
            "like: two-thousand-plus\nfleet: {weak: null, good: {chips: null, nodes: 12}}\nfabric: {congestion: null}\n"
        )
        scenario = load_scenario("f.yaml")
        assert list(scenario.fleet) == ["good"]
        assert scenario.fleet["good"].active_chips == 96
        assert scenario.fabric.congestion is None

    def test_null_where_there_is_nothing_to_remove(self) -> None:
        assert said(with_({"policy": {"us-2022-10-07": None}, "depot": {"repair": None}})) == said(
            with_({})
        )

    def test_a_distribution_replaces_another_as_a_whole(self, folder: Path) -> None:
        (folder / "f.yaml").write_text(
            "like: deepseek-v3\nrecovery: {restart: {exponential: {mean: 5 min}}}\n"
        )
        assert load_scenario("f.yaml").recovery.restart.mean == 300

    def test_of_a_mapping(self) -> None:
        assert load_scenario({"like": "deepseek-v3", "horizon": "9 d"}).horizon == 9 * 86400

    @pytest.mark.parametrize(
        ("like", "says"),
        [
            ("f.yaml", "f.yaml, line 1: like: 'f.yaml' is like itself"),
            ("./f.yaml", "f.yaml, line 1: like: './f.yaml' is like itself"),
            (
                "g.yaml",
                "f.yaml, line 1: like: g.yaml, line 2: like: 'f.yaml' is like itself, directly or by way of others",
            ),
            (
                "deepseek-v4",
                "f.yaml, line 1: like: no scenario 'deepseek-v4' (did you mean \"deepseek-v3\"?)",
            ),
            ("nowhere.yaml", "f.yaml, line 1: like: nowhere.yaml: cannot be read"),
            ("[a, b]", "f.yaml, line 1: like takes the name or path of a scenario"),
            ("empty.yaml", "f.yaml, line 1: like: empty.yaml: is empty"),
        ],
    )
    def test_refuses(self, folder: Path, like: str, says: str) -> None:
        (folder / "f.yaml").write_text(f"like: {like}\n")
        (folder / "g.yaml").write_text("title: g\nlike: f.yaml\n")
        (folder / "empty.yaml").write_text("")
        with pytest.raises(InputError) as caught:
            load_scenario("f.yaml")
        assert str(caught.value).startswith(says)


class TestPool:
    @pytest.mark.parametrize(
        ("pool", "says"),
        [
            ({"chips": None}, "fleet.good: the pool has no chips; give chips or nodes"),
            ({"nodes": 256}, "fleet.good: give chips or nodes, not both; null takes one away"),
            ({"chips": 4}, "fleet.good.chips: 4 chips are not whole nodes of 8; nearest: 8"),
            ({"chips": 2048.5}, "fleet.good.chips = 2048.5: must be a whole number"),
            ({"chips": 1e30}, "fleet.good.chips = 1e+30: must be at most 10,000,000"),
            (
                {"chips": "256 nodes"},
                "'256 nodes' is a quantity of another kind; expected a number of chips",
            ),
            (
                {"chips": 0},
                "fleet.good: the pool has no nodes; remove it, or give it chips or nodes",
            ),
            (
                {"chips": {"uncertain": [1, 64, 128]}},
                "fleet.good.chips: 1 chips are less than one node",
            ),
            ({"stack": None}, "fleet.good.stack is missing"),
        ],
    )
    def test_refuses(self, pool: dict[str, Any], says: str) -> None:
        assert says in refusal({"fleet": {"good": pool}})

    def test_an_uncertain_number_of_chips_is_rounded_to_nodes(self) -> None:
        pool = with_({"fleet": {"good": {"chips": {"uncertain": [1000, 2045, 3000]}}}}).fleet[
            "good"
        ]
        assert (pool.active_nodes, pool.active_chips) == (256, 2048)

    @pytest.mark.parametrize("name", ["a.b", "a b", "a\nb", ""])
    def test_a_name_that_a_path_cannot_reach_is_refused(self, name: str) -> None:
        assert "a pool's name has only letters" in refusal(
            {"fleet": {name: MINIMAL["fleet"]["good"]}}
        )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"fleet": {"good": None}}, "fleet: the fleet is empty; give at least one pool"),
        (
            {"checkpoint": {"interval": "1 min", "flush": "2 min"}},
            "flush can take 120 s and the interval be 60 s",
        ),
        (
            {"checkpoint": {"interval": {"uncertain": ["1 min", "1 h", "2 h"]}, "flush": "2 min"}},
            "a checkpoint must be durable before the next one starts",
        ),
        ({"run": {"batch": {"micro": 0}}}, "run.batch.micro = 0: must be at least 1"),
        ({"run": {"batch": {"micro": True}}}, "run.batch.micro = true: expected a whole number"),
        (
            {"run": {"model": {"like": "gpt-175b", "window": True}}},
            "run.model.window = true: expected a whole number",
        ),
        (
            {"run": {"model": {"like": "gpt-175b", "window": "8"}}},
            "run.model.window = '8': expected a whole number",
        ),
        ({"start": 20240601}, "start = 20240601: expected a date like 2024-06-01"),
        (
            {"policy": {"us-2022-10-08": {}}},
            "no policy event 'us-2022-10-08' in the catalogue (did you mean \"us-2022-10",
        ),
        (
            {"depot": {"stock": {"H800-SXM-81": 3}}},
            "scenario: depot.stock: no pool of the fleet is called or holds 'H800",
        ),
        ({"like": None, "liek": "x"}, 'scenario: liek is unknown (did you mean "like"?)'),
        (
            {
                "checkpoint": {
                    "flush": {"uncertain": ["1 s", "2 s", "3 s"], "name": "x"},
                    "load": {"uncertain": ["1 s", "2 s", "4 s"], "name": "x"},
                }
            },
            "two unknown constants are called 'x' but differ; rename one",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_refuses(changes: dict[str, Any], says: str) -> None:
    assert says in refusal(changes)


def test_a_case_reads_run_and_fleet_alone() -> None:
    case = load_case({**MINIMAL, "checkpoint": {"nonsense": True}}, {"fleet.good.chips": 64})
    assert case.fleet["good"].active_chips == 64
    with pytest.raises(InputError, match="flet is unknown"):
        load_case({**MINIMAL, "flet": {}})


class TestSchema:
    VALIDATOR = Draft202012Validator(schema())

    def problems(self, data: Any) -> list[str]:
        return [
            error.message
            for error in self.VALIDATOR.iter_errors(json.loads(json.dumps(data, default=str)))
        ]

    def test_is_a_schema(self) -> None:
        Draft202012Validator.check_schema(schema())

    @pytest.mark.parametrize("name", names())
    def test_accepts_every_scenario(self, name: str) -> None:
        assert not self.problems(documents.read(FOLDER / f"{name}.yaml").data)

    def test_accepts_the_documented_example_and_null(self) -> None:
        assert not self.problems(documents.parse(EXAMPLE, "example").data)
        without = {"fleet": {"weak": None}, "policy": {"us-2022-10-07": None}}
        assert not self.problems({"like": "x"} | without)

    @pytest.mark.parametrize(
        "changes",
        [
            {"horizn": "3 d"},
            {"fleet": {"good": {"chps": 3}}},
            {"fleet": {"good": {"chips": -3}}},
            {"fleet": {"good": {"chip": "H800-SXM-81"}}},
            {"checkpoint": {"flush": 120}},
            {"checkpoint": {"flush": {"uncertan": [1, 2, 3]}}},
            {"recovery": {"restart": {"exponental": {}}}},
            {"fabric": {"step_noise": "low"}},
            {"run": {"batch": {"sequences": 1.5}}},
            {"status": "bench"},
            {"run": None, "fleet": None},
        ],
        ids=str,
    )
    def test_refuses(self, changes: dict[str, Any]) -> None:
        assert self.problems(merge(MINIMAL, changes))
        assert not self.problems(MINIMAL)


def test_what_is_like_a_reconstruction_is_none_and_has_a_title_of_its_own() -> None:
    mine = load_scenario({"like": "deepseek-v3", "name": "mine", "horizon": "80 d"})
    assert (mine.title, mine.status) == ("", "plan")
