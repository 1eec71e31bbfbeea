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
from sim.experiments.articles import article
from sim.experiments.claim_checks import FEWEST, OUTSIDE, SUPPORTED, WORDS
from sim.pictures.words import plain
from sim.publish import claim_pages, figures, pages
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
    rows = [line for line in block("claims").splitlines() if "](docs/claims.md#" in line]
    assert len(rows) == 6
    # Who reads English need not read German.
    assert all(row.startswith("| “") for row in rows)


def test_each_claim_has_its_figure_command_time_and_tolerance() -> None:
    rows = block("findings", "docs/findings.md").splitlines()[2:]
    assert set(TIMES) == {path.stem for path in figures.notebooks()}
    for path, row in zip(figures.notebooks(), rows, strict=True):
        assert f"`sim figures {path.stem}` | {TIMES[path.stem]} s | {figures.SAME:g} |" in row
        drawn = {n: e["title"] for n, e in FIGURES.items() if e["notebook"] == path.name}
        assert len(drawn) == row.count("](../figures/") >= 1
        assert all(f"[{title}](../figures/{name}.png)" in row for name, title in drawn.items())
    assert f"**{FIGURES[pages.FIRST]['title']}.**" in block("first")


def claims_table(runs: int = FEWEST) -> pd.DataFrame:
    """Every reading of the article, with numbers made up for those that can be tested."""
    rows = []
    for number, (name, sentence) in enumerate(article().sentences.items(), 1):
        for k, reading in enumerate(sentence.readings):
            said = {"row": number, "claim": name, "reading_number": k, "speaker": "it"}
            said |= {"sentence": sentence.sentence, "reading": f"reading {k}", "needs": "So."}
            said |= {"verdict": OUTSIDE, "found": OUTSIDE}
            said |= {"caveat": claim_pages.words(reading.caveat)}
            said |= {"translation": sentence.translation}
            if reading.limit:
                quantiles = dict.fromkeys(("p5", "median", "p95"), 123.4)
                said |= quantiles | {f"{key}_most": value for key, value in quantiles.items()}
                said |= {"p95_most": float("inf"), "unit": "million dollars"}
                said |= {"share": 1.0, "share_lo": 0.94, "share_hi": 1.0}
                said |= {
                    "against": "",
                    "bound": "at most",
                    "limit": 200.0,
                    "limit_from": 150.0,
                    "limit_to": 250.0,
                }
                said |= {"limit_status": reading.limit.status, "limit_source": "it"}
                said |= {"rests_on": "a note", "status": "counterfactual", "runs": runs}
                said |= {"supported_at": 124.5, "contradicted_at": 122.5}
                said |= {"verdict": SUPPORTED, "found": SUPPORTED, "input": "chips.H20-96.price"}
            rows.append(said)
    table = pd.DataFrame(rows)
    return table.fillna(dict.fromkeys(WORDS, ""))


def test_the_readme_shows_six_sentences_that_lead_to_the_page() -> None:
    table = claims_table()
    lines = claim_pages.readme(table).splitlines()
    assert "rest on an assumed limit" in lines[0]
    rows = lines[4:]
    assert len(rows) == 6
    headings = re.findall(r"(?m)^## (\d+)$", claim_pages.page(table))
    for row in rows:
        [number] = re.findall(r"\[`sim claims (\d+)`\]\(docs/claims.md#\1\)", row)
        assert number in headings
        assert "| supported |" in row
        assert "123 million dollars" in row


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_page_quotes_every_sentence_and_names_the_line_that_recomputes_it(
    language: str,
) -> None:
    page = claim_pages.page(claims_table(), language)
    for number, (name, sentence) in enumerate(article().sentences.items(), 1):
        assert f"„{sentence.sentence}“" in page, name
        assert f"`sim claims {number}`" in page
        for reading in sentence.readings:
            assert claim_pages.words(reading.says, language) in page
            assert claim_pages.words(reading.needs, language) in page
    first = page.split("\n\n")[1]
    word, least = ("assumed limit", "at least 123")
    if language == "de":
        word, least = ("angenommenen Grenze", "mindestens 123")
        assert "at least" not in page
        assert "supported" not in page
    assert word in first
    assert least in page, "runs that had not ended"


def test_every_unknown_that_may_move_a_reading_has_a_name_in_german() -> None:
    say = claim_pages.speaker_of("de")
    text = article()
    scenarios = text.scenarios(text.sentences).values()
    unknown = {name for scenario in scenarios for name in scenario.draws(1, 0)}
    named = {plain(name).partition(" (")[0] for name in unknown}
    assert len(named) > 20
    assert {name for name in named if say(name) == name} == set()


def test_the_terminal_tells_what_the_page_tells() -> None:
    table = claims_table()
    told = claim_pages.told(table)
    assert "rest on an assumed limit" in told.splitlines()[0]
    for sentence in article().sentences.values():
        words = [
            sentence.translation,
            *(claim_pages.words(fact.says) for fact in sentence.evidence),
        ]
        words += [claim_pages.words(reading.caveat) for reading in sentence.readings]
        assert [word for word in words if word not in told] == []


def test_too_few_runs_are_told_without_a_verdict() -> None:
    few = claims_table(FEWEST - 1)
    verdict = rf"[:|\d] {SUPPORTED}"
    for text in (claim_pages.told(few), claim_pages.readme(few), claim_pages.title(few)):
        assert claim_pages.NO_VERDICT in text
        assert not re.search(verdict, text)
    assert re.search(verdict, claim_pages.told(claims_table()))


def test_a_result_that_changes_changes_the_readme(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    for folder in ("docs", "figures"):
        (tmp_path / folder).mkdir()
    for page, blocks in (("README.md", ("first", "claims")), ("docs/findings.md", ("findings",))):
        parts = [f"<!-- {name} -->\nold\n<!-- /{name} -->\nafter\n" for name in blocks]
        (tmp_path / page).write_text("before\n" + "".join(parts))
    claims_table().to_csv(tmp_path / "figures" / "claims.csv", index=False)
    figures = FIGURES | {"explorer": FIGURES["explorer"] | {"title": "Seven days"}}
    (tmp_path / "figures" / "manifest.json").write_text(json.dumps({"figures": figures}))
    pages.write(tmp_path)
    text = {page: (tmp_path / page).read_text() for page in ("README.md", "docs/findings.md")}
    assert "<!-- claims -->\nOf " in text["README.md"]
    assert "|\n<!-- /claims -->\nafter\n" in text["README.md"]
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
        for c in article().sentences.values()
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
