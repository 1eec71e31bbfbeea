"""What is set in a scenario by path, and what becomes known of it."""

import datetime as dt
from typing import Any, ClassVar

import pytest

from sim.errors import InputError
from sim.scenario import Layout, Scenario, load_scenario


@pytest.fixture(scope="module")
def plain() -> Scenario:
    return load_scenario("two-thousand-plus")


class TestOverride:
    @pytest.mark.parametrize(
        ("path", "value", "read"),
        [
            ("fleet.weak.chips", 512, lambda s: s.fleet["weak"].active_chips == 512),
            ("fleet.good.stack.overlap", 0.5, lambda s: s.fleet["good"].stack.overlap == 0.5),
            ("fleet.good.stack", "llama-3", lambda s: s.fleet["good"].stack.name == "llama-3"),
            ("fleet.good.chip.memory", "96 GB", lambda s: s.fleet["good"].chip.memory == 96e9),
            ("run.model.experts.per_token", 4, lambda s: s.run.model.experts.per_token == 4),
            ("fleet.weak", None, lambda s: list(s.fleet) == ["good"]),
            ("fleet.weak.layout.tensor", 2, lambda s: s.fleet["weak"].layout.tensor == 2),
            ("checkpoint.interval", "5 min", lambda s: s.checkpoint.interval == 300),
            ("checkpoint.interval.uncertain.1", "20 min", lambda s: s.checkpoint.interval == 1200),
            ("fabric.congestion.share", 0.5, lambda s: s.fabric.congestion.share == 0.5),
            ("fabric.congestion", None, lambda s: s.fabric.congestion is None),
            ("costs.pue", 1.0, lambda s: s.costs.pue == 1.0),
            ("fleet.good.layout", "auto", lambda s: s.fleet["good"].layout == Layout()),
            ("start", "2025-01-01", lambda s: s.start == dt.date(2025, 1, 1)),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_sets(self, path: str, value: Any, read: Any) -> None:
        scenario = load_scenario("two-thousand-plus")
        assert not read(scenario)
        assert read(scenario.override({path: value}))

    def test_later_ones_build_on_earlier_ones(self) -> None:
        scenario = load_scenario("deepseek-v3").override(
            {"fleet.good.layout": "auto", "fleet.good.layout.tensor": 2}
        )
        assert scenario.fleet["good"].layout == Layout(tensor=2)
        again = scenario.override({"fleet.good.chips": 64})
        assert (again.fleet["good"].layout, again.fleet["good"].active_chips) == (
            Layout(tensor=2),
            64,
        )
        assert scenario.fleet["good"].active_chips == 2048, "the first is as it was"

    @pytest.mark.parametrize(
        ("path", "value", "says"),
        [
            (
                "fleet.good.chps",
                64,
                'fleet.good.chps is unknown (did you mean "chips"?); allowed: chip, chips',
            ),
            ("horizn", "3 d", 'horizn is unknown (did you mean "horizon"?)'),
            ("a.b.c", 1, "setting a.b.c: a is unknown; allowed: like, run"),
            (
                "fleet.weka.chips",
                64,
                'fleet.weka.chips: fleet.weka.chip is missing (did you mean "weak"?)',
            ),
            ("fleet..chips", 64, "fleet..chips: expected names joined by single dots"),
            (
                "checkpoint.flush.x",
                3,
                "setting checkpoint.flush.x: there are no keys below '2 min'",
            ),
            ("checkpoint.interval.uncertain.7", 3, "'7' is not one of the 3 positions 0 … 2"),
            ("checkpoint.flush", 3, "checkpoint.flush = 3: a unit is missing"),
            (
                "checkpoint.flush",
                "3 GB",
                "checkpoint.flush: '3 GB' is a quantity of another kind",
            ),
            ("fleet.good.stack.overlp", 0.5, '(did you mean "overlap"?)'),
            ("fleet.good.chip", "H9", "fleet.good.chip: no 'H9' among the chips"),
            ("fleet", None, "setting fleet: fleet is missing"),
            (
                "fleet.good.chips",
                2047,
                "fleet.good.chips: 2,047 chips are not whole nodes of 8; nearest: 2048",
            ),
            (
                "checkpoint.flush",
                "2 h",
                "setting checkpoint.flush: checkpoint: blocking + flush can take 7,205 s",
            ),
        ],
    )
    def test_refuses(self, path: str, value: Any, says: str) -> None:
        with pytest.raises(InputError) as caught:
            load_scenario("two-thousand-plus").override({path: value})
        assert says in str(caught.value)


class TestWritten:
    """What becomes known of a scenario leaves the scenario as it was written."""

    INTERVAL: ClassVar[dict[str, float]] = {"checkpoint.interval": 600.0}

    def test_a_scenario_is_as_it_was_written_until_something_is_known(
        self, plain: Scenario
    ) -> None:
        assert plain.written is plain
        assert plain.given({}) is plain

    def test_what_is_given_makes_another_scenario(self, plain: Scenario) -> None:
        before = plain.unknowns()
        known = plain.given(self.INTERVAL)
        assert known.checkpoint.interval == 600
        assert "checkpoint.interval" not in known.unknowns()
        assert (plain.unknowns(), plain.checkpoint.interval) == (before, 1800)
        assert known.written is plain

    def test_what_is_given_in_two_steps(self, plain: Scenario) -> None:
        known = plain.given(self.INTERVAL).given({"mixing.efficiency": 0.95})
        assert (known.checkpoint.interval, known.mixing.efficiency) == (600, 0.95)
        assert known.written is plain

    def test_an_override_keeps_what_is_given_and_is_written_too(self, plain: Scenario) -> None:
        changed = plain.given(self.INTERVAL).override({"fleet.weak.chips": 512})
        assert (changed.checkpoint.interval, changed.fleet["weak"].active_chips) == (600, 512)
        assert changed.written.checkpoint.interval == 1800
        assert changed.written.fleet["weak"].active_chips == 512

    def test_resolving_leaves_the_scenario_as_it_was(self, plain: Scenario) -> None:
        before = plain.unknowns()
        resolved = plain.given(self.INTERVAL).resolve(1, 2)
        assert resolved.unknowns() == {}
        assert resolved.checkpoint.interval == 600
        assert resolved.written is plain
        assert plain.unknowns() == before

    def test_resolving_what_is_all_known_makes_another_scenario(self, plain: Scenario) -> None:
        resolved = plain.resolve(1, 2)
        again = resolved.resolve(3, 4)
        assert again is not resolved
        assert again == resolved


def test_a_heading_says_what_was_set_and_what_that_makes_of_a_reconstruction() -> None:
    plain = load_scenario("deepseek-v3")
    assert plain.heading == f"{plain.title} (reconstruction)"
    assert (
        plain.override({"horizon": "80 d"}).heading
        == f"{plain.title} (reconstruction); horizon = 80 d"
    )
    changed = plain.override({"fleet.good.chips": 1024}).heading
    # The title tells 2,048.
    status = "counterfactual: no published run has done this"
    assert changed == f"deepseek-v3 on 1,024 H800-SXM-80 ({status}); fleet.good.chips = 1024"
    benchmark = load_scenario("hopper-job").override({"recovery.policy": "drop-replica"})
    assert (benchmark.standing, plain.standing) == ("plan", "reconstruction")
