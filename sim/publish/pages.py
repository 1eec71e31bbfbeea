"""Pages made from results and facts: README.md's blocks, and docs/ of findings, claims, sources."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sim import catalogue, documents, files
from sim.experiments.claim_checks import WORDS
from sim.publish import figures
from sim.publish.notebook_parameters import title
from sim.validation import score

FIRST = "where_did_14000_chips_go"
SHOWN = (
    "usual-sixteen-thousand",
    "two-thousand-of-them",
    "weak-chips-make-up",
    "mixing-made-it-cheaper",
    "sanctions-do-not-work",
    "able-despite-sanctions",
)
"""Claims that the README names."""
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
    # Without results, as in a fresh clone of no figures, the pages stay what they are.
    if results.exists():
        claims = pd.read_csv(results).fillna(dict.fromkeys(WORDS, ""))
        blocks = {
            "README.md": {"first": first(base), "claims": claims_in_short(claims)},
            "docs/findings.md": {"findings": findings(base)},
            "docs/claims.md": {"claims": claims_table(claims)},
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


def claims_in_short(claims: pd.DataFrame) -> str:
    """The claims that the README names, a line each."""
    chosen = claims[claims["decides"] & claims["claim"].isin(SHOWN)]
    lines = [
        f"- “{row['translation']}”: **{row['verdict']}**. {number(row)}."
        for _, row in chosen.drop_duplicates("claim").iterrows()
    ]
    return "\n".join(lines) + "\n"


def claims_table(claims: pd.DataFrame) -> str:
    """The deciding reading of each claim as a row of Markdown."""
    rows = [
        "| said | verdict | would have to be true, and was simulated | moved most by |",
        "|---|---|---|---|",
    ]
    for _, row in claims[claims["decides"]].iterrows():
        said = f"„{row['quotation']}“ *{row['translation']}*"
        found = f" **{number(row)}**" if row["reading"] else ""
        cause = f"`{row['input']}`" if row["reading"] else ""
        rows.append(f"| {said} | {row['verdict']} | {row['needs']}{found} | {cause} |")
    return "\n".join(rows) + "\n"


def first(base: Path) -> str:
    """The figure at the top, with what it says."""
    entry = figures.manifest(base / "figures")[FIRST]
    return f"![{entry['alt']}](figures/{FIRST}.png)\n\n**{entry['title']}.**\n"


def findings(base: Path) -> str:
    """Every notebook as a row: its question, claims, command, measured time, and tolerance."""
    every = figures.manifest(base / "figures")
    seconds = documents.read(base / "notebooks" / "times.yaml").data
    rows = ["| question | claim and figure | command | time | tolerance |", "|---|---|---|---|---|"]
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


def told(claims: pd.DataFrame) -> str:
    """Every reading of every claim, for a terminal."""
    lines = []
    for name, rows in claims.groupby("claim", sort=False):
        first = rows.iloc[0]
        lines += [f"{name}: {first['verdict']}", f"  „{first['quotation']}“", f"  {first['needs']}"]
        lines += [
            f"  {number(row)}; moved most by {row['input']}"
            for _, row in rows.iterrows()
            if row["reading"]
        ]
    return "\n".join(lines)


def number(row: pd.Series) -> str:
    """What was simulated of a reading: median, spread, limit, and the share that meets it."""
    columns = ("p5", "median", "p95", "limit")
    told = {key: f"{row[key]:.3g}".replace("inf", "∞") for key in columns}
    than = f" {row['against']}" if row["against"] else ""
    return (
        f"{row['reading']} ({row['status']}): "
        f"{told['median']} {row['unit']}{than} ({told['p5']} to {told['p95']}); "
        f"{row['bound']} {told['limit']} in {row['share']:.0%} of runs"
    )


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
