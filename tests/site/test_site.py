"""The built site, opened from its files in Chromium, without network: `make test-site`."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build" / "site"
AXE = ROOT / "build" / "site-npm" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
QUESTIONS = {
    "what is ettr": "reference/metrics.html",
    "which policies exist": "reference/policies.html",
    "how to add a chip": "howto/add_a_chip.html",
    "move a control date": "howto/move_a_control.html",
    "replay a log": "howto/replay_a_log.html",
    "why idle": "reference/ledgers.html",
    "how sure": "limits.html",
    "cite": "cite.html",
    "add a claim": "howto/check_a_claim.html",
    "Slurm": "howto/cluster.html",
}


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.add(value)
            if name in ("id", "name") and value:
                self.anchors.add(value)


@cache
def parsed(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def pages() -> list[Path]:
    # The page for what is not found can only work on a server.
    return [path for path in sorted(SITE.rglob("*.html")) if path.name != "404.html"]


def test_every_link_leads_somewhere() -> None:
    assert len(pages()) > 30
    broken = []
    for path in pages():
        for link in parsed(path).links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                broken.append(f"{path.relative_to(SITE)}: {link}")
            elif parts.fragment and target.suffix == ".html":
                anchors = parsed(target).anchors
                if unquote(parts.fragment) not in anchors and not parts.fragment.startswith("__"):
                    broken.append(f"{path.relative_to(SITE)}: {link}")
    assert broken == []


def test_no_page_asks_another_server_for_anything() -> None:
    for path in pages():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r'<(?:script|img|iframe)[^>]*src="?https?:', text), path
        assert not re.search(r'<link[^>]*rel="?stylesheet"?[^>]*href="?https?:', text), path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    """Opens a page of the site; whatever the page says went wrong fails the test."""
    contexts = []
    wrong: list[str] = []

    def open_page(name: str, width: int = 1280) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, offline=True, color_scheme="light"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{SITE.as_uri()}/{name}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    "name", ["index.html", "explorer.html", "claims.html", "reference/keys.html"]
)
def test_a_page_fits_the_window(opened: Any, name: str, width: int) -> None:
    page = opened(name, width)
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    loaded = "[...document.images].every(i => i.complete && i.naturalWidth > 0)"
    page.wait_for_function(loaded)


def test_ten_questions_are_answered_among_the_first_three_hits(opened: Any) -> None:
    page = opened("index.html")
    page.set_default_timeout(20_000)
    missed = {}
    for question, answer in QUESTIONS.items():
        page.goto(f"{SITE.as_uri()}/index.html")
        page.click("input[name=query]")
        page.keyboard.type(question)
        page.wait_for_selector(".md-search-result__item", state="attached")
        # The last letter may still be looked for.
        page.wait_for_timeout(1000)
        hits = page.evaluate(
            "[...document.querySelectorAll('.md-search-result__item')].slice(0, 3)"
            ".map(item => item.querySelector('a').href)"
        )
        if not any(f"/{answer}" in hit for hit in hits):
            missed[question] = [urlsplit(hit).path.rpartition("site/")[2] for hit in hits]
    assert missed == {}


@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        "explorer.html",
        "explorer.html#view=worlds&chips=3",
        "reference/keys.html",
        "reference/catalogue.html",
        "notebooks/03_the_exchange_rate.html",
    ],
)
def test_axe_finds_nothing_serious(opened: Any, name: str) -> None:
    page = opened(name)
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    grave = {
        one["id"]: [node["target"] for node in one["nodes"]][:3]
        for one in found
        if one["impact"] in ("serious", "critical")
    }
    assert grave == {}


@pytest.fixture(scope="module")
def points() -> dict[tuple[str, ...], Any]:
    data = json.loads((ROOT / "site" / "explorer" / "data.json").read_text())
    return {tuple(row["at"]): row for row in data["exchange"] + data["worlds"]}


def asked(page: Any) -> Any:
    """What the command says that the page shows."""
    words = shlex.split(page.inner_text("#explorer-line"))
    assert words[0] == "sim"
    command = [sys.executable, "-m", *words, "--json"]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)


def test_the_explorer_keeps_its_state_in_the_address(opened: Any) -> None:
    page = opened("explorer.html")
    assert page.locator("#explorer-plot canvas").count() == 1
    page.select_option("select[name=interval]", "1 h")
    page.select_option("select[name=chip]", "H20-96")
    page.wait_for_function("location.hash.includes('chip=H20-96')")
    assert "interval=1+h" in page.url
    again = opened(f"explorer.html{page.url.partition('explorer.html')[2]}")
    for place in ("#explorer-found", "#explorer-line", "#explorer-numbers"):
        assert again.inner_text(place) == page.inner_text(place)
    page.go_back()
    page.wait_for_function("document.querySelector('select[name=chip]').value != 'H20-96'")
    assert page.input_value("select[name=interval]") == "1 h"


@pytest.mark.parametrize("address", ["", "#view=worlds"])
def test_every_position_of_every_handle_draws(opened: Any, address: str) -> None:
    page = opened(f"explorer.html{address}")
    names = page.eval_on_selector_all("#explorer-handles select", "all => all.map(one => one.name)")
    seen = set()
    for name in names[1:]:
        values = page.eval_on_selector_all(
            f"select[name={name}] option", "all => all.map(one => one.value)"
        )
        for value in values:
            page.select_option(f"select[name={name}]", value)
            page.wait_for_function(f"location.hash.includes('{name}=')")
            seen.add(page.inner_text("#explorer-found"))
            assert page.locator("#explorer-plot canvas").count() == 1
    # Every position but the first, at which each handle begins, says something of its own.
    assert len(seen) > len(names)


def test_the_picture_of_the_exchange_rate_has_the_colours_of_the_chips(opened: Any) -> None:
    from sim.pictures.style import chip_colour

    page = opened("explorer.html")
    strokes = page.eval_on_selector_all(
        "#explorer-legend line", "all => all.map(one => one.getAttribute('stroke'))"
    )
    names = page.eval_on_selector_all(
        "#explorer-legend li", "all => all.map(one => one.innerText.trim())"
    )
    assert strokes == [chip_colour(name) for name in names]


BAND = """() => {
  const canvas = document.querySelector("#explorer-plot canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let k = 0; k < data.length; k += 4) {
    // Blue as the line, but half transparent.
    if (data[k + 2] > data[k] + 60 && data[k + 3] > 30 && data[k + 3] < 120) found += 1;
  }
  return found;
}"""


def test_a_band_is_drawn_around_the_line(opened: Any) -> None:
    page = opened("explorer.html#view=worlds")
    assert page.evaluate(BAND) > 1000


def test_the_command_of_the_exchange_rate_asks_for_the_same(opened: Any, points: Any) -> None:
    page = opened("explorer.html#chips=1024&show=change")
    kept = points["A100-PCIe-40", "10 min", "0.1", "1024"]["change"]
    answer = asked(page)
    found = [answer["difference"]["p5"], answer["median"]["value"], answer["difference"]["p95"]]
    assert found == pytest.approx(kept, rel=1e-3)
    assert f"{kept[1]:.1f}" in page.inner_text("#explorer-found").replace("−", "-")


def test_the_command_of_the_worlds_asks_for_the_same(opened: Any, points: Any) -> None:
    page = opened("explorer.html#view=worlds&world=h20-never-blocked&share=0.12&growth=2")
    rows = asked(page)["largest"]
    [reach] = [
        row
        for row in rows
        if (row["world"], row["date"]) == ("h20-never-blocked", "2025-12-31")
        and row["quantity"] == "reach of frontier"
    ]
    kept = points["h20-never-blocked", "0.12", "2", "2025-12-31"]["reach"]
    assert [reach["p5"], reach["median"], reach["p95"]] == pytest.approx(kept, rel=1e-3)


def test_the_explorer_can_be_used_from_the_keyboard(opened: Any) -> None:
    page = opened("explorer.html")
    page.focus("select[name=show]")
    page.keyboard.press("ArrowDown")
    page.wait_for_function("location.hash.includes('show=days')")
    assert page.evaluate("document.activeElement.name") == "show"
    assert "Days to finish" in page.inner_text("#explorer-numbers caption")
    assert page.get_attribute("#explorer-plot", "role") == "img"
    assert page.get_attribute("#explorer-plot", "aria-labelledby") == "explorer-found"


def test_beyond_the_grid_the_explorer_says_so(opened: Any) -> None:
    page = opened("explorer.html#chips=3000&colour=red")
    told = page.inner_text("#explorer-wrong")
    assert told.startswith("“3000” was not simulated. Weak chips added: 1,024; 2,048;")
    assert "There is no handle “colour”." in told
    assert "Nothing is interpolated" in told
    assert page.input_value("select[name=chips]") == "4096"
    page.select_option("select[name=chips]", "8192")
    page.wait_for_function("document.querySelector('#explorer-wrong').textContent == ''")


def test_the_numbers_of_the_explorer_can_be_had_as_csv(opened: Any, points: Any) -> None:
    page = opened("explorer.html#view=worlds")
    with page.expect_download() as download:
        page.click("#explorer-every")
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0].startswith("world,share,growth,date,reach_p5,reach_median,reach_p95")
    assert len(lines) == 1 + sum("reach" in row for row in points.values())
    first = lines[1].split(",")
    assert [float(one) for one in first[4:7]] == points[tuple(first[:4])]["reach"]


def test_the_explorer_names_what_is_counterfactual(opened: Any) -> None:
    for address in ("", "#view=worlds"):
        page = opened(f"explorer.html{address}")
        assert page.inner_text("#explorer-status").startswith("Counterfactual")
