"""Which mechanisms a log speaks for: each must improve the forecast of what it has not seen.

Models are fitted to the first half, two thirds and five sixths of a log and asked how probable the
part was that followed. A mechanism is kept if it makes what followed twenty times as probable or
more. They are taken up one after another, the one that helps most first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import stats

from sim.failure_logs import drift
from sim.failure_logs.hazards import AGEING, REPEATS, TOGETHER, Gaps, bursts_of, gaps_of
from sim.failure_logs.log import Indices, Log
from sim.failure_logs.model import Kept, Model, fitted
from sim.results.ledger import Floats

BAD = "bad nodes"
DRIFT = "drift"
BURSTS = "bursts"
ENOUGH = 3.0
"""Gain in the log-probability of what followed; its exponential is the twenty of above."""
FEWEST = 15
"""Failures of a cause below which no mechanism of it is tried."""
PARTS = (1 / 2, 2 / 3, 5 / 6)
"""The shares of a log to which models are fitted before they forecast."""


@dataclass(frozen=True)
class Trial:
    """A mechanism that was tried.

    Attributes
    ----------
    mechanism, cause : str
        The cause is empty where all have it together.
    gain : float
        In the log-probability of what followed, beside the mechanisms that were kept.
    alone : float
        The same beside none.
    kept : bool
    """

    mechanism: str
    cause: str
    gain: float
    alone: float
    kept: bool


@dataclass(frozen=True)
class Choice:
    """The mechanisms that were kept, and all that were tried."""

    kept: Kept
    bad_nodes: bool
    drift: bool
    bursts: frozenset[str]
    """The causes that come in bursts."""
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class State:
    """A set of mechanisms."""

    kept: Kept
    bad_nodes: bool = False

    def switched(self, mechanism: str, cause: int) -> State:
        """The same with one more, or without the one if it has it."""
        if mechanism == BAD:
            return State(self.kept, not self.bad_nodes)
        kept = list(self.kept)
        kept[cause] = kept[cause] ^ {mechanism}
        return State(tuple(kept), self.bad_nodes)

    def has(self, mechanism: str, cause: int) -> bool:
        """Whether it has one."""
        return self.bad_nodes if mechanism == BAD else mechanism in self.kept[cause]


class Months:
    """A log as it stood at the end of each month, ready to be weighed.

    Parameters
    ----------
    log : Log
    """

    def __init__(self, log: Log) -> None:
        self.log = log
        self.nodes = len(log.names)
        self.edges = drift.edges(log.seconds)
        months = len(self.edges) - 1
        self.ends = [*(round(part * months) for part in PARTS), months]
        self._gaps: dict[int, list[Gaps]] = {}
        self._models: dict[tuple[int, State], Model] = {}

    def gaps(self, month: int) -> list[Gaps]:
        """The gaps of each cause by the end of a month."""
        if month not in self._gaps:
            log = self.log.until(self.edges[month])
            _, first = bursts_of(log)
            causes = range(len(self.log.causes))
            self._gaps[month] = [gaps_of(log, cause, first) for cause in causes]
        return self._gaps[month]

    def model(self, month: int, state: State) -> Model:
        """The model of what was known by the end of a month."""
        key = month, state
        if key not in self._models:
            gaps = self.gaps(month)
            self._models[key] = fitted(gaps, self.nodes, state.kept, bad_nodes=state.bad_nodes)
        return self._models[key]

    def score(self, state: State) -> float:
        """Log-probability of what followed each part, under the model fitted to it."""
        total = 0.0
        for known, seen in zip(self.ends[:-1], self.ends[1:], strict=True):
            model = self.model(known, state)
            # What is known of the nodes' classes by then is known to the forecast as well.
            before = model.log_likelihood(self.gaps(known), self.nodes)
            total += model.log_likelihood(self.gaps(seen), self.nodes) - before
        return total

    def by_month(self, month: int, state: State) -> tuple[Floats, Floats]:
        """Failures of each month, and those expected by the model of what a month knew."""
        model = self.model(month, state)
        bad = model.badness(self.gaps(month), self.nodes)
        counts = [0.0]
        expected = [0.0]
        for k in range(1, len(self.edges)):
            gaps = self.gaps(k)
            counts.append(float(sum(part.failed.sum() for part in gaps)))
            expected.append(model.expected(gaps, self.nodes, bad))
        # A month in which nothing was expected would have no level.
        return np.diff(counts), np.maximum(np.diff(expected), 1e-9)

    def drift_gain(self, state: State) -> float:
        """What a random walk of the level adds to the score."""
        total = 0.0
        for known, seen in zip(self.ends[:-1], self.ends[1:], strict=True):
            counts, expected = self.by_month(known, state)
            total += drift.gain(counts[:seen], expected[:seen], known)
        return total

    @cached_property
    def bare(self) -> State:
        """No mechanism at all."""
        return State((frozenset(),) * len(self.log.causes))


def choose(log: Log) -> Choice:
    """Try every mechanism on a log and keep those that improve the forecast."""
    months = Months(log)
    candidates = _candidates(log)
    state, score = _greedy(months, candidates)
    walk = months.drift_gain(state)
    ageing = [item for item in candidates if item[0] == AGEING and state.has(*item)]
    if ageing:
        # A fleet of one age that wears out drifts, too: whichever forecasts better is kept.
        others = [item for item in candidates if item[0] != AGEING]
        young, less = _greedy(months, others)
        instead = months.drift_gain(young)
        if instead > ENOUGH and less + instead > score + max(walk, 0.0):
            state, score, walk = young, less, instead
    bare = months.score(months.bare)
    trials = []
    for mechanism, cause in candidates:
        kept = state.has(mechanism, cause)
        alone = months.score(months.bare.switched(mechanism, cause)) - bare
        other = months.score(state.switched(mechanism, cause))
        gain = score - other if kept else other - score
        name = "" if mechanism == BAD else log.causes[cause]
        trials.append(Trial(mechanism, name, gain, alone, kept))
    drifts = walk > ENOUGH
    trials.append(Trial(DRIFT, "", walk, months.drift_gain(months.bare), drifts))
    bursts = _bursts(log)
    trials += bursts
    coming = frozenset(trial.cause for trial in bursts if trial.kept)
    return Choice(state.kept, state.bad_nodes, drifts, coming, tuple(trials))


def _candidates(log: Log) -> list[tuple[str, int]]:
    # Where it is not known which node failed, nothing can be said of single nodes.
    if not log.nodes_known:
        return []
    counts = np.bincount(log.cause[log.cause >= 0], minlength=len(log.causes))
    causes = np.flatnonzero(counts >= FEWEST).tolist()
    repeats = [(REPEATS, cause) for cause in causes]
    ageing = [(AGEING, cause) for cause in causes]
    return [*repeats, (BAD, 0), *ageing] if causes else []


def _greedy(months: Months, candidates: Sequence[tuple[str, int]]) -> tuple[State, float]:
    """Take up the mechanism that helps most for as long as one helps."""
    state = months.bare
    score = months.score(state)
    left = list(candidates)
    while left:
        scores = [months.score(state.switched(*item)) for item in left]
        if max(scores) < score + ENOUGH:
            break
        # Of those that help alike the one that leaves the clearest marks goes first.
        alike = [k for k, value in enumerate(scores) if value > max(scores) - ENOUGH]
        best = alike[0]
        state = state.switched(*left[best])
        score = scores[best]
        del left[best]
    return state, score


def by_chance(count: int, seconds: float) -> float:
    """The probability that another of some failures begins within a minute of one by chance."""
    return -np.expm1(-TOGETHER * count / seconds)


def together_share(sizes: Indices, chance: float) -> float:
    """The share of groups of failures that are bursts, those that met by chance left out."""
    share = ((sizes > 1).sum() + 0.5) / (len(sizes) + 1)
    return float(np.clip((share - chance) / (1 - chance), 1e-3, 1 - 1e-3))


def _bursts(log: Log) -> list[Trial]:
    """Whether failures that come together in the later half are foreseen by the earlier one."""
    burst, first = bursts_of(log)
    half = log.seconds / 2
    found = []
    for cause, name in enumerate(log.causes):
        own = (log.cause == cause) & first
        count = int(own.sum())
        if count < FEWEST:
            continue
        sizes = np.where(burst >= 0, np.bincount(burst + 1)[burst + 1], 1)[own]
        early = log.start[own] < half
        met = by_chance(int((log.cause == cause).sum()), log.seconds)
        share = together_share(sizes[early], met)
        widest = max(sizes[early].max(initial=2), 2)
        late = sizes[~early]
        evenly = np.where((late > 1) & (late <= widest), 1 / (widest - 1), 0.0)
        foreseen = (1 - share) * stats.geom.pmf(late, 1 - met) + share * evenly
        # A burst wider than any before is no less likely than without bursts.
        gain = float(
            (np.log(np.maximum(foreseen, 1e-300)) - stats.geom.logpmf(late, 1 - met)).sum()
        )
        found.append(Trial(BURSTS, name, gain, gain, gain > ENOUGH))
    return found
