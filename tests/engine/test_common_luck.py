"""Common random numbers: what changes leaves the luck of all else as it was."""

from __future__ import annotations

from collections import defaultdict
from copy import deepcopy
from typing import Any

import pytest
from pydantic import BaseModel

from sim.engine import simulate
from sim.results.ledger import MENDED, Move
from sim.results.run import RunResult
from sim.scenario import Scenario
from sim.scenario.parts import Checkpoint, Fabric, Recovery
from tests.engine.bare import bare_scenario, exponential, pool, weibull

REBOOTS = {"cause": "software", "lifetime": weibull(0.8, 6), "hardware": False, "detect": "5 min"}
BREAKS = {"cause": "node", "lifetime": weibull(1.4, 9), "repair": exponential(1)}
OTHER = {"cause": "other", "lifetime": exponential(3), "hardware": False}
FAR = {"chip": "H800-SXM-80", "stack": "megatron-lm", "nodes": 3}


def common(**changes: Any) -> Scenario:
    """Sixty days of two causes, with some part of the scenario changed."""
    causes = [REBOOTS | changes.pop("software", {}), BREAKS, *changes.pop("more", [])]
    fleet = {"hot_spares": 1, "failures": {"causes": causes}} | changes.pop("pool", {})
    rest = {"fleet": pool(**fleet) | changes.pop("far", {}), "horizon": "60 d"} | changes
    return bare_scenario(run={"tokens": 1e30} | rest.pop("run", {}), **rest)


def powered_failures(result: RunResult, name: str) -> dict[int, list[float]]:
    """Powered age of each node at its failures by one cause."""
    age: dict[int, float] = defaultdict(float)
    since: dict[int, float | None] = {}
    ages: dict[int, list[float]] = defaultdict(list)
    for item in result.trace:
        if item.pool != "pool" or item.node < 0:
            continue
        start = since.get(item.node, 0.0)
        if isinstance(item, Move):
            on = item.place in ("active", "hot_spare")
            if start is not None:
                age[item.node] += item.time - start
            since[item.node] = item.time if on else None
        elif item.kind == "failure" and item.what == name and start is not None:
            ages[item.node].append(age[item.node] + item.time - start)
    return ages


def repair_times(result: RunResult, name: str) -> dict[int, list[float]]:
    """How long each repair of a node took that a cause made necessary."""
    failed: dict[int, float] = {}
    waiting: set[int] = set()
    begun: dict[int, float] = {}
    took: dict[int, list[float]] = defaultdict(list)
    for item in result.trace:
        if not isinstance(item, Move):
            if item.kind == "failure" and item.what == name:
                failed[item.node] = item.time
            continue
        if item.place in MENDED and failed.get(item.node) == item.time:
            waiting.add(item.node)
        if item.place == "repair" and item.node in waiting:
            waiting.remove(item.node)
            begun[item.node] = item.time
        elif item.origin == "repair" and item.node in begun:
            took[item.node].append(item.time - begun.pop(item.node))
    return took


def agree_as_far_as_both_go(one: dict[int, list[float]], other: dict[int, list[float]]) -> int:
    """Check that the k-th number of a node is the same in both; how many were compared."""
    compared = 0
    for node in set(one) & set(other):
        both = list(zip(one[node], other[node], strict=False))
        assert [a for a, _ in both] == pytest.approx([b for _, b in both], rel=1e-9)
        compared += len(both)
    return compared


CHANGES: dict[str, dict[str, Any]] = {
    "policy": {"recovery": {"policy": "drop-replica", "reconfigure": "5 min"}},
    "restart": {"recovery": {"restart": exponential(0.02)}},
    "standby": {"recovery": {"standby": 0, "reschedule": "5 min"}},
    "crew": {"recovery": {"crew": 1}},
    "eviction": {"recovery": {"evict_after": 3}},
    "another policy": {"recovery": {"policy": "re-plan", "keep_batch": False}},
    "spares wanted again": {"recovery": {"resume_when": 1}},
    "response": {
        "recovery": {
            "response": {"time": exponential(0.05), "hours": [9, 17], "automatic": ["software"]}
        }
    },
    "failed restarts": {"recovery": {"failed_restarts": {"probability": 0.3, "automatic": 1}}},
    "bad spares": {"recovery": {"bad_spares": {"share": 0.3, "repair": "1 d"}}},
    "windows": {
        "recovery": {"windows": [{"date": "2024-01-05", "every": "7 d", "duration": "3 h"}]}
    },
    "restart scaling": {
        "recovery": {"restart": "10 min", "restart_scaling": {"chips": 16, "exponent": 0.5}}
    },
    "boxes": {"recovery": {"provision": exponential(0.1)}, "pool": {"cold_spares": 3}},
    "interval": {"checkpoint": {"interval": "10 min", "blocking": "5 s"}},
    "steps": {"checkpoint": {"interval": "100 steps"}},
    "optimal interval": {"checkpoint": {"interval": "optimal"}},
    "flush": {"checkpoint": {"interval": "1 h", "flush": "5 min", "load": "9 min", "final": True}},
    "copies in memory": {
        "checkpoint": {
            "interval": "1 h",
            "memory": {"per_interval": 4, "blocking": "1 s", "load": "10 s"},
        }
    },
    "another cause": {"more": [OTHER]},
    "detection": {"software": {"detect": exponential(0.1)}},
    "a restart of its own": {"software": {"restart": exponential(0.05)}},
    "steps thrown away": {"software": {"rollback_steps": 100}},
    "corruption": {"more": [OTHER | {"silent": True, "detect": "1 d"}]},
    "straggler": {"more": [OTHER | {"slowdown": 1.5, "detect": "1 d"}]},
    "burst": {
        "more": [OTHER | {"burst": {"probability": 0.5, "nodes": [2, 3], "shared_repair": 1}}]
    },
    "switch": {"more": [OTHER | {"scope": "switch", "hardware": True, "repair": "1 d"}]},
    "refail": {"more": [OTHER | {"refail": {"probability": 0.5, "after": "1 d"}}]},
    "nodes": {"pool": {"nodes": 6}},
    "spares": {"pool": {"cold_spares": 3}},
    "congestion": {
        "fabric": {"congestion": {"share": 0.2, "slowdown": 2, "bad": exponential(0.1)}}
    },
    "flaps": {"fabric": {"flaps": {"per_node_day": 20, "duration": "3 s", "ride_through": "10 s"}}},
    "pods": {"fabric": {"pods": 3, "pod": 2}},
    "noise": {"fabric": {"step_noise": 0.05}},
    "hot spares": {"pool": {"hot_spares": 3}},
    "layout": {"pool": {"layout": {"tensor": 4}}},
    "stack": {"pool": {"stack": "megascale"}},
    "batch": {"run": {"batch": {"sequences": 240}}},
    "start": {"start": "2025-06-01"},
    "horizon": {"horizon": "90 d"},
    "mixing": {"mixing": {"efficiency": 0.7}},
    "costs": {"costs": {"pue": 1.9}},
    "rate": {"pool": {"throughput": {"tokens_per_second_per_chip": 50.0}}},
    "another pool": {"far": {"far": FAR | {"throughput": {"tokens_per_second_per_chip": 90.0}}}},
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_changes_leaves_the_luck_of_all_else_as_it_was(what):
    for k in range(2):
        plain, changed = simulate(common(), 3, k), simulate(common(**deepcopy(CHANGES[what])), 3, k)
        # One clock each: a node's age is the same where its failure is, whenever that was.
        for name in ("software", "node"):
            lives = [powered_failures(result, name) for result in (plain, changed)]
            # Where nodes are evicted there are fewer to compare.
            assert agree_as_far_as_both_go(*lives) >= 10
        repairs = [repair_times(result, "node") for result in (plain, changed)]
        assert agree_as_far_as_both_go(*repairs) >= 10


@pytest.mark.parametrize("part", [Recovery, Checkpoint, Fabric])
def test_every_key_of_a_part_is_among_what_changes(part: type[BaseModel]):
    """A key that is new has to be held against the luck of all else as well."""
    name = part.__name__.lower()
    changed = {key for change in CHANGES.values() for key in change.get(name, {})}
    # How wide the storage is decides the flush alone, which is there.
    assert set(part.model_fields) - changed <= {"bandwidth"}


def test_another_life_is_seen_as_another():
    """A twin of the test above."""
    plain, other = simulate(common(), 3), simulate(common(software={"lifetime": "7 d"}), 3)
    with pytest.raises(AssertionError):
        agree_as_far_as_both_go(
            powered_failures(plain, "software"), powered_failures(other, "software")
        )
