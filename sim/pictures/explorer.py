"""A scenario with handles: chips, failures, checkpoints, policy and control dates, and what they
do, drawn at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim import catalogue
from sim.engine import simulate
from sim.errors import InputError
from sim.pictures.run import BADPUT, Picture
from sim.pictures.style import (
    DASHES,
    TIME_COLOURS,
    WIDTH,
    chip_colour,
    headline,
    label_ends,
    styled,
)
from sim.results.ledger import DAY, USABLE, at, levels
from sim.results.run import RunResult
from sim.scenario import load_scenario

AS_GIVEN = "as given"
INTERVALS = (AS_GIVEN, "5 min", "10 min", "30 min", "1 h", "2 h", "6 h", "optimal")
FAILURES = {"none": 0, "as counted": 1, "twice": 2, "4 times": 4}
SIZES = [base << k for base in (256, 384) for k in range(8)]
POLICIES = ("wait", "drop-replica", "re-route", "re-plan")


class Explorer:
    """Handles for the scenario of that name, and the picture of `runs` replications under one luck,
    `seed`.
    """

    def __init__(self, scenario: str, runs: int = 8, seed: int = 1) -> None:
        self.base, self.runs, self.seed = load_scenario(scenario), runs, seed
        self._asked = f"sim run {scenario} --seed {seed} --replications {runs}"
        self.handles: dict[str, Any] = {}
        for name, pool in self.base.fleet.items():
            chips, sizes = {pool.chip.name, *catalogue.table("chips")}, {pool.active_chips, *SIZES}
            self._add(f"fleet.{name}.chip", widgets.Dropdown, pool.chip.name, options=sorted(chips))
            if pool.chips is not None:
                self._add(
                    f"fleet.{name}.chips",
                    widgets.SelectionSlider,
                    pool.active_chips,
                    options=sorted(sizes),
                )
        self._add("failures", widgets.SelectionSlider, 1, options=list(FAILURES.items()))
        self._add("checkpoint.interval", widgets.SelectionSlider, AS_GIVEN, options=INTERVALS)
        self._add("recovery.policy", widgets.Dropdown, self.base.recovery.policy, options=POLICIES)
        for name, event in self.base.policy.items():
            self._add(f"policy.{name}.date", widgets.DatePicker, event.date, tooltip=event.title)
        self._start = {path: handle.value for path, handle in self.handles.items()}

    def _add(self, path: str, kind: type[Any], value: object, **more: Any) -> None:
        style, layout = {"description_width": "15em"}, widgets.Layout(width="34em")
        more |= {"continuous_update": False} if kind is widgets.SelectionSlider else {}
        self.handles[path] = kind(value=value, description=path, style=style, layout=layout, **more)

    @property
    def changes(self) -> dict[str, Any]:
        """What has been changed, by path of the scenario; another kind of chip gets a layout of its
        own.
        """
        changes: dict[str, Any] = {}
        for path, value in (
            (p, h.value) for p, h in self.handles.items() if h.value != self._start[p]
        ):
            if path == "failures":
                bad = {"bad_nodes.share": 1, "bad_nodes.factor": value, "bad_nodes.cured": 0}
                more = bad if value else {"causes": []}
                changes |= {
                    f"fleet.{pool}.failures.{key}": x
                    for pool in self.base.fleet
                    for key, x in more.items()
                }
            elif value is None:
                changes[path.removesuffix(".date")] = None
            else:
                changes |= {path: value} | (
                    {path.replace(".chip", ".layout"): "auto"} if path.endswith("chip") else {}
                )
        return changes

    @property
    def command(self) -> str:
        """The line that asks the same of the command line."""
        values = {path: "null" if value is None else value for path, value in self.changes.items()}
        return " ".join(
            [self._asked, *(f'--set "{path}={value}"' for path, value in values.items())]
        )

    def draw(self) -> tuple[Picture, str]:
        """The picture of the present setting and its title; raise InputError if the fleet cannot
        run this.
        """
        question = self.base.override(self.changes)
        results = [simulate(question, self.seed, k) for k in range(self.runs)]
        return picture(results, "counterfactual" if self.changes else question.status)

    def show(self) -> None:
        """Display the handles, the line to copy and the picture, which is drawn again at every
        change.
        """
        line = widgets.Textarea(layout=widgets.Layout(width="98%", height="5em"))
        place, trouble = widgets.Image(format="png"), widgets.Label()

        def redraw(_: object = None) -> None:
            line.value, trouble.value = self.command, ""
            try:
                (figure, _numbers), _title = self.draw()
            except InputError as error:
                trouble.value = str(error)
            else:
                place.value = _png(figure)
                plt.close(figure)

        for handle in self.handles.values():
            handle.observe(redraw, "value")
        display(widgets.VBox([*self.handles.values(), line, trouble, place]))
        redraw()


def _png(figure: Figure) -> bytes:
    with BytesIO() as file:
        figure.savefig(file, format="png", bbox_inches="tight")
        return file.getvalue()


@styled()
def picture(results: Sequence[RunResult], status: str) -> tuple[Picture, str]:
    """Time to train (of a programme: until the fleet falls short), time lost, and chips at hand,
    over a few runs.
    """
    programme = "crossing_days" in results[0].metrics
    unit, day = ("years", 365.25 * DAY) if programme else ("days", DAY)
    ends = (
        np.array([r.metrics["crossing_days"] * DAY if programme else r.wall for r in results]) / day
    )
    open_ = np.isnan(ends) if programme else np.array([not r.finished for r in results])
    ends = np.where(np.isnan(ends), results[0].wall / day, ends)
    lost = pd.DataFrame([{c: r.time[c] / DAY for c in BADPUT} for r in results]).loc[
        :, lambda frame: frame.max() > 0
    ]
    grid = np.linspace(0, max(r.wall for r in results), 120)
    parts = [_band("end", unit, np.array([0.0]), ends[:, None])]
    parts += [_band("lost", str(c), np.array([0.0]), lost[[c]].to_numpy()) for c in lost]
    figure, (dots, bars, lines) = plt.subplots(
        3, 1, figsize=(WIDTH, 7.2), height_ratios=[0.7, 2, 2.4]
    )
    dots.scatter(ends[~open_], 0 * ends[~open_], s=50, alpha=0.6, color="#0072B2")
    dots.scatter(
        ends[open_], 0 * ends[open_], s=60, marker=">", facecolors="none", edgecolors="#D55E00"
    )
    what = "until the fleet falls short" if programme else "to train"
    dots.set(
        xlim=(0, 1.05 * ends.max()),
        yticks=[],
        xlabel=f"{unit} {what} (a dot a run; an open triangle: not by then)",
    )
    middle = lost.median()
    spread = np.abs(lost.quantile([0.05, 0.95]).to_numpy() - middle.to_numpy())
    bars.barh(
        lost.columns,
        middle,
        xerr=spread,
        color=[TIME_COLOURS[str(c)] for c in lost],
        ecolor="#333333",
        capsize=3,
    )
    bars.grid(axis="y", visible=False)
    bars.set(xlabel="days lost (bar: median, whisker: 5–95 % of runs)")
    labels = []
    for name, pool in results[0].scenario.fleet.items():
        colour, needed = chip_colour(pool.chip.name), 0 if programme else pool.active_chips
        band = _band(
            "chips",
            name,
            grid / day,
            np.array([at(*levels(r, USABLE, name), grid) - needed for r in results]),
        )
        lines.fill_between(band["at"], band["p5"], band["p95"], alpha=0.2, color=colour, lw=0)
        lines.plot(band["at"], band["median"], color=colour, ls=DASHES[len(labels) % len(DASHES)])
        labels.append((band["median"].iloc[-1], pool.chip.name, colour))
        parts.append(band)
    lines.axhline(0, color="#333333", lw=1)
    ylabel = "chips in working nodes" if programme else "spare chips (below zero: missing)"
    lines.set(
        xlabel=f"{unit} (line: median, shaded: 5–95 % of runs)",
        ylabel=ylabel,
        xlim=(0, grid[-1] / day),
    )
    label_ends(lines, grid[-1] / day, labels)
    low, middle, high = (f"{x:.3g}" for x in np.quantile(ends, [0, 0.5, 1]))
    title = f"{middle} {unit} {what}; {len(ends)} runs lie between {low} and {high}"
    if open_.any():
        title = f"{open_.mean():.0%} of runs {'hold out' if programme else 'do not finish'} by {ends.max():.3g} {unit}"
    headline(figure, f"{title} ({status})")
    return (figure, pd.concat(parts, ignore_index=True)), title


def _band(
    panel: str, item: str, at: NDArray[np.float64], values: NDArray[np.float64]
) -> pd.DataFrame:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95], axis=0)
    return pd.DataFrame(
        {"panel": panel, "item": item, "at": at, "p5": low, "median": middle, "p95": high}
    )
