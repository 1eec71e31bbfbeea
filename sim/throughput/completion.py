"""Layouts completed by the planner once for all: planning takes longer than a run."""

from sim.catalogue.hardware import StepTime
from sim.scenario.parts import Mixing, Pool
from sim.scenario.phases import Run
from sim.throughput.calibration import laid_out_like
from sim.throughput.layouts import Pools, complete, traits
from sim.throughput.speeds import Throughput

MOST = 512
"""Fleets whose layouts are remembered."""
_REMEMBERED: dict[str, dict[str, Pool]] = {}


def planned(
    run: Run, pools: Pools, mixing: Mixing, constants: StepTime | None = None
) -> dict[str, Pool]:
    """The pools with every layout completed by the planner, so that it need not choose again.

    Raises
    ------
    InputError
        As `Throughput`.
    """
    # All that layouts depend on: worlds and sweeps seldom change any of it.
    fleet = {name: (pool.active_nodes, traits(pool)) for name, pool in pools.items()}
    key = repr((run, fleet, mixing, constants))
    if key not in _REMEMBERED:
        if len(_REMEMBERED) == MOST:
            _REMEMBERED.clear()
        _REMEMBERED[key] = _completed(Throughput(run, pools, mixing, constants=constants))
    return {
        **pools,
        **{n: laid_out_like(pools[n], like) for n, like in _REMEMBERED[key].items()},
    }


def _completed(fleet: Throughput) -> dict[str, Pool]:
    """The pools of a fleet that take part, with complete layouts."""
    found = {}
    for name, shape in fleet.full.layouts.items():
        if shape:
            pool = fleet.pools[name]
            layout = complete(shape).but(data=pool.layout.data)
            found[name] = pool.but(layout=layout)
    return found
