"""What holds for every notebook: its shape, its parameters, its links, and that it runs."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from sim import documents
from sim.errors import InputError
from sim.publish import figures
from sim.publish.figures import make_figures
from sim.publish.notebook_parameters import check, parameters
from sim.scenario import load_scenario, names

NOTEBOOKS = figures.notebooks()
EVERY = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
START = figures.repository() / "notebooks" / "00_start_here.ipynb"
MOST_CODE_CELLS = 12
LONGEST = 12
"""Lines of a loop in a notebook: enough to write sentences, too few for logic."""


def cells(notebook: Path, kind: str) -> list[dict[str, Any]]:
    every = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in every if cell["cell_type"] == kind]


def sources(notebook: Path, kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in cells(notebook, kind)]


@EVERY
def test_it_is_committed_without_outputs_and_with_ids_of_its_own(notebook: Path) -> None:
    code = cells(notebook, "code")
    assert [cell for cell in code if cell["outputs"] or cell["execution_count"]] == []
    every = json.loads(notebook.read_text(encoding="utf-8"))
    ids = [cell["id"] for cell in every["cells"]]
    assert len(set(ids)) == len(ids)
    assert set(every["metadata"]) == {"kernelspec", "language_info"}
    assert set().union(*(cell["metadata"] for cell in every["cells"])) <= {"tags"}


@EVERY
def test_its_parameters_are_described_literals_with_a_folder_and_a_seed(notebook: Path) -> None:
    found = parameters(notebook)
    assert found["out"].default == ""
    assert "seed" not in found or (found["seed"].low, found["seed"].kind) == (0, "int")
    numbers = [
        one for one in found.values() if one.kind in ("int", "float", "list[int]", "list[float]")
    ]
    assert [one.name for one in numbers if one.allowed == one.kind] == [], (
        "a number needs its range"
    )


@EVERY
def test_it_asks_a_question_and_ends_with_its_limits_and_a_way_on(notebook: Path) -> None:
    prose = sources(notebook, "markdown")
    assert prose[0].startswith("# ")
    [method] = [part for part in prose[0].split("\n\n") if part.startswith("**Method.** ")]
    assert len(re.findall(r"[.?!](?=\s|$)", method.removeprefix("**Method.** "))) <= 2, (
        "two sentences"
    )
    assert "## Limits" in prose[-1]
    assert re.search(r"\]\(\d\d_\w+\.ipynb\)", prose[-1])
    says = [text for text in sources(notebook, "code") if "Markdown(" in text]
    assert says or notebook.stem == "10_explorer", "what it says is computed"


@EVERY
def test_its_links_lead_somewhere(notebook: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", "\n".join(sources(notebook, "markdown")))
    local = [link for link in links if not link.startswith("http")]
    assert [link for link in local if not (notebook.parent / link.partition("#")[0]).exists()] == []


@EVERY
def test_logic_stays_in_the_package(notebook: Path) -> None:
    code = sources(notebook, "code")
    assert len(code) <= MOST_CODE_CELLS
    for cell in code:
        for node in ast.walk(ast.parse(cell)):
            assert not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.Try | ast.While)
            if isinstance(node, ast.For):
                assert (node.end_lineno or 0) - node.lineno < LONGEST, cell


@EVERY
def test_a_counterfactual_is_called_one(notebook: Path) -> None:
    text = "\n".join(sources(notebook, "code"))
    used = [name for name in names() if re.search(rf'"{re.escape(name)}["\s,]', text)]
    if any(load_scenario(name).status == "counterfactual" for name in used):
        assert "counterfactual" in "\n".join(sources(notebook, "markdown")).lower()


def test_the_start_leads_to_every_other_notebook_in_order() -> None:
    [last] = [text for text in sources(START, "markdown") if "## Where next" in text]
    listed = re.findall(r"^- \[[^\]]+\]\((\w+\.ipynb)\)", last, re.MULTILINE)
    assert listed == [notebook.name for notebook in NOTEBOOKS if notebook != START]


def test_the_quick_profile_knows_every_notebook_and_fits_it() -> None:
    quick = documents.read(START.with_name("quick.yaml")).data
    assert set(quick) == {notebook.stem for notebook in NOTEBOOKS}
    for notebook in NOTEBOOKS:
        assert check(notebook, quick[notebook.stem]) != check(notebook, {})


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"rnus": "3"}, 'a parameter "rnus" (did you mean "runs"?)'),
        ({"runs": "three"}, "10_explorer.ipynb: runs = three is not allowed: int from 2 to 100"),
        ({"runs": "3.5"}, "is not allowed: int"),
        ({"runs": "1000"}, "is not allowed: int from 2 to 100"),
        ({"out": "/tmp"}, 'a parameter "out"'),
    ],
)
def test_a_wrong_value_is_refused_before_anything_runs(
    given: dict[str, str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "_run", lambda *_: pytest.fail("it ran"))
    with pytest.raises(InputError) as caught:
        make_figures(["10_explorer"], given=given, out=tmp_path / "figures")
    assert complaint in str(caught.value)
    assert not (tmp_path / "figures").exists()


def test_a_short_notebook_runs_and_leaves_its_figure(tmp_path: Path) -> None:
    folder = make_figures(["10_explorer"], profile="quick", jobs=1, out=tmp_path / "quick")
    assert {path.name for path in folder.iterdir()} == {
        *(f"explorer.{suffix}" for suffix in ("csv", "png", "svg")),
        "manifest.json",
    }
    entry = figures.manifest(folder)["explorer"]
    assert entry["notebook"] == "10_explorer.ipynb"
    # A figure of few runs says so in both, as either may be met alone.
    assert entry["title"].startswith("quick: ")
    assert entry["alt"].startswith("quick: ")
    assert entry["title"].removeprefix("quick: ") in entry["alt"]
    assert "counterfactual" in entry["alt"]


@EVERY
def test_it_checks_its_parameters_before_it_works(notebook: Path) -> None:
    _, first, *_ = cells(notebook, "code")
    lines = "".join(first["source"]).split("\n")
    done = [line for line in lines if line and not line.startswith(("from ", "import "))]
    assert done[0] == "check_here()"
