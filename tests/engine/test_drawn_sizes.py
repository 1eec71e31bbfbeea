"""Fleets whose size is drawn: each is laid out for itself, or refused before any work."""

from __future__ import annotations

import pytest

from sim import load_scenario, replicate, simulate
from sim.errors import InputError
from tests.experiments.stand_in import stand_in

DEEPSEEK = load_scenario("deepseek-v3")
FREE = DEEPSEEK.override({"fleet.good.layout": "auto"})


def test_every_size_that_can_be_drawn_is_laid_out() -> None:
    drawn = FREE.override({"fleet.good.chips": {"uncertain": [512, 2048, 4096]}})
    result = simulate(drawn, seed=0, replication=16)
    size = result.scenario.fleet["good"].active_chips
    assert size < 1000
    fixed = FREE.override({"fleet.good.chips": size})
    assert result.plan.layouts == simulate(fixed).plan.layouts
    assert len(replicate(drawn, 20, progress=False).outcomes) == 20


def test_a_draw_too_small_for_its_layout_is_refused_before_any_work() -> None:
    drawn = DEEPSEEK.override({"fleet.good.chips": {"uncertain": [64, 512, 4096]}})
    seen: list[int] = []
    with pytest.raises(
        InputError, match=r"deepseek-v3, replication 16: 248 chips were drawn for good; .* needs"
    ):
        replicate(drawn, 20, simulator=stand_in(lambda q, luck: 1.0, seen), progress=False)
    assert not seen
    assert replicate(drawn, 5, fixed_inputs=True, simulator=stand_in(lambda q, luck: 1.0))
