"""The tables of the catalogue, and the type of what each holds."""

from sim.catalogue.evidence import (
    CountedStock,
    Domain,
    Family,
    Logbook,
    MeasuredJob,
    MeasuredRun,
    MeasuredTrace,
    PeerCase,
    TrainedRun,
)
from sim.catalogue.failures import Congestion, CountedFleet, FailureTable, Flaps, Halves
from sim.catalogue.hardware import Chip, Model, Stack, StepTime
from sim.catalogue.market import (
    CostMethod,
    Flow,
    Need,
    PolicyEvent,
    Prior,
    Production,
    RepairShop,
    Shares,
)
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
    "logbooks": Logbook,
    "traces": MeasuredTrace,
    "peers": PeerCase,
    "stocks": CountedStock,
    "trained": TrainedRun,
    "failures": FailureTable,
    "fleets": CountedFleet,
    "drifts": Halves,
    "fabrics": Congestion,
    "flaps": Flaps,
    "policy": PolicyEvent,
    "supply": Flow,
    "production": Production,
    "shares": Shares,
    "needs": Need,
    "priors": Prior,
    "repair": RepairShop,
    "costs": CostMethod,
}
