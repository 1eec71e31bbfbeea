"""How far a case lies from what was published, and how wrong its step time may be."""

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from sim import catalogue
from sim.catalogue.evidence import Domain, Point
from sim.catalogue.hardware import Model
from sim.scenario.layout import MeasuredRate
from sim.scenario.parts import Pool
from sim.throughput.kernels import inner_width, tokens
from sim.throughput.layouts import Placement, Shape

NINETY = 1.6449
"""Standard deviations on each side that hold 90 % of a normal distribution."""


class Calibrated(MeasuredRate):
    """A rate measured at one size, and the model held against it there."""

    factor: float
    """What the model's step has to be multiplied by to be right there."""
    place: Point
    """The measured case."""


UNPLACED = Point(1.0, 1.0, 1.0, 1.0)
"""Of a rate whose place is still to be found."""


class Reach(NamedTuple):
    """Where a case lies relative to the published runs on its stack, or to the user's own.

    Attributes
    ----------
    inside : bool
    distance : float
        In log units.
    measure : str
        What differs most from the nearest published run, in words.
    spread : float
        Standard deviation of the logarithm of the step time's error.
    calibrated_at : int or None
        Chips of the user's own measurement, if there is one.
    """

    inside: bool
    distance: float
    measure: str
    spread: float
    calibrated_at: int | None = None

    def report(self) -> dict[str, Any]:
        """What is printed as JSON: `band90` holds factors on the step time, nine of ten cases."""
        found = self._asdict()
        if math.isinf(self.distance):
            found["distance"] = None
        half = NINETY * self.spread
        found["band90"] = [math.exp(-half), math.exp(half)]
        return found


@cache
def rule() -> Domain:
    """The rule of the domain, with what was fitted of it."""
    return catalogue.entry("domains", "step-time").item


@cache
def fitted_stacks() -> frozenset[tuple[str, bool]]:
    """Stacks that constants were fitted on, each with whether it was to models with experts."""
    families = [entry.item for entry in catalogue.table("families").values()]
    return frozenset((one.stack, one.experts) for one in families if one.role == "fitted")


def point(model: Model, shape: Shape, chips: int) -> Point:
    """What the distance of a case is measured by."""
    return Point(
        model.hidden / shape.tensor,
        tokens(model, shape),
        inner_width(model) / shape.expert_split,
        chips,
    )


def reach(
    pool: Pool, model: Model, at: Point, published: Sequence[Point] | None = None
) -> Reach:
    """How far a case on a pool lies from the published runs on its stack, or from its own.

    Where the user has measured, the model is right; from there on its error grows as it does
    between two published runs.

    Parameters
    ----------
    pool : Pool
    model : Model
    at : Point
    published : sequence of Point, optional
        Those of the catalogue unless given.
    """
    known = rule()
    own = pool.throughput
    if isinstance(own, Calibrated):
        distance, words = _nearest(at, (own.place,), "the measured run")
        if distance < 0.01:
            words = "as measured"
        spread = min(known.slope * distance, known.most)
        return Reach(distance <= known.limit, distance, words, spread, own.at_chips)
    stack = pool.stack.name
    if published is None:
        published = known.points.get(stack, ())
    variance = known.near**2
    # A stack that was fitted to dense models only says nothing of its kernels for experts.
    if (stack, model.experts is not None) not in fitted_stacks():
        variance += known.unseen**2
    if not published:
        spread = min(math.sqrt(variance + (known.slope * known.limit) ** 2), known.most)
        return Reach(False, math.inf, f"no run on the stack {stack}", spread)
    distance, words = _nearest(at, tuple(published), f"the nearest run on {stack}")
    if distance < 0.01:
        words = f"as a run on {stack}"
    if variance > known.near**2:
        words += ", where nothing was fitted to such models"
    spread = min(math.sqrt(variance + (known.slope * distance) ** 2), known.most)
    return Reach(distance <= known.limit, distance, words, spread)


MEASURES = {
    "width": "width of a layer on a chip",
    "tokens": "tokens of a micro-batch",
    "inner": "inner width of an expert",
    "chips": "number of chips",
}


# Many layouts lie at one place, and each is asked for again in every run.
@lru_cache(maxsize=4096)
def _nearest(at: Point, published: tuple[Point, ...], what: str) -> tuple[float, str]:
    """The distance to the nearest of some runs, and what differs most from it."""
    apart = [_differences(at, other) for other in published]
    differences = min(apart, key=lambda found: sum(part**2 for part in found.values()))
    distance = math.sqrt(sum(part**2 for part in differences.values()))
    name = max(differences, key=lambda key: abs(differences[key]))
    factor = math.exp(differences[name] / getattr(rule().weights, name))
    words = f"{MEASURES[name]} {factor:.2g} times that of {what}"
    return distance, words


def taken_rate(pool: Pool) -> float | None:
    """Tokens per second of a chip that are taken as measured, whatever the size."""
    measured = pool.throughput
    if measured is None or measured.at_chips:
        return None
    return measured.tokens_per_second_per_chip


def _differences(at: Point, other: Point) -> dict[str, float]:
    """Weighed logarithms of the ratios, by measure."""
    weights = rule().weights
    ratios = zip(Point._fields, at, other, strict=True)
    return {name: getattr(weights, name) * math.log(a / b) for name, a, b in ratios}


def error_factor(placed: Placement) -> float:
    """What the residuals drawn for all chips, and for this chip and stack, make of a step.

    The draws are those of a case right at a published run; they grow with the distance.
    """
    pool = placed.pool
    own = pool.throughput
    known = own.factor if isinstance(own, Calibrated) else 1.0
    drawn = float(placed.constants.model_error) * float(pool.residual or 1.0)
    # At the modes there is nothing to grow, and no distance to find.
    if drawn == 1.0:
        return known
    if pool.residual is None and not isinstance(own, Calibrated):
        return drawn
    chips = placed.ranks * placed.shape.rank_chips
    spread = reach(pool, placed.model, point(placed.model, placed.shape, chips)).spread
    return known * drawn ** (spread / rule().near)
