"""Pages made from results and facts: README.md's blocks, and docs/ of findings, claims, sources."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sim import catalogue, files
from sim.experiments.claim_checks import WORDS
from sim.publish import claim_pages, figures
from sim.publish.notebook_parameters import title
from sim.validation import score

FIRST = "where_did_14000_chips_go"
CREDITS = """# Data sources

Facts are cited, not copied: each number stands in `sim/catalogue/` with its source, its status and,
where sources disagree, its range (`sim catalogue KIND NAME` shows them). Two data sets by
**Epoch AI** are used under CC BY 4.0: its Machine Learning Hardware data set and its hardware
prices; values were selected, converted to dense rates and to one direction of a link, and rounded.
Estimates and methods by Epoch AI, and the statistics of InfiniteHBD's trace, are used under the
licences named below. Quotations from the newspaper article are short and verbatim.

"""
MADE = "<!-- Made by `sim figures`; what is changed here is lost. -->\n\n"


def made(root: Path | None = None) -> dict[Path, str]:
    """Make every such page from the committed figures and the catalogue.

    Returns
    -------
    dict
        The whole text of each, by its path.
    """
    base = figures.repository(root)
    texts = {
        base / "docs" / "gallery.md": MADE + gallery(base),
        base / "docs" / "data_sources.md": MADE + data_sources(),
    }
    results = base / "figures" / "claims.csv"
    claims = pd.read_csv(results) if results.exists() else pd.DataFrame()
    # Without results, as in a fresh clone of no figures, the pages stay what they are.
    if "reading_number" in claims:
        # A column of words without any is read as one of numbers.
        words = [name for name in WORDS if name in claims]
        claims[words] = claims[words].astype(object).fillna("")
        for language, name in claim_pages.PAGES.items():
            texts[base / "docs" / name] = MADE + claim_pages.page(claims, language)
        blocks = {
            "README.md": {"first": first(base), "claims": claim_pages.readme(claims)},
            "docs/findings.md": {"findings": findings(base)},
        }
        scored = base / "figures" / "trust_score.csv"
        if scored.exists():
            blocks["README.md"]["score"] = f"{score.line(pd.read_csv(scored))}\n"
        for page, parts in blocks.items():
            text = (base / page).read_text(encoding="utf-8")
            for name, block in parts.items():
                text = _replaced(text, name, block)
            texts[base / page] = text
    return texts


def _replaced(text: str, name: str, block: str) -> str:
    """A page with another block of a name."""
    before, start, rest = text.partition(f"<!-- {name} -->\n")
    return before + start + block + rest[rest.index(f"<!-- /{name} -->") :]


def write(root: Path | None = None) -> None:
    """Bring every page up to date."""
    for path, text in made(root).items():
        files.write(path, text)


def first(base: Path) -> str:
    """The figure at the top, with what it says."""
    entry = figures.manifest(base / "figures")[FIRST]
    return f"![{entry['alt']}](figures/{FIRST}.png)\n\n**{entry['title']}.**\n"


def findings(base: Path) -> str:
    """Every notebook as a row: its question, claims, command, measured time, and tolerance."""
    every = figures.manifest(base / "figures")
    seconds = figures.seconds_of(base)
    rows = [
        "| question | claim and figure | command | time | tolerance |",
        "|---|---|---|---|---|",
    ]
    for path in figures.notebooks(base):
        claims = "<br>".join(
            f"[{entry['title']}](../figures/{name}.png)"
            for name, entry in every.items()
            if entry["notebook"] == path.name
        )
        asks = f"[{title(path)}](../notebooks/{path.name})"
        time = f"{seconds[path.stem]} s"
        rows.append(
            f"| {asks} | {claims} | `sim figures {path.stem}` | {time} | {figures.SAME:g} |"
        )
    return "\n".join(rows) + "\n"


def gallery(base: Path) -> str:
    """Every figure with its words, notebook, numbers and command."""
    every = figures.manifest(base / "figures")
    parts = ["# Gallery\n"]
    for name, entry in sorted(every.items(), key=lambda item: (item[1]["notebook"], item[0])):
        stem = entry["notebook"].removesuffix(".ipynb")
        parts.append(
            f"## {entry['title']}\n\n![{entry['alt']}](../figures/{name}.png)\n\n{entry['alt']}\n\n"
            f"[{stem}](../notebooks/{stem}.ipynb) · [numbers](../figures/{name}.csv) · "
            f"[SVG](../figures/{name}.svg) · `sim figures {stem}`\n"
        )
    return "\n".join(parts)


def data_sources() -> str:
    """Every source that a fact of the catalogue cites, with its licence and what rests on it."""
    uses = {
        (f.source, kind)
        for kind in catalogue.kinds()
        for e in catalogue.table(kind).values()
        for f in e.facts
    }
    rows = ["| key | source | licence | facts on |", "|---|---|---|---|"]
    for key, source in sorted(catalogue.sources().items()):
        title = f"[{source['title']}]({source['url']})" if source["url"] else source["title"]
        kinds = ", ".join(sorted(kind for used, kind in uses if used == key))
        rows.append(f"| {key} | {title} | {source['licence']} | {kinds or 'claims'} |")
    return CREDITS + "\n".join(rows) + "\n"
