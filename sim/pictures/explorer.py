"""A scenario with handles: chips, failures, checkpoints, policy, dates; and what they do, drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.axes import Axes

from sim import catalogue
from sim.engine import simulate
from sim.errors import InputError
from sim.experiments.choices import choices
from sim.pictures.marks import DARK, band, bars, spread
from sim.pictures.run import BADPUT
from sim.pictures.style import (
    DASHES,
    TIME_COLOURS,
    WIDTH,
    Picture,
    chip_colour,
    headline,
    html,
    label_ends,
    styled,
)
from sim.pictures.words import plain
from sim.results.ledger import DAY, USABLE, YEAR, at, levels
from sim.results.run import RunResult
from sim.scenario import load_scenario
from sim.throughput.elastic import POLICIES

AS_GIVEN = "as given"
INTERVALS = (AS_GIVEN, "5 min", "10 min", "30 min", "1 h", "2 h", "6 h", "optimal")
FAILURES = {"none": 0, "as counted": 1, "twice": 2, "4 times": 4}
# Powers of two, and one and a half times each: all are whole nodes, and most hold whole replicas.
SIZES = [base << k for base in (256, 384) for k in range(8)]


class Explorer:
    """Handles for a scenario, and the picture of a few replications of it.

    Parameters
    ----------
    scenario : str
        Its name.
    runs : int
        Replications drawn at every change.
    seed : int
        Root seed, the same at every change.
    """

    def __init__(self, scenario: str, runs: int = 8, seed: int = 1) -> None:
        self.base = load_scenario(scenario)
        self.runs = runs
        self.seed = seed
        self._command = f"sim run {scenario} --seed {seed} --replications {runs}"
        self.handles: dict[str, Any] = {}
        chips = set(catalogue.table("chips"))
        for name, pool in self.base.fleet.items():
            kinds = sorted(chips | {pool.chip.name})
            self._add(
                f"fleet.{name}.chip",
                f"{name}: kind of chip",
                widgets.Dropdown,
                pool.chip.name,
                options=kinds,
            )
            # A pool that begins with nothing gets its chips by deliveries.
            if pool.chips is not None:
                count = pool.active_chips
                sizes = sorted({count, *SIZES})
                self._slide(f"fleet.{name}.chips", f"{name}: number of chips", count, sizes)
        self._slide("failures", "how often nodes fail", 1, list(FAILURES.items()))
        self._slide("checkpoint.interval", plain("checkpoint.interval"), AS_GIVEN, INTERVALS)
        self._add(
            "recovery.policy",
            plain("recovery.policy"),
            widgets.Dropdown,
            self.base.recovery.policy,
            options=("wait", *POLICIES),
        )
        for name, event in self.base.policy.items():
            self._add(
                f"policy.{name}.date",
                f"date of {name}",
                widgets.DatePicker,
                event.date,
                tooltip=event.title,
            )
        self._start = {path: handle.value for path, handle in self.handles.items()}

    def _slide(self, path: str, words: str, value: object, options: Sequence[Any]) -> None:
        # A run takes seconds: draw when the handle is let go, not all along its way.
        slider = widgets.SelectionSlider
        self._add(path, words, slider, value, options=options, continuous_update=False)

    def _add(self, path: str, words: str, kind: type[Any], value: object, **more: Any) -> None:
        self.handles[path] = kind(
            value=value,
            description=words,
            style={"description_width": "15em"},
            layout=widgets.Layout(width="34em"),
            **more,
        )

    @property
    def changes(self) -> dict[str, Any]:
        """What has been changed, by path of the scenario."""
        changes: dict[str, Any] = {}
        for path, handle in self.handles.items():
            value = handle.value
            if value == self._start[path]:
                continue
            if path == "failures":
                changes |= self._failures(value)
            elif value is None:
                changes[path.removesuffix(".date")] = None
            else:
                changes[path] = value
            # The layout of one kind of chip rarely suits another.
            if path.endswith(".chip"):
                changes[path.replace(".chip", ".layout")] = "auto"
                changes |= self._renamed(path.split(".")[1])
        return changes

    def _renamed(self, name: str) -> dict[str, Any]:
        """What else names the chip of a pool that gets another, by the name of the pool."""
        chip = self.base.fleet[name].chip.name
        changes: dict[str, Any] = {}
        # A pool of its chip's name keeps that.
        if chip in self.base.fleet:
            return changes
        depot = self.base.depot
        stock = self.base.data.get("depot", {}).get("stock", {})
        offload = self.base.data.get("offload", {})
        for key, shares in (("depot.stock", stock), ("offload", offload)):
            if chip in shares:
                changes |= {f"{key}.{name}": shares[chip], f"{key}.{chip}": None}
        for place, delivery in enumerate(depot.deliveries):
            if delivery.chip == chip:
                changes[f"depot.deliveries.{place}.chip"] = name
        for flow, spec in depot.supply.items():
            if spec.chip == chip:
                changes[f"depot.supply.{flow}.chip"] = name
        if self.base.reference == chip:
            changes["reference"] = name
        return changes

    def _failures(self, factor: int) -> dict[str, Any]:
        """All failures some times as often, on good and on bad nodes."""
        changes: dict[str, Any] = {}
        for name, pool in self.base.fleet.items():
            key = f"fleet.{name}.failures"
            if factor:
                changes[f"{key}.scale"] = factor * pool.failures.scale
            else:
                changes[f"{key}.causes"] = []
        return changes

    @property
    def command(self) -> str:
        """The line that asks the same of the command line."""
        words = [self._command]
        for path, value in self.changes.items():
            words.append(f'--set "{path}={"null" if value is None else value}"')
        return " ".join(words)

    def draw(self) -> tuple[Picture, str]:
        """The picture of the present setting and its title.

        Raises
        ------
        InputError
            When the fleet cannot run this.
        """
        scenario = self.base.override(self.changes)
        results = [simulate(scenario, self.seed, k) for k in range(self.runs)]
        return picture(results, scenario.standing)

    def show(self) -> None:
        """Display the handles, the line to copy, and the picture, drawn again at every change."""
        line = widgets.Textarea(layout=widgets.Layout(width="98%", height="5em"))
        told = widgets.HTML()
        place = widgets.HTML()
        trouble = widgets.Label()

        def redraw(_: object = None) -> None:
            line.value = self.command
            trouble.value = ""
            try:
                (figure, _numbers), title = self.draw()
            except InputError as error:
                trouble.value = str(error)
            else:
                place.value = html(figure, title)
                plt.close(figure)
                lines = str(choices(self.base.override(self.changes)))
                told.value = f"<pre>{escape(lines)}</pre>"

        for handle in self.handles.values():
            handle.observe(redraw, "value")
        display(widgets.VBox([*self.handles.values(), line, told, trouble, place]))
        redraw()


@styled()
def picture(results: Sequence[RunResult], status: str) -> tuple[Picture, str]:
    """Time to train, time lost and chips at hand over a few runs, and what they say, as a title.

    Of a programme the time until the fleet falls short takes the place of the time to train.

    Parameters
    ----------
    results : sequence of RunResult
        Replications of one scenario.
    status : str
        Of the scenario, for the heading.
    """
    size = (WIDTH, 7.2)
    figure, (top, middle, bottom) = plt.subplots(3, figsize=size, height_ratios=[0.7, 2, 2.4])
    programme = "crossing_days" in results[0].metrics
    unit = "years" if programme else "days"
    if programme:
        ends = np.array([r.metrics["crossing_days"] * DAY for r in results]) / YEAR
        open_ = np.array([not r.metrics["crossed"] for r in results])
        what, outlast = "until the fleet falls short", "hold out"
    else:
        ends = np.array([r.wall for r in results]) / DAY
        open_ = np.array([not r.finished for r in results])
        what, outlast = "to train", "do not finish"
    top.scatter(
        ends[~open_],
        0 * ends[~open_],
        s=50,
        alpha=0.6,
        color="#0072B2",
    )
    top.scatter(
        ends[open_],
        0 * ends[open_],
        s=60,
        marker=">",
        facecolors="none",
        edgecolors="#D55E00",
    )
    top.set(xlim=(0, 1.05 * ends.max()), yticks=[])
    top.set_xlabel(f"{unit} {what} (a dot a run; an open triangle: not by then)")
    # In the order of the picture, from top to bottom.
    parts = [
        spread(ends[:, None], panel="end", item=unit, at=0.0),
        _lost(middle, results),
        *_chips(bottom, results, programme),
    ]
    least, median, most = np.quantile(ends, [0, 0.5, 1])
    runs = f"{len(ends)} runs lie between {least:.3g} and {most:.3g}"
    title = f"{median:.3g} {unit} {what}; {runs}"
    if open_.any():
        title = f"{open_.mean():.0%} of runs {outlast} by {ends.max():.3g} {unit}"
    headline(figure, f"{title} ({status})")
    return (figure, pd.concat(parts, ignore_index=True)), title


def _lost(axes: Axes, results: Sequence[RunResult]) -> pd.DataFrame:
    """Days lost to each kind of badput that there is."""
    lost = pd.DataFrame([{kind: r.time[kind] / DAY for kind in BADPUT} for r in results])
    lost = lost.loc[:, lost.max() > 0]
    table = spread(lost, panel="lost", item=lost.columns, at=0.0)
    bars(
        axes,
        table,
        "item",
        "median",
        table["item"].map(TIME_COLOURS),
        lw=None,
    )
    axes.set(xlabel="days lost (bar: median, whisker: 5–95 % of runs)")
    return table


def _chips(axes: Axes, results: Sequence[RunResult], programme: bool) -> Iterator[pd.DataFrame]:
    """Spare chips of each pool over the run, or all that work in a programme."""
    grid = np.linspace(0, max(r.wall for r in results), 120)
    if programme:
        when, xlabel, ylabel = grid / YEAR, "years", "chips in working nodes"
    else:
        when, xlabel, ylabel = grid / DAY, "days", "spare chips (below zero: missing)"
    labels = []
    for name, pool in results[0].scenario.fleet.items():
        needed = 0 if programme else pool.active_chips
        chips = [at(*levels(r, USABLE, name), grid) - needed for r in results]
        table = spread(chips, panel="chips", item=name, at=when)
        end = band(
            axes,
            table,
            "at",
            "median",
            chip_colour(pool.chip.name),
            pool.chip.name,
            alpha=0.2,
            ls=DASHES[len(labels) % len(DASHES)],
        )
        labels.append(end)
        yield table
    axes.axhline(0, color=DARK, lw=1)
    axes.set(xlim=(0, when[-1]), ylabel=ylabel)
    axes.set_xlabel(f"{xlabel} (line: median, shaded: 5–95 % of runs)")
    label_ends(axes, when[-1], labels)
