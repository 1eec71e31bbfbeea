"""Build the site: docs/ and what is generated from the code, into build/site.

Links of docs/ to files outside it lead to pages or copies within the site, or to the repository.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from html import escape
from pathlib import Path

import explorer_page
import generate

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "build" / "site-pages"
SITE = ROOT / "build" / "site"
NPM = ROOT / "build" / "site-npm" / "node_modules"
SCRIPTS = {
    "iframe-worker.js": "iframe-worker/shim/index.js",
    "uplot.js": "uplot/dist/uPlot.iife.min.js",
    "uplot.css": "uplot/dist/uPlot.min.css",
}
TOP = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changes.md"}
SHOWN = ("the_exchange_rate", "embargoed_stock", "where_did_14000_chips_go")
"""Figures of the start page."""
BUILT = re.compile(r"(!?\[[^]]*\])\(([^)#\s]+)(#[^)]*)?\)")


def address() -> str:
    """Where the repository is."""
    [found] = re.findall(
        r"^repository-code: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.M
    )
    return found


def linked(text: str, home: Path, page: Path) -> str:
    """Text whose links, written for `home` in the repository, work from a page of the site."""
    depth = "../" * (len(page.parts) - 1)

    def target(match: re.Match[str]) -> str:
        words, path, anchor = match.groups()
        if "://" in path:
            return match.group(0)
        file = (home / path).resolve().relative_to(ROOT)
        if file.parts[0] == "docs":
            new = depth + file.relative_to("docs").as_posix()
        elif file.parts[0] == "figures":
            new = depth + file.as_posix()
        elif file.parts[0] == "notebooks" and file.suffix == ".ipynb":
            new = f"{depth}notebooks/{file.stem}.md"
        elif file.name in TOP:
            new = depth + TOP[file.name]
        else:
            new = f"{address()}/blob/main/{file.as_posix()}"
        return f"{words}({new}{anchor or ''})"

    return BUILT.sub(target, text)


def write(name: str, text: str, home: Path | None = None) -> None:
    """One page of the site."""
    path = PAGES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    page = Path(name)
    path.write_text(linked(text, home, page) if home else text, encoding="utf-8")


def notebook(path: Path) -> str:
    """A notebook as a page: its words and its code, without running it."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    parts = []
    for cell in cells:
        source = "".join(cell["source"])
        parts.append(
            source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```"
        )
    figures = json.loads((ROOT / "figures" / "manifest.json").read_text())["figures"]
    parts += [
        f"![{entry['alt']}](../figures/{name}.png)\n\n{entry['title']}."
        for name, entry in figures.items()
        if entry["notebook"] == path.name
    ]
    return "\n\n".join(parts) + "\n"


def start() -> str:
    """The start page: three figures, each with its sentence."""
    figures = json.loads((ROOT / "figures" / "manifest.json").read_text())["figures"]
    parts = [
        "# What is a mixed fleet of chips worth?\n",
        "A simulation of training a large model on a mixed, ageing, failing fleet of chips that "
        "nobody will fully replace. It turns claims into numbers with error bars that anyone can "
        "derive again. Mixed runs are counterfactual: no published run has done this.\n",
    ]
    for name in SHOWN:
        entry = figures[name]
        parts.append(f"**{entry['title']}.**\n\n![{entry['alt']}](figures/{name}.png)\n")
    parts.append(
        "Begin with the [tutorial](tutorial.md), move the handles of the [explorer](explorer.md), "
        "or look up [a key](reference/keys.md), [a metric](reference/metrics.md) or "
        "[a command](reference/commands.md). [Limits](limits.md) says how sure all this is, and "
        "[how to cite](cite.md) says how to name it in a text.\n"
    )
    return "\n".join(parts)


def cite() -> str:
    """How to cite, with the file that says it to machines."""
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    return (
        "# How to cite\n\nCite the version that you used (`sim --version`) and, for a figure, the "
        f"lock it was drawn under (`figures/manifest.json`).\n\n```yaml\n{text}```\n"
    )


def pages() -> None:
    """Make every page anew."""
    shutil.rmtree(PAGES, ignore_errors=True)
    (PAGES / "assets").mkdir(parents=True)
    shutil.copytree(ROOT / "figures", PAGES / "figures")
    for name, source in SCRIPTS.items():
        shutil.copy(NPM / source, PAGES / "assets" / name)
    for name in ("site.css", "site.js"):
        shutil.copy(ROOT / "site" / name, PAGES / "assets" / name)
    docs = ROOT / "docs"
    for path in docs.rglob("*.md"):
        write(
            path.relative_to(docs).as_posix(), path.read_text(encoding="utf-8"), path.parent
        )
    for source, name in TOP.items():
        write(name, (ROOT / source).read_text(encoding="utf-8"), ROOT)
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        write(f"notebooks/{path.stem}.md", notebook(path), path.parent)
    for name, page in generate.PAGES.items():
        write(f"reference/{name}.md", page())
    write("index.md", start())
    write("cite.md", cite())
    folder = ROOT / "site" / "explorer"
    shutil.copy(folder / "explorer.js", PAGES / "assets")
    write("assets/explorer-data.js", explorer_page.script())
    write("explorer.md", (folder / "explorer.md").read_text(encoding="utf-8"))


def main() -> None:
    """Make the pages and the site; any warning ends it."""
    pages()
    # Not `--quiet`: mkdocs would not count the warnings then, and `--strict` never fail.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean"]
    # Its notice of another generator would be the only warning there is.
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    config = str(ROOT / "site" / "mkdocs.yml")
    subprocess.run([*command, "--config-file", config], env=quiet, check=True)
    print(f"the site is in {escape(str(SITE.relative_to(ROOT)))}; open its index.html")


if __name__ == "__main__":
    main()
