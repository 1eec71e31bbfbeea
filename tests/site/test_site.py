"""The built site, opened from its files in Chromium, without network: `make test-site`."""

import re
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
@pytest.mark.parametrize("name", ["index.html", "claims.html", "reference/keys.html"])
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
    "name", ["index.html", "reference/keys.html", "notebooks/03_the_exchange_rate.html"]
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
