"""The points of the site's explorer: held to their hash, whole, and simulated again."""

import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "site" / "explorer" / "data.json"


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    # A folder of scripts, and no package.
    monkeypatch.syspath_prepend(ROOT / "site")
    import explorer_data  # pyright: ignore[reportMissingImports]

    yield explorer_data
    for name in ("explorer_data", "explorer_page"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def data() -> Any:
    return json.loads(FILE.read_text())


def close(found: Any, kept: Any) -> bool:
    # Four digits are kept, and the last of them may be rounded the other way elsewhere.
    return found == pytest.approx(kept, rel=1e-3, abs=0)


def test_the_data_are_what_their_hash_says(points: ModuleType) -> None:
    assert points.HASH.read_text() == f"{sha256(FILE.read_bytes()).hexdigest()}  data.json\n"


def test_data_that_were_changed_by_hand_are_refused(
    points: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import explorer_page  # pyright: ignore[reportMissingImports]

    changed = tmp_path / "data.json"
    changed.write_text(FILE.read_text().replace('"runs": 40', '"runs": 41'))
    monkeypatch.setattr(explorer_page, "FILE", changed)
    with pytest.raises(SystemExit, match="make explorer-data"):
        explorer_page.script()


def test_every_point_of_both_grids_is_there(points: ModuleType, data: Any) -> None:
    chips = [points.chip_of(name) for name in points.MIXED]
    grid = product(chips, points.INTERVALS, map(str, points.SPARES), map(str, points.COUNTS))
    assert {tuple(row["at"]) for row in data["exchange"]} == set(grid)
    country = points.sim.load_scenario(points.COUNTRY)
    names = [points.AS_IT_WAS, *country.worlds]
    shares, growths = (map(points.name_of, every) for every in (points.SHARES, points.GROWTHS))
    grid = product(names, shares, growths, map(str, country.dates))
    assert {tuple(row["at"]) for row in data["worlds"]} == set(grid)


def test_every_band_holds_its_median(data: Any) -> None:
    for row in [*data["exchange"], *data["worlds"]]:
        for name in {"worth", "days", "change", "reach", "ratio"} & set(row):
            assert row[name] == sorted(row[name]), row


def test_the_world_as_it_was_is_its_own_measure(points: ModuleType, data: Any) -> None:
    base = [row for row in data["worlds"] if row["at"][0] == points.AS_IT_WAS]
    assert base and all(row["ratio"] == [1, 1, 1] for row in base)


def test_a_point_of_the_exchange_rate_comes_out_again(points: ModuleType, data: Any) -> None:
    kept = next(
        row for row in data["exchange"] if row["at"] == ["A100-PCIe-40", "10 min", "0.1", "1024"]
    )
    found = points.exchange("two-thousand-plus", 1024, "10 min", 0.1)
    for name in ("days", "worth", "change"):
        assert close(found[name], kept[name]), name


def test_another_share_of_a_stock_is_what_the_scenario_says(points: ModuleType) -> None:
    country = points.sim.load_scenario(points.COUNTRY)
    date = country.dates[-1]
    stock = points.simulate(country, 1, 0)
    given = {"outlook.shares.run": 0.04, "outlook.needs.frontier.growth": "2 per yr"}
    fresh = points.simulate(country.override(given), 1, 0)
    found = points.with_outlook(stock, 0.04).reach.ratio("2", date)
    assert found == fresh.metrics[f"reach.frontier.{date}"]


@pytest.mark.prove
def test_a_world_comes_out_again_as_sim_worlds_tells_it(points: ModuleType, data: Any) -> None:
    given = {"outlook.shares.run": 0.12, "outlook.needs.frontier.growth": "3 per yr"}
    country = points.sim.load_scenario(points.COUNTRY).override(given)
    frame = points.sim.worlds(
        country, ["no-grey-market"], n=points.RUNS, seed=points.SEED, progress=False
    ).frame.set_index(["world", "date", "quantity"])
    for date in country.dates:
        kept = next(
            row for row in data["worlds"] if row["at"] == ["no-grey-market", "0.12", "3", str(date)]
        )
        reach = frame.loc[("no-grey-market", date, "reach of frontier")]
        ratio = frame.loc[("no-grey-market", date, "chips"), "ratio"]
        assert close([reach["p5"], reach["median"], reach["p95"]], kept["reach"])
        assert close(ratio, kept["ratio"][1])
