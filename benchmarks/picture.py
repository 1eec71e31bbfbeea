"""What a run costs against the size of the cluster, beside the peer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from benchmarks import peer
from sim.pictures.style import End, label_ends, save_figure, styled

WORK = re.compile(r"the peer's work on ([\d,]+) servers")


def draw(rows: list[dict[str, Any]], folder: Path) -> None:
    """In bare timeouts by servers, on logarithmic axes; written as speed.svg and so on."""
    found = [
        (match[1], row["timeouts"]) for row in rows if (match := WORK.match(row["what"]))
    ]
    table = pd.DataFrame(
        [{"servers": int(n.replace(",", "")), **worth} for n, worth in found]
    )
    table["peer"] = [peer.SECONDS[n] / peer.TIMEOUT for n in table["servers"]]
    largest = table.iloc[-1]
    logs = np.log(table[-4:])
    title = (
        f"{largest['servers']:,.0f} servers for 32 days: "
        f"{largest['peer'] / largest['written']:,.0f} times less work than the peer, "
        f"{largest['peer'] / largest['compiled']:,.0f} times when compiled"
    )
    with styled():
        figure, axes = plt.subplots()
        ends: list[End] = []
        for key, name, look, colour in (
            ("peer", "AIReSim", "s-", "#D55E00"),
            ("written", "as written", "o-", "#0072B2"),
            ("compiled", "compiled", "o--", "#0072B2"),
        ):
            slope = np.polyfit(logs["servers"], logs[key], 1)[0]
            axes.loglog(table["servers"], table[key], look, color=colour)
            ends.append((largest[key], f"{name}: servers$^{{{slope:.1f}}}$", colour))
        axes.set(xlim=(200, 17_000), xlabel="servers", ylabel="work, in bare SimPy timeouts")
        axes.set_xticks(table["servers"], [f"{n:,}" for n in table["servers"]])
        axes.minorticks_off()
        label_ends(axes, largest["servers"], ends)
        alt = f"CPU time of one run against the number of servers, axes logarithmic. {title}."
        save_figure(figure, "speed", table, folder, title=title, alt=alt)
    plt.close(figure)
