"""One notebook: read its parameters cell, check values against it before anything runs, and run it.

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
from sim.errors import InputError, nearest

PATIENCE = 1200
"""Seconds a cell may take before its notebook is given up, rather than waited for without end."""

KINDS = {"bool": bool, "int": int, "float": float, "str": str}
ADDED = {
    "injected-parameters",
    "papermill-error-cell-tag",
}  # tags of the cells that papermill puts in

# What must not hang on a reader's own set-up: thread counts and AVX-512 change last digits (those
# of numpy's logarithm,
# for one), kernels and start-up files anything.
ENVIRONMENT = {
    name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
} | {
    "JUPYTER_PREFER_ENV_PATH": "1",
    "JUPYTER_PATH": "",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYTHONHASHSEED": "0",
    "PYTHONPATH": str(Path(sim.__file__).parents[1]),
}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell; `kind` is bool, int, float, str, or a list of one of them, as
    in ``list[int]``.
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
        if (self.low, self.high) == (-math.inf, math.inf):
            return self.kind
        return f"{self.kind} from {self.low:g} to {self.high:g}"

    def accept(self, value: object) -> Any:
        """Return the value in the parameter's type; raise ValueError if it is not allowed."""
        if not self.kind.startswith("list"):
            return self._accept_one(value)
        if not isinstance(value, list):
            raise ValueError
        return [self._accept_one(one) for one in value]

    def _accept_one(self, value: object) -> Any:
        kind = KINDS[self.kind.removeprefix("list[").removesuffix("]")]
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise ValueError
        if self.choices and str(value) not in self.choices:
            raise ValueError
        if isinstance(value, int | float) and not self.low <= value <= self.high:
            raise ValueError
        return float(value) if isinstance(value, int) and kind is float else value

    def read(self, text: str) -> Any:
        """Return the value written on the command line; raise ValueError if it is not allowed."""
        if self.kind == "str":
            return self.accept(text)
        try:
            return self.accept(ast.literal_eval(text.title() if self.kind == "bool" else text))
        except (SyntaxError, TypeError, MemoryError, RecursionError):
            raise ValueError from None


def parameters(path: Path) -> dict[str, Parameter]:
    """Read a notebook's parameters cell.

    Raises
    ------
    InputError
        Naming the notebook and the line, if anything but described literals stands there.
    """
    tagged = [
        cell for cell in _cells(path) if "parameters" in _tags(cell) and cell["cell_type"] == "code"
    ]
    if len(tagged) != 1:
        raise InputError(
            f"{path.name} needs one code cell tagged `parameters`; it has {len(tagged)}."
        )
    found: dict[str, Parameter] = {}
    source = "".join(tagged[0]["source"])
    lines = source.split("\n")
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise InputError(
            f"{path.name}, parameters cell, line {error.lineno}: {error.msg}."
        ) from None
    for statement in statements:
        try:
            parameter = _parameter(statement, lines[statement.lineno - 1])
            if parameter.name in found:
                raise ValueError(f"{parameter.name} is there twice")
        except ValueError as error:
            raise InputError(
                f"{path.name}, parameters cell, line {statement.lineno}: {error}."
            ) from None
        found[parameter.name] = parameter
    return found


def question(path: Path) -> str:
    """What a notebook asks: its first heading."""
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
    if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value):
        raise ValueError("only `name: type = literal  # help: ...` may stand here")
    kind = ast.unparse(node.annotation)
    if kind.removeprefix("list[").removesuffix("]") not in KINDS:
        raise ValueError(
            f"the type is to be {', '.join(KINDS)} or a list of one, as in list[int], not {kind}"
        )
    comment = line.encode()[node.end_col_offset :].decode().strip()
    words = comment.removeprefix("# help:").strip()
    if node.end_lineno != node.lineno or words in ("", comment):
        raise ValueError(
            f"{node.target.id} needs its `# help: ...` on the same line, and nothing else there"
        )
    try:
        default = ast.literal_eval(node.value)
    except ValueError:
        raise ValueError(
            f"{node.target.id} is not a plain literal; compute with it in the next cell"
        ) from None
    low, high = _range(words) if "str" not in kind else (-math.inf, math.inf)
    choices = tuple(
        word.strip()
        for word in words.partition("{")[2].partition("}")[0].split(",")
        if word.strip()
    )
    parameter = Parameter(node.target.id, kind, default, words, low, high, choices)
    try:
        return replace(parameter, default=parameter.accept(default))
    except ValueError:
        raise ValueError(
            f"{parameter.name} = {default!r} is not allowed: {parameter.allowed}"
        ) from None


def _range(words: str) -> tuple[float, float]:
    inside = words.partition("[")[2].partition("]")[0]
    if not inside:
        return -math.inf, math.inf
    try:
        low, high = map(float, inside.split(","))
    except ValueError:
        raise ValueError(
            f"square brackets in a help are for the range, [low, high], not [{inside}]"
        ) from None
    return low, high


def check(notebook: Path, given: Mapping[str, object], where: str | None = None) -> dict[str, Any]:
    """Return the values a notebook will run with: those of its parameters cell, with the given ones
    in their place.

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
    known, where = parameters(notebook), where or notebook.name
    settable = [name for name in known if name != "out"]
    values = {name: known[name].default for name in settable}
    for name, value in given.items():
        if name not in settable:
            hint = nearest(name, settable)
            raise InputError(
                f'{where}: no parameter "{name}"{hint}; there are: {", ".join(settable) or "none"}.'
            )
        try:
            values[name] = (
                known[name].read(value) if isinstance(value, str) else known[name].accept(value)
            )
        except ValueError:
            raise InputError(
                f"{where}: {name} = {value} is not allowed: {known[name].allowed}."
            ) from None
    return values


def execute(notebook: Path, values: Mapping[str, Any], executed: Path) -> str:
    """Run a notebook, keep it as it ran in the file `executed`, and return what went wrong, if
    anything.

    Meant for a process of its own, whose environment it changes.
    """
    import papermill

    with TemporaryDirectory(ignore_cleanup_errors=True) as settings:
        os.environ.update(ENVIRONMENT, IPYTHONDIR=settings)
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
            own = [cell["metadata"] for cell in _cells(executed) if ADDED.isdisjoint(_tags(cell))]
            number = 1 + [
                metadata.get("papermill", {}).get("exception", False) for metadata in own
            ].index(True)
            [first, *_] = error.source.strip().split("\n")
            [*_, last] = error.evalue.strip().split("\n")
            return f"{notebook.name}, cell {number} (`{first}`) failed: {error.ename}: {last}"
        except Exception as error:  # the kernel died, the disk is full: whatever it is, it is the notebook's failure
            return f"{notebook.name} could not be run: {type(error).__name__}: {error}"
    return ""
