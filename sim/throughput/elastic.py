"""What a fleet that has lost nodes can still do, under each elastic policy: the only list of them.

A policy is a function from the planned fleet and the chips left to the groups of ranks that train
on them; None where it has nothing to offer. The fleet takes what it offers only if that is faster
than dropping replicas, which is what every policy falls back to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from sim.errors import InputError
from sim.throughput.layouts import Chips, complete
from sim.throughput.stage import Group

if TYPE_CHECKING:  # a fleet asks for its elastic plans, not the other way round
    from sim.throughput.speeds import Throughput

ElasticPolicy = Literal["drop-replica", "re-route", "re-plan"]
Groups = tuple[Group, ...]


def drop_replica(fleet: Throughput, chips: Chips) -> Groups:
    """The planned groups with as many ranks as the chips hold, in whole expert groups."""
    found = []
    for group in fleet.groups:
        ranks = group.ranks
        for name, shape in group.shapes.items():
            units = fleet.held(name, chips) // (shape.rank_chips * group.expert)
            ranks = min(ranks, units * group.expert)
        found.append(replace(group, ranks=ranks))
    return tuple(found)


def re_route(fleet: Throughput, chips: Chips) -> Groups | None:
    """The planned groups at full strength, the lost chips spread evenly over their stages.

    The peers of a lost stage run its micro-batches in addition to their own (ReCycle, SOSP 2024).
    """
    found = []
    for group in fleet.groups:
        lost = 0
        for name, shape in group.shapes.items():
            missing = group.chips(name) - fleet.held(name, chips)
            lost = max(lost, -(-missing // shape.replica_chips))
        changed = group.rerouted(lost) if lost else group
        if changed is None:
            return None
        found.append(changed)
    return tuple(found)


def re_plan(fleet: Throughput, chips: Chips) -> Groups | None:
    """New layouts for the chips that are left, with tensor and expert parallelism as they are."""
    pools = dict(fleet.pools)
    for group in fleet.groups:
        for name, shape in group.shapes.items():
            # Tensor and expert parallelism cut the weights: to change them would move them all.
            layout = complete(shape).but(pipeline=None, virtual=None, recompute=None)
            pools[name] = pools[name].but(layout=layout)
    try:
        return fleet.grouped(chips, pools, given_up=True)
    except InputError:
        return None


POLICIES: dict[ElasticPolicy, Callable[[Throughput, Chips], Groups | None]] = {
    "drop-replica": drop_replica,
    "re-route": re_route,
    "re-plan": re_plan,
}
