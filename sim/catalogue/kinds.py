"""The tables of the catalogue, and the type of what each holds."""

from __future__ import annotations

from sim.catalogue.evidence import (
    Domain,
    Family,
    MeasuredJob,
    MeasuredRun,
    MeasuredTrace,
    PeerCase,
)
from sim.catalogue.failures import Congestion, CountedFleet, FailureTable, Flaps
from sim.catalogue.hardware import Chip, Model, Stack, StepTime
from sim.catalogue.market import CostMethod, Flow, PolicyEvent, RepairShop
from sim.catalogue.strict import Strict

KINDS: dict[str, type[Strict]] = {
    "chips": Chip,
    "models": Model,
    "stacks": Stack,
    "constants": StepTime,
    "runs": MeasuredRun,
    "families": Family,
    "domains": Domain,
    "jobs": MeasuredJob,
    "traces": MeasuredTrace,
    "peers": PeerCase,
    "failures": FailureTable,
    "fleets": CountedFleet,
    "fabrics": Congestion,
    "flaps": Flaps,
    "policy": PolicyEvent,
    "supply": Flow,
    "repair": RepairShop,
    "costs": CostMethod,
}
