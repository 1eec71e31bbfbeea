"""The network between nodes: congestion slows communication, flaps stop the job for seconds."""

from __future__ import annotations

import math
from heapq import heapify, heapreplace

import numpy as np

from sim.catalogue.failures import FLAPS, Cause, Congestion
from sim.catalogue.failures import Flaps as FlapSpec
from sim.engine.budget import Budget
from sim.quantities.distributions import Distribution, Mixture, Sum, Weibull
from sim.results.ledger import DAY, Floats
from sim.streams import Luck

CERTAIN = 1 - 2**-53
"""The largest uniform number below one."""


class Fabric:
    """Congestion of the parts of a job's network, each good or bad on its own, on wall time.

    All parts are good at first; the job is as slow as its slowest.
    """

    def __init__(
        self,
        congestion: Congestion | None,
        pods: int,
        luck: Luck,
        label: str = "",
        budget: Budget | None = None,
    ) -> None:
        self._budget = budget or Budget()
        self.slowdown = 1.0
        self.next_change = math.inf
        """Wall time of the next onset or end of congestion."""
        if congestion and congestion.share > 0 and congestion.slowdown > 1:
            good = congestion.bad.mean * (1 - congestion.share) / congestion.share
            self._good: Distribution = Weibull(1.0, good)
            self._bad = congestion.bad
            self._worst = congestion.slowdown
            streams = [f"congestion{label}.{pod}" for pod in range(pods)]
            self._calm = [luck.uniforms(f"{stream}.good") for stream in streams]
            self._rough = [luck.uniforms(f"{stream}.bad") for stream in streams]
            self._congested = [False] * pods
            self._changes = [(self._length(pod), pod) for pod in range(pods)]
            heapify(self._changes)
            self.next_change = self._changes[0][0]

    def advance(self, now: float) -> None:
        """Bring the state up to `now`."""
        while self.next_change <= now:
            time, pod = self._changes[0]
            self._budget.spend("changes of congestion", time)
            self._congested[pod] = not self._congested[pod]
            heapreplace(self._changes, (time + self._length(pod), pod))
            self.slowdown = self._worst if any(self._congested) else 1.0
            self.next_change = self._changes[0][0]

    def _length(self, pod: int) -> float:
        """How long the state in which a part now is lasts."""
        if self._congested[pod]:
            return self._rough[pod].draw(self._bad)
        return self._calm[pod].draw(self._good)


class Flaps:
    """Link flaps that the collectives ride through: full stops of the job.

    They arrive as a Poisson process in time that moves, which halts for the length of each. So they
    never overlap, and the time they take is an exact compound Poisson sum. They are drawn in
    growing blocks and found by bisection: a thousand a day cost no event.

    Parameters
    ----------
    spec : Flaps
    nodes : int
        Nodes whose links flap.
    luck : Luck
    label : str
        Tells the draws of several jobs apart.
    budget : Budget, optional
    """

    BLOCK = 4096

    def __init__(
        self,
        spec: FlapSpec,
        nodes: int,
        luck: Luck,
        label: str = "",
        budget: Budget | None = None,
    ) -> None:
        self._budget = budget or Budget()
        self._rate = nodes * spec.per_node_day / DAY
        self._spec = spec
        self._gaps = luck.stream(f"flaps{label}.gaps")
        self._lengths = luck.stream(f"flaps{label}.lengths")
        self._starts: Floats = np.zeros(0)
        """Moving time of each flap."""
        self._stops: Floats = np.zeros(1)
        """Seconds stopped before each flap, and after the last."""
        self._begins: Floats = np.zeros(0)
        """Running time of each flap."""
        self._drawn = -math.inf
        """Running time of the last flap."""

    def running(self, moving: float) -> float:
        """Running seconds after which `moving` of them were no stops."""
        if not self._rate:
            return moving
        while not len(self._starts) or self._starts[-1] <= moving:
            self._extend()
        return moving + float(self._stops[self._starts.searchsorted(moving)])

    def stopped(self, running: float) -> float:
        """Seconds of full stops in the first `running` seconds."""
        if not self._rate:
            return 0.0
        while self._drawn <= running:
            self._extend()
        k = int(self._begins.searchsorted(running, "right"))
        moving = running - self._stops.item(k)
        if k:
            # Within the k-th flap the clock of moving time stands at its start.
            moving = max(moving, self._starts.item(k - 1))
        return running - moving

    def _extend(self) -> None:
        """Draw as many flaps again as there are."""
        spec = self._spec
        count = max(self.BLOCK, len(self._starts))
        last = self._starts[-1] if len(self._starts) else 0.0
        starts = last + np.cumsum(-np.log1p(-self._gaps.random(count))) / self._rate
        # They are drawn and kept, but nothing happens for each: a tenth of an event at most.
        self._budget.spend("link flaps", starts.item(-1), count // 10)
        durations = spec.duration.draw(self._lengths.random((count, spec.duration.dims)))
        # The longer ones are failures, with a stream of their own: a thinned Poisson process.
        ridden = durations <= spec.ride_through
        durations = np.where(ridden, durations + spec.back_off, 0.0)
        self._starts = np.concatenate([self._starts, starts])
        self._stops = np.concatenate([self._stops, self._stops[-1] + np.cumsum(durations)])
        self._begins = self._starts + self._stops[:-1]
        self._drawn = self._begins.item(-1)


def flap_failures(spec: FlapSpec, scale: float = 1.0) -> Cause | None:
    """The flaps that last longer than a collective waits, as a cause of a table of that scale."""
    longer = 1 - share_below(spec.duration, spec.ride_through)
    # Links are no part of a node, whose failures are what the table scales.
    rate = 1000 * spec.per_node_day * longer / scale
    if not rate:
        return None
    # `detect` is what comes after the collective's timer has run out.
    return Cause(
        cause=FLAPS,
        per_1000_node_days=rate,
        clock="computing",
        hardware=False,
        detect=spec.detect,
    )


def share_below(distribution: Distribution, limit: float) -> float:
    """P(a draw ≤ limit), by bisection of the quantile function.

    A sum has none at hand: there it is the share of evenly spread points.

    Examples
    --------
    >>> round(share_below(Weibull(1.0, 10.0), 10.0), 6)
    0.632121
    """
    if isinstance(distribution, Mixture):
        parts = zip(distribution.weights, distribution.parts, strict=True)
        below = math.fsum(weight * share_below(part, limit) for weight, part in parts)
        return below / math.fsum(distribution.weights)
    if isinstance(distribution, Sum):
        points = evenly_spread(100_000, distribution.dims)
        return float(np.mean(distribution.draw(points) <= limit))
    if distribution.one(CERTAIN) <= limit:
        return 1.0
    low = 0.0
    high = 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if distribution.one(middle) <= limit:
            low = middle
        else:
            high = middle
    return low if low > 1e-15 else 0.0


def evenly_spread(count: int, dims: int) -> Floats:
    """Points of the unit cube by an additive recurrence, whose steps are powers of 1/g.

    With g the root above 1 of ``g^(dims + 1) = g + 1``, the golden ratio in one dimension.
    """
    root = 2.0
    for _ in range(50):
        root = (1 + root) ** (1 / (dims + 1))
    steps = root ** -np.arange(1.0, dims + 1)
    return np.arange(1.0, count + 1)[:, None] * steps % 1.0
