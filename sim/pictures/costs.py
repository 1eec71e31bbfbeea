"""Pictures of what something cost: each returns the figure and the numbers it shows."""

from __future__ import annotations

import pandas as pd

from sim.pictures.marks import interval, key, name_rows, sheet
from sim.pictures.style import SMALL, Picture, ink, styled

INK = "#555555"
KINDS = {
    "at the margin": ("#56B4E9", "o"),
    "the cluster": ("#0072B2", "s"),
    "in full": ("#D55E00", "D"),
}
"""Colour and mark of each kind of cost."""


@styled()
def answers(table: pd.DataFrame) -> Picture:
    """Costs as answers to different questions, on one logarithmic axis.

    Parameters
    ----------
    table : pandas.DataFrame
        A row for each answer: `question`, `kind`, `low`, `median`, `high` in US dollars, and
        `reported`, nan where nobody has.
    """
    figure, axes = sheet(0.62 * len(table) + 1.3)
    # A dollar sign would begin a formula.
    plain = {"va": "center", "parse_math": False}
    for k, row in enumerate(table.to_dict("records")):
        colour, mark = KINDS[row["kind"]]
        thick = {"lw": 11, "alpha": 0.5, "color": ink(colour), "ms": 3.5}
        interval(axes, k, row["low"], row["median"], row["high"], colour, mark, **thick)
        axes.text(
            row["high"] * 1.25,
            k,
            dollars(row["median"]),
            weight="bold",
            color=ink(colour),
            **plain,
        )
        if row["reported"] > 0:
            axes.plot(row["reported"], k - 0.3, "v", color=INK, ms=5)
            axes.text(
                row["reported"] * 1.2,
                k - 0.32,
                f"reported: {dollars(row['reported'])}",
                color=INK,
                fontsize=SMALL,
                **plain,
            )
    for k, (kind, (colour, mark)) in enumerate(KINDS.items()):
        key(axes, 0.35 * k, 1.02, mark, kind, colour)
    name_rows(axes, list(table["question"]))
    axes.set_xscale("log")
    axes.set(
        xlim=(table["low"].min() / 2, table["high"].max() * 5), ylim=(len(table) - 0.5, -0.7)
    )
    axes.set_xlabel(
        "US dollars, logarithmic (mark: median,\nbar: 5–95 %, chance and unknown inputs)"
    )
    axes.xaxis.set_major_formatter(
        lambda x, _: dollars(x).replace("$", r"\$").replace(".0 ", " ")
    )
    return figure, table


def dollars(amount: float) -> str:
    """An amount as it is spoken of.

    Examples
    --------
    >>> dollars(5.576e6), dollars(1.6e9)
    ('$5.6 M', '$1.6 B')
    """
    # What would be rounded to 1,000 million is a billion.
    unit, name = (1e9, "B") if amount >= 9.995e8 else (1e6, "M")
    digits = 0 if amount / unit >= 10 else 1
    return f"${amount / unit:.{digits}f} {name}"
