"""Layouts completed by the planner once for all: planning takes longer than a run."""

from __future__ import annotations

from collections.abc import Mapping

from sim.catalogue.hardware import StepTime
from sim.scenario.parts import Mixing, Pool, Run
from sim.throughput.layouts import Shape, complete
from sim.throughput.speeds import Throughput

MOST = 512
"""Fleets whose layouts are remembered."""
Layouts = dict[str, Shape | None]
_REMEMBERED: dict[str, Layouts] = {}


def planned(
    run: Run, pools: Mapping[str, Pool], mixing: Mixing, constants: StepTime | None = None
) -> dict[str, Pool]:
    """The pools with every layout completed by the planner, so that it need not choose again.

    Raises
    ------
    InputError
        As `Throughput`.
    """
    found = dict(pools)
    for name, shape in _layouts(run, pools, mixing, constants).items():
        if shape:
            layout = complete(shape).model_copy(update={"data": pools[name].layout.data})
            found[name] = pools[name].model_copy(update={"layout": layout})
    return found


def _layouts(
    run: Run, pools: Mapping[str, Pool], mixing: Mixing, constants: StepTime | None
) -> Layouts:
    """The layouts, remembered by all that they depend on: worlds and sweeps seldom change it."""
    fleet = {
        name: (
            pool.active_nodes,
            pool.chip,
            pool.stack,
            pool.layout,
            pool.throughput,
            pool.layer_seconds,
            pool.residual,
        )
        for name, pool in pools.items()
    }
    key = repr((run, fleet, mixing, constants))
    if key not in _REMEMBERED:
        if len(_REMEMBERED) == MOST:
            _REMEMBERED.clear()
        _REMEMBERED[key] = Throughput(run, pools, mixing, constants=constants).full.layouts
    return _REMEMBERED[key]
