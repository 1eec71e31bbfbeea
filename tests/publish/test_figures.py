import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import nbformat
import pytest

from sim.errors import CheckFailed, InputError
from sim.publish import figures, swap
from sim.publish.figures import make_figures, manifest, notebooks
from sim.publish.verification import verify

PARAMETERS = """\
scale: float = 2.0  # help: multiplies the line [0, 10]
{more}
out: str = ""  # help: folder for the figures; empty: only show them"""

# Drawn as a real notebook draws.
LINE = """\
import pandas as pd
from matplotlib.figure import Figure
from sim.pictures.style import save_figure, styled

data = pd.DataFrame({"x": [0.1, 0.2, 0.3], "y": [scale * x / 3 for x in (0.1, 0.2, 0.3)]})
with styled():
    figure = Figure()
    figure.subplots().plot(data["x"], data["y"])
save_figure(figure, "line", data, out, title="A line", alt="It rises.")"""

# Writes by hand what `save_figure` writes, which spares the tests the time to load the libraries.
BARS = """\
import json
from pathlib import Path
from typing import Any

folder = Path(out)
folder.mkdir()
for name in names:
    (folder / f"{name}.csv").write_text(f"bar,height\\n{name},{scale / 3}\\n")
    (folder / f"{name}.json").write_text(json.dumps({"title": name, "alt": "A bar."}))
    (folder / f"{name}.png").write_bytes(b"png")
    (folder / f"{name}.svg").write_text("<svg/>")"""

FAILING = """\

# the last cell
raise RuntimeError("too many\\nchips")"""


def add(root: Path, stem: str, *cells: str, more: str = "") -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A question")])
    parameters = PARAMETERS.format(more=more).replace("\n\n", "\n")
    book.cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    book.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(book, root / "notebooks" / f"{stem}.ipynb")


def repository(root: Path) -> Path:
    """Lay a repository of two notebooks, not yet run."""
    (root / "notebooks").mkdir()
    (root / "requirements.lock").write_text("simpy==4.1.2\n")
    add(root, "02_bars", BARS, more='names: list[str] = ["left", "right"]  # help: bars to draw')
    add(root, "01_line", LINE)
    (root / "notebooks" / "quick.yaml").write_text("02_bars: {scale: 1, names: [left]}\n")
    return root


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a repository after a full run; only to be looked at."""
    root = repository(tmp_path_factory.mktemp("finished"))
    assert make_figures(root=root) == root / "figures"
    return root


@pytest.fixture
def drawn(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return shutil.copytree(finished, tmp_path / "drawn")


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    return repository(tmp_path)


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the cells here, without papermill and its kernels: enough where only what becomes of the
    figures matters.
    """

    def run(values: dict[Path, dict[str, Any]], draft: Path, *_: object) -> None:
        for path, given in values.items():
            scope: dict[str, Any] = {}
            for cell in nbformat.read(path, as_version=4).cells:
                if cell.cell_type == "code":
                    exec(cell.source, scope)
                    scope |= (
                        given | {"out": str(draft / path.stem)} if "tags" in cell.metadata else {}
                    )

    monkeypatch.setattr(figures, "_run", run)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def rewrite(root: Path, name: str, old: str, new: str) -> None:
    """Change a figure's numbers, and the manifest with them."""
    table = root / "figures" / f"{name}.csv"
    assert old in table.read_text()
    table.write_text(table.read_text().replace(old, new))
    account = json.loads((root / "figures" / "manifest.json").read_text())
    account["figures"][name]["data"] = account["figures"][name]["files"][table.name] = digest(table)
    (root / "figures" / "manifest.json").write_text(json.dumps(account))


def test_notebooks_come_in_their_order(fresh: Path) -> None:
    assert [path.name for path in notebooks(fresh)] == ["01_line.ipynb", "02_bars.ipynb"]


def test_a_package_without_its_repository_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There are no notebooks in"):
        notebooks(tmp_path)


def test_a_full_run_leaves_figures_and_an_account_of_them(finished: Path) -> None:
    folder = finished / "figures"
    names = [
        f"{name}.{suffix}" for name in ("left", "line", "right") for suffix in ("csv", "png", "svg")
    ]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*names, "manifest.json"])
    assert (folder / "line.csv").read_text().splitlines()[1] == f"0.1,{2.0 * 0.1 / 3!r}"
    assert manifest(folder)["line"] == {
        "notebook": "01_line.ipynb",
        "parameters": {"scale": 2.0},
        "title": "A line",
        "alt": "It rises.",
        "data": digest(folder / "line.csv"),
        "files": {
            f"line.{suffix}": digest(folder / f"line.{suffix}") for suffix in ("csv", "png", "svg")
        },
        "lock": digest(finished / "requirements.lock"),
    }
    assert manifest(folder)["right"]["parameters"] == {"scale": 2.0, "names": ["left", "right"]}
    assert [path.name for path in (finished / "build").iterdir()] == ["notebooks"], (
        "no draft is left behind"
    )
    assert len(list((finished / "build" / "notebooks" / "full").glob("*.ipynb"))) == 2


def test_verify_draws_the_same_bytes_again(finished: Path) -> None:
    before = contents(finished / "figures")
    report = verify(root=finished)
    assert report == "Of 3 figures 3 hold in their numbers (to 1e-09), 3 in every byte."
    assert contents(finished / "figures") == before


def test_verify_names_the_figure_with_a_changed_digit(drawn: Path) -> None:
    table = drawn / "figures" / "line.csv"
    table.write_text(table.read_text().replace("0.2", "0.3", 1))
    (drawn / "figures" / "right.svg").unlink()
    (drawn / "figures" / "other.png").write_bytes(b"png")
    with pytest.raises(CheckFailed) as caught:
        verify(root=drawn)
    assert str(caught.value).splitlines()[:-1] == [
        "other.png: in the folder, but not in the manifest",
        "line: line.csv has been changed since it was drawn",
        "right: right.svg is missing",
    ]


@pytest.mark.usefixtures("in_process")
def test_verify_tells_numbers_from_bytes_and_finds_what_is_not_drawn(drawn: Path) -> None:
    rewrite(drawn, "left", "0.6666666666666666", "0.66666666667")
    rewrite(drawn, "line", "0.2,", "0.2000001,")
    add(drawn, "02_bars", BARS, more='names: list[str] = ["left", "new"]  # help: bars to draw')
    with pytest.raises(CheckFailed) as caught:
        verify(root=drawn)
    assert str(caught.value).splitlines() == [
        "left: numbers hold, bytes do not (data, files, parameters)",
        "line: x in line 3 of its data is 0.2000001, drawn again 0.2",
        "new: drawn by a notebook, but not committed",
        "right: committed, but drawn by no notebook",
        "Of 4 figures 1 hold in their numbers (to 1e-09), 0 in every byte.",
    ]


@pytest.mark.usefixtures("in_process")
def test_one_notebook_replaces_its_own_figures_only(drawn: Path) -> None:
    before = contents(drawn / "figures")
    make_figures(["02_bars"], given={"scale": "3", "names": '["left", "top"]'}, root=drawn)
    after = contents(drawn / "figures")
    assert after.keys() - before.keys() == {"top.csv", "top.png", "top.svg"}
    assert before.keys() - after.keys() == {"right.csv", "right.png", "right.svg"}
    assert after["line.svg"] == before["line.svg"]
    assert after["left.csv"] == b"bar,height\nleft,1.0\n"
    account = manifest(drawn / "figures")
    assert account["top"]["parameters"] == {"scale": 3.0, "names": ["left", "top"]}
    assert account["line"]["parameters"] == {"scale": 2.0}


def test_the_quick_profile_has_its_own_numbers_and_folder(drawn: Path) -> None:
    before = contents(drawn / "figures")
    folder = make_figures(["02_bars.ipynb"], profile="quick", root=drawn)
    assert folder == drawn / "build" / "quick"
    assert (folder / "left.csv").read_text() == f"bar,height\nleft,{1 / 3}\n"
    assert contents(drawn / "figures") == before


def test_a_folder_that_cannot_be_made_is_refused_before_anything_runs(
    fresh: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: cannot be used as a folder"):
        figures.make_figures(root=fresh, out=tmp_path / "file")


def test_a_failing_notebook_is_named_and_changes_nothing(drawn: Path) -> None:
    before = contents(drawn / "figures")
    add(drawn, "02_bars", BARS, FAILING, more='names: list[str] = ["left"]  # help: bars to draw')
    with pytest.raises(CheckFailed) as caught:
        make_figures(["02_bars"], root=drawn)
    assert str(caught.value).splitlines() == [
        "02_bars.ipynb, cell 4 (`# the last cell`) failed: RuntimeError: chips",
        "No figure has been changed.",
    ]
    assert contents(drawn / "figures") == before
    assert [path.name for path in (drawn / "build").iterdir()] == ["notebooks"]


@pytest.mark.usefixtures("in_process")
def test_a_figure_saved_in_another_way_is_refused(drawn: Path) -> None:
    before = contents(drawn / "figures")
    add(
        drawn,
        "02_bars",
        BARS.replace(".png", ".jpg"),
        more='names: list[str] = ["left"]  # help: bars to draw',
    )
    with pytest.raises(CheckFailed, match=r'02_bars\.ipynb wrote "left\.json" without its figure'):
        make_figures(["02_bars"], root=drawn)
    assert contents(drawn / "figures") == before


@pytest.mark.usefixtures("in_process")
def test_two_notebooks_cannot_draw_the_same_figure(drawn: Path) -> None:
    before = contents(drawn / "figures")
    (drawn / "notebooks" / "01_line.ipynb").unlink()
    add(drawn, "03_more", BARS, more='names: list[str] = ["right"]  # help: bars to draw')
    with pytest.raises(CheckFailed, match=r'03_more\.ipynb and 02_bars\.ipynb both draw "right"'):
        make_figures(root=drawn)
    assert contents(drawn / "figures") == before


@pytest.mark.parametrize(
    ("names", "profile", "given", "complaint"),
    [
        (["01_lines"], "full", {}, 'no notebook "01_lines" (did you mean "01_line"?)'),
        ([], "fast", {}, 'no profile "fast"'),
        (
            [],
            "full",
            {"scales": "1"},
            'None of these notebooks has a parameter "scales" (did you mean "scale"?)',
        ),
        (["01_line"], "full", {"names": "[]"}, 'None of these notebooks has a parameter "names"'),
        ([], "full", {"out": "."}, 'None of these notebooks has a parameter "out"'),
        (
            [],
            "full",
            {"scale": "eleven"},
            "01_line.ipynb: scale = eleven is not allowed: float from 0 to 10",
        ),
        (
            [],
            "full",
            {"scale": "11"},
            "01_line.ipynb: scale = 11 is not allowed: float from 0 to 10",
        ),
    ],
)
def test_wrong_input_is_refused_before_anything_runs(
    fresh: Path, names: list[str], profile: str, given: dict[str, str], complaint: str
) -> None:
    with pytest.raises(InputError) as caught:
        make_figures(names, profile=profile, given=given, root=fresh)
    assert complaint in str(caught.value)
    assert not (fresh / "build").exists()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("02_bar: {scale: 1}", 'no notebook "02_bar" (did you mean "02_bars"?)'),
        (
            "01_line: {scale: 1}\n02_bars: {scales: 1}",
            'line 2: no parameter "scales" (did you mean "scale"?)',
        ),
        ("02_bars: {scale: 12}", "line 1: scale = 12 is not allowed: float from 0 to 10"),
        ("[02_bars]", "must give, for each notebook, its parameters"),
    ],
)
def test_a_wrong_quick_profile_is_refused(fresh: Path, text: str, complaint: str) -> None:
    (fresh / "notebooks" / "quick.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        make_figures(profile="quick", root=fresh)
    assert complaint in str(caught.value)


def test_a_notebook_that_cannot_be_told_where_to_draw_is_refused(fresh: Path) -> None:
    path = fresh / "notebooks" / "01_line.ipynb"
    path.write_text(path.read_text().replace("out: str", "folder: str"))
    with pytest.raises(InputError, match=r"01_line\.ipynb has no parameter `out`"):
        make_figures(root=fresh)


@pytest.mark.parametrize(
    "account",
    [
        {"../victim": {"notebook": "02_bars.ipynb", "files": {}}},
        {"/etc/victim": {"notebook": "02_bars.ipynb", "files": {}}},
        {"left": {"notebook": "02_bars.ipynb", "files": {"../victim.csv": "0"}}},
        {"left": {"notebook": ["02_bars.ipynb"], "files": {}}},
        {"left": 3},
        ["left"],
        None,
    ],
    ids=str,
)
def test_a_manifest_that_leads_elsewhere_is_refused_before_anything_runs(
    fresh: Path, account: object
) -> None:
    folder = fresh / "figures"
    folder.mkdir()
    victim = fresh / "victim.csv"
    victim.write_text("1")
    (folder / "manifest.json").write_text(json.dumps({"figures": account}))
    with pytest.raises(InputError, match=r"manifest\.json cannot be read"):
        make_figures(root=fresh)
    assert victim.exists()
    (folder / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"manifest\.json cannot be read"):
        manifest(folder)
    assert not (fresh / "build" / "notebooks" / "full" / "02_bars.ipynb").exists()


def test_a_folder_with_other_things_or_the_current_one_is_refused(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = fresh / "own"
    own.mkdir()
    (own / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match=r'holds "thesis\.tex", which is no figure'):
        make_figures(root=fresh, out=own)
    (own / "thesis.tex").unlink()
    monkeypatch.chdir(own)
    with pytest.raises(InputError, match="is the current folder"):
        make_figures(root=fresh, out=".")


def test_figures_are_published_all_or_none(
    drawn: Path, in_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(drawn / "figures")
    rename = swap.os.rename

    def failing(source: Path, target: Path) -> None:
        if Path(source).name == ".new":
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(swap.os, "rename", failing)
    with pytest.raises(InputError, match=r"cannot be replaced \(Input/output error\)"):
        make_figures(given={"scale": "7"}, root=drawn)
    assert contents(drawn / "figures") == before
    assert not list(drawn.glob(".figures*"))


def test_the_longest_notebook_begins_first() -> None:
    paths = [Path(f"{stem}.ipynb") for stem in ("00_new", "01_short", "02_long", "03_new")]
    order = figures.longest_first(paths, {"01_short": 5, "02_long": 300, "99_gone": 900})
    assert [path.stem for path in order] == ["02_long", "01_short", "00_new", "03_new"]
    assert figures.seconds_of(figures.repository())
