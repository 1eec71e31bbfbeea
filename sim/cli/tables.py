"""The table of each answer for a spreadsheet: rows made from the JSON, with unit and status."""

from __future__ import annotations

from typing import Any

from sim.cli.answers import STEP_UNITS

Row = dict[str, Any]
OF_MEAN = {"interval": "95 % of the mean"}
"""What lies between `lo` and `hi`."""


def written(rows: list[Row]) -> str:
    """Write rows with one header; what is counted has the unit `number`."""
    # Loaded here, as it takes longer than a few runs.
    import pandas as pd

    # As objects, or whole numbers would become fractions in a column with gaps.
    table = pd.DataFrame(rows, dtype=object)
    table["unit"] = table["unit"].replace("", "number")
    return table.to_csv(index=False, lineterminator="\n").removesuffix("\n")


def run(answer: Row) -> list[Row]:
    """A row a metric; where the spread is split, with the share of each source."""
    rows = _metrics(answer, answer)
    for row in rows:
        parts = answer.get("split", {}).get(row["metric"], {})
        row |= {f"share_{name}": part["share"] for name, part in parts.items() if "share" in part}
    return rows


def sweep(answer: Row) -> list[Row]:
    """A row a point and metric."""
    points = answer["points"]
    return [point["at"] | row for point in points for row in _metrics(point, answer)]


def _metrics(point: Row, answer: Row) -> list[Row]:
    rest = OF_MEAN | {"finished": point["finished"], "status": point["status"]}
    units = answer["units"]
    return [
        # A point may have chips, and so metrics, that the scenario itself lacks.
        {"metric": name, "unit": units.get(name, ""), **values, **rest}
        for name, values in point["metrics"].items()
    ]


def compare(answer: Row) -> list[Row]:
    """One row: the metric of both sides, and the mean and the median of their difference."""
    sides = answer["a"], answer["b"]
    metric = answer["metric"]
    row = {"metric": metric, "unit": sides[0]["units"][metric]}
    parts = {"a": sides[0]["summary"], "b": sides[1]["summary"]}
    parts |= {"difference": answer["difference"], "difference_median": answer["median"]}
    for name, values in parts.items():
        row |= {f"{name}_{key}": value for key, value in values.items()}
    # Both are told where they differ: the difference is worth no more than either.
    status = " and ".join(dict.fromkeys(side["status"] for side in sides))
    rest = {key: answer[key] for key in ("pairs", "censored")}
    return [row | rest | {"interval": "95 % of the mean or median", "status": status}]


def sensitivity(answer: Row) -> list[Row]:
    """A row an unknown constant."""
    metric = answer["metric"]
    unit = "share of the variance" if answer["method"] == "sobol" else answer["units"][metric]
    rest = {"interval": "95 %: ± conf", "status": answer["status"]}
    return [{"metric": metric, **row, "unit": unit, **rest} for row in answer["unknowns"]]


def size_stock(answer: Row) -> list[Row]:
    """A row a number tried: `p` is the probability with which it is enough."""
    path = answer["path"]
    unit = "nodes" if path.endswith("_spares") else answer["unit"]
    rest = {"interval": "95 % of p", "by": answer["by"], "status": answer["tried_status"]}
    return [
        {"path": path, "value": int(number), "unit": unit, **share, **rest}
        for number, share in answer["tried"].items()
    ]


def advise(answer: Row) -> list[Row]:
    """A row an option; `value`, `behind`, `lo` and `hi` are in its unit."""
    rest = {"unit": answer["unit"], "interval": "95 % of behind, for all options at once"}
    found = []
    for option in answer["options"]:
        at, cost = option.pop("at"), option.pop("cost")
        found.append(at | option | {"cost_usd": cost} | rest)
    return found


def worlds(answer: Row) -> list[Row]:
    """A row for each world, date and quantity; `abroad` is how often the largest run is there."""
    abroad = {(row["world"], row["date"]): row["share"] for row in answer["abroad"]}
    found = []
    for row in answer["largest"]:
        world, date, quantity = row["world"], row["date"], row["quantity"]
        # How far a stock reaches over a need is a ratio.
        unit = answer["units"].get(f"largest.{date}_{quantity}", "ratio")
        rest = {"interval": "95 % of the median", "abroad": abroad.get((world, date))}
        found.append(row | {"unit": unit, **rest, "status": answer["statuses"][world]})
    return found


def step_time(answer: Row) -> list[Row]:
    """A row a number of the step, or of each part or pool of it."""
    found = []
    for quantity, unit in STEP_UNITS.items():
        values = answer[quantity]
        if not isinstance(values, dict):
            values = {"": values}
        for of, value in values.items():
            row = {"quantity": quantity, "of": of, "value": value, "unit": unit}
            found.append(row | {"status": answer["status"]})
    return found


def validate(answer: Row) -> list[Row]:
    """A row a number that is held against another; the status is that of what is expected."""
    tables = {name: rows for name, rows in answer.items() if isinstance(rows, list)}
    return [{"table": name, **row} for name, rows in tables.items() for row in rows]


def claims(answer: Row) -> list[Row]:
    """A row a reading of a sentence."""
    return answer["claims"]


def fit(answer: Row) -> list[Row]:
    """A row a fitted parameter."""
    rest = {"interval": "95 %", "status": answer["status"]}
    units = answer["units"]
    return [
        {"parameter": name, **values, "unit": units[name], **rest}
        for name, values in answer["parameters"].items()
    ]
