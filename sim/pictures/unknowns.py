"""Pictures of what is not known: which inputs matter, and where the spread comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from sim.experiments.sensitivity import Sensitivity
from sim.pictures.marks import name_rows, sheet, whiskers
from sim.pictures.style import SMALL, Picture, ink, styled
from sim.pictures.words import listed, plain

BARS = (
    ("ST", 0.17, "#56B4E9", "black", "with its interplay"),
    ("S1", -0.17, "#0072B2", "white", "alone"),
)
"""Index of Sobol, shift of its bar, colours of bar and letters, and what it says."""
SOURCES = {
    "run_to_run": ("chance", "#D55E00"),
    "inputs": ("inputs", "#0072B2"),
    "model": ("step-time model", "#009E73"),
}
FEWEST = 3
"""Rows for which there is always room, and constants that a title names."""


def mattering(screen: Sensitivity, share: float = 0.05) -> list[str]:
    """The constants whose effect by Morris's method is at least a share of the largest one."""
    effects = screen.frame.set_index("unknown")["mu_star"]
    return [str(name) for name in effects.index[effects >= share * effects.max()]]


def finding(shares: Sensitivity, screen: Sensitivity, what: str) -> str:
    """A title: which constants matter most, as far as their intervals tell them apart.

    Parameters
    ----------
    shares, screen : Sensitivity
        As for `importance`.
    what : str
        What they matter for, in words.
    """
    table = shares.frame.sort_values("ST", ascending=False)
    low = (table["ST"] - table["ST_conf"]).clip(lower=0)
    high = (table["ST"] + table["ST_conf"]).clip(upper=1)
    ahead = table["unknown"][high >= low.iloc[0]]
    among = f"of {len(screen.frame)} unknowns"
    if len(ahead) > FEWEST:
        return f"None {among} stands out for {what}"
    words = listed(plain(name).partition(" (")[0] for name in ahead)
    words = words[0].upper() + words[1:]
    if len(ahead) > 1:
        return f"{words} matter most for {what}, {among}"
    share = f"{low.iloc[0]:.0%} to {high.iloc[0]:.0%} of its spread"
    return f"{words} matters most for {what}, {among}: {share}"


@styled()
def importance(shares: Sensitivity, screen: Sensitivity) -> Picture:
    """Share of the variance for each constant, alone and with its interplay, and its effect.

    Whiskers are 95 % intervals of the shares.

    Parameters
    ----------
    shares : Sensitivity
        Sobol's indices of the constants that matter.
    screen : Sensitivity
        Morris's effects of all: the change over the range of a constant, in days.
    """
    effects = screen.frame.set_index("unknown")["mu"]
    table = shares.frame.assign(effect=effects[shares.frame["unknown"]].to_numpy())
    table = table.iloc[::-1].reset_index(drop=True)
    figure, axes = sheet(1.5 + 0.48 * max(len(table), FEWEST))
    rows = np.arange(len(table))
    for index, shift, colour, letters, name in BARS:
        value, half = table[index], table[f"{index}_conf"]
        axes.barh(
            rows + shift,
            value.clip(lower=0),
            height=0.34,
            color=colour,
        )
        # Estimates of shares may lie below zero or above one; whiskers end a little beyond.
        low, high = (value - half).clip(lower=-0.1), (value + half).clip(upper=1.1)
        whiskers(axes, value, rows + shift, low, high)
        axes.text(
            0,
            rows[-1] + shift,
            f" {name}",
            va="center",
            color=letters,
            fontsize=SMALL,
        )
    ends = [float((table[index] + table[f"{index}_conf"]).max()) for index in ("ST", "S1")]
    right = min(max(ends), 1.1)
    x = right * 1.04
    for row, effect in enumerate(table["effect"]):
        sign = "+" if effect > 0 else "−"
        axes.text(x, row, f"{sign}{_short(abs(effect))} days", va="center")
    axes.text(
        x,
        len(table) - 0.35,
        "from low to high",
        va="bottom",
        color="#555555",
        fontsize=SMALL,
    )
    ticks = np.arange(0, 1.01, 0.1 if right < 0.6 else 0.2)
    axes.set_xticks(ticks[ticks < right])
    name_rows(axes, [plain(name) for name in table["unknown"]])
    least = float((table["S1"] - table["S1_conf"]).min())
    axes.set_xlim(max(-0.1, min(0.0, least)), right * 1.26)
    metric = shares.metric.replace("_", " ")
    axes.set_xlabel(f"share of the variance of {metric}\n(whisker: 95 % interval)")
    return figure, table


@styled()
def sources(splits: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Picture:
    """Where the spread of each quantity comes from: shares of its variance with 95 % intervals."""
    found = []
    for quantity, split in splits.items():
        for source, (name, _) in SOURCES.items():
            found.append({"quantity": quantity, "source": name, **split[source]})
    table = pd.DataFrame(found)[["quantity", "source", "share", "lo", "hi", "sd"]]
    table["variance"] = (table["sd"] ** 2).groupby(table["quantity"]).transform("sum")
    figure, axes = sheet(1.3 + 0.9 * len(splits))
    for k, (name, colour) in enumerate(SOURCES.values()):
        part = table[table["source"] == name]
        places = np.arange(len(part)) + (k - 1) * 0.26
        axes.barh(places, part["share"], height=0.24, color=colour)
        whiskers(axes, part["share"], places, part["lo"], part["hi"])
        rows = zip(places, part["sd"], part["hi"], part["variance"], strict=True)
        for place, sd, most, variance in rows:
            words = f"{name}: ± {_short(sd)} days"
            # An estimate that is cut off at zero says nothing; the end of its interval does.
            if sd == 0:
                words = f"{name}: ± {_short(math.sqrt(most * variance))} days at most (95 %)"
            axes.text(most + 0.015, place, words, va="center", color=ink(colour))
    name_rows(axes, list(splits))
    axes.set(xlim=(0, 1.32), ylim=(len(splits) - 0.5, -0.5))
    axes.set_xlabel("share of the variance\n(whisker: 95 % interval; ±: standard deviation)")
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0])
    return figure, table


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
