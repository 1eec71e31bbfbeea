"""One notebook: read its parameters cell, check values against it, and run it.

A notebook has one code cell tagged `parameters`: plain literals, one a line, each with its type and
a word of help, in which square brackets mean the range allowed and braces the choices::

    weak_chips: int = 4096  # help: chips added to the good ones [0, 20000]
    policy: str = "wait"  # help: what to do when no spare is left {wait, re-plan}
    out: str = ""  # help: folder for the figures; empty: only show them
"""

from __future__ import annotations

import ast
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sim
from sim.errors import InputError, in_file
from sim.files import make_folder, write

PATIENCE = 1200
"""Seconds a cell may take before its notebook is given up, rather than waited for without end."""

MISSING = "notebooks need more packages; pip install 'mixedfleet[notebooks]'"

KINDS = {"bool": bool, "int": int, "float": float, "str": str}
ADDED = {"injected-parameters", "papermill-error-cell-tag"}
"""Tags of the cells that papermill puts in."""

ENVIRONMENT = {
    # Thread counts and AVX-512 change last digits, those of numpy's logarithm for one.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    # A reader's own kernels and start-up files may change anything.
    "JUPYTER_PREFER_ENV_PATH": "1",
    "JUPYTER_PATH": "",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYTHONHASHSEED": "0",
    "PYTHONPATH": str(Path(sim.__file__).parents[1]),
}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell.

    Attributes
    ----------
    name : str
    kind : str
        ``bool``, ``int``, ``float``, ``str``, or a list of one of them, as in ``list[int]``.
    default : object
    help : str
    low, high : float
        The range of a number.
    choices : tuple of str
        What may be given; anything, if there are none.
    """

    name: str
    kind: str
    default: Any
    help: str
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        if self.choices:
            return f"{self.kind}, one of {', '.join(self.choices)}"
        if math.isinf(self.low) and math.isinf(self.high):
            return self.kind
        return f"{self.kind} from {self.low:g} to {self.high:g}"

    def accept(self, value: object) -> Any:
        """Return the value in the parameter's type; raise ValueError if it is not allowed."""
        if not self.kind.startswith("list"):
            return self._accept_one(value)
        # What an empty one stands for is said where it stands for something.
        if not isinstance(value, list) or not (value or "empty" in self.help):
            raise ValueError
        return [self._accept_one(one) for one in value]

    def _accept_one(self, value: object) -> Any:
        kind = KINDS[_element(self.kind)]
        # By type, since True is an int to `isinstance`.
        if type(value) is int and kind is float:
            value = float(value)
        if type(value) is not kind:
            raise ValueError
        if self.choices and str(value) not in self.choices:
            raise ValueError
        if isinstance(value, int | float) and not self.low <= value <= self.high:
            raise ValueError
        return value

    def read(self, text: str) -> Any:
        """Return the value written on the command line; raise ValueError if it is not allowed."""
        if self.kind == "str":
            return self.accept(text)
        try:
            return self.accept(
                ast.literal_eval(text.title() if self.kind == "bool" else text)
            )
        except (SyntaxError, TypeError, MemoryError, RecursionError):
            raise ValueError from None


def _element(kind: str) -> str:
    return kind.removeprefix("list[").removesuffix("]")


def parameters(path: Path) -> dict[str, Parameter]:
    """Read a notebook's parameters cell.

    Raises
    ------
    InputError
        Naming the notebook and the line, if anything but described literals stands there.
    """
    code = [cell for cell in _cells(path) if cell["cell_type"] == "code"]
    tagged = [cell for cell in code if "parameters" in _tags(cell)]
    if len(tagged) != 1:
        raise InputError(
            f"{path.name} needs one code cell tagged `parameters`; it has {len(tagged)}."
        )
    return _described("".join(tagged[0]["source"]), path.name)


def _described(source: str, notebook: str) -> dict[str, Parameter]:
    """The parameters that a cell describes."""
    lines = source.split("\n")
    number = 0
    found: dict[str, Parameter] = {}
    try:
        for statement in ast.parse(source).body:
            number = statement.lineno
            parameter = _parameter(statement, lines[number - 1])
            if parameter.name in found:
                raise ValueError(f"{parameter.name} is there twice")
            found[parameter.name] = parameter
    except SyntaxError as error:
        where = f"{notebook}, parameters cell, line {error.lineno}"
        raise InputError(f"{where}: {error.msg}.") from None
    except ValueError as error:
        raise InputError(f"{notebook}, parameters cell, line {number}: {error}.") from None
    return found


def shipped() -> list[Path]:
    """The notebooks in their reading order: in an installed package, or beside it in a clone."""
    package = Path(sim.__file__).parent
    inside = package / "notebooks"
    folder = inside if inside.is_dir() else package.parent / "notebooks"
    return sorted(folder.glob("*.ipynb"))


def copy(folder: Path) -> list[Path]:
    """Copy the notebooks into a folder of the user's own, where they overwrite nothing.

    Raises
    ------
    InputError
        When one of them is there already.
    """
    copies = [folder / path.name for path in shipped()]
    for path in copies:
        if path.exists():
            raise in_file(str(path), "is there already, and may hold changes of yours")
    make_folder(folder)
    for path, source in zip(copies, shipped(), strict=True):
        write(path, source.read_text(encoding="utf-8"))
    return copies


def title(path: Path) -> str:
    """The first heading of a notebook."""
    return "".join(_cells(path)[0]["source"]).partition("\n")[0].removeprefix("# ")


def _cells(path: Path) -> list[dict[str, Any]]:
    # Read as the JSON it is: nbformat takes the better part of a second to load.
    try:
        return json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path.name} is not a notebook (JSON, format 4).") from None


def _tags(cell: dict[str, Any]) -> list[str]:
    return cell["metadata"].get("tags", [])


def _parameter(node: ast.stmt, line: str) -> Parameter:
    """The parameter that a statement describes; ValueError, saying why, if it does not."""
    if not (
        isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value
    ):
        raise ValueError("only `name: type = literal  # help: ...` may stand here")
    name = node.target.id
    kind = ast.unparse(node.annotation)
    if _element(kind) not in KINDS:
        raise ValueError(
            f"the type is to be {', '.join(KINDS)} or a list of one, as in list[int], not {kind}"
        )
    # Python counts the columns of a line in bytes.
    comment = line.encode()[node.end_col_offset :].decode().strip()
    words = comment.removeprefix("# help:").strip()
    if node.end_lineno != node.lineno or words in ("", comment):
        raise ValueError(
            f"{name} needs its `# help: ...` on the same line, and nothing else there"
        )
    try:
        default = ast.literal_eval(node.value)
    except ValueError:
        raise ValueError(
            f"{name} is not a plain literal; compute with it in the next cell"
        ) from None
    low, high = _range(words) if "str" not in kind else (-math.inf, math.inf)
    choices = tuple(filter(None, map(str.strip, _between(words, "{}").split(","))))
    parameter = Parameter(name, kind, default, words, low, high, choices)
    try:
        return replace(parameter, default=parameter.accept(default))
    except ValueError:
        raise ValueError(
            f"{name} = {default!r} is not allowed: {parameter.allowed}"
        ) from None


def _range(words: str) -> tuple[float, float]:
    inside = _between(words, "[]")
    if not inside:
        return -math.inf, math.inf
    try:
        low, high = map(float, inside.split(","))
    except ValueError:
        raise ValueError(
            f"square brackets in a help are for the range, [low, high], not [{inside}]"
        ) from None
    return low, high


def _between(words: str, brackets: str) -> str:
    return words.partition(brackets[0])[2].partition(brackets[1])[0]


def check(
    notebook: Path, given: Mapping[str, object], where: str | None = None
) -> dict[str, Any]:
    """Return the values a notebook will run with, the given ones in place of its own.

    Parameters
    ----------
    notebook : pathlib.Path
    given : mapping of str to object
        Text is read as a literal of the parameter's type; an int will do for a float.
    where : str, optional
        What an error names as the place of the mistake; the notebook if left out.

    Raises
    ------
    InputError
        For a name the notebook does not have, a wrong type, or a value out of range.
    """
    where = where or notebook.name
    # The folder to draw into is not for the user to set.
    settable = {name: known for name, known in parameters(notebook).items() if name != "out"}
    return _taken(settable, given, where)


def _taken(
    settable: Mapping[str, Parameter], given: Mapping[str, object], where: str
) -> dict[str, Any]:
    values = {name: known.default for name, known in settable.items()}
    for name, value in given.items():
        if name not in settable:
            names = ", ".join(settable) or "none"
            problem = f'{where}: no parameter "{name}"'
            raise InputError.no_such(problem, name, settable, f"; there are: {names}.")
        known = settable[name]
        try:
            # On the command line all is text.
            text = isinstance(value, str) and known.kind != "str"
            taken = known.read(str(value)) if text else known.accept(value)
            if name.endswith("scenario") and taken:
                # A notebook runs in a folder of its own. Loaded here, as few name a scenario.
                from sim.scenario.reading import located

                taken = located(taken)
            values[name] = taken
        except InputError as error:
            raise InputError(f"{where}: {name}: {error}", given=value) from None
        except ValueError:
            raise InputError(
                f"{where}: {name} = {value} is not allowed: {known.allowed}."
            ) from None
    return values


def check_here() -> None:
    """Check the values that the parameters of this notebook have been given, by papermill too.

    papermill takes any name and any type. To be called by the first cell below the parameters.

    Raises
    ------
    InputError
        As `check` does.
    """
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None:
        return
    scope = shell.user_ns
    *before, _ = scope["In"]
    cells = [number for number, source in enumerate(before) if "# help:" in source]
    if not cells:
        return
    known = _described(before[cells[-1]], "this notebook")
    given = dict.fromkeys(known)
    for source in before[cells[-1] + 1 :]:
        # So papermill heads the cell that it puts in.
        if source.startswith("# Parameters\n"):
            statements = ast.parse(source).body
            targets = [one.targets for one in statements if isinstance(one, ast.Assign)]
            given |= {ast.unparse(target): None for [target] in targets}
    values = {name: scope[name] for name in given if name in scope}
    scope |= _taken(known, values, "this notebook")


def execute(notebook: Path, values: Mapping[str, Any], executed: Path, profile: str) -> str:
    """Run a notebook and return what went wrong, if anything.

    Meant for a process of its own, whose environment it changes.

    Parameters
    ----------
    notebook : pathlib.Path
    values : mapping of str to object
        Of all its parameters.
    executed : pathlib.Path
        The file in which it is kept as it ran.
    profile : str
        Which of the profiles runs.
    """
    try:
        import papermill
    except ImportError:
        return MISSING

    # A kernel that is slow to end may still hold a file of its settings.
    with TemporaryDirectory(ignore_cleanup_errors=True) as settings:
        os.environ.update(ENVIRONMENT, IPYTHONDIR=settings, SIM_PROFILE=profile)
        try:
            papermill.execute_notebook(
                notebook,
                executed,
                values,
                kernel_name="python3",
                language="python",
                cwd=notebook.parent,
                progress_bar=False,
                start_timeout=180,
                execution_timeout=PATIENCE,
                extra_arguments=["--log-level=CRITICAL"],
            )
        except papermill.PapermillExecutionError as error:
            [first, *_] = error.source.strip().split("\n")
            [*_, last] = error.evalue.strip().split("\n")
            where = f"{notebook.name}, cell {_failed(executed)} (`{first}`)"
            return f"{where} failed: {error.ename}: {last}"
        except Exception as error:
            # The kernel died, the disk is full: whatever it is, it is the notebook's failure.
            return f"{notebook.name} could not be run: {type(error).__name__}: {error}"
    return ""


def _failed(executed: Path) -> int:
    """The number of the cell that failed, as the notebook's own author counts."""
    own = [cell["metadata"] for cell in _cells(executed) if ADDED.isdisjoint(_tags(cell))]
    failed = [metadata.get("papermill", {}).get("exception", False) for metadata in own]
    return 1 + failed.index(True)
