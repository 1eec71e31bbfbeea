"""Pictures of what is not known: which inputs matter, and where the spread comes from."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sim.experiments.sensitivity import Sensitivity
from sim.pictures.run import Picture
from sim.pictures.style import SMALL, WIDTH, ink, styled

BARS = (
    ("ST", 0.17, "#56B4E9", "black", "with its interplay"),
    ("S1", -0.17, "#0072B2", "white", "alone"),
)
SOURCES = {
    "run_to_run": ("chance", "#D55E00"),
    "inputs": ("inputs", "#0072B2"),
    "model": ("step-time model", "#009E73"),
}
WHISKER = {"fmt": "none", "ecolor": "#333333", "capsize": 2, "lw": 1}
FEWEST = 3


def plain(name: str) -> str:
    """The name of an unknown constant as one would say it.

    Examples
    --------
    >>> plain("chips.Hopper-SXM.kernel_efficiency"), plain("checkpoint.interval"), plain("research")
    ('kernel efficiency (Hopper-SXM)', 'interval (checkpoint)', 'research')
    """
    *before, last = name.replace("_", " ").split(".")
    return f"{last} ({before[-1]})" if before else last


def mattering(screen: Sensitivity, share: float = 0.05) -> list[str]:
    """The constants whose effect by Morris's method is at least a share of the largest one."""
    effects = screen.frame.set_index("unknown")["mu_star"]
    return [str(name) for name in effects.index[effects >= share * effects.max()]]


@styled()
def importance(shares: Sensitivity, screen: Sensitivity, unit: str = "days") -> Picture:
    """Share of the variance for each constant, alone and with its interplay, and the change over
    its range.

    `shares` are Sobol's indices of the constants that matter, `screen` Morris's effects of all.
    Whiskers: 95 %.
    """
    effects = screen.frame.set_index("unknown")["mu"]
    table = shares.frame.assign(effect=[effects[name] for name in shares.frame["unknown"]])
    table = table.iloc[::-1].reset_index(drop=True)
    figure, axes = plt.subplots(figsize=(WIDTH, 1.5 + 0.48 * max(len(table), FEWEST)))
    rows = np.arange(len(table))
    for key, shift, colour, letters, name in BARS:
        value, half = table[key], table[f"{key}_conf"]
        spread = [value - (value - half).clip(lower=-0.1), (value + half).clip(upper=1.1) - value]
        axes.barh(rows + shift, value.clip(lower=0), height=0.34, color=colour)
        axes.errorbar(value, rows + shift, xerr=np.clip(spread, 0, None), **WHISKER)
        axes.text(0, rows[-1] + shift, f" {name}", va="center", color=letters, fontsize=SMALL)
    right = min(max(float((table[key] + table[f"{key}_conf"]).max()) for key in ("ST", "S1")), 1.1)
    for row, effect in enumerate(table["effect"]):
        axes.text(
            right * 1.04,
            row,
            f"{'+' if effect > 0 else '−'}{_short(abs(effect))} {unit}",
            va="center",
        )
    axes.text(
        right * 1.04,
        len(table) - 0.35,
        "from low to high",
        va="bottom",
        color="#555555",
        fontsize=SMALL,
    )
    axes.set_xticks(
        [tick for tick in np.arange(0, 1.01, 0.1 if right < 0.6 else 0.2) if tick < right]
    )
    axes.set_yticks(rows, [plain(name) for name in table["unknown"]])
    axes.set_xlim(max(-0.1, min(0.0, float((table["S1"] - table["S1_conf"]).min()))), right * 1.26)
    axes.set_xlabel(
        f"share of the variance of {shares.metric.replace('_', ' ')}\n(whisker: 95 % interval)"
    )
    axes.grid(axis="y", visible=False)
    return figure, table


@styled()
def sources(splits: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Picture:
    """Where the spread of each quantity comes from, as shares of its variance with 95 % intervals."""
    rows = [
        (quantity, name, split[key]["share"], split[key]["lo"], split[key]["hi"], split[key]["sd"])
        for quantity, split in splits.items()
        for key, (name, _) in SOURCES.items()
    ]
    table = pd.DataFrame(rows, columns=["quantity", "source", "share", "lo", "hi", "sd"])
    figure, axes = plt.subplots(figsize=(WIDTH, 1.3 + 0.9 * len(splits)))
    labels = list(splits)
    for k, (name, colour) in enumerate(SOURCES.values()):
        part = table[table["source"] == name]
        places = (
            np.array([labels.index(quantity) for quantity in part["quantity"]]) + (k - 1) * 0.26
        )
        spread = [part["share"] - part["lo"], part["hi"] - part["share"]]
        axes.barh(places, part["share"], height=0.24, color=colour)
        axes.errorbar(part["share"], places, xerr=np.clip(spread, 0, None), **WHISKER)
        for place, high, sd in zip(places, part["hi"], part["sd"], strict=True):
            axes.text(
                high + 0.015, place, f"{name}: ± {_short(sd)} days", va="center", color=ink(colour)
            )
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlim=(0, 1.32), ylim=(len(labels) - 0.5, -0.5))
    axes.set_xlabel("share of the variance\n(whisker: 95 % interval; ±: standard deviation)")
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0])
    axes.grid(axis="y", visible=False)
    return figure, table


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
