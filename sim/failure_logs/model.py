"""How the nodes of a log fail, all causes together: a hazard for each, and a class of bad nodes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from sim.failure_logs.hazards import Gaps, Hazard, least, likeliest
from sim.results.ledger import Floats

ENDS = np.array(
    [[special.logit(0.003), np.log(1.5), -3], [special.logit(0.4), np.log(60), 3]]
)
"""Between which values the share of bad nodes, their factor and the level are sought."""
ROUNDS = 12
SETTLED = 0.02
"""A gain in log-likelihood that is too small to go on for."""
BAD = "bad nodes"
EVERY = -1
"""The cause of a mechanism that all causes have together."""
Mechanism = tuple[str, int]
"""What it is called, and its cause."""
Kept = frozenset[Mechanism]


@dataclass(frozen=True)
class Model:
    """A hazard for each cause, and the class of bad nodes if there is one.

    Attributes
    ----------
    hazards : tuple of Hazard
        Of good nodes.
    share, factor : float
        The share of bad nodes, and what multiplies their hazards; a share of zero is no class.
    """

    hazards: tuple[Hazard, ...]
    share: float = 0.0
    factor: float = 1.0

    @property
    def of_class(self) -> Floats:
        """The share of bad nodes, their factor and the level on the scale of the search."""
        return np.array([special.logit(self.share), np.log(self.factor), 0.0])

    def by_node(self, gaps: Sequence[Gaps], nodes: int, factor: float) -> Floats:
        """Log-likelihood of each node, were it of the class with a factor."""
        total = np.zeros(nodes)
        for hazard, part in zip(self.hazards, gaps, strict=True):
            total += np.bincount(part.node, hazard.losses(part, factor)[0], nodes)
        return total

    def log_likelihood(self, gaps: Sequence[Gaps], nodes: int) -> float:
        """Log-likelihood of a log."""
        good, bad = self._classes(gaps, nodes)
        return float(np.logaddexp(good, bad).sum())

    def badness(self, gaps: Sequence[Gaps], nodes: int) -> Floats | None:
        """The probability of each node to be bad; None if there is no such class."""
        if not self.share:
            return None
        good, bad = self._classes(gaps, nodes)
        return special.expit(bad - good)

    def _classes(self, gaps: Sequence[Gaps], nodes: int) -> tuple[Floats, Floats]:
        """Log-likelihood of each node as a good and as a bad one, times the share of these."""
        good = self.by_node(gaps, nodes, 1.0) + np.log1p(-self.share)
        if not self.share:
            return good, np.full(nodes, -np.inf)
        return good, self.by_node(gaps, nodes, self.factor) + np.log(self.share)

    def expected(self, gaps: Sequence[Gaps], bad: Floats | None) -> float:
        """Failures expected within gaps, those after incomplete repairs included."""
        total = 0.0
        for hazard, part in zip(self.hazards, gaps, strict=True):
            factor = 1.0 if bad is None else 1 + bad[part.node] * (self.factor - 1)
            open_ended = part._replace(failed=np.zeros(len(part.node), bool))
            # The expected number until a time is minus the logarithm of getting there without one.
            total -= hazard.losses(open_ended, factor)[0].sum()
        return float(total)


def of_cause(kept: Kept, cause: int) -> frozenset[str]:
    """The mechanisms of a cause."""
    return frozenset(name for name, of in kept if of == cause)


def fitted(gaps: Sequence[Gaps], nodes: int, kept: Kept) -> Model:
    """Find the model of greatest likelihood.

    With a class of bad nodes, hazards and class are found in turns: each node counts for both
    classes by its chances.
    """
    parts = [(part, of_cause(kept, cause)) for cause, part in enumerate(gaps)]
    model = Model(tuple(likeliest(part, has) for part, has in parts))
    if (BAD, EVERY) not in kept:
        return model
    model = replace(model, share=0.05, factor=5.0)
    before = -np.inf
    for _ in range(ROUNDS):
        model = _with_class(model, gaps, nodes)
        now = model.log_likelihood(gaps, nodes)
        if now - before < SETTLED:
            break
        before = now
        bad = model.badness(gaps, nodes)
        hazards = zip(parts, model.hazards, strict=True)
        found = tuple(likeliest(*part, hazard, bad, model.factor) for part, hazard in hazards)
        model = replace(model, hazards=found)
    return model


def _with_class(model: Model, gaps: Sequence[Gaps], nodes: int) -> Model:
    """The model with the likeliest class of bad nodes, and all hazards on a level with it."""
    odds, factor, level = least(class_misfit(model, gaps, nodes), model.of_class, ENDS)
    hazards = tuple(
        replace(hazard, scale=hazard.scale / np.exp(level / hazard.shape))
        for hazard in model.hazards
    )
    return Model(hazards, float(special.expit(odds)), float(np.exp(factor)))


def class_misfit(model: Model, gaps: Sequence[Gaps], nodes: int) -> Callable[[Floats], float]:
    """Minus the log-likelihood of a class of bad nodes, as a function of what is sought of it.

    Failures after incomplete repairs say nothing about the class, so they are left out by their
    chances.
    """
    chances = model.badness(gaps, nodes)
    assert chances is not None
    lives = np.zeros(nodes)
    fresh = np.zeros(nodes)
    for hazard, part in zip(model.hazards, gaps, strict=True):
        factor = 1 + chances[part.node] * (model.factor - 1)
        _, ends, expected = hazard.losses(part, factor)
        lives += np.bincount(part.node, ends, nodes)
        fresh += np.bincount(part.node, expected / factor, nodes)

    def misfit(values: Floats) -> float:
        odds, factor, level = values
        good = lives * level - fresh * np.exp(level)
        both = level + factor
        bad = lives * both - fresh * np.exp(both)
        share = special.expit(odds)
        return -float(np.logaddexp(good + np.log1p(-share), bad + np.log(share)).sum())

    return misfit
