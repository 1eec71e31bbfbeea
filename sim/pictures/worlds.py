"""Pictures of worlds side by side: each returns the figure and the numbers it shows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sim.engine import simulate
from sim.experiments.worlds import AS_IT_WAS, Worlds
from sim.pictures.marks import name_rows, sheet, thousands, whiskers
from sim.pictures.style import WIDTH, Picture, headline, styled
from sim.results.ledger import YEAR
from sim.results.programme import ProgrammeResult
from sim.scenario import Scenario
from sim.scenario.stock import Outlook

HAVE, INK, RATIO = "#0072B2", "#555555", "#D55E00"


@styled()
def worlds(result: Worlds, date: dt.date | None = None) -> Picture:
    """The largest run that each world could staff on a date, and its ratio to the world as it was.

    Parameters
    ----------
    result : Worlds
    date : datetime.date, optional
        One of the outlook's; the last unless given.
    """
    date = date or result.scenario.dates[-1]
    last = result.scenario.dates[-1]
    table, later, home = (
        _of(result, day, what)
        for day, what in ((date, "h100"), (last, "h100"), (last, "home"))
    )
    size = (WIDTH * 1.3, 0.42 * len(table) + 1.6)
    figure, (left, right) = plt.subplots(
        1, 2, figsize=size, width_ratios=[1.4, 1], sharey=True
    )
    rows = range(len(table))
    # The thin whisker is what nobody knows, the thick one how well the median is known.
    whiskers(left, table["median"], rows, table["p5"], table["p95"], ecolor=INK, lw=0.9)
    whiskers(
        left, table["median"], rows, table["lo"], table["hi"],
        fmt="o", color=HAVE, ecolor=HAVE, lw=2.4, capsize=0,
    )  # fmt: skip
    left.set(xscale="log", xlabel=f"largest run on {date}, H100 by BF16 peak")
    thousands(left, [10_000, 30_000, 100_000, 300_000])
    # What comes into force later shows at the last date only, and what it does at home not in the
    # headline: chips abroad may staff the largest run.
    for shift, part, mark, colour, at_home in (
        (0.0, table, "s", RATIO, ""),
        (0.22, later, "^", INK, ""),
        (0.44, home, "v", HAVE, ", at home"),
    ):
        others = part[part["world"] != AS_IT_WAS]
        whiskers(
            right, others["ratio"], others.index + shift, others["ratio_lo"], others["ratio_hi"],
            fmt=mark, color=colour, ecolor=colour, lw=1.8,
            label=f"{part['date'].iloc[0]}{at_home}",
        )  # fmt: skip
    right.legend(fontsize="small", frameon=False)
    right.axvline(1, color=INK, lw=0.8)
    right.set_xlabel("× as it was")
    name_rows(left, [result.titles[world] for world in table["world"]])
    left.invert_yaxis()
    figure.supxlabel(
        "dot: median; thick: its 95 % interval; thin: 5–95 % of replications",
        fontsize="small",
    )
    return figure, pd.concat([table, later, home], ignore_index=True).drop_duplicates()


def _of(result: Worlds, date: dt.date, quantity: str) -> pd.DataFrame:
    """What each world says of a quantity on a date, in the order of the worlds."""
    frame = result.frame
    rows = (frame["date"] == date) & (frame["quantity"] == quantity)
    return frame[rows].reset_index(drop=True)


@styled()
def met(result: Worlds, need: str) -> Picture:
    """The share of replications in which a need is in reach by a date, world by world.

    Worlds in which that is as it was are left out.

    Parameters
    ----------
    result : Worlds
    need : str
        One of the outlook's.
    """
    figure, axes = sheet(3.6)
    parts = []
    base = result.curve(AS_IT_WAS, need)
    for world in result.runs:
        curve = result.curve(world, need)
        # A line that lies on that of the world as it was would hide it.
        if world == AS_IT_WAS or not curve.equals(base):
            axes.step(curve["date"], curve["share"], where="post", label=result.titles[world])
            parts.append(curve.assign(world=world))
    axes.set(ylim=(0, 1), ylabel="share of replications")
    axes.legend(fontsize="small", frameon=False)
    return figure, pd.concat(parts, ignore_index=True)


def share_of_one_run(outlook: Outlook) -> float:
    """The share of the stock at home that one run could have."""
    return outlook.shares.owner * outlook.shares.of_fleet(outlook.length / YEAR)


@styled()
def reach_map(scenario: Scenario, need: str, date: dt.date) -> tuple[Picture, str]:
    """The reach over a need on a date, by one run's share of the stock and the growth of the need.

    And a title: which growth the run could keep up with.

    With unknown constants at their modes. Chips at home only: those abroad have shares of their
    own.

    Parameters
    ----------
    scenario : Scenario
        With an outlook.
    need : str
        One of the outlook's.
    date : datetime.date
        After the date of the need.
    """
    home = scenario.override({"outlook.shares.owner_abroad": 0, "outlook.dates": [str(date)]})
    result = simulate(home, fixed_inputs=True)
    assert isinstance(result, ProgrammeResult)
    outlook = result.reach.outlook
    item = outlook.needs[need]
    years = (date - item.date).days / 365.25
    own = share_of_one_run(outlook)
    all_of_it = result.reach.on(date, result.reach.flop) / own
    shares = np.geomspace(0.003, 0.3, 41)
    growths = np.linspace(1.0, 8.0, 41)
    share, growth = np.meshgrid(shares, growths)
    reach = share * all_of_it / (item.flop * growth**years)
    figure, axes = sheet(4)
    levels = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]
    lines = axes.contour(share, growth, reach, levels, colors=HAVE)
    axes.clabel(lines, fmt="%g")
    axes.plot(own, item.growth * YEAR, "o", color=RATIO)
    axes.annotate(
        "as assumed", (own, item.growth * YEAR), xytext=(6, 4), textcoords="offset points"
    )
    axes.set(
        xscale="log",
        xlabel="one run's share of the stock",
        xticks=(0.01, 0.1),
        xticklabels=("1 %", "10 %"),
        ylabel=f"growth of the need a year ({item.title or need})",
    )
    data = pd.DataFrame(
        {"share": share.ravel(), "growth": growth.ravel(), "reach": reach.ravel()}
    )
    most = (own * all_of_it / item.flop) ** (1 / years)
    title = (
        f"By {date:%B %Y} a run on {own:.0%} of the country's chips keeps up with a need that "
        f"grows {most:.1f} times a year; {item.title or need} grows {item.growth * YEAR:.1f} times"
    )
    return (figure, data), title


def draw(result: Worlds, path: Path) -> None:
    """Draw the worlds on the last of their dates into a file (.svg or .png)."""
    figure, _ = worlds(result)
    headline(figure, result.scenario.title)
    figure.savefig(path, bbox_inches="tight")
    plt.close(figure)
