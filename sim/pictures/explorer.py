"""A scenario with handles, and what they do, drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from textwrap import fill
from time import monotonic
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
from sim.pictures.marks import DARK, band, bars, name_rows, sheet, spread, whiskers
from sim.pictures.run import BADPUT
from sim.pictures.style import (
    DASHES,
    TIME_COLOURS,
    Picture,
    chip_colour,
    headline,
    html,
    label_ends,
    styled,
)
from sim.pictures.words import plain, pool_titles
from sim.results.ledger import DAY, USABLE, YEAR, Floats, at, levels
from sim.results.run import RunResult
from sim.scenario import Scenario, load_scenario
from sim.scenario.stock import Programme
from sim.throughput.elastic import POLICIES

PATIENCE = 0.15
"""Seconds after which a redraw begins no other run; its picture takes half a second more."""
EVENTS = 15_000
"""Failures and the like, half a second's worth, of the longest run that a redraw waits for."""
AS_GIVEN = "as given"
INTERVALS = ("5 min", "10 min", "30 min", "1 h", "2 h", "6 h", "optimal")
FAILURES = {"none": 0, "as counted": 1, "twice": 2, "4 times": 4}
# Powers of two, and one and a half times each: all are whole nodes, and most hold whole replicas.
SIZES = [base << k for base in (256, 384) for k in range(8)]
SPARES = {f"{nodes:,} nodes": nodes for nodes in (0, 8, 32, 128, 512)}
NEEDS = {f"{chips:,} chips": chips for chips in (256, 1024, 4096, 16384, 65536)}
GROWTHS = {
    f"{times:g} times a year": f"{times} per yr" for times in (0.3, 0.5, 1, 1.5, 2, 3, 5)
}
SHARES = {f"{share:.0%}": share for share in (0.04, 0.12, 0.25, 0.5, 0.75)}


def _settings(scenario: Scenario) -> Iterator[tuple[str, dict[str, Any]]]:
    """Paths of what can be set in a scenario, each with its values by the words of a handle."""
    outlook = scenario.outlook
    if outlook is not None:
        yield "outlook.shares.run", SHARES
        for need in outlook.needs:
            yield f"outlook.needs.{need}.growth", GROWTHS
        return
    yield "checkpoint.interval", {interval: interval for interval in INTERVALS}
    if isinstance(scenario.runs, Programme):
        yield "runs.chips", NEEDS
        yield "runs.growth", GROWTHS
    if scenario.runs is not None:
        yield "research", {"none": 0.0, **SHARES}
        return
    for pool in scenario.fleet:
        yield f"fleet.{pool}.cold_spares", SPARES


class Explorer:
    """Handles for a scenario, and the picture of a few replications of it.

    Parameters
    ----------
    scenario : str
        Its name.
    runs : int
        Replications to draw; a change draws those that begin within `PATIENCE`.
    seed : int
        Root seed, the same at every change.
    """

    def __init__(self, scenario: str, runs: int = 8, seed: int = 1) -> None:
        self.base = load_scenario(scenario)
        self.runs = runs
        self.seed = seed
        self.handles: dict[str, Any] = {}
        menu = widgets.Dropdown
        if self.base.worlds:
            worlds = [(world.title or name, name) for name, world in self.base.worlds.items()]
            options = [("as it was", AS_GIVEN), *worlds]
            self._add("world", "world", menu, AS_GIVEN, options=options)
        kinds = set(catalogue.table("chips"))
        for name, pool in self.base.fleet.items():
            chip = pool.chip.name
            options, words = sorted(kinds | {chip}), f"{name}: kind of chip"
            self._add(f"fleet.{name}.chip", words, menu, chip, options=options)
            # A pool that begins with nothing gets its chips by deliveries.
            if pool.chips is not None:
                count = pool.active_chips
                sizes = [(f"{size:,}", size) for size in sorted({count, *SIZES})]
                self._slide(f"fleet.{name}.chips", f"{name}: number of chips", sizes, count)
        self._slide("failures", "how often nodes fail", list(FAILURES.items()), 1)
        for path, options in _settings(self.base):
            self._slide(path, plain(path), [(AS_GIVEN, AS_GIVEN), *options.items()])
        if self.base.outlook is None:
            policies = ("wait", *POLICIES)
            path, now = "recovery.policy", self.base.recovery.policy
            self._add(path, plain(path), menu, now, options=policies)
        for name, event in self.base.policy.items():
            words = f"date: {event.title or name}"
            self._add(
                f"policy.{name}.date", words, widgets.DatePicker, event.date, tooltip=words
            )
        self._start = {path: handle.value for path, handle in self.handles.items()}

    def _slide(
        self, path: str, words: str, options: Sequence[Any], value: object = AS_GIVEN
    ) -> None:
        # A run takes seconds: draw when the handle is let go, not all along its way.
        slider = widgets.SelectionSlider
        self._add(path, words, slider, value, options=options, continuous_update=False)

    def _add(
        self, path: str, words: str, kind: type[Any], value: object, **more: Any
    ) -> None:
        self.handles[path] = kind(
            value=value,
            description=words,
            style={"description_width": "24em"},
            layout=widgets.Layout(width="48em"),
            **more,
        )

    @property
    def scenario(self) -> Scenario:
        """The scenario as it is set now."""
        changed = self.base.override(self.changes)
        return changed.in_world(self._world) if self._world else changed

    @property
    def _world(self) -> str:
        """The world that is chosen; empty for the one that was."""
        handle = self.handles.get("world")
        return "" if handle is None or handle.value == AS_GIVEN else handle.value

    @property
    def changes(self) -> dict[str, Any]:
        """What has been changed, by path of the scenario."""
        changes: dict[str, Any] = {}
        for path, handle in self.handles.items():
            value = handle.value
            # A world is no change of a key: it lies on top of them.
            if value == self._start[path] or path == "world":
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
        return self._line(self.runs)

    def _line(self, runs: int) -> str:
        verb = (
            f"worlds {self.base.name} {self._world}"
            if self._world
            else f"run {self.base.name}"
        )
        words = [f"sim {verb} --seed {self.seed} --replications {runs}"]
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
        return picture(self._simulated(self.scenario, math.inf))

    def _simulated(self, scenario: Scenario, patience: float) -> list[RunResult]:
        """The first run, and those of the others that begin within some seconds."""
        bound = None if math.isinf(patience) else EVENTS
        end = monotonic() + patience
        results: list[RunResult] = []
        for k in range(self.runs):
            results.append(simulate(scenario, self.seed, k, max_events=bound))
            if monotonic() > end:
                break
        return results

    def show(self) -> None:
        """Display the handles, the line to copy, and the picture, drawn again at every change."""
        line = widgets.Textarea(layout=widgets.Layout(width="98%", height="5em"))
        everything = widgets.Button(description=f"draw all {self.runs} runs")
        told = widgets.HTML()
        place = widgets.HTML()
        trouble = widgets.Label()

        def redraw(patience: float) -> None:
            line.value = self.command
            trouble.value = ""
            try:
                # One and the same object: what is planned for it is planned once.
                scenario = self.scenario
                results = self._simulated(scenario, patience)
                (figure, _numbers), title = picture(results)
            except InputError as error:
                trouble.value = str(error)
                if patience < math.inf and error.key == "max_events":
                    trouble.value = f"too many failures to wait for: {everything.description}"
            else:
                line.value = self._line(len(results))
                place.value = html(figure, title)
                plt.close(figure)
                lines = f"{len(results)} of {self.runs} runs drawn\n{choices(scenario)}"
                told.value = f"<pre>{escape(lines)}</pre>"

        for handle in self.handles.values():
            handle.observe(lambda _: redraw(PATIENCE), "value")
        everything.on_click(lambda _: redraw(math.inf))
        display(
            widgets.VBox([*self.handles.values(), everything, line, told, trouble, place])
        )
        redraw(PATIENCE)


@styled()
def picture(results: Sequence[RunResult]) -> tuple[Picture, str]:
    """Time to train, time lost and chips at hand over a few runs, and what they say, as a title.

    Of a programme the time until the fleet falls short takes the place of the time to train; of a
    scenario with an outlook the largest run on its last date, and over each need that of time lost.

    Parameters
    ----------
    results : sequence of RunResult
        Replications of one scenario.
    """
    figure, (top, middle, bottom) = sheet(7.2, 3, height_ratios=[0.7, 2, 2.4])
    ends, open_, unit, what, outlast = _ends(results)
    top.scatter(ends[~open_], 0 * ends[~open_], s=50, alpha=0.6, color="#0072B2")
    late = {"marker": ">", "facecolors": "none", "edgecolors": "#D55E00"}
    top.scatter(ends[open_], 0 * ends[open_], s=60, **late)
    # A fleet may fall short at once in every run.
    top.set(xlim=(0, 1.05 * ends.max() or 1), yticks=[])
    late_too = "; an open triangle: not by then" if open_.any() else ""
    top.set_xlabel(f"{unit} {what} (a dot a run{late_too})")
    scenario = results[0].scenario
    many_years = scenario.runs is not None or scenario.outlook is not None
    # In the order of the picture, from top to bottom.
    parts = [
        spread(ends[:, None], panel="end", item=unit, at=0.0),
        _lost(middle, results) if scenario.outlook is None else _reach(middle, results),
        *_chips(bottom, results, many_years),
    ]
    least, median, most = (_number(one) for one in np.quantile(ends, [0, 0.5, 1]))
    runs = (
        f"{len(ends)} runs lie between {least} and {most}"
        if len(ends) > 1
        else "a single run"
    )
    title = f"{median} {unit} {what}; {runs}"
    if open_.any():
        title = f"{open_.mean():.0%} of runs {outlast} by {ends.max():.3g} {unit}"
    headline(figure, f"{title} ({scenario.standing})")
    return (figure, pd.concat(parts, ignore_index=True)), title


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _ends(results: Sequence[RunResult]) -> tuple[Floats, Any, str, str, str]:
    """What each run comes to, whether it is only a bound, its unit, and two parts of a sentence."""
    metrics = pd.DataFrame([result.metrics for result in results])
    scenario = results[0].scenario
    if scenario.outlook is not None:
        date = scenario.dates[-1]
        ends = metrics[f"largest.{date}_h100"].to_numpy()
        return ends, ends < 0, "H100", f"(by BF16 peak) in the largest run on {date}", ""
    if scenario.runs is not None:
        years = metrics["crossing_days"].to_numpy() * DAY / YEAR
        open_ = ~metrics["crossed"].to_numpy(bool)
        return years, open_, "years", "until the fleet falls short", "hold out"
    days = np.array([result.wall for result in results]) / DAY
    open_ = np.array([not result.finished for result in results])
    return days, open_, "days", "to train", "do not finish"


def _reach(axes: Axes, results: Sequence[RunResult]) -> pd.DataFrame:
    """The largest run on the last date over each need."""
    scenario = results[0].scenario
    assert scenario.outlook is not None
    date = scenario.dates[-1]
    titles = {name: need.title or name for name, need in scenario.outlook.needs.items()}
    values = [[r.metrics[f"reach.{name}.{date}"] for name in titles] for r in results]
    table = spread(values, panel="reach", item=titles.values(), at=0.0)
    rows = range(len(table))
    whiskers(axes, table["median"], rows, table["p5"], table["p95"], fmt="o", color="#0072B2")
    axes.set(
        xscale="log", xlabel=f"largest run on {date} over the need (dot: median, 5–95 %)"
    )
    axes.axvline(1, color=DARK, lw=1)
    name_rows(axes, [fill(title, 20) for title in titles.values()])
    return table


def _lost(axes: Axes, results: Sequence[RunResult]) -> pd.DataFrame:
    """Days lost to each kind of badput that there is."""
    lost = pd.DataFrame([{kind: r.time[kind] / DAY for kind in BADPUT} for r in results])
    lost = lost.loc[:, lost.max() > 0]
    table = spread(lost, panel="lost", item=lost.columns, at=0.0)
    bars(axes, table, "item", "median", table["item"].map(TIME_COLOURS), lw=None)
    axes.set(xlabel="days lost (bar: median, whisker: 5–95 % of runs)")
    return table


def _chips(
    axes: Axes, results: Sequence[RunResult], many_years: bool
) -> Iterator[pd.DataFrame]:
    """Spare chips of each pool over the run, or all that work in a programme."""
    grid = np.linspace(0, max(r.wall for r in results), 120)
    if many_years:
        when, xlabel, ylabel = grid / YEAR, "years", "chips in working nodes"
    else:
        when, xlabel, ylabel = grid / DAY, "days", "spare chips (below zero: missing)"
    labels = []
    fleet = results[0].scenario.fleet
    for name, label in pool_titles(fleet).items():
        pool = fleet[name]
        needed = 0 if many_years else pool.active_chips
        chips = np.array([at(*levels(r, USABLE, name), grid) - needed for r in results])
        # Of a country's stock a few servers are simulated, and all are shown.
        table = spread(
            chips * results[0].scenario.represents, panel="chips", item=name, at=when
        )
        dash = DASHES[len(labels) % len(DASHES)]
        end = band(axes, table, "at", "median", chip_colour(label), label, alpha=0.2, ls=dash)
        labels.append(end)
        yield table
    axes.axhline(0, color=DARK, lw=1)
    axes.set(xlim=(0, when[-1]), ylabel=ylabel)
    axes.set_xlabel(f"{xlabel} (line: median, shaded: 5–95 % of runs)")
    label_ends(axes, when[-1], labels)
