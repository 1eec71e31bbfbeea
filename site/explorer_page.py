"""What the page of the explorer is told: its handles, their words and colours, and the points."""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from typing import Any

import numpy as np
from explorer_data import (
    COUNTRY,
    COUNTS,
    FILE,
    GROWTHS,
    HASH,
    HORIZON,
    INTERVALS,
    MIXED,
    NEED,
    RUNS,
    SEED,
    SHARES,
    SPARES,
    chip_of,
    name_of,
)

import sim
from sim.experiments.worlds import AS_IT_WAS
from sim.pictures.style import chip_colour, ink

Row = dict[str, Any]
UNKNOWN = "not known: drawn for every run"
ASKED = f"--replications {RUNS} --seed {SEED}"


def exchange_view(rows: list[Row]) -> Row:
    """What the page has to know to show the exchange rate."""
    chips = {chip_of(name): name for name in MIXED}
    return {
        "name": "exchange",
        "title": "What is a weak chip worth?",
        "start": {
            "show": "worth",
            "chip": chip_of(MIXED[0]),
            "interval": INTERVALS[0],
            "spares": str(SPARES[-1]),
            "chips": str(COUNTS[2]),
        },
        "status": "Counterfactual: no published run has done this. 2,048 H800 train "
        "DeepSeek-V3, and weak chips are added to them.",
        "line": f"sim compare deepseek-v3 {{chip}} --set fleet.good.cold_spares=400 --set "
        f'"horizon={HORIZON} d" {{interval}} {{row}} --metric wall_days {ASKED}',
        "lines": {
            "name": "chip",
            "label": "Kind of weak chip",
            "choices": [
                {"value": chip, "label": chip, "set": name, **colours(chip_colour(chip))}
                for chip, name in chips.items()
            ],
            "always": list(chips),
        },
        "handles": [
            {
                "name": "interval",
                "label": "Time between checkpoints",
                "choices": [
                    {"value": one, "label": one, "set": f'--set "checkpoint.interval={one}"'}
                    for one in INTERVALS
                ],
            },
            {
                "name": "spares",
                "label": "Spare nodes of the weak chips",
                "choices": [
                    {"value": str(one), "label": f"{one:.0%} of their nodes"} for one in SPARES
                ],
            },
        ],
        "across": {
            "name": "chips",
            "label": "Weak chips added",
            "choices": [
                {"value": str(one), "label": f"{one:,}", "place": float(np.log2(one))}
                for one in COUNTS
            ],
        },
        "shows": [
            {
                "name": "worth",
                "label": "H800 that one weak chip is worth",
                "unit": "H800 for each weak chip",
                "digits": {"maximumFractionDigits": 3},
                "level": [0, "0: no use"],
                "open": f"too little to finish within {HORIZON} days",
            },
            {
                "name": "days",
                "label": "Days to finish",
                "unit": "days",
                "digits": {"maximumFractionDigits": 1},
                "open": f"more than {HORIZON}",
            },
            {
                "name": "change",
                "label": "Days more or fewer than with the H800 alone",
                "unit": "days more or fewer",
                "level": [0, "0: no change"],
                "digits": {"maximumFractionDigits": 1},
                "open": f"not finished after {HORIZON} days",
            },
        ],
        "rows": rows,
    }


def colours(colour: str) -> Row:
    """A colour for lines, and the same darkened until it can be read as text."""
    return {"colour": colour, "ink": ink(colour)}


def world_view(rows: list[Row]) -> Row:
    """What the page has to know to show the worlds."""
    country = sim.load_scenario(COUNTRY)
    lines = [
        {"value": name, "label": one.title, "set": name, **colours("#0072B2")}
        for name, one in country.worlds.items()
    ]
    growths = {None: UNKNOWN, 1.0: "it stays the same"}
    return {
        "name": "worlds",
        "title": "What do export controls do?",
        "start": {
            "show": "reach",
            "world": lines[0]["value"],
            "share": name_of(None),
            "growth": name_of(None),
            "date": str(country.dates[-2]),
        },
        "status": "Counterfactual, but for the world as it was: the largest run that could be "
        "staffed in China, against what a model at the frontier needs.",
        "line": f"sim worlds {COUNTRY} {{world}} {{share}} {{growth}} {ASKED}",
        "lines": {
            "name": "world",
            "label": "World",
            "choices": lines,
            "always": [AS_IT_WAS],
            "more": [{"value": AS_IT_WAS, "label": "As it was", **colours("#555555")}],
        },
        "handles": [
            {
                "name": "share",
                "label": "Part of its owner's chips that one run has",
                "choices": [
                    choice(
                        one,
                        UNKNOWN if one is None else f"{one:.0%}",
                        f"--set outlook.shares.run={one}",
                    )
                    for one in SHARES
                ],
            },
            {
                "name": "growth",
                "label": "Growth of what the frontier needs",
                "choices": [
                    choice(
                        one,
                        growths.get(one, f"{name_of(one)} times as much every year"),
                        f'--set "outlook.needs.{NEED}.growth={one} per yr"',
                    )
                    for one in GROWTHS
                ],
            },
        ],
        "across": {
            "name": "date",
            "label": "End of the year",
            "choices": [
                {"value": str(date), "label": str(date.year), "place": date.year}
                for date in country.dates
            ],
        },
        "shows": [
            {
                "name": "reach",
                "label": "Largest run over the frontier's need",
                "unit": "times the need",
                "digits": {"maximumSignificantDigits": 2},
                "level": [1, "1: keeps up"],
                "log": True,
            },
            {
                "name": "ratio",
                "label": "Largest run over that in the world as it was",
                "unit": "times as it was",
                "digits": {"maximumSignificantDigits": 3},
                "level": [1, "1: as it was"],
                "log": True,
            },
        ],
        "rows": rows,
    }


def choice(value: float | None, label: str, line: str) -> Row:
    """A position of a handle; what is drawn needs nothing on the command line."""
    return {"value": name_of(value), "label": label, "set": "" if value is None else line}


def script() -> str:
    """The data of the page as a script, as a page that is opened from a file may load nothing."""
    text = FILE.read_bytes()
    if HASH.read_text() != f"{sha256(text).hexdigest()}  {FILE.name}\n":
        sys.exit(f"{FILE} is not what {HASH.name} says; run: make explorer-data")
    data = json.loads(text)
    views = [exchange_view(data["exchange"]), world_view(data["worlds"])]
    return f"const EXPLORER = {json.dumps({'runs': data['runs'], 'views': views})};\n"
