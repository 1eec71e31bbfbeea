"""The pages say what the code, the facts and the results say."""

import ast
import json
import re
import shutil
import sys
from itertools import chain
from pathlib import Path

import pandas as pd
import pytest

from sim import __main__ as command_line
from sim import catalogue, documents
from sim.experiments.claim_checks import WORDS, claims
from sim.publish import figures, pages
from sim.scenario import load_scenario, names

ROOT = figures.repository()
README = (ROOT / "README.md").read_text(encoding="utf-8")
FIGURES = figures.manifest(ROOT / "figures")
TIMES = documents.read(ROOT / "notebooks" / "times.yaml").data
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
ITEMS = [
    *("1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "2.5.1", "2.5.2", "2.5.3", "2.5.4", "2.5.5"),
    *("3.1", "3.2", "3.3", "3.4", "4.1", "4.2", "4.3", "5.1", "5.2", "5.3", "5.4", "6.1"),
]


def links(text: str) -> list[str]:
    return re.findall(r"\]\((?!http)([^)#]+)", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert [
        link
        for link in links(page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ] == []


def test_code_named_in_the_design_exists() -> None:
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    named = re.findall(r"`(sim/[\w/]+\.?\w*)`", text)
    assert len(named) > 8
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_checklist_is_complete_and_each_row_links_a_file() -> None:
    rows = [
        line
        for line in (ROOT / "docs" / "stress_des.md").read_text().splitlines()
        if re.search(r"\| \d\.", line)
    ]
    assert [re.findall(r"\d(?:\.\d)+", row)[0] for row in rows] == ITEMS
    assert [row for row in rows if not links(row.split("|")[-2])] == []


@pytest.mark.parametrize("page", sorted(pages.made()), ids=lambda path: path.name)
def test_a_page_made_from_results_and_facts_is_current(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == pages.made()[page], "run `make figures`"


def block(name: str, page: str = "README.md") -> str:
    text = (ROOT / page).read_text(encoding="utf-8")
    [found] = re.findall(rf"(?s)<!-- {name} -->\n(.*?)<!-- /{name} -->", text)
    return found


def test_the_readme_is_three_screens_long_and_names_six_claims() -> None:
    assert len(README.split()) <= 1300
    assert len(block("claims").splitlines()) == 6


def test_the_pages_say_what_the_results_say() -> None:
    results = pd.read_csv(ROOT / "figures" / "claims.csv")
    for _, row in results[results["decides"]].iterrows():
        table = block("claims", "docs/claims.md")
        [line] = [one for one in table.splitlines() if row["needs"] in one]
        assert f"| {row['verdict']} |" in line
        assert row["quotation"] in line
        if isinstance(row["reading"], str):
            assert f"{row['median']:.3g} {row['unit']}" in line
            assert f"in {row['share']:.0%} of runs" in line
            assert f"`{row['input']}`" in line


def test_each_claim_has_its_figure_command_time_and_tolerance() -> None:
    rows = block("findings", "docs/findings.md").splitlines()[2:]
    assert set(TIMES) == {path.stem for path in figures.notebooks()}
    for path, row in zip(figures.notebooks(), rows, strict=True):
        assert f"`sim figures {path.stem}` | {TIMES[path.stem]} s | {figures.SAME:g} |" in row
        drawn = {n: e["title"] for n, e in FIGURES.items() if e["notebook"] == path.name}
        assert len(drawn) == row.count("](../figures/") >= 1
        assert all(f"[{title}](../figures/{name}.png)" in row for name, title in drawn.items())
    assert f"**{FIGURES[pages.FIRST]['title']}.**" in block("first")


def test_a_result_that_changes_changes_the_readme(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    for folder in ("docs", "figures"):
        (tmp_path / folder).mkdir()
    for page, blocks in (
        ("README.md", ("first", "claims")),
        ("docs/findings.md", ("findings",)),
        ("docs/claims.md", ("claims",)),
    ):
        parts = [f"<!-- {name} -->\nold\n<!-- /{name} -->\nafter\n" for name in blocks]
        (tmp_path / page).write_text("before\n" + "".join(parts))
    results = pd.read_csv(ROOT / "figures" / "claims.csv").fillna(dict.fromkeys(WORDS, ""))
    results.loc[results["claim"] == "run-was-cheaper", "median"] = 123.4
    results.to_csv(tmp_path / "figures" / "claims.csv", index=False)
    figures = FIGURES | {"explorer": FIGURES["explorer"] | {"title": "Seven days"}}
    (tmp_path / "figures" / "manifest.json").write_text(json.dumps({"figures": figures}))
    pages.write(tmp_path)
    text = {page: (tmp_path / page).read_text() for page in ("docs/claims.md", "docs/findings.md")}
    assert text["docs/claims.md"].startswith("before\n<!-- claims -->\n| said |")
    assert "|\n<!-- /claims -->\nafter\n" in text["docs/claims.md"]
    for new in ("123 million dollars", "[Seven days](../figures/explorer.png)"):
        assert new in "".join(text.values())
        assert new not in README


def numbers(text: str) -> set[str]:
    """Numbers that stand for themselves: not in code, addresses, made blocks, quotations or names
    such as H800.
    """
    text = re.sub(r"(?s)<!-- (\w+) -->.*?<!-- /\1 -->|```.*?```", " ", text)
    text = re.sub(
        r"`[^`]*`|\]\([^)]*\)|\"[^\"\n]*\"|arXiv [\d., ]+\d|(?:Llama|Fire-Flyer) [\d.]+", " ", text
    )
    return set(re.findall(r"(?<![\w.,-])\d+(?:[.,]\d+)*(?![\w-])", text))


def known() -> set[str]:
    """Numbers that name something: fleets and dates, those of the article, intervals' levels, the
    Pythons that do.
    """
    fleets = [
        [pool.active_chips for pool in load_scenario(name).fleet.values()] for name in names()
    ]
    said = [
        int(n.replace(",", ""))
        for c in claims().values()
        for n in re.findall(r"\d+,\d{3}", c.translation)
    ]
    missing = [a - b for a in said for b in said]
    pythons = re.findall(r"3\.\d+", (ROOT / "pyproject.toml").read_text())
    named = {f"{n:,}" for n in [*chain(*fleets), *map(sum, fleets), *said, *missing]}
    return named | {*map(str, range(2015, 2031)), "5", "90", "95", *pythons}


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "docs/design.md", "docs/tutorial.md", "docs/limits.md"]
)
def test_a_page_types_no_result(page: str) -> None:
    assert numbers((ROOT / page).read_text(encoding="utf-8")) - known() == set()


@pytest.mark.parametrize("notebook", figures.notebooks(), ids=lambda path: path.stem)
def test_a_notebook_types_no_result(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    code = [ast.parse("".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]
    written = [node for tree in code for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    prose += [
        " ".join(str(p.value) if isinstance(p, ast.Constant) else "X" for p in node.values)
        for node in written
    ]
    assert set().union(*map(numbers, prose)) - known() == set()


def test_a_typed_result_is_noticed() -> None:
    assert numbers(
        'H800 take 58.5 days (`7`), 3 % of "16" [x](9.md), DeepSeek-V3, Llama 3.1, 1,234.'
    ) == {
        "58.5",
        "3",
        "1,234",
    }


@pytest.mark.parametrize(
    ("more", "written"), [([], True), (["--out", "elsewhere"], False), (["-p", "runs", "3"], False)]
)
def test_drawing_all_figures_brings_the_pages_up_to_date(
    more: list[str], written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(figures, "make_figures", lambda *_, out, **__: out or ROOT / "figures")
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
    for name, entry in FIGURES.items():
        assert f"![{entry['alt']}](../figures/{name}.png)" in text
        assert f"## {entry['title']}\n" in text
        assert f"sim figures {entry['notebook'].removesuffix('.ipynb')}" in text
