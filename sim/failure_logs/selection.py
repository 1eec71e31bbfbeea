"""Which mechanisms a log speaks for: each must improve the forecast of what it has not seen.

Models are fitted to the first half, two thirds and five sixths of a log and asked how probable the
part was that followed. A mechanism is kept if it makes what followed twenty times as probable or
more. They are taken up one after another, the one that helps most first; one that others have made
idle is left out again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import stats

from sim.failure_logs import drift
from sim.failure_logs.hazards import AGEING, REPEATS, TOGETHER, Gaps, bursts_of, gaps_of
from sim.failure_logs.log import Log
from sim.failure_logs.model import BAD, EVERY, Kept, Mechanism, Model, fitted
from sim.results.ledger import Floats

DRIFT = "drift"
WALK: Mechanism = (DRIFT, EVERY)
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


class Choice(NamedTuple):
    """The mechanisms that were kept, and all that were tried."""

    kept: Kept
    trials: Sequence[Trial]


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
        self.length = self.edges[1]
        months = len(self.edges) - 1
        self.ends = [*(round(part * months) for part in PARTS), months]
        # Sets of mechanisms are weighed again and again.
        self.gaps = cache(self._gaps)
        self.model = cache(self._model)
        self.score = cache(self._score)
        self.worth = cache(self._worth)

    def _gaps(self, month: int) -> list[Gaps]:
        """The gaps of each cause by the end of a month."""
        log = self.log.until(self.edges[month])
        _, first = bursts_of(log)
        return [gaps_of(log, cause, first) for cause in range(len(log.causes))]

    def _model(self, month: int, kept: Kept) -> Model:
        """The model of what was known by the end of a month."""
        return fitted(self.gaps(month), self.nodes, kept)

    def _score(self, kept: Kept) -> float:
        """Log-probability of what followed each part, under the model fitted to it."""
        total = 0.0
        for known, seen in pairwise(self.ends):
            model = self.model(known, kept)
            # What is known of the nodes' classes by then is known to the forecast as well.
            total -= model.log_likelihood(self.gaps(known), self.nodes)
            total += model.log_likelihood(self.gaps(seen), self.nodes)
        return total

    def by_month(self, month: int, kept: Kept) -> tuple[Floats, Floats]:
        """Failures of each month, and those expected by the model of what a month knew."""
        model = self.model(month, kept)
        bad = model.badness(self.gaps(month), self.nodes)
        counts = [0.0]
        expected = [0.0]
        for end in range(1, len(self.edges)):
            gaps = self.gaps(end)
            counts.append(float(sum(part.failed.sum() for part in gaps)))
            expected.append(model.expected(gaps, bad))
        # A month in which nothing was expected would have no level.
        return np.diff(counts), np.maximum(np.diff(expected), 1e-9)

    def _worth(self, kept: Kept) -> float:
        """The score, and what a random walk of the level adds to it where it is kept."""
        fixed = kept - {WALK}
        total = self.score(fixed)
        if WALK in kept:
            for known, seen in pairwise(self.ends):
                counts, expected = self.by_month(known, fixed)
                total += drift.gain(counts[:seen], expected[:seen], known, self.length)
        return total


def choose(log: Log) -> Choice:
    """Try every mechanism on a log and keep those that improve the forecast."""
    months = Months(log)
    candidates = _candidates(log)
    kept = _kept(months, candidates)
    trials = [_trial(months, kept, item) for item in candidates]
    for cause, name in enumerate(log.causes):
        gain = _burst_gain(log, cause)
        if gain is not None:
            trials.append(Trial(BURSTS, name, gain, gain, gain > ENOUGH))
            if gain > ENOUGH:
                kept |= {(BURSTS, cause)}
    return Choice(kept, trials)


def _trial(months: Months, kept: Kept, item: Mechanism) -> Trial:
    """What one mechanism adds to the others that were kept, and to none."""
    mechanism, cause = item
    gain = months.worth(kept | {item}) - months.worth(kept - {item})
    alone = months.worth(frozenset({item})) - months.worth(frozenset())
    name = "" if cause == EVERY else months.log.causes[cause]
    return Trial(mechanism, name, gain, alone, item in kept)


def _candidates(log: Log) -> list[Mechanism]:
    """What is tried, that which leaves the clearest marks first."""
    counts = np.bincount(log.cause[log.cause >= 0], minlength=len(log.causes))
    causes = np.flatnonzero(counts >= FEWEST).tolist()
    # Where it is not known which node failed, nothing can be said of single nodes.
    if not log.nodes_known or not causes:
        return [WALK]
    repeats = [(REPEATS, cause) for cause in causes]
    ageing = [(AGEING, cause) for cause in causes]
    return [*repeats, (BAD, EVERY), *ageing, WALK]


def _kept(months: Months, candidates: Sequence[Mechanism]) -> Kept:
    """Take up the mechanism that helps most while one helps, and leave out what has become idle."""
    kept: Kept = frozenset()
    while True:
        worths = {
            item: months.worth(kept | {item}) for item in candidates if item not in kept
        }
        most = max(worths.values(), default=-np.inf)
        if most < months.worth(kept) + ENOUGH:
            break
        # Of those that help alike the first goes first.
        kept |= {next(item for item, worth in worths.items() if worth > most - ENOUGH)}
    for item in candidates:
        # What one was taken up for another may explain as well: a level that wanders looks like
        # ageing, and so do bad nodes.
        if item in kept and months.worth(kept) < months.worth(kept - {item}) + ENOUGH:
            kept -= {item}
    return kept


def by_chance(count: int, seconds: float) -> float:
    """The probability that another of some failures begins within a minute of one by chance."""
    return -np.expm1(-TOGETHER * count / seconds)


def _burst_gain(log: Log, cause: int) -> float | None:
    """What the early bursts of a cause say of the late ones, in log-probability.

    None where it has too few failures.
    """
    burst, first = bursts_of(log)
    own = (log.cause == cause) & first
    if own.sum() < FEWEST:
        return None
    sizes = np.where(burst >= 0, np.bincount(burst + 1)[burst + 1], 1)[own]
    early = log.start[own] < log.seconds / 2
    late = sizes[~early]
    known = sizes[early]
    met = by_chance(int((log.cause == cause).sum()), log.seconds)
    share = ((known > 1).sum() + 0.5) / (len(known) + 1)
    share = np.clip((share - met) / (1 - met), 1e-3, 1 - 1e-3)
    widest = known.max(initial=2)
    evenly = np.where((late > 1) & (late <= widest), 1 / (widest - 1), 0.0)
    alone = stats.geom.logpmf(late, 1 - met)
    foreseen = (1 - share) * np.exp(alone) + share * evenly
    # A burst wider than any before is no less likely than without bursts.
    gains = np.log(np.maximum(foreseen, 1e-300)) - alone
    return float(gains.sum())
