"""Why a job stops, and the stops that have no failure of their own."""

from __future__ import annotations

from dataclasses import dataclass

from sim.catalogue.failures import Cause
from sim.engine.ageing import Failure
from sim.engine.hidden import Fault

BAD_SPARE = Cause(cause="bad spare", per_1000_node_days=0)
PLANNED = Failure(0, Cause(cause="planned stop", per_1000_node_days=0), 0.0, 0.0)


@dataclass(slots=True)
class Stop:
    """Why a job stopped, where a node or its state has to be put right.

    Attributes
    ----------
    failure : Failure
    detect : float
        Seconds until it is noticed.
    straggler : Fault or None
        Taken out in a planned stop, after a checkpoint.
    """

    failure: Failure
    detect: float
    straggler: Fault | None = None
