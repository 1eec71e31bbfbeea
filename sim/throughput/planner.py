"""Choosing a layout: a short enumeration of those that fit in memory; the fastest wins."""

from __future__ import annotations

import math

from sim.catalogue.hardware import StepTime
from sim.errors import InputError
from sim.scenario.parts import Layout, Pool, Run
from sim.throughput.layouts import Shape, candidates, check, distance
from sim.throughput.memory import stage_bytes
from sim.throughput.stage import Group, pool_group

PLENTY = 10**6
"""Chips without end, to ask how many a replica would need."""


def best(
    kind: tuple[str, ...],
    run: Run,
    pool: Pool,
    chips: int,
    microbatches: int,
    constants: StepTime,
) -> Group:
    """The group of a pool that runs its part of the batch fastest.

    Parameters
    ----------
    kind : tuple of str
        Names of the pools that are alike and give their chips to it.
    pool : Pool
        Any of them.
    chips : int
        At hand.
    microbatches : int
        The pool's part of a step.

    Raises
    ------
    InputError
        When no layout allowed fits on the chips and in their memory, with the numbers and the
        nearest that does.
    """
    name = " + ".join(kind)
    check(run.model, pool.layout, name)
    winner, quickest = None, math.inf
    for shape in candidates(run.model, pool, pool.layout, run.batch.micro, chips):
        ranks = _ranks(shape, pool.layout, chips)
        if not ranks or _need(run, pool, shape, ranks, microbatches, constants) > _roof(
            pool, constants
        ):
            continue
        group = pool_group(kind[0], run, pool, shape, ranks, microbatches, constants)
        seconds = group.seconds(-(-microbatches // ranks))
        if seconds < quickest:
            winner, quickest = group, seconds
    if winner is None:
        raise InputError(f"{name}: {_why_not(run, pool, chips, microbatches, constants)}")
    return winner


def _ranks(shape: Shape, fixed: Layout, chips: int) -> int:
    """Data-parallel ranks: as given, or all that fit in whole expert groups; none if they do not
    fit.
    """
    most = chips // shape.replica_chips * shape.expert
    return (
        most
        if fixed.data is None
        else fixed.data * (fixed.data <= most and fixed.data % shape.expert == 0)
    )


def _need(
    run: Run, pool: Pool, shape: Shape, ranks: int, microbatches: int, constants: StepTime
) -> float:
    layers = run.model.layers / shape.pipeline
    return stage_bytes(
        run.model, shape, pool.chip, layers, ranks, -(-microbatches // ranks), 0, constants
    )


def _roof(pool: Pool, constants: StepTime) -> float:
    return constants.memory_share * pool.chip.memory


def _why_not(run: Run, pool: Pool, chips: int, microbatches: int, constants: StepTime) -> str:
    """The reason in numbers, and the nearest layout that works."""
    model, micro, fixed, roof = run.model, run.batch.micro, pool.layout, _roof(pool, constants)
    title = model.title or "the model"

    def need(shape: Shape, hold: int) -> float:
        return _need(
            run, pool, shape, max(_ranks(shape, Layout(), hold), 1), microbatches, constants
        )

    asked = list(candidates(model, pool, fixed, micro, PLENTY))
    given = min(
        asked,
        key=lambda shape: (
            shape.replica_chips > chips,
            need(shape, max(chips, shape.replica_chips)),
        ),
    )
    open_ = Layout(context=fixed.context, schedule=fixed.schedule)
    fitting = [s for s in candidates(model, pool, open_, micro, chips) if need(s, chips) <= roof]
    if not fitting:
        possible = (
            s
            for s in candidates(model, pool, open_, micro, PLENTY)
            if need(s, s.replica_chips) <= roof
        )
        fewest = min(possible, key=lambda shape: shape.replica_chips, default=None)
        least = (
            f"the smallest needs {fewest.replica_chips} ({fewest})"
            if fewest
            else "no number would do"
        )
        return f"{chips} chips of {roof / 1e9:.0f} GB cannot hold one replica of {title}; {least}"
    near = min(fitting, key=lambda shape: distance(shape, given))
    hint = f"nearest layout that works: {near} ({need(near, chips) / 1e9:.1f} GB a chip)"
    if fixed.data and fixed.data * given.rank_chips > chips:
        wanted = fixed.data * given.rank_chips
        return f"layout: {fixed.data} ranks of {given.rank_chips} chips need {wanted}, available {chips}; {hint}"
    if given.replica_chips > chips:
        ranks = chips // given.rank_chips
        spread = (
            f"expert {given.expert} needs as many data-parallel ranks and there are {ranks}; experts cannot be spread "
            "across chip types; "
        )
        reason = spread if given.expert > ranks else ""
        return f"layout: one replica needs {given.replica_chips} chips, available {chips} ({given}); {reason}{hint}"
    return f"layout: needed {need(given, chips) / 1e9:.1f} GB a chip, available {roof / 1e9:.1f} GB ({given}); {hint}"
