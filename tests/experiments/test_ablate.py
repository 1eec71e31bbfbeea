"""Leaving mechanisms out, one at a time."""

from __future__ import annotations

import pytest

from sim.errors import InputError
from sim.experiments.ablate import ablate
from sim.scenario import load_scenario


def test_leaving_something_out_is_compared_under_the_same_luck_and_inputs():
    stock = load_scenario("embargoed-stock")
    table = ablate(
        stock,
        {"ettr": {}, "research": {"research": 0}, "growth": {"runs.growth": "1 per yr"}},
        n=6,
        seed=2,
        progress=False,
    ).set_index("mechanism")
    assert table[["median", "p5", "p95"]].to_dict("index")["ettr"] == {
        "median": 0,
        "p5": 0,
        "p95": 0,
    }
    # Without growth the need never outgrows the stock: all that is known is the horizon.
    assert table["at_least"].to_dict() == {"ettr": False, "research": False, "growth": True}
    assert (table["lo"] <= table["median"]).all() and (table["median"] <= table["hi"]).all()
    matters = table["matters"].to_dict()
    assert matters["growth"] and not matters["ettr"]
    assert 0 < table["median"].to_dict()["research"] < table["median"].to_dict()["growth"]


def test_a_metric_that_is_not_there_is_named():
    with pytest.raises(InputError, match=r"no metric 'crosing_days' \(did you mean"):
        ablate(load_scenario("embargoed-stock"), {}, "crosing_days", n=2, progress=False)
