"""Generated scenarios of one run: every mechanism of the engine, alone and together."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from sim.results.ledger import DAY
from sim.scenario import Scenario
from tests.engine.bare import CHIPS, PLAIN, RATE, bare_scenario, exponential, weibull

WORK = 10.0 * DAY

duration = st.sampled_from(["0 s", "1 s", "10 min", "5 h", exponential(0.04)])
life = st.sampled_from(
    [
        weibull(0.6, 9),
        exponential(4),
        weibull(3, 20),
        "5 d",
        {"lognormal": {"median": "3 d", "sigma": 1}},
    ]
)
stages = [{"time": "1 h", "enough": 0.3, "success": 0.5}, {"time": exponential(1), "success": 0.8}]
failure = st.fixed_dictionaries(
    {
        "hardware": st.booleans(),
        "scope": st.sampled_from(["chip", "node", "switch", "job"]),
        "clock": st.sampled_from(["powered", "computing"]),
        "permanent": st.sampled_from([0, 0, 0.2, 1]),
        "detect": duration,
        "repair": st.sampled_from(
            ["0 s", "3 d", {"lognormal": {"median": "1 d", "sigma": 2}}, stages]
        ),
        "how": st.sampled_from([{}, {}, {"silent": True}, {"slowdown": 1.7}]),
        "rate": st.one_of(
            st.fixed_dictionaries({"lifetime": life}), st.just({"per_1000_node_days": 200})
        ),
    },
    optional={
        "nodes": st.sampled_from([[0, 0.5], [0.3, 1]]),
        "restart": duration,
        "refail": st.just({"probability": 0.5, "after": "6 h"}),
        "burst": st.sampled_from(
            [{"probability": 0.5, "nodes": [2, 4], "shared_repair": p} for p in (0, 1)]
        ),
    },
)
fleets = st.fixed_dictionaries(
    {
        "nodes": st.sampled_from([1, 2, 4, 5]),
        "hot_spares": st.integers(0, 3),
        "cold_spares": st.integers(0, 3),
    }
)
anything = st.fixed_dictionaries(
    {
        "causes": st.lists(failure, max_size=3),
        "bad": st.sampled_from([None, {"share": 0.3, "factor": 5, "cured": 0.5}]),
        "good": fleets,
        "weak": st.none() | fleets,
        "checkpoint": st.fixed_dictionaries(
            {
                "interval": st.sampled_from(["1 h", "20 min", "100 steps", "optimal"]),
                "blocking": st.sampled_from(["0 s", "1 s", "3 min"]),
                "flush": st.sampled_from(["0 s", "2 min"]),
                "load": st.sampled_from(["0 s", "5 min"]),
                "final": st.booleans(),
                "memory": st.none()
                | st.just({"per_interval": 4, "blocking": "1 s", "load": "10 s"}),
            }
        ),
        "recovery": st.fixed_dictionaries(
            {
                "policy": st.sampled_from(["wait", "drop-replica", "re-route", "re-plan"]),
                "keep_batch": st.booleans(),
                "restart": duration,
                "reschedule": duration,
                "provision": duration,
                "reconfigure": duration,
            },
            optional={
                "standby": st.integers(0, 2),
                "crew": st.integers(1, 2),
                "evict_after": st.integers(1, 4),
                "restart_scaling": st.just({"chips": 16, "exponent": 0.5}),
            },
        ),
        "fabric": st.fixed_dictionaries(
            {"pod": st.sampled_from([1, 2]), "step_noise": st.sampled_from([0, 0.02])},
            optional={
                "congestion": st.just({"share": 0.2, "slowdown": 2, "bad": exponential(0.1)}),
                "pods": st.sampled_from([1, 3]),
                "flaps": st.fixed_dictionaries(
                    {
                        "per_node_day": st.just(40),
                        "duration": st.just({"lognormal": {"median": "3 s", "sigma": 1}}),
                        "ride_through": st.sampled_from(["10 s", "1 h"]),
                    }
                ),
            },
        ),
    }
)


def scenario(example: dict[str, Any]) -> Scenario:
    causes = []
    for k, drawn in enumerate(example["causes"]):
        keys = {key: value for key, value in drawn.items() if key not in ("how", "rate")}
        causes.append(keys | drawn["how"] | drawn["rate"] | {"cause": f"c{k}"})
    table = {"causes": causes} | ({"bad_nodes": example["bad"]} if example["bad"] else {})
    plain = PLAIN["fleet"]["pool"] | {"failures": table}
    fleet = {"pool": plain | example["good"]}
    if example["weak"]:
        slow = {"chip": "H800-SXM-80", "throughput": {"tokens_per_second_per_chip": RATE / 3}}
        fleet["weak"] = plain | example["weak"] | slow
    parts = {key: example[key] for key in ("checkpoint", "recovery", "fabric")}
    return bare_scenario(horizon="30 d", fleet=fleet, run={"tokens": WORK * CHIPS * RATE}, **parts)
