"""Random cases with listed lives, for the oracle, and the same in the words of a scenario."""

from __future__ import annotations

from random import Random
from typing import Any

from sim.scenario import Scenario
from tests.engine.bare import RATE, bare_scenario, lone, pool
from tests.oracles.one_job import Case, Cause

MINUTE = 60.0
HOUR = 3600.0


def case_of(seed: int) -> Case:
    """A random case: each mechanism is there or not."""
    draw = Random(seed)

    def maybe(*values: Any, otherwise: Any = 0) -> Any:
        return draw.choice(values) if draw.random() < 0.5 else otherwise

    nodes = draw.choice([1, 2, 3, 4, 6])
    hot = maybe(1, 2)
    cold = maybe(1, 2, 3)
    interval = draw.uniform(0.5, 3) * HOUR
    copies = maybe(2, 3, otherwise=1)
    causes: list[Cause] = []
    for number in range(draw.randint(1, 5)):
        node = draw.randrange(nodes + hot + cold)
        causes.append(_cause(draw, f"c{number}", node, interval))
    return Case(
        causes=tuple(causes),
        nodes=nodes,
        replica=maybe(2, otherwise=1) if nodes % 2 == 0 else 1,
        hot=hot,
        cold=cold,
        pod=draw.choice([1, 2, 3]),
        work=draw.uniform(20, 60) * HOUR,
        horizon=draw.uniform(60, 120) * HOUR,
        drop=maybe(True, otherwise=False),
        interval=interval,
        # A planned stop of no length would end between two returns of one instant.
        blocking=draw.choice([0.1, 1.0, 4.0]) * MINUTE,
        flush=min(maybe(7.0) * MINUTE, interval / copies / 3),
        load=maybe(3.0) * MINUTE,
        final=maybe(True, otherwise=False),
        copies=copies,
        copy_blocking=13.0,
        copy_load=50.0,
        restart=draw.uniform(0, 40) * MINUTE,
        reschedule=maybe(11.0) * MINUTE,
        provision=maybe(17.0) * MINUTE,
        reconfigure=maybe(23.0) * MINUTE,
        standby=maybe(0, 1, 2, otherwise=None),
        crew=maybe(1, 2, otherwise=None),
        evict_after=maybe(1, 2, 3, otherwise=None),
    )


def _cause(draw: Random, name: str, node: int, interval: float) -> Cause:
    kind = draw.choice(["loud", "loud", "switch", "silent", "slow"])
    # Copies in memory that are newer than the fault, and older than its finding, prove nothing.
    late = interval + draw.uniform(0, 9) * HOUR
    refail = draw.choice([None, draw.uniform(1, 20) * HOUR])
    return Cause(
        name,
        node,
        life=draw.uniform(3, 60) * HOUR,
        clock=draw.choice(["powered", "computing"]),
        switch=kind == "switch",
        hardware=kind == "switch" or draw.random() < 0.6,
        silent=kind == "silent",
        slowdown=draw.uniform(1.1, 2) if kind == "slow" else 1.0,
        permanent=draw.random() < 0.2,
        detect=late if kind in ("silent", "slow") else draw.choice([0.0, draw.uniform(0, HOUR)]),
        repair=draw.uniform(0, 20) * HOUR,
        refail=None if kind == "switch" else refail,
    )


def scenario_of(case: Case) -> Scenario:
    """The same case in the words of a scenario."""
    recovery = {
        key: f"{getattr(case, key)} s"
        for key in ("restart", "reschedule", "provision", "reconfigure")
    }
    limits = {key: getattr(case, key) for key in ("standby", "crew", "evict_after")}
    saving: dict[str, Any] = {
        key: f"{getattr(case, key)} s" for key in ("interval", "blocking", "flush", "load")
    }
    if case.copies > 1:
        copies = {"blocking": f"{case.copy_blocking} s", "load": f"{case.copy_load} s"}
        saving["memory"] = copies | {"per_interval": case.copies}
    return bare_scenario(
        fleet=pool(
            nodes=case.nodes,
            hot_spares=case.hot,
            cold_spares=case.cold,
            layout={"tensor": 8, "pipeline": case.replica},
            failures={"causes": [_failing(cause) for cause in case.causes]},
        ),
        recovery=recovery
        | {key: limit for key, limit in limits.items() if limit is not None}
        | {"policy": "drop-replica" if case.drop else "wait", "keep_batch": False},
        checkpoint=saving | {"final": case.final},
        fabric={"pod": case.pod},
        run={"tokens": case.work * case.nodes * 8 * RATE, "batch": {"sequences": 480}},
        horizon=f"{case.horizon} s",
    )


def _failing(cause: Cause) -> dict[str, Any]:
    keys: dict[str, Any] = {
        "cause": cause.name,
        "lifetime": f"{cause.life} s",
        "clock": cause.clock,
        "scope": "switch" if cause.switch else "node",
        "hardware": cause.hardware,
        "silent": cause.silent,
        "slowdown": cause.slowdown,
        "permanent": float(cause.permanent),
        "detect": f"{cause.detect} s",
        "repair": f"{cause.repair} s",
    }
    if cause.refail is not None:
        keys["refail"] = {"probability": 1, "after": f"{cause.refail} s"}
    return lone(cause.node, 1, **keys)
