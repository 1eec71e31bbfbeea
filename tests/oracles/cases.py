"""Random cases with listed lives, for the oracle, and the same in the words of a scenario."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, replace
from random import Random
from types import SimpleNamespace
from typing import Any

from sim.scenario import Scenario
from sim.streams import Luck
from tests.engine.bare import RATE, bare_scenario, lone, pool

DAY = 86400.0
MINUTE = 60.0
HOUR = 3600.0
NEVER = math.inf
SEQUENCES = 480
SEQUENCE = bare_scenario().run.model.sequence
START = dt.date(2024, 1, 1)


@dataclass(frozen=True)
class Cause:
    """A cause of failure that strikes one node again and again, each time after the same life."""

    name: str
    node: int = 0
    life: float = math.inf
    clock: str = "powered"
    switch: bool = False
    hardware: bool = True
    silent: bool = False
    slowdown: float = 1.0
    permanent: bool = False
    detect: float = 0.0
    repair: float = 0.0
    refail: float | None = None
    rollback: int = 0


def case_of(seed: int) -> SimpleNamespace:
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
    # Where an old checkpoint is made up, nobody knows which fault it holds.
    if any(cause.silent for cause in causes):
        causes = [replace(cause, rollback=0) for cause in causes]
    work = draw.uniform(20, 60) * HOUR
    phases = [(math.inf, 1.0, interval)]
    # An old checkpoint that is made up knows of no other pace.
    if not any(cause.rollback for cause in causes):
        for part in maybe([0.3], [0.6, 0.2], otherwise=[]):
            own = interval * draw.choice([1.0, 1.0, 1.7])
            phases.insert(0, (part * work, draw.uniform(0.4, 1.4), own))
    bad_share = maybe(0.3, 0.6)
    fails = maybe(0.3, 0.6)
    return SimpleNamespace(
        causes=tuple(causes),
        nodes=nodes,
        replica=maybe(2, otherwise=1) if nodes % 2 == 0 else 1,
        hot=hot,
        cold=cold,
        pod=draw.choice([1, 2, 3]),
        work=work,
        phases=phases,
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
        step=SEQUENCES * SEQUENCE / (nodes * 8 * RATE),
        response=maybe(1.5, 7.0) * HOUR,
        off_duty=maybe(11.0 * HOUR, otherwise=None),
        hours=draw.choice([(0.0, DAY), (7 * HOUR, 19 * HOUR)]),
        automatic=maybe(["c0"], ["c0", "c1"], otherwise=[])[: len(causes)],
        windows=[
            (due * DAY, every * HOUR, draw.uniform(0, 9) * HOUR)
            for due, every in maybe([(1, NEVER)], [(2, 31)], [(1, 17), (2, NEVER)], otherwise=[])
        ],
        bad_share=bad_share,
        bad_spares=listed("spare", bad_share),
        bad_spare=Cause("bad spare", repair=draw.uniform(0, 20) * HOUR),
        fails=fails,
        failing_restarts=listed("restart", fails),
        tries=draw.choice([0, 1, 2]),
    )


def listed(what: str, share: float) -> list[bool]:
    """Which of some events come true, one after another, in the luck of the engine."""
    field = Luck(0, 0).field("response")
    return [field.row(field.purpose(what), k, 0, 1)[0] < share for k in range(200)]


def _cause(draw: Random, name: str, node: int, interval: float) -> Cause:
    kind = draw.choice(["loud", "loud", "switch", "silent", "slow"])
    # Copies in memory that are newer than the fault, and older than its finding, prove nothing.
    late = interval + draw.uniform(0, 9) * HOUR
    refail = draw.choice([None, draw.uniform(1, 20) * HOUR])
    rollback = draw.choice([0, 0, draw.randint(1, 200)])
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
        rollback=rollback if kind == "loud" else 0,
    )


def scenario_of(case: SimpleNamespace) -> Scenario:
    """The same case in the words of a scenario."""
    recovery: dict[str, Any] = {
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
    if case.response:
        recovery["response"] = {
            "time": f"{case.response} s",
            "off_duty": case.off_duty and f"{case.off_duty} s",
            "hours": [hour / HOUR for hour in case.hours],
            "automatic": case.automatic,
        }
    if case.bad_share:
        repair = f"{case.bad_spare.repair} s"
        recovery["bad_spares"] = {"share": case.bad_share, "repair": repair}
    if case.fails:
        recovery["failed_restarts"] = {"probability": case.fails, "automatic": case.tries}
    windows = [
        {
            "date": str(START + dt.timedelta(seconds=due)),
            "every": f"{every} s" if every < NEVER else None,
            "duration": f"{seconds} s",
        }
        for due, every, seconds in case.windows
    ]
    return bare_scenario(
        start=str(START),
        fleet=pool(
            nodes=case.nodes,
            hot_spares=case.hot,
            cold_spares=case.cold,
            layout={"tensor": 8, "pipeline": case.replica},
            failures={"causes": [_failing(cause) for cause in case.causes]},
        ),
        recovery=recovery
        | {"windows": windows}
        | {key: limit for key, limit in limits.items() if limit is not None}
        | {"policy": "drop-replica" if case.drop else "wait", "keep_batch": False},
        checkpoint=saving | {"final": case.final},
        fabric={"pod": case.pod},
        run={
            "tokens": case.work * case.nodes * 8 * RATE,
            "batch": {"sequences": SEQUENCES},
            "phases": [
                {
                    "until": end * case.nodes * 8 * RATE,
                    "checkpoint": {"interval": f"{interval} s"},
                    "fleet": {"pool": {"throughput": {"tokens_per_second_per_chip": RATE * pace}}},
                }
                for end, pace, interval in case.phases[:-1]
            ],
        },
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
        "rollback_steps": cause.rollback,
    }
    if cause.refail is not None:
        keys["refail"] = {"probability": 1, "after": f"{cause.refail} s"}
    return lone(cause.node, 1, **keys)
