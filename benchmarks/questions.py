"""The work that is timed."""

from __future__ import annotations

from typing import Any

from sim import load_scenario
from sim.scenario import Scenario

REPAIR = {"exponential": {"mean": "2 d"}}
TIMES = {"detect": "5 min", "repair": REPAIR}
SIZES = (1_024, 4_096, 16_384, 65_536, 131_072)
A_DAY = 200


def peer_default() -> Scenario:
    """The peer's default work: 4,096 servers of 4,160 for 256 days."""
    return load_scenario("airesim-default").override({"constants.model_error": 1})


def peer(servers: int) -> Scenario:
    """The peer's work on another number of servers, 32 days of it."""
    tokens = 32 * 86400 * servers * 100
    return peer_default().override({"run.tokens": tokens, "fleet.servers.nodes": servers})


def size(nodes: int) -> Scenario:
    """Nodes of eight chips that fail two hundred times a day of computing, for 80 days."""
    rate = 1000 * A_DAY / nodes
    return _job(
        nodes,
        {
            "causes": [
                {"cause": "node", "per_1000_node_days": rate, "clock": "computing", **TIMES}
            ]
        },
        horizon="80 d",
    )


def flaps(a_day: float) -> Scenario:
    """A year of 2,048 nodes, with so many link flaps a day."""
    length = {"lognormal": {"median": "3 s", "sigma": 0.7}}
    flap = {"per_node_day": a_day / 2048, "duration": length, "ride_through": "10 min"}
    run = {"tokens": 8 * 2048 * 366 * 86400.0}
    return _job(
        2048,
        "hopper-llama-3",
        horizon="1 yr",
        run=run,
        fabric={"flaps": flap} if a_day else {},
    )


def everything() -> Scenario:
    """Every mechanism that can stop, slow, mend or shrink a job, in three years of 256 nodes."""
    again = {"probability": 0.25, "after": {"weibull": {"shape": 0.7, "mean": "1 d"}}}
    shock = {"probability": 0.5, "nodes": [2, 8], "shared_repair": 0.5}
    found_late = {"detect": "2 h", "repair": REPAIR}
    causes = [
        {"cause": "gpu", "scope": "chip", "per_1000_node_days": 4, "permanent": 0.3, **TIMES},
        {"cause": "host", "per_1000_node_days": 6, "refail": again, **TIMES},
        {
            "cause": "software",
            "scope": "job",
            "per_1000_node_days": 4,
            "hardware": False,
            "detect": "5 min",
        },
        {"cause": "switch", "scope": "switch", "per_1000_node_days": 0.05, **TIMES},
        {"cause": "power", "per_1000_node_days": 0.2, "burst": shock, **TIMES},
        {"cause": "corruption", "per_1000_node_days": 0.2, "silent": True, **found_late},
        {"cause": "straggler", "per_1000_node_days": 0.5, "slowdown": 1.1, **found_late},
        {
            "cause": "ageing",
            "lifetime": {"weibull": {"shape": 2, "mean": "400 d"}},
            "permanent": 0.05,
            **TIMES,
        },
    ]
    bad = {"share": 0.1, "factor": 4, "cured": 0.5}
    return load_scenario(
        {
            "like": "deepseek-v3",
            "name": "everything",
            "horizon": "3 yr",
            "run": {"tokens": 3.3e14},
            "fleet": {
                "good": {"cold_spares": 200, "failures": {"bad_nodes": bad, "causes": causes}}
            },
            "checkpoint": {
                "interval": "30 min",
                "memory": {"per_interval": 10, "blocking": "0.2 s", "load": "10 s"},
            },
            "recovery": {
                "policy": "drop-replica",
                "reschedule": "3 min",
                "provision": "20 min",
                "reconfigure": "10 min",
                "crew": 64,
                "evict_after": 20,
            },
            "fabric": {"flaps": "hpn", "pods": 4, "pod": 8},
            "depot": {
                "stock": {"H800-SXM-80": "512 chips"},
                "repair": "china-shops",
                "vendor": {"lead": "30 d"},
                "cannibalise": True,
            },
        }
    )


def _job(nodes: int, failures: Any, **keys: Any) -> Scenario:
    return load_scenario(
        {
            "like": "hopper-job",
            "name": "job",
            "fleet": {
                "job": {
                    "nodes": nodes,
                    "hot_spares": 16,
                    "cold_spares": 400,
                    "failures": failures,
                }
            },
            "checkpoint": {
                "interval": "30 min",
                "blocking": "1 s",
                "flush": "30 s",
                "load": "1 min",
            },
            "recovery": {"restart": "5 min", "restart_scaling": None},
            "fabric": {"step_noise": 0},
            **keys,
        }
    )
