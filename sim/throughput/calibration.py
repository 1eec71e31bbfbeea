"""A rate measured at one size: the model is held against it there, and goes on from there."""

from collections.abc import Callable

from sim.catalogue.hardware import StepTime
from sim.errors import InputError
from sim.scenario.layout import MeasuredRate
from sim.scenario.parts import Layout, Pool
from sim.scenario.phases import Run
from sim.throughput.domain import UNPLACED, Calibrated, point
from sim.throughput.layouts import Pools, complete
from sim.throughput.plan import Plan

Planner = Callable[[Run, Pools, StepTime], Plan]


def calibrated(run: Run, pools: Pools, constants: StepTime, step: Planner) -> dict[str, Pool]:
    """The pools, where the model of those that were measured at one size is right there.

    Parameters
    ----------
    run : Run
    pools : mapping of str to Pool
    constants : StepTime
    step : callable
        Plans the step of a whole fleet.

    Raises
    ------
    InputError
        When the model fits in no layout on the chips it was measured on.
    """
    found = dict(pools)
    for name, pool in pools.items():
        measured = pool.throughput
        if measured and measured.at_chips and not isinstance(measured, Calibrated):
            right = _calibrated(name, run, pool, measured, constants, step)
            found[name] = pool.but(throughput=right)
    return found


def laid_out_like(pool: Pool, like: Pool) -> Pool:
    """A pool in the layouts that were found for it with other values of what is unknown."""
    found = pool.but(layout=like.layout)
    if pool.throughput and like.throughput:
        measured = pool.throughput.but(layout=like.throughput.layout)
        found = found.but(throughput=measured)
    return found


def _calibrated(
    name: str,
    run: Run,
    pool: Pool,
    measured: MeasuredRate,
    constants: StepTime,
    step: Planner,
) -> Calibrated:
    """What the model makes of a pool on the chips it was measured on, against the measurement."""
    chips = measured.at_chips
    assert chips is not None
    sequences = measured.at_sequences or run.batch.sequences
    there = run.but(batch=run.batch.but(sequences=sequences))
    # Its numbers have been read: units are behind them.
    plain = Calibrated.model_construct(**dict(measured), factor=1.0, place=UNPLACED)
    known = pool.but(throughput=plain, residual=None, chips=float(chips), nodes=None)
    # The model as it stands: what is not known of it is what the measurement tells.
    bare = constants.but(model_error=1.0)

    def plan(layout: Layout) -> Plan:
        alone = known.but(layout=layout.but(data=None))
        return step(there, {name: alone}, bare)

    try:
        told = _first_that_fits(plan, measured.layout or pool.layout, measured.layout is None)
    except InputError as error:
        why = str(error).removeprefix(f"{name}: ")
        raise InputError(f"{name}: throughput.at_chips {chips}: {why}") from None
    rate = measured.tokens_per_second_per_chip
    if rate is None:
        rate = told.tokens_per_step / (measured.step or 1.0) / chips
    shape = told.layouts[name]
    assert shape is not None
    return plain.but(
        tokens_per_second_per_chip=rate,
        layout=complete(shape),
        factor=told.tokens_per_s / chips / rate,
        place=point(run.model, shape, told.used_chips[name]),
    )


def _first_that_fits(plan: Callable[[Layout], Plan], layout: Layout, freely: bool) -> Plan:
    """The plan in a layout, or in the planner's where that one is too large."""
    try:
        return plan(layout)
    except InputError:
        # A layout for many chips may be too large for the few it was measured on.
        if not freely:
            raise
        return plan(Layout())
