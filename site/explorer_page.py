"""What the page of the explorer is told: its handles, their words and colours, and the points."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
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
        "lines": handle(
            "chip",
            "Kind of weak chip",
            (
                choice(chip, chip, name, **colours(chip_colour(chip)))
                for chip, name in chips.items()
            ),
            always=list(chips),
        ),
        "handles": [
            handle(
                "interval",
                "Time between checkpoints",
                (choice(one, one, f'--set "checkpoint.interval={one}"') for one in INTERVALS),
            ),
            handle(
                "spares",
                "Spare nodes of the weak chips",
                (choice(one, f"{one:.0%} of their nodes") for one in SPARES),
            ),
        ],
        "across": handle(
            "chips",
            "Weak chips added",
            (choice(one, f"{one:,}", place=float(np.log2(one))) for one in COUNTS),
        ),
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
        choice(name, one.title, name, **colours("#0072B2"))
        for name, one in country.worlds.items()
    ]
    growths = {1.0: "it stays the same"}
    drawn = choice(name_of(None), UNKNOWN)
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
        "lines": handle(
            "world",
            "World",
            lines,
            always=[AS_IT_WAS],
            more=[choice(AS_IT_WAS, "As it was", **colours("#555555"))],
        ),
        "handles": [
            handle(
                "share",
                "Part of its owner's chips that one run has",
                (
                    drawn,
                    *(
                        choice(name_of(one), f"{one:.0%}", f"--set outlook.shares.run={one}")
                        for one in SHARES[1:]
                    ),
                ),
            ),
            handle(
                "growth",
                "Growth of what the frontier needs",
                (
                    drawn,
                    *(
                        choice(
                            name_of(one),
                            growths.get(one, f"{one:g} times as much every year"),
                            f'--set "outlook.needs.{NEED}.growth={one} per yr"',
                        )
                        for one in GROWTHS[1:]
                    ),
                ),
            ),
        ],
        "across": handle(
            "date",
            "End of the year",
            (choice(date, str(date.year), place=date.year) for date in country.dates),
        ),
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


def handle(name: str, label: str, choices: Iterable[Row], **more: Any) -> Row:
    """What can be moved, and its positions."""
    return {"name": name, "label": label, "choices": list(choices), **more}


def choice(value: object, label: str, line: str = "", **more: Any) -> Row:
    """A position of a handle, with its words on the command line, of which some need none."""
    return {"value": str(value), "label": label, "set": line, **more}


def script() -> str:
    """The data of the page as a script, as a page that is opened from a file may load nothing."""
    text = FILE.read_bytes()
    if HASH.read_text() != f"{sha256(text).hexdigest()}  {FILE.name}\n":
        sys.exit(f"{FILE} is not what {HASH.name} says; run: make explorer-data")
    data = json.loads(text)
    views = [exchange_view(data["exchange"]), world_view(data["worlds"])]
    return f"const EXPLORER = {json.dumps({'runs': data['runs'], 'views': views})};\n"
