"""Results show their answer."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import sim
from sim.experiments.sweep import load

CASE = sim.load_scenario("deepseek-v3")
STOCK = sim.load_scenario("embargoed-stock").override({"horizon": "2 yr"})


def test_every_result_shows_its_answer_in_short() -> None:
    quiet = {"n": 2, "progress": False}
    results = {
        "RunResult": (sim.simulate(CASE), "deepseek-v3, seed 0, replication 0: finished after "),
        "ProgrammeResult": (sim.simulate(STOCK), "runs staffed in 2.0 years; "),
        "Replications": (sim.replicate(CASE, 3, progress=False), "3 replications, 100% finished; "),
        "Comparison": (sim.compare(CASE, CASE, **quiet), "wall_days, b − a: 0 days (95 %: 0"),
        "Sweep": (sim.sweep(CASE, {"horizon": ["90 d", "1 yr"]}, **quiet), "2 points …"),
        "Sensitivity": (
            sim.sensitivity(CASE, among=["checkpoint.interval"], samples=2, progress=False),
            "wall_days: mean ",
        ),
        "Size": (sim.size_stock(CASE, dt.date(2024, 12, 1), 0.5, **quiet), "to finish by 2024"),
    }
    for kind, (result, says) in results.items():
        assert repr(result).startswith(f"<{kind}: ")
        assert says in repr(result)
        assert len(repr(result)) < 250, repr(result)
        html = result._repr_html_()
        assert html.startswith("<pre>")
        assert len(html) < 2500


def test_html_is_escaped() -> None:
    odd = sim.load_scenario({"like": "deepseek-v3", "name": "<b>a</b>"})
    assert "&lt;b&gt;" in sim.replicate(odd, 2, progress=False)._repr_html_()


def test_a_result_that_was_read_back_shows_the_same(tmp_path: Path) -> None:
    sim.replicate(CASE, 2, out=tmp_path, progress=False)
    assert repr(load(tmp_path)).startswith("<Replications: deepseek-v3: 2 replications")
