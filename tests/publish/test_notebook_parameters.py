from pathlib import Path

import nbformat
import pytest
from IPython.core import getipython

from sim.errors import InputError
from sim.publish.notebook_parameters import check, check_here, parameters


def written(folder: Path, *cells: str) -> Path:
    tagged = [
        nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]}) for source in cells
    ]
    path = folder / "fleet.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=tagged), path)
    return path


GOOD = """\
# how many, and for how long
chips: int = 512  # help: chips in the pool [1, 4096]
share: float = 1  # help: share of them at work [0, 1]

policy: str = "wait # or not"  # help: what to do without a spare
how: str = "wait"  # help: the same {wait, re-plan}
sizes: list[int] = [1, 2]  # help: pools to compare [1, 64]
fast: bool = False  # help: draw less
out: str = ""  # help: folder for the figures"""


def test_the_cell_is_read_whole(tmp_path: Path) -> None:
    found = parameters(written(tmp_path, GOOD))
    assert {name: one.default for name, one in found.items()} == {
        "chips": 512,
        "share": 1.0,
        "policy": "wait # or not",
        "how": "wait",
        "sizes": [1, 2],
        "fast": False,
        "out": "",
    }
    assert isinstance(found["share"].default, float)
    assert (found["chips"].low, found["chips"].high, found["chips"].help) == (
        1,
        4096,
        "chips in the pool [1, 4096]",
    )
    assert found["how"].choices == ("wait", "re-plan")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("chips = 512  # help: no type", "only `name: type"),
        ("import math", "only `name: type"),
        ("chips: int  # help: no value", "only `name: type"),
        ("chips: int = 512", "needs its `# help"),
        ("chips: int = 512  # help:", "needs its `# help"),
        ("chips: int = 512; nodes: int = 64  # help: two at once", "needs its `# help"),
        ("sizes: list[int] = [1,\n 2]  # help: two lines", "needs its `# help"),
        ("chips: int = 8 * 64  # help: computed", "not a plain literal"),
        ("chips: int | None = None  # help: odd type", "the type is to be"),
        ("chips: int = 5.12  # help: not whole", "is not allowed: int"),
        ("chips: int = True  # help: not a number", "is not allowed: int"),
        ("chips: int = 512  # help: out of range [1, 64]", "is not allowed: int from 1 to 64"),
        ("chips: int = 512  # help: in [thousands]", "square brackets"),
        ("how: str = 'stop'  # help: not a choice {wait, re-plan}", "one of wait, re-plan"),
        ("%matplotlib inline", "invalid syntax"),
        ("out: str = '.'  # help: there already", "twice"),
    ],
)
def test_anything_but_described_literals_is_refused_with_its_line(
    tmp_path: Path, line: str, complaint: str
) -> None:
    with pytest.raises(InputError, match=r"fleet\.ipynb, parameters cell, line 2: ") as caught:
        parameters(written(tmp_path, f"out: str = ''  # help: folder\n{line}"))
    assert complaint in str(caught.value)


@pytest.mark.parametrize("cells", [(), (GOOD, GOOD)])
def test_there_is_one_such_cell(tmp_path: Path, cells: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=f"one code cell tagged `parameters`; it has {len(cells)}"):
        parameters(written(tmp_path, *cells))


def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fleet.ipynb"
    path.write_text("chips: 512")
    with pytest.raises(InputError, match=r"fleet\.ipynb is not a notebook"):
        parameters(path)


def test_given_text_takes_the_type_of_its_parameter(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    given = {"chips": "1_024", "share": "0", "policy": "007", "sizes": "[4, 8]", "fast": "true"}
    values = check(path, given)
    assert values == {
        "chips": 1024,
        "share": 0.0,
        "policy": "007",
        "how": "wait",
        "sizes": [4, 8],
        "fast": True,
    }
    assert isinstance(values["share"], float)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"chps": "512"}, 'no parameter "chps" (did you mean "chips"?); there are: chips, share'),
        ({"out": "elsewhere"}, 'no parameter "out"'),
        ({"chips": "1e3"}, "chips = 1e3 is not allowed: int from 1 to 4096"),
        ({"chips": "many"}, "chips = many is not allowed"),
        ({"chips": "8 *"}, "chips = 8 * is not allowed"),
        ({"chips": "5000"}, "chips = 5000 is not allowed"),
        ({"chips": True}, "chips = True is not allowed"),
        ({"share": "nan"}, "share = nan is not allowed: float from 0 to 1"),
        ({"how": "drop"}, "how = drop is not allowed: str, one of wait, re-plan"),
        ({"sizes": "[4, 128]"}, "sizes = [4, 128] is not allowed: list[int] from 1 to 64"),
        ({"sizes": "4"}, "sizes = 4 is not allowed"),
        ({"fast": "1"}, "fast = 1 is not allowed: bool"),
    ],
)
def test_a_wrong_name_type_or_range_is_refused(
    tmp_path: Path, given: dict[str, object], complaint: str
) -> None:
    with pytest.raises(InputError, match=r"^fleet\.ipynb: ") as caught:
        check(written(tmp_path, GOOD), given)
    assert complaint in str(caught.value)


def test_a_scenario_is_looked_for_where_the_command_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.yaml").write_text("like: deepseek-v3\n")
    cell = 'stock_scenario: str = "deepseek-v3"  # help: a scenario\nout: str = ""  # help: folder'
    notebook = written(tmp_path, cell)
    monkeypatch.chdir(tmp_path)
    for given, taken in (
        ("mine.yaml", str(tmp_path / "mine.yaml")),
        ("llama-3-405b", "llama-3-405b"),
        ("", ""),
    ):
        assert check(notebook, {"stock_scenario": given}) == {"stock_scenario": taken}
    for given, complaint in (("lama-3-405b", 'mean "llama-3-405b"'), ("no.yaml", "cannot be read")):
        with pytest.raises(InputError, match=f"fleet.ipynb: stock_scenario: .*{complaint}"):
            check(notebook, {"stock_scenario": given})


class Shell:
    """What a kernel knows while it runs the cell below the parameters."""

    def __init__(self, *cells: str) -> None:
        self.user_ns: dict[str, object] = {"In": ["", *cells, "check_here()"]}
        for cell in cells:
            exec(cell, self.user_ns)


@pytest.mark.parametrize(
    ("injected", "complaint"),
    [
        ("chip = 8", 'this notebook: no parameter "chip" (did you mean "chips"?)'),
        ("chips = 100_000_000", "this notebook: chips = 100000000 is not allowed: int from 1"),
        ("chips = [8]", "this notebook: chips = [8] is not allowed: int from 1 to 4096"),
        ('chips = "many"', "this notebook: chips = many is not allowed"),
        ("sizes = []", "this notebook: sizes = [] is not allowed"),
        ("share = None", "this notebook: share = None is not allowed"),
        ('how = "drop"', "how = drop is not allowed: str, one of wait, re-plan"),
    ],
)
def test_a_notebook_checks_what_papermill_lets_pass(
    injected: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(GOOD, f"# Parameters\n{injected}\n")
    monkeypatch.setattr(getipython, "get_ipython", lambda: shell)
    with pytest.raises(InputError) as caught:
        check_here()
    assert complaint in str(caught.value)
    [line] = caught.value._render_traceback_()
    assert line == f"InputError: {caught.value}"


def test_a_notebook_takes_what_is_right_in_the_type_of_its_parameter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check_here()  # outside of a notebook
    shell = Shell(GOOD, '# Parameters\nshare = 1\nchips = "8"\nout = "here"\n')
    monkeypatch.setattr(getipython, "get_ipython", lambda: shell)
    check_here()
    assert repr(shell.user_ns["share"]) == "1.0"
    assert (shell.user_ns["chips"], shell.user_ns["out"]) == (8, "here")


def test_an_empty_list_is_taken_where_its_help_says_what_it_means(tmp_path: Path) -> None:
    cell = 'cases: list[str] = ["a"]  # help: cases; empty: all\nsizes: list[int] = [1]  # help: sizes\nout: str = ""  # help: folder'
    notebook = written(tmp_path, cell)
    assert check(notebook, {"cases": "[]"})["cases"] == []
    with pytest.raises(InputError, match=r"sizes = \[\] is not allowed"):
        check(notebook, {"sizes": "[]"})
