"""The pages of the site before mkdocs makes HTML of them; what it makes is held by test_site.py."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from sim.throughput.elastic import POLICIES

ROOT = Path(__file__).parents[2]


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    # A folder of scripts, and no package.
    monkeypatch.syspath_prepend(ROOT / "site")
    import build  # pyright: ignore[reportMissingImports]

    yield build
    for name in ("build", "generate", "explorer_page", "explorer_data"):
        sys.modules.pop(name, None)


def test_every_page_of_the_reference_can_be_made(build: ModuleType) -> None:
    for name, page in build.generate.PAGES.items():
        assert page().startswith("# "), name


def test_the_figures_of_the_start_page_are_there(build: ModuleType) -> None:
    for name in build.SHOWN:
        assert f"figures/{name}.png" in build.start()


def test_every_elastic_policy_is_explained(build: ModuleType) -> None:
    assert build.generate.POLICIES.keys() == {"wait", *POLICIES}


def test_the_menu_lists_every_page_and_notebook(build: ModuleType) -> None:
    menu = re.findall(r": (\S+\.md)$", (ROOT / "site" / "mkdocs.yml").read_text(), re.M)
    docs = ROOT / "docs"
    due = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    due |= {f"notebooks/{path.stem}.md" for path in (ROOT / "notebooks").glob("*.ipynb")}
    due |= {f"reference/{name}.md" for name in build.generate.PAGES}
    due |= {"index.md", "cite.md", "explorer.md", *build.TOP.values()}
    assert len(menu) == len(set(menu))
    assert set(menu) == due
