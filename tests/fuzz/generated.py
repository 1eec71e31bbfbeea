"""Scenarios and command lines that nobody would write, each made from its number alone."""

from __future__ import annotations

import json
from copy import deepcopy
from random import Random
from typing import Any

from sim.scenario.schema import schema

SCHEMA = schema()
POOL = {
    "chip": "A100-SXM-80",
    "nodes": 4,
    "stack": "megatron-lm",
    "throughput": {"tokens_per_second_per_chip": 100},
    "failures": {"causes": [{"cause": "gpu", "per_1000_node_days": 20, "repair": "1 d"}]},
}
ONE = {
    "run": {"model": "llama-3-70b", "tokens": 1e9, "batch": {"sequences": 64}},
    "fleet": {"pool": POOL},
    "horizon": "20 d",
    "checkpoint": {"interval": "1 h", "flush": "1 min"},
    "recovery": {"restart": "10 min"},
}
TWO = ONE | {
    "fleet": {"pool": POOL | {"hot_spares": 1}, "weak": POOL | {"chip": "H20-96"}},
    "recovery": {"policy": "drop-replica", "restart": "10 min"},
}
PROGRAMME = ONE | {
    "horizon": "2 yr",
    "runs": {"every": "90 d", "growth": "2 / yr", "chips": 8},
    "depot": {"stock": {"pool": 8}, "vendor": {"lead": "7 d"}, "cannibalise": True},
}
PLANNED = ONE | {"fleet": {"pool": {key: POOL[key] for key in POOL if key != "throughput"}}}
COMING = {
    "chip": "pool",
    "origin": "grey",
    "until": "2025-01-01",
    "chips": [["2024-01-01", 64]],
    "lots": {"lognormal": {"median": 8, "sigma": 0.5}},
}
OUTLOOK = PROGRAMME | {
    "depot": {
        "supply": {"flow": COMING},
        "deliveries": [{"chip": "pool", "nodes": 1, "before": "ban"}],
    },
    "policy": {
        "ban": {"date": "2024-09-01", "blocks": ["A100-SXM-80"], "trickle": 0.5, "price": 2}
    },
    "outlook": {
        "shares": {"owner": 0.25, "run": 0.1},
        "length": "90 d",
        "chips": 8,
        "needs": {"need": {"date": "2024-01-01", "flop": 1e20, "growth": "2 / yr"}},
    },
}
BASES = (ONE, TWO, PROGRAMME, PLANNED, OUTLOOK)
NUMBERS = (
    0,
    1,
    2,
    3,
    7,
    8,
    64,
    1000,
    0.5,
    0.1,
    1e-9,
    5e-324,
    1e6,
    1e7,
    1e12,
    1e18,
    1e300,
    1.8e308,
    -1,
    -0.0,
)
WRONG = (None, True, "x", "", [], {}, "nan", float("nan"), float("inf"), "1 GB", "1e400 s", [1, 2], {"like": "x"}, "\x1b[31m", "9" * 500)  # fmt: skip
WORDS = ("s", "min", "h", "d", "yr")
SCENARIOS = ("deepseek-v3", "two-thousand-plus", "embargoed-stock", "last-time-buy", "mine.yaml", "pipe", ".", "deepsek-v3", "/dev/zero", "\x1b[2J", "x" * 9999)  # fmt: skip


class Generator:
    """All that is made for one number."""

    def __init__(self, number: int) -> None:
        self.luck = Random(number)

    def scenario(self) -> dict[str, Any]:
        """A scenario of four nodes or so, changed in some places."""
        data = deepcopy(self.luck.choice(BASES))
        for _ in range(self.luck.choice((1, 1, 2, 3, 5, 8))):
            self._change(data, SCHEMA)
        return data

    def command(self) -> list[str]:
        """The words of a command."""
        pick = self.luck.choice
        verb = pick(("run", "run", "compare", "sweep", "sensitivity", "size-stock", "steptime", "trace", "catalogue", "scenarios", "schema", "figures", "boom"))  # fmt: skip
        words = [verb]
        if verb in ("catalogue", "figures"):
            return [*words, pick(("chips", "H800-SXM-80", "", "\x00", "nothing", "x" * 9999))]
        if verb in ("scenarios", "schema", "boom"):
            return words
        words += [pick(SCENARIOS) for _ in range(2 if verb == "compare" else 1)]
        for _ in range(pick((0, 1, 2))):
            words += ["--set", f"{self._path()}={json.dumps(self._any(SCHEMA, 0))[:200]}"]
        if verb == "trace":
            return [*words, "--out", pick(("out/t.json", "pipe", ".", "/dev/null", ""))]
        if verb == "steptime":
            return [*words, *pick(([], ["--json"]))]
        if verb == "sweep":
            words += ["--grid", f"{self._path()}={pick(('1,2', '[', '1 h, 2 h', ''))}"]
        if verb == "size-stock":
            words += ["--by", pick(("2025-01-01", "2024-01-02", "yesterday", "9999-12-31"))]
        if verb == "sensitivity":
            words += ["--method", "morris", "--samples", "2"]
        words += ["--replications", pick(("1", "2", "2", "0", "-1", "x"))]
        words += pick(([], ["--json"], ["--out", "out"], ["--out", "pipe"], ["--metric", "etr"]))
        return [*words, "--max-events", pick(("100", "2000", "0"))]

    def _path(self) -> str:
        keys = ("horizon", "fleet.good.chips", "fleet.good.cold_spares", "checkpoint.interval", "recovery.restart", "chips.Hopper-SXM.kernel_efficiency", "fleet.good.failures", "recovery", "runs.chips", "runs.every", "runs.growth", "depot.stock", "research", "no.such.key", "..", "fleet", "runs", "x" * 9999)  # fmt: skip
        return self.luck.choice(keys)

    def _change(self, data: dict[str, Any], part: dict[str, Any]) -> None:
        """Set something somewhere below a mapping."""
        part = self._one(part)
        if self.luck.random() < 0.03:
            data[self.luck.choice(("unknown", "like", "chps", ""))] = deepcopy(
                self.luck.choice(WRONG)
            )
            return
        names = [*part.get("properties", {}), *data]
        if not names:
            data["other"] = self._any(part, 0)
            return
        name = self.luck.choice(names)
        below = part.get("properties", {}).get(name) or part.get("additionalProperties") or {}
        inner = data.get(name)
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            inner = self.luck.choice(inner)
            below = self._one(below).get("items", {})
        if isinstance(inner, dict) and self.luck.random() < 0.9:
            self._change(inner, below if isinstance(below, dict) else {})
        else:
            data[name] = self._any(below if isinstance(below, dict) else {}, 0)

    def _any(self, part: dict[str, Any], depth: int) -> Any:
        """A value for a part of the schema, now and then one that does not belong there."""
        pick = self.luck.choice
        if self.luck.random() < 0.04 or depth > 5:
            return deepcopy(pick(WRONG))
        told = part.get("description", "")
        part = self._one(part)
        told = part.get("description", told)
        if "propertyNames" in part:
            return self._distribution(depth)
        if "enum" in part:
            return pick(part["enum"])
        if "const" in part:
            return part["const"]
        match part.get("type"):
            case "string":
                return self._text(told)
            case "number" | "integer":
                return pick(NUMBERS)
            case "boolean":
                return pick((True, False))
            case "array":
                items = part.get("items", {})
                return [self._any(items, depth + 1) for _ in range(pick((0, 1, 2, 3)))]
            case "object":
                if part.get("title") == "Uncertain":
                    low = pick(NUMBERS)
                    return {"uncertain": [low, pick((low, 1)), pick((low, 2, 1e9))]}
                wanted = part.get("properties", {"a": {}})
                share = pick((0.1, 0.5, 0.9))
                return {
                    name: self._any(below, depth + 1)
                    for name, below in wanted.items()
                    if self.luck.random() < share
                }
        return deepcopy(pick((*NUMBERS, *WRONG)))

    def _one(self, part: dict[str, Any]) -> dict[str, Any]:
        """One of the things that a part may be, references followed."""
        told = part.get("description")
        while True:
            if "$ref" in part:
                part = SCHEMA["$defs"][part["$ref"].rpartition("/")[2]]
            elif options := part.get("anyOf") or part.get("oneOf"):
                if "properties" in part:
                    break
                told = part.get("description", told)
                real = [one for one in options if one.get("type") != "null"]
                part = self.luck.choice(real if self.luck.random() < 0.95 else options)
            else:
                break
        return {"description": told} | part if told else part

    def _text(self, told: str) -> str:
        """A quantity in the unit that a description names, or a time."""
        unit = told.partition(" in ")[2].partition(",")[0] if "quantity" in told else ""
        unit = self.luck.choice(WORDS) if unit in ("", "s") else unit
        return f"{self.luck.choice(NUMBERS)} {unit}"

    def _distribution(self, depth: int) -> dict[str, Any]:
        pick = self.luck.choice

        def time() -> Any:
            return self._distribution(depth + 1) if depth < 3 and pick((0, 1)) else self._text("")

        value = self._text("")
        return pick(
            (
                lambda: {"exponential": {"mean": value}},
                lambda: {"weibull": {"shape": pick(NUMBERS), pick(("scale", "mean")): value}},
                lambda: {"lognormal": {"median": value, "sigma": pick(NUMBERS)}},
                lambda: {"triangular": [value, value, self._text("")]},
                lambda: {"empirical": [[0, "0 s"], [pick((0.5, 1)), value], [1, self._text("")]]},
                lambda: {"mixture": [[pick(NUMBERS), time()], [1, time()]]},
                lambda: {"sum": [time(), time()]},
            )
        )()
