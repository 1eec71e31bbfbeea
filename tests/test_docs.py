"""The pages say what the code, the facts and the results say."""

import re
import sys
from pathlib import Path

import pandas as pd
import pytest

from sim import __main__ as command_line
from sim import artifact, catalogue, pages
from sim.claims import WORDS

ROOT = artifact.repository()
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
ITEMS = [
    *("1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "2.5.1", "2.5.2", "2.5.3", "2.5.4", "2.5.5"),
    *("3.1", "3.2", "3.3", "3.4", "4.1", "4.2", "4.3", "5.1", "5.2", "5.3", "5.4", "6.1"),
]


def links(text: str) -> list[str]:
    return re.findall(r"\]\((?!http)([^)#]+)", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert [link for link in links(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()] == []


def test_code_named_in_the_design_exists() -> None:
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    named = re.findall(r"`(sim/[\w/]+\.?\w*)`", text)
    assert len(named) > 8
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_checklist_is_complete_and_each_row_links_a_file() -> None:
    rows = [line for line in (ROOT / "docs" / "stress_des.md").read_text().splitlines() if re.search(r"\| \d\.", line)]
    assert [re.findall(r"\d(?:\.\d)+", row)[0] for row in rows] == ITEMS
    assert [row for row in rows if not links(row.split("|")[-2])] == []


@pytest.mark.parametrize("page", sorted(pages.made()), ids=lambda path: path.name)
def test_a_page_made_from_results_and_facts_is_current(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == pages.made()[page], "run `make figures`"


def test_the_readme_says_what_the_results_say() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.count(pages.START) == readme.count(pages.END) == 1
    table = readme.partition(pages.START)[2].partition(pages.END)[0]
    results = pd.read_csv(ROOT / "figures" / "claims.csv")
    for _, row in results[results["decides"]].iterrows():
        [line] = [one for one in table.splitlines() if row["needs"] in one]
        assert f"| {row['verdict']} |" in line
        assert row["quotation"] in line
        if isinstance(row["reading"], str):
            assert f"{row['median']:.3g} {row['unit']}" in line
            assert f"in {row['share']:.0%} of runs" in line
            assert f"`{row['input']}`" in line


def test_a_result_that_changes_changes_the_readme(tmp_path: Path) -> None:
    for folder in ("notebooks", "docs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "README.md").write_text(f"before\n{pages.START}old\n{pages.END}\nafter\n")
    (tmp_path / "figures").mkdir()
    results = pd.read_csv(ROOT / "figures" / "claims.csv").fillna(dict.fromkeys(WORDS, ""))
    results.loc[results["claim"] == "run-was-cheaper", "median"] = 123.4
    results.to_csv(tmp_path / "figures" / "claims.csv", index=False)
    pages.write(tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert text.startswith(f"before\n{pages.START}| said |")
    assert text.endswith(f"|\n{pages.END}\nafter\n")
    assert "123 million dollars" in text
    assert "123 million dollars" not in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("more", "written"), [([], True), (["--out", "elsewhere"], False), (["-p", "runs", "3"], False)]
)
def test_drawing_all_figures_brings_the_pages_up_to_date(
    more: list[str], written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(artifact, "make_figures", lambda *_, out, **__: out or ROOT / "figures")
    monkeypatch.setattr(pages, "write", lambda: calls.append("pages"))
    monkeypatch.setattr(sys, "argv", ["sim", "figures", *more])
    with pytest.raises(SystemExit):
        command_line.main()
    assert bool(calls) == written


def test_every_source_is_credited_with_its_licence() -> None:
    text = pages.data_sources()
    for key, source in catalogue.sources().items():
        [row] = [line for line in text.splitlines() if line.startswith(f"| {key} |")]
        assert source["title"] in row
        assert f"| {source['licence']} |" in row
    assert re.search(r"Epoch AI.*CC BY 4\.0", text)
    assert "chips" in next(line for line in text.splitlines() if line.startswith("| EPOCHHW |"))


def test_the_gallery_shows_every_figure_with_its_words() -> None:
    text = pages.gallery(ROOT)
    for name, entry in artifact.manifest(ROOT / "figures").items():
        assert f"![{entry['alt']}](../figures/{name}.png)" in text
        assert f"## {entry['title']}\n" in text
        assert f"sim figures {entry['notebook'].removesuffix('.ipynb')}" in text
