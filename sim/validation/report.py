"""A row of a validation table, what decides it, and how a table reads in a terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from scipy.stats import binom

from sim.experiments.intervals import CONFIDENCE

MOST_Z = 4.0
"""Standard errors within which a simulated number agrees with an exact one."""

NUMBERS = (
    "ours",
    "standard_error",
    "p5",
    "p95",
    "lo",
    "hi",
    "expected",
    "error",
    "place",
    "crps",
    "rival_crps",
    "tolerance",
    "z",
    "twin",
    "peer",
)
"""The columns of a table in a terminal that are numbers, as far as any row has them."""


@dataclass(frozen=True)
class Row:
    """A number of ours, what it should be, and whether the two agree.

    What does not apply to a table is None, or an empty text, in its rows.

    Attributes
    ----------
    id : str
        The closed form, the published number, the job, the statistic of a trace, the peer's case.
    title : str
    ours : float
        Simulated, or computed by the step-time model.
    expected : float
        Exact, published or recorded.
    ok : bool
        Whether the row holds; one that is no validation describes, and may hold in any case.
    role : str
        What agreement shows: only `validation` is evidence. An `input` went in, a `fitted` number
        was fitted to, an `interpolation` lies between fitted ones.
    quantity, unit : str
    against : str
        What is expected by, where the rows of a table differ in that.
    standard_error : float
        Of ours, where it is a mean of replications.
    p5, p95 : float
        Spread of ours over replications.
    lo, hi : float
        Ends of a 95 % range: of hits that chance allows, or of a mean.
    place : float
        Share of our predictive distribution below what is expected (PIT).
    crps, rival_crps : float
        Score of our predictive distribution and of a plain rival's; small is good.
    z : float
        Ours less expected, in standard errors; None where a tolerance decides.
    tolerance : float
        As a share of what is expected, or of one where that is zero.
    wrong : str
        What is wrong in the model of the *twin*.
    twin : float
        The number of a model with one thing wrong.
    twin_z : float
        Ours less the twin's, in standard errors.
    twin_ok : bool
        Whether the row would hold for the twin too. A closed form that accepts its twin has shown
        nothing and is not `ok`.
    peer : float
        What another simulator says itself.
    bound : bool
        Whether the report says *more than*.
    mature : bool
        Whether it was measured on a production stack.
    case, scenario : str
        The run or the trace of the catalogue, and the scenario, that the row is about.
    chips : int
        Chips of the job.
    count : int
        Rows that a row of a score is about.
    cause_of_miss : str
        A likely cause, where one is known.
    source, status : str
        Of what is expected, as in the catalogue.
    """

    id: str
    title: str
    ours: float
    expected: float
    ok: bool
    role: str = "validation"
    quantity: str = ""
    unit: str = ""
    against: str = ""
    standard_error: float | None = None
    p5: float | None = None
    p95: float | None = None
    lo: float | None = None
    hi: float | None = None
    place: float | None = None
    crps: float | None = None
    rival_crps: float | None = None
    z: float | None = None
    tolerance: float | None = None
    wrong: str = ""
    twin: float | None = None
    twin_z: float | None = None
    twin_ok: bool | None = None
    peer: float | None = None
    bound: bool | None = None
    mature: bool | None = None
    case: str = ""
    scenario: str = ""
    chips: int | None = None
    count: int | None = None
    cause_of_miss: str = ""
    source: str = ""
    status: str = ""

    @property
    def error(self) -> float:
        """Ours over expected, less one; nan where nothing is expected."""
        return self.ours / self.expected - 1 if self.expected else math.nan

    @property
    def name(self) -> str:
        """What the row is about, in words."""
        return ", ".join(filter(None, (self.id, self.title, self.unit or self.quantity)))


Rows = Iterator[Row]


class Prediction:
    """A distribution, and the published number it is held against.

    Attributes
    ----------
    family : str
        Predictions of one family have their facts in common, and so their errors.
    place : float
        Where the published number lies in the distribution (PIT): the share below it.
    """

    family: str
    place: Any

    def hit(self, level: float) -> bool:
        """Whether the published number lies in the central band of a probability."""
        return abs(self.place - 0.5) <= level / 2


P = TypeVar("P", bound=Prediction)


def by_family(some: Sequence[P]) -> list[list[P]]:
    """The predictions of each family."""
    names = dict.fromkeys(one.family for one in some)
    return [[one for one in some if one.family == name] for name in names]


def hits(groups: Sequence[Sequence[Prediction]], level: float) -> tuple[float, float, float]:
    """Hits of bands of a probability, and the ends of the central 95 % range of the binomial.

    A group counts once, by the share of its bands that hit. However alike its errors are, that is
    right on average; the range is right if they are the same, and too wide if they are not.
    """
    number = math.fsum(fmean(one.hit(level) for one in group) for group in groups)
    low, high = binom.interval(CONFIDENCE, len(groups), level)
    return number, float(low), float(high)


def by_z(
    id: str,
    title: str,
    values: Sequence[float],
    exact: float,
    wrong: str = "",
    twin: float | None = None,
    widened: float = 1.0,
    **about: Any,
) -> Row:
    """A row that independent replications of one number decide.

    Parameters
    ----------
    values : sequence of float
        One of each replication.
    exact : float
    wrong, twin : str, float
        What is wrong in a model, and the number that would be right in it.
    widened : float
        Factor on the standard error, where what is expected has an error of its own.
    **about
        Further attributes of the row.

    Examples
    --------
    >>> tosses = [0.0, 1.0, 0.0, 1.0, 1.0, 0.0]
    >>> row = by_z("X", "fair coins", tosses, 0.5, "a coin with two heads", 1.0)
    >>> row.z, row.twin_z < -2, row.ok
    (0.0, True, False)
    """
    ours = float(np.mean(values))
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    # Replications that are all alike agree with their own value alone.
    scale = error * widened or sys.float_info.epsilon

    def z(value: float) -> float:
        return (ours - value) / scale

    def agrees(value: float) -> bool:
        return abs(z(value)) <= MOST_Z

    about |= {"standard_error": error, "z": z(exact), **_verdict(agrees, exact, twin)}
    if twin is not None:
        about["twin_z"] = z(twin)
    return Row(id, title, ours, exact, wrong=wrong, **about)


def within(
    id: str,
    title: str,
    ours: float,
    exact: float,
    wrong: str = "",
    twin: float | None = None,
    tolerance: float = 1e-9,
    **about: Any,
) -> Row:
    """A row that a tolerance decides, as a share of the exact number (of one where that is zero).

    Examples
    --------
    >>> within("X", "a rule of thumb", 1.02, 1.0, "a worse one", 1.2, tolerance=0.05).ok
    True
    """

    def agrees(value: float) -> bool:
        return abs(ours - value) <= tolerance * (abs(value) or 1.0)

    about |= {"tolerance": tolerance, **_verdict(agrees, exact, twin)}
    return Row(id, title, ours, exact, wrong=wrong, **about)


def _verdict(
    agrees: Callable[[float], bool], exact: float, twin: float | None
) -> dict[str, Any]:
    """Whether a number of ours agrees with the exact one, and not with the twin's as well."""
    twin_ok = None if twin is None else agrees(twin)
    return {"ok": agrees(exact) and not twin_ok, "twin": twin, "twin_ok": twin_ok}


def text(rows: Sequence[Row]) -> str:
    """A table for a terminal: a heading, and a line for each row.

    Examples
    --------
    >>> print(text([Row("O0", "a sum", 4.0, 4.0, True), Row("O1", "a product", 5.0, 6.0, False)]))
                       ours  expected    error
      ok validation       4         4        0  O0, a sum
    FAIL validation       5         6 -0.16667  O1, a product
    """
    columns = {name: [getattr(row, name) for row in rows] for name in NUMBERS}
    numbers = pd.DataFrame(columns, dtype=float).dropna(axis="columns", how="all")
    table = numbers.to_string(index=False, na_rep="", float_format="{:.5g}".format)
    heading, *lines = table.splitlines()
    found = [f"{'':18}{heading}"]
    for row, line in zip(rows, lines, strict=True):
        mark = "  ok" if row.ok else "FAIL"
        found.append(f"{mark} {row.role:13}{line}  {_words(row)}")
    return "\n".join(found)


def _words(row: Row) -> str:
    notes = {
        "reported": "more than that" if row.bound else "",
        "against": row.against,
        "twin": row.wrong,
        "likely cause": row.cause_of_miss,
    }
    return "; ".join([row.name, *(f"{key}: {note}" for key, note in notes.items() if note)])
