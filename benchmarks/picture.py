"""What a run costs against the size of the cluster, beside the peer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sim.plots import ink, save_figure, styled


def draw(ours: Mapping[int, float], seconds: Mapping[int, float], timeout: float, folder: Path) -> None:
    """Both in bare timeouts by servers, on logarithmic axes; written as speed.svg, .png, .csv and .json."""
    table = pd.DataFrame(
        [(n, ours[n], seconds[n] / timeout) for n in seconds], columns=["servers", "timeouts", "peer_timeouts"]
    )
    largest = table.iloc[-1]
    logs = np.log(table[-4:].to_numpy())
    slopes = {key: np.polyfit(logs[:, 0], logs[:, k], 1)[0] for k, key in ((1, "timeouts"), (2, "peer_timeouts"))}
    ratio = largest["peer_timeouts"] / largest["timeouts"]
    title = f"{largest['servers']:,.0f} servers for 32 days: {ratio:,.0f} times less work than the peer"
    with styled():
        figure, axes = plt.subplots()
        for key, name, look, colour in (
            ("peer_timeouts", "AIReSim", "s-", "#D55E00"),
            ("timeouts", "here", "o-", "#0072B2"),
        ):
            axes.loglog(table["servers"], table[key], look, color=colour)
            words = f"  {name}: grows as\n  servers$^{{{slopes[key]:.1f}}}$"
            axes.text(largest["servers"], largest[key], words, color=ink(colour), va="center")
        axes.set(xlim=(200, 70_000), xlabel="servers", ylabel="work, in bare SimPy timeouts")
        axes.set_xticks(table["servers"], [f"{n:,}" for n in table["servers"]])
        axes.minorticks_off()
        alt = f"CPU time of one simulated run against the number of servers, both axes logarithmic. {title}."
        save_figure(figure, "speed", table, folder, title=title, alt=alt)
    plt.close(figure)
